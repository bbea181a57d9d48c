"""An agent that is cluster-admin by RBAC lets others write, or takes other identities: refused by default, every way.

No rule denies: what stands here is on because nobody turned it off.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin

NS = "laundering"
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

CORE = f"/api/v1/namespaces/{NS}"
MAP = f"{CORE}/configmaps/victim"
KEPT = f"{CORE}/configmaps/kept"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NS}/deployments/web"
SPACE = "/api/v1/namespaces/laundering-other"
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "0e5f3b4c-0000-4000-8000-000000000000"}
OWNED = {"metadata": {"ownerReferences": [OWNER]}}
PLAIN = {"containers": [{"name": "c", "image": "example.invalid/c"}]}
NO_TOKEN = {"automountServiceAccountToken": False, **PLAIN}


def obj(api: str, kind: str, name: str, metadata: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """An object."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **(metadata or {})}, **fields}


def deployment(spec: dict[str, Any], name: str = "web") -> dict[str, Any]:
    """A Deployment of no Pods."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return obj("apps/v1", "Deployment", name, spec={"replicas": 0, "selector": {"matchLabels": labels},
                                                    "template": template})  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """One way to one effect, and the check that stops it. A POST's body has the JSON of what is made."""

    check: str
    sentence: str
    method: str
    path: str
    body: Any = None
    content_type: str = "application/json"

    def send(self, story: Story) -> tuple[int, Any]:
        """Send it as the agent."""
        return story.agent.request(self.method, self.path, self.body, headers={"Content-Type": self.content_type})


EVICTION = obj("policy/v1", "Eviction", "web", {"namespace": NS})
TOKEN = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
DEBUG = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "example.invalid/debug"}]}}
ACCOUNT = {"kubernetes.io/service-account.name": "default"}
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
VIEW = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
CONVERSION = {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://example.invalid/"},
                                                 "conversionReviewVersions": ["v1"]}}  # fmt: skip
LEASE = obj("coordination.k8s.io/v1", "Lease", "mine", spec={"holderIdentity": "me"})
LEASES = "/apis/coordination.k8s.io/v1/namespaces"
CLASS = obj("scheduling.k8s.io/v1", "PriorityClass", "laundering", value=1000)
JOB = f"/apis/batch/v1/namespaces/{NS}/jobs/done"
CRON = f"/apis/batch/v1/namespaces/{NS}/cronjobs/nightly"
TAINT = [{"key": "a", "effect": "NoExecute"}]

