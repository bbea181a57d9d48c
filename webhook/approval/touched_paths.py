"""How the touched paths of an UPDATE look: `spec.replicas: 3 -> 20`, or old and new below each other.

Masking asks where in an object a value stands, so the changes become two objects again, with nothing but the touched
paths in them, and are read back from the masked ones.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from webhook.approval.render import WIDTH, Rendered, field, in_quotes, one_line

Changes = Sequence[Mapping[str, Any]]
"""`{path, old, new}` as `difference` lists them."""

INLINE = 60
"""Longest value in `path: old -> new`, so that both fit into one line."""

STEP = re.compile("[A-Za-z_][A-Za-z0-9_-]*")
PLAIN = re.compile(r'[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*|\["[A-Za-z0-9_./@-]*"\])+')
"""Paths that YAML takes as a key without more quotes; one step alone may be a word that it does not read as text."""


def trees(changes: Changes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rebuild the old and the new object, as far as they are touched."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for change in changes:
        for tree, side in ((old, "old"), (new, "new")):
            if side in change:
                _put(tree, change["path"], change[side])
    return old, new


def _put(tree: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = {} if value == {} else value


def changes_lines(changes: Changes, *, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of `changes:`, with the values that `trees` put into `old` and `new`."""
    yield "changes:" if changes else "changes: (none)"
    for change in changes:
        sides = {side: _at(tree, change, side) for side, tree in (("old", old), ("new", new)) if side in change}
        yield from field(_written(change["path"]), _inline(sides) or sides, "  ")


def _at(tree: Any, change: Mapping[str, Any], side: str) -> Any:
    if change[side] == {}:
        return {}  # the map as such; what is in it has paths of its own
    for step in change["path"]:
        if not isinstance(tree, Mapping):
            return tree  # masked as a whole
        tree = tree[step]
    return tree


def _inline(sides: Mapping[str, Any]) -> Rendered | None:
    texts = [one_line(sides[side]) if side in sides else "(absent)" for side in ("old", "new")]
    short = [text for text in texts if text is not None and len(text) <= INLINE]
    opens_a_map_or_list = texts[0] in {"{}", "[]"}  # for a YAML parser
    return Rendered(" -> ".join(short)) if len(short) == 2 and not opens_a_map_or_list else None


def _written(path: Sequence[str]) -> str:
    """`metadata.labels["example.com/tier"]`: every list of keys has one text, and every text is of one list."""
    steps = [f".{step}" if STEP.fullmatch(step) else f"[{in_quotes(step)}]" for step in path]
    text = "".join(steps).removeprefix(".")
    return Rendered(text) if len(text) <= WIDTH and PLAIN.fullmatch(text) else text
