"""What breaks naive receivers breaks nothing here."""

import base64
import json
import sys
from typing import Any

import pytest

from masking.structure import DEEPEST, canonical
from tests.masking.language import MASKER, placeholder

EXTREMES = {
    "a lone surrogate": "\ud800",
    "a NUL": "a\0b",
    "an integer of 5,000 digits": 10**5000,
    "an infinite number": float("inf"),
    "not a number": float("nan"),
    "a text of a megabyte": "x" * 1_000_000,
}


def nested(levels: int, leaf: Any = "hunter2hunter2") -> Any:
    """Return objects and lists inside each other."""
    value = leaf
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize("value", EXTREMES.values(), ids=EXTREMES.keys())
def test_extremes_in_a_secret_are_masked(value: Any) -> None:
    """Whatever the value, it is replaced."""
    result = MASKER.mask_object({"kind": "Secret", "data": {"x": value}, "stringData": {"x": value}})
    assert result["data"]["x"].startswith("[masked:secret-data:")
    assert result["stringData"]["x"].startswith("[masked:secret-data:")


@pytest.mark.parametrize("value", EXTREMES.values(), ids=EXTREMES.keys())
def test_extremes_elsewhere_stay(value: Any) -> None:
    """Whatever the value, it is copied."""
    result = MASKER.mask_object({"kind": "Pod", "metadata": {"annotations": {"x": value}}})["metadata"]["annotations"][
        "x"
    ]
    assert result is value or result == value


@pytest.mark.parametrize("levels", [1_000, 9_900, 20_000])
def test_depth_is_no_danger(levels: int) -> None:
    """Deep values are masked as one at a depth that every encoder can write, also where a channel looks inside."""
    deep = nested(levels)
    for field in ("spec", "data", "command", "env", "value"):
        result = MASKER.mask_object({"kind": "Pod", field: deep})
        assert "[masked:depth:" in json.dumps(result)
        assert MASKER.mask_object(result) == result
    assert "hunter2" not in json.dumps(MASKER.mask_object({"kind": "Secret", "data": deep, "stringData": {"x": deep}}))
    assert "hunter2" not in json.dumps(MASKER.mask_event({"requestObject": deep, "objectRef": {"resource": "secrets"}}))


def test_ordinary_depth_stays() -> None:
    """Objects as deep as any in use are copied."""
    obj = {"kind": "CustomResourceDefinition", "spec": nested(DEEPEST // 2, "leaf")}
    assert MASKER.mask_object(obj) == obj


def test_a_pointer_of_any_length_is_no_danger() -> None:
    """A JSON patch whose path has 20,000 steps."""
    for value in ({"b": 1}, "hunter2"):
        (operation,) = MASKER.mask_patch([{"op": "add", "path": "/a" * 20_000, "value": value}], kind="Pod")
        assert operation["value"].startswith("[masked:depth:")


def test_deep_json_in_an_annotation_is_masked_as_a_whole() -> None:
    """The parser's depth is not ours."""
    text = "[" * 100_000 + "]" * 100_000
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": text}
    result = MASKER.mask_object({"kind": "Secret", "metadata": {"annotations": annotations}})
    assert list(result["metadata"]["annotations"].values()) == [placeholder("last-applied", text)]


def test_annotations_inside_annotations_end() -> None:
    """Documents inside documents are followed four times, then masked as a whole."""
    key = "kubectl.kubernetes.io/last-applied-configuration"
    obj: dict[str, Any] = {"kind": "Secret", "stringData": {"x": "hunter2hunter2"}}
    for _ in range(7):
        obj = {"kind": "Secret", "metadata": {"annotations": {key: json.dumps(obj)}}}
    result = MASKER.mask_object(obj)
    assert "hunter2" not in json.dumps(result)
    assert "[masked:last-applied:" in json.dumps(result)


def test_bytes_that_are_no_text_are_masked() -> None:
    """Binary Secret data have a placeholder of their own."""
    values = [base64.b64encode(bytes([first, 0xFF])).decode() for first in (0, 1, 0x80)]
    masked = {MASKER.mask_object({"kind": "Secret", "data": {"x": value}})["data"]["x"] for value in values}
    assert len(masked) == len(values)


def test_foreign_types_are_copied() -> None:
    """Tuples become lists, keys that are no text stay: YAML and tests bring such values."""
    assert MASKER.mask_object({"kind": "Pod", 1: (2, (3,)), None: b"x"}) == {"kind": "Pod", 1: [2, [3]], None: b"x"}  # type: ignore[dict-item]


def test_canonical_text_tells_values_apart() -> None:
    """The text that stands for a whole subtree in an HMAC."""
    values = [
        1,
        "1",
        [1],
        ["1"],
        {"1": None},
        [[], {}],
        [[[]], {}],
        {"a": {"b": 1}},
        {"a": {}, "b": 1},
        [True, None],
        ["a", "b"],
    ]
    assert len({canonical(value) for value in values}) == len(values)
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2, "b": 1})
    assert sys.getrecursionlimit() < len(canonical(nested(5_000)))
