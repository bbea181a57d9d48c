"""A port of the node receives what comes to the node, past NetworkPolicies, and can stand in for its own services.

Rule: no container takes a port of the node.
Fields: `ports[*].hostPort` of `containers[*]`, `initContainers[*]` and `ephemeralContainers[*]`.
Allowed: absent, null, 0.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("Host Ports"),
    k8s.io/pod-security-admission/policy/check_hostPorts.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod
from webhook.checks.wording import quoted

ID = "host-ports"


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each port of the node."""
    for container in pod.containers:
        for index, port in enumerate(container.value.get("ports") or ()):
            number = port.get("hostPort")
            if number is not None and (number != 0 or type(number) is not int):
                found = f"{container.path}.ports[{index}].hostPort={quoted(number)}"
                yield f"{container.title} sets {found}; remove it or use a Service"


CHECK = pod_check(ID, judge)
