"""Paths of `set`: what may be written, how it reads, and where it leads in an object."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.policy.object_path import InvalidPath, Obstacle, parse_path, places, shown


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("spec.replicas", ("spec", "replicas")),
        ('metadata.annotations["kubescrow.dev/by"]', ("metadata", "annotations", "kubescrow.dev/by")),
        ("metadata.labels.app", ("metadata", "labels", "app")),
        ("spec.containers[*].image", ("spec", "containers", None, "image")),
        ("spec.args[*]", ("spec", "args", None)),
        ('data["a.b"]', ("data", "a.b")),
        ("spec.template.metadata.name", ("spec", "template", "metadata", "name")),
    ],
)
def test_a_path(text: str, steps: tuple[str | None, ...]) -> None:
    assert parse_path(text).steps == steps
    assert parse_path(str(parse_path(text))).steps == steps


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "spec.", ".spec", "spec..a", "[*]", "spec[0].a", "spec[a]", "spec['a']", 'spec["a', 'spec[""]',
        "spec a", 'spec["a\\nb"]', 'spec["\n"]', "/spec/a", "spec.*", "spec[*]a", "x" * 1025, ".".join("x" * 33),
    ],
)  # fmt: skip
def test_no_path(text: str) -> None:
    """Anything else is refused, with the form that is allowed."""
    with pytest.raises(InvalidPath, match="path"):
        parse_path(text)


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion", "kind", "status", "status.phase", "metadata", "metadata.name", "metadata.namespace",
        "metadata.uid", "metadata.resourceVersion", "metadata.generation", "metadata.managedFields",
        "metadata.finalizers",
        "metadata.ownerReferences", "metadata.creationTimestamp", "metadata.deletionTimestamp", "metadata.generateName",
        "metadata.labels", "metadata.annotations[*]", 'metadata["name"]', '["metadata"]["uid"]', '["kind"]',
        "metadata.labels.a.b",
    ],
)  # fmt: skip
def test_what_is_not_for_policies_to_write(text: str) -> None:
    """However it is spelled."""
    with pytest.raises(InvalidPath):
        parse_path(text)


POD = {"spec": {"containers": [{"image": "a"}, {"image": None}, {}], "x": 1, "list": [], "none": None}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("spec.containers[*].image", [("spec.containers[0].image", "a", 0), ("spec.containers[1].image", None, 1),
                                      ("spec.containers[2].image", None, 1)]),
        ("spec.initContainers[*].image", []),
        ("spec.none[*]", []),
        ("spec.list[*].a", []),
        ("spec.a.b.c", [("spec.a.b.c", None, 3)]),
        ("spec.none.b", [("spec.none.b", None, 2)]),
        ("spec.x", [("spec.x", 1, 0)]),
        ('metadata.labels["a/b"]', [('metadata.labels["a/b"]', None, 3)]),
    ],
)  # fmt: skip
def test_where_a_path_leads(text: str, found: list[tuple[str, Any, int]]) -> None:
    led = places(POD, parse_path(text))
    assert [(shown(place.pointer), place.found, place.missing) for place in led] == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("spec.x.y", "spec.x is no object"),
        ("spec.containers.image", "spec.containers is a list"),
        ("spec[*].y", "spec is no list"),
        ("spec.x[*]", "spec.x is no list"),
        ("spec.containers[*].image.tag", "spec.containers[0].image is no object"),
    ],
)
def test_what_stands_in_the_way_is_named(text: str, why: str) -> None:
    with pytest.raises(Obstacle) as caught:
        list(places(POD, parse_path(text)))
    assert str(caught.value) == why
