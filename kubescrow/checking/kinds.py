"""Which resource a kind is: built into Kubernetes, defined by a CustomResourceDefinition, or guessed.

The table of built-in kinds is made of the discovery of a real API server (tests/kubescrow/kinds.py).

Source: k8s.io/apimachinery/pkg/api/meta/restmapper.go, UnsafeGuessKindToResource (the guess)
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any

from webhook.admission.request import Kind, Operation

TABLE = Path(__file__).with_name("kinds.tsv")

CRD_GROUP, CRD_KIND = "apiextensions.k8s.io", "CustomResourceDefinition"

_WRITES = (Operation.CREATE, Operation.UPDATE, Operation.DELETE)


class Origin(Enum):
    """How a kind is known; what is among the manifests themselves may be a lie of whoever wrote them."""

    BUILT_IN = auto()
    NAMED = auto()
    MANIFESTS = auto()
    GUESS = auto()


@dataclass(frozen=True, slots=True)
class Served:
    """One resource, or subresource, that is written. `sent` is the kind of the object that a request carries.

    `sent.version` is empty where it is the version of the manifest.
    """

    group: str
    resource: str
    subresource: str
    is_namespaced: bool
    operations: tuple[Operation, ...]
    sent: Kind
    origin: Origin = Origin.BUILT_IN

    @property
    def path(self) -> str:
        """Name it for people: `pods/exec` or `deployments.apps`."""
        group = f".{self.group}" if self.group else ""
        return f"{self.resource}{group}{'/' + self.subresource if self.subresource else ''}"


class UnknownSubresource(Exception):
    """No request can be made of a manifest; the text says what is allowed."""


@dataclass(slots=True)
class Kinds:
    """Every kind that is known."""

    _resources: dict[tuple[str, str], Served] = field(default_factory=dict)
    """By (group, kind)."""
    _below: dict[tuple[str, str], dict[str, Served]] = field(default_factory=dict)
    """By (group, resource), then subresource."""

    @classmethod
    def built_in(cls) -> "Kinds":
        """Read the table."""
        kinds = cls()
        for line in TABLE.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                kinds._add(_row(line))
        return kinds

    def knows(self, group: str, kind: str) -> bool:
        """Say whether objects of this kind are sent to the API server in a way that is known."""
        return (group, kind) in self._resources or any(self._sent_below(group, kind))

    def learn(self, definition: Mapping[str, Any], origin: Origin) -> None:
        """Add what a CustomResourceDefinition defines; what is known already stays."""
        for served in _defined(definition, origin):
            self._add(served)

    def served(self, group: str, kind: str, subresource: str) -> Served:
        """Return what a manifest of this kind is written to; a guess for a kind that is not known.

        Raises:
            UnknownSubresource: the resource has no such subresource, or the kind belongs to several.
        """
        main = self._resources.get((group, kind))
        if main is not None and not subresource:
            return main
        below_main = self._below.get((main.group, main.resource), {}) if main else {}
        if subresource in below_main:
            return below_main[subresource]
        sent = [each for each in self._sent_below(group, kind) if subresource in {"", each.subresource}]
        if len(sent) > 1:
            paths = ", ".join(each.path for each in sent)
            raise UnknownSubresource(f"{kind} is sent to one of {paths}: give the AdmissionReview, which says to which")
        if sent:
            return sent[0]
        main = main or guessed(group, kind)
        if not subresource:
            return main
        allowed = ", ".join(below_main) or "none"
        raise UnknownSubresource(f"{main.path} has no subresource {subresource}; allowed: {allowed}")

    def _sent_below(self, group: str, kind: str) -> Iterator[Served]:
        for below in self._below.values():
            yield from (each for each in below.values() if (each.sent.group, each.sent.kind) == (group, kind))

    def _add(self, served: Served) -> None:
        if served.subresource:
            self._below.setdefault((served.group, served.resource), {}).setdefault(served.subresource, served)
        else:
            self._resources.setdefault((served.group, served.sent.kind), served)


def _row(line: str) -> Served:
    group, path, scope, operations, sent_group, version, kind = line.split("\t")
    resource, _, subresource = path.partition("/")
    return Served(
        group.removeprefix("-"),
        resource,
        subresource,
        scope == "namespaced",
        tuple(Operation(operation) for operation in operations.split(",")),
        Kind(sent_group.removeprefix("-"), version.removeprefix("-"), kind),
    )


def guessed(group: str, kind: str) -> Served:
    """Guess as client-go does: most custom resources are named so, and lie in a namespace."""
    singular = kind.lower()
    if singular.endswith("endpoints"):
        plural = singular
    elif singular.endswith("s"):
        plural = f"{singular}es"
    elif singular.endswith("y"):
        plural = f"{singular[:-1]}ies"
    else:
        plural = f"{singular}s"
    return Served(group, plural, "", True, _WRITES, Kind(group, "", kind), origin=Origin.GUESS)


def _defined(definition: Mapping[str, Any], origin: Origin) -> Iterator[Served]:
    spec = _mapping(definition.get("spec"))
    names = _mapping(spec.get("names"))
    read = [spec.get("group"), names.get("plural"), names.get("kind"), spec.get("scope")]
    if not all(isinstance(each, str) and each for each in read):
        return
    group, plural, kind, scope = map(str, read)
    own, scale, is_namespaced = Kind(group, "", kind), Kind("autoscaling", "v1", "Scale"), scope == "Namespaced"
    yield Served(group, plural, "", is_namespaced, _WRITES, own, origin)
    versions = map(_mapping, _items(spec.get("versions")))
    below = {name for version in versions for name in _mapping(version.get("subresources"))}
    for name, sent in (("status", own), ("scale", scale)):
        if name in below:
            yield Served(group, plural, name, is_namespaced, (Operation.UPDATE,), sent, origin)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
