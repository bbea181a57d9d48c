"""Places in an object as a Mutate rule names them: `metadata.labels["app"]`, `spec.containers[*].imagePullPolicy`.

A path is names joined by dots; a name of other characters than letters, digits, - and _ stands in `["..."]`; `[*]` is
each element of a list. What the API server owns cannot be written: of `metadata` only labels and annotations can.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.checks.wording import quoted

# Deployments of Kubernetes are nested 12 deep where it matters; CRDs somewhat deeper.
STEPS_LIMIT = 32

# Two label keys and some names.
LENGTH_LIMIT = 1024

EACH = None
"""The step `[*]`."""

FORM = 'a path such as spec.replicas, metadata.labels["app"] or spec.containers[*].image'
_NAME = r"[A-Za-z_$][A-Za-z0-9_$-]*"
_STEP = re.compile(rf'\.(?P<name>{_NAME})|\["(?P<key>[^"\\\x00-\x1f\x7f]+)"\]|(?P<each>\[\*\])')
_OWNED = frozenset({"apiVersion", "kind", "status"})
_WRITABLE = ("labels", "annotations")


class InvalidPath(ValueError):
    """A path is refused; `allowed` says what may stand there instead."""

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(allowed)


class Obstacle(Exception):
    """An object has no such place; the text says what stands in the way, without its value."""


Pointer = tuple[str | int, ...]
"""One place of one object."""


@dataclass(frozen=True, slots=True)
class ObjectPath:
    """Where to write. `steps` are names, and `EACH` for every element of a list."""

    steps: tuple[str | None, ...]

    def __str__(self) -> str:
        """Render so that it reads the same however it was written."""
        return shown(tuple("*" if step is EACH else step for step in self.steps), stars=self._stars)

    @property
    def _stars(self) -> frozenset[int]:
        return frozenset(index for index, step in enumerate(self.steps) if step is EACH)

    def is_parent_of(self, other: "ObjectPath") -> bool:
        """Say whether the other path leads through the place of this one."""
        return len(self.steps) < len(other.steps) and other.steps[: len(self.steps)] == self.steps


def parse_path(text: str) -> ObjectPath:
    """Read a path.

    Raises:
        InvalidPath: it has another form, or leads to what only the API server writes.
    """
    if len(text) > LENGTH_LIMIT:
        raise InvalidPath(f"a path of at most {LENGTH_LIMIT} characters")
    steps: list[str | None] = []
    at, dotted = 0, f".{text}"
    while at < len(dotted):
        step = _STEP.match(dotted, at)
        if step is None:
            raise InvalidPath(FORM)
        steps.append(EACH if step["each"] else step["name"] or step["key"])
        at = step.end()
    if not steps or steps[0] is EACH or len(steps) > STEPS_LIMIT:
        raise InvalidPath(f"{FORM}, of 1 to {STEPS_LIMIT} steps")
    _require_writable(steps)
    return ObjectPath(tuple(steps))


def _require_writable(steps: list[str | None]) -> None:
    if steps[0] in _OWNED:
        raise InvalidPath("a path outside of apiVersion, kind and status, which are not for policies to write")
    is_map_entry = len(steps) == 3 and steps[1] in _WRITABLE and steps[2] is not EACH
    if steps[0] == "metadata" and not is_map_entry:
        raise InvalidPath('one label or annotation of metadata, such as metadata.annotations["example.com/team"]')


def shown(pointer: tuple[str | int | None, ...], *, stars: frozenset[int] = frozenset()) -> str:
    """Write a place as a path: `spec.containers[0].image`."""
    parts = []
    for index, step in enumerate(pointer):
        if index in stars:
            parts.append("[*]")
        elif isinstance(step, int):
            parts.append(f"[{step}]")
        elif re.fullmatch(_NAME, str(step)):
            parts.append(f".{step}")
        else:
            parts.append(f"[{quoted(step)}]")
    return "".join(parts).removeprefix(".")


@dataclass(frozen=True, slots=True)
class Place:
    """One place that a path leads to. `missing` is how many steps at its end the object does not have yet."""

    pointer: Pointer
    found: Any
    missing: int = 0


def places(obj: Mapping[str, Any], path: ObjectPath) -> Iterator[Place]:
    """Yield each place of the object that the path leads to; parents that are missing or null count as missing.

    A list that is not there has no elements.

    Raises:
        Obstacle: a parent is no object, or what should be a list is none.
    """
    yield from _below(obj, path.steps, ())


def _below(at: Any, steps: tuple[str | None, ...], pointer: Pointer) -> Iterator[Place]:
    if not steps:
        yield Place(pointer, at)
        return
    step, rest = steps[0], steps[1:]
    if step is EACH:
        if not isinstance(at, list):
            raise Obstacle(f"{shown(pointer)} is no list")
        for index, element in enumerate(at):
            yield from _below(element, rest, (*pointer, index))
        return
    if not isinstance(at, Mapping):
        raise Obstacle(f"{shown(pointer)} is {'a list' if isinstance(at, list) else 'no object'}")
    child = at.get(step)
    if child is not None:
        yield from _below(child, rest, (*pointer, step))
    elif EACH not in rest:
        yield Place((*pointer, step, *(name for name in rest if name is not None)), None, missing=len(steps))
