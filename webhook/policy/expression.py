"""The guard around CEL: what an expression may be, what it may see, what it may cost, and what its answer may be.

The library is C++ underneath. Whatever could end the process is refused before it gets there, and every answer that
is not the promised type is an error: a value of type ERROR is truthy. What is new is tried in a process of its own
first (`trial`); here is what holds for each expression and each request.

Source: https://kubernetes.io/docs/reference/using-api/cel/; limits were tried with cel-expr-python 0.1.3,
tests/webhook/policy/test_expression.py tries them again
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from cel_expr_python import cel

from webhook.checks.wording import one_line
from webhook.policy.cel.calls import release
from webhook.policy.cel.cost import Bound, NotBounded, bound_of
from webhook.policy.cel.environment import ENVIRONMENT, VARIABLES
from webhook.policy.cel.tree import UnknownTree, names_in, tree_of
from webhook.policy.variables import VARIABLES_LIMIT_BYTES, Variables

__all__ = [
    "SOURCE_LIMIT",
    "VARIABLES_LIMIT_BYTES",
    "Answer",
    "Expression",
    "ExpressionError",
    "ExpressionLimit",
    "InvalidExpression",
    "Returns",
    "Variables",
    "compile_expression",
]

# The worst source found (a list of numbers) compiles in 14 microseconds a character: 10,000 are 0.14 s, once a policy.
# The longest expressions that people write for Kubernetes have a tenth of it. How deep a source may be nested the
# library says by itself: 32 levels of parentheses, calls, lists, maps and operators.
SOURCE_LIMIT = 10_000

# Each of these macros writes what it is called on twice: 20 in a row compile for 11 s, 6 for less than 10 ms.
DOUBLING_LIMIT = 6

# One expression may take so long on the request at hand, by the bound of `cel.cost`, which errs to the safe side:
# a fifth of the second after which agents and people notice, and 1/50 of the API server's patience.
TIME_LIMIT_MS = 200

# The library gives memory back only at the end of an evaluation; the server is meant to live in 120 MiB.
MEMORY_LIMIT_MIB = 64

# What every expression must be able to judge: a Pod of 4 KB has 12 KB with its managedFields and about 400 values.
LEAST_TEXT, LEAST_NODES = 16_384, 500

Returns = Literal["bool", "string", "scalar"]
Answer = bool | str | int | float

_TYPES = {
    "bool": (cel.Type.BOOL,),
    "string": (cel.Type.STRING,),
    "scalar": (cel.Type.STRING, cel.Type.BOOL, cel.Type.INT, cel.Type.DOUBLE),
}
WORDS = {"bool": "bool", "string": "string", "scalar": "bool, int, double or string"}
"""What may be answered, for people."""

_BUDGET = "it runs over the limit of 10,000 iterations"
_ERROR_LINE = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_NO_CONTAINER = " (in container '')"
_RECURSION = re.compile(r"recursion (?:limit|depth)", re.IGNORECASE)
_DOUBLING = re.compile(r"\bopt(?:Flat)?Map\b")


class InvalidExpression(ValueError):
    """A source is refused; `reason` is one line for its author."""

    def __init__(self, reason: str) -> None:
        self.reason = one_line(reason)
        super().__init__(self.reason)


class ExpressionError(Exception):
    """An expression has no answer for this request: `failurePolicy` decides. Says nothing of the object."""


class ExpressionLimit(Exception):
    """An expression was stopped, or a request cannot be shown to one: always denied. Says nothing of the object."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled source that answers with a bool, a string, or any scalar."""

    source: str
    returns: Returns
    program: Any
    reads: frozenset[str]
    """Which of the variables the source names."""
    _fits: dict[tuple[int, int], bool] = field(default_factory=dict, repr=False, compare=False)
    """Sizes of requests (as powers of two) -> whether they can be judged within the limits."""

    def evaluate(self, variables: Variables) -> Answer:
        """Answer for one request.

        Raises:
            ExpressionError: a field is missing, a type does not fit, the answer is of another type.
            ExpressionLimit: stopped by the iteration budget, the request cannot be converted or is too large for
                this expression, the request's time for expressions is used up, or it reads what is not known.
        """
        if self.reads & variables.unknown:
            raise ExpressionLimit("the Namespace that the object lies in is not known")
        if variables.activation is None:
            raise ExpressionLimit("the object is too large, nested too deep, or holds a value outside of JSON's range")
        if variables.is_out_of_time():
            raise ExpressionLimit("the expressions before it have used up the time of this request")
        if not self._is_judgeable(variables):
            raise ExpressionLimit(f"it could take more than {TIME_LIMIT_MS} ms on an object as large as this")
        try:
            value = self.program.eval(variables.activation)
            kind = value.type()
            if kind in _TYPES[self.returns]:
                answer: Answer = value.value()
                return answer
            raise ExpressionError(_no_answer(value, kind, self.returns))
        except RuntimeError as err:
            raise ExpressionLimit(_BUDGET if "budget" in str(err) else "it was stopped") from err
        finally:
            release()

    def _is_judgeable(self, variables: Variables) -> bool:
        """Say whether the bound for a request of this size is within the limits; remembered by powers of two."""
        text = (variables.text - 1).bit_length()
        fits = self._fits.get((0, text))
        if fits is None:
            fits = self._fits[0, text] = self._is_within(2 ** (text - 1), 2**text)
        if fits:
            return True
        nodes = (variables.nodes - 1).bit_length()
        fits = self._fits.get((nodes, text))
        if fits is None:
            fits = self._fits[nodes, text] = self._is_within(2**nodes, 2**text)
        return fits or self._is_within(variables.nodes, variables.text)

    def _is_within(self, nodes: int, text: int) -> bool:
        try:
            return _is_allowed(_bound(self.program, nodes, text))
        except NotBounded:
            return False


