"""`kubescrow approvals` on a real API server, by people with exactly the rights that our roles give."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubescrow.approval.seen import seen
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold
from tests.kubescrow.typed import kubescrow as typed
from tests.kubescrow.typed import start

NS = "commanding"
CREATE = ("create", "-n", NS, "configmap")
TWO = ("create", "-n", NS, "quota")
HOSTILE = "trust me \x1b[2J\u202e"

REWRITES = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: commanding-evil}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [kubescrow.dev], apiVersions: ["*"], operations: [UPDATE], resources: [approvals]}]
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConditions:
  - name: decides
    expression: "has(object.metadata.annotations) && 'kubescrow.dev/decision' in object.metadata.annotations"
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: "Object{metadata: Object.metadata{annotations: {'kubescrow.dev/decision': 'approved'}}}"
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: commanding-evil}
spec: {policyName: commanding-evil}
"""
"""What an agent with much RBAC could leave behind: every decision becomes a yes."""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose creations are held; none of them waits."""
    story = begin(kubescrow, NS)
    story.policy(
        hold("one", operations=["CREATE"], resources=["configmaps"], wait="0s"),
        hold("two", operations=["CREATE"], resources=["resourcequotas"], wait="0s", approvals=2, requireReason=True),
    )
    return story


@pytest.fixture(scope="module")
def viewer(story: Story) -> Kubectl:
    """Somebody who may look."""
    return story.person("viewer", role="kubescrow-viewer")


def said(who: Kubectl, *args: str, stdin: str = "", code: int = 0) -> str:
    """Run `kubescrow approvals ...` as somebody, and return what it printed on both streams."""
    result = typed("approvals", *args, "--kubeconfig", str(who.kubeconfig), stdin=stdin)
    assert result.exit_code == code, (result.exit_code, result.stdout, result.stderr)
    return result.stdout + result.stderr


def read(who: Kubectl, *args: str, code: int = 0) -> list[dict[str, Any]]:
    """Run it with `-o json`, and return each line."""
    return [json.loads(line) for line in said(who, *args, "-o", "json", code=code).splitlines()]


# looking


def test_list_shows_what_waits_and_filters(story: Story, viewer: Kubectl) -> None:
    """By state, namespace and agent; with the rights of a viewer."""
    name = story.asks(*CREATE, "listed")
    row = next(line for line in said(viewer, "list").splitlines() if line.startswith(name))
    assert row.split()[:5] == [name, "Pending", "CREATE", "configmaps", f"{NS}/listed"]
    assert name in said(viewer, "list", "-n", NS, "--requester", f"{NS}/bot")
    assert name not in said(viewer, "list", "-n", "elsewhere")
    assert name not in said(viewer, "list", "--requester", "x,y=z\\")
    assert name not in said(viewer, "list", "--state", "denied")
    assert name in [each["name"] for each in read(viewer, "list", "--all")]


def test_show_has_all_that_is_needed_and_nothing_acts_on_the_terminal(story: Story) -> None:
    """Who, what, until when, the change, the agent's words as such, its history, the commands."""
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "shown", "namespace": NS, "annotations": {"kubescrow.dev/reason": HOSTILE}},
        "data": {"k": HOSTILE},
    }
    earlier = story.asks(*CREATE, "earlier")
    name = story.asks("create", "-f", "-", stdin=yaml.safe_dump(manifest))
    shown = said(story.approver, "show", name)
    assert said(story.approver, "show", f"approval.kubescrow.dev/{name}").startswith(name)
    assert all(char.isprintable() or char == "\n" for char in shown)
    for part in (
        f"  CREATE configmaps {NS}/shown",
        f"  by         system:serviceaccount:{NS}:bot",
        "today ",
        f"  {NS}/one  1 approval needed, 0 given; 1 more from whoever may approve for policy {NS}",
        f"  you are approver@{NS}; you have the right to approve for its policies",
        '  +   k: "trust me \\x1B[2J\\u202E"'.replace("+   k", "+     k"),
        "UNTRUSTED",
        '  "trust me \\u{1b}[2J\\u{202e}"',
        f"CREATE configmaps {NS}/earlier",
        f"  kubescrow approvals approve {name} --seen {seen(story.stored(name)).token}",
    ):
        assert part in shown, (part, shown)
    facts = json.loads(said(story.approver, "show", name, "-o", "json"))
    assert earlier in [each["name"] for each in facts["history"]["approvals"]]


