"""Which objects are ours, however they are named or hidden."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import asks
from webhook.admission.request import Request
from webhook.policy import own_objects
from webhook.policy.own_objects import Protected

OURS = Protected()
RBAC, FLOW = "rbac.authorization.k8s.io/v1", "flowcontrol.apiserver.k8s.io/v1"
ACCOUNT = {"kind": "ServiceAccount", "name": "kubescrow-webhook", "namespace": "kubescrow"}
OTHER = {"kind": "ServiceAccount", "name": "bot", "namespace": "agents"}


def binding(subject: Any, name: str = "b") -> dict[str, Any]:
    return {"apiVersion": RBAC, "kind": "RoleBinding", "metadata": {"name": name}, "subjects": [subject]}


def flow(subject: Any, name: str = "f") -> dict[str, Any]:
    rules = [{"subjects": [subject]}]
    return {"apiVersion": FLOW, "kind": "FlowSchema", "metadata": {"name": name}, "spec": {"rules": rules}}


@pytest.mark.parametrize(
    ("request_", "is_ours"),
    [
        (asks("CREATE", resource="pods", namespace="kubescrow", name="x"), True),
        (asks("CONNECT", resource="pods", subresource="exec", namespace="kubescrow", name="x"), True),
        (asks("CREATE", resource="pods", namespace="kubescrow-agents", name="x"), False),
        (asks("DELETE", resource="namespaces", name="kubescrow", old={}), True),
        (asks("UPDATE", {}, resource="namespaces", subresource="finalize", name="kubescrow"), True),
        (asks("DELETE", resource="namespaces", name="", old={"metadata": {"name": "kubescrow"}}), True),
        (asks("DELETE", resource="namespaces", name=""), True),
        (asks("DELETE", resource="namespaces", name="prod", namespace="prod", old={}), False),
        (asks("DELETE", resource="nodes", name="kubescrow"), False),
    ],
)
def test_namespace(request_: Request, is_ours: bool) -> None:
    """Everything in our namespace, and the Namespace; one without a name cannot be cleared."""
    assert own_objects.is_own_namespace(request_, OURS) is is_ours


@pytest.mark.parametrize(
    ("group", "is_ours"),
    [("kubescrow.dev", True), ("audit.kubescrow.dev", True), ("notkubescrow.dev", False), ("", False)],
)
def test_types(group: str, is_ours: bool) -> None:
    """All of our group and groups below it."""
    request = asks("UPDATE", {}, resource="approvals", group=group, subresource="status")
    assert own_objects.is_own_type(request, OURS) is is_ours


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [("approvals.kubescrow.dev", True), ("x.kubescrow.dev", True), ("x.notkubescrow.dev", False), ("", True)],
)
def test_definitions(name: str, is_ours: bool) -> None:
    """CustomResourceDefinitions and APIServices by their names; none without a name is cleared."""
    crd = asks("DELETE", resource="customresourcedefinitions", group="apiextensions.k8s.io", name=name)
    service = asks("UPDATE", {}, resource="apiservices", group="apiregistration.k8s.io", name=name)
    assert own_objects.is_own_crd(crd, OURS) is is_ours
    assert own_objects.is_own_api_service(service, OURS) is is_ours


@pytest.mark.parametrize(
    ("obj", "old", "is_ours"),
    [
        (binding(OTHER, "kubescrow-webhook"), None, True),
        (binding(ACCOUNT), None, True),
        (binding(OTHER), binding(ACCOUNT), True),
        (None, binding(ACCOUNT), True),
        (binding({"kind": "User", "name": "system:serviceaccount:kubescrow:x"}), None, True),
        (binding({"kind": "Group", "name": "system:serviceaccounts:kubescrow"}), None, True),
        (binding(OTHER), binding(OTHER), False),
        (binding({"kind": "Group", "name": "system:serviceaccounts:kubescrow2"}), None, False),
        ({**binding(OTHER), "metadata": {"generateName": "kubescrow-"}}, None, True),
        ({**binding(OTHER), "subjects": "x"}, None, False),
        ({**binding(7)}, None, False),
    ],
)
def test_rbac(obj: Any, old: Any, is_ours: bool) -> None:
    """Bindings named like ours or naming our accounts, before or after the write."""
    assert own_objects.is_own_rbac(asks("UPDATE", obj, old=old, group="rbac.authorization.k8s.io"), OURS) is is_ours


@pytest.mark.parametrize(
    ("obj", "is_ours"),
    [
        (flow({"kind": "User", "user": {"name": "bot"}}, "kubescrow-agents"), True),
        (flow({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kubescrow", "name": "*"}}), True),
        (flow({"kind": "Group", "group": {"name": "system:serviceaccounts"}}), True),
        (flow({"kind": "User", "user": {"name": "*"}}), True),
        (flow({"kind": "Group", "group": {"name": "agents"}}), False),
        (flow({"kind": "Group", "group": None}), False),
        ({**flow({}), "spec": {"rules": [7]}}, False),
    ],
)
def test_flow_control(obj: Any, is_ours: bool) -> None:
    """A FlowSchema could move our calls to a starved level, whatever it is called."""
    request = asks("CREATE", obj, group="flowcontrol.apiserver.k8s.io")
    assert own_objects.is_own_flow_control(request, OURS) is is_ours


def test_other_groups_are_not_ours() -> None:
    """Names alone make nothing ours outside of the groups that matter."""
    request = asks("CREATE", {"kind": "ConfigMap", "metadata": {"name": "kubescrow", "namespace": "agents"}})
    checks = [check for name, check in vars(own_objects).items() if name.startswith("is_own_")]
    assert len(checks) == 7
    assert [check for check in checks if check(request, OURS)] == []
