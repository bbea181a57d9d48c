"""Objects inside annotations.

**Rule.** The annotation in which `kubectl apply` keeps the last configuration holds the whole object: it is masked
as an object of its kind and written again in the same form. What is no JSON, repeats a key or is too deep is masked
as a whole.

**Fields.** annotations `kubectl.kubernetes.io/last-applied-configuration`, `kapp.k14s.io/original`, of any object.

**Source.** https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/
"""

from typing import Any

from masking.structure import PASS, Channel, Hand, Place

ID = "last-applied"
ANNOTATIONS = frozenset(("kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original"))


def applies(place: Place) -> bool:
    """Every place with the annotation's name, so that an event's or a list's copy is no exception."""
    return place.path[-1] in ANNOTATIONS


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the object inside."""
    return hand.document(value, place, ID) if isinstance(value, str) else PASS


CHANNEL = Channel(ID, applies, treat, fields=ANNOTATIONS.__contains__)
