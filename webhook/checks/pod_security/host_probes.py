"""Probes and hooks with a host make the kubelet call any address that the node reaches, in the agent's place.

Rule: probes and lifecycle hooks go to the Pod itself.
Fields: `httpGet.host` and `tcpSocket.host` of `livenessProbe`, `readinessProbe`, `startupProbe`, `lifecycle.postStart`
    and `lifecycle.preStop` of `containers[*]`, `initContainers[*]` and `ephemeralContainers[*]`.
Allowed: absent, null, "".
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("Host Probes / Lifecycle Hooks"),
    k8s.io/pod-security-admission/policy/check_hostProbesAndhostLifecycle.go
"""

import ipaddress
from collections.abc import Iterator
from typing import Any

from webhook.admission.request import Object
from webhook.checks.check import pod_check
from webhook.checks.pod import Container, Pod

ID = "host-probes"

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_CALLS = ("httpGet", "tcpSocket")


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each host that a probe or a hook names."""
    for container in pod.containers:
        for name, handler in _handlers(container):
            for call in _CALLS:
                host = (handler.get(call) or {}).get("host")
                if host is not None and host != "":
                    found = f"{container.path}.{name}.{call}.host{_shown(host)}"
                    yield f"{container.title} sets {found}; remove it, the kubelet then asks the Pod itself"


def _handlers(container: Container) -> Iterator[tuple[str, Object]]:
    """Every probe and hook of a container, with its field path below the container."""
    value = container.value
    for name in _PROBES:
        if probe := value.get(name):
            yield name, probe
    if lifecycle := value.get("lifecycle"):
        for name in _HOOKS:
            if hook := lifecycle.get(name):
                yield f"lifecycle.{name}", hook


def _shown(host: Any) -> str:
    """Return the value where it is an address; anything else is free text, in which a password can lie."""
    try:
        return f'="{ipaddress.ip_address(host)}"' if isinstance(host, str) else ""
    except ValueError:
        return ""


CHECK = pod_check(ID, judge)
