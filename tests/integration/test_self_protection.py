"""An agent with all rights that RBAC can give tries to switch Kubescrow off, from inside the API.

No policy rule is needed: what stands here holds for every subject. What admission never sees (reads, impersonation,
webhook configurations) is `test_authorizer`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin

NAMESPACE = "self"
MERGE = {"Content-Type": "application/merge-patch+json"}

OURS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: kubescrow}
---
apiVersion: v1
kind: Pod
metadata: {name: webhook, namespace: kubescrow}
spec: &pod
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: webhook
    image: example.invalid/kubescrow
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: kubescrow-webhook, namespace: kubescrow}
spec:
  replicas: 0
  selector: {matchLabels: {app: w}}
  template:
    metadata: {labels: {app: w}}
    spec: {containers: [{name: webhook, image: example.invalid/kubescrow}]}
"""
"""What a real installation has in its namespace, and this one has not: its server is a process of the tests."""

EDIT = r"""
own-namespace  delete deployment kubescrow-webhook -n kubescrow
own-namespace  scale deployment kubescrow-webhook --replicas=1 -n kubescrow
own-namespace  set image deployment/kubescrow-webhook *=example.invalid/evil -n kubescrow
own-namespace  delete secret kubescrow-keys -n kubescrow
own-namespace  patch secret kubescrow-keys -p {"metadata":{"labels":{"a":"b"}}} -n kubescrow
own-namespace  patch secret kubescrow-keys -p {"metadata":{"labels":{"a":"b"}}} -n kubescrow --dry-run=server -o yaml
own-namespace  delete configmaps --all -n kubescrow
own-namespace  create configmap new -n kubescrow
own-namespace  delete pod webhook -n kubescrow
own-namespace  exec webhook -n kubescrow -- id
own-namespace  attach webhook -n kubescrow
own-namespace  create --raw /api/v1/namespaces/kubescrow/pods/webhook/eviction -f - < eviction
own-namespace  get --raw /api/v1/namespaces/kubescrow/pods/webhook/proxy/
own-namespace  get --raw /api/v1/namespaces/kubescrow/services/https:kubescrow-webhook:/proxy/
own-namespace  patch service kubescrow-webhook -p {"spec":{"externalName":"evil.example"}} -n kubescrow
own-namespace  create token kubescrow-webhook -n kubescrow
own-namespace  delete serviceaccount kubescrow-webhook -n kubescrow
kube-system    create configmap new -n kube-system
kube-system    create token clusterrole-aggregation-controller -n kube-system
kube-system    delete serviceaccount namespace-controller -n kube-system
"""
"""What the built-in role `edit` in all namespaces is enough for: the rule that stops it, and what is typed."""

CLUSTER_ADMIN = r"""
own-namespace  delete namespace kubescrow
own-namespace  label namespace kubescrow pod-security.kubernetes.io/enforce=privileged --overwrite
own-namespace  replace --raw /api/v1/namespaces/kubescrow/finalize -f - < namespace
own-namespace  create --raw /api/v1/namespaces/kubescrow/pods/webhook/binding -f - < binding
own-namespace  delete lease kubescrow-webhook -n kubescrow
own-namespace  create rolebinding new --clusterrole=admin --serviceaccount=self:bot -n kubescrow
own-types      delete agentpolicy self
own-types      delete agentpolicies --all
own-types      patch agentpolicy self --type=merge -p {"spec":{"mode":"Observe"}}
own-types      patch agentpolicy self --subresource=status --type=merge -p {"status":null}
own-types      create -f - < policy
own-crds       delete crd agentpolicies.kubescrow.dev
own-crds       delete crd --all
own-crds       label crd approvals.kubescrow.dev a=b
own-crds       patch crd approvals.kubescrow.dev --subresource=status --type=merge -p {"status":{"conditions":[]}}
own-crds       create -f - < definition
own-apiservice delete apiservice v1alpha1.kubescrow.dev
own-apiservice label apiservice v1alpha1.kubescrow.dev kube-aggregator.kubernetes.io/automanaged-
own-apiservice create -f - < apiservice
own-rbac       delete clusterrole kubescrow-webhook
own-rbac       delete clusterrolebinding kubescrow-webhook
own-rbac       create clusterrolebinding new --clusterrole=view --serviceaccount=kubescrow:kubescrow-webhook
own-rbac       create clusterrolebinding new --clusterrole=view --group=system:serviceaccounts:kubescrow
own-rbac       create clusterrolebinding new --clusterrole=kubescrow-webhook --serviceaccount=self:bot
own-rbac       create rolebinding new -n self --clusterrole=kubescrow-approver --serviceaccount=self:bot
own-flow-control delete flowschema kubescrow-agents
own-flow-control delete prioritylevelconfiguration kubescrow-agents
own-flow-control create -f - < flowschema
"""
"""What needs cluster-admin."""

