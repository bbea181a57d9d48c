"""A status is what controllers act on: a Pod that is said to have failed is replaced, a node that is not ready emptied.

Rule: no status of a built-in kind is written.
Fields: UPDATE of every `status` subresource in the API groups of Kubernetes (those without a dot, and `*.k8s.io`).
Allowed: the status of other custom resources, which is their own controllers' matter; see also the check gitops.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#status-subresource,
    k8s.io/kubernetes/pkg/controller/podgc, nodelifecycle, endpointslice (what reads them)
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import request_check, what
from webhook.checks.scope import Scope

ID = "status-writes"


def judge(request: Request) -> Iterator[str]:
    """Refuse for built-in groups."""
    group = request.resource.group
    if "." not in group or group.endswith(".k8s.io"):
        yield f"{what(request)} says what only its controller or kubelet may say; change the spec instead"


CHECK = request_check(ID, judge, Scope.of(["UPDATE"], ["*"], ["*/status"]))
