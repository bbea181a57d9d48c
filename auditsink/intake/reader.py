"""Bytes of one event to a value that any database and any JSON parser takes.

The fast parser reads nearly all. What it refuses, or would silently change, is read slowly instead: of a repeated key
the last value counts, as it does for Kubernetes; a lone surrogate or a byte that is no UTF-8 becomes the visible text
of its escape (`\\ud800`); a number that no double or 64-bit integer holds becomes a text; nesting has no limit. All
of that is reported as `repaired`.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import orjson

from auditsink.intake.scanner import KEY, SCALAR, STRING, Malformed, tokens

SLOW_LIMIT_BYTES = 16 * 1024 * 1024
"""The slow reader makes about 2 MB/s. A real event has two objects of at most 3 MiB each; escaping doubles them."""

LONGEST_NUMBER = 64  # characters that are kept of a number without a value

_LONG_NUMBER = re.compile(rb"[0-9]{19}")


class Unreadable(ValueError):
    """This is no JSON object; the text says why and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The event as Python has it; every text in it is valid Unicode, every number finite."""

    event: dict[str, Any]
    is_repaired: bool


def read(raw: bytes) -> Reading:
    """Read one event.

    Raises:
        Unreadable: it is no JSON object, or too large for the slow reader.
    """
    try:
        value = orjson.loads(raw)
        reading = (value, False) if _is_faithful(raw, value) else _slow(raw)
    except orjson.JSONDecodeError:
        reading = (_slow(raw)[0], True)
    if not isinstance(reading[0], dict):
        raise Unreadable("not a JSON object")
    return Reading(*reading)


def _is_faithful(raw: bytes, value: Any) -> bool:
    """Tell whether nothing was dropped (a repeated key) or changed (an integer over 64 bits).

    Mostly the text written again is the text that came. Otherwise each dropped member takes quotes with it, unless
    an escaped quote makes up for them, and each changed integer is long.
    """
    try:
        written = orjson.dumps(value)
    except orjson.JSONEncodeError:  # too deep to write
        return False
    if written == raw:
        return True
    return raw.count(b'"') == written.count(b'"') and b"\\u0022" not in raw and _LONG_NUMBER.search(raw) is None


class _Builder:
    """Makes a value of tokens, without recursion."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.is_repaired = False

    def build(self) -> Any:
        """Return the value. Raises Malformed if there is none, or more than one."""
        top: list[Any] = []
        stack: list[Any] = [top]
        keys: list[str] = [""]
        end = 0
        for token, start, end in tokens(self._raw):
            if token == KEY:
                keys[-1] = self._text(start, end)
            elif token in b"}]":
                stack.pop()
                keys.pop()
            elif token not in b",:":
                value = self._value(token, start, end)
                self._put(stack[-1], keys[-1], value)
                if token in b"{[":
                    stack.append(value)
                    keys.append("")
        if self._raw[end:].strip():
            raise Malformed(end)
        return top[0]

    def _put(self, into: Any, key: str, value: Any) -> None:
        if isinstance(into, list):
            into.append(value)
        else:
            self.is_repaired |= key in into
            into[key] = value

    def _value(self, token: int, start: int, end: int) -> Any:
        if token == STRING:
            return self._text(start, end)
        if token == SCALAR:
            return self._scalar(self._raw[start:end])
        return {} if token == ord("{") else []

    def _text(self, start: int, end: int) -> str:
        text: str = json.loads(self._raw[start:end].decode("utf-8", "surrogateescape"))
        try:
            text.encode()
        except UnicodeEncodeError:
            self.is_repaired = True
            return text.encode("utf-8", "backslashreplace").decode()
        return text

    def _scalar(self, text: bytes) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if text.removeprefix(b"-").isdigit():
            if len(text) <= 20 and -(2**63) <= (integer := int(text)) < 2**64:
                return integer
        elif math.isfinite(number := float(text)):
            return number
        self.is_repaired = True
        return text[:LONGEST_NUMBER].decode() + ("…" if len(text) > LONGEST_NUMBER else "")


_WORDS: dict[bytes, Any] = {b"true": True, b"false": False, b"null": None}


def _slow(raw: bytes) -> tuple[Any, bool]:
    if len(raw) > SLOW_LIMIT_BYTES:
        raise Unreadable("too large for what it contains")
    builder = _Builder(raw)
    try:
        value = builder.build()
    except Malformed as err:
        raise Unreadable("not JSON") from err
    return value, builder.is_repaired
