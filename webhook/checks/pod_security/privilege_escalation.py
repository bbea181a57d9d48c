"""Where privilege escalation is allowed, a set-user-ID program makes root of whoever starts it.

Rule: no process may get more rights than its parent. Windows Pods do not know this.
Fields: `securityContext.allowPrivilegeEscalation` of `containers[*]`, `initContainers[*]` and
    `ephemeralContainers[*]`; `spec.os.name`.
Allowed: false; anything in a Pod with `os.name: windows`.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted ("Privilege Escalation"),
    k8s.io/pod-security-admission/policy/check_allowPrivilegeEscalation.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "privilege-escalation"

_FIELD = "allowPrivilegeEscalation"


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each container that allows it, or says nothing, which allows it."""
    if pod.is_windows:
        return
    for container in pod.containers:
        found = container.security.get(_FIELD)
        if found is None:
            yield f"{container.title} leaves out {container.security_path}.{_FIELD}; set it to false"
        elif found is not False:
            yield f"{setting(container, _FIELD, found)}; set it to false"


CHECK = pod_check(ID, judge)