TYPED = {
    "eviction": "{apiVersion: policy/v1, kind: Eviction, metadata: {name: webhook, namespace: kubescrow}}",
    "namespace": "{apiVersion: v1, kind: Namespace, metadata: {name: kubescrow}}",
    "binding": "{apiVersion: v1, kind: Binding, metadata: {name: webhook}, target: {kind: Node, name: mine}}",
    "policy": """
apiVersion: kubescrow.dev/v1alpha1
kind: AgentPolicy
metadata: {name: new}
spec: {subjects: [{user: somebody}]}
""",
    "definition": """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.kubescrow.dev}
spec:
  group: kubescrow.dev
  scope: Cluster
  names: {kind: Thing, plural: things}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
""",
    "apiservice": """
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v9.kubescrow.dev}
spec:
  group: kubescrow.dev
  version: v9
  groupPriorityMinimum: 9000
  versionPriority: 15
  insecureSkipTLSVerify: true
  service: {namespace: self, name: evil}
""",
    "flowschema": """
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: new}
spec:
  priorityLevelConfiguration: {name: catch-all}
  matchingPrecedence: 2
  rules:
  - subjects: [{kind: Group, group: {name: "system:serviceaccounts"}}]
    resourceRules: [{verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"]}]
""",
}
"""What a command reads that ends in `< NAME`."""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Iterator[Story]:
    """A cluster-admin agent under a policy without a rule; our namespace holds what a real installation has."""
    story = begin(kubescrow, NAMESPACE)
    story.policy()
    admin = story.cluster.admin
    admin.apply(OURS)
    yield story
    admin.ok("delete", "--wait=false", "--force", "-f", "-", stdin=OURS)


@pytest.fixture(scope="module")
def editor(story: Story) -> Kubectl:
    """An agent with the built-in role `edit` in the whole cluster."""
    editor = story.cluster.service_account(NAMESPACE, "editor")
    account = f"--serviceaccount={NAMESPACE}:editor"
    story.cluster.admin.ok("create", "clusterrolebinding", "self-editor", "--clusterrole=edit", account)
    wait_until(lambda: "yes" in editor.run("auth", "can-i", "create", "pods").stdout, what="the agent may edit")
    return editor


def rows(text: str) -> list[Any]:
    """Read lines of a rule and a command; the command is the id."""
    lines = (line.partition(" ") for line in text.strip().splitlines())
    return [pytest.param(rule, command.strip(), id=command.strip()) for rule, _, command in lines]


def refused(agent: Kubectl, command: str) -> str:
    """Type a command, which must fail; return what it says. Words end at spaces, and quotes stand for themselves."""
    typed, _, reads = command.partition(" < ")
    return agent.fails(*typed.split(), stdin=json.dumps(yaml.safe_load(TYPED[reads])) if reads else None)


@pytest.mark.parametrize(("rule", "command"), [*rows(EDIT), *rows(CLUSTER_ADMIN)])
def test_a_cluster_admin_agent_is_refused(story: Story, rule: str, command: str) -> None:
    """The answer names the always-on rule, and says that only a person can do it."""
    refusal = refused(story.agent, command)
    assert f"kubescrow/{rule}: " in refusal, refusal
    assert "ask a person to do it" in refusal


