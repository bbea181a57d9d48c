"""The command lines of etcd, kube-apiserver and kube-controller-manager. Pure; starts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.binaries import Binaries

ISSUER = "https://kubernetes.default.svc"
SERVICE_RANGE = "10.96.0.0/16"
# What the serving certificate is for: the loopback address, and the Service `kubernetes` with its address.
NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
ADDRESSES = ("127.0.0.1", "10.96.0.1")


@dataclass(frozen=True)
class Ports:
    """Loopback ports, all free a moment ago."""

    apiserver: int
    etcd: int
    etcd_peer: int


def etcd(programs: Binaries, folder: Path, ports: Ports) -> list[str | Path]:
    """Return etcd's command: one member, without waiting for the disk."""
    client = f"http://127.0.0.1:{ports.etcd}"
    peer = f"http://127.0.0.1:{ports.etcd_peer}"
    return [
        programs.etcd,
        f"--data-dir={folder / 'etcd'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--heartbeat-interval=10",  # ms; alone, the member elects itself the sooner the shorter these are
        "--election-timeout=100",
    ]


def apiserver(
    programs: Binaries, folder: Path, ports: Ports, *, audit_webhook: bool, extra: Sequence[str]
) -> list[str | Path]:
    """Return kube-apiserver's command; `extra` comes last, and so wins."""
    webhook = [
        f"--audit-webhook-config-file={folder / 'audit.kubeconfig'}",
        "--audit-webhook-batch-max-wait=1s",
    ]
    return [
        programs.kube_apiserver,
        f"--etcd-servers=http://127.0.0.1:{ports.etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",  # nobody in the cluster asks for the Service `kubernetes`
        f"--secure-port={ports.apiserver}",
        f"--tls-cert-file={folder / 'apiserver.crt'}",
        f"--tls-private-key-file={folder / 'apiserver.key'}",
        f"--client-ca-file={folder / 'ca.crt'}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-signing-key-file={folder / 'tokens.key'}",
        f"--service-account-key-file={folder / 'tokens.pub'}",
        f"--authorization-config={folder / 'authorization.yaml'}",
        "--allow-privileged=true",  # so that it is the policy which refuses a privileged Pod
        f"--audit-policy-file={folder / 'audit-policy.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--audit-log-maxsize=0",  # one file, never rotated
        *(webhook if audit_webhook else []),
        *extra,
    ]


def controller_manager(programs: Binaries, folder: Path) -> list[str | Path]:
    """Return kube-controller-manager's command: every controller, each under its own ServiceAccount."""
    return [
        programs.kube_controller_manager,
        f"--kubeconfig={folder / 'controller-manager.kubeconfig'}",
        "--secure-port=0",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={folder / 'tokens.key'}",
        f"--root-ca-file={folder / 'ca.crt'}",
        f"--cluster-signing-cert-file={folder / 'ca.crt'}",
        f"--cluster-signing-key-file={folder / 'ca.key'}",
        "--kube-api-qps=500",  # the default of 20 makes the deletion of a Namespace slow
        "--kube-api-burst=1000",
    ]
