"""Where a value stands, and what a channel may say about that place.

Only types and pure questions; the walk that uses them is `walk.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from json import dumps
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

Path = tuple[str | int, ...]
Replace = Callable[[str, str], str]  # (kind, secret value) -> what stands in its place

# Levels of nesting. orjson writes 254; an audit event or a review around the object needs a few; the deepest objects in
# use (CRD schemas) have about 60. What is deeper is masked as one, so that whatever comes out can be stored.
DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Span:
    """A secret stretch of a text: [start, end), in characters; `value` is the secret if the text holds it encoded."""

    start: int
    end: int
    kind: str
    value: str | None = None


class Place(NamedTuple):
    """Where the walk stands: the last step of `path` is the field that a channel is asked about."""

    path: Path
    kind: str  # of the nearest Kubernetes object
    group: str = ""
    base: int = 0  # how many steps of `path` lead to that object
    where: str = ""  # the text that encloses this document, for findings
    holder: Mapping[Any, Any] = MappingProxyType({})  # has the field; empty if a patch names the field only
    rest: Path = ()  # what a patch's pointer names below the field

    @property
    def local(self) -> Path:
        """The path from the object's root."""
        return self.path[self.base :]

    def below(self, *steps: str | int) -> "Place":
        """Return the place some steps further."""
        return Place((*self.path, *steps), self.kind, self.group, self.base, self.where)


@dataclass(frozen=True, slots=True)
class Finding:
    """One secret that was replaced: where, by which channel or rule, and by what."""

    path: str
    kind: str  # id of the channel or value rule
    replacement: str


class _Pass:
    """The type of PASS."""


PASS = _Pass()  # a channel's answer to a value that has not the form it knows: the walk goes on


class Hand(Protocol):
    """What a channel can have done to a value; each method returns the masked copy."""

    @property
    def subject(self) -> str:
        """The kind of object that an audit event is about, else ""."""

    def spans(self, text: str) -> list[Span]:
        """Return what the value rules find in a text that the channel decoded."""

    def secret(self, value: Any, place: Place, kind: str, *, plain: str | None = None) -> Any:
        """Mask the whole value; `plain` is the secret that it encodes. null and "" hold nothing and stay."""

    def text(self, text: str, place: Place, spans: Iterable[Span] = ()) -> str:
        """Mask these spans and whatever the value rules find."""

    def document(self, text: str, place: Place, kind: str) -> str:
        """Mask a JSON document of one object inside a text; what is no JSON is masked as a whole."""

    def patch(self, value: Any, place: Place) -> Any:
        """Mask a patch to an object of the place's kind."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One way in which Kubernetes data carries a secret.

    `fields` tells from a field's name alone whether the channel wants to see it; without it the channel sees every
    field at the root of its `kinds`. `applies` decides on the place, `treat` masks the value or answers PASS.
    """

    id: str
    applies: Callable[[Place], bool]
    treat: Callable[[Hand, Any, Place], Any]
    fields: Callable[[str], bool] | None = None
    kinds: frozenset[str] = frozenset()  # kinds that must be recognised also inside other objects


def rendered(path: Path) -> str:
    """Return a path as people write it: spec.containers[0].env[1].value, data["tls.key"]."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int) or step.isdigit() or step == "-":
            parts.append(f"[{step}]")
        elif step.replace("-", "").replace("_", "").isalnum():
            parts.append(f".{step}" if parts else step)
        else:
            parts.append(f"[{dumps(step)}]")
    return "".join(parts)


class _Raw(str):
    """Text that is output as it is."""

    __slots__ = ()


def canonical(value: Any) -> str:
    """Return a text like JSON of any value at any depth, keys sorted; equal texts mean equal values."""
    out: list[str] = []
    todo: list[Any] = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, _Raw):
            out.append(item)
        elif isinstance(item, Mapping):
            todo.append(_Raw("}"))
            for key in sorted(item, key=str, reverse=True):
                todo += [_Raw(","), item[key], _Raw(f"{dumps(str(key))}:")]
            todo.append(_Raw("{"))
        elif isinstance(item, list | tuple):
            todo.append(_Raw("]"))
            for element in reversed(item):
                todo += [_Raw(","), element]
            todo.append(_Raw("["))
        else:
            out.append(scalar(item))
    return "".join(out)


def scalar(value: Any) -> str:
    """Return the JSON text of one scalar; an integer of any size, and any foreign type as its own text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if -(2**64) < value < 2**64 else hex(value)  # str() refuses integers of over 4,300 digits
    if value is None or isinstance(value, str | bool | float):
        return dumps(value)
    return dumps(str(value))
