"""A request names its user and its target the way that policies and people do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.admission.request import CREDENTIAL_ID, Kind, Operation, Request, Resource, User


def request(resource: str = "pods", *, group: str = "", **fields: Any) -> Request:
    """A creation by somebody."""
    return Request(
        "uid", Operation.CREATE, Kind(group, "v1", "Any"), Resource(group, "v1", resource), User("x"), **fields
    )


@pytest.mark.parametrize(
    ("username", "account"),
    [
        pytest.param("system:serviceaccount:agents:bot", ("agents", "bot"), id="a ServiceAccount"),
        pytest.param("system:serviceaccount:agents:a:b", ("agents", "a:b"), id="all after the namespace is the name"),
        pytest.param("system:serviceaccount:agents", None, id="a name that is missing"),
        pytest.param("system:serviceaccounts", None, id="a name like the group's"),
        pytest.param("ann", None, id="a person"),
        pytest.param("System:ServiceAccount:agents:bot", None, id="capitals make it somebody else"),
        pytest.param("oidc:system:serviceaccount:agents:bot", None, id="a name with a prefix is a person's"),
    ],
)
def test_who_is_a_service_account(username: str, account: tuple[str, str] | None) -> None:
    """Only the name that the API server gives to ServiceAccounts makes one."""
    assert User(username).service_account == account


@given(st.text(st.characters(blacklist_characters=":")), st.text())
def test_namespace_and_name_are_told_apart(namespace: str, name: str) -> None:
    """A namespace holds no colon, so the first one ends it."""
    assert User(f"system:serviceaccount:{namespace}:{name}").service_account == (namespace, name)


@pytest.mark.parametrize(
    ("extra", "is_bound"),
    [
        pytest.param({CREDENTIAL_ID: ("JTI=1",)}, True, id="a token with an id"),
        pytest.param({}, False, id="a token without one"),
        pytest.param({CREDENTIAL_ID: ()}, False, id="an id without a value"),
        pytest.param({CREDENTIAL_ID: ("",)}, False, id="an empty id"),
        pytest.param({CREDENTIAL_ID.upper(): ("JTI=1",)}, False, id="another key"),
    ],
)
def test_which_credential_is_bound(extra: dict[str, tuple[str, ...]], is_bound: bool) -> None:
    """A credential is bound when it carries an id that says something."""
    assert User("x", extra=extra).is_bound is is_bound


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        pytest.param(request(name="a", object={"metadata": {"name": "b"}}), "a", id="the name of the call comes first"),
        pytest.param(request(object={"metadata": {"name": "b"}}), "b", id="then the name of the new object"),
        pytest.param(request(old_object={"metadata": {"name": "c"}}), "c", id="then that of the one that is deleted"),
        pytest.param(request(object={"metadata": {"generateName": "b-"}}), "", id="a name not made yet"),
        pytest.param(request(object={}), "", id="an object without metadata"),
        pytest.param(request(object={"metadata": ["name"]}), "", id="metadata of another type"),
        pytest.param(request(object={"metadata": {"name": 5}}), "", id="a name of another type"),
        pytest.param(request(), "", id="no object at all"),
    ],
)
def test_the_name_of_what_is_touched(asked: Request, name: str) -> None:
    """There is one name for each call, or none."""
    assert asked.object_name == name


@pytest.mark.parametrize(
    ("asked", "path", "target"),
    [
        pytest.param(request("namespaces", name="prod"), "namespaces", "namespaces prod", id="cluster-wide"),
        pytest.param(
            request(subresource="exec", namespace="agents", name="web-0"),
            "pods/exec",
            "pods/exec agents/web-0",
            id="a subresource of a core resource",
        ),
        pytest.param(
            request("deployments", group="apps", subresource="scale", namespace="shop", name="web"),
            "deployments/scale",
            "deployments.apps/scale shop/web",
            id="a subresource of a group",
        ),
        pytest.param(request("nodes"), "nodes", "nodes (generated name)", id="no name yet"),
    ],
)
def test_how_resource_and_target_are_written(asked: Request, path: str, target: str) -> None:
    """Policies write the path, people read the target."""
    assert (asked.resource_path, asked.target) == (path, target)
