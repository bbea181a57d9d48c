"""`make demo`: an agent is allowed, denied, held until a person approves; then its session is played again.

Starts a control plane, the webhook and the auditsink, and ends them all. Every output is real. Exit code 0 only if
every step showed what it must, and no planted secret was found anywhere.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.leaks import leaks
from demo.teller import NotAsTold, Teller, kubescrow
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.recorder import AuditSink

HERE = Path(__file__).resolve().parent
BOT = "system:serviceaccount:agents:bot"


@dataclass(frozen=True)
class Cast:
    """Who plays: an administrator, the agent, Alice who approves, and an auditor with the database of the sink."""

    admin: Kubectl
    agent: Kubectl
    alice: Kubectl
    auditor: Mapping[str, str]


def main() -> int:
    """Tell the story; return the exit code."""
    planted = {f"horse {secrets.token_hex(8)}": "$PASSWORD", f"staple/{secrets.token_hex(8)}": "$ROOT_PASSWORD"}
    teller = Teller(planted)
    try:
        with tempfile.TemporaryDirectory(prefix="kubescrow-demo-") as folder:
            _play(teller, Path(folder), list(planted))
    except (NotAsTold, AssertionError) as fault:  # the second: a condition that was awaited did not come
        print(f"\nThe demo did not show what it must.\n{fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _play(teller: Teller, folder: Path, planted: list[str]) -> None:
    recorded, ran = folder / "auditsink", folder / "controlplane"
    recorded.mkdir()
    ran.mkdir()
    with AuditSink(recorded, cluster="demo") as sink:
        teller.step("A control plane, whose audit events go to Kubescrow's auditsink")
        with ControlPlane(
            folder=ran,
            audit_webhook_url=sink.url,
            audit_webhook_ca_pem=sink.ca_pem,
            audit_webhook_token=sink.token,
        ) as cluster:
            teller.run("admin", cluster.admin, "version", shows="Server Version: v1")
            teller.step("Kubescrow is installed: definitions, roles, and its webhook")
            with Installation(cluster) as installed:
                cast = _cast(cluster, sink)
                _agent_at_work(teller, cast, planted)
                _held(teller, cast)
                _replayed(teller, cast)
                stored = cast.admin.ok("get", "approvals,events", "-A", "-o", "yaml")
                logs = [("the log of the webhook", installed.log), ("the log of the auditsink", sink.logs)]
                texts = [*logs, ("Approvals and Events", stored), ("what this demo printed", teller.told)]
                _searched(teller, planted, recorded, texts)
                if "--keep" in sys.argv[1:]:
                    _stay(cast, sink)


def _cast(cluster: ControlPlane, sink: AuditSink) -> Cast:
    """The agent has a one-hour token that is bound to its ServiceAccount; Alice is a person."""
    agent = cluster.service_account("agents", "bot", expiration_s=3600)
    cluster.namespace("prod")
    cluster.admin.ok("apply", "-f", str(HERE / "access.yaml"))
    auditor = {"KUBESCROW_DATABASE": sink.database, "COLUMNS": "160"}
    return Cast(cluster.admin, agent, cluster.user("alice@example.com"), auditor)


def _agent_at_work(teller: Teller, cast: Cast, planted: list[str]) -> None:
    admin, agent = cast.admin, cast.agent
    teller.run("admin", admin, "get", "crd", shows="approvals.kubescrow.dev")
    teller.step("A policy: agents may not run privileged containers, and a person decides on namespaces")
    teller.show((HERE / "policy.yaml").read_text())
    teller.run("admin", admin, "apply", "-f", _here("policy.yaml"), shows="created")
    teller.run("admin", admin, "wait", "--for=condition=Enforced", "agentpolicy/production", shows="condition met")

    teller.step("The agent, a plain ServiceAccount with a plain kubectl, creates a Deployment: allowed")
    teller.run("agent", agent, "auth", "whoami", shows=BOT)
    teller.run("agent", agent, "apply", "-n", "prod", "-f", _here("web.yaml"), shows="deployment.apps/web created")

    teller.step("It works with secrets: it creates one, reads it, and types a password into an exec")
    literal = f"--from-literal=password={planted[0]}"
    teller.run("agent", agent, "create", "secret", "generic", "db", "-n", "prod", literal, shows="secret/db created")
    teller.run("agent", agent, "get", "secret", "db", "-n", "prod", "-o", "name", shows="secret/db")
    client = ("mysql", "--user=root", f"--password={planted[1]}")
    teller.eventually("agent", agent, "get", "pods", "-n", "prod", shows="web-")
    teller.run("agent", agent, "exec", "-n", "prod", "deploy/web", "--", *client, exit_code=1, shows="host")
    teller.say("(There is no node here, so nothing runs; the API server was asked all the same.)")

    teller.step("It creates a privileged Pod: denied, with the reason and the remedy")
    teller.run(
        "agent", agent, "apply", "-n", "prod", "-f", _here("privileged.yaml"), exit_code=1,
        shows=r'privileged-containers: container "shell" .*privileged',
    )  # fmt: skip


def _held(teller: Teller, cast: Cast) -> None:
    agent, alice = cast.agent, cast.alice
    teller.step("It deletes namespace prod: held. The unmodified kubectl waits")
    deletion = teller.start("agent", agent, "delete", "namespace", "prod")
    shown = teller.eventually("alice", alice, "get", "approvals", shows=r"appr-[0-9a-f]{16} +Pending")
    name = _found(r"appr-[0-9a-f]{16}(-\d+)?", shown)
    teller.run("alice", alice, "get", "approval", name, "-o", "jsonpath={.spec.change}", shows="prod")
    if not deletion.running:
        raise NotAsTold(f"the held command did not wait:\n{deletion.wait(1)}")

    teller.step("Alice approves this one write with kubectl, and the waiting command goes on")
    teller.run(
        "alice", alice, "annotate", "approval", name,
        "kubescrow.dev/decision=approved", "kubescrow.dev/reason=the move to prod-2 is done",
        shows="annotated",
    )  # fmt: skip
    teller.finish("agent", deletion, shows='namespace "prod" deleted')

    teller.step("The approval is used up, and tells who decided")
    teller.eventually("alice", alice, "get", "approvals", shows=rf"{name} +Used .*alice@example.com")


def _replayed(teller: Teller, cast: Cast) -> None:
    teller.step("The record: one session, who asked for its token, and every step again. Secrets are masked")
    session = wait_until(lambda: _whole_session(cast), what="the whole session is recorded", timeout_s=30, poll_s=0.3)
    teller.kubescrow(
        "auditor", "sessions", "list", "--user", BOT, environment=cast.auditor, shows=f"{session[:12]} .*bot"
    )
    played = teller.kubescrow(
        "auditor", "sessions", "play", session[:12], "--speed", "20", environment=cast.auditor,
        shows=r"approved +DELETE namespaces/prod +waited .*decided by alice@example.com",
    )  # fmt: skip
    for told in (
        "its token was asked for by admin",
        r"allowed +CREATE secrets prod/db",
        r"GET secrets prod/db",
        r"exec prod/web-\S+ +mysql --user=root '?--password=\[masked:",
        r"denied +CREATE pods prod/debug",
    ):
        if not re.search(told, played):
            raise NotAsTold(f"the played session does not show {told!r}")


def _whole_session(cast: Cast) -> str:
    """The id of the agent's session, once its last step is recorded; empty until then."""
    listed = kubescrow(("sessions", "list", "-o", "json"), cast.auditor)
    found = [json.loads(line) for line in listed.stdout.splitlines()]
    mine = [str(session["session"]) for session in found if session["username"] == BOT]
    if not mine:
        return ""
    shown = kubescrow(("sessions", "show", mine[0], "-o", "json"), cast.auditor)
    steps = json.loads(shown.stdout)["steps"] if shown.returncode == 0 else []
    return mine[0] if any(step["outcome"] == "approved" for step in steps) else ""


