"""The guard on AgentPolicies: what fails its trial is refused, and never reaches the library of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.webhook.policy.language import asks, policy, rule
from webhook import guards
from webhook.admission.review import Answer
from webhook.guards import PolicyGuard
from webhook.policy.problem import Problem
from webhook.trial.trials import CannotTry, Trials

Stored = Mapping[str, Any]
DEAR = Problem("spec.rules[0].condition", "its cost", "another", "r")


def answer(given: dict[str, Any], *problems: Problem, why_not: str = "") -> Answer:
    async def child(policies: Sequence[Stored]) -> list[tuple[Problem, ...]]:
        if why_not:
            raise CannotTry(why_not)
        return [problems for _ in policies]

    guard = PolicyGuard(Trials(child))
    return asyncio.run(guard.validate(asks("CREATE", given, resource="agentpolicies", group="kubescrow.dev")))


def test_what_passes_is_compiled_and_allowed() -> None:
    """An ordinary policy."""
    assert answer(policy(rule(condition="true"))).allowed


def test_what_fails_its_trial_is_refused_and_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule, field and remedy are told."""

    def never(_: object) -> None:
        raise AssertionError("it was compiled")

    monkeypatch.setattr(guards, "compile_policy", never)
    refusal = answer(policy(rule(condition="true")), DEAR)
    assert not refusal.allowed
    assert "rule r: spec.rules[0].condition: its cost is not allowed; use another" in str(refusal)


def test_what_passes_its_trial_may_still_not_compile() -> None:
    """The trial says nothing of types and typing mistakes."""
    refusal = answer(policy(rule(condition="1 +")))
    assert not refusal.allowed
    assert "rule r: spec.rules[0].condition" in str(refusal)


def test_what_cannot_be_tried_is_refused_with_its_remedy() -> None:
    """Unknown fails closed; it is no fault of the author."""
    refusal = answer(policy(rule(condition="true")), why_not="no process can be started")
    assert not refusal.allowed
    assert "no process can be started; apply it again" in str(refusal)
