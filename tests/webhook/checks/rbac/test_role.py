"""A role is read as RBAC reads it: what passes permits nothing dangerous, what an update adds is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from tests.webhook.checks.rbac.permitting import RULES, WANTED, Wanted, permits, role
from tests.webhook.policy.language import asks
from webhook.checks import CHECK_BY_ID
from webhook.checks.inspection import Inspection
from webhook.checks.rbac import CHECKS
from webhook.checks.rbac.role import READS, role_of

READ_ONLY = ("agentpolicies", "clusterroles", "customresourcedefinitions", "apiservices", "persistentvolumes", "roles")
ADMISSION = "admissionregistration.k8s.io"
DANGERS: dict[str, Callable[[Wanted], bool]] = {
    "grants-secrets": lambda w: w[1:3] == ("", "secrets"),
    "grants-tokens": lambda w: w[1:3] == ("", "serviceaccounts/token"),
    "grants-pod-access": lambda w: w[1:3] == ("", "pods/exec"),
    "grants-node-access": lambda w: w[1:3] == ("", "nodes/proxy"),
    "grants-certificates": lambda w: w[1] == "certificates.k8s.io" and (
        w[2] == "signers" or (w[2] == "certificatesigningrequests/approval" and w[0] not in READS)),
    "grants-admission": lambda w: w[1] == ADMISSION and (
        w[2] == "mutatingwebhookconfigurations" or (w[2] == "validatingadmissionpolicies" and w[0] not in READS)),
    "grants-volumes": lambda w: w[1:3] == ("", "persistentvolumes") and w[0] not in READS,
    "grants-api-types": lambda w: w[1] in {"apiextensions.k8s.io", "apiregistration.k8s.io"} and w[0] not in READS,
    "grants-rbac": lambda w: w[1] == "rbac.authorization.k8s.io" and w[0] not in READS,
    "grants-approval": lambda w: w[1] == "kubescrow.dev" and w[0] not in READS,
    "grants-escalation": lambda w: (
        (w[0] in {"bind", "escalate"} and w[1:3] == ("rbac.authorization.k8s.io", "clusterroles"))
        or (w[0] == "impersonate" and w[1:3] in {("", "users"), ("", "serviceaccounts")})
        or (w[0] == "impersonate:user-info" and w[1] == "authentication.k8s.io")),
}  # fmt: skip
"""What nobody may get through a role that a check passes."""


def found(check: str, new: Any, old: Any = None) -> tuple[str, ...]:
    """The findings of a check, for a CREATE, or an UPDATE of what was there."""
    return CHECK_BY_ID[check].findings(Inspection(asks("UPDATE" if old else "CREATE", new, old=old)))


@pytest.mark.parametrize("check", DANGERS)
@settings(max_examples=40)
@given(RULES)
def test_what_passes_permits_nothing_dangerous(check: str, rules: list[dict[str, Any]]) -> None:
    """Judged by Kubernetes' own matching of rules."""
    dangerous = [wanted for wanted in WANTED if DANGERS[check](wanted)]
    if not found(check, role(rules)):
        assert not any(permits(rules, wanted) for wanted in dangerous)


@settings(max_examples=200)
@given(RULES, RULES)
def test_what_counts_as_old_permits_nothing_new(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    """A rule that an update does not add permits only what the old role permitted."""
    added = {rule.path for rule in role_of(asks("UPDATE", role(new), old=role(old))).added}
    kept = [rule for index, rule in enumerate(new) if f"rules[{index}]" not in added]
    assert [wanted for wanted in WANTED if permits(kept, wanted) and not permits(old, wanted)] == []


@given(RULES)
def test_the_same_rules_in_another_order_add_nothing(rules: list[dict[str, Any]]) -> None:
    """An old role can always be written again."""
    again = [{key: values[::-1] for key, values in rule.items()} for rule in rules[::-1]]
    assert role_of(asks("UPDATE", role(again), old=role(rules))).added == ()


ON_SECRETS = [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}]


@pytest.mark.parametrize(
    ("new", "says"),
    [
        pytest.param(role("x"), 'rules is "x"; make it a list', id="rules are a word"),
        pytest.param(role([None]), "rules[0] is null; remove it", id="a rule is null"),
        pytest.param(role([["get"]]), "rules[0] is a list; make it an object", id="a rule is a list"),
        pytest.param(role([{"verbs": "*"}]), 'rules[0].verbs is "*"; make it a list', id="verbs are a word"),
        pytest.param(role([{"verbs": ["get", {}]}]), "rules[0].verbs[1] is an object; make it a string", id="no verb"),
        pytest.param(role([], aggregationRule=[]), "aggregationRule is a list; make it an object", id="aggregation"),
    ],
)
def test_what_is_no_role_is_refused(new: Any, says: str) -> None:
    """By every check of roles, with the field."""
    for check in CHECKS:
        if not check.id.startswith("binds-"):
            assert found(check.id, new) == (f"{check.id}: {says}",)


def test_a_missing_role_is_refused() -> None:
    """No object, no judgement."""
    request = asks("CREATE", None, old=role([]), resource="clusterroles")
    assert CHECK_BY_ID["grants-secrets"].findings(Inspection(request)) != ()


@pytest.mark.parametrize("old", [role("x"), role([{"verbs": [1]}]), {"rules": [7]}, {}])
def test_an_old_role_that_cannot_be_read_gave_nothing(old: Any) -> None:
    """So everything in the new one counts."""
    assert len(found("grants-secrets", role(ON_SECRETS), {"kind": "ClusterRole", **old})) == 1


def test_no_rule_is_hidden_by_another_ones_names() -> None:
    """A rule is old only if one old rule gave all of it."""
    old = role([{**ON_SECRETS[0], "resourceNames": ["a"]}, {**ON_SECRETS[0], "resourceNames": ["b"]}])
    assert len(found("grants-secrets", role([{**ON_SECRETS[0], "resourceNames": ["a", "b"]}]), old)) == 1
    assert found("grants-secrets", role([{**ON_SECRETS[0], "resourceNames": ["b"]}]), old) == ()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
def test_other_requests_pass(check: Any) -> None:
    """A deletion of a role, and what only looks like one, gives nobody anything."""
    everything = role([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}], aggregationRule={})
    assert check.findings(Inspection(asks("DELETE", None, old=everything))) == ()
    other = {**everything, "apiVersion": "example.com/v1"}
    assert check.findings(Inspection(asks("CREATE", other))) == ()


def test_many_rules_stall_nobody() -> None:
    """20,000 rules, each another one, are not compared pair by pair: that would outlast the timeout of tests."""
    old = role([{"verbs": ["get"], "apiGroups": [f"a{i}"], "resources": ["x"]} for i in range(20_000)])
    new = role([{"verbs": ["get"], "apiGroups": [f"b{i}"], "resources": ["x"]} for i in range(20_000)])
    assert len(role_of(asks("UPDATE", new, old=old)).added) == 20_000


def test_a_thousand_violations_are_told_by_the_first_twenty() -> None:
    """An agent cannot make us write hundreds of MiB; the last line says that there are more."""
    said = found("grants-secrets", role(ON_SECRETS * 1000))
    assert said[19] == 'grants-secrets: rules[19] gives "get" on resources[0]="secrets", which covers Secrets; ' + (
        "remove it and mount a Secret where it is needed"
    )
    assert said[20:] == ("grants-secrets: there are more; mend these first",)
