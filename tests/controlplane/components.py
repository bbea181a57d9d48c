"""The three servers of a control plane, from their files on disk to their end.

It waits until each can do its work, and says which one could not, with the end of its log.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.controlplane import audit, configuration, servers
from tests.controlplane.authorizer import AuthorizationFile
from tests.controlplane.binaries import binaries
from tests.controlplane.certificates import Authority, signing_key, write_private
from tests.controlplane.kubectl import Cluster, Kubectl
from tests.controlplane.processes import ProcessFailedError, Server
from tests.controlplane.waiting import wait_until

READY_S = 60.0  # about 3 s on an idle machine of two cores; a busy one may take much longer


@dataclass(frozen=True)
class AuditSink:
    """Where kube-apiserver sends its audit events."""

    url: str
    ca_pem: str | None = None
    token: str | None = None


class Components:
    """etcd, kube-apiserver and kube-controller-manager in one folder, with the cluster's authority."""

    def __init__(self, folder: Path | None, sink: AuditSink | None, apiserver_flags: Sequence[str]) -> None:
        self.programs = binaries()
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="kubescrow-controlplane-"))
        self._sink = sink
        self._apiserver_flags = apiserver_flags
        self._ports = servers.Ports(*_free_ports(3))
        self.authority = Authority("kubescrow-test-cluster")
        self.cluster = Cluster(
            self.programs.kubectl,
            self.folder,
            url=f"https://127.0.0.1:{self._ports.apiserver}",
            ca_pem=self.authority.pair.certificate_pem,
            started=[],
        )
        self.admin = Kubectl(self.cluster, "admin", pair=self.authority.client("admin", groups=["system:masters"]))
        self.authorization = AuthorizationFile(self.folder / "authorization.yaml", self.admin)
        self.audit_log = audit.AuditLog(self.folder / "audit.log")
        self.servers: list[Server] = []

    def start(self) -> None:
        """Start everything, and wait until it is ready; nothing is left running if one fails."""
        with ExitStack() as undo:
            undo.callback(self.stop)
            self._write_files()
            self._start_servers()
            undo.pop_all()

    def stop(self) -> None:
        """Kill everything, also every kubectl in the background."""
        for started in self.cluster.started:
            started.kill()
        for server in reversed(self.servers):
            server.stop()
        if self._temporary:
            shutil.rmtree(self.folder)

    def _start_servers(self) -> None:
        programs, folder, ports = self.programs, self.folder, self._ports
        etcd = self._serve("etcd", servers.etcd(programs, folder, ports))
        _await(etcd, lambda: _etcd_ready(ports.etcd))
        command = servers.apiserver(
            programs, folder, ports, audit_webhook=self._sink is not None, extra=self._apiserver_flags
        )
        apiserver = self._serve("kube-apiserver", command)
        _await(apiserver, lambda: self._answers("/readyz"))
        manager = self._serve("kube-controller-manager", servers.controller_manager(programs, folder))
        _await(manager, lambda: self._answers("/api/v1/namespaces/default/serviceaccounts/default"))

    def _serve(self, name: str, command: list[str | Path]) -> Server:
        server = Server(name, command, log=self.folder / f"{name}.log", environment={})
        self.servers.append(server)
        return server

    def _answers(self, path: str) -> bool:
        try:
            status, _ = self.admin.request("GET", path)
        except OSError:  # it does not listen yet
            return False
        return status == 200

    def _write_files(self) -> None:
        folder, authority = self.folder, self.authority
        authority.pair.write(folder, "ca")
        serving = authority.serving("kube-apiserver", names=servers.NAMES, addresses=servers.ADDRESSES)
        serving.write(folder, "apiserver")
        private, public = signing_key()
        write_private(folder / "tokens.key", private)
        (folder / "tokens.pub").write_text(public)
        (folder / "audit-policy.yaml").write_text(yaml.safe_dump(audit.policy()))
        manager = authority.client("system:kube-controller-manager")
        self._write_kubeconfig(
            "controller-manager",
            configuration.kubeconfig(self.cluster.url, ca_pem=self.cluster.ca_pem, pair=manager),
        )
        if self._sink is not None:
            sink = configuration.kubeconfig(self._sink.url, ca_pem=self._sink.ca_pem, token=self._sink.token)
            self._write_kubeconfig("audit", sink)

    def _write_kubeconfig(self, name: str, content: dict[str, object]) -> None:
        write_private(self.folder / f"{name}.kubeconfig", yaml.safe_dump(content))


def _await(server: Server, ready: Callable[[], bool]) -> None:
    def alive_and_ready() -> bool:
        server.check()
        return ready()

    try:
        wait_until(alive_and_ready, what=f"{server.name} is ready", timeout_s=READY_S, poll_s=0.02)
    except AssertionError as err:
        raise ProcessFailedError(f"{err}; its log ends with:\n{server.log_tail()}") from err


def _etcd_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now; all are held until the last is found, so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
