"""What one policy says: checks, conditions, messages, unmatched, and what happens when they have no answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import POD, asks, found, judged, policy, rule
from webhook.admission.verdict import Action

CHECK = "privileged-containers"
PRIVILEGED = {**POD, "spec": {"containers": [{"name": "api", "securityContext": {"privileged": True}}]}}
CREATE = asks("CREATE", PRIVILEGED)
ONES = f"[{', '.join(['1'] * 120)}]"
LOOP = f"{ONES}.all(x, {ONES}.all(y, true))"
POISON = asks("CREATE", {**PRIVILEGED, "big": 2**64})
CHECKED = (
    'privileged-containers: container "api" sets spec.containers[0].securityContext.privileged=true; '
    "remove it or set it to false"
)


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        pytest.param({}, ["CREATE pods agents/web is what this rule is about"], id="no condition always applies"),
        pytest.param({"check": CHECK}, [CHECKED], id="a check says what it found"),
        pytest.param({"check": CHECK, "message": "'see wiki'"}, [f"{CHECKED}; see wiki"], id="a message beside it"),
        pytest.param({"check": CHECK, "condition": "false"}, [], id="check and condition must both hold"),
        pytest.param(
            {"condition": "object.metadata.name == 'web'", "message": "'no ' + request.name"},
            ["no web"],
            id="a message",
        ),
        pytest.param({"condition": "object.metadata.name == 'db'"}, [], id="a false condition"),
        pytest.param({"match": {"operations": ["DELETE"]}, "condition": "true"}, [], id="another operation"),
        pytest.param(
            {"message": "object.nothing"},
            ["CREATE pods agents/web is what this rule is about"],
            id="a message that errs falls back",
        ),
        pytest.param({"message": "'a\\n\\u001b[31mb' + '\\u202e'"}, ["a [31mb"], id="a message is one visible line"),
    ],
)
def test_messages(fields: dict[str, Any], messages: list[str]) -> None:
    """Each finding says what is wrong in the author's words or ours."""
    assert [finding.message for finding in judged(CREATE, policy(rule(**fields))).findings] == messages


def test_message_is_cut() -> None:
    """A message does not grow beyond 512 characters."""
    verdict = judged(CREATE, policy(rule(message="'x'" + " + 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'" * 20)))
    assert len(verdict.findings[0].message) == 512


@pytest.mark.parametrize("action", ["Deny", "Hold", "Warn"])
def test_condition_that_errs_denies(action: str) -> None:
    """failurePolicy Fail denies whatever the rule would have done, and says nothing of the object."""
    verdict = judged(CREATE, policy(rule(action, condition="object.spec.nothing == 1")))
    assert found(verdict) == ["DENY p/r"]
    assert verdict.findings[0].message == (
        "the condition has no answer for this request: a field that it reads is missing; "
        "ask the owner of the policy to mend the rule"
    )


def test_ignored_error_is_recorded() -> None:
    """failurePolicy Ignore lets pass and leaves a record."""
    verdict = judged(CREATE, policy(rule(condition="object.spec.nothing == 1"), failurePolicy="Ignore"))
    assert found(verdict) == ["ALLOW p/r"]
    assert "ignored, as failurePolicy says" in verdict.findings[0].message


@pytest.mark.parametrize(
    ("request_", "condition"),
    [(POISON, "request.name == 'db'"), (CREATE, LOOP)],
    ids=["an object that cannot be converted", "an endless loop"],
)
def test_limits_deny_always(request_: Any, condition: str) -> None:
    """What was stopped denies although failurePolicy says Ignore."""
    verdict = judged(request_, policy(rule("Warn", condition=condition), failurePolicy="Ignore"))
    assert found(verdict) == ["DENY p/r"]


def test_unfit_object_without_a_condition() -> None:
    """No expression, no conversion: such an object is judged by checks as any other."""
    assert found(judged(POISON, policy(rule("Warn", check=CHECK)))) == ["WARN p/r"]


@pytest.mark.parametrize(
    ("rules", "is_matched"),
    [
        pytest.param([], False, id="no rules"),
        pytest.param([rule(match={"resources": ["secrets"]})], False, id="other resources"),
        pytest.param([rule(match={"resources": ["pods"]}, condition="false")], True, id="matched, nothing found"),
        pytest.param([rule(check=CHECK, condition="false")], True, id="covered by its check"),
        pytest.param([rule(condition="false")], True, id="about everything"),
        pytest.param([rule(check="bound-token")], False, id="its check is about everything"),
        pytest.param([rule(check="bound-token", match={"resources": ["*"]})], True, id="and its match says what"),
    ],
)
@pytest.mark.parametrize("unmatched", ["Allow", "Hold", "Deny"])
def test_unmatched(rules: list[dict[str, Any]], is_matched: bool, unmatched: str) -> None:
    """A request that no rule is about goes by unmatched; what checks and conditions find does not count."""
    verdict = judged(CREATE, policy(*rules, unmatched=unmatched))
    expected = [] if is_matched or unmatched == "Allow" else [f"{unmatched.upper()} p/unmatched"]
    assert found(verdict) == expected
    assert len(verdict.requirements) == (expected == ["HOLD p/unmatched"])


@pytest.mark.parametrize(
    ("request_", "advice"),
    [
        (asks("CONNECT", resource="pods", subresource="proxy", name="x"), "use exec or port-forward"),
        (asks("CONNECT", resource="nodes", subresource="proxy", name="x"), "use exec or port-forward"),
        (asks("CONNECT", resource="services", subresource="proxy", name="x"), "use exec or port-forward"),
        (asks("DELETE", resource="pods", name="", old=POD), "delete the objects one by one, by name"),
    ],
)
def test_what_cannot_be_held_is_denied(request_: Any, advice: str) -> None:
    """A hold that no approval could release denies at once, with advice."""
    for held in (policy(rule("Hold")), policy(unmatched="Hold")):
        verdict = judged(request_, held)
        assert (verdict.action, verdict.requirements) == (Action.DENY, ())
        assert verdict.findings[0].message.endswith(advice)


@pytest.mark.parametrize(
    "request_",
    [
        asks("CONNECT", resource="pods", subresource="exec", name="x"),
        asks("DELETE", resource="pods", name="web", old=POD),
        asks("CREATE", {**POD, "metadata": {"generateName": "web-"}}, name=""),
        asks("CREATE", resource="pods", subresource="eviction", name="x"),
    ],
)
def test_what_can_be_held_is_held(request_: Any) -> None:
    """Everything else waits."""
    assert judged(request_, policy(rule("Hold"))).action is Action.HOLD
