"""What was tried is not tried again; what was not tried is not known."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from webhook.policy.problem import Problem
from webhook.trial.trials import CannotTry, Trials

Stored = Mapping[str, Any]


def policy(condition: str, **params: Any) -> Stored:
    return {"spec": {"rules": [{"name": "r", "condition": condition}], "params": params}}


class Child:
    def __init__(self) -> None:
        self.given: list[Stored] = []

    async def __call__(self, policies: Sequence[Stored]) -> list[tuple[Problem, ...]]:
        self.given.extend(policies)
        return [() for _ in policies]


async def broken_child(_policies: Sequence[Stored]) -> list[tuple[Problem, ...]]:
    raise CannotTry("no")


def test_without_expressions_no_child_is_started() -> None:
    """A replica without policies, or with checks only, pays nothing."""
    child = Child()
    asyncio.run(Trials(child).try_policies([{"spec": {"rules": [{"name": "r", "action": "Deny"}]}}, {}]))
    asyncio.run(Trials(child).try_policies([]))
    assert child.given == []


def test_the_same_expressions_are_tried_once() -> None:
    """Other params or another text are another trial."""
    child = Child()
    trials = Trials(child)
    for given in (policy("true"), policy("true"), policy("true", a=1), policy("false")):
        assert asyncio.run(trials.try_policy(given)) == ()
    assert child.given == [policy("true"), policy("true", a=1), policy("false")]


def test_what_could_not_be_tried_is_not_known() -> None:
    """It is tried again next time."""
    trials = Trials(broken_child)
    with pytest.raises(CannotTry):
        asyncio.run(trials.try_policy(policy("true")))
    assert trials.known(policy("true")) is None


def test_what_takes_longer_than_a_caller_waits_goes_on() -> None:
    """The largest policy takes longer than kubectl waits; applied again, it is known."""

    async def ask_twice() -> tuple[Problem, ...]:
        may_end = asyncio.Event()

        async def slow_child(policies: Sequence[Stored]) -> list[tuple[Problem, ...]]:
            await may_end.wait()
            return [() for _ in policies]

        trials = Trials(slow_child, turn_limit_s=0.01)
        with pytest.raises(CannotTry, match=r"still being tried"):
            await trials.try_policy(policy("true"))
        may_end.set()
        await trials.try_policies([policy("true")])
        return await trials.try_policy(policy("true"))

    assert asyncio.run(ask_twice()) == ()
