"""A real API server sends its audit events: sessions, births, secrets, and who may look."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from auditsink.store.queries import Event, Session
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import MANIFESTS
from tests.recorder import AuditSink

NAMESPACE = "recording"
POD = """{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s", "namespace": "recording"},
  "spec": {"serviceAccountName": "bot", "containers": [{"name": "c", "image": "busybox"}]}}"""


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditSink]:
    """A running auditsink."""
    with AuditSink(tmp_path_factory.mktemp("recording-sink")) as running:
        yield running


@pytest.fixture(scope="module")
def controlplane(sink: AuditSink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that sends to it, with an agent that may do everything in its namespace."""
    folder = tmp_path_factory.mktemp("recording")
    with ControlPlane(
        folder=folder, audit_webhook_url=sink.url, audit_webhook_ca_pem=sink.ca_pem, audit_webhook_token=sink.token
    ) as running:
        running.service_account(NAMESPACE, "bot")
        running.admin.ok("create", "rolebinding", "bot", "-n", NAMESPACE, "--clusterrole=admin",
                         f"--serviceaccount={NAMESPACE}:bot")  # fmt: skip
        yield running


def sessions(sink: AuditSink, username: str) -> list[Session]:
    """The sessions of a user."""
    queries = sink.queries()
    try:
        return queries.sessions(sink.cluster, username=username, limit=1000)
    finally:
        queries.close()


def events(sink: AuditSink, session: Session) -> list[Event]:
    """All events of a session."""
    queries = sink.queries()
    try:
        return list(queries.events_of(sink.cluster, session.session))
    finally:
        queries.close()


def bot(name: str = "bot") -> str:
    """The agent's name for Kubernetes."""
    return f"system:serviceaccount:{NAMESPACE}:{name}"


def settled(sink: AuditSink, controlplane: ControlPlane) -> None:
    """Wait until every event of the audit log has arrived."""

    def stored() -> set[tuple[str, str]]:
        queries = sink.queries()
        try:
            return {
                (each.audit_id, each.stage)
                for session in queries.sessions(sink.cluster, limit=1000)
                for each in queries.events_of(sink.cluster, session.session)
            }
        finally:
            queries.close()

    wanted = {(each["auditID"], each["stage"]) for each in controlplane.audit_events()}
    wait_until(lambda: not wanted - stored(), what="every logged event is stored", timeout_s=60, poll_s=0.5)


def test_everything_in_the_audit_log_is_in_the_database(sink: AuditSink, controlplane: ControlPlane) -> None:
    """The same events, by both ways out of the API server; none of them odd."""
    settled(sink, controlplane)
    queries = sink.queries()
    assert queries.clusters() == [sink.cluster]
    queries.close()
    assert '"level": "warning"' not in sink.logs


def test_two_pods_of_one_service_account_are_two_sessions(sink: AuditSink, controlplane: ControlPlane) -> None:
    """And a token that belongs to no Pod is a third."""
    controlplane.service_account(NAMESPACE, "twin")
    agents = {}
    for name in ("left", "right"):
        controlplane.admin.ok("create", "-f", "-", stdin=(POD % name).replace('"bot"', '"twin"'))
        agents[name] = controlplane.service_account(NAMESPACE, "twin", bound_pod=name)
    agents["none"] = controlplane.service_account(NAMESPACE, "twin")
    for name, agent in agents.items():
        agent.run("get", "configmap", f"seen-by-{name}", "-n", NAMESPACE)
    found = wait_until(
        lambda: (three := sessions(sink, bot("twin")))[2:] and three, what="three sessions of one ServiceAccount"
    )
    names = {each.pod: {e.name for e in events(sink, each)} & {f"seen-by-{name}" for name in agents} for each in found}
    assert names == {
        f"{NAMESPACE}/left": {"seen-by-left"},
        f"{NAMESPACE}/right": {"seen-by-right"},
        "": {"seen-by-none"},
    }
    assert {each.kind for each in found} == {"pod", "credential"}


def test_the_birth_of_a_token_is_found(sink: AuditSink, controlplane: ControlPlane) -> None:
    """Who asked for it, when, and without the token itself."""
    child = controlplane.service_account(NAMESPACE, "child")
    child.run("get", "pods", "-n", NAMESPACE)
    (session,) = wait_until(lambda: sessions(sink, bot("child")), what="the child's session")
    queries = sink.queries()
    born = queries.birth(sink.cluster, session.key)
    queries.close()
    assert born is not None
    assert (born.username, born.resource, born.subresource, born.name) == ("admin", "serviceaccounts", "token", "child")
    assert child.token is not None
    assert child.token.split(".")[2] not in json.dumps(born.event)


CANARY = "hunter2/Canary+{}"


