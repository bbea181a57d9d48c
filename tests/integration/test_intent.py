"""The same wish finds the same approval, from real clients through a real API server; another wish never does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.installation import Installation
from tests.integration.story import Story, begin, hold, told

NAMESPACE = "intent"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/restarted"
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}

CONTAINER = {"name": "c", "image": "example.invalid/c:1"}
PORT = {"port": 80, "protocol": "TCP"}

WILDCARD = """
apiVersion: kubescrow.dev/v1alpha1
kind: AgentPolicy
metadata: {name: intent-others}
spec: {subjects: [{user: intent-nobody}], unmatched: Deny, rules: []}
"""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent that asks before it makes anything, and before it changes a Deployment; nobody waits."""
    story = begin(kubescrow, NAMESPACE)
    story.policy(
        hold("hold-new", operations=["CREATE"], groups=["", "apps", "batch"], resources=["*"], wait="0s"),
        hold("hold-changes", operations=["UPDATE"], groups=["apps"], resources=["deployments"], wait="0s"),
        hold(
            "hold-scaling",
            operations=["UPDATE", "DELETE"],
            groups=["autoscaling"],
            wait="0s",
            resources=["horizontalpodautoscalers"],
        ),
    )
    return story


def manifest(api: str, kind: str, spec: Any, **metadata: Any) -> dict[str, Any]:
    """An object of the test's namespace."""
    named = {"name": kind.lower(), **metadata} if "generateName" not in metadata else metadata
    return {"apiVersion": api, "kind": kind, "metadata": {"namespace": NAMESPACE, **named}, "spec": spec}


def deployment(image: str, name: str = "deployment") -> dict[str, Any]:
    """A Deployment of one container."""
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{**CONTAINER, "image": image}]}}
    return manifest(
        "apps/v1", "Deployment", {"selector": {"matchLabels": {"app": "a"}}, "template": template}, name=name
    )


def job(image: str, **metadata: Any) -> dict[str, Any]:
    """A Job of one container."""
    pod = {"containers": [{**CONTAINER, "image": image}], "restartPolicy": "Never"}
    return manifest("batch/v1", "Job", {"template": {"spec": pod}}, **metadata)


