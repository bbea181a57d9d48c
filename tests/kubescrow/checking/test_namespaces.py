"""Labels of namespaces are those that were given, and the one that the API server sets."""

from __future__ import annotations

from kubescrow.checking.namespaces import NAME_LABEL, Namespaces
from kubescrow.manifests.objects import KubernetesObject, Place

PROD = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "prod", "labels": {"env": "prod", NAME_LABEL: "x"}},
}


def found(kind: str) -> KubernetesObject:
    """An object like the Namespace, of this kind."""
    return KubernetesObject(Place("a", 1, 1), "", "v1", kind, "", "prod", PROD)


def test_nothing_is_made_up() -> None:
    """Without labels nothing is known of a namespace."""
    assert Namespaces().find("prod") is None
    assert Namespaces.of([found("ConfigMap")], None).find("prod") is None


def test_a_named_namespace_has_its_labels_and_its_name() -> None:
    """Others have those that were given for all, or none are known."""
    known = Namespaces.of([found("Namespace")], {"env": "dev"})
    labels = [(known.find(name) or {})["metadata"]["labels"] for name in ("prod", "shop")]
    assert labels == [{"env": "prod", NAME_LABEL: "prod"}, {"env": "dev", NAME_LABEL: "shop"}]
    assert Namespaces.of([found("Namespace")], None).find("shop") is None
