"""A dry run is judged like the real thing, and leaves nothing behind; where its answer is the effect it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.installation import Installation
from tests.integration.story import Story, begin, hold

NAMESPACE = "dry-run"
API = f"/api/v1/namespaces/{NAMESPACE}"
CONTENT_TYPES = {"PATCH": "application/merge-patch+json", "APPLY": "application/apply-patch+yaml"}
DRY = "--dry-run=server"
CANARY = "Y2FuYXJ5LXZhbHVl"
TOKEN_REQUEST = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
PRIVILEGED = """{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "dry-run"}, "spec":
  {"containers": [{"name": "c", "image": "i", "securityContext": {"privileged": true}}]}}"""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent that may make no privileged Pod, and asks before it touches ConfigMaps, Secrets, Pods and tokens."""
    story = begin(kubescrow, NAMESPACE)
    resources = ["configmaps", "secrets", "serviceaccounts/token", "pods/eviction"]
    story.policy(
        {"name": "no-privileged-pods", "check": "privileged-containers", "action": "Deny"},
        hold("hold-all", operations=["CREATE", "UPDATE", "DELETE"], resources=resources),
    )
    admin = story.cluster.admin
    admin.ok("create", "configmap", "there", "-n", NAMESPACE)
    admin.ok("create", "secret", "generic", "there", "--from-literal=p=canary-value", "-n", NAMESPACE)
    admin.ok("run", "there", "--image=example.invalid/c", "-n", NAMESPACE)
    return story


def test_what_is_denied_is_denied_in_a_dry_run(story: Story) -> None:
    """So `--dry-run=server` tells an agent what a policy says."""
    refusal = story.agent.fails("create", "-f", "-", DRY, stdin=PRIVILEGED)
    assert "dry-run/no-privileged-pods: privileged-containers" in refusal


@pytest.mark.parametrize(
    "command",
    [
        "create configmap new",
        "label configmap there a=b",
        "delete configmap there",
        "create --raw /api/v1/namespaces/dry-run/pods/there/eviction?dryRun=All -f -",
    ],
)
def test_what_is_held_passes_a_dry_run_with_a_warning(story: Story, command: str) -> None:
    """Nobody is asked, nothing is kept, and the agent knows what would happen."""
    eviction = '{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "there"}}'
    flags = () if "--raw" in command else (DRY, "-n", NAMESPACE)
    result = story.agent.run(*command.split(), *flags, stdin=eviction)
    assert result.returncode == 0, result
    assert "would be held by dry-run/hold-all" in result.stderr
    assert story.mine() == []
    assert story.cluster.admin.ok("get", "configmaps,pods", "-n", NAMESPACE, "-o", "name").split() == [
        "configmap/kube-root-ca.crt",
        "configmap/there",
        "pod/there",
    ]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", f"{API}/serviceaccounts/bot/token?dryRun=All", TOKEN_REQUEST, id="a token, which works"),
        pytest.param("PATCH", f"{API}/secrets/there?dryRun=All", {}, id="an empty patch, which returns the Secret"),
        pytest.param("DELETE", f"{API}/secrets/there?dryRun=All", None, id="a deletion, which returns the Secret"),
        pytest.param("DELETE", f"{API}/secrets/there", {"dryRun": ["All"]}, id="the same, said in the body"),
        pytest.param("DELETE", f"{API}/secrets?dryRun=All", None, id="of a collection, which returns all Secrets"),
        pytest.param(
            "APPLY",
            f"{API}/secrets/there?dryRun=All&fieldManager=x&force=true",
            {"apiVersion": "v1", "kind": "Secret"},
            id="an empty apply, which returns the Secret",
        ),
    ],
)
def test_a_dry_run_whose_answer_is_the_effect_is_refused(story: Story, method: str, path: str, body: Any) -> None:
    """A held dry run of a token or a Secret gives away what is held."""
    headers = {"Content-Type": CONTENT_TYPES.get(method, "application/json")}
    status, answer = story.agent.request(method.replace("APPLY", "PATCH"), path, body, headers=headers)
    assert status == 403, answer
    assert "dry-run/hold-all" in str(answer)
    assert CANARY not in str(answer)
    assert "eyJ" not in str(answer)  # how every signed token begins
    assert story.mine() == []
