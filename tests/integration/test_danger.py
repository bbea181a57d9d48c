"""The RBAC danger set, scale-above and bound-token against an agent that RBAC allows everything, by every way it has.

Each row is a check and what is typed. What Secrets answer with is `test_secret_reads`; every case of every check is
`test_cases`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin

NAMESPACE = "danger"

STANDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: danger-old}
rules: [{apiGroups: [""], resources: [secrets], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: danger-old}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: plain, namespace: danger}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: v1
kind: ReplicationController
metadata: {name: web, namespace: danger}
spec:
  replicas: 0
  selector: {app: rc}
  template: {metadata: {labels: {app: rc}}, spec: {containers: [{name: c, image: example.invalid/c}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: old, namespace: danger}
spec: {maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: nothing}}
"""
"""What others made before: dangerous things among plain ones."""

WORKLOADS = (("Deployment", "web", 0), ("ReplicaSet", "web", 0), ("StatefulSet", "web", 0), ("Deployment", "big", 4))
"""Kind, name and replicas of what stands there beside."""

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.danger.example}
spec:
  group: danger.example
  scope: Namespaced
  names: {kind: Rollout, plural: rollouts}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {scale: {specReplicasPath: .spec.deep.many, statusReplicasPath: .status.many}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""

ROLE = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: danger-new}, rules: [%s]}"
AUTOSCALER = """{apiVersion: autoscaling/%s, kind: HorizontalPodAutoscaler, metadata: {name: new, namespace: danger},
  spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}"""
POD = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "example.invalid/c"}]}
JOB = {"parallelism": 3, "template": {"spec": POD}}
TYPED = {
    "nodes": ROLE % "{apiGroups: [''], resources: [nodes/proxy], verbs: [get]}",
    "signers": ROLE % "{apiGroups: [certificates.k8s.io], resources: [signers], verbs: [approve]}",
    "urls": ROLE % "{nonResourceURLs: ['*'], verbs: [get]}",
    "identities": ROLE % "{apiGroups: [authentication.k8s.io], resources: [users], verbs: ['impersonate:user-info']}",
    "old-autoscaler": AUTOSCALER % "v1",
    "autoscaler": AUTOSCALER % "v2",
    "job": json.dumps({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "new"}, "spec": JOB}),
    "cron-job": json.dumps({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "new"},
                            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": JOB}}}),
    "three": "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3}}",
}  # fmt: skip
"""What a command reads that ends in `< NAME`."""

REFUSED = r"""
grants-secrets        create clusterrole danger-new --verb=get --resource=secrets
grants-secrets        create clusterrole danger-new --verb=get --resource=secrets --dry-run=server
grants-secrets        create role new --verb=get --resource=secrets --resource-name=one -n danger
grants-secrets        patch role plain -n danger --type=merge -p {"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["list"]}]}
grants-secrets        patch role plain -n danger --type=json -p [{"op":"replace","path":"/rules/0/resources/0","value":"secrets"}]
grants-secrets        patch clusterrole danger-old --type=json -p [{"op":"add","path":"/rules/0/apiGroups/-","value":"apps"}]
grants-tokens         patch role plain -n danger --type=json -p [{"op":"add","path":"/rules/0/resources/-","value":"serviceaccounts/token"}]
grants-pod-access     create role new --verb=create --resource=pods/exec -n danger
grants-wildcards      create role new --verb=* --resource=configmaps -n danger
grants-wildcards      create -f - < urls
grants-node-access    create -f - < nodes
grants-node-access    apply -f - < nodes
grants-node-access    apply --server-side -f - < nodes
grants-node-access    auth reconcile -f - < nodes
grants-certificates   create -f - < signers
grants-escalation     create -f - < identities
grants-escalation     create clusterrole danger-new --verb=bind --resource=clusterroles --resource-name=view
grants-rbac           create clusterrole danger-new --verb=create --resource=rolebindings
grants-volumes        create clusterrole danger-new --verb=create --resource=persistentvolumes
grants-api-types      create clusterrole danger-new --verb=patch --resource=customresourcedefinitions
grants-admission      create clusterrole danger-new --verb=get --resource=validatingwebhookconfigurations
grants-approval       create clusterrole danger-new --verb=patch --resource=agentpolicies.kubescrow.dev
aggregates-roles      create clusterrole danger-new --aggregation-rule=team=danger
aggregates-roles      patch clusterrole danger-old --type=merge -p {"aggregationRule":{"clusterRoleSelectors":[{}]}}
binds-powerful-roles  create clusterrolebinding danger-new --clusterrole=cluster-admin --serviceaccount=danger:bot
binds-powerful-roles  create rolebinding new --clusterrole=edit --serviceaccount=danger:bot -n danger
binds-powerful-roles  set subject clusterrolebinding danger-old --serviceaccount=danger:bot
binds-powerful-roles  patch clusterrolebinding danger-old --type=json -p [{"op":"replace","path":"/subjects/0/name","value":"eve"}]
binds-powerful-roles  create clusterrolebinding danger-new --clusterrole=system:node --user=eve
binds-unlisted-roles  create rolebinding new --clusterrole=danger-old --serviceaccount=danger:bot -n danger
binds-unlisted-roles  create rolebinding new --role=plain --serviceaccount=danger:bot -n danger
binds-system-subjects create clusterrolebinding danger-new --clusterrole=view --group=system:authenticated
binds-system-subjects create rolebinding new --clusterrole=view --serviceaccount=kube-system:default -n danger
scale-above           scale deployment web --replicas=3 -n danger
scale-above           scale statefulset web --replicas=3 -n danger
scale-above           scale replicaset web --replicas=3 -n danger
scale-above           scale replicationcontroller web --replicas=3 -n danger
scale-above           scale rollout web --replicas=3 -n danger
scale-above           patch deployment web --subresource=scale --type=merge -p {"spec":{"replicas":3}} -n danger
scale-above           patch deployment web -p {"spec":{"replicas":3}} -n danger
scale-above           patch replicationcontroller web -p {"spec":{"replicas":3}} -n danger
scale-above           apply --server-side --force-conflicts -n danger -f - < three
scale-above           create deployment new --image=example.invalid/c --replicas=3 -n danger
scale-above           scale deployment big --replicas=5 -n danger
scale-above           create --raw /apis/autoscaling/v1/namespaces/danger/horizontalpodautoscalers -f - < old-autoscaler
scale-above           create --raw /apis/autoscaling/v2/namespaces/danger/horizontalpodautoscalers -f - < autoscaler
scale-above           patch hpa old -n danger -p {"spec":{"minReplicas":3}}
scale-above           patch hpa old -n danger -p {"spec":{"scaleTargetRef":{"name":"web"}}}
scale-above           create -n danger -f - < job
scale-above           create -n danger -f - < cron-job
"""  # noqa: E501 - a command is one line