@pytest.mark.parametrize(("rule", "command"), rows(EDIT))
def test_an_agent_with_the_role_edit_is_refused(editor: Kubectl, rule: str, command: str) -> None:
    """RBAC lets it do all of this."""
    assert f"kubescrow/{rule}: " in refused(editor, command)


@pytest.mark.parametrize("kind", ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"])
@pytest.mark.parametrize("name", ["kubescrow-guards", "kubescrow-policies"])
def test_an_agent_with_the_role_edit_may_not_touch_our_configuration(editor: Kubectl, kind: str, name: str) -> None:
    """Webhook configurations never reach a webhook; `edit` can neither read nor write them."""
    assert f'cannot delete resource "{kind}s"' in editor.fails("delete", kind, name)
    assert f'cannot get resource "{kind}s"' in editor.fails("get", kind, name)
    path = f"/apis/admissionregistration.k8s.io/v1/{kind}s/{name}"
    assert editor.request("PATCH", path, {"webhooks": []}, headers=MERGE)[0] == 403


def test_an_agent_cannot_decide_or_forge_or_remove_an_approval(story: Story) -> None:
    """Not by annotation, not by writing the signed list or the status itself, not by making or deleting one."""
    story.policy({"name": "hold", "match": {"resources": ["configmaps"]}, "action": "Hold", "hold": {"wait": "0s"}})
    name = story.asks("create", "configmap", "wanted", "-n", NAMESPACE)
    story.reaches(name, "Pending")
    stored = story.cluster.admin.json("get", "approval", name)
    collection = "/apis/kubescrow.dev/v1alpha1/approvals"
    forged = {**stored, "metadata": {"name": "appr-0000000000000000"}, "status": {"state": "Approved"}}
    tries = [
        ("PATCH", f"{collection}/{name}", {"metadata": {"annotations": {"kubescrow.dev/decision": "approved"}}}),
        ("PATCH", f"{collection}/{name}", {"metadata": {"annotations": {"kubescrow.dev/decisions": "[]"}}}),
        ("PATCH", f"{collection}/{name}/status", {"status": {"state": "Approved"}}),
        ("POST", collection, forged),
        ("DELETE", f"{collection}/{name}", None),
        ("DELETE", collection, None),
    ]
    for method, path, body in tries:
        headers = MERGE if method == "PATCH" else None
        assert story.agent.request(method, path, body, headers=headers)[0] == 403, (method, path)
    assert story.cluster.admin.json("get", "approval", name) == stored


@pytest.fixture(scope="module")
def static_token(story: Story) -> str:
    """A token of the agent as they were made before bound ones: kept in a Secret, without an id and without an end."""
    admin = story.cluster.admin
    metadata = {"name": "static", "annotations": {"kubernetes.io/service-account.name": "bot"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}
    admin.ok("create", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(secret))
    template = "go-template={{with .data.token}}{{. | base64decode}}{{end}}"
    read = ("get", "secret", "static", "-n", NAMESPACE, "-o", template)
    return wait_until(lambda: admin.ok(*read), what="the controller has made the token")


def test_a_static_token_of_an_agent_is_refused(story: Story, static_token: str) -> None:
    """Nobody can tell who holds a copy of it; the agent's short-lived token is good for the same request."""
    story.policy()
    create = ("create", "configmap", "x", "-n", NAMESPACE)
    refusal = story.agent.fails("--token", static_token, *create)
    assert "kubescrow/unbound-token: CREATE configmaps self/x comes with a ServiceAccount credential without" in refusal
    assert "created" in story.agent.ok(*create)


def test_who_impersonates_an_agent_is_refused(story: Story) -> None:
    """Also a cluster-admin: every record would say that it was the agent."""
    who = f"--as=system:serviceaccount:{NAMESPACE}:bot"
    refusal = story.cluster.admin.fails(who, "create", "configmap", "y", "-n", NAMESPACE)
    assert "kubescrow/unbound-token: " in refusal
