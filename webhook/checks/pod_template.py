"""Where the Pod spec is, in Pods and in every built-in kind that carries a Pod template.

Judges nothing. Custom resources with templates (Rollouts, Workflows) are not known here; their controllers'
Pods are not the agent's request.

Source: k8s.io/api core/v1, apps/v1, batch/v1; k8s.io/pod-security-admission/admission/admission.go
(which subresources carry a Pod, and that a missing template makes no Pod)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.admission.request import Object, Operation, Request
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

_TEMPLATE_PATHS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec",),
    ("", "PodTemplate"): ("template", "spec"),
    ("", "ReplicationController"): ("spec", "template", "spec"),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
}
"""(API group, kind) -> path of the Pod spec."""

_WRITES = (Operation.CREATE.value, Operation.UPDATE.value)

SCOPES = (
    Scope.of(
        _WRITES, [""], ["pods", "pods/ephemeralcontainers", "pods/resize", "podtemplates", "replicationcontrollers"]
    ),
    Scope.of(_WRITES, ["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"]),
    Scope.of(_WRITES, ["batch"], ["cronjobs", "jobs"]),
)
"""What must be delivered to see every Pod spec that a request can write."""

CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an object and its field path. `problem` is set, and `value` empty, where the type is wrong."""

    path: str
    value: Object
    problem: str = ""

    def child(self, field: str) -> "Part | None":
        """Read a field that must be an object; None where it is absent or null."""
        return part_of(self.value.get(field), f"{self.path}.{field}" if self.path else field)


def part_of(value: Any, path: str) -> Part | None:
    """Wrap a value that must be an object; None where it is null."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return Part(path, value)
    return Part(path, {}, f"{path} is {quoted(value)}; make it an object")


def pod_spec(request: Request) -> Part | None:
    """Find the Pod spec that a CREATE or UPDATE would store; None where there is none to judge.

    Returns: a part with `problem` where the object is not what its kind promises.
    """
    path = _TEMPLATE_PATHS.get((request.kind.group, request.kind.kind))
    if path is None or request.operation.value not in _WRITES or not _carries_template(request):
        return None
    part = part_of(request.object, "") or Part("", {}, f"the {request.kind.kind} is missing; send one")
    for field in path:
        if part.problem:
            return part
        child = part.child(field)
        if child is None:
            return None
        part = child
    return part


def containers(spec: Part) -> Iterator[tuple[str, Part]]:
    """Go through all containers of a Pod spec: (what it is, for messages; the container)."""
    for field in CONTAINER_LISTS:
        path = f"{spec.path}.{field}"
        items = spec.value.get(field)
        if items is None:
            continue
        if not isinstance(items, list | tuple):
            yield field, Part(path, {}, f"{path} is {quoted(items)}; make it a list")
            continue
        for index, item in enumerate(items):
            part = part_of(item, f"{path}[{index}]") or Part(path, {}, f"{path}[{index}] is null; remove it")
            yield f"{field.removesuffix('s')} {quoted(part.value.get('name', ''))}", part


def _carries_template(request: Request) -> bool:
    """Say whether the subresource writes the Pod spec: `scale` and `status` never do."""
    if request.kind.kind == "Pod":
        return request.subresource in {"", "ephemeralcontainers", "resize"}
    return not request.subresource
