"""What one call of a function costs and how large its answer can be: a row for each function.

Times are twice what was measured with cel-expr-python 0.1.3 on a core of 2020; a function without a row costs as much
as the dearest. tests/webhook/policy/cel/test_cost.py holds the estimates above what the worst objects really take.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from webhook.policy.cel.regex import NoPattern, pattern
from webhook.policy.cel.size import SCALAR, Size
from webhook.policy.cel.tree import Literal, Node, names_in


@dataclass(frozen=True, slots=True)
class Cost:
    """Time, memory that stays until the evaluation ends, and the answer."""

    ns: float
    alloc: float
    answer: Size


class NotBounded(ValueError):
    """A call whose cost nobody can know beforehand; the text says how to write it instead."""


Row = Callable[[tuple[Size, ...], tuple[Node, ...]], Cost]

# Equality: 33 ns a value, 0.012 ns a character; `in`: 16 ns an entry; a call into Python with its values: 2.5 us.
_EQUAL_NODE, _EQUAL_CHARACTER, _ENTRY, _PYTHON = 60.0, 0.05, 25.0, 5000.0
# The library keeps nothing of a pattern between calls: 1.2 us for each of its steps. Where RE2 cannot keep its states
# it walks all steps for each character, 14 ns each.
_PATTERN_STEP, _CHARACTER_STEP = 2000.0, 15.0
# A pattern in `params` is the author's, but not known here; longer ones are refused by RE2 or by nobody's patience.
_PARAMS_STEPS = 1000


def cost_of(function: str, sizes: tuple[Size, ...], arguments: tuple[Node, ...]) -> Cost:
    """Return the cost of one call, without its arguments'.

    Raises:
        NotBounded: nobody can know it beforehand.
    """
    row = _ROWS.get(function)
    return row(sizes, arguments) if row else _unknown(sizes, arguments)


def _all(sizes: tuple[Size, ...]) -> Size:
    total = Size(0, 0, 0)
    for size in sizes:
        total = total.with_more(size)
    return total


def _unknown(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    total = _all(sizes)
    ns = _PYTHON + 400 * total.nodes + 200 * total.text
    return Cost(ns, 64 * total.nodes + 8 * total.text, total.with_more(total))


def _scalar(_sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    return Cost(100, 0, SCALAR)


def _same(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    answer = sizes[0]
    for size in sizes[1:]:
        answer = answer.at_least(size)
    return Cost(100, 32, answer)


def _either(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    return Cost(20, 0, sizes[-2].at_least(sizes[-1]))


def _equal(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    one, other = sizes
    ns = _EQUAL_NODE * min(one.nodes, other.nodes) + _EQUAL_CHARACTER * min(one.text, other.text)
    return Cost(ns, 0, SCALAR)


def _in(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    wanted, container = sizes
    nodes = min(container.entries * wanted.nodes, container.nodes)
    text = min(container.entries * wanted.text, container.text)
    return Cost(_ENTRY * container.entries + _EQUAL_NODE * nodes + _EQUAL_CHARACTER * text, 0, SCALAR)


def _plus(sizes: tuple[Size, ...], arguments: tuple[Node, ...]) -> Cost:
    if any(isinstance(one, Literal) and one.is_number for one in arguments):
        return Cost(40, 0, SCALAR)
    total = _all(sizes)
    text = 0.0 if total.is_list else total.text
    return Cost(40 * total.entries + 2 * text, 32 * total.entries + text, total)


def _per_character(ns: float, *, keeps: float = 0, factor: float = 1) -> Row:
    """Make the row of a function that walks over its texts and answers with one."""

    def row(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
        text = sum(size.text for size in sizes)
        answer = Size(0, 1, factor * text) if keeps else SCALAR
        return Cost(100 + ns * text, keeps * text, answer)

    return row


def _length(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    return Cost(50 + (0 if sizes[0].is_list else 2 * sizes[0].text), 0, SCALAR)


def _replace(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    text = sizes[0].text + (sizes[0].text + 1) * sizes[2].text
    return Cost(200 + 100 * sizes[0].text + 4 * text, 2 * text, Size(0, 1, text))


def _split(sizes: tuple[Size, ...], arguments: tuple[Node, ...]) -> Cost:
    limit = arguments[2].value if len(arguments) > 2 and isinstance(arguments[2], Literal) else None
    parts = sizes[0].text + 1
    if isinstance(limit, int) and 0 <= limit < 2**63:
        parts = min(parts, limit)
    return Cost(200 + 160 * sizes[0].text, 48 * parts + 2 * sizes[0].text, Size(parts, parts + 1, sizes[0].text, True))


def _join(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    separator = sizes[1].text if len(sizes) > 1 else 0
    text = sizes[0].text + sizes[0].entries * separator
    return Cost(200 + 100 * sizes[0].nodes + 4 * text, 2 * text, Size(0, 1, text))


def _format(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    total = _all(sizes)
    text = 2 * total.text + 24 * total.nodes
    return Cost(500 + 100 * total.nodes + 20 * total.text, 4 * text, Size(0, 1, text))


def _python(ns: float = 0, node: float = 300, character: float = 4, answer: Size | None = SCALAR) -> Row:
    """Make the row of one of our own functions; `answer` None: as large as what it was given."""

    def row(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
        total = _all(sizes)
        ours = ns + _PYTHON + node * total.nodes + character * total.text
        return Cost(ours, 100 * total.nodes + 4 * total.text, total if answer is None else answer)

    return row


def _sets(sizes: tuple[Size, ...], _: tuple[Node, ...]) -> Cost:
    one, other = sizes
    pairs = one.entries * other.nodes + other.entries * one.nodes
    return Cost(_PYTHON + 600 * pairs + 300 * (one.nodes + other.nodes), 100 * (one.nodes + other.nodes), SCALAR)


def _steps(node: Node) -> float:
    """Count the steps of a pattern."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        try:
            return float(pattern(node.value).programsize)
        except NoPattern as err:
            raise NotBounded("a pattern is not a regular expression of RE2") from err
    if set(names_in(node)) <= {"params"}:
        return _PARAMS_STEPS
    raise NotBounded("a pattern must stand in the expression or in spec.params, not in the request")


