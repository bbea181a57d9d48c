"""Between the approval and its use everything is looked at again: policies, approvers, guards, the clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold

NAMESPACE = "checked"
NEW_AGENT = f"""
apiVersion: kubescrow.dev/v1alpha1
kind: AgentPolicy
metadata: {{name: checked-approver}}
spec: {{subjects: [{{user: "approver@{NAMESPACE}"}}], mode: Observe}}
"""


@pytest.fixture(scope="module")
def begun(kubescrow: Installation) -> Story:
    """The agent and the approver."""
    return begin(kubescrow, NAMESPACE)


@pytest.fixture
def story(begun: Story) -> Story:
    """An agent that asks before it deletes a ConfigMap; each test finds the same policy, whatever the last one did."""
    begun.policy(hold(operations=["DELETE"], resources=["configmaps"], wait="0s"))
    return begun


def deletion(of: str) -> tuple[str, ...]:
    """The command that deletes a ConfigMap."""
    return ("delete", "configmap", of, "-n", NAMESPACE)


def approved(story: Story, of: str) -> str:
    """Make a ConfigMap whose deletion is approved; return the approval's name."""
    story.cluster.admin.ok("create", "configmap", of, "-n", NAMESPACE)
    name = story.asks(*deletion(of))
    story.approve(name)
    return name


def test_a_policy_that_asks_for_more_people_by_now_needs_a_new_approval(story: Story) -> None:
    """One voice was enough for the old policy; nobody has been asked the new question."""
    name = approved(story, "more")
    story.policy(hold(operations=["DELETE"], resources=["configmaps"], wait="0s", approvals=2))
    assert story.asks(*deletion("more")) == f"{name}-2"
    assert story.state(name) == "Superseded"
    second = story.cluster.admin.json("get", "approval", f"{name}-2")
    assert second["spec"]["requirements"][0]["approvals"] == 2


def test_a_policy_that_denies_by_now_beats_the_approval(story: Story) -> None:
    """A kill switch stops also what is approved already."""
    name = approved(story, "stopped")
    story.policy({"name": "stop", "action": "Deny"})
    assert "checked/stop: DELETE configmaps checked/stopped" in story.agent.fails(*deletion("stopped"))
    assert story.state(name) == "Approved"


def test_another_rule_that_holds_by_now_needs_a_new_approval(story: Story) -> None:
    """The approver spoke for one rule; the second one was not known."""
    name = approved(story, "both")
    rules = [hold(rule, operations=["DELETE"], resources=["configmaps"], wait="0s") for rule in ("hold", "second")]
    story.policy(*rules)
    assert story.asks(*deletion("both")) == f"{name}-2"
    assert story.state(name) == "Superseded"


def test_an_approver_who_lost_the_permission_does_not_count(story: Story) -> None:
    """Whose right is taken away between the decision and its use has decided nothing."""
    name, admin = approved(story, "permission"), story.cluster.admin
    binding = admin.json("get", "clusterrolebinding", f"{NAMESPACE}-approver")
    question = ("auth", "can-i", "approve", f"agentpolicies.kubescrow.dev/{NAMESPACE}")
    admin.ok("delete", "clusterrolebinding", f"{NAMESPACE}-approver")
    wait_until(lambda: "no" in story.approver.run(*question).stdout, what="the permission is gone")
    assert story.asks(*deletion("permission")) == f"{name}-2"
    assert story.state(name) == "Superseded"
    admin.apply(json.dumps(binding | {"metadata": {"name": f"{NAMESPACE}-approver"}}))
    wait_until(lambda: "yes" in story.approver.run(*question).stdout, what="the permission is back")


def test_an_approver_who_became_an_agent_does_not_count(story: Story) -> None:
    """No subject of any policy decides, also one whose policy only observes."""
    name = approved(story, "changing-sides")
    story.kubescrow.apply(NEW_AGENT)
    try:
        assert story.asks(*deletion("changing-sides")) == f"{name}-2"
        assert story.state(name) == "Superseded"
    finally:
        story.kubescrow.remove("checked-approver")


