"""What an UPDATE touches: every difference, each in one form."""

from typing import Any

import pytest
from hypothesis import given

from tests.webhook.approval.requests import OBJECTS
from webhook.approval.canonical import canonical_json
from webhook.approval.difference import difference
from webhook.approval.document import sealed

RESTARTED = "kubectl.kubernetes.io/restartedAt"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def _changed(old: Any, new: Any, *, times: tuple[tuple[str, ...], ...] = ()) -> list[dict[str, Any]]:
    return difference(sealed(old, {}), sealed(new, {}), times)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1, "b": 3}, [{"path": ["b"], "old": 2, "new": 3}], id="a changed value"),
        pytest.param({}, {"a": None}, [{"path": ["a"], "new": None}], id="a null that appears is not an absence"),
        pytest.param({"a": 1}, {}, [{"path": ["a"], "old": 1}], id="a value that goes has no new side"),
        pytest.param({"a": True}, {"a": 1}, [{"path": ["a"], "old": True, "new": 1}], id="true is not 1"),
        pytest.param({"a": {}}, {}, [{"path": ["a"], "old": {}}], id="an empty map that goes"),
        pytest.param(
            {}, {"a": {"b": 1}}, [{"path": ["a"], "new": {}}, {"path": ["a", "b"], "new": 1}], id="a map, then entries"
        ),
        pytest.param(
            {"a": {"b": 1}},
            {"a": [1]},
            [{"path": ["a"], "old": {}, "new": [1]}, {"path": ["a", "b"], "old": 1}],
            id="a map that becomes a list",
        ),
        pytest.param(
            {"a": [1, 2]}, {"a": [2, 1]}, [{"path": ["a"], "old": [1, 2], "new": [2, 1]}], id="a list, whole, in order"
        ),
        pytest.param(
            {"x.y": {"/": 1}}, {"x.y": {"/": 2}}, [{"path": ["x.y", "/"], "old": 1, "new": 2}], id="keys with dots"
        ),
        pytest.param({"a": 1}, {"a": 1}, [], id="no difference is an empty list"),
    ],
)
def test_a_difference_has_one_form(old: Any, new: Any, changes: list[dict[str, Any]]) -> None:
    """Path, old and new; what is absent is left out."""
    assert _changed(old, new) == changes


@given(OBJECTS, OBJECTS, OBJECTS)
def test_the_same_changes_of_the_same_object_lead_to_the_same_object(
    old: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
) -> None:
    """The list of changes tells all new objects apart."""
    same_object = canonical_json(one) == canonical_json(other)
    assert (canonical_json(_changed(old, one)) == canonical_json(_changed(old, other))) == same_object


@given(OBJECTS, OBJECTS)
def test_nothing_is_listed_that_is_equal(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Every entry has sides that differ, and comparing an object with itself finds nothing."""
    assert _changed(old, old) == []
    for change in _changed(old, new):
        assert "old" not in change or "new" not in change or change["old"] != change["new"] or _typed(change)


def _typed(change: dict[str, Any]) -> bool:
    return canonical_json(change["old"]) != canonical_json(change["new"])


def _template(annotations: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:05:00+01:00", True, id="two times of the same restart"),
        pytest.param("2026-01-01T00:00:00Z", "rm -rf /", False, id="a text that is no time counts"),
        pytest.param("2026-01-01T00:00:00Z", None, False, id="taking the annotation away is another change"),
    ],
)
def test_the_time_of_a_restart_is_a_path_and_not_a_value(one: str, other: str | None, agree: bool) -> None:
    """`kubectl rollout restart`, run again, is the same intent."""
    old = _template({RESTARTED: "2025-12-31T00:00:00Z"})
    changes = [_changed(old, _template({RESTARTED: time} if time else {})) for time in (one, other)]
    assert changes[0][0]["path"][-1] == RESTARTED
    assert (changes[0] == changes[1]) is agree


def test_a_restart_annotation_elsewhere_counts() -> None:
    """Only a Pod template restarts; the same key on the object itself is any other annotation."""
    old: dict[str, Any] = {"metadata": {"annotations": {}}}
    new = {"metadata": {"annotations": {RESTARTED: "2026-01-01T00:00:00Z"}}}
    assert _changed(old, new)[0]["new"] == "2026-01-01T00:00:00Z"


def test_the_last_applied_configuration_is_a_path_and_not_a_value() -> None:
    """It repeats the manifest, secrets included: neither hashed nor shown."""
    old = {"metadata": {"annotations": {LAST_APPLIED: "{}"}}}
    (change,) = _changed(old, {"metadata": {"annotations": {LAST_APPLIED: '{"data": "hunter2"}'}}})
    assert "hunter2" not in str(change)
    assert change["path"][-1] == LAST_APPLIED


def test_a_time_of_the_server_is_a_path_and_not_a_value() -> None:
    """What a row calls a time is listed when it changes, without its values."""
    changes = [_changed({"t": "1"}, {"t": time}, times=(("t",),)) for time in ("2", "3")]
    assert changes[0] == changes[1] != []
