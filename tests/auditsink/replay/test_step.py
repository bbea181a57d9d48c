"""Steps: stages joined, attempts folded, whatever the order in which records came."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditsink.replay.step import Seen, Step, steps


def request(
    audit_id: str,
    at_s: float,
    verdict: str = "",
    approval: str = "",
    code: int = 200,
    *,
    took_s: float = 0.1,
    **more: Any,
) -> list[Seen]:
    """The two records of one request: received, and complete."""
    time_us = int(at_s * 1e6)
    shared: dict[str, Any] = {"verb": "delete", "resource": "namespaces", "namespace": "prod", "name": "prod", **more}
    return [
        Seen(time_us, time_us, audit_id, "RequestReceived", **shared),
        Seen(
            time_us, time_us + int(took_s * 1e6), audit_id, "ResponseComplete",
            code=code, verdict=verdict, approval=approval, rules="p/r" if approval else "", **shared,
        ),
    ]  # fmt: skip


HELD = [
    *request("a", 0, "hold", "appr-1", 429, took_s=5),
    *request("b", 6, "hold", "appr-1", 429, took_s=5),
    *request("c", 13, "allow", "appr-1", 200, took_s=2),
]


def test_the_attempts_of_one_held_request_are_one_step_with_its_waiting_time() -> None:
    """Three calls to the API server, one thing that the agent wanted."""
    (step,) = steps(HELD)
    assert [attempt.seen.audit_id for attempt in step.attempts] == ["a", "b", "c"]
    assert (step.outcome, step.approval, step.waited_s) == ("approved", "appr-1", 15.0)


def test_the_same_request_after_its_end_is_another_step() -> None:
    """A use ends the step; what comes later waits for an approval of its own."""
    later = request("d", 60, "hold", "appr-1-2", 429)
    assert [step.outcome for step in steps([*HELD, *later])] == ["approved", "held"]


def test_other_requests_between_the_attempts_are_steps_of_their_own() -> None:
    """An agent may do something else while it waits."""
    other = request("x", 8, resource="pods", name="p")
    assert [len(step.attempts) for step in steps([*HELD, *other])] == [3, 1]


@pytest.mark.parametrize(
    ("verdict", "approval", "code", "outcome"),
    [
        pytest.param("allow", "", 200, "allowed", id="a request that no rule matches"),
        pytest.param("", "", 200, "allowed", id="a read, about which nobody asked us"),
        pytest.param("", "", 404, "failed", id="a request that the API server could not fulfil"),
        pytest.param("deny", "", 403, "denied", id="a request that a rule denies"),
        pytest.param("deny", "appr-1", 403, "denied", id="a request that a person denied"),
        pytest.param("hold", "appr-1", 403, "held", id="a request that nobody has decided on"),
        pytest.param("warn", "", 200, "warned", id="a request with a warning"),
    ],
)
def test_outcome(verdict: str, approval: str, code: int, outcome: str) -> None:
    (step,) = steps(request("a", 0, verdict, approval, code))
    assert step.outcome == outcome


def test_a_request_without_an_end_is_open() -> None:
    """The gap is shown, not guessed over."""
    (step,) = steps(HELD[:1])
    assert (step.outcome, step.ended_us, step.waited_s) == ("open", None, None)


def test_two_requests_that_share_a_chosen_audit_id_stay_two() -> None:
    """The caller chooses the auditID, so it joins nothing by itself."""
    assert len(steps([*request("same", 0), *request("same", 5)])) == 2


@given(st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_arrival_and_repeated_records_do_not_matter(shuffle: random.Random, twice: bool) -> None:
    """Records come late, twice and out of order."""
    records = [*HELD, *request("x", 8, "deny", code=403), *request("y", 20)]
    mixed = records * (2 if twice else 1)
    shuffle.shuffle(mixed)
    assert steps(mixed) == steps(records)


@pytest.mark.parametrize(
    ("seen", "target"),
    [
        pytest.param(
            {"resource": "namespaces", "namespace": "prod", "name": "prod"}, "namespaces/prod", id="a Namespace"
        ),
        pytest.param(
            {"api_group": "apps", "resource": "deployments", "subresource": "scale", "namespace": "n", "name": "web"},
            "deployments.apps/scale n/web",
            id="a subresource of another group",
        ),
        pytest.param({"resource": "pods", "namespace": "n"}, "pods -n n", id="a list"),
        pytest.param({"event": {"requestURI": "/version?timeout=32s"}}, "/version", id="a path without a resource"),
    ],
)
def test_target(seen: dict[str, Any], target: str) -> None:
    (step,) = steps([Seen(0, 1, "a", "ResponseComplete", "get", **seen)])
    assert step.target == target


def test_the_argv_of_an_exec_is_read_from_its_address() -> None:
    """Escapes are undone, order kept."""
    uri = "/api/v1/namespaces/n/pods/p/exec?command=sh&command=-c&command=echo+%22a+b%22&stdout=true"
    (step,) = steps([Seen(0, 1, "a", "ResponseComplete", "create", subresource="exec", event={"requestURI": uri})])
    assert step.command == ("sh", "-c", 'echo "a b"')


def test_discovery_is_told_from_what_an_agent_wants() -> None:
    """kubectl asks for /apis before everything; nobody wants to watch that."""

    def only(uri: str, resource: str = "") -> Step:
        return steps([Seen(0, 1, "a", "ResponseComplete", "get", resource=resource, event={"requestURI": uri})])[0]

    assert only("/openapi/v3/api/v1?hash=1").is_discovery
    assert only("/apis").is_discovery
    assert not only("/api/v1/pods", resource="pods").is_discovery
    assert not only("/apisecret").is_discovery