def test_a_revoked_approval_is_a_no(story: Story) -> None:
    """The approver thought again, in time."""
    name = approved(story, "revoked")
    story.decide(name, "revoked", "not today")
    refusal = story.agent.fails(*deletion("revoked"))
    assert f"APPROVAL_DENIED approval={name} state=Revoked" in refusal
    assert "not today" in refusal


def test_an_approval_that_was_not_used_in_time_is_over(story: Story) -> None:
    """The clock is read at the use: nobody needs to have written down that it expired."""
    story.policy(hold(operations=["DELETE"], resources=["configmaps"], wait="0s", useWithin="10s"))
    name = approved(story, "late")
    expires = story.cluster.admin.json("get", "approval", name)["status"]["expires"]
    wait_until(lambda: datetime.now(UTC) >= datetime.fromisoformat(expires), what="the approval is over")
    assert story.asks(*deletion("late")) == f"{name}-2"
    story.reaches(name, "Expired")


@contextmanager
def no_healing(story: Story) -> Iterator[None]:
    """Take from Kubescrow the right to write its webhook configurations, so that what we break stays broken."""
    admin = story.cluster.admin
    role = admin.json("get", "clusterrole", "kubescrow-webhook")
    role["metadata"] = {key: role["metadata"][key] for key in ("name", "labels")}
    broken = json.loads(json.dumps(role))
    for rule in broken["rules"]:
        if "admissionregistration.k8s.io" in rule["apiGroups"]:
            rule["verbs"] = ["get"]
    question = ("auth", "can-i", "update", "validatingwebhookconfigurations/kubescrow-guards", "--as",
                "system:serviceaccount:kubescrow:kubescrow-webhook")  # fmt: skip
    admin.ok("replace", "-f", "-", stdin=json.dumps(broken))
    try:
        wait_until(lambda: "no" in admin.run(*question).stdout, what="Kubescrow cannot heal")
        yield
    finally:
        admin.ok("replace", "-f", "-", stdin=json.dumps(role))


@pytest.mark.parametrize("kind", ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"])
def test_without_a_guard_no_approval_is_used(story: Story, kind: str) -> None:
    """While anybody might have written decisions nothing passes; once the guard stands again, the approval does."""
    of = kind.removesuffix("webhookconfiguration")
    name = approved(story, of)
    with no_healing(story):
        story.cluster.admin.ok("delete", kind, "kubescrow-guards")
        assert "the guard of approvals is not in place; tell an operator" in story.agent.fails(*deletion(of))
        assert story.state(name) == "Approved"
    wait_until(lambda: story.cluster.admin.run("get", kind, "kubescrow-guards").returncode == 0, what="it is healed")
    assert "deleted" in story.agent.ok(*deletion(of))


def test_with_a_guard_that_fails_open_no_approval_is_used(story: Story) -> None:
    """The guard must stand exactly as it was written: `Ignore` in place of `Fail` is enough to stop every claim."""
    approved(story, "open")
    with no_healing(story):
        patch = '[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]'
        kind = "validatingwebhookconfiguration"
        story.cluster.admin.ok("patch", kind, "kubescrow-guards", "--type=json", "-p", patch)
        assert "the guard of approvals is not in place" in story.agent.fails(*deletion("open"))
    wait_until(lambda: story.agent.run(*deletion("open")).returncode == 0, what="it is healed, and the approval passes")


def test_a_denial_is_not_argued_with_for_a_while(story: Story) -> None:
    """Within the cool-down the same request gets the same answer, and no approver is asked again."""
    story.cluster.admin.ok("create", "configmap", "no", "-n", NAMESPACE)
    name = story.asks(*deletion("no"))
    story.decide(name, "denied", "because")
    before = len(story.mine())
    assert f"APPROVAL_DENIED approval={name} state=Denied" in story.agent.fails(*deletion("no"))
    assert len(story.mine()) == before
