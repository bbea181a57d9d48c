"""Patches of mutating webhooks in audit annotations.

**Rule.** At Request level and up the API server records each webhook's patch in an annotation, as JSON with a JSON
patch: it is masked as a patch to the event's object. What is no such JSON is masked as a whole.

**Fields.** audit annotations `patch.webhook.admission.k8s.io/...`.

**Source.** https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/
"""

from collections.abc import Mapping
from typing import Any

from masking.decode import json_decoded, json_encoded
from masking.structure import PASS, Channel, Hand, Place

ID = "admission-patches"
PREFIX = "patch.webhook.admission.k8s.io/"


def applies(place: Place) -> bool:
    """Tell whether the place has the annotation's prefix."""
    return str(place.path[-1]).startswith(PREFIX)


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the patch inside."""
    if not isinstance(value, str):
        return PASS
    try:
        was = json_decoded(value)
        if not isinstance(was, Mapping):
            return hand.secret(value, place, ID)
        inside = Place((), hand.subject, where=f"{place.where}{place.path[-1]} > ")
        outside = inside._replace(kind="")
        masked = {key: hand.patch(item, inside if key == "patch" else outside) for key, item in was.items()}
        return value if masked == was else json_encoded(masked, like=value, was=was)
    except ValueError:
        return hand.secret(value, place, ID)


CHANNEL = Channel(ID, applies, treat, fields=lambda name: name.startswith(PREFIX))
