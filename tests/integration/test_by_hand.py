"""Approvals written by hand: a cluster-admin cannot make one, drop one, or change anything of one but decide."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.installation import Installation
from tests.integration.story import APPROVALS, Story, begin, hold

ONE = ("create", "-n", "by-hand", "configmap")
OURS_ALONE = "Approvals are created, removed and updated by Kubescrow alone"
OWN_ACCOUNT = "system:serviceaccount:kubescrow:kubescrow-webhook"

Object = dict[str, Any]


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose creations are held, without waiting."""
    story = begin(kubescrow, "by-hand")
    story.policy(hold("one", operations=["CREATE"], resources=["configmaps"], wait="0s"))
    return story


@pytest.fixture(scope="module")
def root(story: Story) -> Kubectl:
    """A person whom RBAC lets do everything."""
    return story.person("root", role="cluster-admin")


@pytest.fixture(scope="module")
def pending(story: Story) -> str:
    """An Approval that nobody has decided on, with its status written."""
    name = story.asks(*ONE, "pending")
    story.reaches(name, "Pending")
    return name


def annotated(**annotations: str) -> Object:
    """A patch that annotates; the keys stand without our domain."""
    return {"metadata": {"annotations": {f"kubescrow.dev/{key}": value for key, value in annotations.items()}}}


OWNER = {"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": "0"}
CHANGES: dict[str, tuple[Object, str]] = {
    "a label": ({"metadata": {"labels": {"a": "b"}}}, "metadata.labels"),
    "a finalizer": ({"metadata": {"finalizers": ["example.com/stay"]}}, "metadata.finalizers"),
    "an owner": ({"metadata": {"ownerReferences": [OWNER]}}, "metadata.ownerReferences"),
    "another annotation": (annotated(note="n"), "metadata.annotations[kubescrow.dev/note]"),
    "a reason without a decision": (annotated(reason="r"), "metadata.annotations[kubescrow.dev/reason]"),
    "a label while approving": ({"metadata": {**annotated(decision="approved")["metadata"], "labels": {"a": "b"}}},
                                "metadata.labels"),
    "another annotation while approving": (annotated(decision="approved", note="n"),
                                           "metadata.annotations[kubescrow.dev/note]"),
}  # fmt: skip


@pytest.mark.parametrize(("patch", "field"), CHANGES.values(), ids=CHANGES.keys())
def test_nothing_changes_but_by_a_decision(
    story: Story, root: Kubectl, pending: str, patch: Object, field: str
) -> None:
    """What else a write changes is named, and the whole write refused."""
    before = story.stored(pending)
    said = root.fails("patch", "approval", pending, "--type=merge", "-p", json.dumps(patch))
    assert f"an Approval changes only by a decision; this changes {field}" in said
    assert story.stored(pending) == before


SPECS: dict[str, Object] = {
    "another change": {"change": "nothing at all"},
    "another requester": {"requester": {"username": "somebody"}},
    "another fingerprint": {"fingerprint": "0" * 64},
    "a later end": {"decideBy": "2099-01-01T00:00:00Z", "useWithinSeconds": 86400},
    "other requirements": {"requirements": [{"policy": "x", "rule": "x", "approvals": 1}]},
    "no change": {"change": None},
}


@pytest.mark.parametrize("deciding", [{}, annotated(decision="approved")], ids=["alone", "while approving"])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_the_spec_stays_what_the_approver_read(
    story: Story, root: Kubectl, pending: str, spec: Object, deciding: Object
) -> None:
    """Nobody approves one thing and stores another."""
    before = story.stored(pending)
    said = root.fails("patch", "approval", pending, "--type=merge", "-p", json.dumps({**deciding, "spec": spec}))
    assert "spec is immutable" in said or "spec.change: Required value" in said
    assert story.stored(pending) == before


def test_a_status_in_a_write_of_the_main_object_is_nothing(story: Story, root: Kubectl, pending: str) -> None:
    """The API server drops it, and what is left is no decision."""
    before = story.stored(pending)
    patch = json.dumps({"status": {"state": "Approved"}})
    said = root.fails("patch", "approval", pending, "--type=merge", "-p", patch)
    assert "an Approval changes only by one decision at a time" in said
    assert story.stored(pending) == before


