"""How the touched paths of an UPDATE look: `spec.replicas: 3 -> 20`, or old and new below each other.

Masking asks where in an object a value stands, so the changes become two objects again, with nothing but the touched
paths in them, and are read back from the masked ones.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from webhook.approval.difference import Keys
from webhook.approval.document import escaped_key, is_mark, plain_key
from webhook.approval.render import WIDTH, Rendered, field, in_quotes, one_line

Changes = Sequence[Mapping[str, Any]]
"""`{path, old, new}` as `difference` lists them."""

Mask = Callable[[dict[str, Any]], Mapping[str, Any]]
"""Masks one object and keeps the order of its entries."""

INLINE = 60
"""Longest value in `path: old -> new`, so that both fit into one line."""

STEP = re.compile("[A-Za-z_][A-Za-z0-9_-]*")
PLAIN = re.compile(r'[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*|\["[A-Za-z0-9_./@-]*"\])+')
"""Paths that YAML takes as a key without more quotes; one step alone may be a word that it does not read as text."""


def changes_lines(changes: Changes, mask: Mask) -> Iterator[str]:
    """Yield the lines of `changes:`."""
    yield "changes:" if changes else "changes: (none)"
    shown = {side: _shown(_tree(changes, side), mask) for side in ("old", "new")}
    before: Any = None
    for change in changes:
        found = {side: places[tuple(change["path"])] for side, places in shown.items() if side in change}
        path = max((path for path, _ in found.values()), key=len)
        sides = {side: value for side, (_, value) in found.items()}
        if (path, sides) != before:  # else both are in one map that was masked as a whole
            yield from field(_written(path), _inline(sides) or sides, "  ")
        before = (path, sides)


def _tree(changes: Changes, side: str) -> dict[str, Any]:
    """Rebuild the old or the new object, as far as it is touched."""
    root: dict[str, Any] = {}
    for change in changes:
        if side in change:
            *steps, last = map(escaped_key, change["path"])
            holder = root
            for step in steps:
                holder = holder.setdefault(step, {})
            holder[last] = {} if change[side] == {} else change[side]
    return root


def _shown(tree: dict[str, Any], mask: Mask) -> dict[Keys, tuple[Keys, Any]]:
    """For each path of the tree: the path and the value as the masker left them."""
    return dict(_paired(tree, mask(tree), (), ()))


def _paired(tree: Any, masked: Any, path: Keys, shown: Keys) -> Iterator[tuple[Keys, tuple[Keys, Any]]]:
    """Walk both side by side; entries of a map are paired by their place, because a key may be masked too."""
    if not isinstance(tree, Mapping) or is_mark(tree):
        yield path, (shown, masked)
        return
    if not isinstance(masked, Mapping):  # masked as a whole: the same for all that was in it
        yield path, (shown, masked)
        for key, value in tree.items():
            yield from _paired(value, masked, (*path, plain_key(key)), shown)
        return
    yield path, (shown, {})  # the map as such; what is in it has paths of its own
    for (key, value), (masked_key, masked_value) in zip(tree.items(), masked.items(), strict=True):
        yield from _paired(value, masked_value, (*path, plain_key(key)), (*shown, plain_key(masked_key)))


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
