"""Deletions that are answered with what they delete: a read for whoever may delete and not get.

A deletion of one object by its name, in the background and without finalizers, is answered with a name only; that is
how kubectl deletes. One that must wait is answered with the object, and one of a collection with all of it.

Source: k8s.io/apiserver/pkg/registry/generic/registry/store.go (Delete, DeleteCollection); each tried in
tests/integration/test_secret_reads.py
"""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.admission.request import Request
from webhook.checks.wording import quoted

_ONE_BY_ONE = "a deletion of a whole collection answers with the data of every object; delete them one by one, by name"


def told_by_deletion(request: Request) -> Iterator[str]:
    """Yield one message for each reason why the answer to this DELETE would hold the data of the object."""
    if not request.name:
        yield _ONE_BY_ONE
        return
    options: Any = request.options if isinstance(request.options, Mapping) else {}
    policy, orphan = options.get("propagationPolicy"), options.get("orphanDependents")
    if policy not in (None, "Background"):
        yield _waits(f"options.propagationPolicy={quoted(policy)}")
    if orphan not in (None, False):
        yield _waits(f"options.orphanDependents={quoted(orphan)}")
    if _finalizers(request.old_object):
        yield "metadata.finalizers make the deletion wait, and answer with the data; ask a person to remove them"


def _waits(why: str) -> str:
    return f"{why} makes the deletion wait, and answer with the data; delete in the background, as kubectl does"


def _finalizers(obj: Any) -> Any:
    metadata = obj.get("metadata") if isinstance(obj, Mapping) else None
    return metadata.get("finalizers") if isinstance(metadata, Mapping) else None
