"""The container runtime masks parts of /proc, because through them a container changes the node's kernel.

Rule: the masks of /proc stay, unless the Pod has users of its own.
Fields: `securityContext.procMount` of `containers[*]`, `initContainers[*]` and `ephemeralContainers[*]`;
    `spec.hostUsers`.
Allowed: absent, null, "Default"; anything in a Pod with `hostUsers: false`.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("/proc Mount Type"),
    k8s.io/pod-security-admission/policy/check_procMount_baseline.go
"""

from collections.abc import Iterable

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod
from webhook.checks.pod_security import proc_mount_restricted

ID = "proc-mount-baseline"


def judge(pod: Pod) -> Iterable[str]:
    """Yield one message for each container without the masks, in a Pod with the users of the node."""
    return () if pod.has_own_users else proc_mount_restricted.judge(pod)


CHECK = pod_check(ID, judge)
