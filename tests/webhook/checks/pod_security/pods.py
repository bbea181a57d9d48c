"""Pods for the comparison with Kubernetes: every field that a control reads, with every value that matters, and null.

They are what the API server's JSON can be: of the right types, no null in a list of objects, one source a volume. What
is not of that form is in test_malformed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

Values = Mapping[str, list[Any]]

FLAG = [None, False, True]
HOSTS = [None, "", "127.0.0.1", "admin.example", " "]
PROBE = [None, {}, *({call: {"port": 80, "host": host}} for call in ("httpGet", "tcpSocket") for host in HOSTS)]
HOOKS = [None, {}, *({hook: probe} for hook in ("postStart", "preStop") for probe in PROBE)]
PROFILES = [None, {}, *({"type": name} for name in ("", "RuntimeDefault", "Localhost", "Unconfined", "localhost", "x"))]
SE_LINUX_TYPES = [None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t", "spc_t", "x"]
CAPABILITIES = [
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
    *(
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
        "NET_RAW",
        "SYS_ADMIN",
        "ALL",
        "all",
        "CAP_CHOWN",
        "chown",
        "",
        None,
    ),
]
SYSCTLS = [
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports"),
    *("net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout"),
    *("net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time"),
    *("net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_rmem", "net.ipv4.tcp_slow_start_after_idle"),
    *("net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem", "kernel.msgmax", "net.ipv4.ip_forward", "kernel.sem", "", None),
]
VOLUME_TYPES = [
    *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "configMap", "csi", "downwardAPI"),
    *("emptyDir", "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "hostPath"),
    *("image", "iscsi", "nfs", "persistentVolumeClaim", "photonPersistentDisk", "portworxVolume", "projected"),
    *("quobyte", "rbd", "scaleIO", "secret", "storageos", "vsphereVolume"),
]
ANNOTATIONS = [
    {key: value}
    for key in ("container.apparmor.security.beta.kubernetes.io/api", "seccomp.security.alpha.kubernetes.io/pod", "x")
    for value in (None, "", "runtime/default", "localhost/web", "localhost/", "localhost", "unconfined", "Unconfined")
]

SECURITY: Values = {
    "appArmorProfile": PROFILES,
    "runAsNonRoot": FLAG,
    "runAsUser": [None, 0, 1, 1000, -1],
    "seLinuxOptions": [
        None,
        *({"type": name} for name in SE_LINUX_TYPES),
        *({name: value} for name in ("user", "role", "level") for value in (None, "", "x")),
    ],
    "seccompProfile": PROFILES,
    "windowsOptions": [None, {}, *({"hostProcess": flag} for flag in FLAG)],
}
POD_SECURITY: Values = {
    **SECURITY,
    "sysctls": [None, [], *([{"name": name, "value": "1"}] for name in SYSCTLS)],
}
CONTAINER_SECURITY: Values = {
    **SECURITY,
    "allowPrivilegeEscalation": FLAG,
    "capabilities": [
        None,
        {},
        *({field: None} for field in ("add", "drop")),
        *({field: [name]} for field in ("add", "drop") for name in CAPABILITIES),
        {"drop": ["NET_RAW", "ALL"]},
        {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        {"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "CHOWN"]},
    ],
    "privileged": FLAG,
    "procMount": [None, "", "Default", "Unmasked", "default"],
}
CONTAINER: Values = {
    "lifecycle": HOOKS,
    "livenessProbe": PROBE,
    "ports": [None, [], *([{"containerPort": 80, "hostPort": port}] for port in (None, 0, 1, 8080, -1))],
    "readinessProbe": PROBE,
    "startupProbe": PROBE,
}
SPEC: Values = {
    "hostIPC": FLAG,
    "hostNetwork": FLAG,
    "hostPID": FLAG,
    "hostUsers": FLAG,
    "os": [None, {}, *({"name": name} for name in ("linux", "windows", "Windows", ""))],
    "volumes": [None, [], *([{"name": "v", name: {}}] for name in VOLUME_TYPES), [{"name": "v", "emptyDir": {}}]],
}
LISTS = ("containers", "initContainers", "ephemeralContainers")


def with_one_setting() -> Iterator[dict[str, Any]]:
    """Every value of every field, each in a Pod that says nothing else; of containers in each of the lists."""
    for setting in _each(SPEC):
        yield pod(setting)
    for setting in _each(POD_SECURITY):
        yield pod({"securityContext": setting})
    for name in LISTS:
        for setting in _each(CONTAINER):
            yield pod({name: [{"name": "api", **setting}]})
        for setting in _each(CONTAINER_SECURITY):
            yield pod({name: [{"name": "api", "securityContext": setting}]})
    for written in ANNOTATIONS:
        yield pod({}, written)


def pod(spec: Mapping[str, Any], annotations: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write a Pod, with a container if `spec` has none."""
    metadata = {"name": "web", "namespace": "agents", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "api"}], **spec}}


def _each(values: Values) -> Iterator[dict[str, Any]]:
    return ({name: value} for name, choices in values.items() for value in choices)


def _some(values: Values) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(choices) for name, choices in values.items()})


def _with(
    plain: st.SearchStrategy[dict[str, Any]], **more: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(dict.__or__, plain, st.fixed_dictionaries({}, optional=more))


CONTAINERS = st.lists(
    _with(_some(CONTAINER), securityContext=st.none() | _some(CONTAINER_SECURITY)).map(lambda c: {"name": "api", **c}),
    max_size=2,
)
SPECS = _with(
    _some(SPEC),
    securityContext=st.none() | _some(POD_SECURITY),
    **{name: st.none() | CONTAINERS for name in LISTS},
)
PODS = st.builds(pod, SPECS, st.none() | st.sampled_from(ANNOTATIONS))
"""Pods with any mixture of these settings."""
