"""A HostProcess container is a process of the Windows node: what privileged is on Linux.

Rule: neither the Pod nor a container runs as a process of the node.
Fields: `securityContext.windowsOptions.hostProcess` of the Pod and of `containers[*]`, `initContainers[*]` and
    `ephemeralContainers[*]`.
Allowed: absent, null, false.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("HostProcess"),
    k8s.io/pod-security-admission/policy/check_windowsHostProcess.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "host-process"


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each part that runs as a process of the node."""
    for part in pod.parts:
        options = part.security.get("windowsOptions")
        if options:
            found = options.get("hostProcess")
            if found is not None and found is not False:
                yield f"{setting(part, 'windowsOptions.hostProcess', found)}; remove it or set it to false"


CHECK = pod_check(ID, judge)
