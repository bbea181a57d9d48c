"""`kubescrow agents` on a real API server: agents are made, get tokens, and are stopped at once."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold
from tests.kubescrow.typed import kubescrow as typed

NS = "locking"
CREATE = ("create", "-n", NS, "configmap")
LOCKED = "this agent is locked; stop, do not try again, and tell the person you work for; locked by"


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose ConfigMaps are held: created without waiting, deleted while its kubectl waits."""
    story = begin(kubescrow, NS)
    story.policy(
        hold("create", operations=["CREATE"], resources=["configmaps"], wait="0s"),
        hold("delete", operations=["DELETE"], resources=["secrets"], wait="60s"),
    )
    return story


def said(who: Kubectl, *args: str, code: int = 0) -> str:
    """Run `kubescrow agents ...` as somebody, and return what it printed on both streams."""
    result = typed("agents", *args, "--kubeconfig", str(who.kubeconfig))
    assert result.exit_code == code, (result.exit_code, result.stdout, result.stderr)
    return result.stdout + result.stderr


def lock(story: Story, *args: str) -> dict[str, Any]:
    """Lock as an administrator; what the command says to programs."""
    answer: dict[str, Any] = json.loads(said(story.cluster.admin, "lock", *args, "-o", "json"))
    return answer


def locks(story: Story) -> list[str]:
    """The names of all locks."""
    items = story.cluster.admin.json("get", "agentpolicies", "-l", "kubescrow.dev/lock=true")["items"]
    return [item["metadata"]["name"] for item in items]


def unlocked(story: Story, *args: str) -> str:
    """Unlock as an administrator, and wait until the API server has forgotten the lock."""
    answer = said(story.cluster.admin, "unlock", *args)
    wait_until(lambda: LOCKED not in str(story.agent.run(*CREATE, "probe", "--dry-run=server")), what="it is unlocked")
    return answer


# the kill switch


def test_an_approved_approval_lets_nothing_pass_once_the_agent_is_locked(story: Story) -> None:
    """The very next request is refused, without a wait for anything but the command itself; later it may pass."""
    name = story.asks(*CREATE, "approved")
    story.approve(name)
    done = lock(story, f"{NS}/bot", "--reason", "it went mad")
    assert (done["enforced"] is None, done["wasLocked"]) == (False, False)
    assert done["openApprovals"] >= 1
    assert f"{done['policy']}/locked: {LOCKED} admin: it went mad" in story.agent.fails(*CREATE, "approved")
    assert story.state(name) == "Approved"
    answer = unlocked(story, f"{NS}/bot")
    assert f"unlocked: ServiceAccount {NS}/bot\n" in answer
    assert "What was approved before may pass again" in answer
    assert "created" in story.agent.ok(*CREATE, "approved")


def test_a_call_that_waits_is_refused_when_its_agent_is_locked_and_somebody_approves(story: Story) -> None:
    """The approval comes too late: the rules of that moment count."""
    story.agent.ok("create", "secret", "generic", "kept", "-n", NS)
    waiting = story.agent.start("delete", "secret", "kept", "-n", NS)
    name = story.held(waiting)["metadata"]["name"]
    lock(story, "bot", "-n", NS)
    story.decide(name)
    ended = waiting.wait(30)
    assert ended.returncode == 1
    assert LOCKED in ended.stderr
    assert story.cluster.admin.ok("get", "secret", "kept", "-n", NS)
    unlocked(story, "bot", "-n", NS)


def test_a_call_that_waits_is_refused_when_its_agent_is_locked_and_nobody_decides(story: Story) -> None:
    """At its next attempt, within the seconds that one call is held."""
    story.agent.ok("create", "secret", "generic", "other", "-n", NS)
    waiting = story.agent.start("delete", "secret", "other", "-n", NS)
    story.held(waiting)
    lock(story, "bot", "-n", NS)
    ended = waiting.wait(30)
    assert (ended.returncode, LOCKED in ended.stderr) == (1, True)
    unlocked(story, "bot", "-n", NS)


def test_a_lock_stops_everything_of_this_agent_and_nothing_of_others(story: Story) -> None:
    """Also dry runs, tokens and exec; the account beside it goes on."""
    neighbour = story.cluster.service_account(NS, "neighbour")
    story.cluster.admin.ok("create", "rolebinding", "neighbour", "-n", NS, "--clusterrole=edit",
                           f"--serviceaccount={NS}:neighbour")  # fmt: skip
    lock(story, f"system:serviceaccount:{NS}:bot")
    for args in (
        ("create", "secret", "generic", "x", "-n", NS),
        ("create", "secret", "generic", "x", "-n", NS, "--dry-run=server"),
        ("create", "token", "bot", "-n", NS),
        ("create", "namespace", "somewhere"),
        ("label", "namespace", NS, "a=b"),
    ):
        assert LOCKED in story.agent.fails(*args), args
    assert "created" in neighbour.ok("create", "secret", "generic", "mine", "-n", NS)
    unlocked(story, f"{NS}/bot")


