"""What a client goes through while a person thinks: kubectl, the Python client, a killed client, a shell."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import client

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import NAME, Story, begin, hold

NAMESPACE = "waits"
SHELL = f"/api/v1/namespaces/{NAMESPACE}/pods/shell/exec?container=c&command=id&stdout=true"


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose deletions of ConfigMaps wait for 10 s, those of Secrets for a minute, and shells for nobody."""
    story = begin(kubescrow, NAMESPACE)
    story.policy(
        hold("hold-short", operations=["DELETE"], resources=["configmaps"], wait="10s"),
        hold("hold-long", operations=["CREATE", "DELETE"], resources=["secrets"], wait="60s"),
        hold("hold-shells", operations=["CONNECT"], resources=["pods/exec"], wait="60s"),
    )
    story.cluster.admin.ok("run", "shell", "--image=example.invalid/c", "-n", NAMESPACE)
    story.cluster.audit_events()  # what was before takes seconds to read, and a hold does not wait for that
    return story


def attempts(story: Story, verb: str, name: str) -> list[dict[str, Any]]:
    """The ended requests of the agent on an object, from the audit log."""
    return [
        event
        for event in story.cluster.audit_events()
        if event["stage"] == "ResponseComplete"
        and event["verb"] == verb
        and event["user"]["username"] == f"system:serviceaccount:{NAMESPACE}:bot"
        and event.get("objectRef", {}).get("name") == name
    ]


def codes(story: Story, verb: str, name: str) -> list[int]:
    """How these requests were answered."""
    return [event["responseStatus"]["code"] for event in attempts(story, verb, name)]


def test_a_client_that_is_sent_away_comes_back_and_finishes(story: Story) -> None:
    """The first call is held for 5 s and answered 429; kubectl repeats it by itself and finds the decision."""
    story.cluster.admin.ok("create", "configmap", "slow", "-n", NAMESPACE)
    deletion = story.agent.start("delete", "configmap", "slow", "-n", NAMESPACE)
    name = story.held(deletion)["metadata"]["name"]
    wait_until(lambda: codes(story, "delete", "slow") == [429], what="the first call has been answered")
    story.decide(name)
    assert "deleted" in deletion.wait().stdout
    wait_until(lambda: codes(story, "delete", "slow") == [429, 200], what="the second call is in the audit log")


def test_the_audit_log_joins_calls_approval_and_decider(story: Story) -> None:
    """Each call of the last test says what was decided about it."""
    held, passed = (event["annotations"] for event in attempts(story, "delete", "slow"))
    prefix = "rules.policy.kubescrow.dev/"
    assert held[f"{prefix}verdict"] == "hold"
    assert held[f"{prefix}rules"] == passed[f"{prefix}rules"] == f"{NAMESPACE}/hold-short"
    assert passed[f"{prefix}verdict"] == "allow"
    assert passed[f"{prefix}approval"] == held[f"{prefix}approval"]
    assert passed[f"{prefix}decided-by"] == f"approver@{NAMESPACE}"


def test_a_client_whose_time_is_over_is_told_what_to_do(story: Story) -> None:
    """After `wait` the answer is 403 with the approval's name, and kubectl ends; the question stands."""
    story.cluster.admin.ok("create", "configmap", "undecided", "-n", NAMESPACE)
    name = story.asks("delete", "configmap", "undecided", "-n", NAMESPACE)
    wait_until(lambda: codes(story, "delete", "undecided")[-1:] == [403], what="the last call is in the audit log")
    assert set(codes(story, "delete", "undecided")[:-1]) == {429}
    story.approve(name)
    assert "deleted" in story.agent.ok("delete", "configmap", "undecided", "-n", NAMESPACE)


def test_a_shell_never_waits(story: Story) -> None:
    """`kubectl exec` cannot wait, so it is told at once, whatever `wait` says."""
    status, answer = story.agent.request("POST", SHELL)
    assert status == 403
    assert "APPROVAL_REQUIRED" in answer["message"]
    refusal = story.agent.fails("exec", "shell", "-n", NAMESPACE, "--", "id")
    assert "APPROVAL_REQUIRED" in refusal
    for item in story.mine():
        if item["spec"]["operation"] == "CONNECT":
            story.decide(item["metadata"]["name"], "denied")


