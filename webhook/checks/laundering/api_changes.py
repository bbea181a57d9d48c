"""Deleting a kind deletes all its objects without a DELETE of any; an APIService sends a whole API group elsewhere.

Rule: no CustomResourceDefinition that exists is changed or deleted, and no APIService is made, changed or deleted.
Fields: `spec`, `metadata.labels`, `metadata.annotations` of an UPDATE; CREATE and DELETE.
Allowed: a new CustomResourceDefinition; kubectl's annotation of what was applied last.
Source: https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/,
    k8s.io/apiextensions-apiserver/pkg/controller/finalizer/crd_finalizer.go (deletion of all objects)
"""

from collections.abc import Iterator

from webhook.admission.request import Operation, Request
from webhook.checks.laundering.writing import CHANGED, changed_fields, request_check, what
from webhook.checks.scope import Scope

ID = "api-changes"

_READ = (("spec",), ("metadata", "labels"), ("metadata", "annotations"))
_APPLIED = "metadata.annotations.kubectl.kubernetes.io/last-applied-configuration"


def judge(request: Request) -> Iterator[str]:
    """Yield one message with everything that the write changes."""
    if request.operation is Operation.CREATE:
        yield f"{what(request)} decides who answers for an API group; leave it to whoever runs the cluster"
    elif request.operation is Operation.DELETE:
        yield f"{what(request)} deletes all objects of the kind, or hides them; delete the objects that you mean"
    else:
        names = [f"{'.'.join(path)}.{name}" for path in _READ for name in changed_fields(request, *path)]
        changed = [name for name in names if name != _APPLIED]
        if changed:
            found = f"changes {', '.join(changed)}"
            yield f"{what(request)} {found}, for all objects of the kind; leave it to whoever runs the cluster"


CHECK = request_check(
    ID,
    judge,
    Scope.of(["UPDATE", "DELETE"], ["apiextensions.k8s.io"], ["customresourcedefinitions"]),
    Scope.of(CHANGED, ["apiregistration.k8s.io"], ["apiservices"]),
)
