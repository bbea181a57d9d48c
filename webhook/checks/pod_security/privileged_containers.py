"""Privileged containers have the whole node: devices, kernel and every other Pod's secrets.

Rule: no container is privileged.
Fields: `securityContext.privileged` of `containers[*]`, `initContainers[*]` and `ephemeralContainers[*]`.
Allowed: absent, null, false.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("Privileged Containers"),
    k8s.io/pod-security-admission/policy/check_privileged.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod
from webhook.checks.wording import quoted

ID = "privileged-containers"


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each privileged container."""
    for container in pod.containers:
        privileged = container.security.get("privileged")
        if privileged is not None and privileged is not False:
            found = f"{container.path}.securityContext.privileged={quoted(privileged)}"
            yield f"{container.title} sets {found}; remove it or set it to false"


CHECK = pod_check(ID, judge)
