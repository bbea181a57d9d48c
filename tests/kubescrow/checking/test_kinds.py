"""Kinds are what the real API server says they are; custom ones what their definition says; others are guessed."""

from __future__ import annotations

from typing import Any

import pytest

from kubescrow.checking.kinds import TABLE, Kinds, Origin, UnknownSubresource
from tests.controlplane.controlplane import ControlPlane
from tests.kubescrow.kinds import rows
from webhook.admission.request import Kind, Operation

MEND = "python -m tests.kubescrow.kinds"


def test_the_table_says_what_the_real_api_server_says(controlplane: ControlPlane) -> None:
    """Every resource that it serves by default, with scope, operations and kind; the table has alpha ones beside."""
    heading, *table = TABLE.read_text().splitlines()
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    custom = {crd["spec"]["group"] for crd in controlplane.admin.request("GET", crds)[1]["items"]}
    served = {row for row in rows(controlplane.admin) if row.partition("\t")[0] not in custom}
    assert controlplane.version in heading, MEND
    assert len(served) > 90
    assert served <= set(table), MEND


@pytest.mark.parametrize(
    ("group", "kind", "resource", "is_namespaced"),
    [
        ("", "Pod", "pods", True),
        ("", "Namespace", "namespaces", False),
        ("", "Endpoints", "endpoints", True),
        ("apps", "Deployment", "deployments", True),
        ("networking.k8s.io", "Ingress", "ingresses", True),
        ("networking.k8s.io", "NetworkPolicy", "networkpolicies", True),
        ("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", False),
        ("events.k8s.io", "Event", "events", True),
        ("storage.k8s.io", "StorageClass", "storageclasses", False),
    ],
)
def test_a_built_in_kind(group: str, kind: str, resource: str, is_namespaced: bool) -> None:
    """What is sent is the object itself, in the version of the manifest."""
    served = Kinds.built_in().served(group, kind, "")
    assert (served.group, served.resource, served.is_namespaced) == (group, resource, is_namespaced)
    assert (served.sent, served.origin) == (Kind(group, "", kind), Origin.BUILT_IN)


@pytest.mark.parametrize(
    ("manifest", "path", "sent", "operation"),
    [
        (("", "Pod", "exec"), "pods/exec", "PodExecOptions", Operation.CONNECT),
        (("", "PodExecOptions", ""), "pods/exec", "PodExecOptions", Operation.CONNECT),
        (("", "NodeProxyOptions", ""), "nodes/proxy", "NodeProxyOptions", Operation.CONNECT),
        (("", "Pod", "eviction"), "pods/eviction", "Eviction", Operation.CREATE),
        (("policy", "Eviction", ""), "pods/eviction", "Eviction", Operation.CREATE),
        (("authentication.k8s.io", "TokenRequest", ""), "serviceaccounts/token", "TokenRequest", Operation.CREATE),
        (("", "Pod", "ephemeralcontainers"), "pods/ephemeralcontainers", "Pod", Operation.UPDATE),
        (("apps", "Deployment", "scale"), "deployments.apps/scale", "Scale", Operation.UPDATE),
        (("apps", "Deployment", "status"), "deployments.apps/status", "Deployment", Operation.UPDATE),
        (("", "Binding", ""), "bindings", "Binding", Operation.CREATE),
        (("", "Pod", "binding"), "pods/binding", "Binding", Operation.CREATE),
    ],
)
def test_a_subresource(manifest: tuple[str, str, str], path: str, sent: str, operation: Operation) -> None:
    """By its name, or because only it takes such an object."""
    served = Kinds.built_in().served(*manifest)
    assert (served.path, served.sent.kind, served.operations) == (path, sent, (operation,))


def test_a_subresource_that_does_not_exist_is_told() -> None:
    """With those that do."""
    with pytest.raises(
        UnknownSubresource, match=r"^deployments\.apps has no subresource exec; allowed: scale, status$"
    ):
        Kinds.built_in().served("apps", "Deployment", "exec")
    with pytest.raises(UnknownSubresource, match=r"^widgets\.example\.com has no subresource scale; allowed: none$"):
        Kinds.built_in().served("example.com", "Widget", "scale")


def test_a_kind_of_several_resources_is_not_guessed() -> None:
    """A Scale says nothing of what it scales."""
    with pytest.raises(UnknownSubresource, match=r"deployments\.apps/scale.*give the AdmissionReview"):
        Kinds.built_in().served("autoscaling", "Scale", "")


def crd(plural: str = "widgetry", scope: str = "Cluster", **version: Any) -> dict[str, Any]:
    """The definition of Widgets."""
    names = {"plural": plural, "kind": "Widget"}
    versions = [{"name": "v1", **version}]
    return {"spec": {"group": "example.com", "names": names, "scope": scope, "versions": versions}}


def test_a_defined_kind_is_what_its_definition_says() -> None:
    """Plural, scope and subresources."""
    kinds = Kinds.built_in()
    assert not kinds.knows("example.com", "Widget")
    kinds.learn(crd(subresources={"status": {}, "scale": {}}), Origin.NAMED)
    assert kinds.knows("example.com", "Widget")
    served = kinds.served("example.com", "Widget", "")
    assert (served.resource, served.is_namespaced, served.origin) == ("widgetry", False, Origin.NAMED)
    assert kinds.served("example.com", "Widget", "status").sent == Kind("example.com", "", "Widget")
    assert kinds.served("example.com", "Widget", "scale").sent == Kind("autoscaling", "v1", "Scale")


def test_what_is_known_first_stays() -> None:
    """So that a definition among the manifests changes neither what was named nor what is built in."""
    kinds = Kinds.built_in()
    kinds.learn(crd(), Origin.NAMED)
    kinds.learn(crd("harmless"), Origin.MANIFESTS)
    assert kinds.served("example.com", "Widget", "").resource == "widgetry"
    deployments = {"group": "apps", "names": {"plural": "harmless", "kind": "Deployment"}, "scope": "Cluster"}
    kinds.learn({"spec": deployments}, Origin.NAMED)
    assert kinds.served("apps", "Deployment", "").resource == "deployments"


@pytest.mark.parametrize(
    "definition",
    [{}, {"spec": []}, {"spec": {"names": "x"}}, crd(plural=""), {"spec": {**crd()["spec"], "scope": 1}}],
    ids=["nothing", "a list", "names that are a text", "no plural", "a scope that is a number"],
)
def test_what_is_no_definition_defines_nothing(definition: dict[str, Any]) -> None:
    """And is no exception; it is judged as an object all the same."""
    kinds = Kinds.built_in()
    kinds.learn(definition, Origin.NAMED)
    assert not kinds.knows("example.com", "Widget")


def test_odd_versions_of_a_definition_have_no_subresources() -> None:
    """Whatever is written there."""
    kinds = Kinds.built_in()
    kinds.learn({"spec": {**crd()["spec"], "versions": [1, {"subresources": "scale"}]}}, Origin.NAMED)
    with pytest.raises(UnknownSubresource):
        kinds.served("example.com", "Widget", "scale")


@pytest.mark.parametrize(
    ("kind", "plural"),
    [("Widget", "widgets"), ("Policy", "policies"), ("Class", "classes"), ("MyEndpoints", "myendpoints")],
)
def test_a_guess(kind: str, plural: str) -> None:
    """As client-go guesses; in a namespace."""
    served = Kinds.built_in().served("example.com", kind, "")
    assert (served.resource, served.is_namespaced, served.origin) == (plural, True, Origin.GUESS)
