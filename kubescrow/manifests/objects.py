"""The Kubernetes objects of a document: itself, or the items of a list; each with where it was written.

Source: k8s.io/apimachinery/pkg/apis/meta/v1/unstructured (what a list is, and what its items inherit)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubescrow.manifests.document import Document

# Lists in lists are what `kubectl get` never writes; ten levels of them are more than any tool makes.
_NESTED_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object was written. `item` is its path in a list, such as `items[3]`, else empty."""

    file: str
    line: int
    document: int
    item: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.item}" if self.item else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class KubernetesObject:
    """One object whose identity could be read. `value` is all of it."""

    place: Place
    group: str
    version: str
    kind: str
    namespace: str
    name: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NoObject:
    """What was written where an object should be; `reason` names the field, what was found and what is allowed."""

    place: Place
    reason: str


def objects_of(file: str, document: Document) -> Iterator[KubernetesObject | NoObject]:
    """Yield every object of a document, in order."""
    waiting: list[tuple[str, Any, int]] = [("", document.value, 0)]
    while waiting:
        item, value, depth = waiting.pop()
        place = Place(file, document.line, document.number, item)
        if not _is_list(value):
            yield _object(place, value)
        elif depth == _NESTED_LIMIT:
            yield NoObject(place, f"a list in more than {_NESTED_LIMIT} lists")
        else:
            items = _items(value)
            before = f"{item}." if item else ""
            waiting.extend((f"{before}items[{i}]", items[i], depth + 1) for i in reversed(range(len(items))))


def _is_list(value: Any) -> bool:
    return (
        isinstance(value, dict) and str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list)
    )


def _items(value: Mapping[str, Any]) -> list[Any]:
    """Return the items; those of a typed list need not repeat their kind."""
    kind, api_version = str(value["kind"]).removesuffix("List"), value.get("apiVersion")
    if not kind or not isinstance(api_version, str):
        return list(value["items"])
    return [
        {"apiVersion": api_version, "kind": kind, **item} if isinstance(item, dict) and "kind" not in item else item
        for item in value["items"]
    ]


def _object(place: Place, value: Any) -> KubernetesObject | NoObject:
    if not isinstance(value, dict):
        return NoObject(place, f"found {_called(value)}; allowed: a Kubernetes object")
    metadata = value.get("metadata")
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict):
        return NoObject(place, f"metadata: found {_called(metadata)}; allowed: a mapping")
    read: dict[str, str] = {}
    for path, field in (("", "apiVersion"), ("", "kind"), ("metadata.", "namespace"), ("metadata.", "name")):
        found = (metadata if path else value).get(field)
        if not isinstance(found, str) and (found is not None or not path):
            return NoObject(place, f"{path}{field}: found {_called(found)}; allowed: text")
        read[field] = found or ""
    group, _, version = read["apiVersion"].rpartition("/")
    if not read["kind"] or not version or "/" in group:
        return NoObject(
            place, "apiVersion, kind: one is empty or has two slashes; allowed: such as apps/v1, Deployment"
        )
    return KubernetesObject(place, group, version, read["kind"], read["namespace"], read["name"], value)


def _called(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return "nothing" if value is None else names[type(value)]
