"""A binding puts a Pod on a node of the agent's choice: the scheduler, taints and affinities are not asked.

Rule: no Pod is bound to a node by hand.
Fields: CREATE of `pods/binding` and `bindings`.
Allowed: nothing.
Source: k8s.io/kubernetes/pkg/registry/core/pod/storage/storage.go (BindingREST)
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import request_check, what
from webhook.checks.scope import Scope

ID = "bindings"


def judge(request: Request) -> Iterator[str]:
    """Refuse."""
    yield f"{what(request)} does the scheduler's work; use a nodeSelector or an affinity"


CHECK = request_check(ID, judge, Scope.of(["CREATE"], [""], ["pods/binding", "bindings"]))
