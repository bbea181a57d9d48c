"""An agent that deploys as kubectl and helm do is not disturbed by any check of the laundering set."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.webhook.policy.language import asks, judged, policy
from webhook.admission.request import Request

ON: dict[str, Any] = {"defaults": {"laundering": "Deny"}}

# What `helm template` makes of the chart that `helm create` writes, with an account of its own that takes no token.
CHART = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: agents, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {a: b}}
automountServiceAccountToken: false
imagePullSecrets: [{name: registry}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: agents, annotations: {meta.helm.sh/release-name: web}}
spec: {type: ClusterIP, ports: [{port: 80, targetPort: http, name: http}], selector: {app.kubernetes.io/name: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: agents, labels: {app.kubernetes.io/managed-by: Helm}}
spec:
  replicas: 1
  selector: {matchLabels: {app.kubernetes.io/name: web}}
  template:
    metadata: {labels: {app.kubernetes.io/name: web}}
    spec:
      serviceAccountName: web
      automountServiceAccountToken: false
      containers: [{name: web, image: "registry.example/web:1", ports: [{name: http, containerPort: 80}]}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: agents}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: agents}
spec: {rules: [{host: web.example}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: agents}
spec: {minAvailable: 1, selector: {matchLabels: {app.kubernetes.io/name: web}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: agents}
data: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: sh.helm.release.v1.web.v1, namespace: agents, labels: {owner: helm, status: deployed}}
type: helm.sh/release.v1
data: {release: eA==}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web, namespace: agents}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: agents, annotations: {helm.sh/hook: pre-upgrade}}
spec:
  ttlSecondsAfterFinished: 300
  template:
    spec: {serviceAccountName: bot, restartPolicy: Never, containers: [{name: m, image: "registry.example/m:1"}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: agents}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, names: {plural: widgets, kind: Widget}, scope: Namespaced, conversion: {strategy: None}}
"""
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all(CHART))
DEPLOYMENT = OBJECTS[2]
PLURALS = {"Ingress": "ingresses"}


def sent(operation: str, obj: dict[str, Any], **more: Any) -> Request:
    """The request of one object."""
    return asks(operation, obj, resource=PLURALS.get(obj["kind"], ""), **more)


@pytest.mark.parametrize("obj", OBJECTS, ids=lambda obj: str(obj["kind"]))
def test_an_installation(obj: dict[str, Any]) -> None:
    """Each object as helm creates it."""
    assert judged(sent("CREATE", obj), policy(**ON)).findings == ()


@pytest.mark.parametrize("obj", OBJECTS, ids=lambda obj: str(obj["kind"]))
def test_an_upgrade(obj: dict[str, Any]) -> None:
    """The same over itself, as the API server has it by then: owned, with a finalizer, and kubectl's annotation."""
    owner = {"apiVersion": "example.com/v1", "kind": "App", "name": "a", "uid": "1", "controller": True}
    live = {**obj["metadata"], "ownerReferences": [owner], "finalizers": ["example.com/clean-up"]}
    applied = {**live.get("annotations", {}), "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    request = sent("UPDATE", {**obj, "metadata": {**live, "annotations": applied}}, old={**obj, "metadata": live})
    assert judged(request, policy(**ON)).findings == ()


@pytest.mark.parametrize("obj", [obj for obj in OBJECTS if obj["kind"] != "CustomResourceDefinition"],
                         ids=lambda obj: str(obj["kind"]))  # fmt: skip
def test_an_uninstallation(obj: dict[str, Any]) -> None:
    """Each object deleted; helm leaves definitions alone."""
    assert judged(asks("DELETE", resource=sent("CREATE", obj).resource.resource, old=obj), policy(**ON)).findings == ()


def test_a_scale() -> None:
    """Replicas are the business of scale-above."""
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web", "namespace": "agents"}}
    request = asks("UPDATE", scale, resource="deployments", group="apps", subresource="scale", old=scale)
    assert judged(request, policy(**ON)).findings == ()


def test_a_rollout_restart() -> None:
    """Also of a Deployment whose Pods run as somebody else: they did before."""
    spec = {
        **DEPLOYMENT["spec"]["template"]["spec"],
        "serviceAccountName": "admin",
        "automountServiceAccountToken": True,
    }
    old = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "template": {"metadata": {}, "spec": spec}}}
    mark = {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-26T00:00:00Z"}}
    new = {**old, "spec": {**old["spec"], "template": {"metadata": mark, "spec": spec}}}
    assert judged(asks("UPDATE", new, old=old), policy(**ON)).findings == ()
