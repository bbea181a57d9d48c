"""Every way of writing that Kubernetes has: each can be denied by a rule, and each that may be held is held.

The agent is cluster-admin; requests are sent as they are, so that each verb is exactly the one in the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.installation import Installation
from tests.integration.story import Story, begin, told

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
PODS = ("evicted", "bound", "debugged", "reached", "resized")
SAMPLE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "there"}, "data": {"a": "b"}}
CONTAINER = {"name": "c", "image": "example.invalid/c", "resources": {"requests": {"cpu": "1m"}}}


@dataclass(frozen=True)
class Write:
    """One way of writing: what a rule calls it, and how it is sent. `{ns}` stands for the agent's namespace."""

    sentence: str
    operation: str
    resource: str
    method: str
    path: str
    body: Any = None
    content_type: str = "application/json"
    group: str = ""

    def send(self, story: Story) -> tuple[int, Any]:
        """Send it as the agent."""
        status, answer = story.agent.request(
            self.method,
            self.path.format(ns=story.namespace),
            self.body,
            headers={"Content-Type": self.content_type},
        )
        return status, answer

    def rule(self, action: str) -> dict[str, Any]:
        """A rule that is about this write only."""
        match = {"operations": [self.operation], "apiGroups": [self.group], "resources": [self.resource]}
        terms = {"hold": {"wait": "0s"}} if action == "Hold" else {}
        return {"name": self.sentence.replace(" ", "-").lower(), "match": match, "action": action, **terms}


def pod(name: str, subresource: str) -> str:
    """The path of a Pod's subresource."""
    return f"/api/v1/namespaces/{{ns}}/pods/{name}/{subresource}"


MAPS = "/api/v1/namespaces/{ns}/configmaps"
DEPLOYMENT = "/apis/apps/v1/namespaces/{ns}/deployments/web"
TOKEN = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "evicted"}}
BINDING = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "bound"}, "target": {"name": "node"}}
DEBUG = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "example.invalid/debug"}]}}
RESIZE = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "2m"}}}]}}
APPLIED = {**SAMPLE, "metadata": {"name": "applied"}}
CHANGE = [{"op": "add", "path": "/data/x", "value": "1"}]
SPARE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "contract-spare"}, "spec": {"finalizers": []}}

WRITES = [
    Write("create", "CREATE", "configmaps", "POST", MAPS, {**SAMPLE, "metadata": {"name": "made"}}),
    Write("update", "UPDATE", "configmaps", "PUT", f"{MAPS}/there", {**SAMPLE, "data": {"a": "c"}}),
    Write("json patch", "UPDATE", "configmaps", "PATCH", f"{MAPS}/there", CHANGE, JSON_PATCH),
    Write("merge patch", "UPDATE", "configmaps", "PATCH", f"{MAPS}/there", {"data": {"y": "1"}}, MERGE_PATCH),
    Write("strategic patch", "UPDATE", "configmaps", "PATCH", f"{MAPS}/there", {"data": {"z": "1"}}, STRATEGIC_PATCH),
    Write("apply that creates", "CREATE", "configmaps", "PATCH", f"{MAPS}/applied?fieldManager=t", APPLIED, APPLY),
    Write("apply that updates", "UPDATE", "configmaps", "PATCH", f"{MAPS}/there?fieldManager=t&force=true",
          {**SAMPLE, "data": {"q": "1"}}, APPLY),
    Write("delete", "DELETE", "configmaps", "DELETE", f"{MAPS}/gone"),
    Write("scale", "UPDATE", "deployments/scale", "PATCH", f"{DEPLOYMENT}/scale", {"spec": {"replicas": 2}},
          MERGE_PATCH, group="apps"),
    Write("status", "UPDATE", "deployments/status", "PATCH", f"{DEPLOYMENT}/status", {"status": {"replicas": 7}},
          MERGE_PATCH, group="apps"),
    Write("eviction", "CREATE", "pods/eviction", "POST", pod("evicted", "eviction"), EVICTION),
    Write("binding", "CREATE", "pods/binding", "POST", pod("bound", "binding"), BINDING),
    Write("debug container", "UPDATE", "pods/ephemeralcontainers", "PATCH", pod("debugged", "ephemeralcontainers"),
          DEBUG, STRATEGIC_PATCH),
    Write("resize", "UPDATE", "pods/resize", "PATCH", pod("resized", "resize"), RESIZE, STRATEGIC_PATCH),
    Write("token", "CREATE", "serviceaccounts/token", "POST",
          "/api/v1/namespaces/{ns}/serviceaccounts/default/token", TOKEN),
    Write("finalize", "UPDATE", "namespaces/finalize", "PUT", "/api/v1/namespaces/contract-spare/finalize", SPARE),
    Write("exec", "CONNECT", "pods/exec", "POST", pod("reached", "exec?command=ls&stdout=true")),
    Write("exec by get", "CONNECT", "pods/exec", "GET", pod("reached", "exec?command=id&stdout=true")),
    Write("attach", "CONNECT", "pods/attach", "POST", pod("reached", "attach?stdout=true")),
    Write("port forward", "CONNECT", "pods/portforward", "POST", pod("reached", "portforward?ports=80")),
]  # fmt: skip
"""What may be denied and may be held."""

