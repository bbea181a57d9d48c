"""An approval lets one write pass, once: whatever makes a second effect needs a second approval."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold, told

NAMESPACE = "claiming"
API = f"/api/v1/namespaces/{NAMESPACE}"
MERGE = {"Content-Type": "application/merge-patch+json"}
POD = f"""
apiVersion: v1
kind: Pod
metadata: {{name: shell, namespace: {NAMESPACE}}}
spec: {{containers: [{{name: c, image: example.invalid/c}}]}}
"""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent that asks before it makes or deletes a ConfigMap, opens a shell, or mints a token."""
    story = begin(kubescrow, NAMESPACE)
    story.policy(
        hold("hold-writes", operations=["CREATE", "DELETE"], resources=["configmaps"], wait="0s"),
        hold("hold-shells", operations=["CONNECT"], resources=["pods/exec"], wait="0s"),
        hold("hold-tokens", operations=["CREATE"], resources=["serviceaccounts/token"], wait="0s"),
        hold("hold-long", operations=["CREATE"], resources=["secrets"]),
    )
    story.cluster.admin.apply(POD)
    return story


def make(story: Story, name: str) -> None:
    """Have a person make a ConfigMap."""
    story.cluster.admin.ok("create", "configmap", name, "-n", NAMESPACE)


def delete(name: str) -> tuple[str, ...]:
    """The command that deletes a ConfigMap."""
    return ("delete", "configmap", name, "-n", NAMESPACE)


def test_the_same_object_made_again_needs_a_new_approval(story: Story) -> None:
    """A used approval is no standing permission for a name and a content."""
    create = ("create", "configmap", "twice", "--from-literal=a=1", "-n", NAMESPACE)
    name = story.asks(*create)
    story.approve(name)
    story.agent.ok(*create)
    story.reaches(name, "Used")
    story.cluster.admin.ok(*delete("twice"))
    assert story.asks(*create) == f"{name}-2"


def test_the_same_deletion_of_a_recreated_object_needs_a_new_approval(story: Story) -> None:
    """An approved deletion is of the one object that the approver saw, told by its UID."""
    make(story, "reborn")
    name = story.asks(*delete("reborn"))
    story.approve(name)
    story.cluster.admin.ok(*delete("reborn"))
    make(story, "reborn")
    assert not story.asks(*delete("reborn")).startswith(name)
    assert story.state(name) == "Approved"


def test_a_deletion_with_other_options_is_another_one(story: Story) -> None:
    """Whoever approved that an object goes has not approved that its dependents are orphaned."""
    make(story, "parent")
    name = story.asks(*delete("parent"))
    story.approve(name)
    assert not story.asks(*delete("parent"), "--cascade=orphan").startswith(name)
    assert "deleted" in story.agent.ok(*delete("parent"))


@pytest.mark.parametrize(
    ("path", "body", "passed"),
    [
        pytest.param(f"{API}/pods/shell/exec?container=c&command=id&stdout=true", None, 400, id="a shell in a Pod"),
        pytest.param(
            f"{API}/serviceaccounts/default/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
            201,
            id="a token",
        ),
        pytest.param(
            f"{API}/configmaps", {"metadata": {"generateName": "each-"}}, 201, id="an object with a generated name"
        ),
    ],
)
def test_what_is_new_each_time_passes_once(story: Story, path: str, body: Any, passed: int) -> None:
    """A second call is a second effect, however soon it comes. 400 is the Pod that has no node: admission let it by."""
    name = told(story.agent.request("POST", path, body))
    story.approve(name)
    status, answer = story.agent.request("POST", path, body)
    assert status == passed, answer
    assert "appr-" not in str(answer)
    assert told(story.agent.request("POST", path, body)) == f"{name}-2"
    story.reaches(name, "Used")


def test_another_command_is_another_shell(story: Story) -> None:
    """Approved is what the approver read, word by word."""
    path = f"{API}/pods/shell/exec?container=c&command=cat&command="
    name = told(story.agent.request("POST", f"{path}/etc/hostname"))
    story.approve(name)
    assert not told(story.agent.request("POST", f"{path}/etc/shadow")).startswith(name)
    assert story.state(name) == "Approved"


def test_of_many_equal_requests_at_once_one_passes(story: Story) -> None:
    """Compare and swap: eight calls race for one approval."""
    body = {"metadata": {"generateName": "race-"}}
    name = told(story.agent.request("POST", f"{API}/configmaps", body))
    story.approve(name)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(story.agent.request, "POST", f"{API}/configmaps", body) for _ in range(8)]
    answers = [call.result() for call in calls]
    assert sorted(status for status, _ in answers) == [201, *[403] * 7], answers
    assert {told(answer) for answer in answers if answer[0] == 403} == {f"{name}-2"}


def test_of_many_equal_requests_that_wait_together_one_passes(story: Story) -> None:
    """The same when all of them are released by one decision."""
    body = {"metadata": {"generateName": "queue-"}}
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(story.agent.request, "POST", f"{API}/secrets", body) for _ in range(4)]
        name = wait_until(lambda: waiting_for_secrets(story), what="the four calls have an approval")
        story.decide(name)
    answers = [call.result() for call in calls]
    assert sorted(status for status, _ in answers) == [201, 429, 429, 429], answers
    assert {told(answer) for answer in answers if answer[0] == 429} == {f"{name}-2"}


def waiting_for_secrets(story: Story) -> str:
    """The approval of a Secret that is pending, empty if there is none."""
    found = [item for item in story.mine() if item["spec"]["target"]["resource"] == "secrets"]
    return str(found[0]["metadata"]["name"]) if found else ""


def test_an_approval_serves_every_token_of_the_same_agent(story: Story) -> None:
    """The agent may come back from another Pod, with another token: it is the same agent with the same wish."""
    make(story, "shared")
    name = story.asks(*delete("shared"))
    other = story.cluster.service_account(NAMESPACE, "bot")
    assert other.token != story.agent.token
    assert told(other.fails(*delete("shared"))) == name
    story.approve(name)
    assert "deleted" in other.ok(*delete("shared"))


def test_an_approval_does_not_serve_another_agent(story: Story) -> None:
    """Two agents of one policy that want the same thing are two requests."""
    make(story, "personal")
    name = story.asks(*delete("personal"))
    story.approve(name)
    other = story.cluster.service_account(NAMESPACE, "other")
    story.cluster.admin.ok("create", "clusterrolebinding", "claiming-other", "--clusterrole=edit",
                           f"--serviceaccount={NAMESPACE}:other")  # fmt: skip
    wait_until(lambda: "appr-" in other.fails(*delete("personal")), what="the other agent has rights")
    assert not told(other.fails(*delete("personal"))).startswith(name)
    assert story.state(name) == "Approved"


def test_a_whole_collection_cannot_be_held(story: Story) -> None:
    """The agent is told to delete by name; an approval for one object would be one for whatever is there by then."""
    make(story, "one-of-many")
    status, answer = story.agent.request("DELETE", f"{API}/configmaps")
    assert status == 403
    assert (
        "a deletion of a whole collection cannot be held; delete the objects one by one, by name" in answer["message"]
    )
    story.cluster.admin.ok("get", "configmap", "one-of-many", "-n", NAMESPACE)


def test_what_nobody_could_read_cannot_be_held(story: Story) -> None:
    """A change of more than 64 KiB is refused, not cut."""
    body = {"metadata": {"name": "long"}, "data": {"text": "word " * 15_000}}
    status, answer = story.agent.request("POST", f"{API}/configmaps", body)
    assert status == 403
    assert "the change is over 65536 bytes long, so no person can be asked about it as a whole" in answer["message"]
