"""The guard around CEL: right answers, and nothing that ends the process or lets through by accident."""

from __future__ import annotations

import math
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webhook.policy.language import asks
from webhook.policy.expression import (
    SOURCE_LIMIT,
    VARIABLES_LIMIT_BYTES,
    Answer,
    ExpressionError,
    ExpressionLimit,
    InvalidExpression,
    Returns,
    Variables,
    compile_expression,
)

DEPLOYMENT = {"metadata": {"name": "web", "labels": {"env": "prod"}}, "spec": {"replicas": 3, "paused": True}}


def answer(source: str, obj: Any = None, *, old: Any = None, returns: Returns = "bool") -> Answer:
    request = asks("UPDATE", obj, resource="deployments", old=old, name="web", namespace="prod")
    return compile_expression(source, returns=returns).evaluate(Variables.of(request))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("object.spec.replicas > 2", True),
        ("object.spec.paused", True),
        ("object.spec.replicas == 3.0", True),
        ("has(object.spec.template)", False),
        ("object.metadata.labels.exists(key, key == 'env')", True),
        ("object.metadata.labels['env'] == 'dev'", False),
        ("oldObject == null", True),
        ("request.namespace == 'prod' && request.operation == 'UPDATE'", True),
        ("request.userInfo.username.startsWith('system:serviceaccount:agents:')", True),
        ("'a,b'.split(',') == ['a', 'b'] && 'x'.upperAscii() == 'X' && ['a', 'b'].join('-') == 'a-b'", True),
        ("'%s has %d'.format(['web', 3]) == 'web has 3' && 'web'.substring(1) == 'eb'", True),
        ("'web-1'.matches('^web-[0-9]+$')", True),
        ("timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z')", True),
        ("true || object.nothing.at.all", True),
    ],
)
def test_answers(source: str, expected: bool) -> None:
    """What Kubernetes' own CEL answers."""
    assert answer(source, DEPLOYMENT) is expected


def test_message() -> None:
    """A string expression answers with its text."""
    assert answer("'scale of ' + object.metadata.name", DEPLOYMENT, returns="string") == "scale of web"


@pytest.mark.parametrize("variable", ["request.object", "request.oldObject"])
def test_request_is_without_its_objects(variable: str) -> None:
    """As in ValidatingAdmissionPolicy; so nothing is converted twice."""
    assert answer(f"has({variable})", DEPLOYMENT, old=DEPLOYMENT) is False


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 +", "line 1, column 4: Syntax error"),
        ("", "line 1, column 1: Syntax error"),
        ("object.spec ==\n  nothing", "line 2, column 3: undeclared reference to 'nothing'"),
        ("parms.x", "undeclared reference to 'parms.x'"),
        ("'text'", "it answers with STRING, not with BOOL"),
        ("[1]", "it answers with LIST<INT>, not with BOOL"),
        ("{'a': true}", "it answers with MAP<STRING, BOOL>, not with BOOL"),
        ("null", "it answers with NULL, not with BOOL"),
        ("'a'.nothing()", "undeclared reference to 'nothing'"),
        ("\ud800", "it is not a CEL expression"),
        ("(" * 40 + "true" + ")" * 40, "it is nested deeper than 32 levels"),
        ("true" + " == true" * 40, "it is nested deeper than 32 levels"),
        ("[" * 100_000, "it has 100000 characters, the limit is 10000"),
        ("true" + " " * SOURCE_LIMIT, "it has 10004 characters, the limit is 10000"),
    ],
    ids=lambda value: str(value)[:30].encode("ascii", "replace").decode(),
)
def test_refused_source(source: str, reason: str) -> None:
    """A source that is no expression, or too much of one, is refused with one line for its author."""
    with pytest.raises(InvalidExpression) as caught:
        compile_expression(source, returns="bool")
    assert reason in caught.value.reason
    assert caught.value.reason.isprintable()


NESTING = [
    "[",
    "(",
    "{",
    "!",
    "-",
    "a.",
    "[0]",
    "1+",
    "a?b:",
    "a(",
    "{1:",
    "[1].all(x,",
    "has(",
    "a{b:",
    "true==",
    "\\",
]


@pytest.mark.parametrize("piece", NESTING)
def test_deepest_source(piece: str) -> None:
    """Whatever is nested as deep as the limit allows, the process lives and the source is refused."""
    with pytest.raises(InvalidExpression):
        compile_expression(piece * (SOURCE_LIMIT // len(piece)), returns="bool")


@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ("(", ")"), ("{1:", "}"), ("dyn(", ")"), ("[1].map(x,", ")")]
)
def test_nested_source(opening: str, closing: str) -> None:
    """The same where every bracket is closed."""
    source = opening * 900 + "true" + closing * 900
    with pytest.raises(InvalidExpression, match=r"nested deeper than 32 levels"):
        compile_expression(source, returns="bool")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("object.spec.nothing == 1", "a field that it reads is missing"),
        ("oldObject.spec.replicas == 1", "a field that it reads is missing"),
        ("object.spec.replicas.startsWith('3')", "a value has another type or range than it expects"),
        ("object.spec.replicas / 0 == 1", "a value has another type or range than it expects"),
        ("object.spec.replicas", "its answer is not a bool"),
        ("object.metadata", "its answer is not a bool"),
        ("oldObject", "its answer is not a bool"),
        ("dyn(type(object))", "its answer is not a bool"),
    ],
)
def test_no_answer(source: str, reason: str) -> None:
    """An error is an error although the library's error value is truthy, and quotes nothing of the object."""
    with pytest.raises(ExpressionError) as caught:
        answer(source, DEPLOYMENT)
    assert str(caught.value) == reason


