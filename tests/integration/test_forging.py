"""The signed chain of decisions under attack by a cluster-admin: nothing is forged, changed, dropped or moved."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import APPROVALS, Story, begin, hold, vote

ONE = ("create", "-n", "forging", "configmap")
TWO = ("create", "-n", "forging", "quota")
"""What the agent tries: one approval is asked for, or two."""

DECISIONS = "kubescrow.dev/decisions"

Object = dict[str, Any]


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose creations are held, without waiting."""
    story = begin(kubescrow, "forging")
    story.policy(
        hold("one", operations=["CREATE"], resources=["configmaps"], wait="0s"),
        hold("two", operations=["CREATE"], resources=["resourcequotas"], wait="0s", approvals=2),
    )
    return story


@pytest.fixture(scope="module")
def root(story: Story) -> Kubectl:
    """A person whom RBAC lets do everything."""
    return story.person("root", role="cluster-admin")


@pytest.fixture(scope="module")
def pending(story: Story) -> str:
    """An Approval that nobody has decided on."""
    name = story.asks(*ONE, "pending")
    story.reaches(name, "Pending")
    return name


@pytest.fixture(scope="module")
def half(story: Story) -> str:
    """An Approval with one of two decisions, which the status remembers."""
    name = story.asks(*TWO, "half")
    story.decide(name, reason="seems right")
    wait_until(lambda: "decisionsMAC" in story.stored(name)["status"], what="the decision is remembered")
    return name


@pytest.fixture(scope="module")
def moved(story: Story) -> Object:
    """The genuine decision of another Approval."""
    name = story.asks(*ONE, "other")
    story.approve(name)
    return story.decisions(name)[0]


def patched(root: Kubectl, wanted: Object) -> tuple[int, Any]:
    patch = {"metadata": {"annotations": wanted["metadata"]["annotations"]}}
    return root.request("PATCH", path_of(wanted), patch, {"Content-Type": "application/merge-patch+json"})


def replaced(root: Kubectl, wanted: Object) -> tuple[int, Any]:
    return root.request("PUT", path_of(wanted), wanted)


def applied(root: Kubectl, wanted: Object) -> tuple[int, Any]:
    metadata = {key: wanted["metadata"][key] for key in ("name", "annotations")}
    manifest = {**wanted, "metadata": metadata}
    path = f"{path_of(wanted)}?fieldManager=root&force=true"
    return root.request("PATCH", path, manifest, {"Content-Type": "application/apply-patch+yaml"})


def path_of(approval: Object) -> str:
    return f"{APPROVALS}/{approval['metadata']['name']}"


Write = Callable[[Kubectl, Object], tuple[int, Any]]
WRITES: tuple[Write, ...] = (patched, replaced, applied)
"""Ways to write what is wanted, as kubectl sends them; each returns status and answer."""


def text(*entries: Object) -> str:
    """A chain in its one form."""
    return json.dumps(entries, separators=(",", ":"))


def second(entry: Object) -> Object:
    """The same decision by somebody else."""
    return {**entry, "user": {**entry["user"], "username": "second@forging"}}


Forge = Callable[[Object, Object], str]
"""Makes the annotation of the entry that is there and one of another Approval."""

FORGERIES: dict[str, tuple[Forge, str]] = {
    "a second voice with a MAC of one's own": (lambda e, _: text(e, {**second(e), "mac": "0" * 64}), "1: wrong MAC"),
    "a second voice with the first one's MAC": (lambda e, _: text(e, second(e)), "1: wrong MAC"),
    "a MAC that is no text": (lambda e, _: text(e, {**second(e), "mac": 0}), "1: fields are unknown"),
    "a key of one's own": (lambda e, _: text(e, {**e, "keyId": "0" * 8}), "1: signed with an unknown key"),
    "nothing": (lambda *_: "", "decisions that were recorded are missing"),
    "an empty list": (lambda *_: "[]", "decisions that were recorded are missing"),
    "an entry of another approval added": (text, "1: wrong MAC"),
    "an entry of another approval instead": (lambda _, m: text(m), "0: wrong MAC"),
    "the same entry twice": (lambda e, _: text(e, e), "1: wrong MAC"),
    "another decider": (lambda e, _: text(second(e)), "0: wrong MAC"),
    "another decision": (lambda e, _: text({**e, "decision": "denied"}), "0: wrong MAC"),
    "another reason": (lambda e, _: text({**e, "reason": "certainly"}), "0: wrong MAC"),
    "another policy": (lambda e, _: text({**e, "policies": ["forging", "x"]}), "0: wrong MAC"),
    "a later time": (lambda e, _: text({**e, "at": "2099-01-01T00:00:00Z"}), "0: wrong MAC"),
    "a field more": (lambda e, _: text({**e, "weight": 2}), "0: fields are unknown"),
    "other white space": (lambda e, _: json.dumps([e], indent=1), "0: not written in its one form"),
    "a key given twice": (
        lambda e, _: text(e).replace("{", '{"decision":"denied",', 1),
        "0: not written in its one form",
    ),
    "no list": (lambda e, _: json.dumps(e), "0: not a list"),
    "no JSON": (lambda *_: "approved", "0: not JSON"),
    "JSON without a bottom": (lambda *_: "[" * 20_000, "0: not JSON"),
}