def secret_traffic(agent: Kubectl) -> list[str]:
    """Let the agent handle a secret in each way there is; return the secrets."""
    planted = [CANARY.format(number) for number in range(9)]
    encoded = [base64.b64encode(each.encode()).decode() for each in planted[:5]]  # those of Secrets
    where = ("-n", NAMESPACE)
    agent.ok("create", "secret", "generic", "s", f"--from-literal=password={planted[0]}", *where)
    agent.ok("get", "secret", "s", "-o", "yaml", *where)
    agent.ok("get", "secrets", "-o", "yaml", *where)
    agent.ok("patch", "secret", "s", *where, "--type=merge", "-p", json.dumps({"stringData": {"a": planted[1]}}))
    agent.ok("patch", "secret", "s", *where, "--type=strategic", "-p", json.dumps({"data": {"b": encoded[2]}}))
    operations = [{"op": "add", "path": "/data/c", "value": encoded[3]}]
    agent.ok("patch", "secret", "s", *where, "--type=json", "-p", json.dumps(operations))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t"}, "stringData": {"p": planted[4]}}
    agent.ok("apply", "-f", "-", *where, stdin=json.dumps(secret))
    agent.ok("apply", "--server-side", "--force-conflicts", "-f", "-", *where, stdin=json.dumps(secret))
    pod = json.loads(POD % "worker")
    pod["spec"]["containers"][0] |= {
        "env": [{"name": "DB_PASSWORD", "value": planted[5]}],
        "command": ["mysql", f"--password={planted[6]}"],
    }
    agent.ok("create", "-f", "-", stdin=json.dumps(pod))
    agent.run("exec", "worker", *where, "--", "mysql", f"--password={planted[7]}", "-u", "root")
    agent.run("exec", "worker", *where, "--", "sh", "-c", f"PGPASSWORD={planted[8]} psql -h db")
    status, answer = agent.request("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/bot/token", {"spec": {}})
    assert status == 201, answer
    return [*planted, *encoded, answer["status"]["token"]]


def forms(secret: str) -> set[str]:
    """A secret as it is, URL-encoded, and in base64 wherever it begins in three bytes."""
    text = {secret, quote(secret, safe=""), quote(secret)}
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + secret.encode()).decode().rstrip("=")
        text.add(whole[4 if shift else 0 : -2])
    return text


def test_no_planted_secret_is_in_files_logs_or_answers(sink: AuditSink, controlplane: ControlPlane) -> None:
    """Plain, base64, URL-encoded; bodies unpacked."""
    planted = secret_traffic(controlplane.service_account(NAMESPACE, "bot"))
    settled(sink, controlplane)
    sent = (controlplane.folder / "audit.log").read_text()
    assert [each for each in planted if not any(form in sent for form in forms(each))] == []
    places = {path.name: path.read_bytes() for path in sink.data.iterdir()} | {"log": sink.logs.encode()}
    queries = sink.queries()
    bodies = [event for each in queries.sessions(sink.cluster, limit=1000) for event in events(sink, each)]
    queries.close()
    places["bodies"] = "\n".join(json.dumps(each.event, ensure_ascii=False) + repr(each) for each in bodies).encode()
    found = [
        (name, secret[:12]) for secret in planted for form in forms(secret) for name, text in places.items()
        if form.encode() in text
    ]  # fmt: skip
    assert found == []
    assert b"auditsink.db-wal" in b" ".join(name.encode() for name in places)
    assert places["bodies"].count(b"[masked:") > 20


def test_events_that_came_while_the_sink_was_dead_come_by_retry(sink: AuditSink, controlplane: ControlPlane) -> None:
    """Killed, and started again: the API server brings what was not acknowledged."""
    agent = controlplane.service_account(NAMESPACE, "patient")
    agent.run("get", "configmap", "before", "-n", NAMESPACE)
    settled(sink, controlplane)
    sink.kill()
    for number in range(5):
        agent.run("get", "configmap", f"while-{number}", "-n", NAMESPACE)
    sink.start()
    settled(sink, controlplane)
    (session,) = sessions(sink, bot("patient"))
    ends = [each.name for each in events(sink, session) if each.stage == "ResponseComplete" and each.verb == "get"]
    assert [name for name in ends if name] == ["before", *(f"while-{number}" for number in range(5))]


def test_kubernetes_says_who_may_look(sink: AuditSink, controlplane: ControlPlane, tmp_path: Path) -> None:
    """By token and role: 401, 403, 200; and the same rows as in the database."""
    admin = controlplane.admin
    controlplane.namespace("kubescrow")
    admin.ok("apply", "-f", str(MANIFESTS[1] / "sink.yaml"))
    sink.restart(KUBECONFIG=str(controlplane.service_account("kubescrow", "kubescrow-auditsink").kubeconfig))
    auditor, stranger = (controlplane.service_account(NAMESPACE, name) for name in ("auditor", "stranger"))
    account = f"--serviceaccount={NAMESPACE}:auditor"
    admin.ok("create", "clusterrolebinding", "auditor", "--clusterrole=kubescrow-auditor", account)

    def get(path: str, token: str | None) -> tuple[int, str]:
        status, body, _ = sink.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        return status, body.decode()

    clusters = "/api/v1/clusters"
    assert get(clusters, None)[0] == 401
    assert get(clusters, "nonsense")[0] == 401
    assert get(clusters, sink.token)[0] == 401
    assert get(clusters, stranger.token) == (
        403,
        f'{{"error":"{bot("stranger")} may not list sessions.kubescrow.dev"}}',
    )
    assert get(clusters, auditor.token) == (200, '{"items":["test"],"next":null}')
    assert get("/metrics", auditor.token)[0] == 403
    page = json.loads(get(f"{clusters}/test/sessions?limit=1000", auditor.token)[1])["items"]
    session = next(each for each in page if each["username"] == bot())
    shown = json.loads(get(f"{clusters}/test/sessions/{session['session']}/events?limit=5", auditor.token)[1])
    assert len(shown["items"]) == 5
    assert shown["next"]
