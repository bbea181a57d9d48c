"""The UID and the name that the API server gives to a new object, and where the UID appears in it again."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from webhook.admission.request import Object, Operation, Request
from webhook.approval.document import Path, child

RANDOM = "[bcdfghjklmnpqrstvwxz2456789]{5}"
"""Source: k8s.io/apimachinery/pkg/util/rand/rand.go (alphanums), k8s.io/apiserver/pkg/storage/names/generate.go."""

GENERATED_BASE_LIMIT = 58
"""A generated name has at most 63 characters, five of them random. Source: names/generate.go."""

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


VIRTUAL = frozenset({("", "bindings")})
"""Created, but never stored: their UID and name are the client's words about another object."""


def own_uid(request: Request) -> str:
    """The UID of the object about to be created, "" if it is not one that the API server drew.

    It is drawn after all mutation, so nobody can know it before: where it appears, the server put it.
    Source: k8s.io/apiserver/pkg/registry/rest/meta.go, registry/generic/registry/store.go
    """
    uid = child(request.object, "metadata", "uid")
    return uid if _is_new(request) and isinstance(uid, str) and UUID.fullmatch(uid) else ""


def own_name(request: Request) -> str:
    """The name that the server made of `generateName`, "" if the client named the object itself.

    A validating webhook is given the finished name in `request.name` too. Whoever sends both fields and picks a
    name that the server might have made cannot be told apart; such a name is one of those that an approver of
    the generated one has accepted. Source: k8s.io/apiserver/pkg/registry/rest/create.go
    """
    base, name = (child(request.object, "metadata", key) for key in ("generateName", "name"))
    if not (_is_new(request) and isinstance(base, str) and base and isinstance(name, str)):
        return ""
    made = re.fullmatch(re.escape(base[:GENERATED_BASE_LIMIT]) + RANDOM, name)
    return name if made and request.name in {"", name} else ""


def _is_new(request: Request) -> bool:
    is_stored = (request.resource.group, request.resource.resource) not in VIRTUAL
    return request.operation is Operation.CREATE and not request.subresource and is_stored


def places(new: Object, text: str) -> Iterator[Path]:
    """Every place whose whole value is `text`."""
    todo: list[tuple[Path, Any]] = [((), new)]
    while todo:  # no recursion: how deep an object is nested is judged later, in `document`
        path, value = todo.pop()
        if isinstance(value, Mapping):
            todo.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            todo.extend(((*path, place), item) for place, item in enumerate(value))
        elif value == text:
            yield path
