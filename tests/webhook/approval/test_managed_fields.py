"""Who set a field: in doubt, the client did."""

from typing import Any

import pytest

from webhook.approval.managed_fields import ownership

PORT = {"port": 80, "protocol": "TCP"}
OTHER = 'k:{"port":443,"protocol":"TCP"}'


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param(None, id="none"),
        pytest.param([], id="an empty list"),
        pytest.param([{}], id="an entry that resets them"),
        pytest.param("fieldsV1", id="a text"),
        pytest.param([{"fieldsV1": {}}, {"fieldsV1": "x"}], id="one entry that cannot be read"),
    ],
)
def test_without_readable_managed_fields_nothing_is_known(entries: Any) -> None:
    """Then no value counts as generated."""
    assert ownership({"metadata": {"managedFields": entries}}) is None


def test_a_field_is_owned_if_any_manager_owns_it() -> None:
    """Whoever set it, the server did not generate it."""
    entries: list[Any] = [{"fieldsV1": {"f:spec": {"f:type": {}}}}, {"fieldsV1": {"f:spec": {"f:clusterIP": {}}}}]
    owned = ownership({"metadata": {"managedFields": entries}})
    assert owned is not None
    assert owned.has("f:spec", "f:clusterIP")
    assert not owned.has("f:spec", "f:clusterIPs")


@pytest.mark.parametrize(
    ("items", "is_owned"),
    [
        pytest.param({'k:{"port":80,"protocol":"TCP"}': {"f:nodePort": {}}}, True, id="the item with this key"),
        pytest.param({'k:{"port":80,"protocol":"TCP"}': {"f:port": {}}}, False, id="the item, but another field"),
        pytest.param({OTHER: {"f:nodePort": {}}}, False, id="another item"),
        pytest.param({".": {"f:nodePort": {}}}, False, id="the list as such"),
        pytest.param({"k:{": {"f:nodePort": {}}}, True, id="a key that cannot be read"),
        pytest.param({"i:0": {"f:nodePort": {}}}, True, id="an item by its place"),
        pytest.param({"k:[1]": {"f:nodePort": {}}}, True, id="a key that is no map"),
        pytest.param({}, False, id="no item"),
    ],
)
def test_a_field_of_a_list_item_is_found_by_the_items_key(items: dict[str, Any], is_owned: bool) -> None:
    """A key that cannot be read may be the one."""
    fields = {"f:spec": {"f:ports": items}}
    owned = ownership({"metadata": {"managedFields": [{"fieldsV1": fields}]}})
    assert owned is not None
    assert owned.has_in_item("f:spec", "f:ports", key=PORT, field="f:nodePort") is is_owned