def _matches(sizes: tuple[Size, ...], arguments: tuple[Node, ...]) -> Cost:
    steps = _steps(arguments[1])
    return Cost(1000 + _PATTERN_STEP * steps + (4 + _CHARACTER_STEP * steps) * sizes[0].text, 0, SCALAR)


def _find(sizes: tuple[Size, ...], arguments: tuple[Node, ...]) -> Cost:
    text = sizes[0].text
    ns = _PYTHON + (20 + _CHARACTER_STEP * _steps(arguments[1])) * text
    return Cost(ns, 4 * text, Size(0, 1, text))


def _find_all(sizes: tuple[Size, ...], arguments: tuple[Node, ...]) -> Cost:
    text = sizes[0].text
    ns = _PYTHON + (2000 + _CHARACTER_STEP * _steps(arguments[1])) * text
    return Cost(ns, 100 * text, Size(text + 1, text + 2, text, True))


# The library opens whatever path it is given as a time zone, also /dev/stdin, and remembers each name for ever.
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,3}|[+-]?[0-9]{2}:[0-9]{2}")


def _of_time(sizes: tuple[Size, ...], arguments: tuple[Node, ...]) -> Cost:
    for zone in arguments[1:]:
        if not (isinstance(zone, Literal) and isinstance(zone.value, str) and _ZONE.fullmatch(zone.value)):
            raise NotBounded("a time zone must stand in the expression, such as 'Europe/Berlin' or '+02:00'")
    return _scalar(sizes, arguments)


_OF_TIME = (
    "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds "
    "getMilliseconds"
)
_SCALARS = (
    "_&&_ _||_ !_ -_ _-_ _*_ _/_ _%_ @not_strictly_false __not_strictly_false__ type hasValue optional.none "
    "math.abs math.ceil math.floor math.round math.trunc math.sign math.sqrt math.isNaN math.isInf "
    "math.isFinite math.bitAnd math.bitOr math.bitXor math.bitNot math.bitShiftLeft math.bitShiftRight"
)
_OWN = (
    "isQuantity isInteger asInteger asApproximateFloat sign compareTo isLessThan isGreaterThan "
    "isSemver major minor patch isIP ip.isCanonical family isUnspecified isLoopback isLinkLocalMulticast "
    "isLinkLocalUnicast isGlobalUnicast isCIDR containsIP containsCIDR prefixLength isURL"
)
_OWN_VALUES = "quantity add sub semver ip cidr masked format.named"
_OWN_TEXTS = "url getScheme getHost getHostname getPort getEscapedPath"
_SMALL = Size(1, 2, 128)
_ROWS: Mapping[str, Row] = {
    **dict.fromkeys(_SCALARS.split(), _scalar),
    **dict.fromkeys(_OF_TIME.split(), _of_time),
    **dict.fromkeys(("_[_]", "_[?_]", "_?._", "dyn", "optional.of", "optional.ofNonZeroValue", "value"), _same),
    **dict.fromkeys(("orValue", "or", "first", "last", "@max", "@min", "math.@max", "math.@min"), _same),
    "_?_:_": _either,
    "_==_": _equal,
    "_!=_": _equal,
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_"), _per_character(0.1)),
    "@in": _in,
    "_+_": _plus,
    "size": _length,
    **dict.fromkeys(("startsWith", "endsWith", "contains"), _per_character(0.2)),
    **dict.fromkeys(("int", "uint", "double", "bool", "timestamp", "duration"), _per_character(4)),
    **dict.fromkeys(("lowerAscii", "upperAscii", "trim", "charAt", "substring"), _per_character(10, keeps=2)),
    "reverse": _per_character(10, keeps=2),
    **dict.fromkeys(("bytes", "string", "strings.quote"), _per_character(20, keeps=4, factor=2)),
    **dict.fromkeys(("indexOf", "lastIndexOf"), _python(node=700, character=8)),
    "replace": _replace,
    "split": _split,
    "join": _join,
    "format": _format,
    "matches": _matches,
    "find": _find,
    "findAll": _find_all,
    **dict.fromkeys(_OWN.split(), _python(ns=10_000, character=20)),
    **dict.fromkeys(_OWN_VALUES.split(), _python(ns=10_000, answer=_SMALL)),
    **dict.fromkeys(_OWN_TEXTS.split(), _python(character=200, answer=None)),
    **dict.fromkeys(("isSorted", "sum"), _python(node=700)),
    **dict.fromkeys(("min", "max"), _python(node=700, answer=None)),
    **dict.fromkeys(("sets.contains", "sets.equivalent", "sets.intersects"), _sets),
    "validate": _python(character=200, answer=Size(1, 4, 256)),
}
