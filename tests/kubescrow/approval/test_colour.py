"""The diff: every line of the change stays, and only its layout decides on colours."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubescrow.approval.colour import COMPARED_LINES, Line, Side, lines
from masking import Masker, MaskingKey
from tests.kubescrow.approval.stored import CHANGE, HOSTILE
from webhook.approval.change import describe
from webhook.approval.intent import Intent
from webhook.approval.visible import is_visible

MASKER = Masker(MaskingKey(id="test", secret=b"0" * 32))
BASE = {"resource": {"group": "", "resource": "configmaps"}, "subresource": "", "namespace": "agents", "name": "x"}


def signs(change: str) -> list[str]:
    """The sign and the text of each line."""
    return [f"{line.sign} {line.text}" for line in lines(change)]


def test_an_update_shows_old_in_red_and_new_in_green() -> None:
    """Also where both stand in one line."""
    assert signs(CHANGE) == [
        "  UPDATE deployments.apps agents/web",
        "  apiVersion: apps/v1",
        "  kind: Deployment",
        "  changes:",
        "~   spec.replicas: 3 -> 20",
        "    spec.template.spec.containers:",
        "-     old:",
        "        - name: web",
        "-         image: web:1",
        "+     new:",
        "        - name: web",
        "+         image: web:2",
        "  requester:",
        "    username: system:serviceaccount:agents:bot",
    ]
    inline = next(line for line in lines(CHANGE) if line.side is Side.BOTH).styled()
    styles = {inline.plain[span.start : span.end]: span.style for span in inline.spans if span.style}
    assert styles == {"~ ": "yellow", "3": "red", "20": "green"}


def test_what_is_created_comes_and_what_is_deleted_goes() -> None:
    """A whole object is green; the line of a deletion is red."""
    assert signs("CREATE configmaps a/x\nobject:\n  kind: C\nrequester:\n  username: bot\n") == [
        "  CREATE configmaps a/x",
        "+ object:",
        "+   kind: C",
        "  requester:",
        "    username: bot",
    ]
    assert signs("DELETE namespaces/prod\nrequester:\n  username: bot\n")[0] == "- DELETE namespaces/prod"


TEXTS = st.text(max_size=160) | st.sampled_from(
    [
        "old:",
        "new: 1",
        "    new: evil",
        "a\n    new: evil\nb\n",
        "\nobject:\n",
        "x -> y",
        "? new",
        HOSTILE,
        "old: " * 40,
    ]
)
VALUES = st.recursive(TEXTS | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=4)


def described(changes: list[dict[str, Any]]) -> str:
    """The change of an UPDATE as the webhook writes it."""
    document = {**BASE, "operation": "UPDATE", "apiVersion": "v1", "kind": "ConfigMap", "changes": changes,
                "requester": {"username": "bot"}}  # fmt: skip
    return describe(Intent(document, kind="ConfigMap", group=""), masker=MASKER).text


@given(TEXTS.filter(bool), VALUES, VALUES)
def test_no_text_of_a_client_chooses_its_colour_and_none_is_lost(key: str, old: Any, new: Any) -> None:
    """Old is never shown as new, whatever keys and values look like."""
    change = described([{"path": ["data", key], "old": old, "new": new}])
    seen = list(lines(change))
    assert len(seen) == len(change.removesuffix("\n").split("\n"))
    assert all(is_visible(char) for line in seen for char in line.text)
    sides = [line.side for line in seen if line.side is not Side.SAME]
    assert sides == sorted(sides, key=[Side.BOTH, Side.OLD, Side.NEW].index)
    if Side.BOTH not in sides:
        assert {Side.OLD, Side.NEW} <= set(sides)


@given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.sampled_from("abc"), max_size=9), st.booleans())
def test_lines_that_old_and_new_have_in_common_are_the_same_lines_on_both_sides(
    old: list[str], new: list[str], is_long: bool
) -> None:
    """What has no sign is equal on both sides, and where the values differ some line has a sign."""
    padding = ["x"] * (COMPARED_LINES + 1 if is_long else 0)
    old, new = [*old, *padding], [*new, *padding]
    sides = {
        side: "".join(f"      - {each}\n" for each in each_side) for side, each_side in (("old", old), ("new", new))
    }
    change = (
        f"UPDATE c a/x\nchanges:\n  data:\n    old:\n{sides['old']}    new:\n{sides['new']}requester:\n  username: b\n"
    )
    found = list(lines(change))
    kept = {side: [line.text for line in found if line.side is side and line.is_kept] for side in (Side.OLD, Side.NEW)}
    assert kept[Side.OLD] == kept[Side.NEW]
    assert (len(kept[Side.OLD]) == max(len(old), len(new))) == (old == new)
    assert "\n".join(line.text for line in found) + "\n" == change


def test_a_forged_change_reaches_no_terminal() -> None:
    """Whoever could write an Approval past the webhook still moves no cursor."""
    found = list(lines(f"DELETE {HOSTILE}\n\x1b[1A  a\x1b: 1 -> 2\n"))
    assert all(is_visible(char) for line in found for char in line.text)
    assert Line(Side.SAME, "x").styled().plain == "  x"
