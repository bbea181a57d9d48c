"""A changed copy of an object, and the JSON patch that makes the API server change it the same way.

Only what is on the way to a change is copied, each once: an object of some MiB costs what is changed in it.

Source: RFC 6902 (JSON patch), RFC 6901 (pointers)
"""

from collections.abc import Mapping
from typing import Any

from webhook.policy.object_path import Pointer


class Draft:
    """Takes one change after another. The object that it was made of is never changed."""

    def __init__(self, obj: Mapping[str, Any]) -> None:
        self.object: dict[str, Any] = dict(obj)
        self.patch: list[Mapping[str, Any]] = []
        self._own = {id(self.object)}

    def put(self, pointer: Pointer, value: Any) -> None:
        """Write a value; parents that are missing or null become objects.

        Does nothing where an earlier change put something else than an object in the way.
        """
        at: Any = self.object
        for index, step in enumerate(pointer[:-1]):
            if _at(at, step) is None:
                for name in reversed(pointer[index + 1 :]):
                    value = {name: value}
                self._write(at, pointer[: index + 1], value)
                return
            at = self._owned(at, step)
            if not isinstance(at, dict | list):
                return
        self._write(at, pointer, value)

    def _write(self, parent: Any, pointer: Pointer, value: Any) -> None:
        last = pointer[-1]
        if isinstance(last, int) != isinstance(parent, list):
            return
        parent[last] = value
        operation = "replace" if isinstance(last, int) else "add"  # add replaces what an object has, not a list
        self.patch.append({"op": operation, "path": _pointer(pointer), "value": value})

    def _owned(self, parent: Any, step: str | int) -> Any:
        child = parent[step]
        if isinstance(child, dict | list) and id(child) not in self._own:
            child = child.copy()
            parent[step] = child
            self._own.add(id(child))
        return child


def _at(parent: Any, step: str | int) -> Any:
    if isinstance(parent, list):
        return parent[step] if isinstance(step, int) else None
    return parent.get(step) if isinstance(parent, dict) else None


def _pointer(pointer: Pointer) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in pointer)
