"""docs/cel.md says what there is: every function, every variable, every limit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webhook.cluster.policies import TRY_AGAIN_S
from webhook.policy import expression, variables
from webhook.policy.cel import cost
from webhook.policy.cel.environment import FUNCTIONS, VARIABLES
from webhook.trial import child, children

TEXT = (Path(__file__).parents[4] / "docs/cel.md").read_text()


def test_every_function_and_variable_is_there() -> None:
    """As a word in backticks."""
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    words = set(re.findall(r"[\w.]+", " ".join(re.findall(r"`([^`]+)`", prose))))
    names = {function.name.removeprefix("format.") for function in FUNCTIONS} | set(VARIABLES)
    assert {name for name in names if not {name, f"format.{name}"} & words} == set()


@pytest.mark.parametrize(
    "said",
    [
        f"{expression.SOURCE_LIMIT:,} characters",
        f"`optFlatMap` {expression.DOUBLING_LIMIT} times",
        f"{cost.ROUNDS:,} rounds",
        f"{expression.TIME_LIMIT_MS} ms and {expression.MEMORY_LIMIT_MIB} MiB",
        f"an object of {expression.LEAST_TEXT // 1024} KiB",
        f"{variables.REQUEST_LIMIT_S} s; those that",
        f"{variables.VARIABLES_LIMIT_BYTES // 2**20} MiB, nested",
        f"{variables.PARAMS_LIMIT_BYTES // 1024} KiB of JSON",
        f"{child.MEMORY_LIMIT_BYTES // 2**30} GiB",
        f"{children.SILENCE_LIMIT_S:.0f} s for one expression and {children.POLICY_LIMIT_S:.0f} s for one policy",
        f"every {TRY_AGAIN_S} s",
    ],
)
def test_every_limit_is_the_one_that_holds(said: str) -> None:
    """A number that is changed is changed here too."""
    assert said in " ".join(TEXT.split())
