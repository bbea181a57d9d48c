"""While Kubescrow is down agents are stopped, and nobody else; when it is back everything is as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold

NAMESPACE = "outage"
DOWN = "failed calling webhook"
BROKEN = f"""
apiVersion: kubescrow.dev/v1alpha1
kind: AgentPolicy
metadata: {{name: outage-broken}}
spec:
  subjects: [{{serviceAccount: {{namespace: {NAMESPACE}, name: latecomer}}}}]
  rules: [{{name: typo, action: Deny, condition: "object.spec.replica >"}}]
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


@pytest.fixture
def down(story: Story) -> Iterator[Story]:
    """The story while the webhook does not run."""
    story.kubescrow.stop()
    yield story
    story.kubescrow.restart()


def make(by: Kubectl, name: str) -> tuple[str, ...]:
    """The command that makes a ConfigMap, run by somebody who must succeed."""
    by.ok("create", "configmap", name, "-n", NAMESPACE)
    return ("delete", "configmap", name, "-n", NAMESPACE)


def test_an_agents_held_write_is_refused(down: Story) -> None:
    """Fail closed: what would be held does not pass unheld."""
    deletion = make(down.cluster.admin, "kept")
    assert DOWN in down.agent.fails(*deletion)


def test_an_agent_cannot_use_the_outage_against_kubescrow(down: Story) -> None:
    """What stands for every agent stands also while nobody can say so."""
    for command in ("delete agentpolicy outage", "delete crd approvals.kubescrow.dev", "delete namespace kubescrow"):
        assert DOWN in down.agent.fails(*command.split())


def test_people_and_controllers_work_on(down: Story, other: Kubectl) -> None:
    """Those whom no policy names do not depend on us, also in the agents' namespace."""
    for who in (down.cluster.admin, other):
        assert "deleted" in who.ok(*make(who, "theirs"))


def test_a_person_can_still_mend_policies(down: Story) -> None:
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


def test_a_broken_policy_that_came_in_meanwhile_denies_its_subjects_and_says_so(story: Story) -> None:
    """Nobody could refuse it; so it stops those whom it names, and nobody else, until it is mended."""
    latecomer = story.cluster.service_account(NAMESPACE, "latecomer")
    story.kubescrow.stop()
    story.cluster.admin.apply(BROKEN)
    story.kubescrow.restart()
    try:
        story.cluster.admin.ok("wait", "--for=condition=Compiled=false", "agentpolicy/outage-broken", "--timeout=20s")
        columns = story.cluster.admin.ok("get", "ap", "outage-broken", "--no-headers").split()
        assert columns[3:5] == ["False", "False"]
        admin_of = ("create", "clusterrolebinding", "outage-latecomer", "--clusterrole=cluster-admin")
        story.cluster.admin.ok(*admin_of, f"--serviceaccount={NAMESPACE}:latecomer")
        create = ("create", "configmap", "late", "-n", NAMESPACE)
        refusal = wait_until(lambda: unless_forbidden(latecomer.fails(*create)), what="the agent has its role")
        assert "outage-broken/typo: this policy is broken, so everything is denied; ask its owner to mend" in refusal
        assert "deleted" in story.cluster.admin.ok(*make(story.agent, "by-another-agent"))
    finally:
        story.kubescrow.remove("outage-broken")


def unless_forbidden(refusal: str) -> str:
    """What was said, empty while RBAC alone refuses."""
    return "" if "cannot create resource" in refusal else refusal


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
