"""User 0 in a container is root on the node as soon as it gets out, unless the Pod has users of its own.

Rule: neither the Pod nor a container asks for user 0.
Fields: `securityContext.runAsUser` of the Pod and of `containers[*]`, `initContainers[*]` and
    `ephemeralContainers[*]`; `spec.hostUsers`.
Allowed: absent, null, any number but 0; anything in a Pod with `hostUsers: false`.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted ("Running as Non-root user"),
    k8s.io/pod-security-admission/policy/check_runAsUser.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "run-as-user"


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each part that asks for root."""
    if pod.has_own_users:
        return
    for part in pod.parts:
        user = part.security.get("runAsUser")
        if user is not None and (user == 0 or type(user) is not int):
            yield f"{setting(part, 'runAsUser', user)}; remove it or use another user"


CHECK = pod_check(ID, judge)
