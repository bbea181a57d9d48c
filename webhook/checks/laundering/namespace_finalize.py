"""Finalizing a Namespace ends it before its contents are deleted; they stay behind, and nobody sees them.

Rule: no Namespace is finalized by hand.
Fields: UPDATE of `namespaces/finalize`.
Allowed: nothing.
Source: k8s.io/kubernetes/pkg/registry/core/namespace/storage/storage.go (FinalizeREST)
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import request_check, what
from webhook.checks.scope import Scope

ID = "namespace-finalize"


def judge(request: Request) -> Iterator[str]:
    """Refuse."""
    yield f"{what(request)} does the namespace controller's work; wait for it, or see what it waits for in status"


CHECK = request_check(ID, judge, Scope.of(["UPDATE"], [""], ["namespaces/finalize"]))