ATTACKS = [
    Attack("eviction", "post", "POST", f"{CORE}/pods/web/eviction", EVICTION),
    Attack("eviction", "dry run", "POST", f"{CORE}/pods/web/eviction?dryRun=All", EVICTION),
    Attack("ephemeral-containers", "patch", "PATCH", f"{CORE}/pods/web/ephemeralcontainers", DEBUG, STRATEGIC),
    Attack("ephemeral-containers", "json patch", "PATCH", f"{CORE}/pods/web/ephemeralcontainers",
           [{"op": "add", "path": "/spec/ephemeralContainers", "value": DEBUG["spec"]["ephemeralContainers"]}],
           JSON_PATCH),
    Attack("exec", "post", "POST", f"{CORE}/pods/web/exec?command=id&stdout=true"),
    Attack("exec", "get", "GET", f"{CORE}/pods/web/exec?command=id&stdout=true"),
    Attack("exec", "attach", "POST", f"{CORE}/pods/web/attach?stdout=true"),
    Attack("exec", "port-forward", "POST", f"{CORE}/pods/web/portforward?ports=80"),
    Attack("proxy", "pod", "GET", f"{CORE}/pods/web/proxy/"),
    Attack("proxy", "pod by post", "POST", f"{CORE}/pods/web:80/proxy/x"),
    Attack("proxy", "service", "GET", f"{CORE}/services/https:web:443/proxy/"),
    Attack("proxy", "kubelet", "GET", "/api/v1/nodes/laundering-node/proxy/pods"),
    Attack("bindings", "subresource", "POST", f"{CORE}/pods/web/binding",
           obj("v1", "Binding", "web", target={"name": "n"})),
    Attack("bindings", "old way", "POST", f"{CORE}/bindings", obj("v1", "Binding", "web", target={"name": "n"})),
    Attack("token-request", "another account", "POST", f"{CORE}/serviceaccounts/default/token", TOKEN),
    Attack("token-request", "dry run", "POST", f"{CORE}/serviceaccounts/default/token?dryRun=All", TOKEN),
    Attack("token-request", "another namespace", "POST", f"{SPACE}/serviceaccounts/default/token", TOKEN),
    Attack("token-secrets", "create", "POST", f"{CORE}/secrets",
           obj("v1", "Secret", "t", {"annotations": ACCOUNT}, type="kubernetes.io/service-account-token")),
    Attack("token-secrets", "apply", "PATCH", f"{CORE}/secrets/t2?fieldManager=a",
           obj("v1", "Secret", "t2", {"annotations": ACCOUNT}, type="kubernetes.io/service-account-token"), APPLY),
    Attack("token-secrets", "bootstrap", "POST", f"{CORE}/secrets",
           obj("v1", "Secret", "bootstrap-token-abcdef", type="bootstrap.kubernetes.io/token")),
    Attack("pod-service-account", "pod", "POST", f"{CORE}/pods", obj("v1", "Pod", "p", spec=PLAIN)),
    Attack("pod-service-account", "deployment", "POST", f"/apis/apps/v1/namespaces/{NS}/deployments",
           deployment({"serviceAccountName": "admin", **PLAIN}, "d")),
    Attack("pod-service-account", "old field", "POST", f"/apis/apps/v1/namespaces/{NS}/deployments",
           deployment({"serviceAccount": "admin", **PLAIN}, "d")),
    Attack("pod-service-account", "patch", "PATCH", DEPLOYMENT,
           {"spec": {"template": {"spec": {"automountServiceAccountToken": None, "serviceAccountName": "admin"}}}},
           MERGE),
    Attack("pod-service-account", "token volume", "POST", f"{CORE}/pods",
           obj("v1", "Pod", "p", spec={**NO_TOKEN, "volumes": [
        {"name": "kube-api-access-x", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]})),
    Attack("pod-service-account", "apply", "PATCH", f"/apis/apps/v1/namespaces/{NS}/deployments/d?fieldManager=a",
           deployment(PLAIN, "d"), APPLY),
    Attack("service-account-changes", "merge patch", "PATCH", f"{CORE}/serviceaccounts/limited",
           {"metadata": {"annotations": None}}, MERGE),
    Attack("service-account-changes", "delete", "DELETE", f"{CORE}/serviceaccounts/limited"),
    Attack("service-account-changes", "secrets", "PATCH", f"{CORE}/serviceaccounts/limited",
           {"secrets": [{"name": "db"}]}, MERGE),
    Attack("owner-references", "merge patch", "PATCH", MAP, OWNED, MERGE),
    Attack("owner-references", "strategic patch", "PATCH", MAP, OWNED, STRATEGIC),
    Attack("owner-references", "json patch", "PATCH", MAP,
           [{"op": "add", "path": "/metadata/ownerReferences", "value": [OWNER]}], JSON_PATCH),
    Attack("owner-references", "apply", "PATCH", f"{MAP}?fieldManager=a",
           obj("v1", "ConfigMap", "victim", OWNED["metadata"]), APPLY),
    Attack("owner-references", "update", "PUT", MAP, obj("v1", "ConfigMap", "victim", OWNED["metadata"])),
    Attack("owner-references", "create", "POST", f"{CORE}/configmaps", obj("v1", "ConfigMap", "n", OWNED["metadata"])),
    Attack("owner-references", "status", "PATCH", f"{DEPLOYMENT}/status", OWNED, MERGE),
    Attack("owner-references", "a namespaces own", "PATCH", SPACE, OWNED, MERGE),
    Attack("finalizer-removal", "merge patch", "PATCH", KEPT, {"metadata": {"finalizers": None}}, MERGE),
    Attack("finalizer-removal", "json patch", "PATCH", KEPT,
           [{"op": "remove", "path": "/metadata/finalizers"}], JSON_PATCH),
    Attack("finalizer-removal", "update", "PUT", KEPT, obj("v1", "ConfigMap", "kept")),
    Attack("finalizer-removal", "strategic patch", "PATCH", KEPT,
           {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/a"]}}, STRATEGIC),
    Attack("namespace-finalize", "put", "PUT", f"{SPACE}/finalize",
           obj("v1", "Namespace", "laundering-other", spec={})),
    Attack("status-writes", "pod", "PATCH", f"{CORE}/pods/web/status", {"status": {"phase": "Failed"}}, MERGE),
    Attack("status-writes", "pod by apply", "PATCH", f"{CORE}/pods/web/status?fieldManager=a&force=true",
           obj("v1", "Pod", "web", status={"phase": "Failed"}), APPLY),
    Attack("status-writes", "node", "PATCH", "/api/v1/nodes/laundering-node/status",
           {"status": {"phase": "Pending"}}, MERGE),
    Attack("nodes", "taint", "PATCH", "/api/v1/nodes/laundering-node", {"spec": {"taints": TAINT}}, MERGE),
    Attack("nodes", "label", "PATCH", "/api/v1/nodes/laundering-node", {"metadata": {"labels": {"a": ""}}}, MERGE),
    Attack("nodes", "delete", "DELETE", "/api/v1/nodes/laundering-node"),
    Attack("nodes", "create", "POST", "/api/v1/nodes", obj("v1", "Node", "laundering-more")),
    Attack("nodes", "label by status", "PATCH", "/api/v1/nodes/laundering-node/status",
           {"metadata": {"labels": {"b": "c"}}}, MERGE),
    Attack("leases", "create", "POST", f"{LEASES}/laundering-other/leases", LEASE),
    Attack("leases", "delete", "DELETE", f"{LEASES}/laundering-other/leases/theirs"),
    Attack("leases", "take", "PATCH", f"{LEASES}/laundering-other/leases/theirs",
           {"spec": {"holderIdentity": "me"}}, MERGE),
    Attack("quotas", "raise", "PATCH", f"{CORE}/resourcequotas/limit", {"spec": {"hard": {"secrets": "99"}}}, MERGE),
    Attack("quotas", "delete", "DELETE", f"{CORE}/resourcequotas/limit"),
    Attack("quotas", "delete collection", "DELETE", f"{CORE}/resourcequotas"),
    Attack("quotas", "range", "POST", f"{CORE}/limitranges", obj("v1", "LimitRange", "r", spec={"limits": []})),
    Attack("priority-classes", "create", "POST", "/apis/scheduling.k8s.io/v1/priorityclasses", CLASS),
    Attack("priority-classes", "pod", "POST", f"{CORE}/pods",
           obj("v1", "Pod", "p", spec={**NO_TOKEN, "priorityClassName": "system-cluster-critical"})),
    Attack("ttl-after-finished", "job", "PATCH", JOB, {"spec": {"ttlSecondsAfterFinished": 0}}, MERGE),
    Attack("ttl-after-finished", "history", "PATCH", CRON, {"spec": {"successfulJobsHistoryLimit": 0}}, MERGE),
    Attack("namespace-labels", "merge patch", "PATCH", SPACE, {"metadata": {"labels": {"env": "dev"}}}, MERGE),
    Attack("namespace-labels", "status", "PATCH", f"{SPACE}/status", {"metadata": {"labels": {"env": "dev"}}}, MERGE),
    Attack("namespace-labels", "create", "POST", "/api/v1/namespaces",
           obj("v1", "Namespace", "x", {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}})),
    Attack("aggregated-roles", "create", "POST", ROLES, obj("rbac.authorization.k8s.io/v1", "ClusterRole", "x",
           {"labels": VIEW}, rules=[])),
    Attack("aggregated-roles", "collect", "POST", ROLES, obj("rbac.authorization.k8s.io/v1", "ClusterRole", "x",
           aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]})),
    Attack("crd-conversion", "patch", "PATCH", f"{CRDS}/gadgets.laundering.example",
           {"spec": {"conversion": CONVERSION}}, MERGE),
    Attack("api-changes", "delete", "DELETE", f"{CRDS}/gadgets.laundering.example"),
    Attack("api-changes", "annotate", "PATCH", f"{CRDS}/gadgets.laundering.example",
           {"metadata": {"annotations": {"a": "b"}}}, MERGE),
    Attack("api-changes", "unlabel", "PATCH", "/apis/apiregistration.k8s.io/v1/apiservices/v1.apps",
           {"metadata": {"labels": None}}, MERGE),
    Attack("gitops", "create", "POST", f"/apis/argoproj.io/v1alpha1/namespaces/{NS}/applications",
           obj("argoproj.io/v1alpha1", "Application", "x", spec={})),
]  # fmt: skip


