"""What is tried of a policy before its expressions come near the server: each is compiled and judged on samples.

Pure, but meant to run in a process that may crash, hang or run out of memory: `webhook.trial` sees to that. What fields
mean is not asked here, only what each text that is CEL does to the library.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from webhook.admission.request import Kind, Operation, Request, Resource, User
from webhook.checks.wording import one_line
from webhook.policy.cel.tree import Node, UnknownTree, outline, tree_of
from webhook.policy.expression import (
    TIME_LIMIT_MS,
    Expression,
    ExpressionError,
    ExpressionLimit,
    InvalidExpression,
    compile_expression,
)
from webhook.policy.shape import shaped
from webhook.policy.variables import Variables, are_fit

# Twice what `cel.cost` promises for any object that an expression is judged on: whatever takes longer shows that the
# promise does not hold for it. Processor time, so that a busy machine refuses nothing.
TRIAL_LIMIT_S = 2 * TIME_LIMIT_MS / 1000

_FIELDS = frozenset({"condition", "message", "expression"})
_BIG_ENTRIES = 9_000
_BIG_TEXT = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One text that is CEL, and where it stands."""

    path: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What expressions are tried on: one set of variables."""

    name: str
    variables: Variables = field(repr=False)


def sources_of(obj: Any) -> Iterator[Source]:
    """Yield every text of a policy of any shape that may be CEL."""
    spec = obj.get("spec") if isinstance(obj, Mapping) else None
    spec = spec if isinstance(spec, Mapping) else {}
    rules = spec.get("rules")
    yield from _conditions("spec", "", spec)
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, Mapping):
            path, name = f"spec.rules[{index}]", rule.get("name")
            rule_name = name if isinstance(name, str) else ""
            yield from _fields(path, rule_name, rule)
            yield from _conditions(path, rule_name, rule)


def params_of(obj: Any) -> Mapping[str, Any]:
    """Return the `spec.params` of a policy of any shape; empty if there are none that expressions could be shown."""
    spec = obj.get("spec") if isinstance(obj, Mapping) else None
    params = spec.get("params") if isinstance(spec, Mapping) else None
    return params if isinstance(params, Mapping) and are_fit(params) else {}


def _fields(path: str, rule: str, fields: Mapping[str, Any]) -> Iterator[Source]:
    for name, value in fields.items():
        if name in _FIELDS and isinstance(value, str):
            yield Source(f"{path}.{name}", rule, value)
        elif name == "set" and isinstance(value, Mapping):
            for key, text in value.items():
                if isinstance(text, str):
                    yield Source(f"{path}.set[{one_line(str(key))}]", rule, text)


def _conditions(path: str, rule: str, fields: Mapping[str, Any]) -> Iterator[Source]:
    match = fields.get("match")
    places = ((path, fields), (f"{path}.match", match if isinstance(match, Mapping) else {}))
    for place, found in places:
        conditions = found.get("matchConditions")
        for index, condition in enumerate(conditions if isinstance(conditions, list) else ()):
            if isinstance(condition, Mapping):
                yield from _fields(f"{place}.matchConditions[{index}]", rule, condition)


def samples(params: Mapping[str, Any]) -> tuple[Sample, ...]:
    """Return what every expression of a policy with these params is tried on."""
    return tuple(Sample(sample.name, sample.variables.with_params(params)) for sample in _samples())


@cache
def _samples() -> tuple[Sample, ...]:
    """Make the samples, once for all policies: it takes 10 ms."""
    deep: Any = True
    for _ in range(200):
        deep = {"a": deep}
    numbers = list(range(_BIG_ENTRIES))
    big = {"a": numbers, "b": numbers, "c": "x" * (_BIG_TEXT // 2), "d": [{"n": str(n), "l": [n]} for n in numbers]}
    made = {"nothing": None, "a Pod": _POD, "a large object": {**_POD, "spec": big}, "a deep object": deep}
    return tuple(Sample(name, _variables(obj, namespace=_NAMESPACE)) for name, obj in made.items())


def complaint(source: str, params: Mapping[str, Any], seen: set[Node], clock_s: Callable[[], float]) -> str:
    """Compile a source of a policy with these params, judge it on samples; return what is wrong, empty if nothing.

    A source that does not compile is nothing here: that is told, with its type, by whoever compiles the policy.
    `seen` remembers what was judged, so that rules that differ by a name only are judged once.
    """
    try:
        expression = compile_expression(source, returns="scalar")
        tree = tree_of(expression.program.serialize())
    except (InvalidExpression, UnknownTree):
        return ""
    if outline(tree) in seen:
        return ""
    seen.add(outline(tree))
    for sample in (*samples(params), *_shaped_samples(tree, params)):
        began = clock_s()
        _judge(expression, sample.variables)
        took_s = clock_s() - began
        if took_s > TRIAL_LIMIT_S:
            return f"it took {took_s * 1000:,.0f} ms on {sample.name}, allowed are {TRIAL_LIMIT_S * 1000:,.0f} ms"
    return ""


def _judge(expression: Expression, variables: Variables) -> None:
    with contextlib.suppress(ExpressionError, ExpressionLimit):
        expression.evaluate(variables)


def _shaped_samples(tree: Node, params: Mapping[str, Any]) -> Iterator[Sample]:
    for name, entries, text in (("an object made for it", 30, "a" * 60), ("long texts made for it", 2, "a" * 20_000)):
        values = shaped(tree, entries=entries, text=text)
        variables = _variables(values["object"], values["oldObject"], values["namespaceObject"])
        yield Sample(name, variables.with_params(params))


def _variables(obj: Any, old: Any = None, namespace: Any = None) -> Variables:
    """Make variables whose time is never used up: what is tried last is tried as well as what is tried first."""
    return Variables.of(_request(obj, old), namespace=namespace, clock=lambda: 0.0)


def _request(obj: Any, old: Any = None) -> Request:
    wire = {"operation": "UPDATE", "name": "web", "namespace": "agents", "userInfo": {"username": "bot"}}
    return Request(
        uid="trial",
        operation=Operation.UPDATE,
        kind=Kind("", "v1", "Pod"),
        resource=Resource("", "v1", "pods"),
        user=User("bot"),
        object=obj,
        old_object=obj if old is None else old,
        wire=wire,
    )


_CONTAINER = {
    "name": "web",
    "image": "registry.example/web:1.2.3",
    "env": [{"name": "A", "value": "1"}],
    "ports": [{"containerPort": 8080}],
    "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}},
    "securityContext": {"privileged": False, "capabilities": {"add": ["NET_ADMIN"]}},
}
_NAMESPACE: Mapping[str, Any] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "agents", "labels": {"env": "prod"}},
}
_POD: Mapping[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "agents", "labels": {"app": "web"}, "annotations": {"a": "b"}},
    "spec": {
        "containers": [_CONTAINER] * 3,
        "initContainers": [_CONTAINER],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
}