def _searched(teller: Teller, planted: list[str], recorded: Path, texts: list[tuple[str, str]]) -> None:
    teller.step("No secret is on record: database, write-ahead log, logs, Approvals, and all that was printed here")
    found = leaks(planted, folders=[recorded], texts=texts)
    if found:
        raise NotAsTold(f"planted secrets were found in: {', '.join(found)}")
    files = sum(1 for path in recorded.rglob("*") if path.is_file())
    teller.say(
        f"Searched {files} files, every row with its compressed body unpacked, and {len(texts)} texts "
        "for 2 secrets, plain, quoted, base64 and URL-encoded: none."
    )
    teller.print(
        "\nSeen: allowed, denied, held, approved by a person, used once, replayed, masked. Nothing was simulated."
    )


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, text
    return found[0]


def _here(name: str) -> str:
    path = HERE / name
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _stay(cast: Cast, sink: AuditSink) -> None:
    """Keep everything up until Ctrl-C."""
    print(f"""
It stays up until Ctrl-C. In another terminal (kubectl of this demo: {cast.admin.program}):

   export ADMIN={cast.admin.kubeconfig}
   export AGENT={cast.agent.kubeconfig}
   export ALICE={cast.alice.kubeconfig}
   export KUBESCROW_DATABASE={sink.database}

Things to try:
   kubectl --kubeconfig $AGENT create namespace test
   kubectl --kubeconfig $AGENT delete namespace test            # held; look at it as ALICE: kubectl get approvals
   kubectl --kubeconfig $AGENT annotate approval NAME kubescrow.dev/decision=approved    # an agent cannot approve
   {os.path.relpath(sys.executable)} -m kubescrow sessions list
""", flush=True)  # fmt: skip
    try:
        signal.pause()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one must not stop the cleaning up
        print()


if __name__ == "__main__":
    sys.exit(main())