WEAKENS = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: locking-evil}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [kubescrow.dev], apiVersions: ["*"], operations: [CREATE], resources: [agentpolicies]}]
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: >-
        [JSONPatch{op: "add", path: "/spec/excludeSubjects", value: [{"user": "evil-agent"}]}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: locking-evil}
spec: {policyName: locking-evil}
"""
"""What an agent with much RBAC could leave behind: no new policy is about it."""


def test_a_lock_that_something_in_the_cluster_weakens_is_an_alarm(story: Story) -> None:
    """Nobody is told that an agent is locked while the lock excludes it."""
    admin = story.cluster.admin
    answers: list[str] = []

    def exit_code() -> int:
        result = typed("agents", "lock", "--user", "evil-agent", "--kubeconfig", str(admin.kubeconfig))
        answers.append(result.stdout + result.stderr)
        said(admin, "unlock", "--user", "evil-agent")
        return result.exit_code

    admin.apply(WEAKENS)
    try:
        wait_until(lambda: exit_code() == 1, what="the policy weakens locks")
        answer = answers[-1]
    finally:
        admin.ok("delete", "-f", "-", stdin=WEAKENS)
        wait_until(lambda: exit_code() == 0, what="the policy is forgotten")
    assert "ALARM: NOT LOCKED: AgentPolicy lock-evil-agent-" in answer
    assert "was stored with another spec.excludeSubjects than was sent" in answer


def test_an_identity_that_no_policy_names_is_locked_too(story: Story) -> None:
    """A user, and a group: neither was ever governed."""
    cluster = story.cluster
    stranger = story.person("stranger", role="edit")
    member = story.person("member", role="edit", groups=["locking-bots"])
    everything = ("create", "secret", "generic", "--dry-run=server", "-n", NS)
    lock(story, "--user", f"stranger@{NS}")
    lock(story, "--group", "locking-bots")
    for person in (stranger, member):
        assert LOCKED in person.fails(*everything, "x")
    said(cluster.admin, "unlock", "--user", f"stranger@{NS}")
    said(cluster.admin, "unlock", "--group", "locking-bots")
    wait_until(lambda: stranger.run(*everything, "x").returncode == 0, what="the stranger is unlocked")


def test_lock_and_unlock_may_be_repeated(story: Story) -> None:
    """The second lock says that there was one, keeps its reason, and mends what somebody made of it."""
    first = lock(story, f"{NS}/bot", "--reason", "first words")
    story.cluster.admin.ok(
        "patch", "agentpolicy", first["policy"], "--type=merge", "-p", '{"spec": {"mode": "Observe"}}'
    )
    second = lock(story, f"{NS}/bot")
    assert (second["wasLocked"], second["policy"]) == (True, first["policy"])
    assert second["enforced"] is not None
    assert "first words" in story.agent.fails(*CREATE, "x")
    assert lock(story, f"{NS}/bot", "--reason", "other words")["wasLocked"]
    assert "other words" in story.agent.fails(*CREATE, "x")
    assert locks(story) == [first["policy"]]
    unlocked(story, f"{NS}/bot")
    assert said(story.cluster.admin, "unlock", f"{NS}/bot") == f"was not locked: ServiceAccount {NS}/bot\n"
    assert locks(story) == []


def test_a_lock_that_nobody_enforces_is_told_as_such(story: Story) -> None:
    """Without the webhook nobody registers the policy: exit code 1, and no green word."""
    story.kubescrow.stop()
    try:
        answer = said(story.cluster.admin, "lock", "--user", "nobody-yet", "--timeout", "1s", code=1)
    finally:
        story.kubescrow.start()
    assert "NOT ENFORCED after" in answer
    assert "LOCKED" not in answer
    said(story.cluster.admin, "unlock", "--user", "nobody-yet")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("lock", "--user", "admin"), 2, "user admin is you (admin): you could not unlock it any more"),
        (("lock", "--group", "system:masters"), 2, "is you"),
        (("lock", "--group", "system:nodes"), 2, "the cluster itself works by what begins with system:"),
        (("lock", "kube-system/default"), 2, "the cluster or Kubescrow itself works by it"),
        (("lock", "bot"), 2, "of which namespace?"),
        (("lock", "--user", "x*"), 2, "one exact name"),
        (("lock", f"{NS}/bot", "--reason", "x" * 201), 2, "--reason: 201 characters; allowed: 200"),
        (("token", f"{NS}/nobody"), 2, 'serviceaccounts "nobody" not found'),
        (("token", f"{NS}/bot", "--duration", "25h"), 2, "--duration 25h: allowed: 10m to 24h"),
        (("create", "kubescrow/bot"), 2, "allowed: a namespace of agents"),
        (("create", "nowhere/bot"), 2, 'namespaces "nowhere" not found'),
    ],
)
def test_what_is_not_done_is_told_in_one_line(story: Story, args: tuple[str, ...], code: int, words: str) -> None:
    """And nothing is written."""
    before = locks(story)
    answer = said(story.cluster.admin, *args, code=code)
    assert words in answer
    assert answer.count("\n") == 1
    assert locks(story) == before


def test_an_approver_who_may_not_write_policies_is_told_so(story: Story) -> None:
    """The kill switch is a right of its own."""
    assert "you may not create agentpolicies.kubescrow.dev" in said(story.approver, "lock", f"{NS}/bot", code=2)


# making agents


def test_a_made_agent_has_a_working_token_and_few_rights(story: Story, tmp_path: Path) -> None:
    """The kubeconfig works as it is, for its owner only, and is governed."""
    admin = story.cluster.admin
    made = said(admin, "create", "made", "-n", NS)
    assert "ServiceAccount made in locking: created" in made
    assert f"governed by {NS}" in made
    assert "created" not in said(admin, "create", f"{NS}/made")
    file = tmp_path / "kubeconfig"
    said(admin, "token", "made", "-n", NS, "--duration", "15m", "--to", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "--force" in said(admin, "token", "made", "-n", NS, "--to", str(file), code=2)

    def may(*args: str) -> str:
        return admin.run("auth", "can-i", *args, "--kubeconfig", str(file), "-n", NS).stdout.strip()

    assert [may("list", "pods"), may("get", "pods/log"), may("get", "approvals.kubescrow.dev")] == ["yes"] * 3
    refused = [("get", "secrets"), ("create", "pods"), ("create", "pods/exec"), ("list", "approvals.kubescrow.dev")]
    assert [may(*each) for each in refused] == ["no"] * len(refused)
    printed = typed("agents", "token", f"{NS}/made", "--kubeconfig", str(admin.kubeconfig)).stdout
    assert yaml.safe_load(printed)["current-context"] == f"{NS}-made"
    assert file.read_text().count("token:") == 1


def test_an_agent_that_no_policy_names_is_told_as_not_governed(story: Story) -> None:
    """With the line that mends it; and a Role of ours that somebody widened is told too."""
    admin = story.cluster.admin
    story.cluster.namespace("locking-else")
    answer = said(admin, "create", "free", "-n", "locking-else")
    assert "NOT GOVERNED: no AgentPolicy names it" in answer
    assert "serviceAccount: {namespace: locking-else, name: free}" in answer
    wider = '{"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}'
    role = "kubescrow-agent:locking-else:free"
    admin.ok("patch", "role", role, "-n", "locking-else", "--type=merge", "-p", wider)
    assert f"Role {role} in locking-else exists and gives other rights" in said(
        admin, "create", "free", "-n", "locking-else", code=1
    )


def test_whoever_is_governed_by_nothing_but_the_lock_is_told_as_not_governed_after_it(story: Story) -> None:
    """To unlock such an agent is to let it do all that RBAC lets it do."""
    lock(story, "locking-else/unknown")
    assert "NOT GOVERNED" in said(story.cluster.admin, "unlock", "locking-else/unknown")


def test_the_list_has_every_agent_and_its_lock(story: Story) -> None:
    """ServiceAccounts by what policies say, with what they asked for."""
    lock(story, f"{NS}/bot")
    lines = said(story.cluster.admin, "list", "-o", "json").splitlines()
    agents = {each["agent"]: each for each in map(json.loads, lines)}
    bot = agents[f"ServiceAccount {NS}/bot"]
    assert (bot["lock"], NS in bot["policies"], bot["lastAsked"] is None) == ("locked", True, False)
    assert agents[f"ServiceAccount {NS}/default"]["lock"] == "no"
    rows = said(story.person("viewer", role="kubescrow-viewer"), "list")
    assert "you may not list serviceaccounts" in rows
    assert f"ServiceAccount {NS}/*" in rows
    unlocked(story, f"{NS}/bot")
