"""The policy that locks: it compiles, denies everything of its subject, and touches nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubescrow.agent.identity import Identity, identity
from kubescrow.agent.lock import cel_text, differences, enforced_since, is_lock_of, lock_policy, names_only
from webhook.admission.request import Kind, Operation, Request, Resource, User
from webhook.admission.verdict import Action
from webhook.approval.visible import visible
from webhook.policy.compile import compile_set
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected

BOT = identity("agents/bot", namespace="", user="", group="")
RULES = lock_policy(BOT, by="alice", reason="")["spec"]["rules"]
REASON = 'it "went" mad: ${x} \\ \u202e\n\U0001f916'
REQUEST = Request(
    "uid",
    Operation.CREATE,
    Kind("", "v1", "ConfigMap"),
    Resource("", "v1", "configmaps"),
    User("system:serviceaccount:agents:bot", extra={"authentication.kubernetes.io/credential-id": ("JTI=1",)}),
    namespace="agents",
    name="x",
    object={"metadata": {"name": "x"}},
)
PASSES: dict[str, Any] = {
    "metadata": {"name": "agents"},
    "spec": {"subjects": [{"serviceAccount": {"namespace": "agents", "name": "*"}}]},
}


def judged(request: Request, lock: dict[str, Any]) -> Any:
    """The verdict with a policy that allows, and the lock."""
    return evaluate(request, compile_set([PASSES, lock]), protected=Protected(namespace="kubescrow"))


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("resource", ["configmaps", "pods", "namespaces", "leases"])
def test_everything_of_the_agent_is_denied(operation: Operation, resource: str) -> None:
    """Whatever else its policies allow or hold."""
    request = replace(REQUEST, operation=operation, resource=Resource("", "v1", resource))
    verdict = judged(request, lock_policy(BOT, by="alice", reason=REASON))
    assert verdict.action is Action.DENY
    (finding,) = [each for each in verdict.findings if each.rule == "locked"]
    assert finding.message == (
        "this agent is locked; stop, do not try again, and tell the person you work for; locked by alice: "
        'it "went" mad: ${x} \\ \\u{202e}\\u{a}\U0001f916'
    )


@pytest.mark.parametrize("username", ["system:serviceaccount:agents:bot2", "system:serviceaccount:agent:sbot", "bot"])
def test_nobody_else_is_denied(username: str) -> None:
    """Exactly this subject."""
    request = replace(REQUEST, user=replace(REQUEST.user, username=username))
    assert judged(request, lock_policy(BOT, by="alice", reason="")).action is Action.ALLOW


@given(st.text(max_size=40))
def test_any_text_is_a_message_and_only_a_message(text: str) -> None:
    """No reason ends the literal, calls a function or makes the lock invalid, which would lock more than was meant."""
    policies = compile_set([lock_policy(BOT, by=text, reason=text)])
    assert policies.broken == ()
    verdict = evaluate(REQUEST, policies, protected=Protected(namespace="kubescrow"))
    assert [finding.rule for finding in verdict.findings] == ["locked"]
    assert " ".join(visible(text).split()) in verdict.findings[0].message
    assert all(" " <= char <= "~" for char in cel_text(text))


def stored(*, reason: str = "Registered", status: str = "True", generation: int = 2) -> dict[str, Any]:
    """A lock as the API server has it, its condition about generation 2."""
    policy = lock_policy(BOT, by="alice", reason="")
    policy["metadata"]["generation"] = generation
    condition = {"type": "Enforced", "status": status, "reason": reason, "observedGeneration": 2}
    return {**policy, "status": {"conditions": [{**condition, "lastTransitionTime": "2026-11-23T15:04:05Z"}]}}


@pytest.mark.parametrize(
    ("policy", "since"),
    [
        pytest.param(stored(), "2026-11-23T15:04:05Z", id="the API server enforces it"),
        pytest.param(stored(generation=3), None, id="it was changed since"),
        pytest.param(stored(status="False"), None, id="it does not compile"),
        pytest.param(stored(reason="Observed"), None, id="somebody made it observe"),
        pytest.param(lock_policy(BOT, by="alice", reason=""), None, id="nobody has looked at it yet"),
    ],
)
def test_a_lock_is_enforced_only_as_it_is_now(policy: dict[str, Any], since: str | None) -> None:
    """An old condition says nothing about a new policy."""
    assert enforced_since(policy) == since


@pytest.mark.parametrize(
    ("weaker", "fields"),
    [
        pytest.param({}, [], id="as it was sent"),
        pytest.param({"serviceAccounts": [], "excludeSubjects": []}, [], id="with what the API server fills in"),
        pytest.param({"excludeSubjects": [BOT.entry]}, ["excludeSubjects"], id="the agent is excluded"),
        pytest.param({"mode": "Observe"}, ["mode"], id="it observes"),
        pytest.param({"subjects": [{"user": "nobody"}]}, ["subjects"], id="it names somebody else"),
        pytest.param({"rules": [], "unmatched": "Allow"}, ["rules", "unmatched"], id="it has no rule"),
        pytest.param({"rules": [{**RULES[0], "condition": "false"}, RULES[1]]}, ["rules"], id="it has a condition"),
        pytest.param({"rules": [{**RULES[0], "action": "Warn"}, RULES[1]]}, ["rules"], id="it warns"),
        pytest.param({"rules": RULES[:1]}, ["rules"], id="it lets reads pass"),
        pytest.param({"rules": [{**rule, "message": "'x'"} for rule in RULES]}, [], id="it has another message"),
    ],
)
def test_a_lock_that_was_weakened_on_its_way_is_told(weaker: dict[str, Any], fields: list[str]) -> None:
    """What an admission policy of the agent may have made of it."""
    wanted = lock_policy(BOT, by="alice", reason="")
    assert differences({**wanted, "spec": {**wanted["spec"], **weaker}}, wanted) == fields


def test_a_policy_that_names_more_than_the_agent_is_not_its_lock() -> None:
    """It is neither written over nor removed."""
    lock = lock_policy(BOT, by="alice", reason="")
    other: Identity = identity("agents/bot2", namespace="", user="", group="")
    assert is_lock_of(lock, BOT)
    assert not is_lock_of(lock, other)
    lock["spec"]["subjects"].append(other.entry)
    assert not names_only(lock, BOT)
    assert not is_lock_of(PASSES, BOT)
