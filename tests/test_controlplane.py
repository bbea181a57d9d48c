"""The control plane keeps its promises: a real one in every way that the tests lean on, and gone afterwards."""

from __future__ import annotations

import base64
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.controlplane.authorizer import AuthorizationRefusedError
from tests.controlplane.binaries import BinariesError, binaries
from tests.controlplane.certificates import Authority
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.processes import ProcessFailedError
from tests.controlplane.waiting import wait_until

OUTLIVED = """
import time
from tests.controlplane.certificates import Authority
from tests.controlplane.controlplane import ControlPlane
with ControlPlane() as cluster:
    print(*cluster.pids.values(), cluster.folder, flush=True)
    time.sleep(600)
"""
WEBHOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: test}}
webhooks:
- name: test.kubescrow.dev
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {{service: {{namespace: hooks, name: hook, port: {port}, path: /here}}, caBundle: {ca}}}
  matchConditions: [{{name: one, expression: request.namespace == 'hooked'}}]
  rules: [{{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [configmaps]}}]
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: worker, namespace: bound}
spec: {serviceAccountName: bot, containers: [{name: c, image: example.invalid/c}]}
"""


def alive(pid: int) -> bool:
    """Whether a process with this id runs; one that is dead but not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class Listener(ThreadingHTTPServer):
    """An HTTPS server that keeps the path and body of each request, and answers 500."""

    def __init__(self, authority: Authority, folder: Path, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Refuse)
        self.received: list[tuple[str, str]] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.serving(name, names=[name]).write(folder, name))
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @contextmanager
    def listening(self) -> Iterator[None]:
        with self:
            thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield
            finally:
                self.shutdown()
                thread.join()


class Refuse(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body.decode()))
        self.send_error(500, "refused by the test")

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def test_client_and_server_tell_the_pinned_version(controlplane: ControlPlane) -> None:
    """kubectl and kube-apiserver tell their version, not v0.0.0."""
    answer = controlplane.admin.json("version")

    assert answer["clientVersion"]["gitVersion"] == controlplane.version
    assert answer["serverVersion"]["gitVersion"] == controlplane.version


def test_a_user_without_rights_is_refused(controlplane: ControlPlane) -> None:
    """RBAC is in force for people with client certificates."""
    jane = controlplane.user("jane", groups=["readers"])

    assert 'User "jane" cannot list resource "pods"' in jane.fails("get", "pods")


def test_rbac_grants_by_the_group_of_the_certificate(controlplane: ControlPlane) -> None:
    """A group in the client certificate is a group for RBAC."""
    controlplane.admin.ok("create", "clusterrolebinding", "look", "--clusterrole=view", "--group=lookers")
    jane = controlplane.user("jane", groups=["lookers"])

    wait_until(lambda: jane.run("get", "pods").returncode == 0, what="the new role binding counts")


def test_a_service_account_token_is_bound(controlplane: ControlPlane) -> None:
    """The token of a ServiceAccount carries the credential id that only bound tokens have."""
    who = controlplane.service_account("agents", "bot").json("auth", "whoami")["status"]["userInfo"]

    assert who["username"] == "system:serviceaccount:agents:bot"
    assert who["extra"]["authentication.kubernetes.io/credential-id"][0].startswith("JTI=")


def test_a_token_can_be_bound_to_a_pod(controlplane: ControlPlane) -> None:
    """The token of a Pod names it."""
    controlplane.service_account("bound", "bot")
    controlplane.admin.apply(POD)

    bot = controlplane.service_account("bound", "bot", bound_pod="worker")

    extra = bot.json("auth", "whoami")["status"]["userInfo"]["extra"]
    assert extra["authentication.kubernetes.io/pod-name"] == ["worker"]


def test_the_audit_log_tells_begin_and_end_of_a_request(controlplane: ControlPlane) -> None:
    """Both stages of a write are in the audit log, the end with the bodies."""
    controlplane.admin.ok("create", "configmap", "audited", "--from-literal=a=b")

    def stages() -> dict[str, dict[str, object]]:
        events = controlplane.audit_events()
        return {e["stage"]: e for e in events if "/configmaps" in e["requestURI"] and e["verb"] == "create"}

    ended = wait_until(lambda: stages().get("ResponseComplete"), what="the request has its end in the log")
    assert ended is not None
    assert "RequestReceived" in stages()
    assert ended["requestObject"]["data"] == {"a": "b"}  # type: ignore[index]


def test_a_deleted_namespace_goes_away(controlplane: ControlPlane) -> None:
    """kube-controller-manager empties and removes a Namespace, while a kubectl in the background waits."""
    controlplane.namespace("short-lived")
    controlplane.admin.ok("create", "configmap", "inside", "-n", "short-lived")

    deletion = controlplane.admin.start("delete", "namespace", "short-lived")

    assert deletion.wait(timeout_s=60).returncode == 0
    assert "not found" in controlplane.admin.fails("get", "namespace", "short-lived")


