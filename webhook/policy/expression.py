"""The guard around CEL: what an expression may be, what it may see, and what its answer may be.

The library is C++ underneath. Whatever could end the process is refused before it gets there, and every answer that
is not the promised type is an error: a value of type ERROR is truthy.

Source: https://kubernetes.io/docs/reference/using-api/cel/ (variables, strings library); limits were tried with
cel-expr-python 0.1.3, tests/webhook/policy/test_expression.py tries them again
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import orjson
from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from webhook.admission.request import Object, Request
from webhook.checks.wording import one_line

# The worst source found (a list of numbers) compiles in 14 microseconds a character: 10,000 are 0.14 s, once a policy.
# The longest expressions that people write for Kubernetes have a tenth of it. How deep a source may be nested the
# library says by itself: 32 levels of parentheses, calls, lists, maps and operators.
SOURCE_LIMIT = 10_000

# The API server takes objects up to 3 MiB, a review may hold two; the rest is userInfo and options.
VARIABLES_LIMIT_BYTES = 7 * 1024 * 1024

Answer = Literal["bool", "string", "scalar"]
"""What an expression answers with; a scalar is a bool, int, double or string."""

_TYPES = {
    "bool": (cel.Type.BOOL,),
    "string": (cel.Type.STRING,),
    "scalar": (cel.Type.BOOL, cel.Type.INT, cel.Type.DOUBLE, cel.Type.STRING),
}
_VARIABLES = ("request", "object", "oldObject", "namespaceObject", "params")
_BUDGET = "it runs over the limit of 10,000 iterations"
_ENVIRONMENT = cel.NewEnv(
    variables=dict.fromkeys(_VARIABLES, cel.Type.DYN),
    extensions=[ext_strings.ExtStrings()],
)
_SHOWN = {"bool": "bool", "string": "string", "scalar": "bool, int, double or string"}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ERROR_LINE = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_NO_CONTAINER = " (in container '')"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_RECURSION = re.compile(r"recursion (?:limit|depth)", re.IGNORECASE)


class InvalidExpression(ValueError):
    """A source is refused; `reason` is one line for its author."""

    def __init__(self, reason: str) -> None:
        self.reason = one_line(reason)
        super().__init__(self.reason)


class ExpressionError(Exception):
    """An expression has no answer for this request: `failurePolicy` decides. Says nothing of the object."""


class ExpressionLimit(Exception):
    """An expression was stopped, or a request cannot be shown to one: always denied. Says nothing of the object."""


class Variables:
    """What expressions see of one request; converted once, when the first of them asks."""

    def __init__(self, request: Request, *, namespace: Object | None = None, params: Object | None = None) -> None:
        self._request = request
        self._namespace = namespace
        self._params = params

    @classmethod
    def of(cls, request: Request, *, namespace: Object | None = None) -> "Variables":
        """Make the variables of a request; costs nothing until an expression is evaluated."""
        return cls(request, namespace=namespace)

    def with_params(self, params: Object | None) -> "Variables":
        """Return the same with the `params` of one policy."""
        return self if params is self._params else Variables(self._request, namespace=self._namespace, params=params)

    @cached_property
    def activation(self) -> Any | None:
        """The library's form of the variables; None if the request is not fit for it."""
        request = self._request
        data = {
            "request": {key: value for key, value in request.wire.items() if key not in {"object", "oldObject"}},
            "object": request.object,
            "oldObject": request.old_object,
            "namespaceObject": self._namespace,
            "params": self._params,
        }
        return _ENVIRONMENT.Activation(data) if is_convertible(data) else None


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled source that answers with a bool, a string or a scalar."""

    source: str
    returns: Answer
    program: Any

    @property
    def reads(self) -> frozenset[str]:
        """The variables that the source may read: each whose name is a word of it."""
        return frozenset(_WORD.findall(self.source)).intersection(_VARIABLES)

    def evaluate(self, variables: Variables) -> bool | str | int | float:
        """Answer for one request.

        Raises:
            ExpressionError: a field is missing, a type does not fit, the answer is of another type.
            ExpressionLimit: stopped by the iteration budget, or the request cannot be converted.
        """
        if variables.activation is None:
            raise ExpressionLimit("the object is too large, nested too deep, or holds a value outside of JSON's range")
        try:
            value = self.program.eval(variables.activation)
        except RuntimeError as err:
            raise ExpressionLimit(_BUDGET if "budget" in str(err) else "it was stopped") from err
        if value.type() == cel.Type.ERROR:
            raise ExpressionError(_plain_error(str(value.value())))
        if value.type() not in _TYPES[self.returns]:
            raise ExpressionError(f"its answer is not a {_SHOWN[self.returns]}")
        answer: bool | str | int | float = value.value()
        return answer


def compile_expression(source: str, *, returns: Answer) -> Expression:
    """Compile a source.

    Raises:
        InvalidExpression: it is too long, nested too deep, not CEL, names something unknown, or cannot answer with
            the type that is asked for.
    """
    if len(source) > SOURCE_LIMIT:
        raise InvalidExpression(f"it has {len(source)} characters, the limit is {SOURCE_LIMIT}")
    try:
        program = _ENVIRONMENT.compile(source)
    except (RuntimeError, TypeError, ValueError) as err:
        raise InvalidExpression(_compile_reason(str(err))) from err
    answer = program.return_type()
    if answer not in (*_TYPES[returns], cel.Type.DYN):
        wanted = " or ".join(each.name() for each in _TYPES[returns])
        raise InvalidExpression(f"it answers with {one_line(answer.name())}, not with {wanted}")
    return Expression(source, returns, program)


def is_convertible(data: Any) -> bool:
    """Say whether the library can take the data: under 250 levels deep, 64-bit integers, text without NUL, plain JSON.

    orjson refuses all else, in a few microseconds; the library ends the process at about 10,000 levels, answers an
    integer that is too large with an error that `failurePolicy: Ignore` would let pass, and ends a text at its first
    NUL, so that an agent could hide the rest of it from a condition.
    """
    plain = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
    try:
        written = orjson.dumps(data, option=plain)
    except (TypeError, RecursionError):
        return False
    has_nul = b"\\u0000" in written and _NUL.search(written) is not None
    return len(written) <= VARIABLES_LIMIT_BYTES and not has_nul


def _plain_error(text: str) -> str:
    """Say what kind of error it was without the library's text, which quotes values of the object."""
    if text.startswith("NOT_FOUND") or "non-message type" in text:
        return "a field that it reads is missing"
    return "a value has another type or range than it expects"


def _compile_reason(text: str) -> str:
    if _RECURSION.search(text):
        return "it is nested deeper than 32 levels"
    places = [
        what if line == "-1" else f"line {line}, column {column}: {what.removesuffix(_NO_CONTAINER)}"
        for line, column, what in _ERROR_LINE.findall(text)
    ]
    return "; ".join(dict.fromkeys(places)).removesuffix(" [INVALID_ARGUMENT]") or "it is not a CEL expression"
