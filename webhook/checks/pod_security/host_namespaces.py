"""The network, processes and shared memory of the node show what every other Pod on it does.

Rule: the Pod shares no namespace with the node.
Fields: `spec.hostNetwork`, `spec.hostPID`, `spec.hostIPC`.
Allowed: absent, null, false.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("Host Namespaces"),
    k8s.io/pod-security-admission/policy/check_hostNamespaces.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod
from webhook.checks.wording import quoted

ID = "host-namespaces"

_FIELDS = ("hostNetwork", "hostPID", "hostIPC")


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each namespace of the node that the Pod shares."""
    for name in _FIELDS:
        shared = pod.spec.get(name)
        if shared is not None and shared is not False:
            yield f"the Pod sets {pod.at(f'spec.{name}')}={quoted(shared)}; remove it or set it to false"


CHECK = pod_check(ID, judge)
