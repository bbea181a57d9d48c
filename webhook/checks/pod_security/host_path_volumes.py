"""A directory of the node in a Pod can hold the kubelet's keys, other Pods' secrets, or the container runtime.

Rule: no volume is a path of the node.
Fields: `spec.volumes[*].hostPath`.
Allowed: absent, null.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("HostPath Volumes"),
    k8s.io/pod-security-admission/policy/check_hostPathVolumes.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod
from webhook.checks.wording import quoted

ID = "host-path-volumes"


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each volume of the node."""
    for index, volume in enumerate(pod.spec.get("volumes") or ()):
        source = volume.get("hostPath")
        if source is not None:
            found = f"{pod.at(f'spec.volumes[{index}].hostPath.path')}={quoted(source.get('path'))}"
            yield f"volume {quoted(volume.get('name', ''))} sets {found}; use a persistentVolumeClaim or an emptyDir"


CHECK = pod_check(ID, judge)
