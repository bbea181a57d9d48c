"""Touched paths: one line where it fits, old and new below each other where not, and masked in their place."""

from typing import Any

import pytest
import yaml
from hypothesis import given

from tests.webhook.approval.requests import OBJECTS
from webhook.approval.canonical import canonical_json
from webhook.approval.difference import difference
from webhook.approval.document import mark, sealed
from webhook.approval.touched_paths import changes_lines


def _lines(changes: list[dict[str, Any]]) -> list[str]:
    return list(changes_lines(changes, lambda tree: tree))


def _change(path: str, **sides: Any) -> dict[str, Any]:
    return {"path": path.split("/"), **sides}


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        pytest.param(_change("spec/replicas", old=3, new=20), ["spec.replicas: 3 -> 20"], id="short values"),
        pytest.param(_change("spec/paused", new=True), ["spec.paused: (absent) -> true"], id="a value that appears"),
        pytest.param(_change("spec/paused", old=None), ["spec.paused: null -> (absent)"], id="a value that goes"),
        pytest.param(
            _change("spec/old", old={}),
            ["spec.old:", "  old: {}"],
            id="YAML would read {} first as a map, so not inline",
        ),
        pytest.param(
            _change("spec/text", old="3 -> 20", new="x"), ["spec.text:", '  old: "3 -> 20"', "  new: x"], id="an arrow"
        ),
        pytest.param(
            _change("spec/text", old="(absent)", new="x"),
            ["spec.text:", '  old: "(absent)"', "  new: x"],
            id="a client's word for absent",
        ),
        pytest.param(_change("t", old=mark("a time"), new=mark("a time")), ["t: (a time) -> (a time)"], id="markers"),
        pytest.param(_change("a.b/c d", new=1), ['"[\\"a.b\\"][\\"c d\\"]": (absent) -> 1'], id="odd keys"),
        pytest.param(
            {"path": ["metadata", "labels", "example.com/tier"], "new": "x"},
            ['metadata.labels["example.com/tier"]: (absent) -> x'],
            id="a key with dots and slashes stands in quotes",
        ),
        pytest.param(
            _change("spec/args", old=["a"], new=["a", "b"]),
            ["spec.args:", "  old:", "    - a", "  new:", "    - a", "    - b"],
            id="lists below each other",
        ),
    ],
)
def test_a_touched_path_has_one_form(change: dict[str, Any], lines: list[str]) -> None:
    """Readable at a glance."""
    assert _lines([change]) == ["changes:", *(f"  {line}" for line in lines)]


def test_no_change_says_so() -> None:
    """An empty change set is shown as one."""
    assert _lines([]) == ["changes: (none)"]


@given(OBJECTS, OBJECTS, OBJECTS)
def test_different_changes_have_different_texts(
    old: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
) -> None:
    """And each is YAML that a parser reads."""
    changes = [difference(sealed(old, {}), sealed(new, {}), ()) for new in (one, other)]
    texts = ["\n".join(_lines(change)) for change in changes]
    assert (texts[0] == texts[1]) == (canonical_json(changes[0]) == canonical_json(changes[1]))
    assert len(yaml.safe_load(texts[0])["changes"]) == len(changes[0]) or not changes[0]


def test_values_and_keys_are_read_back_from_the_masked_objects() -> None:
    """A key that is a secret is masked in the path too."""
    changes = [_change("a", new={}), _change("a/token", new="secret"), _change("c", new=[1])]
    shown = list(changes_lines(changes, lambda tree: {"a": {"[masked:k]": "[masked:v]"}, "c": [1]} if tree else {}))
    assert shown == [
        "changes:",
        "  a: (absent) -> {}",
        r'  "a[\"[masked:k]\"]":',
        '    new: "[masked:v]"',
        "  c:",
        "    new:",
        "      - 1",
    ]


def test_a_map_that_was_masked_as_a_whole_is_shown_once() -> None:
    """Keys in it are secret with it."""
    changes = [_change("a", new={}), _change("a/b", new="secret"), _change("a/c", new="secret"), _change("d", new=1)]
    shown = list(changes_lines(changes, lambda tree: {"a": "[masked:x]", "d": 1} if tree else {}))
    assert shown == ["changes:", "  a:", '    new: "[masked:x]"', "  d: (absent) -> 1"]
