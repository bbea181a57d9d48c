"""While Kubescrow is down agents are stopped, and nobody else; when it is back everything is as it was."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold

NAMESPACE = "outage"
DOWN = "failed calling webhook"
BROKEN = """
apiVersion: kubescrow.dev/v1alpha1
kind: AgentPolicy
metadata: {name: outage-broken}
spec:
  subjects: [{serviceAccount: {namespace: outage-late, name: bot}}]
  rules: [{name: typo, action: Deny, condition: "object.spec.replica >"}]
"""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent that asks before it deletes a ConfigMap."""
    story = begin(kubescrow, NAMESPACE)
    story.policy(hold(operations=["DELETE"], resources=["configmaps"], wait="0s"))
    return story


@pytest.fixture(scope="module")
def other(story: Story) -> Kubectl:
    """A ServiceAccount that no policy names, with rights in the agents' namespace."""
    other = story.cluster.service_account("outage-other", "controller")
    account = "--serviceaccount=outage-other:controller"
    story.cluster.admin.ok("create", "clusterrolebinding", "outage-other", "--clusterrole=edit", account)
    wait_until(lambda: "yes" in other.run("auth", "can-i", "create", "pods").stdout, what="it has its role")
    return other


@pytest.fixture(scope="class")
def down(story: Story) -> Iterator[Story]:
    """The story while the webhook does not run."""
    story.kubescrow.stop()
    yield story
    story.kubescrow.restart()


def make(by: Kubectl, name: str) -> tuple[str, ...]:
    """The command that makes a ConfigMap, run by somebody who must succeed."""
    by.ok("create", "configmap", name, "-n", NAMESPACE)
    return ("delete", "configmap", name, "-n", NAMESPACE)


class TestWhileItIsDown:
    """The webhook does not run."""

    def test_an_agents_held_write_is_refused(self, down: Story) -> None:
        """Fail closed: what would be held does not pass unheld."""
        deletion = make(down.cluster.admin, "kept")
        assert DOWN in down.agent.fails(*deletion)

    def test_what_an_agent_reads_does_not_show_where_decisions_are_signed(self, down: Story) -> None:
        """The API server's own error shows the address that it called; the guards have another one."""
        refusal = down.agent.fails(*make(down.cluster.admin, "curious"))
        guards = base64.b64decode(down.kubescrow.keys()["guards-path"]).decode()
        assert "/policies/" in refusal
        assert guards not in refusal

    def test_an_agent_cannot_use_the_outage_against_kubescrow(self, down: Story) -> None:
        """What stands for every agent stands also while nobody can say so."""
        for command in (
            "delete agentpolicy outage",
            "delete crd approvals.kubescrow.dev",
            "delete namespace kubescrow",
        ):
            assert DOWN in down.agent.fails(*command.split())

    def test_people_and_controllers_work_on(self, down: Story, other: Kubectl) -> None:
        """Those whom no policy names do not depend on us, also in the agents' namespace."""
        for who in (down.cluster.admin, other):
            assert "deleted" in who.ok(*make(who, "theirs"))

    def test_a_person_can_still_mend_policies(self, down: Story) -> None:
        """The guard of policies fails open for people: a broken installation must be mendable."""
        down.cluster.admin.ok("label", "agentpolicy", NAMESPACE, "mended=yes", "--overwrite")


def test_nobody_decides_without_a_guard(story: Story) -> None:
    """A decision needs somebody who checks and signs it; the question stands, and is answered afterwards."""
    deletion = make(story.cluster.admin, "asked-before")
    name = story.asks(*deletion)
    story.kubescrow.stop()
    try:
        refusal = story.approver.fails("annotate", "approval", name, "kubescrow.dev/decision=approved")
        assert DOWN in refusal
        assert DOWN in story.agent.fails(*deletion)
    finally:
        story.kubescrow.restart()
    assert story.asks(*deletion) == name
    story.approve(name)
    assert "deleted" in story.agent.ok(*deletion)


def test_an_approval_outlives_a_crash(story: Story) -> None:
    """Nothing is kept in memory: approved before, used after."""
    deletion = make(story.cluster.admin, "approved-before")
    name = story.asks(*deletion)
    story.decide(name)
    story.kubescrow.restart()
    assert "deleted" in story.agent.ok(*deletion)
    story.reaches(name, "Used")


@pytest.fixture
def latecomer(story: Story) -> Iterator[Kubectl]:
    """An agent whose only policy came while we were down, and does not compile."""
    late, admin = story.cluster.service_account("outage-late", "bot"), story.cluster.admin
    account = "--serviceaccount=outage-late:bot"
    admin.ok("create", "rolebinding", "late", "--clusterrole=edit", "-n", "outage-late", account)
    story.kubescrow.stop()
    admin.apply(BROKEN)
    late.ok("create", "configmap", "unguarded", "-n", "outage-late")
    story.kubescrow.restart()
    yield late
    story.kubescrow.remove("outage-broken")


def test_a_broken_policy_that_came_in_meanwhile_denies_its_subjects_and_says_so(
    story: Story, latecomer: Kubectl
) -> None:
    """Nobody could refuse it; so it stops those whom it names, and nobody else, until it is mended."""
    admin = story.cluster.admin
    admin.ok("wait", "--for=condition=Compiled=false", "agentpolicy/outage-broken", "--timeout=20s")
    assert admin.ok("get", "ap", "outage-broken", "--no-headers").split()[3:5] == ["False", "False"]
    refusal = latecomer.fails("create", "configmap", "late", "-n", "outage-late")
    assert "outage-broken/typo: this policy is broken, so everything is denied; ask its owner to mend" in refusal
    assert "spec.rules[0].condition" in refusal
    make(story.agent, "by-another-agent")


@pytest.mark.parametrize("name", ["kubescrow-guards", "kubescrow-policies"])
def test_a_configuration_that_somebody_changes_is_healed(story: Story, name: str) -> None:
    """Edited or deleted, it stands again within 5 s, exactly as before."""
    admin, kind = story.cluster.admin, "validatingwebhookconfiguration"
    before = admin.json("get", kind, name)["webhooks"]

    def stands() -> bool:
        read = admin.run("get", kind, name, "-o", "json").stdout
        return bool(read) and json.loads(read)["webhooks"] == before

    open_it = '[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]'
    for vandal in (("patch", kind, name, "--type=json", "-p", open_it), ("delete", kind, name)):
        admin.ok(*vandal)
        wait_until(stands, what=f"{name} is healed", timeout_s=5)
