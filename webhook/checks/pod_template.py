"""Where the Pod spec is, in Pods and in every built-in kind that carries a Pod template.

Judges nothing. Custom resources with templates (Rollouts, Workflows) are not known here; their controllers'
Pods are not the agent's request.

Source: k8s.io/api core/v1, apps/v1, batch/v1; k8s.io/pod-security-admission/admission/admission.go
(which subresources carry a Pod, and that a missing template makes no Pod)
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

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


class Part(NamedTuple):
    """A part of an object and where it lies. `problem` is set, and `value` empty, where the type is wrong.

    Paths are put together only when they are asked for: nearly all parts of nearly all requests are in order.
    """

    parent: "Part | None"
    step: str
    value: Object
    problem: str = ""

    @property
    def path(self) -> str:
        """The field path, such as `spec.containers[0].securityContext`."""
        before = self.parent.path if self.parent else ""
        return f"{before}.{self.step}" if before and not self.step.startswith("[") else f"{before}{self.step}"

    def child(self, step: str, value: Any) -> "Part | None":
        """Wrap a value below that must be an object; None where it is absent or null."""
        if value is None:
            return None
        if isinstance(value, dict | Mapping):
            return Part(self, step, value)
        return self.wrong(step, f"is {quoted(value)}; make it an object")

    def field(self, name: str) -> "Part | None":
        """Read a field that must be an object; None where it is absent or null."""
        return self.child(name, self.value.get(name))

    def wrong(self, step: str, what: str) -> "Part":
        """Make the part below that says what is wrong with it."""
        place = Part(self, step, {})
        return place._replace(problem=f"{place.path} {what}")


def pod_spec(request: Request) -> Part | None:
    """Find the Pod spec that a CREATE or UPDATE would store; None where there is none to judge.

    Returns: a part with `problem` where the object is not what its kind promises.
    """
    path = _TEMPLATE_PATHS.get((request.kind.group, request.kind.kind))
    if path is None or request.operation.value not in _WRITES or not _carries_template(request):
        return None
    if request.object is None:
        return Part(None, "", {}, f"the {request.kind.kind} is missing; send one")
    part: Part | None = Part(None, "", request.object)
    for name in path:
        if part is None or part.problem:
            return part
        part = part.field(name)
    return part


def containers(spec: Part) -> Iterator[Part]:
    """Go through all containers of a Pod spec, in the order of its fields."""
    for name in CONTAINER_LISTS:
        items = spec.value.get(name)
        if items is None:
            continue
        if not isinstance(items, list | tuple):
            yield spec.wrong(name, f"is {quoted(items)}; make it a list")
            continue
        place = Part(spec, name, {})
        for index, item in enumerate(items):
            step = f"[{index}]"
            yield place.child(step, item) or place.wrong(step, "is null; remove it")


def container_name(container: Part) -> str:
    """Say which container it is, for messages: `initContainer "setup"`."""
    kind = container.parent.step.removesuffix("s") if container.parent else "container"
    return f"{kind} {quoted(container.value.get('name', ''))}"


def _carries_template(request: Request) -> bool:
    """Say whether the subresource writes the Pod spec: `scale` and `status` never do."""
    if request.kind.kind == "Pod":
        return request.subresource in {"", "ephemeralcontainers", "resize"}
    return not request.subresource
