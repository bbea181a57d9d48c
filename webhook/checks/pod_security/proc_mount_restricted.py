"""The container runtime masks parts of /proc, because through them a container changes the node's kernel.

Rule: the masks of /proc stay, whatever users the Pod has.
Fields: `securityContext.procMount` of `containers[*]`, `initContainers[*]` and `ephemeralContainers[*]`.
Allowed: absent, null, "Default".
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted,
    k8s.io/pod-security-admission/policy/check_procMount_restricted.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "proc-mount-restricted"

_ALLOWED = (None, "Default")


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each container without the masks."""
    for container in pod.containers:
        found = container.security.get("procMount")
        if found not in _ALLOWED:
            yield f"{setting(container, 'procMount', found)}; remove it or use Default"


CHECK = pod_check(ID, judge)
