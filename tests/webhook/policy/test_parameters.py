"""Parameters of a rule reach the checks that have them; what no check knows is refused with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from webhook.checks.check import Check, Parameters
from webhook.checks.scope import EVERYTHING
from webhook.policy.parameters import parameters_of
from webhook.policy.problem import Problem


class Few(Parameters):
    """Parameters of one check."""

    most_of_them: int = Field(ge=0, strict=True)


class Named(Parameters):
    """Parameters of another, with a default."""

    name: str = "x"


FEW = Check("few", lambda _: (), (EVERYTHING,), Few)
NAMED = Check("named", lambda _: (), (EVERYTHING,), Named)
PLAIN = Check("plain", lambda _: (), (EVERYTHING,))


def read(*checks: Check, given: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    """What each check gets, and the problems."""
    problems: list[Problem] = []
    found = parameters_of(checks, given, path="spec.rules[1]", rule="r", problems=problems)
    assert all(problem.rule == "r" for problem in problems)
    return {check_id: each.model_dump() for check_id, each in found.items()}, [str(each) for each in problems]


def test_each_check_gets_its_own() -> None:
    """By the names of the wire; what is left out has its default."""
    found, problems = read(FEW, NAMED, PLAIN, given={"mostOfThem": 3})
    assert (found, problems) == ({"few": {"most_of_them": 3}, "named": {"name": "x"}}, [])


@pytest.mark.parametrize(
    ("checks", "given", "problem"),
    [
        pytest.param([FEW], {"mostOfThem": -1}, "parameters.mostOfThem: -1 is not allowed; use a whole number from 0",
                     id="out of range"),
        pytest.param([FEW], {"mostOfThem": "3"}, 'parameters.mostOfThem: "3" is not allowed; use a whole number',
                     id="another type"),
        pytest.param([FEW], None, "parameters.mostOfThem: a missing value is not allowed; use a value", id="missing"),
        pytest.param([FEW, NAMED], {"mostOfThem": 1, "x": 1}, "parameters.x: an unknown field is not allowed; "
                     "use one of mostOfThem, name", id="unknown"),
        pytest.param([PLAIN], {"x": 1}, "parameters.x: an unknown field is not allowed; use no parameters",
                     id="a check without"),
        pytest.param([], {"x": 1}, "parameters.x: an unknown field is not allowed; use no parameters", id="no check"),
    ],
)  # fmt: skip
def test_a_wrong_one_is_a_problem(checks: list[Check], given: dict[str, Any] | None, problem: str) -> None:
    """With its field path."""
    _, problems = read(*checks, given=given)
    assert [each.startswith(f"spec.rules[1].{problem}") for each in problems] == [True], problems
