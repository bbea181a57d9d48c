"""A volume that a Pod brings itself can be a disk or a share that nobody gave to its namespace.

Rule: volumes are of the types that live with the Pod or that an administrator provides. A type that Kubernetes adds
    later is not among them.
Fields: `spec.volumes[*]`.
Allowed: configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected, secret; no type at
    all, which is an emptyDir.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted ("Volume Types"),
    k8s.io/pod-security-admission/policy/check_restrictedVolumes.go
"""

from collections.abc import Iterator
from typing import Any

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod
from webhook.checks.wording import quoted

ID = "volume-types"

_ALLOWED = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
)


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each volume of another type."""
    for index, volume in enumerate(pod.spec.get("volumes") or ()):
        for name, source in volume.items():
            if source is not None and name != "name" and name not in _ALLOWED:
                found = (
                    f"volume {quoted(volume.get('name', ''))} sets {pod.at(f'spec.volumes[{index}].{_shown(name)}')}"
                )
                yield f"{found}; use one of {', '.join(_ALLOWED)}"


def _shown(name: Any) -> str:
    """Return a type's name as it is; what is none (only an object that no API server has read) escaped."""
    return name if isinstance(name, str) and name.isascii() and name.isalnum() else quoted(name)


CHECK = pod_check(ID, judge)