def pod(*containers: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A Pod."""
    return manifest("v1", "Pod", {"containers": list(containers)}, **metadata)


def service(name: str, **spec: Any) -> dict[str, Any]:
    """A Service."""
    return manifest("v1", "Service", {"ports": [PORT], "selector": {"app": "a"}, **spec}, name=name)


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        pytest.param(pod(CONTAINER), pod({**CONTAINER, "image": "example.invalid/c:2"}), id="a Pod"),
        pytest.param(
            pod(CONTAINER, generateName="made-"),
            pod(CONTAINER, generateName="other-"),
            id="a Pod with a generated name",
        ),
        pytest.param(service("inner"), service("inner", clusterIP="10.96.77.7"), id="a Service with a cluster IP"),
        pytest.param(
            service("outer", type="NodePort"),
            service("outer", type="NodePort", ports=[{**PORT, "nodePort": 30777}]),
            id="a Service with a node port",
        ),
        pytest.param(job("example.invalid/c:1"), job("example.invalid/c:2"), id="a Job"),
        pytest.param(
            job("example.invalid/c:1", generateName="made-"),
            job("example.invalid/c:2", generateName="made-"),
            id="a Job with a generated name",
        ),
        pytest.param(deployment("example.invalid/c:1"), deployment("example.invalid/c:2"), id="a Deployment"),
    ],
)
def test_the_same_manifest_finds_the_same_approval_and_passes_on_it(story: Story, wanted: Any, other: Any) -> None:
    """What the server writes into the object differs each time and is no part of the wish; what the client says is."""
    create = ("create", "-f", "-")
    name = story.asks(*create, stdin=json.dumps(wanted))
    assert story.asks(*create, stdin=json.dumps(wanted)) == name
    assert not story.asks(*create, stdin=json.dumps(other)).startswith(name)
    story.approve(name)
    assert not story.asks(*create, stdin=json.dumps(other)).startswith(name)
    assert "created" in story.agent.ok(*create, stdin=json.dumps(wanted))
    story.reaches(name, "Used")


def test_apply_and_create_of_the_same_object_are_known_as_what_they_are(story: Story) -> None:
    """kubectl's own copy of the manifest, which `apply` writes, is shown as such and not compared."""
    text = json.dumps(deployment("example.invalid/c:1", "applied"))
    name = story.asks("apply", "-f", "-", stdin=text)
    assert story.asks("apply", "-f", "-", stdin=text) == name
    assert not story.asks("create", "-f", "-", stdin=text).startswith(name)


FORGED_FIELDS = {"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}


@pytest.mark.parametrize("fields", [[], [{}], [FORGED_FIELDS]], ids=["none", "an empty one", "one that owns nothing"])
@pytest.mark.parametrize(
    "spec", [{"clusterIP": "10.96.77.8"}, {"type": "NodePort", "ports": [{**PORT, "nodePort": 30778}]}]
)
def test_a_chosen_address_cannot_pose_as_an_allocated_one(story: Story, spec: Any, fields: Any) -> None:
    """The approver saw "generated by the server"; forged managedFields cannot make that of a choice."""
    services = f"/api/v1/namespaces/{NAMESPACE}/services"
    honest = service("posing", type=spec.get("type", "ClusterIP"))
    forged = service("posing", **spec)
    forged["metadata"]["managedFields"] = fields
    name = told(story.agent.request("POST", services, honest))
    assert not told(story.agent.request("POST", services, forged)).startswith(name)


def test_secrets_with_other_values_are_others_although_they_look_the_same(story: Story) -> None:
    """The approver sees placeholders; the fingerprint is of the values."""
    create = ("create", "secret", "generic", "hidden", "-n", NAMESPACE)
    first = story.asks(*create, "--from-literal=password=canary-one")
    second = story.asks(*create, "--from-literal=password=canary-two")
    assert story.asks(*create, "--from-literal=password=canary-one") == first
    assert not second.startswith(first)
    stored = story.cluster.admin.ok("get", "approvals", first, second, "-o", "yaml")
    assert stored.count("[masked:secret-data:") == 2
    assert "canary" not in stored
    assert "Y2FuYXJ5" not in stored  # canary in base64


SCALER = f"namespaces/{NAMESPACE}/horizontalpodautoscalers/scaler"


@pytest.fixture(params=["", "with a wildcard in a policy about others"])
def others(story: Story, request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing, or a policy that asks for everything of somebody else."""
    if request.param:
        story.kubescrow.apply(WILDCARD)
    yield
    if request.param:
        story.kubescrow.remove("intent-others")


@pytest.mark.usefixtures("others")
def test_another_api_version_is_the_same_wish(story: Story) -> None:
    """What goes through autoscaling/v1 is judged and known as what it is in the version that the server prefers."""
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"}, "maxReplicas": 3}
    scaler = manifest("autoscaling/v2", "HorizontalPodAutoscaler", spec, name="scaler")
    story.cluster.admin.apply(json.dumps(scaler))
    for method, body in (("DELETE", None), ("PATCH", {"spec": {"maxReplicas": 30}})):
        names = {
            told(story.agent.request(method, f"/apis/autoscaling/{version}/{SCALER}", body, headers=STRATEGIC))
            for version in ("v1", "v2")
        }
        assert len(names) == 1


@pytest.fixture(scope="module")
def restarted(story: Story) -> Story:
    """The same, with a Deployment to restart."""
    story.cluster.admin.apply(json.dumps(deployment("example.invalid/c:1", "restarted")))
    return story


def restart(at: str, **more: Any) -> dict[str, Any]:
    """The patch that `kubectl rollout restart` sends."""
    annotations = {"kubectl.kubernetes.io/restartedAt": at}
    return {"spec": {"template": {"metadata": {"annotations": annotations}, **more}}}


def test_a_restart_at_another_second_is_the_same_restart(restarted: Story) -> None:
    """`kubectl rollout restart`, sent again, passes on the approval of the first."""
    command = ("rollout", "restart", "deployment/restarted", "-n", NAMESPACE)
    name = restarted.asks(*command)
    patch = restart("2020-01-02T03:04:05Z")
    assert told(restarted.agent.request("PATCH", DEPLOYMENT, patch, headers=STRATEGIC)) == name
    restarted.approve(name)
    assert "restarted" in restarted.agent.ok(*command)


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(restart("now; and by the way"), id="with a text in place of the time"),
        pytest.param(
            restart("2020-01-02T03:04:05Z", spec={"containers": [{"name": "c", "image": "example.invalid/evil"}]}),
            id="with another image",
        ),
        pytest.param(restart("2020-01-02T03:04:05Z") | {"metadata": {"labels": {"a": "b"}}}, id="with a label"),
    ],
)
def test_what_rides_along_with_a_restart_is_another_change(restarted: Story, patch: Any) -> None:
    """Only the time is left out, and only if it is one."""
    name = told(restarted.agent.request("PATCH", DEPLOYMENT, restart("2020-01-02T03:04:05Z"), headers=STRATEGIC))
    assert not told(restarted.agent.request("PATCH", DEPLOYMENT, patch, headers=STRATEGIC)).startswith(name)
