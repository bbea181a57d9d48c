"""The Pod that a request would run: of a Pod itself, and of every built-in kind that carries a Pod template.

Judges nothing. What checks read is looked through once: its objects are objects and its lists are lists, else the Pod
has a `problem` and nothing in it. Single values (booleans, names, numbers) may still be of any type.
A write that leaves the spec of a Pod as it is (a label, a finalizer) runs nothing, and has no Pod here.
Custom resources with templates (Rollouts, Workflows) are not known here; their controllers' Pods are not the agent's
request.

Source: k8s.io/api core/v1, apps/v1, batch/v1; k8s.io/pod-security-admission/admission/admission.go
(which subresources carry a Pod, that a missing template makes no Pod, and that an update which runs nothing new is
not judged)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from webhook.admission.request import Object, Operation, Request
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

_POD_PATHS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "Job"): ("spec", "template"),
}
"""(API group, kind) -> path of what has the Pod's metadata and spec."""

_WRITES = frozenset({Operation.CREATE, Operation.UPDATE})
_WRITTEN = ("CREATE", "UPDATE")

SCOPES = (
    Scope.of(
        _WRITTEN, [""], ["pods", "pods/ephemeralcontainers", "pods/resize", "podtemplates", "replicationcontrollers"]
    ),
    Scope.of(_WRITTEN, ["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"]),
    Scope.of(_WRITTEN, ["batch"], ["cronjobs", "jobs"]),
)
"""What must be delivered to see every Pod spec that a request can write."""

CONTAINER_LISTS = {
    "containers": "container",
    "initContainers": "initContainer",
    "ephemeralContainers": "ephemeralContainer",
}
"""The fields that hold containers, in the order in which they are judged, and what messages call one of them."""

Shape = Mapping[str, Any] | list[Any]
"""What must be an object (its fields that matter) or a list (of one shape); fields of other types are not named."""

_HANDLER: Shape = {"httpGet": {}, "tcpSocket": {}}
_SECURITY: Mapping[str, Any] = {"appArmorProfile": {}, "seLinuxOptions": {}, "seccompProfile": {}, "windowsOptions": {}}
_CONTAINER: Shape = {
    "env": [{}],
    "lifecycle": {"postStart": _HANDLER, "preStop": _HANDLER},
    "livenessProbe": _HANDLER,
    "ports": [{}],
    "readinessProbe": _HANDLER,
    "securityContext": {**_SECURITY, "capabilities": {"add": [], "drop": []}},
    "startupProbe": _HANDLER,
}
_POD: Shape = {
    "metadata": {"annotations": {}, "labels": {}},
    "spec": {
        **{name: [_CONTAINER] for name in CONTAINER_LISTS},
        "os": {},
        "securityContext": {**_SECURITY, "sysctls": [{}]},
        "volumes": [{"hostPath": {}, "projected": {"sources": [{"serviceAccountToken": {}}]}}],
    },
}
"""What checks read of a Pod. A check that reads another object or list adds it here."""

_NOTHING: Object = {}


class Container(NamedTuple):
    """One container. `path` is its field path, `security` its securityContext, empty where there is none."""

    kind: str
    path: str
    value: Object
    security: Object

    @property
    def title(self) -> str:
        """Which container it is, for messages: `initContainer "setup"`."""
        return f"{self.kind} {quoted(self.value.get('name', ''))}"

    @property
    def security_path(self) -> str:
        """The field path of its securityContext."""
        return f"{self.path}.securityContext"


@dataclass(frozen=True, slots=True)
class Pod:
    """A Pod or the template of one. `path` is the field path of it: empty, or such as `spec.template`.

    `problem` is one line that names the field, where the request is not what its kind promises.
    """

    path: str
    metadata: Object = field(default_factory=dict)
    spec: Object = field(default_factory=dict)
    security: Object = field(default_factory=dict)
    """The Pod's own securityContext."""
    containers: tuple[Container, ...] = ()
    problem: str = ""

    def at(self, name: str) -> str:
        """Return the whole path of a field of the Pod, such as `spec.hostNetwork`."""
        return f"{self.path}.{name}" if self.path else name

    @property
    def title(self) -> str:
        """What messages call it."""
        return "the Pod"

    @property
    def security_path(self) -> str:
        """The field path of its own securityContext."""
        return self.at("spec.securityContext")

    @property
    def parts(self) -> "tuple[Part, ...]":
        """Everything that has a securityContext: the Pod itself, then its containers."""
        return (self, *self.containers)

    @property
    def is_windows(self) -> bool:
        """Whether it runs on Windows only, where the API server refuses the settings of Linux."""
        return (self.spec.get("os") or _NOTHING).get("name") == "windows"

    @property
    def has_own_users(self) -> bool:
        """Whether its root is nobody on the node: a user namespace of its own, `hostUsers: false`."""
        return self.spec.get("hostUsers") is False


