"""Requests that change nothing, of every kind that admission knows: what `test_same_as_the_api_server` sends.

No reviews (authentication.k8s.io, authorization.k8s.io): kube-apiserver 1.37 does not show them to webhooks at all.
"""

from collections.abc import Iterator
from typing import Any

from tests.controlplane.controlplane import ControlPlane

Ask = tuple[str, str, Any]
"""Method, path, body."""

MERGE = {"Content-Type": "application/merge-patch+json"}
POD = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "c",
            "image": "c",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}
SCALER = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, "maxReplicas": 2}
DEPLOYMENT = {
    "replicas": 0,
    "selector": {"matchLabels": {"app": "x"}},
    "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": POD["containers"]}},
}
NAMESPACED: dict[tuple[str, str], dict[str, Any]] = {
    ("api/v1", "pods"): {"spec": POD},
    ("api/v1", "configmaps"): {},
    ("api/v1", "secrets"): {},
    ("api/v1", "events"): {"involvedObject": {"kind": "Pod", "name": "x"}, "reason": "Seen"},
    ("apis/events.k8s.io/v1", "events"): {
        "regarding": {"kind": "Pod", "name": "x"},
        "reason": "Seen",
        "action": "See",
        "type": "Normal",
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "example.org/x",
        "reportingInstance": "x",
    },
    ("apis/coordination.k8s.io/v1", "leases"): {},
    ("apis/apps/v1", "deployments"): {"spec": DEPLOYMENT},
    ("apis/autoscaling/v1", "horizontalpodautoscalers"): {"spec": SCALER},
    ("apis/autoscaling/v2", "horizontalpodautoscalers"): {"spec": SCALER},
    ("apis/rbac.authorization.k8s.io/v1", "roles"): {},
}
NAMESPACES = ("agents", "default", "kube-system", "kubescrow")
DRY = "?dryRun=All"


def stand(controlplane: ControlPlane) -> None:
    """Make what the requests touch."""
    for namespace in ("agents", "agents-2"):
        controlplane.namespace(namespace)
    for version, resource in NAMESPACED:
        if (version, resource) != ("apis/autoscaling/v2", "horizontalpodautoscalers"):
            body = _body(version, resource, "agents")
            status, answer = controlplane.admin.request("POST", f"/{version}/namespaces/agents/{resource}", body)
            assert status in {201, 409}, answer


def asks() -> Iterator[Ask]:
    """Yield them all."""
    for version, resource in NAMESPACED:
        for namespace in NAMESPACES:
            body = _body(version, resource, namespace)
            yield "POST", f"/{version}/namespaces/{namespace}/{resource}{DRY}", body
        yield "DELETE", f"/{version}/namespaces/agents/{resource}/x{DRY}", None
        patched = {"metadata": {"labels": {"a": "b"}}}
        yield "PATCH", f"/{version}/namespaces/agents/{resource}/x{DRY}", patched
    pod, deployment = "/api/v1/namespaces/agents/pods/x", "/apis/apps/v1/namespaces/agents/deployments/x"
    yield "POST", f"{pod}/eviction{DRY}", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "x"}}
    yield "POST", f"{pod}/exec?command=ls", None
    yield "PATCH", f"{pod}/status{DRY}", {"status": {"reason": "x"}}
    yield "PATCH", f"{deployment}/scale{DRY}", {"spec": {"replicas": 1}}
    yield "PATCH", f"{deployment}/status{DRY}", {"metadata": {"labels": {"a": "b"}}}
    yield "POST", f"/api/v1/namespaces/agents/serviceaccounts/default/token{DRY}", {"spec": {"audiences": ["x"]}}
    yield "POST", f"/api/v1/namespaces{DRY}", {"metadata": {"name": "x"}}
    for namespace in ("kubescrow", "agents"):
        yield "DELETE", f"/api/v1/namespaces/{namespace}{DRY}", None
        yield "PATCH", f"/api/v1/namespaces/{namespace}{DRY}", {"metadata": {"labels": {"a": "b"}}}
    yield "POST", f"/apis/rbac.authorization.k8s.io/v1/clusterroles{DRY}", {"metadata": {"name": "x"}}
    policy = {"subjects": [{"user": "nobody"}], "rules": []}
    yield "POST", f"/apis/kubescrow.dev/v1alpha1/agentpolicies{DRY}", _object("AgentPolicy", policy)


def headers(ask: Ask) -> dict[str, str]:
    """Return what must stand above a request beside the usual."""
    return MERGE if ask[0] == "PATCH" else {}


def _body(version: str, resource: str, namespace: str) -> dict[str, Any]:
    body = {**NAMESPACED[version, resource], "metadata": {"name": _name(version), "namespace": namespace}}
    for key in ("involvedObject", "regarding"):
        if key in body:
            body[key] = {**body[key], "namespace": namespace}
    return body


def _name(version: str) -> str:
    return "x2" if version == "apis/events.k8s.io/v1" else "x"  # both kinds of Events lie in one place


def _object(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "kubescrow.dev/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
