"""Sends a request that a test has as a value to a real API server, as an agent, over one kept connection.

What must stand there first (the old object, the Pod behind `pods/exec`) is made by an admin and removed afterwards. The
agent's own request is a server-side dry run wherever Kubernetes has one, so that nothing of it stays.

Not here: what the answer should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tests.controlplane.connection import Connection
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.waiting import wait_until
from tests.integration.before import Object, carried
from webhook.admission.request import Operation, Request

METHODS = {Operation.CREATE: "POST", Operation.UPDATE: "PUT", Operation.DELETE: "DELETE", Operation.CONNECT: "POST"}
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
TRIES = 10
GONE_AT_ONCE = "gracePeriodSeconds=0&propagationPolicy=Background"

_POD_SPEC = {"containers": [{"name": "api", "image": "registry.example/api:1"}]}
_TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": _POD_SPEC}
PARENTS: Mapping[str, Object] = {
    "deployments": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": _TEMPLATE},
    },
    "namespaces": {"apiVersion": "v1", "kind": "Namespace"},
    "nodes": {"apiVersion": "v1", "kind": "Node"},
    "pods": {"apiVersion": "v1", "kind": "Pod", "spec": _POD_SPEC},
    "serviceaccounts": {"apiVersion": "v1", "kind": "ServiceAccount"},
    "services": {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}},
    "statefulsets": {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "spec": {
            "replicas": 0,
            "serviceName": "web",
            "selector": {"matchLabels": {"app": "web"}},
            "template": _TEMPLATE,
        },
    },
}
"""What a subresource belongs to, by resource, where the request does not say it."""


@dataclass(frozen=True)
class Sent:
    """One request and the API server's answer."""

    method: str
    path: str
    status: int
    answer: Any

    @property
    def message(self) -> str:
        """What kubectl would print of a refusal."""
        return str(self.answer.get("message", "")) if isinstance(self.answer, dict) else str(self.answer)

    def findings(self, rule_path: str) -> list[str]:
        """Return what one rule (`policy/rule`) found."""
        details = (self.answer.get("details") or {}) if isinstance(self.answer, dict) else {}
        return [cause["message"] for cause in details.get("causes", ()) if cause.get("field") == rule_path]


class Sender:
    """An admin's and an agent's connection to the same API server."""

    def __init__(self, cluster: ControlPlane, admin: Connection, agent: Connection) -> None:
        """Take both connections; whoever opened them closes them."""
        self._cluster = cluster
        self._admin = admin
        self._agent = agent
        self._namespaces: set[str] = set()

    def send(self, request: Request) -> Sent:
        """Have the agent send it; AssertionError if what it needs cannot be made."""
        if request.lies_in and request.lies_in not in self._namespaces:
            self._cluster.namespace(request.lies_in)
            self._namespaces.add(request.lies_in)
        with self._standing(request) as made:
            live = made
            for _ in range(TRIES):
                sent = self._sent(request, live)
                if sent.status != 409 or request.operation is not Operation.UPDATE:
                    break
                live = self._admin.request("GET", sent.path)[1]  # a controller has written it meanwhile
            return sent

    def _sent(self, request: Request, live: Object) -> Sent:
        method, path, body = _call(request, live)
        return Sent(method, path.partition("?")[0], *self._agent.request(method, path, body))

    @contextmanager
    def _standing(self, request: Request) -> Iterator[Object]:
        """Make what must stand there; give the live form of what is updated, empty where nothing is."""
        needed = _needed(request)
        if needed is None:
            yield {}
            return
        path = f"{_collection(request)}/{request.object_name}"
        is_new, live = self._make(request, needed)
        try:
            if request.old_object is not None and request.old_object.get("kind") != needed["kind"]:
                status, live = self._admin.request("GET", f"{path}/{request.subresource}")
                assert status == 200, live
            yield live
        finally:
            if is_new:
                self._remove(path)

    def _make(self, request: Request, needed: Object) -> tuple[bool, Object]:
        path = f"{_collection(request)}/{request.object_name}"
        status, live = self._admin.request("POST", _collection(request), needed)
        if status == 409:  # it stands there by itself, like a default ServiceAccount
            return False, self._admin.request("GET", path)[1]
        assert status == 201, f"an admin cannot make what this case needs: {live}"
        if "status" in needed:
            patch = {"status": needed["status"]}
            status, live = self._admin.request("PATCH", f"{path}/status", patch, MERGE_PATCH)
            assert status == 200, live
        return True, live

    def _remove(self, path: str) -> None:
        self._admin.request("PATCH", path, {"metadata": {"finalizers": None}}, MERGE_PATCH)
        self._admin.request("DELETE", f"{path}?{GONE_AT_ONCE}")
        wait_until(lambda: self._admin.request("GET", path)[0] == 404, what=f"{path} is gone", poll_s=0.01)


def _needed(request: Request) -> Object | None:
    """What an admin makes first: the old object, or what the subresource belongs to."""
    old = dict(request.old_object or {})
    parent = PARENTS.get(request.resource.resource)
    if old and (not request.subresource or parent is None or old.get("kind") == parent["kind"]):
        return old
    if not request.subresource or parent is None:
        return None
    needed = {**deepcopy(parent), "metadata": {"name": request.object_name}}
    if request.subresource == "scale" and "replicas" in (old.get("spec") or {}):
        needed["spec"]["replicas"] = old["spec"]["replicas"]
    return needed


def _call(request: Request, live: Object) -> tuple[str, str, Any]:
    """Method, path with its query, and body."""
    path, method = _collection(request), METHODS[request.operation]
    has_name = request.operation is not Operation.CREATE or request.subresource
    path += f"/{request.name}" if has_name and request.name else ""
    path += f"/{request.subresource}" if request.subresource else ""
    if request.operation is Operation.CONNECT:
        return method, _with_options(path, request.object or {}), None
    if request.operation is Operation.DELETE:
        options = {"apiVersion": "v1", "kind": "DeleteOptions", **(request.options or {}), "dryRun": ["All"]}
        return method, path, options
    body: Any = request.object
    if request.operation is Operation.UPDATE:
        body = carried(live, request.old_object, request.object)
    return method, f"{path}?dryRun=All", body


def _collection(request: Request) -> str:
    resource = request.resource
    root = f"/apis/{resource.group}" if resource.group else "/api"
    place = f"/namespaces/{request.lies_in}" if request.lies_in else ""
    return f"{root}/{resource.version}{place}/{resource.resource}"


def _with_options(path: str, options: Mapping[str, Any]) -> str:
    """Write the options of a CONNECT into the URL, as kubectl does: `command=ls&command=-l`; a proxy's before."""
    path += quote(str(options.get("path", "")))
    named = {name: value for name, value in options.items() if name not in {"apiVersion", "kind", "path"}}
    query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in named.items()}
    return f"{path}?{urlencode(query, doseq=True)}" if query else path
