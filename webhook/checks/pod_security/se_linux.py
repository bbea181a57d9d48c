"""A SELinux type, user or role of one's own choice can be one that the node does not confine.

Rule: the SELinux type is one made for containers; user and role are not set.
Fields: `seLinuxOptions.type`, `seLinuxOptions.user` and `seLinuxOptions.role` in the `securityContext` of the Pod and
    of `containers[*]`, `initContainers[*]` and `ephemeralContainers[*]`.
Allowed: type absent, null, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t";
    user and role absent, null, "".
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("SELinux"),
    k8s.io/pod-security-admission/policy/check_seLinuxOptions.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "se-linux"

_ALLOWED = {
    "type": (None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"),
    "user": (None, ""),
    "role": (None, ""),
}


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each option that is not allowed."""
    for part in pod.parts:
        options = part.security.get("seLinuxOptions")
        if options:
            for name, allowed in _ALLOWED.items():
                if options.get(name) not in allowed:
                    found = setting(part, f"seLinuxOptions.{name}", options[name])
                    instead = " or use container_t" if name == "type" else ""
                    yield f"{found}; remove it{instead}"


CHECK = pod_check(ID, judge)
