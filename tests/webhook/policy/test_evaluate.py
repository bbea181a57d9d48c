"""One request, all policies, one verdict."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.policy.language import BOT, HUMAN, POD, asks, found, judged, policy, rule
from webhook.admission.request import User
from webhook.admission.verdict import Action, Requirement, Terms, Verdict
from webhook.policy.compile import compile_set
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected

CREATE = asks("CREATE", POD)


def test_nobody_named() -> None:
    """A user whom no policy names is allowed without a finding."""
    assert judged(asks("CREATE", POD, user=HUMAN), policy(rule())) == Verdict(Action.ALLOW)


def test_excluded() -> None:
    """An excluded subject is governed by the other policies only."""
    excluding = policy(rule(), excludeSubjects=[{"user": BOT.username}])
    assert judged(CREATE, excluding).findings == ()
    assert found(judged(CREATE, excluding, policy(rule("Warn"), name="q"))) == ["WARN q/r"]


def test_every_finding_is_in_the_answer() -> None:
    """Deny beats Hold beats Warn, and none is lost."""
    verdict = judged(
        CREATE,
        policy(rule("Warn", name="w"), rule("Hold", name="h"), name="b"),
        policy(rule("Deny", name="d"), rule("Warn", name="w"), name="a"),
    )
    assert verdict.action is Action.DENY
    assert found(verdict) == ["DENY a/d", "HOLD b/h", "WARN a/w", "WARN b/w"]
    assert verdict.requirements == ()


def test_several_holds() -> None:
    """Each holding rule demands its own approvals, in stable order."""
    verdict = judged(
        CREATE,
        policy(rule("Hold", hold={"approvals": 2}), name="b"),
        policy(rule("Hold", check="privileged-containers"), rule("Hold", name="x"), name="a"),
    )
    expected = (Requirement("a", "x", Terms()), Requirement("b", "r", Terms(approvals=2)))
    assert (verdict.action, verdict.requirements) == (Action.HOLD, expected)


def test_many_findings_of_a_rule_are_one_requirement() -> None:
    """Two privileged containers need one decision."""
    containers = [{"name": name, "securityContext": {"privileged": True}} for name in "ab"]
    request = asks("CREATE", {**POD, "spec": {"containers": containers}})
    verdict = judged(request, policy(rule("Hold", check="privileged-containers")))
    assert (len(verdict.findings), len(verdict.requirements)) == (2, 1)


@pytest.mark.parametrize(("action", "would"), [("Deny", "deny"), ("Hold", "hold"), ("Warn", "warn")])
def test_observe(action: str, would: str) -> None:
    """An observing policy stops nothing and records what it would have done."""
    verdict = judged(CREATE, policy(rule(action), mode="Observe"))
    assert (verdict.action, verdict.requirements, found(verdict)) == (Action.ALLOW, (), ["ALLOW p/r"])
    assert verdict.findings[0].message.startswith(f"observe: would {would}: CREATE pods agents/web")


def test_observe_beside_enforce() -> None:
    """What one observes the other still enforces."""
    verdict = judged(CREATE, policy(rule("Deny"), mode="Observe"), policy(rule("Warn"), name="q"))
    assert found(verdict) == ["WARN q/r", "ALLOW p/r"]


BROKEN = policy({"name": "r", "action": "Denny"}, name="broken")


@pytest.mark.parametrize(
    ("obj", "findings"),
    [
        pytest.param(BROKEN, ["DENY broken/r"], id="a mistake in a rule"),
        pytest.param(policy(rule(condition="x.y")), ["DENY p/r"], id="an expression"),
        pytest.param(policy(unmatched="Never"), ["DENY p/policy"], id="a mistake outside of rules"),
        pytest.param(policy(unmatched="Never", mode="Observe"), ["ALLOW p/policy"], id="observing"),
        pytest.param(policy(unmatched="x", subjects=[{"user": "other"}]), [], id="somebody else's"),
    ],
)
def test_broken_policy(obj: dict[str, Any], findings: list[str]) -> None:
    """A stored policy that does not compile denies its subjects everything and says what to mend."""
    verdict = evaluate(CREATE, compile_set([obj]), protected=Protected())
    assert found(verdict) == findings
    assert all("this policy is broken" in finding.message for finding in verdict.findings)


def test_broken_policy_beside_a_good_one() -> None:
    """The good one is still judged."""
    verdict = evaluate(CREATE, compile_set([BROKEN, policy(rule("Warn"))]), protected=Protected())
    assert found(verdict) == ["DENY broken/r", "WARN p/r"]
    assert 'spec.rules[0].action: "Denny" is not allowed; use one of Deny, Hold, Warn' in verdict.findings[0].message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=15,
)
KINDS = ["pods", "deployments", "namespaces", "rolebindings", "flowschemas", "customresourcedefinitions"]
GROUPS = ["", "apps", "rbac.authorization.k8s.io", "flowcontrol.apiserver.k8s.io", "apiextensions.k8s.io"]
ALL = [
    policy(rule(check="privileged-containers"), rule("Hold", name="h", condition="object.spec == oldObject.spec")),
    policy(rule("Warn", message="object.metadata.name"), name="q", unmatched="Hold"),
    BROKEN,
]


@given(
    st.sampled_from(["CREATE", "UPDATE", "DELETE", "CONNECT"]),
    st.sampled_from(KINDS),
    st.sampled_from(GROUPS),
    st.dictionaries(st.sampled_from(["metadata", "spec", "subjects", "kind"]), JSON) | st.none(),
    st.dictionaries(st.sampled_from(["metadata", "spec", "subjects", "kind"]), JSON) | st.none(),
)
def test_any_request(operation: str, resource: str, group: str, obj: Any, old: Any) -> None:
    """Whatever is asked, a verdict comes out whose lines print."""
    request = asks(operation, obj, old=old, resource=resource, group=group, name="x", namespace="agents")
    verdict = evaluate(request, compile_set(ALL), protected=Protected())
    assert verdict.action is Action.DENY
    assert all(finding.message.isprintable() for finding in verdict.findings)


def test_order_does_not_matter() -> None:
    """The same policies in another order give the same verdict."""
    forth = evaluate(CREATE, compile_set(ALL), protected=Protected())
    back = evaluate(CREATE, compile_set(reversed(ALL)), protected=Protected())
    assert forth == back


def test_own_name_is_a_setting() -> None:
    """What is protected is where this installation runs."""
    request = asks("DELETE", resource="pods", namespace="guard", name="x", user=User("ci"))
    policies = compile_set([policy(subjects=[{"user": "ci"}])])
    assert evaluate(request, policies, protected=Protected(namespace="guard")).action is Action.DENY
    assert evaluate(request, policies, protected=Protected()).action is Action.ALLOW