def crd(group: str, plural: str, kind: str, version: str = "v1alpha1") -> dict[str, Any]:
    """A definition that takes any object."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}", spec={
        "group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
        "versions": [{"name": version, "served": True, "storage": True, "schema": schema}]})  # fmt: skip


def stage() -> list[dict[str, Any]]:
    """What stands there before the agent comes."""
    here = {"namespace": NS}
    job = {"template": {"spec": {**NO_TOKEN, "restartPolicy": "Never"}}}
    return [
        obj("v1", "Namespace", "laundering-other", {"labels": {"env": "prod"}}),
        obj("v1", "ConfigMap", "victim", here),
        obj("v1", "ConfigMap", "kept", {**here, "finalizers": ["example.com/a"]}),
        obj("v1", "Pod", "web", here, spec=NO_TOKEN),
        obj("v1", "Service", "web", here, spec={"ports": [{"port": 443}]}),
        obj("v1", "Node", "laundering-node"),
        obj("v1", "ServiceAccount", "limited",
            {**here, "annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}),
        obj("v1", "ResourceQuota", "limit", here, spec={"hard": {"secrets": "20"}}),
        obj("coordination.k8s.io/v1", "Lease", "theirs", {"namespace": "laundering-other"}, spec={}),
        {**deployment(NO_TOKEN), "metadata": {"name": "web", **here}},
        obj("batch/v1", "Job", "done", here, spec={"suspend": True, **job}),
        obj("batch/v1", "CronJob", "nightly", here, spec={"schedule": "0 3 * * *", "jobTemplate": {"spec": job}}),
        crd("laundering.example", "gadgets", "Gadget"),
        crd("argoproj.io", "applications", "Application"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose policy has no rule, and everything that it could use."""
    story = begin(kubescrow, NS)
    for each in stage():
        story.cluster.admin.ok("create", "-f", "-", stdin=json.dumps(each))
    served = f"/apis/argoproj.io/v1alpha1/namespaces/{NS}/applications"
    wait_until(lambda: story.cluster.admin.request("GET", served)[0] == 200, what="Applications are served")
    story.policy(defaults={"laundering": "Deny"})
    return story


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.check}: {attack.sentence}")
def test_refused(story: Story, attack: Attack) -> None:
    """By the check that is meant, with the remedy."""
    status, answer = attack.send(story)
    assert status == 403, answer
    assert f"kubescrow/{attack.check}: {attack.check}: " in answer["message"]
    assert f"or name {attack.check} in spec.defaults.launderingExcept of {NS}" in answer["message"]


