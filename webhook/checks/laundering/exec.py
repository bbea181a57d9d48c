"""Whoever enters a Pod acts as that Pod: with its ServiceAccount, its secrets, its place in the network.

Rule: no exec, attach or port-forward.
Fields: CONNECT of `pods/exec`, `pods/attach`, `pods/portforward`, by GET and by POST.
Allowed: nothing.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import request_check, what
from webhook.checks.scope import Scope

ID = "exec"


def judge(request: Request) -> Iterator[str]:
    """Refuse."""
    yield f"{what(request)} acts as that Pod; run a Pod of your own, or read its logs"


CHECK = request_check(ID, judge, Scope.of(["CONNECT"], [""], ["pods/exec", "pods/attach", "pods/portforward"]))
