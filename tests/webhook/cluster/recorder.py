"""A webhook that denies everything and remembers what it was asked, and a caller who can be anybody.

The denial keeps the cluster as it is, and its message names the webhook that was called.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import itertools
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

import yaml

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.waiting import wait_until
from webhook import tls
from webhook.admission.request import User
from webhook.cluster import names
from webhook.cluster.keys import ROOMS
from webhook.cluster.manifests import Endpoint

SECRET = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
EVERYBODY = "everybody"
"""A group that may do everything, as far as RBAC goes."""


class Recorder:
    """The server side. `endpoint` is what a registration needs to send calls here."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._calls: list[tuple[str, dict[str, Any]]] = []

    def heard(self, path: str, review: dict[str, Any]) -> None:
        self._calls.append((path, review))

    def clear(self) -> None:
        self._calls.clear()

    def reviews(self, part_of_path: str = "") -> list[dict[str, Any]]:
        """Return the `request` of each call so far whose path contains this."""
        return [review for path, review in self._calls if part_of_path in path]


@contextlib.contextmanager
def recording(controlplane: ControlPlane) -> Iterator[Recorder]:
    """Serve as our Service, with our kind of certificate, and let `EVERYBODY` do everything."""
    now = datetime.now(UTC)
    authority = tls.new_authority(now)
    leaf = tls.new_leaf(authority, service=names.SERVICE, namespace="kubescrow", now=now)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    port = server.server_address[1]
    recorder = Recorder(
        Endpoint("kubescrow", names.SERVICE, port, authority.certificate_pem, dict.fromkeys(ROOMS, SECRET))
    )
    _Handler.recorder = recorder
    server.socket = tls.server_context(leaf).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    admin = controlplane.admin
    admin.run("delete", "service", "-n", "kubescrow", names.SERVICE, "--ignore-not-found")
    controlplane.service("kubescrow", names.SERVICE, port)
    admin.run("create", "clusterrolebinding", EVERYBODY, "--clusterrole=cluster-admin", f"--group={EVERYBODY}")
    try:
        yield recorder
    finally:
        kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations,flowschemas"
        admin.run("delete", kinds, "-l", "app.kubernetes.io/managed-by=kubescrow")
        admin.run("delete", "validatingwebhookconfiguration", SENTINEL, "--ignore-not-found")
        admin.run("delete", "clusterrolebinding", EVERYBODY)
        server.shutdown()
        thread.join()
        for connection in _Handler.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        server.server_close()


def write(controlplane: ControlPlane, configuration: dict[str, Any]) -> None:
    """Let a ValidatingWebhookConfiguration stand with these webhooks."""
    name, merge = configuration["metadata"]["name"], {"Content-Type": "application/merge-patch+json"}
    status, found = controlplane.admin.request(
        "PATCH", f"{names.VALIDATING}/{name}", {"webhooks": configuration["webhooks"]}, merge
    )
    if status == 404:
        status, found = controlplane.admin.request("POST", names.VALIDATING, configuration)
    assert status in {200, 201}, found


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # one connection for many calls, as a webhook has it
    recorder: Recorder
    connections: ClassVar[list[socket.socket]] = []

    def setup(self) -> None:
        super().setup()
        self.connections.append(self.connection)

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.recorder.heard(self.path, review["request"])
        response = {"uid": review["request"]["uid"], "allowed": False, "status": {"message": "recorded"}}
        body = json.dumps(
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Anybody:
    """The admin, who impersonates whomever a request is to come from. One connection for all requests."""

    def __init__(self, controlplane: ControlPlane) -> None:
        kubeconfig = controlplane.admin.kubeconfig
        user = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]
        folder = kubeconfig.parent
        certificate = _written(folder / "anybody.certificate", user["client-certificate-data"])
        key = _written(folder / "anybody.key", user["client-key-data"])
        context = ssl.create_default_context(cadata=controlplane.ca_pem)
        context.load_cert_chain(certificate, key)
        self._connection = http.client.HTTPSConnection(urlsplit(controlplane.url).netloc, context=context, timeout=30)
        self._numbers = itertools.count()

    def ask(
        self, user: User, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Send a request as this user. Returns the status and the message, if there is one."""
        data = json.dumps(body).encode() if body is not None else b""
        sent = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(data))),
            ("Impersonate-User", user.username),
            *(("Impersonate-Group", group) for group in user.groups),
            *((f"Impersonate-Extra-{quote(key, safe='')}", v) for key, values in user.extra.items() for v in values),
        ]
        overridden = {key.lower() for key in headers or {}}
        self._connection.putrequest(method, path)
        for key, value in [*(one for one in sent if one[0].lower() not in overridden), *(headers or {}).items()]:
            self._connection.putheader(key, value)
        self._connection.endheaders(data)
        response = self._connection.getresponse()
        text = response.read().decode()
        is_json = response.headers.get_content_type().endswith("json")
        return response.status, json.loads(text).get("message", "") if is_json else text

    def settle(self, recorder: Recorder, controlplane: ControlPlane) -> None:
        """Return when every configuration that was written before is in use.

        The API server learns of configurations in the order in which they were written, so one more is written, and
        asked until it is in use.
        """
        path = f"sentinel/{next(self._numbers)}"
        write(controlplane, _sentinel(recorder.endpoint, path))
        config_map = {"metadata": {"name": "sentinel"}}
        sentinel = User(SENTINEL, groups=(EVERYBODY,))

        def is_asked() -> bool:
            self.ask(sentinel, "POST", "/api/v1/namespaces/default/configmaps?dryRun=All", config_map)
            return bool(recorder.reviews(path))

        wait_until(is_asked, what="the configurations are in use", poll_s=0.005)
        recorder.clear()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


SENTINEL = "sentinel"


def _sentinel(endpoint: Endpoint, path: str) -> dict[str, Any]:
    address = {
        "caBundle": base64.b64encode(endpoint.ca_pem.encode()).decode(),
        "service": {"namespace": "kubescrow", "name": names.SERVICE, "port": endpoint.port, "path": f"/{path}"},
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": SENTINEL},
        "webhooks": [
            {
                "name": "sentinel.kubescrow.dev",
                "clientConfig": address,
                "rules": [
                    {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
                ],
                "matchConditions": [{"name": "sentinel", "expression": f"request.userInfo.username == '{SENTINEL}'"}],
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "failurePolicy": "Fail",
            }
        ],
    }


def _written(path: Path, encoded: str) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(base64.b64decode(encoded))
    return path
