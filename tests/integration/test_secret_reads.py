"""What each write on a Secret answers with, and that secret-reads refuses each whose answer holds data.

The agent may write Secrets by RBAC but not read them: what it learns, it learns from answers to writes. The same
requests are sent twice: by an agent that no policy names, which shows what they give away, and by one under the check.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.controlplane.kubectl import Kubectl
from tests.installation import Installation
from tests.integration.story import Story, begin

NAMESPACE = "secret-reads"
API = f"/api/v1/namespaces/{NAMESPACE}/secrets"
VALUE = base64.b64encode(b"canary-value").decode()
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "there"}}

WRITER = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {NAMESPACE}-%s}}
rules: [{{apiGroups: [""], resources: [secrets], verbs: [create, update, delete, deletecollection%s]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: %s, namespace: {NAMESPACE}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {NAMESPACE}-%s}}
subjects: [{{kind: ServiceAccount, namespace: {NAMESPACE}, name: %s}}, {{kind: User, apiGroup: rbac.authorization.k8s.io, name: free-%s}}]
"""  # noqa: E501 - one subject of a kind on a line

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Write:
    """One request on Secrets."""

    method: str
    path: str
    body: Any = None
    content_type: str = "application/json"
    finalizers: tuple[str, ...] = ()

    def send(self, story: Story, who: Kubectl) -> tuple[int, str]:
        """Send it while the Secret stands there; return the status and the whole answer."""
        admin = story.cluster.admin
        admin.request("PATCH", f"{API}/there", {"metadata": {"finalizers": None}}, {"Content-Type": MERGE})
        admin.request("DELETE", f"{API}/there")
        metadata = {"name": "there", "finalizers": list(self.finalizers)}
        assert admin.request("POST", API, {**SECRET, "metadata": metadata, "data": {"p": VALUE}})[0] == 201
        status, answer = who.request(self.method, API + self.path, self.body, {"Content-Type": self.content_type})
        return status, str(answer)


TELLING = {
    "an empty merge patch": Write("PATCH", "/there", {}, MERGE),
    "an empty strategic patch": Write("PATCH", "/there", {}, STRATEGIC),
    "an empty JSON patch": Write("PATCH", "/there", [], JSON_PATCH),
    "a dry run of a patch": Write("PATCH", "/there?dryRun=All", {"metadata": {"labels": {"a": "b"}}}, MERGE),
    "a copy to a label": Write("PATCH", "/there", [{"op": "copy", "from": "/data", "path": "/metadata/labels"}],
                               JSON_PATCH),
    "one more key": Write("PATCH", "/there", {"data": {"more": "bmV3"}}, MERGE),
    "an empty apply": Write("PATCH", "/there?fieldManager=x&force=true", SECRET, APPLY),
    "a dry run of an apply": Write("PATCH", "/there?fieldManager=x&force=true&dryRun=All", SECRET, APPLY),
    "a deletion in the foreground": Write("DELETE", "/there?propagationPolicy=Foreground"),
    "the same as a dry run": Write("DELETE", "/there?propagationPolicy=Foreground&dryRun=All"),
    "the same, said in the body": Write("DELETE", "/there", {"kind": "DeleteOptions", "apiVersion": "v1",
                                                             "propagationPolicy": "Foreground"}),
    "a deletion that orphans": Write("DELETE", "/there?propagationPolicy=Orphan"),
    "the same in the old form": Write("DELETE", "/there?orphanDependents=true"),
    "a deletion that waits": Write("DELETE", "/there", finalizers=("example.com/x",)),
    "a dry run of a deletion that waits": Write("DELETE", "/there?dryRun=All", finalizers=("example.com/x",)),
    "a collection": Write("DELETE", ""),
    "a dry run of a collection": Write("DELETE", "?dryRun=All"),
    "a collection by a selector": Write("DELETE", "?fieldSelector=metadata.name%3Dthere"),
}  # fmt: skip
"""What is answered with the data of the Secret."""

