"""What a container runtime gives by itself (raw access to files of others, changes of identity) is rarely needed.

Rule: containers drop all capabilities, and add at most the one for ports below 1024. Windows Pods have none.
Fields: `securityContext.capabilities.drop[*]` and `.add[*]` of `containers[*]`, `initContainers[*]` and
    `ephemeralContainers[*]`; `spec.os.name`.
Allowed: drop with "ALL", written exactly so; add absent, null, empty, or NET_BIND_SERVICE; anything in a Pod with
    `os.name: windows`.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted ("Capabilities"),
    k8s.io/pod-security-admission/policy/check_capabilities_restricted.go
"""

from collections.abc import Iterator

from webhook.admission.request import Object
from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "capabilities-restricted"

_NONE: Object = {}


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each container that does not drop all, and for each capability that is added."""
    if pod.is_windows:
        return
    for container in pod.containers:
        capabilities = container.security.get("capabilities") or _NONE
        if "ALL" not in (capabilities.get("drop") or ()):
            yield f'{container.title} leaves out "ALL" in {container.security_path}.capabilities.drop; add it'
        for index, name in enumerate(capabilities.get("add") or ()):
            if name != "NET_BIND_SERVICE":
                found = setting(container, f"capabilities.add[{index}]", name)
                yield f"{found}; remove it, only NET_BIND_SERVICE may be added"


CHECK = pod_check(ID, judge)
