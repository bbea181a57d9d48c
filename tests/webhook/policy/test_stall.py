"""However many rules, and whatever object: one request is judged soon, and what was not judged denies."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import pytest

from tests.webhook.policy.language import asks, judged, policy, rule
from webhook.admission.verdict import Action
from webhook.policy.compile import compile_set
from webhook.policy.evaluate import evaluate
from webhook.policy.expression import ExpressionLimit, Variables, compile_expression
from webhook.policy.protection import Protected

SLOW = "object.l.all(x, x + {n} >= 0)"
RULES = [rule(name=f"r{n}", condition=SLOW.format(n=n)) for n in range(800)]
LARGE = {"metadata": {"name": "web"}, "l": list(range(9000))}


def test_time_is_used_up() -> None:
    """The expressions of a request share 0.5 s; after that each one that comes is stopped, and none is skipped."""
    ticks = count(step=0.2)
    variables = Variables.of(asks("CREATE", LARGE, resource="things"), clock=lambda: next(ticks))
    expression = compile_expression("true", returns="bool")
    assert [expression.evaluate(variables) for _ in range(2)] == [True, True]
    for each in (variables, variables.with_params({"a": 1})):
        with pytest.raises(ExpressionLimit, match=r"the time of this request"):
            expression.evaluate(each)


@pytest.mark.parametrize("failure_policy", ["Fail", "Ignore"])
def test_many_dear_rules_end_soon_and_deny(failure_policy: str) -> None:
    """Eight hundred rules of a millisecond each; what is out of time names its rule."""
    policies = compile_set([policy(*RULES, failurePolicy=failure_policy)])
    request = asks("CREATE", LARGE, resource="things")
    began = time.process_time()
    verdict = evaluate(request, policies, protected=Protected())
    assert time.process_time() - began < 3
    assert verdict.action is Action.DENY
    assert len(verdict.findings) == len(RULES)
    assert any("have used up the time of this request" in finding.message for finding in verdict.findings)


def nested(levels: int) -> Any:
    value: Any = "leaf"
    for _ in range(levels):
        value = {"a": [value]}
    return value


ALL_OF_UNICODE = "".join(chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF)


@pytest.mark.parametrize(
    "obj",
    [{"t": "x" * 3_000_000}, {"l": ["x"] * 700_000}, {"m": {str(n): n for n in range(200_000)}}, {"u": ALL_OF_UNICODE}]
    + [nested(levels) for levels in (100, 124, 125, 200, 5000)],
    ids=["text", "list", "map", "unicode", "deep 200", "deep 249", "deep 251", "deep 400", "deep 10000"],
)
@pytest.mark.parametrize("failure_policy", ["Fail", "Ignore"])
def test_the_largest_objects_are_judged_or_refused(obj: dict[str, Any], failure_policy: str) -> None:
    """Never an exception, never a wait, and a rule that denies them does."""
    given = policy(rule(condition="object == object && request.name == 'web'"), failurePolicy=failure_policy)
    began = time.process_time()
    assert judged(asks("CREATE", obj, resource="things", name="web", namespace="agents"), given).action is Action.DENY
    assert time.process_time() - began < 3


@pytest.mark.parametrize("wanted", ["has(object.spec.nothing)", "object.?spec.?nothing.hasValue()"])
def test_a_field_that_may_be_missing_can_be_asked_for(wanted: str) -> None:
    """Two ways that are no error."""
    request = asks("CREATE", {"metadata": {"name": "web"}, "spec": {}}, resource="things")
    assert judged(request, policy(rule(condition=wanted))).action is Action.ALLOW
    assert judged(request, policy(rule(condition=f"!{wanted}"))).action is Action.DENY