def test_a_raw_request_has_the_same_identity(controlplane: ControlPlane) -> None:
    """A raw request is sent as the same user as kubectl's, and a refusal arrives parsed."""
    status, body = controlplane.service_account("plain", "raw").request("GET", "/api/v1/namespaces/x/secrets")

    assert status == 403
    assert 'User "system:serviceaccount:plain:raw" cannot list' in body["message"]


def test_kube_apiserver_asks_an_authorizer_put_before_rbac(controlplane: ControlPlane) -> None:
    """A webhook authorizer that cannot be reached stops exactly whom its conditions name."""
    rights = ["create", "clusterrolebinding", "wary", "--clusterrole=view", "--group=wary", "--group=others"]
    controlplane.admin.ok(*rights)
    wary, other = (controlplane.user(name, groups=[name]) for name in ("wary", "others"))
    wait_until(lambda: wary.run("get", "pods").returncode == 0, what="the new role binding counts")

    controlplane.use_authorizer("https://127.0.0.1:1/", controlplane.ca_pem, ["'wary' in request.groups"])
    try:
        wary.fails("get", "pods")
        other.ok("get", "pods")
    finally:
        controlplane.drop_authorizer()

    wary.ok("get", "pods")


def test_a_refused_authorizer_is_reported(controlplane: ControlPlane) -> None:
    """A condition that does not compile is told with kube-apiserver's own reason."""
    with pytest.raises(AuthorizationRefusedError, match="Syntax error"):
        controlplane.use_authorizer("https://127.0.0.1:1/", controlplane.ca_pem, ["nonsense +"])
    controlplane.drop_authorizer()


def test_a_webhook_on_this_machine_is_reached_through_a_service(controlplane: ControlPlane, tmp_path: Path) -> None:
    """A webhook configuration that names a Service reaches our port, at the right path and by TLS."""
    authority = Authority("hook")
    hook = Listener(authority, tmp_path, "hook.hooks.svc")
    ca = base64.b64encode(authority.pair.certificate_pem.encode()).decode()
    controlplane.service("hooks", "hook", hook.server_port)
    controlplane.namespace("hooked")
    controlplane.admin.apply(WEBHOOK.format(port=hook.server_port, ca=ca))
    with hook.listening():
        create = ("create", "configmap", "x", "-n", "hooked", "--dry-run=server")
        wait_until(lambda: controlplane.admin.run(*create).returncode, what="the webhook refuses")
    controlplane.admin.ok("delete", "validatingwebhookconfiguration", "test")

    assert hook.received[0][0].startswith("/here?timeout=")
    assert '"kind":"AdmissionReview"' in hook.received[0][1]


def test_the_audit_webhook_receives_events(tmp_path: Path) -> None:
    """kube-apiserver posts its audit events to the sink, by TLS, at most a second later."""
    authority = Authority("sink")
    sink = Listener(authority, tmp_path, "localhost")
    url, ca_pem = f"https://localhost:{sink.server_port}/audit", authority.pair.certificate_pem
    with sink.listening(), ControlPlane(audit_webhook_url=url, audit_webhook_ca_pem=ca_pem):
        path, body = wait_until(lambda: sink.received, what="a batch arrives")[0]

    assert path == "/audit?timeout=30s"
    assert '"kind":"EventList"' in body


def test_nothing_survives_the_context() -> None:
    """After the context the processes, the kubectl in the background, and the folder are gone."""
    with ControlPlane() as second:
        watcher = second.admin.start("get", "namespaces", "--watch")
        pids = list(second.pids.values())
        assert all(map(alive, pids))

    assert not any(map(alive, pids))
    assert not watcher.running
    assert not second.folder.exists()


def test_nothing_survives_a_killed_python(tmp_path: Path) -> None:
    """A Python process that is killed outright takes its control plane along."""
    root = Path(__file__).parent.parent
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", OUTLIVED], cwd=root, env=environment, stdout=subprocess.PIPE, text=True
    ) as python:
        assert python.stdout is not None
        pids = [int(pid) for pid in python.stdout.readline().split()[:-1]]
        assert len(pids) == 3
        python.send_signal(signal.SIGKILL)

    wait_until(lambda: not any(map(alive, pids)), what="the servers are gone")


def test_a_failed_start_names_the_server_and_shows_its_log() -> None:
    """A flag that kube-apiserver does not know is in the error, and etcd does not stay behind."""
    broken = ControlPlane(apiserver_flags=["--no-such-flag"])

    with pytest.raises(ProcessFailedError, match=r"(?s)kube-apiserver ended.*no-such-flag"), broken:
        pass

    assert broken.pids
    assert not any(map(alive, broken.pids.values()))


def test_an_incomplete_assets_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBEBUILDER_ASSETS without a program: the error tells folder and program."""
    (tmp_path / "kube-apiserver").touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    with pytest.raises(BinariesError, match=f"KUBEBUILDER_ASSETS={tmp_path} holds no etcd"):
        binaries()


def test_a_complete_assets_folder_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBEBUILDER_ASSETS is taken as it is, with the version that its kube-apiserver tells."""
    built = binaries()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(built.kubectl.parent))

    assert binaries() == built
