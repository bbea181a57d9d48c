"""The whole installation records a story, and people ask the sink for it: by token and role, as from the database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.certificates import Authority
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold
from tests.kubescrow.typed import kubescrow, parsed, printed, refused
from tests.recorder import AuditSink

NAMESPACE = "asking"
BOT = f"system:serviceaccount:{NAMESPACE}:bot"
APPROVER = f"approver@{NAMESPACE}"
RULE = f"{NAMESPACE}/waits"
HOLD_S = 1
"""One call is held this long, so that a decision of some seconds takes several attempts."""


@dataclass(frozen=True)
class Recorded:
    """A sink that holds a finished story, and two who ask it: one with the right, one without."""

    sink: AuditSink
    story: Story
    ca: Path
    session: str
    auditor: Kubectl
    stranger: Kubectl

    def asking(self, asker: Kubectl | None) -> dict[str, Any]:
        """The environment of somebody who asks the server; nobody has no token."""
        return {"environment": {"KUBESCROW_TOKEN": asker.token or ""} if asker else {}}

    @property
    def server(self) -> tuple[str, ...]:
        """Options that name the server."""
        return ("--server", self.sink.server, "--ca", str(self.ca))

    @property
    def database(self) -> tuple[str, ...]:
        """Options that name the database."""
        return ("--database", self.sink.database)

    def steps(self, resource: str) -> list[dict[str, Any]]:
        """The steps of the story's session about one resource, without the reads."""
        shown = parsed("sessions", "show", self.session, *self.database, "-o", "json")
        return [step for step in shown["steps"] if step["target"] == resource and step["verb"] != "get"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Webhook, sink and control plane together, after the story."""
    folder = tmp_path_factory.mktemp("asking-sink")
    with (
        AuditSink(folder) as sink,
        ControlPlane(
            folder=tmp_path_factory.mktemp("asking"),
            audit_webhook_url=sink.url,
            audit_webhook_ca_pem=sink.ca_pem,
            audit_webhook_token=sink.token,
            apiserver_flags=["--audit-webhook-initial-backoff=1s"],  # what comes while the sink is started again
        ) as cluster,
        Installation(cluster, settings={"LONGEST_HOLD_S": str(HOLD_S)}) as installed,
    ):
        sink.restart(KUBECONFIG=str(cluster.service_account("kubescrow", "kubescrow-auditsink").kubeconfig))
        (ca := folder / "ca.crt").write_text(sink.ca_pem)
        story = begin(installed, NAMESPACE)
        tell(story)
        auditor, stranger = (cluster.service_account("people", name) for name in ("auditor", "stranger"))
        cluster.admin.ok(
            "create", "clusterrolebinding", "auditor", "--clusterrole=kubescrow-auditor",
            "--serviceaccount=people:auditor",
        )  # fmt: skip
        yield Recorded(sink, story, ca, whole_session(sink), auditor, stranger)


def tell(story: Story) -> None:
    """One write is held and approved, one held and denied by a person, one held until the end; then a last read."""
    held = {"operations": ["DELETE"], "resources": ["configmaps"]}
    story.policy(
        hold("waits", **held),
        hold("does-not", operations=["CREATE"], resources=["secrets"], wait="0s"),
        {"name": "never", "check": "privileged-containers", "action": "Deny"},
    )
    for name in ("approved", "denied"):
        story.agent.ok("create", "configmap", name, "-n", NAMESPACE)
        deletion = story.agent.start("delete", "configmap", name, "-n", NAMESPACE)
        approval = story.held(deletion)["metadata"]["name"]
        wait_for_attempts(story, approval, 2)
        story.decide(approval, name, "because")
        deletion.wait(30)
        story.reaches(approval, {"approved": "Used", "denied": "Denied"}[name])
    story.agent.fails("create", "secret", "generic", "s", "--from-literal=p=hunter2-canary", "-n", NAMESPACE)
    story.agent.run("get", "configmap", "the-end", "-n", NAMESPACE)


def wait_for_attempts(story: Story, approval: str, least: int) -> None:
    """Return when the API server has answered so many requests with this approval."""

    def answered() -> bool:
        said = [event.get("annotations", {}) for event in story.cluster.audit_events() if event["verb"] == "delete"]
        return sum(1 for annotations in said if approval in annotations.values()) >= least

    wait_until(answered, what=f"{least} attempts answered", poll_s=0.2)


def whole_session(sink: AuditSink) -> str:
    """The agent's session, once its last step is recorded."""

    def found() -> str:
        listed = kubescrow("sessions", "list", "--database", sink.database, "--user", BOT, "-o", "json").stdout
        for session in map(json.loads, listed.splitlines()):
            shown = printed("sessions", "show", session["session"], "--database", sink.database)
            if "GET configmaps asking/the-end" in shown:
                return str(session["session"])
        return ""

    return wait_until(found, what="the whole story is recorded", timeout_s=60, poll_s=0.3)


# what was held


def test_the_attempts_of_an_approved_request_are_one_step(recorded: Recorded) -> None:
    """With its waiting time, the rule, the approval, and who decided; then it passed."""
    (created, step) = recorded.steps(f"configmaps {NAMESPACE}/approved")
    assert (created["outcome"], created["approval"], created["waitedSeconds"]) == ("allowed", None, None)
    assert (step["outcome"], step["verb"], step["code"]) == ("approved", "delete", 200)
    assert (step["rules"], step["decidedBy"]) == ([RULE], [APPROVER])
    approval = recorded.story.stored(step["approval"])
    assert approval["status"]["state"] == "Used"
    assert [attempt["code"] for attempt in step["attempts"]][:-1] == [429] * (len(step["attempts"]) - 1)
    assert len(step["attempts"]) > 1
    assert step["waitedSeconds"] >= HOLD_S


def test_a_request_that_a_person_denied_is_one_step(recorded: Recorded) -> None:
    """The same, and it did not pass."""
    (_, step) = recorded.steps(f"configmaps {NAMESPACE}/denied")
    assert (step["outcome"], step["verb"], step["code"]) == ("denied", "delete", 403)
    assert (step["rules"], step["decidedBy"]) == ([RULE], [APPROVER])
    assert recorded.story.stored(step["approval"])["status"]["state"] == "Denied"
    assert len(step["attempts"]) > 1
    assert step["waitedSeconds"] >= HOLD_S


def test_a_request_that_nobody_decided_on_stays_held(recorded: Recorded) -> None:
    """It was answered 403, with the approval that waits; and its secret is masked."""
    shown = parsed("sessions", "show", recorded.session, *recorded.database, "-o", "json")
    (step,) = (each for each in shown["steps"] if each["target"].startswith("secrets"))
    assert (step["outcome"], step["verb"], step["code"]) == ("held", "create", 403)
    assert (step["rules"], step["decidedBy"]) == ([f"{NAMESPACE}/does-not"], [])
    assert recorded.story.stored(step["approval"])["status"]["state"] == "Pending"
    assert "hunter2" not in json.dumps(shown)


# who asks


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("list", "--user", BOT), id="list"),
        pytest.param(("show", "SESSION"), id="show"),
        pytest.param(("show", "SESSION", "--all"), id="show all"),
        pytest.param(("play", "SESSION", "--speed", "0"), id="play"),
    ],
)
@pytest.mark.parametrize("output", ["text", "json"])
def test_the_server_shows_what_the_database_holds(recorded: Recorded, command: tuple[str, ...], output: str) -> None:
    """To whoever has the right; birth of the token, steps and bodies."""
    typed = ["sessions", *(recorded.session if word == "SESSION" else word for word in command), "-o", output]
    from_server = printed(*typed, *recorded.server, **recorded.asking(recorded.auditor))
    assert from_server == printed(*typed, *recorded.database)
    assert BOT in from_server or command[0] == "play"


