"""A capability is a part of root's power; with some of them a container takes the node.

Rule: containers add no capability beyond those that container runtimes give anyway, and not NET_RAW.
Fields: `securityContext.capabilities.add[*]` of `containers[*]`, `initContainers[*]` and `ephemeralContainers[*]`.
Allowed: AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD, NET_BIND_SERVICE, SETFCAP, SETGID, SETPCAP,
    SETUID, SYS_CHROOT; written exactly so, as runtimes read other spellings (CAP_SYS_ADMIN, sys_admin, ALL) too.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("Capabilities"),
    k8s.io/pod-security-admission/policy/check_capabilities_baseline.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "capabilities-baseline"

_ALLOWED = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each capability that is not allowed."""
    for container in pod.containers:
        capabilities = container.security.get("capabilities")
        if capabilities:
            for index, name in enumerate(capabilities.get("add") or ()):
                if name not in _ALLOWED:
                    yield f"{setting(container, f'capabilities.add[{index}]', name)}; remove it"


CHECK = pod_check(ID, judge)
