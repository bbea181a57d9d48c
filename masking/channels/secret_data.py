"""Secret data.

**Rule.** In a Secret every value of `data` and `stringData` is a secret, and so is every field at its root that is
not one of the known harmless ones: a patch may carry a misspelt `Data`, which the API server drops and the audit
log keeps. A value of `data` is identified by what its base64 encodes, so that the same secret is recognised in
`stringData`, variables and texts.

**Fields.** `data`, `stringData` and unknown root fields of Secret, of any API group; objects, lists, patches of
each type.

**Source.** https://kubernetes.io/docs/concepts/configuration/secret/; KUBERNETES.md on raw patches in audit events.
"""

from collections.abc import Mapping
from typing import Any

from masking.decode import base64_decoded
from masking.structure import Channel, Hand, Place

ID = "secret-data"
HARMLESS = frozenset(("apiVersion", "kind", "metadata", "type", "immutable", "$patch", "$retainKeys"))
DIRECTIVES = frozenset(("replace", "delete", "merge"))  # of a strategic merge patch; no data key may have a $


def applies(place: Place) -> bool:
    """Tell whether the place is a field at the root of a Secret that is not known to be harmless."""
    return place.kind == "Secret" and place.local[0] not in HARMLESS


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask each entry as a whole, whatever its type; keys stay, null deletes and stays."""
    if place.rest or not isinstance(value, Mapping):
        return _entry(hand, value, place)
    return {
        key: item
        if key == "$patch" and isinstance(item, str) and item in DIRECTIVES
        else _entry(hand, item, place.below(str(key)))
        for key, item in value.items()
    }


def _entry(hand: Hand, value: Any, place: Place) -> Any:
    encoded = isinstance(value, str) and place.local[0] == "data"
    return hand.secret(value, place, ID, plain=base64_decoded(value) if encoded else None)


CHANNEL = Channel(ID, applies, treat, kinds=frozenset(("Secret",)))
