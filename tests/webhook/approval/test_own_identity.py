"""UID and name of a new object: what the server drew, and what only looks like it."""

from typing import Any

import pytest

from tests.webhook.approval.requests import request
from webhook.admission.request import Operation, Resource
from webhook.approval.own_identity import own_name, own_uid, places

UID = "3c0a7e0e-8a59-4c8e-9a3b-0b6f8c1d2e3f"


@pytest.mark.parametrize(
    ("base", "name", "called", "is_own"),
    [
        pytest.param("web-", "web-bcdfg", "web-bcdfg", True, id="a validating webhook is told the generated name"),
        pytest.param("web-", "web-bcdfg", "", True, id="and a mutating one is not"),
        pytest.param("web-", "web-admin", "web-admin", False, id="vowels are never drawn"),
        pytest.param("web-", "web-bcdf", "web-bcdf", False, id="four characters are too few"),
        pytest.param("web-", "other", "other", False, id="a name of its own beside generateName"),
        pytest.param("", "web-bcdfg", "web-bcdfg", False, id="no generateName"),
        pytest.param(".*", "xybcdfg", "xybcdfg", False, id="generateName is no pattern"),
        pytest.param("x" * 70, "x" * 58 + "bcdfg", "x" * 58 + "bcdfg", True, id="a long generateName is cut to 58"),
        pytest.param("web-", "web-bcdfg", "web-zzzzz", False, id="the request is about another name"),
        pytest.param(["web-"], "web-bcdfg", "", False, id="not a string"),
    ],
)
def test_a_generated_name_is_base_and_five_random_characters(base: Any, name: Any, called: str, is_own: bool) -> None:
    """Only a name that the server can have made counts as generated."""
    asked = request(name=called, object={"metadata": {"generateName": base, "name": name}})
    assert own_name(asked) == (name if is_own else "")


@pytest.mark.parametrize(
    ("fields", "is_own"),
    [
        pytest.param({}, True, id="a new object"),
        pytest.param({"operation": Operation.UPDATE}, False, id="an update"),
        pytest.param({"subresource": "token"}, False, id="a subresource"),
        pytest.param({"resource": Resource("", "v1", "bindings")}, False, id="a binding, whose UID means a Pod"),
        pytest.param({"object": {"metadata": {"uid": "chosen"}}}, False, id="no UUID"),
        pytest.param({"object": {"metadata": {"uid": UID.upper()}}}, False, id="a UUID as no API server writes it"),
        pytest.param({"object": {"metadata": None}}, False, id="no metadata"),
    ],
)
def test_only_a_stored_new_object_gets_a_uid(fields: dict[str, Any], is_own: bool) -> None:
    """Everywhere else a UID is the client's word about another object."""
    asked = request(**{"object": {"metadata": {"uid": UID}}, **fields})
    assert own_uid(asked) == (UID if is_own else "")


def test_places_are_whole_values() -> None:
    """A text that only contains the UID is something else."""
    obj = {"a": UID, "b": [UID, f"x-{UID}"], "c": {UID: 1, "d": UID}}
    assert set(places(obj, UID)) == {("a",), ("b", 0), ("c", "d")}
