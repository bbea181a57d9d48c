"""A problem is one line that its author can act on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.policy.language import policy
from webhook.policy.model import InvalidPolicy, parse_policy
from webhook.policy.problem import Problem, field_path

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ["subjects", "excludeSubjects", "mode", "failurePolicy", "unmatched", "defaults", "rules"]
RULE_FIELDS = ["name", "match", "check", "checks", "condition", "message", "action", "hold"]


def test_line() -> None:
    """Where, what was found, what is allowed."""
    problem = Problem("spec.rules[2].action", '"Denny"', "one of Deny, Hold, Warn")
    assert str(problem) == 'spec.rules[2].action: "Denny" is not allowed; use one of Deny, Hold, Warn'


@pytest.mark.parametrize(
    ("loc", "path"),
    [(("spec", "rules", 2, "match"), "spec.rules[2].match"), ((), "(the whole object)")],
)
def test_path(loc: tuple[int | str, ...], path: str) -> None:
    """Paths are written as Kubernetes writes them."""
    assert field_path(loc) == path


@given(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_any_spec(spec: Any) -> None:
    """Whatever the spec, it is read or refused with lines that print, and nothing else is raised."""
    _read_or_refuse({"metadata": {"name": "p"}, "spec": spec})


@given(st.dictionaries(st.sampled_from(RULE_FIELDS), JSON))
def test_any_rule(rule: Any) -> None:
    """The same for any rule in an otherwise good policy."""
    _read_or_refuse(policy(rule))


def _read_or_refuse(obj: Any) -> None:
    for line in _lines(obj):
        assert line.isprintable()
        assert " is not allowed; use " in line or line.endswith("...")


def _lines(obj: Any) -> list[str]:
    try:
        parse_policy(obj)
    except InvalidPolicy as refused:
        return [str(problem) for problem in refused.problems] or ["refused without a word"]
    return []
