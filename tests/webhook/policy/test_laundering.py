"""The laundering set is on by default, is turned off by name, and by all policies together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import asks, found, judged, policy
from webhook.admission.request import Operation
from webhook.checks.laundering import CHECKS
from webhook.policy.compile import compile_set
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected, laundering_checks

ON: dict[str, Any] = {"defaults": {"laundering": "Deny"}}
OFF: dict[str, Any] = {"defaults": {"laundering": "Allow"}}
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web", "namespace": "agents"}}
EVICT = asks("CREATE", EVICTION, resource="pods", subresource="eviction", group="")
TOKEN = asks("CREATE", {"metadata": {}}, resource="serviceaccounts", subresource="token", name="w", namespace="agents")
DENIED = ["DENY kubescrow/eviction"]


def without(*ids: str, **more: Any) -> dict[str, Any]:
    """A spec that turns these checks off."""
    return {"defaults": {"laundering": "Deny", "launderingExcept": list(ids)}, **more}


def test_it_is_on_without_a_word() -> None:
    """A policy that says nothing has every check of the set, and tells how to turn it off."""
    written = policy()
    del written["spec"]["defaults"]
    verdict = judged(EVICT, written)
    assert found(verdict) == DENIED
    assert verdict.findings[0].message.endswith(
        "; ask a person, or name eviction in spec.defaults.launderingExcept of p"
    )


@pytest.mark.parametrize(
    ("specs", "finding"),
    [
        pytest.param([ON], DENIED, id="on"),
        pytest.param([OFF], [], id="off as a whole"),
        pytest.param([without("eviction")], [], id="off by name"),
        pytest.param([without("exec")], DENIED, id="another one off"),
        pytest.param([without("eviction"), ON], DENIED, id="off in one of two"),
        pytest.param([without("eviction"), OFF], [], id="off in both, each in its way"),
        pytest.param([{**ON, "mode": "Observe"}], ["ALLOW kubescrow/eviction"], id="observed"),
        pytest.param([{**ON, "mode": "Observe"}, ON], DENIED, id="one of two observes"),
        pytest.param([{**ON, "mode": "Observe"}, OFF], ["ALLOW kubescrow/eviction"], id="asked for by who observes"),
    ],
)
def test_turned_off(specs: list[dict[str, Any]], finding: list[str]) -> None:
    """An item is off for a user only if every policy that names the user has it off."""
    assert found(judged(EVICT, *(policy(name=f"p{i}", **spec) for i, spec in enumerate(specs)))) == finding


@pytest.mark.parametrize(
    ("specs", "finding"),
    [
        pytest.param([{**ON}], "DENY", id="listed by nobody"),
        pytest.param([{**ON, "serviceAccounts": ["agents/w"]}], "", id="listed"),
        pytest.param([{**ON, "serviceAccounts": ["agents/w"]}, ON], "DENY", id="listed by one of two"),
        pytest.param([{**ON, "serviceAccounts": ["agents/w"]}, {**ON, "serviceAccounts": ["agents/*"]}], "",
                     id="listed by both, in other words"),
        pytest.param([{**ON, "serviceAccounts": ["agents/w"]}, OFF], "", id="the other one does not ask"),
        pytest.param([{**ON, "serviceAccounts": ["agents/w"]}, {**ON, "mode": "Observe"}], "ALLOW",
                     id="not listed by who observes"),
    ],
)  # fmt: skip
def test_accounts(specs: list[dict[str, Any]], finding: str) -> None:
    """Each policy that asks for the check must list the account."""
    verdict = judged(TOKEN, *(policy(name=f"p{i}", **spec) for i, spec in enumerate(specs)))
    assert found(verdict) == ([f"{finding} kubescrow/token-request"] if finding else [])


def test_only_policies_that_find_something_are_named() -> None:
    """So that a person knows which one to change."""
    verdict = judged(TOKEN, policy(name="lists", serviceAccounts=["agents/w"], **ON), policy(name="does-not", **ON))
    assert verdict.findings[0].message.endswith("launderingExcept of does-not")


def test_a_broken_policy_has_it_on() -> None:
    """What its author wanted is unknown."""
    broken = policy({"name": "r", "action": "Deny", "check": "no-such"}, **OFF)
    verdict = evaluate(EVICT, compile_set([broken]), protected=Protected())
    assert "DENY kubescrow/eviction" in found(verdict)


def test_the_index_names_every_check_that_covers_a_request() -> None:
    """What it leaves out finds nothing anyway."""
    picked = laundering_checks(Operation.CREATE, "", "pods")
    assert {check.id for check in picked} == {"owner-references", "pod-service-account", "priority-classes"}
    request = asks("CREATE", {"kind": "Pod", "metadata": {}, "spec": {}})
    assert {check.id for check in CHECKS if check.covers(request)} == {check.id for check in picked}
