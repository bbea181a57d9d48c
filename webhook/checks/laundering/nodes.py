"""A taint empties a node without a DELETE, a label moves Pods, a deleted node takes its Pods along.

Rule: no Node is made, deleted, or changed in its spec, labels or annotations.
Fields: CREATE and DELETE of Nodes; `spec` (`taints`, `unschedulable`, ...), `metadata.labels`, `metadata.annotations`.
Allowed: what leaves these as they are.
Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/,
    k8s.io/kubernetes/pkg/controller/podgc (Pods of nodes that are no more)
"""

from collections.abc import Iterator

from webhook.admission.request import Operation, Request
from webhook.checks.laundering.writing import CHANGED, changed_fields, request_check, what
from webhook.checks.scope import Scope

ID = "nodes"

_READ = (("spec",), ("metadata", "labels"), ("metadata", "annotations"))


def judge(request: Request) -> Iterator[str]:
    """Yield one message with everything that the write changes."""
    if request.operation is not Operation.UPDATE:
        yield f"{what(request)} decides where Pods run; leave it to whoever runs the nodes"
        return
    changed = [f"{'.'.join(path)}.{name}" for path in _READ for name in changed_fields(request, *path)]
    if changed:
        yield f"{what(request)} changes {', '.join(changed)}, which moves Pods; leave it to whoever runs the nodes"


CHECK = request_check(ID, judge, Scope.of(CHANGED, [""], ["nodes", "nodes/status"]))
