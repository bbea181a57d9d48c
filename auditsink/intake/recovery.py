"""Where the items of an EventList begin and end when its JSON is broken.

The items are read one after another. At a broken one, the next whole object that looks like an audit event and stands
where an item may stand is where reading goes on; what lies between is one slice, for quarantine. Effort is bounded: a
body that breaks again and again is in the end cut at the text with which the API server begins every event.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditsink.intake.scanner import KEY, SCALAR, STRING, Malformed, Outline, outline, tokens

Range = tuple[int, int]

EFFORT = 6
"""How many times the length of the body may be scanned in all; a body with one broken event needs less than four."""

LONGEST_TAIL = 1024  # bytes after the list: kind, apiVersion and metadata of a sender that sorts its keys
TAIL_KEYS = {b"kind", b"apiVersion", b"metadata"}

_SPACE = re.compile(rb"[ \t\r\n]*+")
_NEXT = re.compile(rb",[ \t\r\n]*+(?=\{[ \t\r\n]*+\")")
_MARKER = re.compile(rb',[ \t\r\n]*+(?=\{"level":"[A-Za-z]{4,15}","auditID":")')
_END = re.compile(rb"[ \t\r\n]*+\][ \t\r\n]*+\}[ \t\r\n]*+\Z")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a body says around its items; texts as written, with quotes; "" if it does not say it."""

    kind: str
    version: str
    items: int | None
    """Where the first item may begin; None without a list."""


def envelope(body: bytes) -> Envelope | None:
    """Return the envelope; None if the body does not even begin as a JSON object."""
    if body[_after_space(body, 0) :][:1] != b"{":
        return None
    said, start = _head(body)
    if start is not None and not {b"kind", b"apiVersion"} <= said.keys():
        tail = body[-LONGEST_TAIL:]
        said = _members(b"{" + tail[tail.rfind(b"]") + 1 :].lstrip(b" \t\r\n,")) | said
    return Envelope(said.get(b"kind", ""), said.get(b"apiVersion", ""), start)


def items(body: bytes, start: int) -> tuple[list[Range], bool]:
    """Return start and end of each item from `start` on, broken or not, and whether the list ends as it should."""
    found: list[Range] = []
    effort = EFFORT * len(body)
    while (start := _after_space(body, start)) < len(body):
        if _ends(body, start):
            return found, True
        item = outline(body, start)
        effort -= item.stop - start + 1
        after = _after_space(body, item.stop)
        if _stands(body, item, after):
            found.append((start, item.stop))
            start = after + 1 if body[after : after + 1] == b"," else after
            continue
        comma, resume, spent = _next_event(body, start) if effort > 0 else _next_marker(body, start)
        effort -= spent
        if resume is None:
            end = _END.search(body, max(start, len(body) - LONGEST_TAIL))
            is_complete = end is not None and item.stop <= end.start()  # an item that took the end may be cut off
            return [*found, *_slice(body, start, end.start() if end else len(body))], is_complete
        found += _slice(body, start, comma)
        start = resume
    return found, False


def _stands(body: bytes, item: Outline, after: int) -> bool:
    """Tell whether an item is whole and followed by what may follow; an event also before a stray bracket."""
    if not item.is_whole:
        return False
    following = body[after : after + 1]
    return following == b"," or _ends(body, after) or (following == b"]" and b"auditID" in item.members)


def _next_event(body: bytes, start: int) -> tuple[int, int | None, int]:
    """Return the comma before the next event, the event's start, and how many bytes were scanned to find it."""
    spent = 0
    for match in _NEXT.finditer(body, start):
        item = outline(body, match.end())
        spent += item.stop - match.end()
        if b"auditID" in item.members and _stands(body, item, _after_space(body, item.stop)):
            return match.start(), match.end(), spent
        if spent > EFFORT * len(body):
            return _next_marker(body, start)
    return len(body), None, spent


def _next_marker(body: bytes, start: int) -> tuple[int, int | None, int]:
    match = _MARKER.search(body, start)
    return (match.start(), match.end(), 0) if match else (len(body), None, 0)


def _slice(body: bytes, start: int, end: int) -> Iterator[Range]:
    """Yield what lies between two events, unless it says nothing."""
    if body[start:end].strip(b"[]{}, \t\r\n"):
        yield start, end


def _ends(body: bytes, at: int) -> bool:
    """Tell whether the list, and with it the body, ends at `at`."""
    tail = body[at : at + LONGEST_TAIL + 1].rstrip(b" \t\r\n")
    if tail[:1] != b"]" or at + LONGEST_TAIL < len(body):
        return False
    rest = tail[1:].lstrip(b" \t\r\n")
    if rest == b"}":
        return True
    more = outline(b"{" + rest[1:])
    return rest[:1] == b"," and more.is_whole and more.stop == len(rest) and more.members.keys() <= TAIL_KEYS


def _head(body: bytes) -> tuple[dict[bytes, str], int | None]:
    """Return the scalar members before `items`, and where the items begin."""
    said: dict[bytes, str] = {}
    depth, key = 0, b""
    try:
        for token, start, end in tokens(body):
            if token == KEY and depth == 1:
                key = body[start + 1 : end - 1]
            elif token == ord("[") and depth == 1 and key == b"items":
                return said, end
            elif token in b"{[":
                depth += 1
            elif token in b"}]":
                depth -= 1
            elif depth == 1 and token in (STRING, SCALAR):
                said[key] = body[start:end].decode(errors="replace")
    except Malformed:
        pass
    return said, None


def _members(text: bytes) -> dict[bytes, str]:
    return {key: text[start:end].decode(errors="replace") for key, (start, end) in outline(text).members.items()}


def _after_space(body: bytes, at: int) -> int:
    match = _SPACE.match(body, at)
    return match.end() if match else at
