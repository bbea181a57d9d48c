"""JSON as tokens with positions, strict in grammar and lenient in everything else.

Any nesting depth, any bytes inside strings, numbers of any size: what makes JSON parsers give up must not end the
search for the end of a value. The grammar itself is strict, so that a broken value is noticed where it breaks.
Source: RFC 8259.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

STRING, SCALAR, KEY = ord('"'), ord("0"), ord("k")
"""Classes of tokens, beside the six punctuation characters, which stand for themselves."""

_TOKEN = re.compile(
    rb"[ \t\r\n]*+(?:"
    rb'("(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")'
    rb"|(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null)"
    rb"|([{}\[\],:]))"
)
_OPEN_OBJECT, _OPEN_LIST, _CLOSE_OBJECT, _CLOSE_LIST, _COMMA, _COLON = b"{[}],:"
_CLOSER = {_OPEN_OBJECT: _CLOSE_OBJECT, _OPEN_LIST: _CLOSE_LIST}
# What may come next.
_VALUE, _FIRST_ELEMENT, _FIRST_KEY, _NEXT_KEY, _MIDDLE = b'"0{[', b'"0{[]', b'"}', b'"', b":"
_AFTER = {_CLOSE_OBJECT: b",}", _CLOSE_LIST: b",]"}

Token = tuple[int, int, int]
"""Class, start, end."""


class Malformed(ValueError):
    """The text stops being JSON at `position`."""

    def __init__(self, position: int) -> None:
        super().__init__(f"not JSON from byte {position} on")
        self.position = position


def tokens(data: bytes, start: int = 0) -> Iterator[Token]:
    """Yield the tokens of the one value that begins at `start`, to its end.

    Raises:
        Malformed: the value breaks off; every token before that has been yielded.
    """
    match_token, position = _TOKEN.match, start
    closers = bytearray()
    expected = _VALUE
    while True:
        match = match_token(data, position)
        if match is None:
            raise Malformed(position)
        group = match.lastindex or 0
        begin, end = match.span(group)
        token = STRING if group == 1 else SCALAR if group == 2 else data[begin]
        if token not in expected:
            raise Malformed(begin)
        position = end
        if token == STRING and (expected is _FIRST_KEY or expected is _NEXT_KEY):
            yield KEY, begin, end
            expected = _MIDDLE
            continue
        yield token, begin, end
        if token in _CLOSER:
            closers.append(_CLOSER[token])
            expected = _FIRST_KEY if token == _OPEN_OBJECT else _FIRST_ELEMENT
        elif token == _COMMA:
            expected = _NEXT_KEY if closers[-1] == _CLOSE_OBJECT else _VALUE
        elif token == _COLON:
            expected = _VALUE
        else:  # a value has ended
            if token in (_CLOSE_OBJECT, _CLOSE_LIST):
                closers.pop()
            if not closers:
                return
            expected = _AFTER[closers[-1]]


@dataclass(frozen=True, slots=True)
class Outline:
    """The members of an object, by position: of a broken one those before the break."""

    stop: int
    """End of the value, or where it breaks."""
    is_whole: bool
    members: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Key, as written and without its quotes, to start and end of the value; of a repeated key the last."""


def outline(data: bytes, start: int = 0) -> Outline:
    """Return what stands at the first level of the value at `start`; a value that is no object has no members."""
    members: dict[bytes, tuple[int, int]] = {}
    depth, key, begin, end = 0, b"", 0, start
    try:
        for token, first, end in tokens(data, start):
            if token == KEY and depth == 1:
                key = data[first + 1 : end - 1]
            elif token in b"{[":
                depth += 1
                begin = first if depth == 2 else begin
            elif token in b"}]":
                depth -= 1
                if depth == 1 and key:
                    members[key] = (begin, end)
            elif depth == 1 and token in (STRING, SCALAR) and key:
                members[key] = (first, end)
    except Malformed as broken:
        return Outline(broken.position, False, members)
    return Outline(end, True, members)
