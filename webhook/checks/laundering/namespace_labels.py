"""Policies, quotas and admission choose namespaces by their labels: who changes a label leaves them.

Rule: no label of a Namespace is added, changed or removed, and none is made with the Pod Security level privileged.
Fields: `metadata.labels` of an UPDATE of `namespaces`, `namespaces/status` and `namespaces/finalize`;
    `pod-security.kubernetes.io/enforce` of a CREATE.
Allowed: annotations; other labels of a new Namespace, which no policy of others could rely on.
Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/,
    https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-namespaceselector
"""

from collections.abc import Iterator

from webhook.admission.request import Operation, Request
from webhook.checks.laundering.writing import WRITTEN, changed_fields, fields_at, request_check, what
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

ID = "namespace-labels"

ENFORCE = "pod-security.kubernetes.io/enforce"


def judge(request: Request) -> Iterator[str]:
    """Yield one message for each label that may not be written."""
    labels = fields_at(request.object, "metadata", "labels")
    for name in changed_fields(request, "metadata", "labels"):
        label = f"metadata.labels[{quoted(name)}]"
        found = f"sets {label}={quoted(labels[name])}" if name in labels else f"removes {label}"
        if request.operation is Operation.UPDATE:
            yield f"{what(request)} {found}, by which policies choose namespaces; leave the labels as they are"
        elif name == ENFORCE and labels[name] == "privileged":
            yield f"{what(request)} {found}, which allows every Pod; use baseline or restricted, or leave it out"


CHECK = request_check(
    ID,
    judge,
    Scope.of(WRITTEN, [""], ["namespaces"]),
    Scope.of(["UPDATE"], [""], ["namespaces/status", "namespaces/finalize"]),
)
