"""Whoever holds a controller's lease stops the controller; a node whose lease is not renewed is emptied.

Rule: leases are the agent's own: those in the namespace of its ServiceAccount.
Fields: CREATE, UPDATE, DELETE of `leases` and `leasecandidates` (coordination.k8s.io), namespace.
Allowed: the agent's own namespace. Whoever is no ServiceAccount has none.
Source: https://kubernetes.io/docs/concepts/architecture/leases/
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import CHANGED, request_check, what
from webhook.checks.scope import Scope

ID = "leases"


def judge(request: Request) -> Iterator[str]:
    """Refuse in every namespace but one."""
    account = request.user.service_account
    if account is None or request.namespace != account[0]:
        yield f"{what(request)} decides which controller or node is alive; use a lease in your own namespace"


CHECK = request_check(ID, judge, Scope.of(CHANGED, ["coordination.k8s.io"], ["leases", "leasecandidates"]))