def test_a_beginning_of_an_id_is_found_over_the_server_too(recorded: Recorded) -> None:
    """And who asked for the token."""
    asked = recorded.asking(recorded.auditor)
    shown = printed("sessions", "show", recorded.session[:12], *recorded.server, **asked)
    assert re.search(r"^its token was asked for by admin at 20\S+Z$", shown, re.MULTILINE)


def test_whoever_has_no_right_is_told_which(recorded: Recorded) -> None:
    """Their name, and what they would need."""
    told = refused("sessions", "list", *recorded.server, **recorded.asking(recorded.stranger))
    address = f"--server {recorded.sink.server}/api/v1/clusters"
    assert told == f"{address}: 403 system:serviceaccount:people:stranger may not list sessions.kubescrow.dev"


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_whoever_has_no_token_is_told_where_it_goes(recorded: Recorded, token: str) -> None:
    """Also one that the cluster does not know."""
    told = refused("sessions", "list", *recorded.server, "--token", token)
    assert told == (
        f"--server {recorded.sink.server}/api/v1/clusters: 401 a bearer token of the cluster is needed; "
        "see --token and KUBESCROW_TOKEN"
    )


def test_the_token_of_an_api_server_reads_nothing(recorded: Recorded) -> None:
    """It is for sending."""
    assert ": 401 " in refused("sessions", "list", *recorded.server, "--token", recorded.sink.token)


def test_a_certificate_that_nobody_vouches_for_is_refused(recorded: Recorded, tmp_path: Path) -> None:
    """Before the token is sent: neither the system's CAs nor another one signed it."""
    (other := tmp_path / "other.crt").write_text(Authority("another").pair.certificate_pem)
    for ca in ([], ["--ca", str(other)]):
        told = refused("sessions", "list", "--server", recorded.sink.server, *ca, **recorded.asking(recorded.auditor))
        assert told.startswith(f"--server {recorded.sink.server}/api/v1/clusters: no answer: its certificate is not")
        assert told.endswith("--ca names the CA that signed it")


def test_another_address_is_told(recorded: Recorded) -> None:
    """A host that the certificate is not for, a path that is none, the API server itself."""
    port, ca = recorded.sink.port, ("--ca", str(recorded.ca))
    asked = recorded.asking(recorded.auditor)
    assert "certificate is not trusted (" in refused(
        "sessions", "list", "--server", f"https://0.0.0.0:{port}", *ca, **asked
    )
    assert ": 404 Not Found" in refused("sessions", "list", "--server", f"{recorded.sink.server}/x", *ca, **asked)
    (cluster_ca := recorded.ca.with_name("cluster.crt")).write_text(recorded.story.cluster.ca_pem)
    told = refused("sessions", "list", "--server", recorded.story.cluster.url, "--ca", str(cluster_ca), **asked)
    assert re.search(r": 40[34] ", told)


def test_the_token_is_nowhere(recorded: Recorded) -> None:
    """Neither in what was printed, nor in the sink's log or database."""
    token = recorded.auditor.token
    assert token is not None
    asked = recorded.asking(recorded.auditor)
    answers = [kubescrow("sessions", *command, **asked).output for command in (
        ["list", *recorded.server], ["show", recorded.session, *recorded.server], ["list", "--help"],
        ["list", "--server", recorded.sink.server], ["list", "--server", "https://127.0.0.1:1"],
    )]  # fmt: skip
    signature = token.rpartition(".")[2]
    places = [
        *answers,
        recorded.sink.logs,
        *(path.read_bytes().decode("latin-1") for path in recorded.sink.data.iterdir()),
    ]
    assert [place[:200] for place in places if signature in place] == []
    assert all(answers)
