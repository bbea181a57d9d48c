"""Limits and times of the whole installation, each set so low that a test reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold, told

NAMESPACE = "limits"


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Iterator[Story]:
    """Two pending approvals an agent, one call that waits, no cool-down; an agent that asks before it deletes."""
    kubescrow.restart(PENDING_PER_AGENT="2", DENIAL_COOLDOWN_S="0", WAITING_CALLS="1")
    try:
        story = begin(kubescrow, NAMESPACE)
        story.policy(
            hold("hold-deletion", operations=["DELETE"], resources=["configmaps"], wait="0s"),
            hold("hold-long", operations=["CREATE"], resources=["configmaps"], wait="60s"),
        )
        for name in ("first", "second", "third"):
            story.cluster.admin.ok("create", "configmap", name, "-n", NAMESPACE)
        yield story
    finally:
        kubescrow.restart()


def deletion(of: str) -> tuple[str, ...]:
    """The command that deletes a ConfigMap."""
    return ("delete", "configmap", of, "-n", NAMESPACE)


def test_an_agent_cannot_bury_its_approvers_under_questions(story: Story) -> None:
    """Beyond the limit it is told to wait; a decision makes room; another agent has room of its own."""
    pending = [story.asks(*deletion(of)) for of in ("first", "second")]
    refusal = story.agent.fails(*deletion("third"))
    assert f"2 approvals of system:serviceaccount:{NAMESPACE}:bot are pending; wait until some are decided" in refusal
    other = story.cluster.service_account(NAMESPACE, "other")
    story.cluster.admin.ok("create", "rolebinding", "other", "--clusterrole=edit", "-n", NAMESPACE,
                           f"--serviceaccount={NAMESPACE}:other")  # fmt: skip
    assert told(other.fails(*deletion("third")))
    for name in pending:
        story.decide(name, "denied")
        story.reaches(name, "Denied")
    story.decide(story.asks(*deletion("third")), "denied")


def test_many_questions_at_once_count_each_other(story: Story) -> None:
    """The limit holds also when all calls look at the same moment."""
    other = story.cluster.service_account(NAMESPACE, "hasty")
    story.cluster.admin.ok("create", "rolebinding", "hasty", "--clusterrole=edit", "-n", NAMESPACE,
                           f"--serviceaccount={NAMESPACE}:hasty")  # fmt: skip
    wait_until(lambda: "yes" in other.run("auth", "can-i", "create", "pods", "-n", NAMESPACE).stdout, what="it may")
    paths = [f"/api/v1/namespaces/{NAMESPACE}/configmaps/third?gracePeriodSeconds={number}" for number in range(1, 17)]
    with ThreadPoolExecutor(len(paths)) as pool:
        answers = list(pool.map(lambda path: other.request("DELETE", path), paths))
    assert {status for status, _ in answers} == {403}
    assert sum("APPROVAL_REQUIRED" in str(answer) for answer in answers) == 2, answers


def test_the_same_question_at_once_is_one_question(story: Story) -> None:
    """Equal calls share an approval, also when there is room for no other one."""
    hasty = story.cluster.service_account(NAMESPACE, "hasty")
    own = [item for item in story.mine() if item["spec"]["requester"]["username"].endswith(":hasty")]
    for item in own[:1]:
        story.decide(item["metadata"]["name"], "denied")
        story.reaches(item["metadata"]["name"], "Denied")
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/first"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: hasty.request("DELETE", path), range(8)))
    assert len({told(answer) for answer in answers}) == 1


def test_after_the_cool_down_a_denied_request_may_be_put_again(story: Story) -> None:
    """A denial is final for its approval, not for the wish."""
    name = story.asks(*deletion("second"))
    story.decide(name, "denied")
    story.reaches(name, "Denied")
    again = story.asks(*deletion("second"))
    assert again.rpartition("-")[0] == name.removesuffix("-2")
    story.decide(again, "denied")


def test_beyond_the_calls_that_may_wait_the_client_is_sent_away_at_once(story: Story) -> None:
    """One call waits inside; the next is told to come back, and both approvals stand."""
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    waiting = story.agent.start("create", "configmap", "waits", "-n", NAMESPACE)
    first = story.held(waiting)["metadata"]["name"]
    status, answer = story.agent.request("POST", path, {"metadata": {"name": "comes-back"}})
    assert status == 429, answer
    assert told(answer) != first
    for item in story.mine():
        if item["status"]["state"] == "Pending":
            story.decide(item["metadata"]["name"])
    assert "created" in waiting.wait(60).stdout
    assert story.agent.request("POST", path, {"metadata": {"name": "comes-back"}})[0] == 201
