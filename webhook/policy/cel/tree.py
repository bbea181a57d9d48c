"""The syntax tree of a compiled expression, read from what the library writes down of it.

Only as much of protobuf's wire format as that takes; what is not understood is refused, never guessed.

Source: github.com/google/cel-spec proto/cel/expr/{checked,syntax}.proto, https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


class UnknownTree(ValueError):
    """The bytes are not such a tree."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. Of numbers only whole ones are read; `value` is None for all else that is no text."""

    value: str | bytes | int | None
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or the name of a type."""

    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`, or `has(operand.field)`."""

    operand: "Node"
    field: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator; a receiver is the first argument."""

    function: str
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Made:
    """A list or map that is written out: all its values, keys too."""

    values: "tuple[Node, ...]"
    entries: int


@dataclass(frozen=True, slots=True)
class Loop:
    """What `all`, `exists`, `map`, `filter` and `cel.bind` are made of."""

    variable: str
    range: "Node"
    accumulator: str
    start: "Node"
    condition: "Node"
    step: "Node"
    result: "Node"


Node = Literal | Name | Select | Call | Made | Loop

# The library stops at 32 levels of source; a macro makes several of one.
_DEEPEST = 400
_EXPRESSION = 4 << 3 | 2
Fields = dict[int, list[Any]]


@lru_cache(maxsize=64)  # one expression is looked at for several sizes, one after another
def tree_of(serialized: bytes) -> Node:
    """Read the tree of an expression that the library serialized.

    Raises:
        UnknownTree: it is not one, or is too deep.
    """
    try:
        return _node(_expression(_one(_fields(serialized), 2)), 0)
    except (IndexError, KeyError, UnicodeDecodeError) as err:
        raise UnknownTree("not the tree of an expression") from err


def names_in(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the variables that the expression reads, without those that its own loops bind."""
    match node:
        case Name(name):
            if name not in bound:
                yield name
        case Select(operand, _, _):
            yield from names_in(operand, bound)
        case Call(_, inner) | Made(inner, _):
            for one in inner:
                yield from names_in(one, bound)
        case Loop():
            yield from names_in(node.range, bound)
            yield from names_in(node.start, bound)
            inside = bound | {node.variable, node.accumulator}
            for one in (node.condition, node.step, node.result):
                yield from names_in(one, inside)


def outline(node: Node) -> Node:
    """Return the tree with its texts replaced by their lengths, so that rules that differ by a name look alike.

    Second arguments stay: patterns, separators and indexes decide what a call costs.
    """
    match node:
        case Literal(value) if isinstance(value, str | bytes):
            return Literal(len(value).bit_length())
        case Select(operand, field, is_test):
            return Select(outline(operand), field, is_test)
        case Call(function, inner):
            kept = (one if at == 1 and function in _KEPT else outline(one) for at, one in enumerate(inner))
            return Call(function, tuple(kept))
        case Made(values, entries):
            return Made(tuple(outline(one) for one in values), entries)
        case Loop():
            parts = (node.range, node.start, node.condition, node.step, node.result)
            over, start, condition, step, result = (outline(one) for one in parts)
            return Loop(node.variable, over, node.accumulator, start, condition, step, result)
    return node


_KEPT = frozenset({"matches", "find", "findAll", "split", "replace"})


def _expression(checked: bytes) -> bytes:
    """Find the expression among what the checker found out about it, which comes first and is long."""
    at = 0
    while checked[at] != _EXPRESSION:
        size, at = _number(checked, at + 1)
        at += size
    size, at = _number(checked, at + 1)
    return checked[at : at + size]


def _node(raw: bytes, depth: int) -> Node:
    if depth > _DEEPEST:
        raise UnknownTree("too deep")
    for number, values in _fields(raw).items():
        read = _READERS.get(number)
        if read is not None:
            return read(values[0], depth + 1)
    raise UnknownTree("an expression of no known kind")


def _literal(raw: bytes, _depth: int) -> Node:
    fields = _fields(raw)
    if 6 in fields:
        return Literal(fields[6][0].decode())
    if 7 in fields:
        return Literal(bytes(fields[7][0]))
    whole = fields[3][0] if 3 in fields else None
    return Literal(whole if isinstance(whole, int) else None, is_number=not fields.keys().isdisjoint({3, 4, 5}))


def _name(raw: bytes, _depth: int) -> Node:
    return Name(_text(_fields(raw), 1))


def _select(raw: bytes, depth: int) -> Node:
    fields = _fields(raw)
    return Select(_node(_one(fields, 1), depth), _text(fields, 2), is_test=3 in fields)


def _call(raw: bytes, depth: int) -> Node:
    fields = _fields(raw)
    inner = [*fields.get(1, ()), *fields.get(3, ())]
    return Call(_text(fields, 2), tuple(_node(one, depth) for one in inner))


def _list(raw: bytes, depth: int) -> Node:
    elements = _fields(raw).get(1, ())
    return Made(tuple(_node(one, depth) for one in elements), len(elements))


def _map(raw: bytes, depth: int) -> Node:
    entries = [_fields(entry) for entry in _fields(raw).get(2, ())]
    inner = [value for entry in entries for number in (3, 4) for value in entry.get(number, ())]
    return Made(tuple(_node(one, depth) for one in inner), len(entries))


def _loop(raw: bytes, depth: int) -> Node:
    fields = _fields(raw)
    if 8 in fields:
        raise UnknownTree("a loop over two variables")
    parts = (_node(_one(fields, number), depth) for number in (2, 4, 5, 6, 7))
    over, start, condition, step, result = parts
    return Loop(_text(fields, 1), over, _text(fields, 3), start, condition, step, result)


_READERS = {3: _literal, 4: _name, 5: _select, 6: _call, 7: _list, 8: _map, 9: _loop}


def _one(fields: Fields, number: int) -> bytes:
    value = fields[number][0]
    if not isinstance(value, bytes):
        raise UnknownTree("a number where a message is expected")
    return value


def _text(fields: Fields, number: int) -> str:
    return _one(fields, number).decode() if number in fields else ""


def _fields(raw: bytes) -> Fields:
    """Split a message: number of a field -> its values, bytes or numbers."""
    fields: Fields = {}
    at, end = 0, len(raw)
    while at < end:
        key, at = (raw[at], at + 1) if raw[at] < 0x80 else _number(raw, at)
        kind = key & 7
        value: bytes | int
        if kind == 2:
            size, at = (raw[at], at + 1) if raw[at] < 0x80 else _number(raw, at)
            value, at = raw[at : at + size], at + size
        elif kind == 0:
            value, at = _number(raw, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = raw[at : at + size], at + size
        else:
            raise UnknownTree("a field of no known kind")
        if key >> 3 in fields:
            fields[key >> 3].append(value)
        else:
            fields[key >> 3] = [value]
    if at != end:
        raise UnknownTree("a field that is cut off")
    return fields


def _number(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
