"""Without seccomp a container may make every system call of the kernel, also those with the latest holes.

Rule: seccomp is not switched off.
Fields: `securityContext.seccompProfile.type` of the Pod and of `containers[*]`, `initContainers[*]` and
    `ephemeralContainers[*]`. Annotations are not judged: Kubernetes has not read them since 1.27.
Allowed: profile absent or null; type "RuntimeDefault", "Localhost".
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("Seccomp"),
    k8s.io/pod-security-admission/policy/check_seccompProfile_baseline.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "seccomp-baseline"

TYPES = ("RuntimeDefault", "Localhost")


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each profile that is not allowed."""
    for part in pod.parts:
        profile = part.security.get("seccompProfile")
        if profile is not None and profile.get("type") not in TYPES:
            yield f"{setting(part, 'seccompProfile.type', profile.get('type'))}; use RuntimeDefault or Localhost"


CHECK = pod_check(ID, judge)
