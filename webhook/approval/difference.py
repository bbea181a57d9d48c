"""What an UPDATE changes: each touched path with its old and new value.

A map is a value of its own, `{}`, beside its entries: so an empty map that appears, stays or goes is seen, and the
list of differences is the same only for the same change. Lists are compared and shown whole, because Kubernetes
gives an element no identity that all kinds share.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from webhook.approval.canonical import canonical_json
from webhook.approval.document import Path, is_mark, mark, plain_key

Keys = tuple[str, ...]
"""A path through maps only; keys as the client wrote them."""

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
LAST_APPLIED = ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
"""Source: k8s.io/kubectl/pkg/polymorphichelpers/objectrestarter.go; k8s.io/api/core/v1/annotation_key_constants.go."""

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def difference(old: Mapping[str, Any], new: Mapping[str, Any], times: tuple[Path, ...]) -> list[dict[str, Any]]:
    """List `{path, old, new}` of every difference, sorted by path; an absent value is a key left out.

    `times` are paths whose values do not count. Values of the document come in and go out: escaped, with markers.
    """
    before, after = dict(_flat(old, ())), dict(_flat(new, ()))
    changes: list[dict[str, Any]] = []
    for path in sorted(before.keys() | after.keys()):
        sides = {side: flat[path] for side, flat in (("old", before), ("new", after)) if path in flat}
        if len(sides) == 2 and canonical_json(sides["old"]) == canonical_json(sides["new"]):
            continue  # Python alone would take True for 1
        if note := _valueless(path, sides, times):
            sides = dict.fromkeys(sides, mark(note))
        changes.append({"path": list(path), **sides})
    return changes


def _flat(value: Any, path: Keys) -> Iterator[tuple[Keys, Any]]:
    if not isinstance(value, Mapping) or is_mark(value):
        yield path, value
        return
    if path:
        yield path, {}
    for key, item in value.items():
        yield from _flat(item, (*path, plain_key(key)))


def _valueless(path: Keys, sides: Mapping[str, Any], times: tuple[Path, ...]) -> str:
    """Why the values at a path do not count, "" if they do."""
    if path == LAST_APPLIED:
        return "kubectl's copy of the manifest, not compared"
    if path in times:
        return "a time set by the server"
    restarts = path[-4:] == ("template", "metadata", "annotations", RESTARTED_AT)
    new = sides.get("new")
    if restarts and isinstance(new, str) and RFC3339.fullmatch(new):  # any other text might mean something
        return "the time of the restart"
    return ""
