"""Allowed, denied, held, approved: what the demo tells, as tests."""

from __future__ import annotations

import pytest

from tests.installation import Installation
from tests.integration.story import NAME, Story, begin, hold


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose privileged Pods are denied and whose ConfigMap deletions are held."""
    story = begin(kubescrow, "story")
    story.policy(
        {"name": "no-privileged-pods", "check": "privileged-containers", "action": "Deny"},
        hold("hold-deletion", operations=["DELETE"], resources=["configmaps"], requireReason=False),
        hold("hold-secrets", operations=["CREATE"], resources=["secrets"], wait="0s"),
    )
    return story


def test_a_request_that_no_rule_matches_is_allowed(story: Story) -> None:
    """A policy stops what its rules say, nothing else."""
    assert "created" in story.agent.ok("create", "configmap", "free", "-n", "story")


def test_a_privileged_pod_is_denied_with_field_and_remedy(story: Story) -> None:
    """The agent reads which rule, which field, and what to do."""
    pod = """{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "story"}, "spec":
      {"containers": [{"name": "c", "image": "i", "securityContext": {"privileged": true}}]}}"""
    refusal = story.agent.fails("create", "-f", "-", stdin=pod)
    assert "story/no-privileged-pods: privileged-containers: container" in refusal
    assert "spec.containers[0].securityContext.privileged" in refusal


def test_an_unmodified_kubectl_waits_and_finishes_by_itself_when_a_person_approves(story: Story) -> None:
    """Hold, annotate, go on: and the approval is used up."""
    story.agent.ok("create", "configmap", "precious", "-n", "story")
    deletion = story.agent.start("delete", "configmap", "precious", "-n", "story")
    name = story.held(deletion)["metadata"]["name"]
    story.decide(name)
    assert "deleted" in deletion.wait(30).stdout
    story.reaches(name, "Used")


def test_a_denied_request_repeats_the_persons_reason_and_asks_nobody_again(story: Story) -> None:
    """No means no, with the reason, also when the agent tries again."""
    story.agent.ok("create", "configmap", "kept", "-n", "story")
    deletion = story.agent.start("delete", "configmap", "kept", "-n", "story")
    name = story.held(deletion)["metadata"]["name"]
    story.decide(name, "denied", "we still need it")
    result = deletion.wait(30)
    again = story.agent.fails("delete", "configmap", "kept", "-n", "story")
    for said in (result.stderr, again):
        assert f"APPROVAL_DENIED approval={name} state=Denied decided-by=approver@story" in said
        assert "we still need it" in said


def test_without_waiting_time_the_agent_is_told_at_once_whom_to_ask(story: Story) -> None:
    """`wait: 0s` answers 403 with the approval's name and the command that approves it."""
    refusal = story.agent.fails("create", "secret", "generic", "s", "--from-literal=p=hunter2-canary", "-n", "story")
    found = NAME.search(refusal)
    assert found is not None
    assert f"APPROVAL_REQUIRED approval={found[0]} state=Pending decide-by=" in refusal
    assert f"kubectl annotate approval {found[0]} kubescrow.dev/decision=approved" in refusal
    stored = story.cluster.admin.ok("get", "approval", found[0], "-o", "yaml")
    assert "hunter2" not in stored
    assert "aHVudGVyMi1jYW5hcnk" not in stored
    assert "[masked:secret-data:" in stored