PASSES = r"""
label clusterrole danger-old a=b
patch clusterrole danger-old --type=json -p [{"op":"replace","path":"/rules/0/verbs","value":["get"]}]
label clusterrolebinding danger-old a=b
annotate clusterrolebinding danger-old a=b
patch clusterrolebinding danger-old --type=merge -p {"subjects":[]}
create role fine --verb=get,list --resource=configmaps,pods/log -n danger
create rolebinding fine --clusterrole=view --serviceaccount=danger:bot -n danger
delete rolebinding fine -n danger
label deployment big a=b -n danger
scale deployment big --replicas=4 -n danger
scale deployment big --replicas=3 -n danger
scale deployment web --replicas=2 -n danger
scale deployment web --replicas=0 -n danger
scale rollout web --replicas=2 -n danger
patch hpa old -n danger -p {"spec":{"maxReplicas":8}}
"""
"""What adds nothing dangerous and raises nothing, in this order."""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Iterator[Story]:
    """A cluster-admin agent under all of these checks."""
    story = begin(kubescrow, NAMESPACE)
    admin = story.cluster.admin
    admin.apply(DEFINITION)
    admin.ok("wait", "--for=condition=Established", "crd/rollouts.danger.example")
    admin.apply(STANDING)
    for workload in _workloads():
        admin.ok("create", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(workload))
    rollout = {"apiVersion": "danger.example/v1", "kind": "Rollout", "metadata": {"name": "web"}}
    admin.ok("create", "-n", NAMESPACE, "-f", "-", stdin=json.dumps({**rollout, "spec": {"deep": {"many": 1}}}))
    story.policy(
        {"name": "danger", "check": "rbac-danger", "action": "Deny"},
        {"name": "scale", "check": "scale-above", "parameters": {"replicas": 2}, "action": "Deny"},
        {"name": "bound", "check": "bound-token", "action": "Deny"},
        defaults={"unboundToken": "Allow"},
    )
    yield story
    kubescrow.remove(NAMESPACE)
    admin.ok("delete", "deployments,replicasets,statefulsets", "--all", "-n", NAMESPACE)
    admin.ok("delete", "--wait=false", "-f", "-", stdin=f"{STANDING}---{DEFINITION}")


def _workloads() -> Iterator[dict[str, Any]]:
    for kind, name, replicas in WORKLOADS:
        labels = {"app": f"{kind}-{name}"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": POD["containers"]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        yield {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def rows() -> list[Any]:
    """Read lines of a check and a command; the command is the id."""
    lines = (line.split(maxsplit=1) for line in REFUSED.strip().splitlines())
    return [pytest.param(check, command, id=command) for check, command in lines]


@pytest.mark.parametrize(("check", "command"), rows())
def test_each_way_is_refused(story: Story, check: str, command: str) -> None:
    """The answer names the check."""
    typed, _, reads = command.partition(" < ")
    stdin = json.dumps(yaml.safe_load(TYPED[reads])) if reads else None
    assert f"{check}: " in story.agent.fails(*typed.split(), stdin=stdin)


def test_what_adds_nothing_passes(story: Story) -> None:
    """Dangerous things that stand there can be labelled and made smaller, and work goes on below the limits."""
    for command in PASSES.strip().splitlines():
        story.agent.ok(*command.split())


def test_a_static_token_is_refused_by_the_check(story: Story) -> None:
    """Where the always-on rule is turned off; a bound token is good for the same request."""
    admin = story.cluster.admin
    metadata = {"name": "static", "annotations": {"kubernetes.io/service-account.name": "bot"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}
    admin.ok("create", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(secret))
    template = "go-template={{with .data.token}}{{. | base64decode}}{{end}}"
    read = ("get", "secret", "static", "-n", NAMESPACE, "-o", template)
    token = wait_until(lambda: admin.ok(*read), what="the controller has made the token")
    create = ("create", "configmap", "x", "-n", NAMESPACE)
    assert "danger/bound: bound-token: CREATE configmaps danger/x" in story.agent.fails("--token", token, *create)
    story.agent.ok(*create)
