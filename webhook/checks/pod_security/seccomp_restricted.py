"""Without seccomp a container may make every system call of the kernel, and unset is without, on most nodes.

Rule: every container has a seccomp profile, its own or the Pod's; none is switched off. Windows Pods have none.
Fields: `securityContext.seccompProfile.type` of the Pod and of `containers[*]`, `initContainers[*]` and
    `ephemeralContainers[*]`; `spec.os.name`.
Allowed: "RuntimeDefault", "Localhost"; absent or null in a container where the Pod has one; anything in a Pod with
    `os.name: windows`.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted ("Seccomp"),
    k8s.io/pod-security-admission/policy/check_seccompProfile_restricted.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod
from webhook.checks.pod_security import seccomp_baseline

ID = "seccomp-restricted"


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each profile that is not allowed, and for each container without one."""
    if pod.is_windows:
        return
    yield from seccomp_baseline.judge(pod)
    if pod.security.get("seccompProfile") is not None:
        return
    for container in pod.containers:
        if container.security.get("seccompProfile") is None:
            left_out = f"{container.title} leaves out {container.security_path}.seccompProfile, as does the Pod"
            yield f"{left_out}; set its type to RuntimeDefault or Localhost"


CHECK = pod_check(ID, judge)
