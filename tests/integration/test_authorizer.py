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
