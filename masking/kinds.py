"""Which kind a value has where it does not say it itself, or says it inside another object.

The body of a patch has no kind, and a body may lie about it; an audit event's `objectRef` is what the API server
read from the URL.
"""

from collections.abc import Mapping
from typing import Any

from masking.channels import GUARDED
from masking.structure import Place

# (resource, subresource): only kinds that a channel must know.
KINDS: dict[tuple[str, str], str] = {
    ("secrets", ""): "Secret",
    ("serviceaccounts", "token"): "TokenRequest",
    ("tokenreviews", ""): "TokenReview",
    ("pods", "exec"): "PodExecOptions",
}
DELETIONS = frozenset(("delete", "deletecollection"))
# A mapping with a kind and none of these is a reference to an object, such as an ownerReference.
OBJECT_FIELDS = frozenset(("metadata", "data", "stringData", "spec", "status", "command"))


def place_of(value: Mapping[Any, Any], place: Place) -> Place:
    """Return the place of a mapping with the kind that it has, if it is another object's root.

    What the caller knows wins over what the root says, except that no guarded kind (Secret, ...) is ever taken for
    another; deeper inside, a guarded kind or a list begins an object of its own.
    """
    own = value.get("kind")
    if not isinstance(own, str):
        return place
    root = len(place.path) == place.base
    if root and (own == place.kind or place.kind in GUARDED):
        return place
    inner = own in GUARDED and not OBJECT_FIELDS.isdisjoint(value)
    if inner or (root and not place.kind) or (own.endswith("List") and "items" in value):
        version = value.get("apiVersion")
        group = version.rpartition("/")[0] if isinstance(version, str) else ""
        return Place(place.path, own, group, len(place.path), place.where)
    return place


def subject_kind(event: Mapping[str, Any]) -> str:
    """Return the kind of the object that an audit event is about, or "" if no channel needs to know it."""
    reference = event.get("objectRef")
    if not isinstance(reference, Mapping):
        return ""
    return KINDS.get((str(reference.get("resource", "")), str(reference.get("subresource", ""))), "")


def body_kinds(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of each body that an audit event has; "" where the body says it itself.

    A response may be a Status, a list or a Table, and is the API server's own; a request is the caller's word.
    """
    subject = subject_kind(event)
    response = event.get("responseObject")
    speaks = isinstance(response, Mapping) and isinstance(response.get("kind"), str)
    kinds = {
        "requestObject": "DeleteOptions" if event.get("verb") in DELETIONS else subject,
        "responseObject": "" if speaks else subject,
    }
    return {body: kind for body, kind in kinds.items() if body in event}
