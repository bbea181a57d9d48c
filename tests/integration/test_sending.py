"""Every kind of write reaches the webhook: what an agent can send, each refused by a policy that allows nothing.

That is also the proof that what `sending` sends is the request that it was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.installation import Installation
from tests.integration.sending import Sender
from tests.integration.story import Story, begin
from tests.webhook.policy.language import asks
from webhook.admission.request import Request

NAMESPACE = "sending"
IMAGE = "registry.example/api:1"
API = {"name": "api", "image": IMAGE}


def thing(kind: str, api_version: str = "v1", **fields: Any) -> dict[str, Any]:
    """Write an object called web."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "namespace": NAMESPACE}, **fields}


def scale(replicas: int) -> dict[str, Any]:
    """Write a Scale."""
    return thing("Scale", "autoscaling/v1", spec={"replicas": replicas})


POD = thing("Pod", spec={"containers": [API]})
CHANGED = thing("Pod", spec={"containers": [{**API, "image": "registry.example/api:2"}]})
DEBUGGED = thing("Pod", spec={"containers": [API], "ephemeralContainers": [{"name": "debug", "image": IMAGE}]})
RESIZED = thing("Pod", spec={"containers": [{**API, "resources": {"requests": {"cpu": "1"}}}]})
LIMITED = thing("Pod", spec={"containers": [{**API, "resources": {"requests": {"cpu": "2"}}}]})
READY = thing("Pod", spec={"containers": [API]}, status={"message": "fine"})
SECRET = thing("Secret", stringData={"a": "b"})
TARGET = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "sending-target"}}


def connects(subresource: str, resource: str = "pods", **options: Any) -> Request:
    """Write a CONNECT."""
    call = {"kind": "Options", **options}
    return asks("CONNECT", call, resource=resource, subresource=subresource, group="", name="web", namespace=NAMESPACE)


MATRIX = {
    "create": asks("CREATE", POD),
    "update": asks("UPDATE", CHANGED, old=POD),
    "delete": asks("DELETE", old=SECRET),
    "delete a collection": asks("DELETE", old=SECRET, name=""),
    "scale": asks("UPDATE", scale(3), old=scale(1), resource="deployments", subresource="scale", group="apps"),
    "status": asks("UPDATE", READY, old=POD, subresource="status"),
    "debug container": asks("UPDATE", DEBUGGED, old=POD, subresource="ephemeralcontainers"),
    "resize": asks("UPDATE", RESIZED, old=LIMITED, subresource="resize"),
    "finalize": asks("UPDATE", {**TARGET, "spec": {"finalizers": []}}, old=TARGET, subresource="finalize"),
    "evict": asks("CREATE", thing("Eviction", "policy/v1"), resource="pods", subresource="eviction", group=""),
    "bind": asks(
        "CREATE", thing("Binding", target={"kind": "Node", "name": "n"}), resource="pods", subresource="binding"
    ),
    "token": asks(
        "CREATE",
        thing("TokenRequest", "authentication.k8s.io/v1", spec={}),
        resource="serviceaccounts",
        subresource="token",
        group="",
    ),
    "exec": connects("exec", command=["ls", "-l"], stdout=True),
    "attach": connects("attach", stdout=True),
    "port-forward": connects("portforward", ports=[80]),
    "proxy to a Pod": connects("proxy", path="/healthz"),
    "proxy to a Service": connects("proxy", "services", path="/healthz"),
    "proxy to a node": asks("CONNECT", None, resource="nodes", subresource="proxy", name="web"),
}


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent that may do nothing."""
    story = begin(kubescrow, NAMESPACE)
    story.policy(unmatched="Deny")
    return story


@pytest.fixture(scope="module")
def sender(story: Story) -> Iterator[Sender]:
    """Sends as this agent."""
    with story.cluster.admin.connect() as admin, story.agent.connect() as agent:
        yield Sender(story.cluster, admin, agent)


@pytest.mark.parametrize("request_", [pytest.param(request, id=name) for name, request in MATRIX.items()])
def test_every_write_is_judged(sender: Sender, request_: Request) -> None:
    """And refused by name: operation and resource are those that were meant."""
    sent = sender.send(request_)
    assert sent.status == 403, sent
    [finding] = sent.findings(f"{NAMESPACE}/unmatched")
    resource = f"{request_.resource.resource}{f'.{request_.resource.group}' if request_.resource.group else ''}"
    path = f"{resource}/{request_.subresource}" if request_.subresource else resource
    assert finding.startswith(f"{request_.operation} {path} "), finding
    assert finding.endswith(" is covered by no rule of this policy"), finding


@pytest.mark.parametrize(
    ("content_type", "query"),
    [
        ("application/merge-patch+json", ""),
        ("application/strategic-merge-patch+json", ""),
        ("application/apply-patch+yaml", "&fieldManager=agent&force=true"),
    ],
)
def test_every_patch_is_judged(story: Story, content_type: str, query: str) -> None:
    """As the CREATE or UPDATE that comes out of it."""
    written = thing("ConfigMap", data={"a": "b"})
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    story.cluster.admin.request("POST", path, written)
    status, answer = story.agent.request(
        "PATCH", f"{path}/web?dryRun=All{query}", {**written, "data": {"a": "c"}}, {"Content-Type": content_type}
    )
    assert status == 403, answer
    assert f"{NAMESPACE}/unmatched: UPDATE configmaps {NAMESPACE}/web" in answer["message"]
