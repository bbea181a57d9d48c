"""Writes values of a document as YAML for a person at three in the morning.

Each value has one text and each text one value: a YAML parser gives the values back, a marker as its text in
brackets, which a client's text never is, because that is quoted then. Nothing that `visible` calls hidden is in a
text, except the line breaks of the layout; no line holds much more than WIDTH characters of a value, so that nothing
is pushed out of sight. Keys are sorted, but for FIRST. Lines are made one by one, so that whoever has read enough of a
huge value pays for no more.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from webhook.approval.document import MARK, is_mark, plain_key
from webhook.approval.visible import is_visible

WIDTH = 100

FIRST = frozenset({"apiVersion", "kind", "metadata", "name", "old", "username"})
"""Keys that stand before the others: what a thing is, what it is called, what was there before."""

PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@=+-]*(:[A-Za-z0-9_./@=+-]+)*")
NOT_PLAIN = re.compile("y|n|yes|no|on|off|true|false|null", re.IGNORECASE)
"""Words that YAML 1.1 reads as something else than text."""

SHORT_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


class Rendered(str):
    """Text that is YAML already and stands as it is."""

    __slots__ = ()


def block(value: Any, pad: str = "") -> Iterator[str]:
    """Yield the lines of a map or list that is not empty, each indented by `pad`."""
    if isinstance(value, Mapping):
        for key in sorted(value, key=lambda key: (key not in FIRST, key)):
            yield from field(key if isinstance(key, Rendered) else plain_key(key), value[key], pad)
        return
    for item in value:
        if _is_block(item):
            lines = block(item, pad + "  ")
            yield f"{pad}- {next(lines)[len(pad) + 2 :]}"
            yield from lines
        else:
            yield from _attached(f"{pad}-", item, pad)


def field(key: str, value: Any, pad: str = "") -> Iterator[str]:
    """Yield the lines of one entry of a map; `key` as the client wrote it, unless it is `Rendered`."""
    *before, last = _key(key, pad)
    yield from before
    yield from _attached(f"{pad}{last}:" if not before else f"{pad}:", value, pad)


def one_line(value: Any) -> str | None:
    """The value as text without quotes, None if it needs quotes, more lines, or is a map or list with content."""
    if is_mark(value):
        return f"({value[MARK]})"
    if isinstance(value, Rendered):
        return value
    if isinstance(value, str):
        return value if len(value) <= WIDTH and _is_plain(value) else None
    if isinstance(value, Mapping | Sequence):
        return None if value else "{}" if isinstance(value, Mapping) else "[]"
    text = json.dumps(value)
    if isinstance(value, float) and "." not in text:
        return text.replace("e", ".0e")  # YAML 1.1 reads 1e+16 as text
    return text


def quoted(text: str, pad: str = "") -> Iterator[str]:
    """Yield the lines of a text in double quotes, broken after each newline and at WIDTH; valid YAML."""
    lead, line = '"', ""
    for char in text:
        piece = _escape(char)
        if len(line) + len(piece) > WIDTH or line.endswith("\\n"):
            yield f"{lead}{line}\\"
            lead, line = pad, "\\ " if piece == " " else piece
        else:
            line += piece
    yield f'{lead}{line}"'


def in_quotes(text: str) -> str:
    """The text in double quotes on one line, however long."""
    return '"' + "".join(map(_escape, text)) + '"'


def _attached(lead: str, value: Any, pad: str) -> Iterator[str]:
    if _is_block(value):
        yield lead
        yield from block(value, pad + "  ")
        return
    single = one_line(value)
    lines = iter([single]) if single is not None else _long(value, pad + "  ")
    yield f"{lead} {next(lines)}"
    yield from lines


def _long(text: str, pad: str) -> Iterator[str]:
    if not _is_literal(text):
        yield from quoted(text, pad)
        return
    yield "|" if text.endswith("\n") else "|-"
    yield from (pad + line if line else "" for line in text.removesuffix("\n").split("\n"))


def _key(key: str, pad: str) -> list[str]:
    if isinstance(key, Rendered) or (len(key) <= WIDTH and _is_plain(key)):
        return [key]
    lines = list(quoted(key, pad + "  "))
    if len(lines) == 1:
        return lines
    return [f"{pad}? {lines[0]}", *lines[1:], ""]  # the only way in which YAML allows a key of several lines


def _is_block(value: Any) -> bool:
    return isinstance(value, Mapping | list) and bool(value) and not is_mark(value)


def _is_plain(text: str) -> bool:
    return PLAIN.fullmatch(text) is not None and NOT_PLAIN.fullmatch(text) is None


def _is_literal(text: str) -> bool:
    """Whether a text of several lines may stand as it is, without a quote or an escape."""
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and lines[0] != ""
        and lines[-1] != ""
        and not lines[0].startswith(" ")
        and not any(line.endswith(" ") or len(line) > WIDTH for line in lines)
        and all(char == "\n" or is_visible(char) for char in text)
    )


def _escape(char: str) -> str:
    if char in SHORT_ESCAPES:
        return SHORT_ESCAPES[char]
    if is_visible(char):
        return char
    code = ord(char)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
