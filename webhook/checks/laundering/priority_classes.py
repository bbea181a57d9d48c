"""A Pod of high priority has the scheduler delete other Pods to make room: a deletion without a DELETE.

Rule: no PriorityClass is made, changed or deleted, and no Pod has a priority of the system.
Fields: CREATE, UPDATE, DELETE of `priorityclasses` (scheduling.k8s.io); `spec.priorityClassName` of Pods and templates.
Allowed: every class that does not begin with `system-`: whoever made it meant it to be used.
Source: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from collections.abc import Iterator

from webhook.checks import pod
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.laundering.writing import CHANGED, what
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

ID = "priority-classes"

_SCOPE = Scope.of(CHANGED, ["scheduling.k8s.io"], ["priorityclasses"])


def judge(inspection: Inspection) -> Iterator[str]:
    """Yield one message for a class that is written, or a system class that a Pod uses."""
    if _SCOPE.covers(inspection.request):
        yield f"{what(inspection.request)} decides whose Pods are deleted to make room; use a class that is there"
        return
    seen = inspection.pod
    if seen is None or seen.problem:
        return
    name = seen.spec.get("priorityClassName")
    if str(name).startswith("system-"):
        found = f"{seen.at('spec.priorityClassName')}={quoted(name)}"
        yield f"the Pod sets {found}, so that other Pods are deleted to make room; use a class that is not the system's"


CHECK = Check(ID, judge, (*pod.SCOPES, _SCOPE))
