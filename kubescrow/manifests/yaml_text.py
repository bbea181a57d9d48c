"""A YAML stream, document by document, as kubectl reads it, but stricter where readers differ.

Refused although kubectl takes them: duplicate keys (which of them counts depends on the reader), tags other than
`!!str`, `!!map` and `!!seq`. Built from events and without recursion, so that neither depth nor aliases can do harm;
libyaml stops at 1,000 levels by itself.

Source: sigs.k8s.io/yaml and go.yaml.in/yaml/v2 (scalars, keys, and that merges are applied where they stand)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from yaml import CSafeLoader, YAMLError
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from kubescrow.manifests.document import UNFOLDED_LIMIT, VALUES_LIMIT, Document, Unreadable
from kubescrow.manifests.scalar import NotJson, key_text, resolved

_TAG = "tag:yaml.org,2002:"
_STRING_TAGS = frozenset({f"{_TAG}str", "!"})
_COLLECTION_TAGS = {
    SequenceStartEvent: frozenset({f"{_TAG}seq", "!"}),
    MappingStartEvent: frozenset({f"{_TAG}map", "!"}),
}
_TAGS_ALLOWED = "allowed: !!str, !!seq, !!map, or none"

_NO_KEY = object()
_MERGE = object()


def yaml_documents(text: str) -> Iterator[Document]:
    """Yield the documents of a stream; empty ones too, as None.

    Raises:
        Unreadable: it is not YAML, or not what Kubernetes can mean; after the documents before it.
    """
    loader = CSafeLoader(text)
    number = 0
    try:
        while not isinstance(event := loader.get_event(), StreamEndEvent):
            if isinstance(event, DocumentStartEvent):
                number += 1
                yield _document(loader, number)
    except YAMLError as err:
        raise _unreadable(text, err) from err
    finally:
        loader.dispose()


def _document(loader: CSafeLoader, number: int) -> Document:
    builder = _Builder()
    line = 0
    while not isinstance(event := loader.get_event(), DocumentEndEvent):
        line = line or _line(event)
        builder.take(event)
    return Document(number, line, builder.value)


def _line(event: Any) -> int:
    number: int = event.start_mark.line
    return number + 1


def _unreadable(text: str, error: YAMLError) -> Unreadable:
    """Translate an error; what libyaml calls a problem is one of its fixed sentences and quotes nothing."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return Unreadable(error.problem_mark.line + 1, f"not YAML: {error.problem}")
    position = getattr(error, "position", 0) or 0
    line = text.encode("utf-8", "replace")[:position].count(b"\n") + 1
    return Unreadable(line, "not YAML: a character that YAML does not allow")


@dataclass(slots=True)
class _Open:
    """A list or mapping that has not ended yet."""

    into: dict[str, Any] | list[Any]
    anchor: str | None
    key: Any = _NO_KEY
    own: set[str] = field(default_factory=set)
    """Keys that were written in the mapping itself, not merged into it."""
    values: int = 1
    size: int = 2


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for, and how much it adds."""

    value: Any
    values: int
    size: int


class _Builder:
    """Makes the value of one document of its events."""

    def __init__(self) -> None:
        self.value: Any = None
        self._open: list[_Open] = []
        self._anchored: dict[str, _Anchored | None] = {}
        self._values = 0
        self._size = 0

    def take(self, event: Event | None) -> None:
        """Take the next event of the document.

        Raises:
            Unreadable: Kubernetes, or this reader, does not allow it.
        """
        line = _line(event)
        if isinstance(event, ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, CollectionStartEvent):
            self._begin(event, line)
        elif isinstance(event, CollectionEndEvent):
            ended = self._open.pop()
            self._finish(_Anchored(ended.into, ended.values, ended.size), ended.anchor, line)
        elif isinstance(event, AliasEvent):
            self._alias(str(event.anchor), line)

    def _scalar(self, event: ScalarEvent, line: int) -> None:
        is_plain = event.implicit[0] and event.tag is None
        if not is_plain and event.tag is not None and event.tag not in _STRING_TAGS:
            raise Unreadable(line, f"a tag that is not allowed here; {_TAGS_ALLOWED}")
        if is_plain and event.value == "<<" and self._wants_key():
            self._open[-1].key = _MERGE
            return
        try:
            value = resolved(event.value) if is_plain else event.value
        except NotJson as err:
            raise Unreadable(line, "a number that JSON cannot hold; allowed: finite numbers") from err
        self._count(1, len(event.value) + 2, line)
        self._finish(_Anchored(value, 1, len(event.value) + 2), event.anchor, line)

    def _begin(self, event: CollectionStartEvent, line: int) -> None:
        if event.tag is not None and event.tag not in _COLLECTION_TAGS[type(event)]:
            raise Unreadable(line, f"a tag that is not allowed here; {_TAGS_ALLOWED}")
        self._count(1, 2, line)
        if event.anchor:
            self._anchored[event.anchor] = None
        self._open.append(_Open({} if isinstance(event, MappingStartEvent) else [], event.anchor))

    def _alias(self, name: str, line: int) -> None:
        if name not in self._anchored:
            raise Unreadable(line, "an alias of an anchor that is not in the document")
        anchored = self._anchored[name]
        if anchored is None:
            raise Unreadable(line, "an alias of the value that it is in")
        self._count(anchored.values, anchored.size, line)
        self._finish(anchored, None, line)

    def _finish(self, done: _Anchored, anchor: str | None, line: int) -> None:
        """Put a whole value where it belongs."""
        if anchor:
            self._anchored[anchor] = done
        if not self._open:
            self.value = done.value
            return
        parent = self._open[-1]
        parent.values += done.values
        parent.size += done.size
        if isinstance(parent.into, list):
            parent.into.append(done.value)
        elif parent.key is _NO_KEY:
            parent.key = _key(done.value, parent, line)
        elif parent.key is _MERGE:
            parent.key = _NO_KEY
            _merge(parent.into, done.value, line)
        else:
            parent.into[parent.key] = done.value
            parent.key = _NO_KEY

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].into, dict) and self._open[-1].key is _NO_KEY

    def _count(self, values: int, size: int, line: int) -> None:
        self._values += values
        self._size += size
        if self._values > VALUES_LIMIT or self._size > UNFOLDED_LIMIT:
            allowed = f"allowed: {VALUES_LIMIT} values and {UNFOLDED_LIMIT} characters, aliases unfolded"
            raise Unreadable(line, f"the document is too large; {allowed}")


def _key(value: Any, parent: _Open, line: int) -> str:
    if value is None or isinstance(value, dict | list):
        raise Unreadable(line, "a key that is null, a list or a mapping; allowed: text")
    key = key_text(value)
    if key in parent.own:
        raise Unreadable(line, "the same key twice in one mapping; readers differ in which of them counts")
    parent.own.add(key)
    return key


def _merge(into: dict[str, Any], value: Any, line: int) -> None:
    """Apply a merge where it stands: over what is before it, under what follows; of a list, the first mapping wins."""
    parts = value[::-1] if isinstance(value, list) else [value]
    if not all(isinstance(part, dict) for part in parts):
        raise Unreadable(line, "a merge (<<) of something else; allowed: a mapping, or a list of mappings")
    for part in parts:
        into.update(part)