def compile_expression(source: str, *, returns: Returns) -> Expression:
    """Compile a source.

    Raises:
        InvalidExpression: it is too long, nested too deep, not CEL, names something unknown, cannot answer with the
            type that is asked for, or could cost too much on an ordinary object.
    """
    if len(source) > SOURCE_LIMIT:
        raise InvalidExpression(f"it has {len(source)} characters, the limit is {SOURCE_LIMIT}")
    if len(_DOUBLING.findall(source)) > DOUBLING_LIMIT:
        raise InvalidExpression(f"it uses optMap and optFlatMap more than {DOUBLING_LIMIT} times")
    try:
        program = ENVIRONMENT.compile(source)
    except (RuntimeError, TypeError, ValueError) as err:
        raise InvalidExpression(_compile_reason(str(err))) from err
    answer = program.return_type()
    if answer not in (*_TYPES[returns], cel.Type.DYN):
        wanted = " or ".join(kind.name() for kind in _TYPES[returns])
        raise InvalidExpression(f"it answers with {one_line(answer.name())}, not with {wanted}")
    return Expression(source, returns, program, _reads(program))


def _reads(program: Any) -> frozenset[str]:
    """Return which variables are named, after making sure that the expression costs little on an ordinary object."""
    try:
        tree = tree_of(program.serialize())
        bound = bound_of(tree, nodes=LEAST_NODES, text=LEAST_TEXT, variables=VARIABLES)
    except (NotBounded, UnknownTree) as err:
        raise InvalidExpression(str(err)) from err
    if not _is_allowed(bound):
        raise InvalidExpression(
            f"on an object of {LEAST_TEXT // 1024} KiB it could take {bound.ns / 1e6:,.0f} ms and "
            f"{bound.alloc_bytes / 2**20:,.0f} MiB, allowed are {TIME_LIMIT_MS} ms and {MEMORY_LIMIT_MIB} MiB; keep "
            "out of loops what does not depend on their variable, and give split a limit"
        )
    return frozenset(names_in(tree)) & frozenset(VARIABLES)


def _bound(program: Any, nodes: int, text: int) -> Bound:
    return bound_of(tree_of(program.serialize()), nodes=nodes, text=text, variables=VARIABLES)


def _is_allowed(bound: Bound) -> bool:
    return bound.ns <= TIME_LIMIT_MS * 1e6 and bound.alloc_bytes <= MEMORY_LIMIT_MIB * 2**20


def _no_answer(value: Any, kind: Any, returns: Returns) -> str:
    """Say what kind of error it was without the library's text, which quotes values of the object."""
    try:
        text = str(value.value()) if kind == cel.Type.ERROR else ""
    except TypeError:  # an optional: the library calls its type an error too, but has no text for it
        text = ""
    if not text:
        return f"its answer is not a {WORDS[returns]}"
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