@pytest.mark.parametrize(
    ("who", "args", "line"),
    [
        ("nobody", ("list",), "you may not list approvals.kubescrow.dev: ask for ClusterRole kubescrow-viewer\n"),
        ("approver", ("show", "appr-nope"), 'approvals.kubescrow.dev "appr-nope" not found\n'),
        ("approver", ("show", "appr-x/status?dryRun=All"), "allowed: the name of an approval"),
        ("approver", ("list", "--context", "nope"), "Expected object with name nope in"),
    ],
)
def test_what_is_missing_is_said_in_one_line(story: Story, who: str, args: tuple[str, ...], line: str) -> None:
    """No traceback, and what to ask for."""
    person = story.approver if who == "approver" else story.person("nobody", role="kubescrow-agent")
    answer = said(person, *args, code=2)
    assert line in answer
    assert answer.count("\n") == 1


def test_a_kubeconfig_that_impersonates_is_refused(story: Story, tmp_path: Path) -> None:
    """What our client ignores would make a decision somebody else's than its author thinks."""
    config = yaml.safe_load(story.approver.kubeconfig.read_text())
    config["users"][0]["user"]["as"] = "somebody-else"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    result = typed("approvals", "list", "--kubeconfig", str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "its user impersonates somebody (as), which is not supported; use another context" in result.stderr


def test_an_agent_reads_its_approval_by_name_and_lists_none(story: Story) -> None:
    """ClusterRole kubescrow-agent, and nothing more."""
    name = story.asks(*CREATE, "told")
    cluster = story.cluster
    cluster.admin.ok(
        "create", "clusterrolebinding", "commanding-modest", "--clusterrole=kubescrow-agent",
        f"--serviceaccount={NS}-modest:bot",
    )  # fmt: skip
    modest = cluster.service_account(f"{NS}-modest", "bot")
    assert modest.ok("get", "approval", name, "-o", "jsonpath={.status.state}") == "Pending"
    assert "cannot list" in modest.fails("get", "approvals")
    assert "cannot patch" in modest.fails("annotate", "approval", name, "kubescrow.dev/decision=approved")
    assert "not known: you may not list" in said(modest, "show", name)


# deciding


def test_a_decision_is_recorded_and_read_back(story: Story) -> None:
    """Approve, with a reason; the request passes then."""
    name = story.asks(*CREATE, "wanted")
    answer = said(story.approver, "approve", name, "--reason", "fine by me")
    assert f"{name} recorded: approved by approver@{NS} " in answer
    assert '"fine by me"' in answer
    assert answer.rstrip().endswith("now Approved")
    assert "created" in story.agent.ok(*CREATE, "wanted")


def test_two_people_are_needed_and_both_are_told_what_is_missing(story: Story) -> None:
    """The first learns that it is not enough, the second that it is."""
    name = story.asks(*TWO, "both")
    assert "a reason is required" in said(story.approver, "approve", name, code=1)
    assert "still Pending, 1 more approval needed" in said(story.approver, "approve", name, "--reason", "one")
    again = said(story.approver, "approve", name, "--reason", "two", code=1)
    assert f"approver@{NS} has decided on {name} before" in again
    assert "now Approved" in said(story.person("second"), "approve", name, "--reason", "two")
    (taken_back,) = read(story.approver, "revoke", name, "--reason", "no")
    assert (taken_back["recorded"], taken_back["approval"]["state"]) == ("revoked", "Revoked")
    assert "APPROVAL_DENIED" in story.agent.fails(*TWO, "both")


def test_a_decision_is_about_what_was_seen(story: Story) -> None:
    """Somebody else decided between `show` and `approve`: nothing is recorded."""
    name = story.asks(*TWO, "moved")
    version = seen(story.stored(name)).token
    said(story.person("quick"), "approve", name, "--reason", "first")
    answer = said(story.approver, "approve", name, "--reason", "late", "--seen", version, code=1)
    assert "nothing was recorded: it changed since you saw it" in answer
    assert len(story.decisions(name)) == 1
    now = seen(story.stored(name)).token
    assert "now Approved" in said(story.approver, "approve", name, "--reason", "late", "--seen", now)


def test_what_a_viewer_sends_is_refused_with_the_role_to_ask_for(story: Story, viewer: Kubectl) -> None:
    """Looking is not deciding."""
    name = story.asks(*CREATE, "looked-at")
    answer = said(viewer, "deny", name, code=1)
    assert answer == f"{name}: you may not patch approvals.kubescrow.dev: ask for ClusterRole kubescrow-approver\n"


def test_one_of_several_that_fails_makes_exit_code_1_and_stops_no_other(story: Story) -> None:
    """Each has its own result."""
    good = story.asks(*CREATE, "several")
    first, second = read(story.approver, "deny", "appr-nope", good, code=1)
    assert (first["recorded"], first["problem"]) == (None, 'approvals.kubescrow.dev "appr-nope" not found')
    assert (second["recorded"], second["problem"]) == ("denied", "")


def test_by_label_the_list_comes_first_and_no_is_no(story: Story) -> None:
    """Nothing but a yes decides."""
    names = {story.asks(*CREATE, f"labelled-{number}") for number in range(2)}
    chosen = f"kubescrow.dev/agent={NS}.bot,kubescrow.dev/resource=configmaps,kubescrow.dev/operation=CREATE"
    for answer in ("n\n", ""):
        asked = said(story.approver, "deny", "-l", chosen, stdin=answer, code=1)
        assert all(name in asked for name in names)
        assert "nothing was decided" in asked
    assert {story.state(name) for name in names} == {"Pending"}
    done = said(story.approver, "deny", "-l", chosen, "--reason", "all of it", stdin="y\n")
    assert all(f"{name} recorded: denied by" in done for name in names)
    assert "nothing to decide with labels" in said(story.approver, "deny", "-l", chosen, "--yes", code=1)


@contextmanager
def rewriting(story: Story) -> Iterator[None]:
    """While this lasts, something in the cluster makes every decision a yes."""
    story.cluster.admin.apply(REWRITES)
    name = story.asks(*CREATE, "probe")

    def is_rewritten() -> bool:
        story.approver.run("annotate", "approval", name, "kubescrow.dev/decision=revoked")
        return bool(story.decisions(name))  # a revocation of what is pending is refused: an entry is the rewritten one

    try:
        wait_until(is_rewritten, what="the policy rewrites decisions")
        yield
    finally:
        story.cluster.admin.ok("delete", "-f", "-", stdin=REWRITES)


def test_a_decision_that_something_in_the_cluster_changed_is_an_alarm(story: Story) -> None:
    """A no that a MutatingAdmissionPolicy made a yes: signed, stored, and told at once, with what to do."""
    name = story.asks(*CREATE, "attacked")
    with rewriting(story):
        answer = said(story.approver, "deny", name, "--reason", "never", code=1)
    assert f"ALARM: NOT AS YOU SAID: {name}: you sent denied, but approved was recorded" in answer
    assert f"kubescrow agents lock system:serviceaccount:{NS}:bot" in answer
    revoke = ("approvals", "revoke", name, "--kubeconfig", str(story.approver.kubeconfig))
    wait_until(lambda: typed(*revoke).exit_code == 0, what="the policy is forgotten, so that a no is a no again")


# watching


def test_watch_tells_what_is_open_then_each_change_once(story: Story, viewer: Kubectl) -> None:
    """Until Ctrl-C, which is no error to speak of."""
    name = story.asks(*CREATE, "watched")
    watching = start(
        "approvals", "watch", "--requester", f"{NS}/bot", "-n", NS, "-o", "json", "--kubeconfig", str(viewer.kubeconfig)
    )
    assert watching.stdout is not None
    read_line = watching.stdout.readline

    def next_of(name: str) -> tuple[str, str]:
        while (line := json.loads(read_line()))["name"] != name:
            pass
        return line["event"], line["state"]

    try:
        assert next_of(name) == ("new", "Pending")
        said(story.approver, "approve", name)
        assert next_of(name) == ("changed", "Approved")
        story.agent.ok(*CREATE, "watched")
        assert next_of(name) == ("changed", "Used")
        later = story.asks(*CREATE, "later")
        assert next_of(later) == ("new", "Pending")
    finally:
        watching.send_signal(signal.SIGINT)
        rest, errors = watching.communicate(timeout=20)
    assert (watching.returncode, rest, errors) == (130, "", "")