SILENT = {
    "a deletion": Write("DELETE", "/there"),
    "a deletion in the background": Write("DELETE", "/there?propagationPolicy=Background"),
    "a deletion at once": Write("DELETE", "/there?gracePeriodSeconds=0"),
    "a deletion that does not orphan": Write("DELETE", "/there?orphanDependents=false"),
    "a dry run of it": Write("DELETE", "/there?dryRun=All"),
    "a new Secret": Write("POST", "", {**SECRET, "metadata": {"generateName": "new-"}, "data": {"p": "bmV3"}}),
    "a new Secret by apply": Write("PATCH", "/applied?fieldManager=x", {**SECRET, "metadata": {"name": "applied"}},
                                   APPLY),
}  # fmt: skip
"""What is not, and passes the check."""

UNREADABLE = Write("PATCH", "/there", [{"op": "add", "path": "/immutable", "value": "no boolean"}], JSON_PATCH)
"""A patch that makes no Secret: the API server refuses it with the whole object in its text, before admission."""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Iterator[Story]:
    """Two ServiceAccounts that may write Secrets, one of them also by patch, and a person for each of them."""
    story = begin(kubescrow, NAMESPACE)
    for name, more in (("patcher", ", patch"), ("updater", "")):
        story.cluster.admin.apply(WRITER % (name, more, name, name, name, name))
    story.policy({"name": "no-reads", "check": "secret-reads", "action": "Deny"})
    yield story
    kubescrow.remove(NAMESPACE)


@pytest.fixture(scope="module")
def patcher(story: Story) -> Kubectl:
    """The agent that may patch."""
    return story.cluster.service_account(NAMESPACE, "patcher")


@pytest.fixture(scope="module")
def updater(story: Story) -> Kubectl:
    """The agent that may replace, but not patch."""
    return story.cluster.service_account(NAMESPACE, "updater")


@pytest.fixture(scope="module")
def free(story: Story) -> Kubectl:
    """Somebody with the same rights, whom no policy names."""
    return story.cluster.user("free-patcher")


@pytest.mark.parametrize("what", TELLING)
def test_what_tells_is_refused(story: Story, free: Kubectl, patcher: Kubectl, what: str) -> None:
    """Without the check the answer holds the data; with it the answer is the check's, and nothing of the Secret."""
    status, answer = TELLING[what].send(story, free)
    assert (status, VALUE in answer) == (200, True), answer
    status, answer = TELLING[what].send(story, patcher)
    assert (status, VALUE in answer) == (403, False), answer
    assert f"{NAMESPACE}/no-reads: secret-reads: " in answer


@pytest.mark.parametrize("what", SILENT)
def test_what_does_not_tell_passes(story: Story, patcher: Kubectl, what: str) -> None:
    """And its answer holds nothing of the old data."""
    status, answer = SILENT[what].send(story, patcher)
    assert (status in {200, 201}, VALUE in answer) == (True, False), answer


def test_a_replacement_is_refused_like_a_patch(story: Story, free: Kubectl, updater: Kubectl) -> None:
    """Its answer is what was sent, but the webhook cannot tell it from a patch."""
    replacement = Write("PUT", "/there", {**SECRET, "data": {"p": "bmV3"}})
    assert VALUE not in replacement.send(story, free)[1]
    status, answer = replacement.send(story, updater)
    assert (status, "secret-reads: an update or patch" in answer) == (403, True)


def test_a_secret_is_exchanged_by_deleting_and_creating(story: Story, updater: Kubectl) -> None:
    """What the refusal advises works for an agent that may not read, with the real kubectl."""
    assert SILENT["a new Secret"].send(story, updater)[0] == 201
    updater.ok("delete", "secret", "there", "-n", NAMESPACE)
    new = yaml.safe_dump({**SECRET, "stringData": {"p": "new"}})
    updater.ok("create", "-f", "-", "-n", NAMESPACE, stdin=new)


def test_what_no_webhook_can_stop(story: Story, patcher: Kubectl, updater: Kubectl) -> None:
    """Whoever may patch Secrets by RBAC can read them; whoever may not, cannot."""
    status, answer = UNREADABLE.send(story, patcher)
    assert (status, VALUE in answer) == (422, True), answer
    status, answer = UNREADABLE.send(story, updater)
    assert (status, VALUE in answer) == (403, False), answer
