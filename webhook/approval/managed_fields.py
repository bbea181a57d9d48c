"""Which fields somebody set, as `metadata.managedFields` tells.

The API server adds every field that a request sets or changes to the set of the request's manager, whatever
managedFields the request itself brings; a request that empties them ends with none at all.
Source: k8s.io/apimachinery/pkg/util/managedfields/internal/{structuredmerge,skipnonapplied,fieldmanager}.go
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.admission.request import Object
from webhook.approval.document import child


@dataclass(frozen=True, slots=True)
class Ownership:
    """The field sets of all managers of one object."""

    sets: tuple[Mapping[str, Any], ...]

    def has(self, *path: str) -> bool:
        """Say whether a manager owns the field, e.g. `has("f:spec", "f:clusterIP")`."""
        return any(child(fields, *path) is not None for fields in self.sets)

    def has_in_item(self, *path: str, key: Mapping[str, Any], field: str) -> bool:
        """Say whether a manager owns `field` of the list item with these key fields. Unreadable means yes."""
        items = [child(fields, *path) for fields in self.sets]
        return any(
            field in fields and _may_be(name, key)
            for item in items
            if isinstance(item, Mapping)
            for name, fields in item.items()
            if isinstance(fields, Mapping)
        )


def ownership(new: Object | None) -> Ownership | None:
    """Read managedFields. None if there are none or they are not well-formed: then nothing is known."""
    entries = child(new, "metadata", "managedFields")
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        return None
    sets = [child(entry, "fieldsV1") for entry in entries]
    if not all(isinstance(fields, Mapping) for fields in sets):
        return None
    return Ownership(tuple(sets))


def _may_be(name: str, key: Mapping[str, Any]) -> bool:
    """Whether `name`, e.g. `k:{"port":80,"protocol":"TCP"}`, is the item with this key, or cannot be read."""
    if not name.startswith("k:"):
        return name != "."
    try:
        found = json.loads(name.removeprefix("k:"))
    except (ValueError, RecursionError):
        return True
    return not isinstance(found, dict) or found == key