Part = Pod | Container
"""What has a securityContext."""


def setting(part: Part, name: str, value: Any) -> str:
    """Say what a securityContext sets: `container "api" sets spec.containers[0].securityContext.runAsUser=0`."""
    return f"{part.title} sets {part.security_path}.{name}={quoted(value)}"


def pod_of(request: Request) -> Pod | None:
    """Find the Pod that a CREATE or UPDATE would store; None where there is none to judge."""
    path = _POD_PATHS.get((request.kind.group, request.kind.kind))
    if path is None or request.operation not in _WRITES or not _carries_template(request):
        return None
    if request.object is None:
        return Pod("", problem=f"the {request.kind.kind} is missing; send one")
    if request.kind.kind == "Pod" and _is_as_before(request.object, request.old_object):
        return None
    template: Any = request.object
    for depth, name in enumerate(path):
        if not isinstance(template, Mapping):
            return Pod("", problem=shape_problem(template, {}, ".".join(path[:depth])))
        template = template.get(name)
        if template is None:
            return None
    return _pod(".".join(path), template)


def shape_problem(value: Any, shape: Shape, path: str) -> str:
    """Say which object or list below is none; empty where all are as `shape` says, or absent."""
    problem = "" if value is None else _problem(value, shape)
    if path or not problem:
        return f"{path}{problem}" if problem else ""
    return f"the object{problem}" if problem.startswith(" ") else problem.removeprefix(".")


def _problem(value: Any, shape: Shape) -> str:
    """Return the path below the value and what is wrong there; put together only where something is."""
    if isinstance(shape, list):
        return _list_problem(value, shape)
    if type(value) is not dict and not isinstance(value, Mapping):
        return _wrong(value, "an object")
    for name, inner in shape.items():
        below = value.get(name)
        if below is not None and (problem := _problem(below, inner)):
            return f".{name}{problem}"
    return ""


def _list_problem(value: Any, shape: list[Any]) -> str:
    if not isinstance(value, list | tuple):
        return _wrong(value, "a list")
    if not shape:
        return ""
    for index, item in enumerate(value):
        problem = " is null; remove it" if item is None else _problem(item, shape[0])
        if problem:
            return f"[{index}]{problem}"
    return ""


def _wrong(value: Any, wanted: str) -> str:
    return f" is {quoted(value)}; make it {wanted}"


def _pod(path: str, template: Any) -> Pod | None:
    problem = shape_problem(template, _POD, path)
    if problem:
        return Pod(path, problem=problem)
    spec = template.get("spec")
    if spec is None:
        return None
    before = f"{path}.spec" if path else "spec"
    return Pod(
        path,
        metadata=template.get("metadata") or _NOTHING,
        spec=spec,
        security=spec.get("securityContext") or _NOTHING,
        containers=tuple(_containers(spec, before)),
    )


def _containers(spec: Object, before: str) -> Iterator[Container]:
    for name, kind in CONTAINER_LISTS.items():
        for index, item in enumerate(spec.get(name) or ()):
            yield Container(kind, f"{before}.{name}[{index}]", item, item.get("securityContext") or _NOTHING)


def _is_as_before(pod: Object, old: Object | None) -> bool:
    """Say whether the Pod runs already as it is written: whoever labels a bad Pod did not make it."""
    if old is None or "spec" not in old:
        return False
    try:
        return bool(pod.get("spec") == old["spec"])
    except RecursionError:  # nested deeper than any Pod: nobody can say, so it is judged
        return False


def _carries_template(request: Request) -> bool:
    """Say whether the subresource writes the Pod spec: `scale` and `status` never do."""
    if request.kind.kind == "Pod":
        return request.subresource in {"", "ephemeralcontainers", "resize"}
    return not request.subresource
