"""An admin takes the guards away for a moment and writes what they would refuse: it counts for nothing.

Kubescrow puts its guards back within some seconds. What got in meanwhile is seen when an approval is looked at:
a decision without our MAC is none, a chain that lost a decision is none at all, and a claim without our MAC lets
nothing pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import APPROVALS, Story, begin, hold, vote

ONE = ("create", "-n", "unguarded", "configmap")
TWO = ("create", "-n", "unguarded", "quota")
DELETION = ("delete", "-n", "unguarded", "secret")
"""What the agent tries: one approval is asked for, or two; and what could pass again on a claim."""

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1"
GUARDS = tuple(f"{CONFIGURATIONS}/{kind}webhookconfigurations/kubescrow-guards" for kind in ("validating", "mutating"))
MERGE = {"Content-Type": "application/merge-patch+json"}
DECISIONS = "kubescrow.dev/decisions"

Object = dict[str, Any]


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose creations and deletions are held, without waiting."""
    story = begin(kubescrow, "unguarded")
    story.policy(
        hold("one", operations=["CREATE"], resources=["configmaps"], wait="0s"),
        hold("two", operations=["CREATE"], resources=["resourcequotas"], wait="0s", approvals=2),
        hold("deletion", operations=["DELETE"], resources=["secrets"], wait="0s"),
    )
    return story


@pytest.fixture(scope="module")
def root(story: Story) -> Kubectl:
    """A person whom RBAC lets do everything, webhook configurations too."""
    return story.person("root", role="cluster-admin")


@pytest.fixture(autouse=True)
def guarded_again(story: Story) -> Iterator[None]:
    """Leave no test with the guards away: what comes next needs them."""
    yield
    healed(story)


def healed(story: Story) -> None:
    """Wait until both guards are back and the API server asks them again."""
    name = story.asks(*ONE, "probe")
    label = ("label", "approval", name, "a=b", "--dry-run=server")
    dry = (*vote(name), "--dry-run=server")
    wait_until(lambda: "this changes metadata.labels" in story.approver.run(*label).stderr, what="one guard is back")
    wait_until(lambda: "was not recorded" in story.approver.run(*dry).stderr, what="the other guard is back")


def slip_in(root: Kubectl, write: Callable[[], tuple[int, Any]], *, refused_by_definition: bool = False) -> None:
    """Take both guards away and write, again and again, until a write gets past them before they are back.

    `refused_by_definition`: past them it meets the rules of the CustomResourceDefinition.
    """
    expected = {422} if refused_by_definition else {200, 201}

    def attempt() -> bool:
        for guard in GUARDS:
            root.request("DELETE", guard)
        return write()[0] in expected

    wait_until(attempt, what="a write got past the guards", poll_s=0.01)


def patching(root: Kubectl, name: str, patch: Object) -> Callable[[], tuple[int, Any]]:
    """A merge patch of an Approval."""
    return lambda: root.request("PATCH", f"{APPROVALS}/{name}", patch, MERGE)


def writing_status(root: Kubectl, name: str, status: Object) -> Callable[[], tuple[int, Any]]:
    """A merge patch of an Approval's status."""
    return lambda: root.request("PATCH", f"{APPROVALS}/{name}/status", {"status": status}, MERGE)


def annotated(**annotations: str) -> Object:
    """A patch that annotates; the keys stand without our domain."""
    return {"metadata": {"annotations": {f"kubescrow.dev/{key}": value for key, value in annotations.items()}}}


def text(*entries: Object) -> str:
    """A chain in its one form."""
    return json.dumps(entries, separators=(",", ":"))


def test_a_forged_decision_does_not_count(story: Story, root: Kubectl) -> None:
    """The agent is told to wait for a person, on a new approval; the log and whoever decides are told why."""
    template = story.asks(*ONE, "template")
    story.decide(template)
    name = story.asks(*ONE, "forged")
    slip_in(root, patching(root, name, annotated(decisions=text(*story.decisions(template)))))
    assert story.asks(*ONE, "forged") == f"{name}-2"
    healed(story)
    assert f"{name} takes no more decisions: entry 0: wrong MAC" in root.fails(*vote(name))
    assert "approval was tampered with" in story.kubescrow.log


