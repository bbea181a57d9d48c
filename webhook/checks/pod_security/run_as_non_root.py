"""Root in a container is root on the node as soon as it gets out, unless the Pod has users of its own.

Rule: every container must run as somebody else than root, by its own setting or the Pod's.
Fields: `securityContext.runAsNonRoot` of the Pod and of `containers[*]`, `initContainers[*]` and
    `ephemeralContainers[*]`; `spec.hostUsers`.
Allowed: true; absent or null in a container where the Pod has true; anything in a Pod with `hostUsers: false`.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted ("Running as Non-root"),
    k8s.io/pod-security-admission/policy/check_runAsNonRoot.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "run-as-non-root"

_FIELD = "runAsNonRoot"


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each setting that allows root, and for each container without any."""
    if pod.has_own_users:
        return
    is_left_out = pod.security.get(_FIELD) is None
    for part in pod.parts:
        found = part.security.get(_FIELD)
        if found is not None:
            if found is not True:
                yield f"{setting(part, _FIELD, found)}; set it to true"
        elif is_left_out and part is not pod:
            yield f"{part.title} leaves out {part.security_path}.{_FIELD}, as does the Pod; set it to true"


CHECK = pod_check(ID, judge)
