"""Whatever goes wrong behind a route, the API server gets an answer with the uid, and the call is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import httpx
import pytest
from structlog.testing import capture_logs

from webhook import routes
from webhook.admission.request import Request
from webhook.admission.review import BODY_LIMIT_BYTES, Answer
from webhook.cluster.errors import ClusterError, Unavailable
from webhook.gate import Gate
from webhook.guards import ApprovalGuard, PolicyGuard
from webhook.mutator import Mutator

SECRET = "0123456789abcdef0123456789abcdef"
POLICIES = f"/{SECRET}/policies/0123456789abcdef"
ROUTES = (
    POLICIES,
    f"/{SECRET}/mutations/0123456789abcdef",
    f"/{SECRET}/guards/approvals/decide",
    f"/{SECRET}/guards/approvals/validate",
    f"/{SECRET}/guards/policies/validate",
)
CREATION: Mapping[str, Any] = {
    "uid": "uid-17",
    "operation": "CREATE",
    "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
    "resource": {"group": "", "version": "v1", "resource": "configmaps"},
    "userInfo": {"username": "bot"},
}
REVIEW = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": CREATION}
ACCESS = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": "bot"}}


class Room:
    """Stands for gate and guards: does with each call what the test says, and remembers what it was given."""

    def __init__(self, act: Callable[[], Answer]) -> None:
        self._act = act
        self.given: list[Mapping[str, Any]] = []

    async def admit(self, call: Request, **given: Any) -> Answer:
        self.given.append({"uid": call.uid, **given})
        return self._act()

    async def mutate(self, call: Request, *, revision: str) -> Answer:
        return await self.admit(call, revision=revision)

    async def decide(self, call: Request) -> Answer:
        return await self.admit(call)

    async def validate(self, call: Request) -> Answer:
        return await self.admit(call)


class SyncRoom(Room):
    """The same for the guard of policies, which waits for nothing."""

    def validate(self, call: Request) -> Answer:  # type: ignore[override]
        return self._act()


def raising(error: Exception) -> Callable[[], Answer]:
    """An act that fails."""

    def act() -> Answer:
        raise error

    return act


def allowing() -> Answer:
    """An act that lets everything pass."""
    return Answer(True)


def send(
    method: str,
    path: str,
    body: Any = b"",
    *,
    room: Room | None = None,
    act: Callable[[], Answer] = allowing,
    refuses: str = "",
    missing: str = "",
) -> httpx.Response:
    """Send one request to the application, all of whose rooms act the same."""

    async def may_read_metrics(authorization: str) -> bool:
        return act().allowed and authorization == "Bearer good"

    room = room or Room(act)
    app = routes.build(
        routes.Rooms(
            paths=dict.fromkeys(("policies", "guards", "authorizer"), SECRET),
            gate=cast(Gate, room),
            mutator=cast(Mutator, room),
            approval_guard=cast(ApprovalGuard, room),
            policy_guard=cast(PolicyGuard, SyncRoom(act)),
            refuse_access=lambda _review: refuses,
            may_read_metrics=may_read_metrics,
            why_not_ready=lambda: missing,
        )
    )

    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://webhook") as client:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return await client.request(method, path, content=content, headers={"Authorization": "Bearer good"})

    return asyncio.run(sent())


@pytest.mark.parametrize("path", ROUTES)
def test_an_internal_error_refuses_with_the_uid_and_says_nothing_of_itself(path: str) -> None:
    """The API server learns which call it was, the operator what happened, the caller neither."""
    with capture_logs() as logs:
        answer = send("POST", path, REVIEW, act=raising(RuntimeError("canary at line 7")))
    response = answer.json()["response"]
    assert answer.status_code == 200
    assert (response["uid"], response["allowed"]) == ("uid-17", False)
    assert (response["status"]["code"], response["status"]["message"]) == (500, "internal error; see the log")
    assert "canary" not in answer.text
    assert [(entry["event"], entry["uid"], entry["exc_info"]) for entry in logs] == [("internal error", "uid-17", True)]
    assert SECRET not in str(logs)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("error", [ClusterError("GET /x: canary"), Unavailable("no connection")])
def test_without_the_cluster_the_api_server_is_asked_to_try_again(path: str, error: Exception) -> None:
    """503 with Retry-After: never Allow, and within the same call if the time is enough."""
    answer = send("POST", path, REVIEW, act=raising(error))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.text == "the Kubernetes API is not available"


@pytest.mark.parametrize("path", ROUTES)
def test_with_another_secret_no_room_is_entered(path: str) -> None:
    """Neither one of another length nor one that differs in its last letter."""
    for wrong in (SECRET[:-1] + "0", SECRET[:-1], SECRET + "0", SECRET.upper(), "%C3%A9" * 16):
        room = Room(allowing)
        answer = send("POST", path.replace(SECRET, wrong), REVIEW, room=room)
        assert (answer.status_code, answer.content, room.given) == (404, b"", [])


@pytest.mark.parametrize(
    ("query", "timeout_s"),
    [
        pytest.param("", 10, id="no timeout"),
        pytest.param("?timeout=30s", 30, id="whole seconds"),
        pytest.param("?timeout=0s", 0, id="no time left"),
        pytest.param("?timeout=1.5s", 10, id="a fraction"),
        pytest.param("?timeout=99999s", 10, id="too many digits"),
        pytest.param("?timeout=-1s", 10, id="a time in the past"),
    ],
)
def test_the_time_that_is_left_is_passed_on(query: str, timeout_s: float) -> None:
    """What the API server does not say, or says as it never does, is its default."""
    room = Room(allowing)
    send("POST", POLICIES + query, REVIEW, room=room)
    assert room.given[0]["timeout_s"] == pytest.approx(timeout_s, abs=1)
    assert room.given[0]["revision"] == "0123456789abcdef"


def test_a_body_may_be_as_long_as_the_limit() -> None:
    """And not a byte longer."""
    body = json.dumps(REVIEW).encode()
    padding = BODY_LIMIT_BYTES - len(body)
    assert send("POST", POLICIES, body + b" " * padding).status_code == 200
    assert send("POST", POLICIES, body + b" " * (padding + 1)).status_code == 413


def test_the_authorizer_has_no_opinion_or_refuses_with_a_reason() -> None:
    """It never allows, as RBAC is still to be asked."""
    path = f"/{SECRET}/authorizer"
    assert send("POST", path, ACCESS).json() == {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "status": {"allowed": False},
    }
    refusal = send("POST", path, ACCESS, refuses="agents do not").json()["status"]
    assert refusal == {"allowed": False, "denied": True, "reason": "agents do not"}


def test_the_authorizer_does_not_answer_before_it_knows_the_policies() -> None:
    """Having no opinion would let agents read what they may not."""
    answer = send("POST", f"/{SECRET}/authorizer", ACCESS, missing="policies have not been read yet")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_the_probes_tell_alive_from_ready() -> None:
    """What is missing is said to whoever asks."""
    assert send("GET", "/healthz", missing="policies have not been read yet").text == "ok"
    assert send("GET", "/readyz").text == "ok"
    answer = send("GET", "/readyz", missing="policies have not been read yet")
    assert (answer.status_code, answer.text) == (503, "policies have not been read yet")


@pytest.mark.parametrize(
    ("act", "status"),
    [
        pytest.param(allowing, 200, id="whoever may"),
        pytest.param(lambda: Answer(False), 401, id="whoever may not"),
        pytest.param(raising(Unavailable("no connection")), 503, id="somebody who cannot be asked about"),
    ],
)
def test_the_metrics_are_for_those_who_may_read_them(act: Callable[[], Answer], status: int) -> None:
    """Kubernetes says who may."""
    answer = send("GET", "/metrics", act=act)
    assert answer.status_code == status
    assert ("kubescrow_webhook_calls_total" in answer.text) == (status == 200)
