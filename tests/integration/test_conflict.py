"""The API server admits an UPDATE or DELETE again when somebody else wrote the object meanwhile.

That is the same request of the same client, with a new uid. Each test provokes it: the call is held, a person writes
the object, then the call is approved, and what the API server read before is no longer what is there.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold

NAMESPACE = "conflict"
TRIES = 5
"""A hold inside of one call lasts 5 s here; on a slow machine the decision may come between two calls."""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose changes and deletions of ConfigMaps wait for a person."""
    story = begin(kubescrow, NAMESPACE)
    story.policy(hold(operations=["UPDATE", "DELETE"], resources=["configmaps"]))
    return story


def held_while(story: Story, command: tuple[str, ...], *drift: str) -> tuple[str, dict[str, Any]]:
    """Send a command, write the object while it is held, approve; return the approval's name and its claim."""
    started = story.agent.start(*command, "-n", NAMESPACE)
    name = story.held(started)["metadata"]["name"]
    story.cluster.admin.ok(*drift, "-n", NAMESPACE)
    story.decide(name)
    assert started.wait(60).returncode == 0, started.so_far()
    claim: dict[str, Any] = story.cluster.admin.json("get", "approval", name)["status"]["claim"]
    return name, claim


def test_a_deletion_passes_again_on_its_claim(story: Story) -> None:
    """A label that somebody sets meanwhile costs no second approval: one command, one decision, two passes."""
    for number in range(TRIES):
        story.cluster.admin.ok("create", "configmap", f"gone-{number}", "-n", NAMESPACE)
        drift = ("label", "configmap", f"gone-{number}", "somebody=else")
        name, claim = held_while(story, ("delete", "configmap", f"gone-{number}"), *drift)
        if claim["passes"] == 2:
            break
    assert claim["passes"] == 2
    assert story.state(name) == "Used"
    assert not [item for item in story.mine() if item["status"]["state"] == "Pending"]


def test_a_change_passes_again_on_its_claim_when_other_fields_drifted(story: Story) -> None:
    """The repetition has the same touched paths with the same old values, so it is the same change."""
    story.cluster.admin.ok("create", "configmap", "drifting", "--from-literal=a=0", "-n", NAMESPACE)
    for number in range(TRIES):
        command = ("patch", "configmap", "drifting", "--type=merge", "-p", f'{{"data": {{"a": "{number + 1}"}}}}')
        _, claim = held_while(story, command, "label", "configmap", "drifting", f"try=n{number}")
        if claim["passes"] == 2:
            break
    assert claim["passes"] == 2
    stored = story.cluster.admin.json("get", "configmap", "drifting", "-n", NAMESPACE)
    assert stored["data"]["a"] == str(number + 1)
    assert stored["metadata"]["labels"]["try"] == f"n{number}"


def test_a_change_of_what_was_not_shown_does_not_pass_on_the_claim(story: Story) -> None:
    """The approver saw `3 -> 4`; somebody wrote 9 meanwhile, so `9 -> 4` is another question."""
    story.cluster.admin.ok("create", "configmap", "raced", "--from-literal=a=3", "-n", NAMESPACE)
    patch = ("patch", "configmap", "raced", "--type=merge", "-p", '{"data": {"a": "4"}}', "-n", NAMESPACE)
    started = story.agent.start(*patch)
    name = story.held(started)["metadata"]["name"]
    drift = ("patch", "configmap", "raced", "--type=merge", "-p", '{"data": {"a": "9"}}', "-n", NAMESPACE)
    story.cluster.admin.ok(*drift)
    story.decide(name)
    second = wait_until(lambda: another_pending(story, name), what="the changed request has an approval of its own")
    assert 'old: "9"' in second["spec"]["change"]
    assert story.cluster.admin.json("get", "configmap", "raced", "-n", NAMESPACE)["data"] == {"a": "9"}
    story.decide(second["metadata"]["name"], "denied")
    assert "APPROVAL_DENIED" in started.wait(60).stderr


def another_pending(story: Story, name: str) -> dict[str, Any]:
    """The pending approval that is not `name`, empty if there is none."""
    pending = [item for item in story.mine() if item.get("status", {}).get("state") == "Pending"]
    return next((item for item in pending if item["metadata"]["name"] != name), {})
