"""Selectors: what they select, whose labels they look at, and that unknown labels are selected."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.policy.language import asks
from webhook.policy.match import rule_matches
from webhook.policy.selector import namespace_selected, object_selected, selects
from webhook.policy.spec import Match, Selector

PROD: dict[str, Any] = {"matchLabels": {"env": "prod"}}
ESCAPING: dict[str, Any] = {"matchExpressions": [{"key": "exempt", "operator": "DoesNotExist"}]}


def selector(written: dict[str, Any]) -> Selector:
    return Selector.model_validate(written)


def labelled(**labels: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop", "labels": labels}}


def expression(operator: str, *values: str) -> dict[str, Any]:
    part = {"key": "env", "operator": operator, **({"values": list(values)} if values else {})}
    return {"matchExpressions": [part]}


@pytest.mark.parametrize(
    ("written", "labels", "selected"),
    [
        pytest.param({}, {}, True, id="an empty selector selects everything"),
        pytest.param(PROD, {"env": "prod", "x": "y"}, True, id="a label with its value"),
        pytest.param(PROD, {"env": "dev"}, False, id="a label with another value"),
        pytest.param(PROD, {}, False, id="a label that is missing"),
        pytest.param(expression("In", "dev", "prod"), {"env": "prod"}, True, id="one of the values"),
        pytest.param(expression("In", "dev"), {}, False, id="a missing label has none of the values"),
        pytest.param(expression("NotIn", "dev"), {"env": "dev"}, False, id="a value that must not be"),
        pytest.param(expression("NotIn", "dev"), {}, True, id="a missing label has not that value"),
        pytest.param(expression("Exists"), {"env": ""}, True, id="an empty value exists"),
        pytest.param(expression("Exists"), {}, False, id="a missing label does not exist"),
        pytest.param(expression("DoesNotExist"), {"env": "x"}, False, id="a label that is there"),
        pytest.param({**PROD, **expression("NotIn", "prod")}, {"env": "prod"}, False, id="all parts must hold"),
    ],
)
def test_a_selector(written: dict[str, Any], labels: dict[str, str], selected: bool) -> None:
    assert selects(selector(written), labels) is selected


@pytest.mark.parametrize(
    ("request_", "selected"),
    [
        pytest.param(asks("CREATE", labelled(env="prod")), True, id="a new object"),
        pytest.param(asks("CREATE", labelled(env="dev")), False, id="another new object"),
        pytest.param(asks("UPDATE", labelled(), old=labelled(env="prod")), True, id="the label is taken off"),
        pytest.param(asks("UPDATE", labelled(env="x"), old=labelled(env="prod")), True, id="the label is changed"),
        pytest.param(asks("UPDATE", labelled(env="prod"), old=labelled()), True, id="the label is put on"),
        pytest.param(asks("UPDATE", labelled(), old=labelled()), False, id="never had it"),
        pytest.param(asks("DELETE", old=labelled(env="prod")), True, id="a deletion"),
        pytest.param(asks("DELETE", resource="pods", old={}), True, id="an object without metadata"),
        pytest.param(asks("CREATE", {"metadata": {"labels": ["env"]}}, resource="pods"), True, id="labels of no form"),
        pytest.param(asks("CREATE", labelled(env=1)), True, id="a value of no form"),
        pytest.param(asks("CREATE", {"metadata": {"labels": None}}, resource="pods"), False, id="no labels"),
        pytest.param(
            asks("UPDATE", labelled(), old=labelled(), subresource="scale"), True, id="a scale, whose labels are hidden"
        ),
        pytest.param(asks("CREATE", labelled(), subresource="eviction"), True, id="an eviction"),
        pytest.param(asks("CONNECT", {"command": ["sh"]}, resource="pods", subresource="exec"), True, id="an exec"),
        pytest.param(
            asks("UPDATE", labelled(), old=labelled(), subresource="status"), False, id="a status, which is whole"
        ),
    ],
)
def test_the_object_selector_on(request_: Any, selected: bool) -> None:
    assert object_selected(selector(PROD), request_) is selected


POD = asks("CREATE", labelled())
NODE = asks("CREATE", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})


def namespace(**labels: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}


def on_namespace(operation: str, new: Any, old: Any = None, subresource: str = "") -> Any:
    return asks(operation, new, old=old, resource="namespaces", namespace="shop", name="shop", subresource=subresource)


@pytest.mark.parametrize(
    ("request_", "lies_in", "selected"),
    [
        pytest.param(POD, namespace(env="prod"), True, id="its Namespace has the label"),
        pytest.param(POD, namespace(env="dev"), False, id="its Namespace has another"),
        pytest.param(POD, None, True, id="its Namespace is not known"),
        pytest.param(POD, {"metadata": "x"}, True, id="its Namespace cannot be read"),
        pytest.param(NODE, None, True, id="an object outside of any Namespace"),
        pytest.param(on_namespace("CREATE", namespace(env="prod")), None, True, id="a new Namespace with the label"),
        pytest.param(on_namespace("CREATE", namespace()), None, False, id="a new Namespace without"),
        pytest.param(
            on_namespace("UPDATE", namespace(), namespace(env="prod")), namespace(), True, id="the label is taken off"
        ),
        pytest.param(
            on_namespace("UPDATE", namespace(env="prod"), namespace()), namespace(), True, id="the label is put on"
        ),
        pytest.param(on_namespace("DELETE", None, namespace(env="prod")), None, True, id="its deletion"),
        pytest.param(on_namespace("UPDATE", namespace(), namespace(env="prod"), "finalize"), None, True, id="finalize"),
    ],
)
def test_the_namespace_selector_on(request_: Any, lies_in: Any, selected: bool) -> None:
    assert namespace_selected(selector(PROD), request_, lies_in) is selected


LABELS = st.dictionaries(st.sampled_from(["env", "exempt", "x"]), st.sampled_from(["", "prod", "dev"]), max_size=3)
PARTS = st.lists(
    st.one_of(
        st.sampled_from([{"key": "env", "operator": "Exists"}, {"key": "exempt", "operator": "DoesNotExist"}]),
        st.sampled_from(["In", "NotIn"]).map(lambda op: {"key": "env", "operator": op, "values": ["prod", ""]}),
    ),
    max_size=2,
)


@given(LABELS, LABELS, PARTS)
def test_no_update_escapes_a_selector_that_one_side_has(old: Any, new: Any, parts: Any) -> None:
    """Whatever the labels become, an object that was selected is selected when it is changed, and what it becomes."""
    wanted = selector({"matchExpressions": parts})
    either = selects(wanted, old) or selects(wanted, new)
    assert object_selected(wanted, asks("UPDATE", labelled(**new), old=labelled(**old))) is either


@pytest.mark.parametrize(
    ("asked", "versions", "matches"),
    [
        ({"version": "v1beta1"}, ["v1beta1"], True),
        ({"version": "v1beta1"}, ["v1"], False),
        ({"version": "v1beta1"}, ["*"], True),
        (None, ["v1"], True),
        ({"version": 7}, ["v1"], True),
    ],
)
def test_the_version_is_the_one_that_the_client_asked_by(asked: Any, versions: list[str], matches: bool) -> None:
    """Not the one that the object was converted to for us."""
    request = asks("CREATE", labelled())
    given_: Any = {**request.wire, "requestResource": asked}
    match = Match.model_validate({"apiVersions": versions})
    assert rule_matches(match, replace(request, wire=given_)) is matches
