"""Kubescrow installed on a control plane: definitions, roles, Service, and the webhook as real processes.

    with ControlPlane() as cluster, Installation(cluster) as kubescrow:
        kubescrow.apply(policy_text)

The API server reaches the processes through the same kind of Service as in a cluster, over real TLS; they use
the real ServiceAccount with the real roles of `manifests/`.
"""

from __future__ import annotations

import base64
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.processes import Server
from tests.controlplane.waiting import wait_until
from webhook.policy.compile import compile_set

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = (ROOT / "manifests/crds", ROOT / "manifests/authorization")
NAMESPACE = "kubescrow"
SERVICE = "kubescrow-webhook"


class Installation:
    """One replica of the webhook, in front of a running control plane."""

    def __init__(self, cluster: ControlPlane, *, settings: Mapping[str, str] | None = None) -> None:
        """Prepare it; entering the context installs and starts it. settings: `ESCROW_WEBHOOK_*` without the prefix."""
        self.cluster = cluster
        self.port = _free_port()
        self._settings = dict(settings or {})
        self._server: Server | None = None
        self._starts = 0

    def __enter__(self) -> Self:
        self._install()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        admin = self.cluster.admin
        for configuration in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
            admin.run("delete", configuration, "-l", "app.kubernetes.io/managed-by=kubescrow")

    def start(self, **settings: str) -> None:
        """Start the webhook and wait until it is ready and its guards stand; `settings` beside its own, this time."""
        # A killed replica has not given its Lease back, and the next one would wait 10 s for it.
        self.cluster.admin.ok("delete", "lease", "-n", NAMESPACE, SERVICE, "--ignore-not-found")
        account = self.cluster.service_account(NAMESPACE, SERVICE)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "ESCROW_WEBHOOK_KUBECONFIG": str(account.kubeconfig),
            "ESCROW_WEBHOOK_HOST": "127.0.0.1",
            "ESCROW_WEBHOOK_PORT": str(self.port),
            "ESCROW_WEBHOOK_SERVICE_PORT": str(self.port),
            **{f"ESCROW_WEBHOOK_{name}": value for name, value in {**self._settings, **settings}.items()},
        }
        self._starts += 1
        log = self.cluster.folder / f"webhook-{self.port}-{self._starts}.log"
        self._server = Server("webhook", [sys.executable, "-m", "webhook"], log=log, environment=environment)
        wait_until(self._is_ready, what=f"the webhook is ready, see {log}", timeout_s=60)

    def stop(self) -> None:
        """Kill the webhook, as a crash would."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def restart(self, **settings: str) -> None:
        """Kill it and start it again."""
        self.stop()
        self.start(**settings)

    @property
    def log(self) -> str:
        """Everything that the webhook has logged since its last start."""
        assert self._server is not None, "the webhook does not run"
        return self._server.log.read_text(errors="replace")

    def apply(self, policy: str) -> None:
        """Apply AgentPolicies and wait until the API server enforces them."""
        admin = self.cluster.admin
        admin.apply(policy)
        for document in yaml.safe_load_all(policy):
            name = document["metadata"]["name"]
            admin.ok("wait", "--for=condition=Enforced", f"agentpolicy/{name}", "--timeout=20s")

    def remove(self, *policies: str) -> None:
        """Delete AgentPolicies and wait until the API server has forgotten them."""
        self.cluster.admin.ok("delete", "agentpolicies", *policies)
        revision = self._wanted_revision
        wait_until(lambda: self._configured_revision() == revision(), what="the policies are no longer enforced")

    def approvals(self) -> list[dict[str, Any]]:
        """Every Approval, oldest first."""
        items: list[dict[str, Any]] = self.cluster.admin.json(
            "get", "approvals", "--sort-by=.metadata.creationTimestamp"
        )["items"]
        return items

    def keys(self) -> dict[str, str]:
        """The Secret of the server's keys, base64 as stored."""
        data: dict[str, str] = self.cluster.admin.json("get", "secret", "-n", NAMESPACE, "kubescrow-keys")["data"]
        return data

    def ca_pem(self) -> str:
        """The CA that signed the webhook's certificate."""
        guard = self.cluster.admin.json("get", "validatingwebhookconfiguration", "kubescrow-guards")
        return base64.b64decode(guard["webhooks"][0]["clientConfig"]["caBundle"]).decode()

    def _install(self) -> None:
        admin = self.cluster.admin
        for folder in MANIFESTS:
            admin.ok("apply", "--server-side", "-f", str(folder))
        admin.ok(
            "wait", "--for=condition=Established", "crd/agentpolicies.kubescrow.dev", "crd/approvals.kubescrow.dev"
        )
        self.cluster.service(NAMESPACE, SERVICE, self.port)

    def _is_ready(self) -> bool:
        assert self._server is not None, "the webhook does not run"
        self._server.check()
        return "webhook ready" in self.log

    def _wanted_revision(self) -> str:
        return compile_set(self.cluster.admin.json("get", "agentpolicies")["items"]).revision

    def _configured_revision(self) -> str:
        live = self.cluster.admin.json("get", "validatingwebhookconfiguration", "kubescrow-policies")
        paths = [webhook["clientConfig"]["service"]["path"] for webhook in live.get("webhooks", ())]
        return str(paths[0]).rpartition("/")[2] if paths else self._wanted_revision()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
