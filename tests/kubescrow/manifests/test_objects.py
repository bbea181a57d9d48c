"""Objects come out of documents and lists with their place; what is none is said."""

from __future__ import annotations

from typing import Any

import pytest

from kubescrow.manifests.document import Document
from kubescrow.manifests.objects import KubernetesObject, NoObject, objects_of

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}}


def found(value: Any) -> list[KubernetesObject | NoObject]:
    """What is in a document of this value."""
    return list(objects_of("a.yaml", Document(2, 7, value)))


def test_an_object_has_its_identity_and_place() -> None:
    """And all of its content."""
    (pod,) = found(POD)
    assert isinstance(pod, KubernetesObject)
    assert (pod.group, pod.version, pod.kind, pod.namespace, pod.name) == ("", "v1", "Pod", "shop", "web")
    assert (pod.value, str(pod.place), pod.place.document) == (POD, "a.yaml:7", 2)
    (crd,) = found({"apiVersion": "example.com/v1", "kind": "Widget"})
    assert isinstance(crd, KubernetesObject)
    assert (crd.group, crd.version, crd.namespace, crd.name) == ("example.com", "v1", "", "")


def test_a_list_is_its_items_also_in_lists() -> None:
    """In order, each with its path."""
    inner = {"apiVersion": "v1", "kind": "List", "items": [POD, POD]}
    places = [str(each.place) for each in found({"apiVersion": "v1", "kind": "List", "items": [POD, inner, POD]})]
    assert places == [
        f"a.yaml:7: {path}" for path in ("items[0]", "items[1].items[0]", "items[1].items[1]", "items[2]")
    ]


def test_items_of_a_typed_list_need_no_kind() -> None:
    """As the API server writes them; one that has its own keeps it."""
    bare = {"metadata": {"name": "a"}}
    one, other = found({"apiVersion": "v1", "kind": "PodList", "items": [bare, {**POD, "kind": "Secret"}]})
    assert isinstance(one, KubernetesObject)
    assert isinstance(other, KubernetesObject)
    assert (one.kind, one.version, one.name, other.kind) == ("Pod", "v1", "a", "Secret")


def test_a_kind_that_only_sounds_like_a_list_is_an_object() -> None:
    """It has no items."""
    (each,) = found({"apiVersion": "example.com/v1", "kind": "AllowList", "spec": {"items": []}})
    assert isinstance(each, KubernetesObject)


def test_an_empty_list_is_nothing() -> None:
    """No object, no mistake."""
    assert found({"apiVersion": "v1", "kind": "List", "items": []}) == []


def test_lists_in_lists_have_an_end() -> None:
    """However deep, without recursion."""
    value: Any = POD
    for _ in range(900):
        value = {"apiVersion": "v1", "kind": "List", "items": [value]}
    (each,) = found(value)
    assert isinstance(each, NoObject)
    assert each.reason == "a list in more than 10 lists"


WRONG: dict[str, tuple[Any, str]] = {
    "a text": ("hello", "found text; allowed: a Kubernetes object"),
    "a list": ([POD], "found a list; allowed: a Kubernetes object"),
    "a number": (1.5, "found a number; allowed: a Kubernetes object"),
    "no kind": ({"apiVersion": "v1"}, "kind: found nothing; allowed: text"),
    "no version": ({"kind": "Pod"}, "apiVersion: found nothing; allowed: text"),
    "values of a chart": ({"replicas": 1}, "apiVersion: found nothing; allowed: text"),
    "a kind that is true": ({"apiVersion": "v1", "kind": True}, "kind: found true or false; allowed: text"),
    "a version that is a number": ({"apiVersion": 1, "kind": "Pod"}, "apiVersion: found a number; allowed: text"),
    "two slashes": ({"apiVersion": "a/b/c", "kind": "Pod"}, "apiVersion, kind: one is empty or has two slashes"),
    "an empty kind": ({"apiVersion": "v1", "kind": ""}, "apiVersion, kind: one is empty or has two slashes"),
    "metadata that is a list": ({**POD, "metadata": []}, "metadata: found a list; allowed: a mapping"),
    "a name that is a number": ({**POD, "metadata": {"name": 1}}, "metadata.name: found a number; allowed: text"),
    "a namespace that is one": ({**POD, "metadata": {"namespace": 1}}, "metadata.namespace: found a number; allowed"),
}


@pytest.mark.parametrize(("value", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_object_is_said(value: Any, reason: str) -> None:
    """With the field, what was found and what is allowed."""
    (each,) = found(value)
    assert isinstance(each, NoObject)
    assert each.reason.startswith(reason)
    assert str(each.place) == "a.yaml:7"
