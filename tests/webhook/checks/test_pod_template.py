"""The Pod spec is found wherever one is written, and nowhere else."""

from __future__ import annotations

import pytest

from tests.webhook.checks.cases import Case, cases
from tests.webhook.policy.language import asks
from webhook.checks.pod_template import SCOPES, pod_spec


@pytest.mark.parametrize("case", cases("privileged-containers"), ids=lambda case: str(case.sentence))
def test_every_kind_is_delivered(case: Case) -> None:
    """Whatever carries a Pod spec is in the scopes, else the API server would not send it."""
    for request in case.requests():
        assert any(scope.covers(request) for scope in SCOPES)
        spec = pod_spec(request)
        assert spec is not None
        assert "containers" in spec.value


@pytest.mark.parametrize(
    ("kind", "api_version", "body"),
    [
        ("Service", "v1", {"spec": {}}),
        ("Deployment", "example.com/v1", {"spec": {"template": {"spec": {}}}}),
        ("ReplicationController", "v1", {"spec": {"replicas": 1}}),
        ("PodTemplate", "v1", {"template": None}),
    ],
)
def test_nothing_to_judge(kind: str, api_version: str, body: dict[str, object]) -> None:
    """Other kinds, and kinds whose template is left out, have no Pod spec."""
    assert pod_spec(asks("CREATE", {"kind": kind, "apiVersion": api_version, **body})) is None


def test_scale_has_no_template() -> None:
    """A Scale comes for a Deployment but carries none of its template."""
    scale = {"kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": 3}}
    assert pod_spec(asks("UPDATE", scale, resource="deployments", subresource="scale", group="autoscaling")) is None


def test_broken_path_is_said() -> None:
    """A template that is a string is a problem with its path, not an exception."""
    spec = pod_spec(asks("CREATE", {"kind": "Job", "apiVersion": "batch/v1", "spec": {"template": "x"}}))
    assert spec is not None
    assert spec.problem == 'spec.template is "x"; make it an object'
