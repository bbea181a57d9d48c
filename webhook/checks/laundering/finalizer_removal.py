"""Without its finalizer an object goes before its controller cleaned up: data, cloud resources, protections with it.

Rule: no finalizer is removed, through any subresource.
Fields: `metadata.finalizers` before and after an UPDATE.
Allowed: adding one, which only delays a deletion and is seen on the object; another order.
Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import entries_at, request_check, what
from webhook.checks.scope import EVERY_RESOURCE, Scope
from webhook.checks.wording import quoted

ID = "finalizer-removal"


def judge(request: Request) -> Iterator[str]:
    """Yield one message for each finalizer that is no more."""
    old = entries_at(request.old_object, "metadata", "finalizers")
    if not old:
        return
    kept = entries_at(request.object, "metadata", "finalizers")
    for finalizer in old:
        if finalizer not in kept:
            removed = f"removes {quoted(finalizer)} from metadata.finalizers"
            yield f"{what(request)} {removed}; leave it to the controller that cleans up"


CHECK = request_check(ID, judge, Scope.of(["UPDATE"], ["*"], [EVERY_RESOURCE]))