def test_a_decision_that_nobody_signed_does_not_count(story: Story, root: Kubectl) -> None:
    """The annotation that the guard would have signed is nothing by itself, and nobody else's write signs it."""
    name = story.asks(*ONE, "unsigned")
    slip_in(root, patching(root, name, annotated(decision="approved", reason="planted")))
    healed(story)
    assert story.asks(*ONE, "unsigned") == name
    said = story.approver.fails("patch", "approval", name, "--type=merge", "-p", "{}")
    assert "written while the guard was away and signed by nobody; remove it with kubectl annotate" in said
    said = story.approver.fails(*vote(name, "denied"), "--overwrite")
    assert "kubescrow.dev/reason: written while the guard was away and signed by nobody" in said
    assert story.decisions(name) == []


def test_a_decision_that_nobody_signed_is_cleared_and_made_again(story: Story, root: Kubectl) -> None:
    """An approver who was unlucky enough to decide while the guards were away decides again, properly."""
    name = story.asks(*ONE, "cleared")
    slip_in(root, patching(root, name, annotated(decision="approved", reason="planted")))
    healed(story)
    story.approver.ok("annotate", "approval", name, "kubescrow.dev/decision-", "kubescrow.dev/reason-")
    assert not story.stored(name)["metadata"].get("annotations")
    story.decide(name)
    story.agent.ok(*ONE, "cleared")


def test_what_nobody_signed_stops_no_revocation(story: Story, root: Kubectl) -> None:
    """An annotation planted on an approval does not keep people from taking it back."""
    name = story.asks(*ONE, "planted")
    story.approve(name)
    slip_in(root, patching(root, name, annotated(decision="approved")))
    healed(story)
    story.approver.ok(*vote(name, "revoked", "wrong cluster"), "--overwrite")
    assert f"APPROVAL_DENIED approval={name} state=Revoked" in story.agent.fails(*ONE, "planted")


def test_a_chain_that_lost_a_decision_counts_for_nothing(story: Story, root: Kubectl) -> None:
    """What was recorded is remembered: nobody can go on from a chain that was cut."""
    name = story.asks(*TWO, "cut")
    story.decide(name)
    wait_until(lambda: "decisionsMAC" in story.stored(name)["status"], what="the decision is remembered")
    slip_in(root, patching(root, name, annotated(decisions="[]")))
    healed(story)
    assert "decisions that were recorded are missing" in root.fails(*vote(name))
    assert story.asks(*TWO, "cut") == f"{name}-2"
    assert "decidedBy" not in story.stored(name)["status"]


def test_a_denial_that_was_cut_off_is_still_a_denial(story: Story, root: Kubectl) -> None:
    """Neither without its entry nor with a state written over it does the approval come back to life."""
    name = story.asks(*TWO, "denied")
    story.decide(name)
    approved = story.decisions(name)
    root.ok(*vote(name, "denied", "no"))
    story.reaches(name, "Denied")
    slip_in(root, patching(root, name, annotated(decisions=text(*approved))))
    for state in ("Pending", "Approved", None):
        slip_in(root, writing_status(root, name, {"state": state}), refused_by_definition=True)
    assert f"APPROVAL_DENIED approval={name} state=Denied" in story.agent.fails(*TWO, "denied")


def test_a_revocation_that_was_cut_off_is_still_one(story: Story, root: Kubectl) -> None:
    """The genuine entry that comes before the revocation does not bring the approval back."""
    name = story.asks(*ONE, "revoked")
    story.decide(name)
    approved = story.decisions(name)
    story.decide(name, "revoked", "wrong cluster")
    story.reaches(name, "Revoked")
    slip_in(root, patching(root, name, annotated(decisions=text(*approved))))
    assert f"APPROVAL_DENIED approval={name} state=Revoked" in story.agent.fails(*ONE, "revoked")


