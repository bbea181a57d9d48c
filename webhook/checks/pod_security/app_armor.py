"""Without AppArmor a container may do what the node's profile forbids it: mount, trace, write to /proc and /sys.

Rule: AppArmor is not switched off, neither by field nor by the annotation of older Kubernetes.
Fields: `securityContext.appArmorProfile.type` of the Pod and of `containers[*]`, `initContainers[*]` and
    `ephemeralContainers[*]`; `metadata.annotations["container.apparmor.security.beta.kubernetes.io/*"]`.
Allowed: profile absent or null, type "RuntimeDefault", "Localhost"; annotation absent, null, "", "runtime/default",
    "localhost/*".
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("AppArmor"),
    k8s.io/pod-security-admission/policy/check_appArmorProfile.go
"""

from collections.abc import Iterator
from typing import Any

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting
from webhook.checks.wording import quoted

ID = "app-armor"

PREFIX = "container.apparmor.security.beta.kubernetes.io/"

_TYPES = ("RuntimeDefault", "Localhost")
_OFF = "unconfined"


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each profile, and each annotation, that is not allowed."""
    for part in pod.parts:
        profile = part.security.get("appArmorProfile")
        if profile is not None and profile.get("type") not in _TYPES:
            found = setting(part, "appArmorProfile.type", profile.get("type"))
            yield f"{found}; remove it or use RuntimeDefault or Localhost"
    for key, value in (pod.metadata.get("annotations") or {}).items():
        if str(key).startswith(PREFIX) and not _is_allowed(value):
            # Free text, in which anything can lie: only the one value that everybody means is shown.
            shown = f"={quoted(value)}" if value == _OFF else ""
            name = quoted(str(key).removeprefix(PREFIX))[1:-1]
            found = f'{pod.at("metadata.annotations")}["{PREFIX}{name}"]{shown}'
            yield f'the Pod sets {found}; remove it or set it to "runtime/default"'


def _is_allowed(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, str) and (value in ("", "runtime/default") or value.startswith("localhost/"))


CHECK = pod_check(ID, judge)
