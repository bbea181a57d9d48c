"""Each refusal becomes the exception that says how to react, and quotes no secret."""

from typing import Any

import pytest

from webhook.cluster.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    Refused,
    Unavailable,
    error_of,
)

POD = "GET /api/v1/namespaces/a/pods/b"


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        pytest.param(400, "BadRequest", Refused, id="a wrong request stays wrong"),
        pytest.param(401, "Unauthorized", Forbidden, id="our credentials"),
        pytest.param(403, "Forbidden", Forbidden, id="our permissions"),
        pytest.param(404, "NotFound", NotFound, id="nothing there"),
        pytest.param(409, "AlreadyExists", AlreadyExists, id="created by somebody else"),
        pytest.param(409, "Conflict", Conflict, id="changed by somebody else"),
        pytest.param(410, "Expired", Gone, id="too old"),
        pytest.param(422, "Invalid", Refused, id="an invalid object"),
        pytest.param(429, "TooManyRequests", Unavailable, id="later"),
        pytest.param(500, "InternalError", Unavailable, id="a broken server"),
        pytest.param(504, "Timeout", Unavailable, id="a slow server"),
    ],
)
def test_a_status_becomes(status: int, reason: str, kind: type[ClusterError]) -> None:
    error = error_of(POD, status, {"reason": reason, "message": "because"})
    assert type(error) is kind
    assert (error.status, error.reason) == (status, reason)
    assert str(error) == f"{POD}: {status} {reason} because"


def test_the_server_says_when_to_come_back() -> None:
    """Seconds as a number; a date is ignored."""
    error = error_of(POD, 429, {}, retry_after="3")
    assert isinstance(error, Unavailable)
    assert error.retry_after_s == 3
    dated = error_of(POD, 503, {}, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")
    assert isinstance(dated, Unavailable)
    assert dated.retry_after_s is None


INVALID: dict[str, Any] = {
    "reason": "Invalid",
    "message": 'webhooks[0].clientConfig.service.path: Invalid value: "/5ec2e7/policies/x"',
    "details": {"causes": [{"field": "webhooks[0].clientConfig.service.path", "message": '"/5ec2e7/policies/x"'}]},
}


@pytest.mark.parametrize(
    "path",
    [
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/x",
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        "/api/v1/namespaces/kubescrow/secrets",
    ],
)
def test_a_refusal_of_something_secret_names_fields_only(path: str) -> None:
    """The server quotes the values that it refuses, and these are secret."""
    error = error_of(f"PUT {path}", 422, INVALID)
    assert str(error) == f"PUT {path}: 422 Invalid webhooks[0].clientConfig.service.path"