def deep(levels: int, *, as_list: bool = False) -> Any:
    value: Any = True
    for _ in range(levels):
        value = [value] if as_list else {"a": value}
    return value


@pytest.mark.parametrize(
    "obj",
    [
        {"a": deep(300)},
        {"a": deep(100_000)},
        {"a": deep(100_000, as_list=True)},
        {"a": 2**64},
        {"a": -(2**63) - 1},
        {"a": "half \ud800"},
        {"\ud800": 1},
        {1: "not JSON"},
        {"a": object()},
        {"a": "x" * VARIABLES_LIMIT_BYTES},
    ],
    ids=["deep", "very deep", "deep lists", "big", "small", "surrogate", "surrogate key", "key", "type", "size"],
)
def test_unfit_object(obj: Any) -> None:
    """An object that the library cannot take is a limit, for every expression: Ignore must not let it pass."""
    with pytest.raises(ExpressionLimit):
        answer("true", obj)
    with pytest.raises(ExpressionLimit):
        answer("true", DEPLOYMENT, old=obj)


@pytest.mark.parametrize(
    "obj",
    [{"a": deep(200)}, {"a": 2**64 - 1}, {"a": -(2**63)}, {"a": math.inf}, {"a": math.nan}, {"": 1}],
    ids=["deep", "big", "small", "infinite", "no number", "empty key"],
)
def test_fit_object(obj: Any) -> None:
    """What is odd but harmless is judged."""
    assert answer("object == object || true", obj) is True


def test_budget() -> None:
    """Two loops over 200 entries are 40,000 iterations: stopped, and that is no ordinary error."""
    with pytest.raises(ExpressionLimit, match=r"limit of 10,000 iterations"):
        answer("object.l.all(x, object.l.all(y, x == y || true))", {"l": list(range(200))})


def test_converted_once() -> None:
    """All expressions of a request share one conversion, and none is made before the first."""
    variables = Variables.of(asks("UPDATE", DEPLOYMENT, resource="deployments"))
    assert "activation" not in vars(variables)
    compile_expression("true", returns="bool").evaluate(variables)
    first = variables.activation
    compile_expression("object.spec.paused", returns="bool").evaluate(variables)
    assert variables.activation is first


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)
WORDS = [
    "object",
    "oldObject",
    "request",
    ".a",
    "[0]",
    "['a']",
    "==",
    "<",
    "&&",
    "||",
    "!",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
]
MORE = [
    ".all(x,",
    ".map(x,",
    "x",
    "has(",
    "size(",
    "1",
    "-",
    "+",
    "'a'",
    "b'a'",
    "null",
    "true",
    "?",
    ":",
    ",",
    "1u",
    "1.5",
]
SOURCES = st.text(max_size=30) | st.lists(st.sampled_from(WORDS + MORE), max_size=25).map(" ".join)
EXPRESSIONS = ["object", "object.a", "object.a == oldObject", "size(object) > 1", "object.all(x, x == x)", "object < 1"]


@settings(max_examples=300)
@given(SOURCES, st.sampled_from(["bool", "string"]), JSON)
def test_any_source(source: str, returns: Literal["bool", "string"], obj: Any) -> None:
    """Whatever the source, it is refused, errs, or answers with its type."""
    try:
        expression = compile_expression(source, returns=returns)
        result = expression.evaluate(Variables.of(asks("UPDATE", obj, resource="x", old=obj)))
    except (InvalidExpression, ExpressionError, ExpressionLimit):
        return
    assert type(result) is {"bool": bool, "string": str}[returns]


@settings(max_examples=300)
@given(st.sampled_from(EXPRESSIONS), JSON, JSON)
def test_any_object(source: str, obj: Any, old: Any) -> None:
    """Whatever the objects, a condition answers with a bool or says that it has no answer."""
    try:
        assert type(answer(source, obj, old=old)) is bool
    except (ExpressionError, ExpressionLimit) as err:
        assert str(err).isascii()  # noqa: PT017 - both ways are right, neither may quote the object


@pytest.mark.parametrize("obj", [{"image": "good\0evil"}, {"a\0b": 1}, {"labels": {"x": "\0"}}])
def test_a_nul_cannot_hide_the_rest_of_a_text(obj: dict[str, Any]) -> None:
    """The library ends a text at NUL, so what holds one is not judged but stopped."""
    with pytest.raises(ExpressionLimit):
        answer("true", obj)


def test_a_text_that_only_looks_like_an_escaped_nul_is_judged() -> None:
    """A backslash and u0000 are six ordinary characters."""
    assert answer(r"object.image == '\\u0000'", {"image": "\\u0000"}) is True
