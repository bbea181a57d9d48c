"""What checks of this family share: a check of single requests, and how they read what is written.

Objects of every kind come here, so nothing is taken for granted: a value of a wrong type is something, never nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from webhook.admission.request import Object, Operation, Request
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.scope import Scope

WRITTEN = ("CREATE", "UPDATE")
CHANGED = ("CREATE", "UPDATE", "DELETE")

_ABSENT = object()
"""Differs from every value: a label without text is a label."""

_WITH_OBJECT = frozenset({Operation.CREATE, Operation.UPDATE})


def request_check(check_id: str, judge: Callable[[Request], Iterable[str]], *scopes: Scope) -> Check:
    """Make a check that sees only requests of its scopes, and writes only if they carry an object."""

    @wraps(judge)
    def of_request(inspection: Inspection) -> Iterable[str]:
        request = inspection.request
        if not any(scope.covers(request) for scope in scopes):
            return ()
        if request.operation in _WITH_OBJECT and not isinstance(request.object, Mapping):
            return (f"{what(request)} has no object; send one",)
        return judge(request)

    return Check(check_id, of_request, scopes)


def what(request: Request) -> str:
    """Say what is asked: `UPDATE nodes node-1`."""
    return f"{request.operation.value} {request.target}"


def value_at(obj: Object | None, *path: str) -> Any:
    """Return the value at a path; None where there is none, or an empty list, object or text."""
    found: Any = obj
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return None if found in ({}, [], "") else found


def entries_at(obj: Object | None, *path: str) -> list[Any]:
    """Return the list at a path; what is no list is its only entry."""
    found = value_at(obj, *path)
    return [] if found is None else list(found) if isinstance(found, list | tuple) else [found]


def fields_at(obj: Object | None, *path: str) -> Mapping[str, Any]:
    """Return the object at a path; what is none is its only value, under no name."""
    found = value_at(obj, *path)
    return {} if found is None else found if isinstance(found, Mapping) else {"": found}


def changed_fields(request: Request, *path: str) -> list[str]:
    """Return the names, sorted, that a write adds, changes or removes in the object at a path."""
    old, new = fields_at(request.old_object, *path), fields_at(request.object, *path)
    return sorted(name for name in {*old, *new} if old.get(name, _ABSENT) != new.get(name, _ABSENT))
