"""With Kubescrow as an authorizer in front of RBAC, agents are also stopped where admission is never asked.

That is: reading our keys, impersonating anybody, and changing what decides which requests reach a webhook.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin

NAMESPACE = "authorizer"
OURSELVES = "--as=system:serviceaccount:kubescrow:kubescrow-webhook"
VALIDATING = "validatingwebhookconfiguration"
CONFIGURATIONS = f"/apis/admissionregistration.k8s.io/v1/{VALIDATING}s"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
REWRITE = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: rewrite-decisions}
spec: {policyName: rewrite-decisions}
"""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Iterator[Story]:
    """A cluster-admin agent; kube-apiserver asks Kubescrow before RBAC about this agent's namespace only."""
    story = begin(kubescrow, NAMESPACE)
    story.policy()
    secret = base64.b64decode(kubescrow.keys()["authorizer-path"]).decode()
    story.cluster.use_authorizer(
        f"https://localhost:{kubescrow.port}/{secret}/authorizer",
        kubescrow.ca_pem(),
        [f"request.user.startsWith('system:serviceaccount:{NAMESPACE}:')"],
    )
    yield story
    story.cluster.drop_authorizer()


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("get secret kubescrow-keys -n kubescrow", "do not touch Secrets of namespace kubescrow"),
        ("get secrets -n kubescrow", "do not touch Secrets of namespace kubescrow"),
        ("get --raw /api/v1/namespaces/kubescrow/secrets?watch=1", "do not touch Secrets of namespace kubescrow"),
        ("get secrets -A", "do not touch Secrets of all namespaces at once"),
        ("get --raw /api/v1/secrets?watch=1", "do not touch Secrets of all namespaces at once"),
        ("create configmap new -n kubescrow", "do not write to namespace kubescrow"),
        ("create token kubescrow-webhook -n kubescrow", "do not write to namespace kubescrow"),
        (f"get secrets -n kubescrow {OURSELVES}", "agents do not impersonate"),
        ("get configmaps --as=somebody", "agents do not impersonate"),
        ("get configmaps --as=somebody --as-group=system:masters", "agents do not impersonate"),
        ("get configmaps --as=system:serviceaccount:kube-system:namespace-controller", "agents do not impersonate"),
        (f"delete {VALIDATING} kubescrow-guards", "neither read nor change webhook configurations"),
        (
            f"delete mutating{VALIDATING.removeprefix('validating')} kubescrow-guards",
            "neither read nor change webhook configurations",
        ),
        (f"get {VALIDATING} kubescrow-policies -o yaml", "neither read nor change webhook configurations"),
        (f"label {VALIDATING} kubescrow-policies a=b", "neither read nor change webhook configurations"),
        (f"delete --raw {CONFIGURATIONS}", "neither read nor change webhook configurations"),
        (f"delete --raw {POLICIES}", "do not change admission policies"),
    ],
    ids=lambda text: text,
)
def test_a_cluster_admin_agent_is_refused_with_the_reason(story: Story, command: str, reason: str) -> None:
    """RBAC would allow all of it."""
    refusal = story.agent.fails(*command.split())
    assert reason in refusal, refusal


def test_an_agent_cannot_bring_a_policy_that_rewrites_decisions(story: Story) -> None:
    """A mutating admission policy would see an approver's annotation before we do."""
    refusal = story.agent.fails("create", "-f", "-", stdin=REWRITE)
    assert "agents do not change admission policies" in refusal


def test_an_agent_works_on_everywhere_else(story: Story) -> None:
    """No opinion is not a refusal: RBAC decides, and this agent is cluster-admin."""
    story.agent.ok("create", "secret", "generic", "own", "--from-literal=a=b", "-n", NAMESPACE)
    story.agent.ok("get", "secret", "own", "-n", NAMESPACE)
    story.agent.ok("get", "pods", "-n", "kubescrow")
    assert "yes" in story.agent.ok("auth", "can-i", "delete", "nodes")
    assert "agents do not touch Secrets" in story.agent.run("auth", "can-i", "get", "secrets", "-A").stdout