CLAIM = {"requestUID": "u", "at": "2026-01-01T00:00:00Z", "decisionsMAC": "0" * 64, "passes": 1, "mac": "0" * 64}
STATUSES: dict[str, Object] = {
    "Approved": {"state": "Approved"},
    "Denied": {"state": "Denied"},
    "used": {"state": "Used", "claim": CLAIM},
    "a decider": {"decidedBy": "approver@by-hand"},
    "forgotten decisions": {"decisionsMAC": ""},
}


@pytest.mark.parametrize("status", STATUSES.values(), ids=STATUSES.keys())
def test_status_is_not_written_by_hand(story: Story, root: Kubectl, pending: str, status: Object) -> None:
    """Neither a state nor a claim, neither by patch nor by apply."""
    before = story.stored(pending)
    patch = json.dumps({"status": status})
    said = root.fails("patch", "approval", pending, "--subresource=status", "--type=merge", "-p", patch)
    manifest = json.dumps({**object_named(pending), "status": {**before["status"], **status}})
    how = ("apply", "--subresource=status", "--server-side", "--force-conflicts", "--validate=false", "-f", "-")
    for refusal in (said, root.fails(*how, stdin=manifest)):
        assert OURS_ALONE in refusal
    assert story.stored(pending) == before


def test_status_is_not_written_by_whoever_impersonates_us(story: Story, root: Kubectl, pending: str) -> None:
    """Our ServiceAccount is known by its token, not by its name."""
    wanted = story.stored(pending)
    wanted["status"]["state"] = "Denied"
    as_us = {"Impersonate-User": OWN_ACCOUNT, "Impersonate-Group": "system:serviceaccounts"}
    status, answer = root.request("PUT", f"{APPROVALS}/{pending}/status", wanted, as_us)
    assert status == 403
    assert OURS_ALONE in answer["message"]
    assert story.state(pending) == "Pending"


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(("create",), id="create"),
        pytest.param(("apply", "--server-side"), id="server-side apply"),
        pytest.param(("create", "--dry-run=server"), id="dry run"),
    ],
)
def test_no_approval_is_made_by_hand(story: Story, root: Kubectl, pending: str, how: tuple[str, ...]) -> None:
    """Neither another one nor the one that the agent's next try would find."""
    spec = story.stored(pending)["spec"]
    names = [item["metadata"]["name"] for item in story.kubescrow.approvals()]
    for name in (f"{pending}-2", "appr-0123456789abcdef"):
        manifest = json.dumps({**object_named(name), "spec": spec, "status": {"state": "Approved"}})
        assert OURS_ALONE in root.fails(*how, "-f", "-", stdin=manifest)
    assert [item["metadata"]["name"] for item in story.kubescrow.approvals()] == names


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(("--wait=false",), id="delete"),
        pytest.param(("--force", "--grace-period=0", "--wait=false"), id="by force"),
        pytest.param(("--cascade=orphan", "--wait=false"), id="without its dependents"),
    ],
)
def test_no_approval_is_deleted_by_hand(story: Story, root: Kubectl, pending: str, how: tuple[str, ...]) -> None:
    """A question does not go away by force."""
    before = story.stored(pending)
    assert OURS_ALONE in root.fails("delete", "approval", pending, *how)
    assert story.stored(pending) == before


def test_approvals_are_not_deleted_all_at_once(story: Story, root: Kubectl, pending: str) -> None:
    """Deleting the collection deletes none, and replacing by force ends at the deletion."""
    before = story.stored(pending)
    status, answer = root.request("DELETE", APPROVALS)
    assert status == 403, answer
    assert OURS_ALONE in answer["message"]
    assert OURS_ALONE in root.fails("replace", "--force", "-f", "-", stdin=json.dumps(before))
    assert story.stored(pending) == before


def object_named(name: str) -> Object:
    """The beginning of a manifest."""
    return {"apiVersion": "kubescrow.dev/v1alpha1", "kind": "Approval", "metadata": {"name": name}}