@pytest.mark.parametrize("state", ["Approved", "Used"])
def test_a_state_that_was_written_lets_nothing_pass(story: Story, root: Kubectl, state: str) -> None:
    """What counts are the decisions; the state is for the eye."""
    name = story.asks(*ONE, f"state-{state.lower()}")
    slip_in(root, writing_status(root, name, {"state": state, "decidedBy": "approver@unguarded"}))
    again = story.asks(*ONE, f"state-{state.lower()}")
    assert again == {"Approved": name, "Used": f"{name}-2"}[state]


def test_a_genuine_claim_lets_nothing_else_pass(story: Story, root: Kubectl) -> None:
    """The claim of one deletion, moved to the approval of another, is no claim."""
    for secret in ("claimed", "kept"):
        story.agent.ok("create", "-n", "unguarded", "secret", "generic", secret)
    used = story.asks(*DELETION, "claimed")
    story.decide(used)
    story.agent.ok(*DELETION, "claimed")
    name = story.asks(*DELETION, "kept")
    slip_in(root, writing_status(root, name, story.stored(used)["status"]))
    assert story.asks(*DELETION, "kept") == f"{name}-2"
    assert "kept" in story.agent.ok("get", "-n", "unguarded", "secret", "kept")


def test_the_spec_cannot_be_changed_without_guards_either(story: Story, root: Kubectl) -> None:
    """What the approver read is held by the definition itself."""
    name = story.asks(*ONE, "spec")
    before = story.stored(name)["spec"]
    slip_in(root, patching(root, name, {"spec": {"change": "nothing at all"}}), refused_by_definition=True)
    assert story.stored(name)["spec"] == before


def test_an_approval_made_anew_under_the_old_name_has_no_decisions(story: Story, root: Kubectl) -> None:
    """Deleted and created again with the very same spec and chain: another object, nobody decided on it."""
    name = story.asks(*ONE, "anew")
    story.approve(name)
    old = story.stored(name)
    body = {**old, "metadata": {"name": name, "annotations": old["metadata"]["annotations"]}}
    slip_in(root, lambda: root.request("DELETE", f"{APPROVALS}/{name}"))
    slip_in(root, lambda: root.request("POST", APPROVALS, body))
    assert story.asks(*ONE, "anew") == f"{name}-2"
    assert story.stored(name)["metadata"]["uid"] != old["metadata"]["uid"]


def test_a_name_that_somebody_took_is_not_believed(story: Story, root: Kubectl) -> None:
    """An approval for another intent under the agent's name: the next name is used, and the log tells."""
    name = story.asks(*ONE, "taken")
    old = story.stored(name)
    body = {**old, "metadata": {"name": name}, "spec": {**old["spec"], "change": "nothing at all"}}
    slip_in(root, lambda: root.request("DELETE", f"{APPROVALS}/{name}"))
    slip_in(root, lambda: root.request("POST", APPROVALS, body))
    wait_until(lambda: story.asks(*ONE, "taken") == f"{name}-2", what="the next name is used")
    assert "approval name taken by another intent" in story.kubescrow.log


def test_nothing_is_claimed_while_the_guards_are_away(story: Story, root: Kubectl) -> None:
    """An approval that was given properly waits until the guards stand again; then it is good."""
    name = story.asks(*ONE, "waiting")
    story.approve(name)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "waiting"}}
    root.request("DELETE", GUARDS[0])
    wait_until(lambda: root.request("GET", GUARDS[0])[0] == 200, what="the guard is back")  # healed: 2 s of time
    root.request("DELETE", GUARDS[0])
    status, answer = story.agent.request("POST", "/api/v1/namespaces/unguarded/configmaps", body)
    assert status == 403, answer
    assert f"APPROVAL_REQUIRED approval={name} state=Approved" in answer["message"]
    assert "the guard of approvals is not in place; tell an operator" in answer["message"]
    wait_until(lambda: story.agent.run(*ONE, "waiting").returncode == 0, what="the approval is good again")
