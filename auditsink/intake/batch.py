"""A batch's raw body to the byte slices of its events, without reading the events.

The fast path only looks for the ends of the items, and is taken if the body is exactly what the API server writes:
its envelope, the items, commas. Everything else (one event too deeply nested, a lone surrogate, no JSON at all, an
item that closes the list and opens another) is split by `recovery`, so that one broken event costs no other.
Source: k8s.io/apiserver plugin/pkg/audit/webhook, k8s.io/apiserver/pkg/apis/audit/v1 EventList.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from auditsink.intake import recovery

KIND, VERSION = "EventList", "audit.k8s.io/v1"
HEAD = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['
TAIL = b"]}\n"

Slice = memoryview


class NotAnEventList(ValueError):
    """The body is no batch of audit events; the text says field, what was found, what is allowed."""

    def __init__(self, field: str, found: str, allowed: str) -> None:
        super().__init__(f"{field}: found {found}; allowed: {allowed}")


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of one body, each as the exact bytes that came."""

    slices: Sequence[Slice]
    is_complete: bool = True
    """False if the list does not end: the rest of it never came."""


class _Envelope(msgspec.Struct):
    items: list[msgspec.Raw]


_DECODER = msgspec.json.Decoder(_Envelope)


def split(body: bytes | bytearray) -> Batch:
    """Return the events of a body.

    Raises:
        NotAnEventList: it is no JSON object, or not an EventList of audit.k8s.io/v1.
    """
    if body.startswith(HEAD) and body.endswith(TAIL):
        try:
            slices = [memoryview(item) for item in _DECODER.decode(body).items]
        except (msgspec.DecodeError, RecursionError):
            return _recovered(bytes(body))
        if len(HEAD) + sum(map(len, slices)) + max(0, len(slices) - 1) + len(TAIL) == len(body):
            return Batch(slices)
    return _recovered(bytes(body))


def _recovered(body: bytes) -> Batch:
    found = recovery.envelope(body)
    if found is None:
        raise NotAnEventList("body", "what is not a JSON object", f"one {KIND} of {VERSION}")
    _check(kind=found.kind, version=found.version)
    if found.items is None:
        raise NotAnEventList("items", "no list", "a list of audit events")
    view = memoryview(body)
    ranges, is_complete = recovery.items(body, found.items)
    return Batch([view[start:end] for start, end in ranges], is_complete)


def _check(*, kind: str, version: str) -> None:
    if kind.strip('"') != KIND:
        raise NotAnEventList("kind", _shown(kind), KIND)
    if version.strip('"') != VERSION:
        raise NotAnEventList("apiVersion", _shown(version), VERSION)


def _shown(text: str) -> str:
    return (text if len(text) <= 40 else text[:39] + "…") or "nothing"
