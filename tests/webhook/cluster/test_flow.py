"""Agents get seats of their own, and no controller is put there by mistake."""

from typing import Any

import pytest

from tests.webhook.cluster.build import account, group, policies, policy, user
from webhook.admission.subject import Subject
from webhook.cluster.flow import flow_schema, priority_level


def subjects(*members: Any) -> list[dict[str, Any]]:
    rules = flow_schema(policies(*members).subjects, namespace="kubescrow")["spec"].get("rules", [])
    return [subject for rule in rules for subject in rule["subjects"]]


@pytest.mark.parametrize(
    ("subject", "wire"),
    [
        pytest.param(
            account("agents", "bot"),
            {"kind": "ServiceAccount", "serviceAccount": {"namespace": "agents", "name": "bot"}},
            id="a ServiceAccount",
        ),
        pytest.param(
            account("agents", "*"),
            {"kind": "ServiceAccount", "serviceAccount": {"namespace": "agents", "name": "*"}},
            id="a whole namespace",
        ),
        pytest.param(group("bots"), {"kind": "Group", "group": {"name": "bots"}}, id="a group"),
        pytest.param(user("ci"), {"kind": "User", "user": {"name": "ci"}}, id="a user"),
    ],
)
def test_a_subject_is_sent_to_the_agents_level(subject: Subject, wire: dict[str, Any]) -> None:
    assert subjects(policy(subject)) == [wire]


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(account("*", "*"), id="all ServiceAccounts would be all controllers"),
        pytest.param(account("kube-system", "*"), id="controllers"),
        pytest.param(account("kubescrow", "*"), id="ourselves"),
        pytest.param(account("agents", "bot-*"), id="a glob that flow control does not know"),
        pytest.param(user("ci-*"), id="a glob of users"),
        pytest.param(group("system:serviceaccounts"), id="a group of the system"),
    ],
)
def test_a_subject_stays_where_it_is(subject: Subject) -> None:
    assert subjects(policy(subject)) == []


def test_an_excluded_account_stays_where_it_is() -> None:
    """It is no agent of this policy."""
    excluded = policy(account("agents", "a"), account("agents", "b"), exclude=[account("*", "a")])
    assert [subject["serviceAccount"]["name"] for subject in subjects(excluded)] == ["b"]


def test_without_agents_there_is_no_rule() -> None:
    """The API server refuses a rule without subjects."""
    assert "rules" not in flow_schema((), namespace="kubescrow")["spec"]


def test_the_level_lends_and_borrows_nothing() -> None:
    """Lent seats do not come back while calls wait (KUBERNETES.md)."""
    limited = priority_level()["spec"]["limited"]
    assert (limited["lendablePercent"], limited["borrowingLimitPercent"]) == (0, 0)
