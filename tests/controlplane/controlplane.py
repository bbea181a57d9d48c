"""A control plane as a context manager, with identities, objects and observations for tests and the demo.

    with ControlPlane() as cluster:
        cluster.admin.ok("get", "namespaces")

It takes about 3 s to start. Whatever happens, nothing that it started outlives it, or the Python process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.controlplane.components import AuditSink, Components
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.metrics import samples
from tests.controlplane.waiting import wait_until


class ControlPlane:
    """etcd, kube-apiserver and kube-controller-manager on free loopback ports."""

    def __init__(
        self,
        *,
        folder: Path | None = None,
        audit_webhook_url: str | None = None,
        audit_webhook_ca_pem: str | None = None,
        audit_webhook_token: str | None = None,
        apiserver_flags: Sequence[str] = (),
    ) -> None:
        """Prepare it; entering the context starts it.

        folder: an empty folder that stays, with all logs; without one a temporary folder is used and removed.
        audit_webhook_url: the audit sink, with its path; kube-apiserver sends events after at most 1 s.
        apiserver_flags: more flags, after ours, so that they win.
        """
        sink = None
        if audit_webhook_url is not None:
            sink = AuditSink(audit_webhook_url, audit_webhook_ca_pem, audit_webhook_token)
        self._components = Components(folder, sink, apiserver_flags)
        self.folder = self._components.folder
        self.admin = self._components.admin
        self.url = self._components.cluster.url
        self.ca_pem = self._components.cluster.ca_pem
        self.version = self._components.programs.version  # such as v1.37.2

    def __enter__(self) -> Self:
        self._components.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._components.stop()

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each server by name; it leads a process group of its own."""
        return {server.name: server.pid for server in self._components.servers}

    def user(self, name: str, *, groups: Sequence[str] = ()) -> Kubectl:
        """Return the person `name`, by client certificate, with no rights but those of `groups`."""
        pair = self._components.authority.client(name, groups=groups)
        return Kubectl(self._components.cluster, _slug(name), pair=pair)

    def service_account(
        self, namespace: str, name: str, *, expiration_s: int = 3600, bound_pod: str | None = None
    ) -> Kubectl:
        """Return a ServiceAccount, made if missing, by a new bound token. It gets no role.

        expiration_s: at least 600, says the API server.
        bound_pod: a Pod of that namespace which runs as this ServiceAccount; the token dies with it.
        """
        self.namespace(namespace)
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self._create(accounts, {"metadata": {"name": name}})
        spec: dict[str, Any] = {"expirationSeconds": expiration_s}
        if bound_pod is not None:
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": bound_pod}
        answer = self._create(f"{accounts}/{name}/token", {"spec": spec})
        token = answer["status"]["token"]
        return Kubectl(self._components.cluster, _slug(f"{namespace}-{name}"), token=token)

    def namespace(self, name: str, *, labels: Mapping[str, str] | None = None) -> None:
        """Create a Namespace if it is missing, and wait until Pods can be created in it."""
        self._create("/api/v1/namespaces", {"metadata": {"name": name, "labels": dict(labels or {})}})
        path = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        wait_until(
            lambda: self.admin.request("GET", path)[0] == 200,
            what=f"namespace {name} has its default ServiceAccount",
        )

    def service(self, namespace: str, name: str, port: int) -> None:
        """Create the Service by which kube-apiserver reaches a webhook on `port` of this machine.

        Say the same port in `clientConfig.service.port`; the webhook's certificate needs the DNS name
        `<name>.<namespace>.svc`. kube-apiserver learns of the Service some milliseconds later.
        """
        self.namespace(namespace)
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
        self._create(f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": name}, "spec": spec})

    def use_authorizer(self, url: str, ca_pem: str, match_conditions: Sequence[str] = ()) -> None:
        """Ask a webhook before RBAC from now on; returns when kube-apiserver does so, well within a second.

        match_conditions: CEL on `request`; only a request for which all hold is sent to the webhook.
        Raises AuthorizationRefusedError when kube-apiserver does not take it.
        """
        self._components.authorization.use_webhook(url, ca_pem, match_conditions)

    def drop_authorizer(self) -> None:
        """Undo `use_authorizer`."""
        self._components.authorization.use_none()

    def audit_events(self) -> list[dict[str, Any]]:
        """Return every event of the audit log so far, oldest first; wait for one with `wait_until`."""
        return self._components.audit_log.events()

    def metrics(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Return kube-apiserver's samples called `name`, each with its labels."""
        return samples(self.admin, name)

    def _create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST an object; one that exists already is as good."""
        status, answer = self.admin.request("POST", path, body)
        if status not in {200, 201, 409}:
            raise AssertionError(f"POST {path}: {status} {answer}")
        created: dict[str, Any] = answer
        return created


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "user"
