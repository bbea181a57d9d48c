"""The `set` of a Mutate rule, made runnable: paths read, values compiled.

A value that changes from call to call could never be verified, and a hold of it never approved: the id of the call and
the extra of the user are refused here, and not shown to the expressions of a Mutate rule either (`mutation`).
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.checks.wording import quoted
from webhook.policy.expression import Expression
from webhook.policy.object_path import InvalidPath, ObjectPath, parse_path
from webhook.policy.problem import Problem
from webhook.policy.sources import expression_of
from webhook.policy.spec import Rule

Scalar = bool | int | float | str

# JSON numbers of an API server are 64-bit.
_INT64 = range(-(2**63), 2**63)

_VOLATILE = re.compile(
    r"""\brequest\s*(?:\.\s*uid\b|\[\s*["']uid["']\s*\])"""
    r"""|\buserInfo\s*(?:\.\s*extra\b|\[\s*["']extra["']\s*\])|["']userInfo["']\s*\]\s*\.\s*extra\b"""
)
_STABLE = "an expression without request.uid and request.userInfo.extra, which are others in each call or token"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One value for one path: a literal, or an expression that answers with it."""

    path: ObjectPath
    value: Scalar | Expression


def assignments_of(rule: Rule, *, path: str, problems: list[Problem]) -> tuple[Assignment, ...]:
    """Make the `set` of a rule runnable; what is wrong is added to `problems`."""
    made: dict[ObjectPath, Assignment] = {}
    for text, value in (rule.sets or {}).items():
        where = f"{path}.set[{quoted(text)}]"
        target = _target(text, where, rule, problems)
        answer = _value(value, where, rule, problems)
        if target is None or answer is None:
            continue
        other = next((one for one in made if one == target or _overlap(one, target)), None)
        if other is not None:
            problems.append(
                Problem(where, f"a path beside {other}", "paths that do not lead through another", rule.name)
            )
        made[target] = Assignment(target, answer)
    return tuple(made.values())


def volatile_sources(rule: Rule, *, path: str) -> Iterator[Problem]:
    """Yield a problem for each expression of a Mutate rule, beside its values, that is another one in each call."""
    conditions = rule.match.match_conditions if rule.match else ()
    sources = [(f"{path}.match.matchConditions[{i}].expression", one.expression) for i, one in enumerate(conditions)]
    for where, source in [*sources, (f"{path}.condition", rule.condition)]:
        if source is not None and _VOLATILE.search(source):
            yield Problem(where, quoted(source), _STABLE, rule.name)


def _overlap(one: ObjectPath, other: ObjectPath) -> bool:
    return one.is_parent_of(other) or other.is_parent_of(one)


def _target(text: str, where: str, rule: Rule, problems: list[Problem]) -> ObjectPath | None:
    try:
        return parse_path(text)
    except InvalidPath as err:
        problems.append(Problem(where, quoted(text), err.allowed, rule.name))
        return None


def _value(value: Any, where: str, rule: Rule, problems: list[Problem]) -> Scalar | Expression | None:
    if isinstance(value, str):
        if _VOLATILE.search(value):
            problems.append(Problem(where, quoted(value), _STABLE, rule.name))
            return None
        return expression_of(value, "scalar", path=where, rule=rule.name, problems=problems)
    is_number = (isinstance(value, int) and value in _INT64) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or is_number:
        literal: Scalar = value
        return literal
    allowed = "a CEL expression in a string ('text' for a fixed text), a number, true or false"
    problems.append(Problem(where, quoted(value), allowed, rule.name))
    return None


def contradictions(rules: tuple[Rule, ...], made: Mapping[str, tuple[Assignment, ...]]) -> Iterator[Problem]:
    """Yield a problem for each pair of rules that apply to the same requests and set one path to different values.

    made: the assignments by the name of the rule. Only rules that nothing but an equal `match` narrows are compared.
    """
    seen: dict[tuple[str, ObjectPath], tuple[str, Assignment]] = {}
    for index, rule in enumerate(rules):
        is_plain = rule.condition is None and not rule.check_ids and rule.match is not None
        for assignment in made.get(rule.name, ()) if is_plain else ():
            key = (repr(rule.match), assignment.path)
            name, earlier = seen.setdefault(key, (rule.name, assignment))
            if _source(earlier) != _source(assignment):
                found = f"another value for {assignment.path} than rule {quoted(name)} sets for the same requests"
                yield Problem(f"spec.rules[{index}].set", found, "one value for a path", rule.name)


def _source(assignment: Assignment) -> tuple[type, Scalar]:
    value = assignment.value
    return (Expression, value.source) if isinstance(value, Expression) else (type(value), value)
