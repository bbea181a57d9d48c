"""Quotas and ranges are limits that others set for the agent; a LimitRange also rewrites everybody's Pods.

Rule: no ResourceQuota and no LimitRange is made, changed or deleted.
Fields: CREATE, UPDATE, DELETE of `resourcequotas` and `limitranges`; of an update `spec`.
Allowed: an update of labels and annotations alone.
Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/, https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from collections.abc import Iterator

from webhook.admission.request import Operation, Request
from webhook.checks.laundering.writing import CHANGED, changed_fields, request_check, what
from webhook.checks.scope import Scope

ID = "quotas"


def judge(request: Request) -> Iterator[str]:
    """Refuse whatever changes a limit."""
    changed = [f"spec.{name}" for name in changed_fields(request, "spec")]
    if request.operation is not Operation.UPDATE:
        yield f"{what(request)} changes the limits of a namespace; leave them to whoever gave you the namespace"
    elif changed:
        found = f"changes {', '.join(changed)}"
        yield f"{what(request)} {found}, a limit of the namespace; leave it to whoever gave you the namespace"


CHECK = request_check(ID, judge, Scope.of(CHANGED, [""], ["resourcequotas", "limitranges"]))