def test_nobody_else_is_asked_about(story: Story) -> None:
    """People and other ServiceAccounts read and impersonate as RBAC lets them."""
    admin = story.cluster.admin
    admin.ok("get", "secret", "kubescrow-keys", "-n", "kubescrow")
    admin.ok("get", "configmaps", OURSELVES.replace("kubescrow-webhook", "default"), "--as-group=system:masters")
    other = story.cluster.service_account("authorizer-other", "bot")
    admin.ok("create", "clusterrolebinding", "authorizer-other", "--clusterrole=cluster-admin",
             "--serviceaccount=authorizer-other:bot")  # fmt: skip
    wait_until(lambda: other.run("get", "secrets", "-A").returncode == 0, what="the other ServiceAccount has its role")
    other.ok("get", "secrets", "-n", "kubescrow", "-o", "name")
    other.ok("label", VALIDATING, "kubescrow-policies", "seen-by=other")


@pytest.fixture
def guarded(story: Story) -> Iterator[Story]:
    """A policy keeps the Secrets of namespace kept from being read, and a ConfigMap by its name."""
    story.cluster.namespace("kept")
    story.cluster.admin.ok("create", "secret", "generic", "db", "--from-literal=p=canary-value", "-n", "kept")
    story.cluster.admin.ok("create", "configmap", "plan", "-n", NAMESPACE)
    reads = {"operations": ["GET", "LIST", "WATCH"], "apiGroups": [""]}
    secrets = {"name": "kept-secrets", "match": {**reads, "resources": ["secrets"], "namespaces": ["kept"]},
               "action": "Deny", "message": "'Secrets of ' + request.namespace + ' are not for agents'"}  # fmt: skip
    plan = {
        "name": "plan",
        "match": {**reads, "resources": ["configmaps"], "resourceNames": ["plan"]},
        "action": "Deny",
    }
    story.policy(secrets, plan)
    wait_until(lambda: story.agent.run("get", "secret", "db", "-n", "kept").returncode, what="the rules hold")
    yield story
    story.policy()
    story.cluster.admin.ok("delete", "configmap", "plan", "-n", NAMESPACE)
    story.cluster.admin.ok("delete", "secret", "db", "-n", "kept")


def test_rules_about_reads_hold_for_a_cluster_admin(guarded: Story) -> None:
    """By whichever way it is tried: also by writes that are answered with the object, and by a dry run."""
    told = "kept-secrets: Secrets of kept are not for agents"
    in_kept = "/api/v1/namespaces/kept/secrets"
    for command in (
        "get secret db -n kept",
        "get secrets -n kept",
        "get secrets -n kept --field-selector=metadata.name=db",
        f"get --raw {in_kept}?watch=1&timeoutSeconds=1",
        "patch secret db -n kept -p {}",
        "label secret db -n kept a=b --overwrite",
        "delete secrets --all -n kept --dry-run=server",
        f"delete --raw {in_kept}",
    ):
        refusal = guarded.agent.fails(*command.split())
        assert told in refusal, (command, refusal)
        assert "Y2FuYXJ5LXZhbHVl" not in refusal
    foreground = guarded.agent.fails("delete", "secret", "db", "-n", "kept", "--cascade=foreground")
    assert "kept-secrets" in foreground
    assert "answer with the data" in foreground


def test_a_list_shows_what_a_name_keeps(guarded: Story) -> None:
    """A rule that keeps one name refuses the list of all; other names and other verbs pass."""
    assert "plan" in guarded.agent.fails("get", "configmaps", "-n", NAMESPACE)
    assert "plan" in guarded.agent.fails("get", "configmaps", "-A")
    guarded.agent.ok("create", "configmap", "mine", "-n", NAMESPACE)
    guarded.agent.ok("get", "configmap", "mine", "-n", NAMESPACE)
    guarded.agent.ok("delete", "configmap", "mine", "-n", NAMESPACE)
    assert "no" in guarded.agent.run("auth", "can-i", "get", "configmap/plan", "-n", NAMESPACE).stdout


def test_the_author_of_a_rule_about_reads_is_told_what_it_needs(guarded: Story) -> None:
    """Without the flag of the API server it would be a promise that nobody keeps."""
    stored = guarded.cluster.admin.ok("get", "agentpolicy", NAMESPACE, "-o", "yaml")
    answer = guarded.cluster.admin.run("apply", "--dry-run=server", "-f", "-", stdin=stored)
    assert "rules about reads work only where the API server asks Kubescrow as an authorizer" in answer.stderr
