"""An owner that does not exist makes the garbage collector delete the object: a deletion without a DELETE.

Rule: no owner reference is added or changed, on any object, through any subresource. Whether the owner exists, and is
    the agent's, cannot be known without reading the cluster, so it does not matter. kubectl, helm and server-side apply
    set none; controllers do, and agents are no controllers.
Fields: each entry of `metadata.ownerReferences`, `controller` and `blockOwnerDeletion` included.
Allowed: entries that were there, as they were; removing one (`--cascade=orphan` in other words); on a new Job the one
    reference that `kubectl create job --from=cronjob/...` writes: a CronJob, without `blockOwnerDeletion`.
Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/,
    k8s.io/kubernetes/pkg/controller/garbagecollector/garbagecollector.go (attemptToDeleteItem)
"""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.admission.request import Operation, Request
from webhook.checks.laundering.writing import WRITTEN, entries_at, request_check, what
from webhook.checks.scope import EVERY_RESOURCE, Scope
from webhook.checks.wording import quoted

ID = "owner-references"

_ADVICE = "the garbage collector would delete by it; remove it, and DELETE what is to be deleted"


def judge(request: Request) -> Iterator[str]:
    """Yield one message for each new entry."""
    references = entries_at(request.object, "metadata", "ownerReferences")
    if not references:
        return
    old = entries_at(request.old_object, "metadata", "ownerReferences")
    for index, reference in enumerate(references):
        if reference not in old and not (len(references) == 1 and _is_manual_run(request, reference)):
            owner = reference if isinstance(reference, Mapping) else {}
            path = f"metadata.ownerReferences[{index}]"
            named = f"{quoted(owner.get('kind'))} {quoted(owner.get('name'))}"
            yield f"{what(request)} sets {path} to {named}; {_ADVICE}"


def _is_manual_run(request: Request, reference: Any) -> bool:
    """Say whether this is a Job that somebody starts by hand from a CronJob."""
    return (
        request.operation is Operation.CREATE
        and (request.kind.group, request.kind.kind) == ("batch", "Job")
        and isinstance(reference, Mapping)
        and (reference.get("apiVersion"), reference.get("kind")) == ("batch/v1", "CronJob")
        and not reference.get("blockOwnerDeletion")
    )


CHECK = request_check(ID, judge, Scope.of(WRITTEN, ["*"], [EVERY_RESOURCE]))
