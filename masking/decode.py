"""Texts inside texts: percent-encoded, quoted for a shell, base64, JSON.

`Inner` is a decoded text that knows which characters of the outer one each of its own came from, so that a span
found inside replaces exactly its stretch outside and the rest keeps its form.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from masking.structure import Span


@dataclass(slots=True)
class Inner:
    """A decoded text; character i came from [starts[i], ends[i]) and lies in quotes number regions[i]."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    regions: list[int] = field(default_factory=list)
    characters: list[str] = field(default_factory=list)
    _text: str = ""
    expands: bool = False  # a shell would replace a $NAME in it

    def add(self, character: str, start: int, end: int, region: int = 0) -> None:
        """Append one character."""
        self.characters.append(character)
        self.starts.append(start)
        self.ends.append(end)
        self.regions.append(region)

    def add_run(self, run: str, start: int, region: int = 0) -> None:
        """Append a run of characters that stand for themselves."""
        end = start + len(run)
        self.characters.extend(run)
        self.starts.extend(range(start, end))
        self.ends.extend(range(start + 1, end + 1))
        self.regions.extend([region] * len(run))

    @property
    def text(self) -> str:
        """The decoded text."""
        if len(self._text) != len(self.characters):
            self._text = "".join(self.characters)
        return self._text

    def outer(self, spans: Iterable[Span]) -> Iterator[Span]:
        """Yield the spans of the outer text; one that crosses quotes is cut there, so that the quotes stay balanced."""
        text = self.text
        for span in spans:
            start = span.start
            for i in range(span.start + 1, span.end + 1):
                if i == span.end or self.regions[i] != self.regions[start]:
                    value = (span.value if i - start == span.end - span.start else None) or text[start:i]
                    yield Span(self.starts[start], self.ends[i - 1], span.kind, value)
                    start = i


_PLAIN = re.compile(r"[^%+]++")
_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def percent_decoded(text: str, start: int, end: int, *, plus: bool = True) -> Inner:
    """Decode text[start:end] of a URI; bytes that are no UTF-8 become lone surrogates."""
    inner = Inner()
    position = start
    while position < end:
        if run := _ESCAPED.match(text, position, end):
            data = bytes.fromhex(run[0].replace("%", ""))
            for character in data.decode("utf-8", "surrogateescape"):
                width = 3 * len(character.encode("utf-8", "surrogateescape"))
                inner.add(character, position, position + width)
                position += width
        elif run := _PLAIN.match(text, position, end):
            inner.add_run(run[0], position)
            position = run.end()
        else:
            inner.add(" " if plus and text[position] == "+" else text[position], position, position + 1)
            position += 1
    return inner


def base64_decoded(text: str) -> str | None:
    """Return what canonical base64 encodes; bytes that are no UTF-8 become lone surrogates. None if it is no base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data.decode("utf-8", "surrogateescape") if base64.b64encode(data).decode() == text else None


class _RepeatedKeyError(ValueError):
    """A JSON object has a key twice: one of the values would escape the walk."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RepeatedKeyError
    return members


def json_decoded(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError if it is none, too deep for the parser, or repeats a key."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError as err:
        raise ValueError("JSON is nested too deeply") from err


def _go(text: str) -> str:
    """Escape as Go's encoder does, which wrote the annotations of kubectl."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


_FORMS: tuple[Callable[[Any], str], ...] = (
    lambda value: _go(json.dumps(value, ensure_ascii=False, separators=(",", ":"))),
    lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    lambda value: json.dumps(value, separators=(",", ":")),
    json.dumps,
    lambda value: json.dumps(value, indent=2, ensure_ascii=False),
)


def json_encoded(value: Any, *, like: str, was: Any) -> str:
    """Return JSON in the form of the text `like`, whose value was `was`. Raises ValueError if it is too deep."""
    body = like.rstrip()
    try:
        form = next((form for form in _FORMS if form(was) == body), _FORMS[0])
        return form(value) + like[len(body) :]
    except RecursionError as err:
        raise ValueError("JSON is nested too deeply") from err