@pytest.mark.parametrize(("forge", "why"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_chain_is_refused_however_it_is_written(
    story: Story, root: Kubectl, half: str, moved: Object, *, forge: Forge, why: str
) -> None:
    """Only what the guard itself signed gets in; the rest is refused with the entry and the reason."""
    before, (entry,) = story.stored(half), story.decisions(half)
    for write in WRITES:
        wanted = copy.deepcopy(before)
        wanted["metadata"]["annotations"][DECISIONS] = forge(entry, moved)
        status, answer = write(root, wanted)
        assert status == 403, answer
        assert f"{DECISIONS}: " in answer["message"]
        assert why in answer["message"]
    assert story.stored(half) == before


def test_kubectl_is_refused_as_well(story: Story, root: Kubectl, half: str, moved: Object) -> None:
    """By hand: annotate, patch, replace, and apply by force."""
    before, forged = story.stored(half), text(moved)
    wanted = {**before, "metadata": {**before["metadata"], "annotations": {DECISIONS: forged}}}
    bare = {**wanted, "metadata": {"name": half, "annotations": {DECISIONS: forged}}}
    patch = json.dumps({"metadata": {"annotations": {DECISIONS: forged}}})
    refusals = [
        root.fails("annotate", "approval", half, f"{DECISIONS}={forged}", "--overwrite"),
        root.fails("patch", "approval", half, "--type=merge", "-p", patch),
        root.fails("replace", "-f", "-", stdin=json.dumps(wanted)),
        root.fails("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(bare)),
    ]
    assert all("entry 0: wrong MAC" in refusal for refusal in refusals), refusals
    assert story.stored(half) == before


def test_the_chain_is_not_removed(story: Story, root: Kubectl, half: str) -> None:
    """Taking the whole annotation away is refused as well."""
    before = story.stored(half)
    for write, value in ((patched, {DECISIONS: None}), (replaced, {}), (replaced, None)):
        wanted = {**before, "metadata": {**before["metadata"], "annotations": value}}
        status, answer = write(root, wanted)
        assert status == 403, answer
        assert "decisions that were recorded are missing" in answer["message"]
    assert story.stored(half) == before


def test_a_genuine_decision_does_not_fit_another_approval(
    story: Story, root: Kubectl, pending: str, moved: Object
) -> None:
    """Moved to an Approval of the same rule and requester, it releases nothing."""
    wanted = story.stored(pending)
    wanted["metadata"]["annotations"] = {DECISIONS: text(moved)}
    for write in WRITES:
        assert "entry 0: wrong MAC" in str(write(root, wanted))
    assert story.asks(*ONE, "pending") == pending


def test_a_voice_forged_beside_an_own_decision_is_thrown_away(story: Story, root: Kubectl) -> None:
    """Whoever decides and in the same write brings a second voice along is one voice."""
    name = story.asks(*TWO, "beside")
    root.ok(*vote(name), f"{DECISIONS}={text(second(forged_entry()))}")
    assert [entry["user"]["username"] for entry in story.decisions(name)] == ["root@forging"]
    assert story.asks(*TWO, "beside") == name


def test_a_dry_run_records_nothing_and_forges_nothing(story: Story, root: Kubectl, pending: str) -> None:
    """The answer of a dry run carries no signature that somebody could write down afterwards."""
    before = story.stored(pending)
    result = root.run(*vote(pending), "--dry-run=server", "-o", "json")
    assert "dry run: the decision was not recorded" in result.stderr
    assert DECISIONS not in json.loads(result.stdout)["metadata"]["annotations"]
    forging = ("annotate", "approval", pending, f"{DECISIONS}={text(forged_entry())}", "--dry-run=server")
    assert "entry 0: signed with an unknown key" in root.fails(*forging)
    assert story.stored(pending) == before


def test_an_agent_forges_as_little(story: Story, half: str) -> None:
    """The agent, which RBAC lets do everything as well, is not even heard."""
    before = story.stored(half)
    said = story.agent.fails("annotate", "approval", half, f"{DECISIONS}={text(forged_entry())}", "--overwrite")
    assert "denied the request" in said
    assert story.stored(half) == before


def forged_entry() -> Object:
    """A decision that somebody wrote who has seen one, without the key."""
    user = {"username": "approver@forging", "uid": "", "groups": ["system:authenticated"]}
    said = {"decision": "approved", "user": user, "at": "2026-01-01T00:00:00Z", "policies": ["forging"], "reason": ""}
    return {**said, "keyId": "0" * 8, "mac": "0" * 64}