def test_a_killed_client_uses_nothing_up(story: Story) -> None:
    """Its call is dead although the API server once admitted it; the approval is left to the next one."""
    story.cluster.admin.ok("create", "secret", "generic", "orphan", "-n", NAMESPACE)
    deletion = story.agent.start("delete", "secret", "orphan", "-n", NAMESPACE)
    name = story.held(deletion)["metadata"]["name"]
    deletion.kill()
    wait_until(lambda: attempts(story, "delete", "orphan"), what="the API server has given the call up")
    story.approve(name)
    story.cluster.admin.ok("get", "secret", "orphan", "-n", NAMESPACE)
    assert "claim" not in story.cluster.admin.json("get", "approval", name)["status"]
    assert "deleted" in story.agent.ok("delete", "secret", "orphan", "-n", NAMESPACE)
    assert story.cluster.admin.json("get", "approval", name)["status"]["claim"]["passes"] == 1


def python_client(story: Story, kubectl: Kubectl) -> client.CoreV1Api:
    """The Python client with somebody's token, as a program would use it."""
    configuration = client.Configuration(host=story.cluster.url, api_key={"authorization": f"Bearer {kubectl.token}"})
    authority = story.cluster.folder / "waits-ca.crt"
    authority.write_text(story.cluster.ca_pem)
    configuration.ssl_ca_cert = str(authority)
    return client.CoreV1Api(client.ApiClient(configuration))


def test_a_python_program_reads_what_to_do_from_the_details(story: Story) -> None:
    """POST is not repeated by this client: the program gets the 429 and all that it needs, without reading prose."""
    api = python_client(story, story.agent)
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="by-program"))
    with pytest.raises(client.ApiException) as raised:
        api.create_namespaced_secret(NAMESPACE, secret)
    assert raised.value.status == 429
    details = json.loads(raised.value.body)["details"]
    said = {cause["field"]: cause["message"] for cause in details["causes"]}
    assert {cause["reason"] for cause in details["causes"]} == {"ApprovalRequired"}
    assert NAME.fullmatch(said["approval"])
    assert said["state"] == "Pending"
    assert said["rules"] == f"{NAMESPACE}/hold-long"
    assert said["decideBy"] == story.cluster.admin.json("get", "approval", said["approval"])["spec"]["decideBy"]
    assert 1 <= details["retryAfterSeconds"] <= 60
    assert raised.value.headers["Retry-After"] == str(details["retryAfterSeconds"])
    story.approve(said["approval"])
    assert api.create_namespaced_secret(NAMESPACE, secret).metadata.name == "by-program"


def flow_schema(kubectl: Kubectl) -> str:
    """The UID of the FlowSchema that a request of this person falls under, as the API server says."""
    said = kubectl.run("get", "--raw", "/api", "-v=8").stderr
    return next(line.split()[-1] for line in said.splitlines() if "x-kubernetes-pf-flowschema-uid" in line.lower())


def test_agents_wait_in_a_queue_of_their_own(story: Story) -> None:
    """A hundred held calls of agents cost nobody else a seat, least of all the approvers."""
    admin = story.cluster.admin
    schema = admin.json("get", "flowschema", "kubescrow-agents")
    level = admin.json("get", "prioritylevelconfiguration", "kubescrow-agents")["spec"]["limited"]
    assert (level["lendablePercent"], level["borrowingLimitPercent"], level["limitResponse"]["type"]) == (0, 0, "Queue")
    assert schema["status"]["conditions"][0]["status"] == "False"  # Dangling: its level exists
    assert flow_schema(story.agent) == schema["metadata"]["uid"]
    others = [story.approver, admin, story.cluster.service_account("kubescrow", "kubescrow-webhook")]
    assert schema["metadata"]["uid"] not in [flow_schema(who) for who in others]
