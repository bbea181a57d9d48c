"""Privileged containers have the whole node: devices, kernel and every other Pod's secrets.

Rule: no container is privileged.
Fields: `securityContext.privileged` of `containers[*]`, `initContainers[*]` and `ephemeralContainers[*]`, in Pods
    (also `pods/ephemeralcontainers`) and in the Pod templates of Deployments, StatefulSets, DaemonSets, ReplicaSets,
    ReplicationControllers, Jobs, CronJobs and PodTemplates.
Allowed: absent, null, false.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("Privileged Containers"),
    k8s.io/pod-security-admission/policy/check_privileged.go
"""

from webhook.admission.request import Request
from webhook.checks.check import Check
from webhook.checks.pod_template import SCOPES, Part, container_name, containers, pod_spec
from webhook.checks.wording import quoted

ID = "privileged-containers"


def judge(request: Request) -> tuple[str, ...]:
    """Return one message for each privileged container of the new object, and for what cannot be judged."""
    spec = pod_spec(request)
    if spec is None:
        return ()
    if spec.problem:
        return (f"{ID}: {spec.problem}",)
    return tuple(f"{ID}: {message}" for message in map(_message, containers(spec)) if message)


def _message(container: Part) -> str:
    """Say what is wrong with one container; empty where nothing is."""
    if container.problem:
        return container.problem
    context = container.field("securityContext")
    if context is None:
        return ""
    privileged = context.value.get("privileged")
    if privileged is None or privileged is False:
        return context.problem
    found = f"{context.path}.privileged={quoted(privileged)}"
    return f"{container_name(container)} sets {found}; remove it or set it to false"


CHECK = Check(ID, judge, SCOPES)
