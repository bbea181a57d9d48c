"""Sysctls change the kernel, and those that are not of the Pod alone change it for the whole node.

Rule: the Pod sets only sysctls that touch nobody else.
Fields: `spec.securityContext.sysctls[*].name`.
Allowed: kernel.shm_rmid_forced, net.ipv4.ip_local_port_range, net.ipv4.ip_local_reserved_ports,
    net.ipv4.ip_unprivileged_port_start, net.ipv4.ping_group_range, net.ipv4.tcp_fin_timeout,
    net.ipv4.tcp_keepalive_intvl, net.ipv4.tcp_keepalive_probes, net.ipv4.tcp_keepalive_time,
    net.ipv4.tcp_notsent_lowat, net.ipv4.tcp_rmem, net.ipv4.tcp_slow_start_after_idle, net.ipv4.tcp_syncookies,
    net.ipv4.tcp_wmem; written with dots.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline ("Sysctls"),
    k8s.io/pod-security-admission/policy/check_sysctls.go
"""

from collections.abc import Iterator

from webhook.checks.check import pod_check
from webhook.checks.pod import Pod, setting

ID = "sysctls"

_ALLOWED = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
)


def judge(pod: Pod) -> Iterator[str]:
    """Yield one message for each sysctl that is not allowed."""
    for index, sysctl in enumerate(pod.security.get("sysctls") or ()):
        name = sysctl.get("name")
        if name not in _ALLOWED:
            yield f"{setting(pod, f'sysctls[{index}].name', name)}; remove it"


CHECK = pod_check(ID, judge)