def test_a_deploying_agent_is_not_disturbed(story: Story) -> None:
    """What kubectl does all day: create, apply, label, scale, restart, run by hand, take its own token, delete."""
    agent, here = story.agent, ("-n", NS)
    agent.ok("apply", "-f", "-", *here, stdin=json.dumps(deployment(NO_TOKEN, "mine")))
    agent.ok(
        "apply", "--server-side", "--force-conflicts", "-f", "-", *here, stdin=json.dumps(deployment(NO_TOKEN, "mine"))
    )
    agent.ok("label", "deployment", "mine", "a=b", *here)
    agent.ok("set", "image", "deployment/mine", "c=example.invalid/c2", *here)
    agent.ok("scale", "deployment", "mine", "--replicas=1", *here)
    agent.ok("rollout", "restart", "deployment/mine", *here)
    agent.ok("create", "job", "by-hand", "--from=cronjob/nightly", *here)
    agent.ok("create", "secret", "generic", "mine", "--from-literal=a=b", *here)
    agent.ok("create", "token", "bot", *here)
    agent.ok("create", "serviceaccount", "mine", *here)
    agent.ok("delete", "deployment", "mine", "--cascade=orphan", *here)
    agent.ok("delete", "pod", "web", "--force", *here)


def test_a_missing_owner_deletes(story: Story) -> None:
    """Why it is refused: what an admin so writes is gone, and nobody sent a DELETE."""
    admin = story.cluster.admin
    admin.ok("create", "configmap", "shown", "-n", NS)
    path = f"{CORE}/configmaps/shown"
    assert admin.request("PATCH", path, OWNED, headers={"Content-Type": MERGE})[0] == 200
    wait_until(lambda: admin.request("GET", path)[0] == 404, what="the garbage collector deletes it", timeout_s=30)