DENIED_ONLY = [
    (
        Write("collection", "DELETE", "configmaps", "DELETE", f"{MAPS}?labelSelector=many"),
        "delete the objects one by one, by name",
    ),
    (Write("pod proxy", "CONNECT", "pods/proxy", "GET", pod("reached", "proxy/")), "use exec or port-forward"),
    (
        Write("pod proxy by post", "CONNECT", "pods/proxy", "POST", pod("reached", "proxy/x")),
        "use exec or port-forward",
    ),
    (
        Write("service proxy", "CONNECT", "services/proxy", "GET", "/api/v1/namespaces/{ns}/services/web:80/proxy/"),
        "use exec or port-forward",
    ),
    (Write("node proxy", "CONNECT", "nodes/proxy", "GET", "/api/v1/nodes/node/proxy/"), "use exec or port-forward"),
]
"""What may be denied, and is denied with this advice where a rule would hold it."""

ALL = [*WRITES, *(write for write, _ in DENIED_ONLY)]


@pytest.fixture(scope="module")
def denied(kubescrow: Installation) -> Iterator[Story]:
    """A story whose policy denies each of the writes by a rule of its own."""
    yield from told_story(kubescrow, "contract-denied", "Deny")


@pytest.fixture(scope="module")
def held(kubescrow: Installation) -> Iterator[Story]:
    """A story whose policy holds each of them."""
    yield from told_story(kubescrow, "contract-held", "Hold")


def told_story(kubescrow: Installation, namespace: str, action: str) -> Iterator[Story]:
    """Make the objects, as the admin, that the writes are about."""
    story = begin(kubescrow, namespace)
    admin = story.cluster.admin
    where = ("-n", namespace)
    admin.ok("create", "-f", "-", *where, stdin=str(SAMPLE).replace("'", '"'))
    for name in ("gone", "many-1", "many-2"):
        admin.ok("create", "configmap", name, *where)
    admin.ok("label", "configmap", "many-1", "many-2", "many=", *where)
    admin.ok("create", "deployment", "web", "--image=example.invalid/web", "--replicas=0", *where)
    for name in PODS:
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [CONTAINER]}}
        admin.ok("create", "-f", "-", *where, stdin=str(made).replace("'", '"'))
    admin.run("create", "namespace", "contract-spare")
    story.policy(*(write.rule(action) for write in ALL))
    yield story
    admin.ok("delete", "pods", "--all", "--force", *where)


@pytest.mark.parametrize("write", ALL, ids=lambda write: str(write.sentence))
def test_each_way_of_writing_can_be_denied(denied: Story, write: Write) -> None:
    """The answer names the rule; nobody is asked."""
    status, answer = write.send(denied)
    assert (status, answer["reason"]) == (403, "Forbidden"), answer
    assert f"{denied.namespace}/{write.rule('Deny')['name']}: " in answer["message"]
    assert denied.mine() == []


@pytest.mark.parametrize("write", WRITES, ids=lambda write: str(write.sentence))
def test_each_way_that_may_be_held_is_held_and_passes_once_approved(held: Story, write: Write) -> None:
    """Refused until a person approved, then it passes, once: what a container would do further is the kubelet's."""
    status, answer = write.send(held)
    assert status == 403, answer
    name = told(answer["message"])
    held.approve(name)
    status, answer = write.send(held)
    assert status < 300 or (write.operation == "CONNECT" and status in {400, 500, 503}), answer
    assert held.state(name) == "Used"


@pytest.mark.parametrize(("write", "advice"), DENIED_ONLY, ids=lambda given: str(getattr(given, "sentence", "")))
def test_what_no_approval_could_describe_is_denied_with_advice(held: Story, write: Write, advice: str) -> None:
    """A proxied call may be anything, and a collection is whatever is in it by then."""
    status, answer = write.send(held)
    assert status == 403, answer
    assert advice in answer["message"]
    assert "APPROVAL_REQUIRED" not in answer["message"]
