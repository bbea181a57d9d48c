"""What a manifest would be as a request: the AdmissionReview that an API server would send for it.

What the API server, or a webhook before ours, would have added (defaults, uid, a generated name) is not in it.

Source: k8s.io/api/admission/v1/types.go; k8s.io/apiserver/pkg/endpoints/handlers (which fields an operation has)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubescrow.checking.kinds import Origin, Served, guessed
from kubescrow.checking.user import user_info
from kubescrow.manifests.objects import KubernetesObject
from webhook.admission.request import Operation, User
from webhook.admission.review import API_VERSION, KIND

DEFAULT_NAMESPACE = "default"
"""Where kubectl writes to when nothing says where."""

_OPTIONS = {Operation.CREATE: "CreateOptions", Operation.UPDATE: "UpdateOptions", Operation.DELETE: "DeleteOptions"}


class NoRequest(Exception):
    """No request can be made of a manifest; the text says why and what to give."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says of every request. An operation of None: the first that the resource has."""

    operation: Operation | None = None
    subresource: str = ""
    namespace: str = ""
    has_old: bool = False
    """Whether the objects as they are now were given."""

    def namespace_of(self, each: KubernetesObject, served: Served) -> str:
        """Return where an object lies; empty outside of namespaces."""
        return (each.namespace or self.namespace or DEFAULT_NAMESPACE) if served.is_namespaced else ""


@dataclass(frozen=True, slots=True)
class Made:
    """An AdmissionReview, and what is uncertain about it, a sentence each."""

    review: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def review_of(
    each: KubernetesObject, served: Served, asked: Asked, *, user: User, old: KubernetesObject | None
) -> Made:
    """Make the review of one manifest.

    old: the same object as it is now, if it is known.

    Raises:
        NoRequest: the operation does not exist for it, or needs `old`.
    """
    operation, notes = _operation(served, asked, old)
    notes = [*_notes(each, served, asked), *notes]
    namespace = asked.namespace_of(each, served)
    before = None if operation in {Operation.CREATE, Operation.CONNECT} else old or each
    kind, version = _kind(each, served), _version(each, served)
    resource = {"group": served.group, "version": version, "resource": served.resource}
    below = served.subresource
    place = each.name if (served.group, served.resource) == ("", "namespaces") else namespace
    request = {
        "uid": "offline",
        "kind": kind,
        "resource": resource,
        **({"subResource": below} if below else {}),
        "requestKind": kind,
        "requestResource": resource,
        **({"requestSubResource": below} if below else {}),
        **({"name": each.name} if each.name else {}),
        **({"namespace": place} if place else {}),
        "operation": operation.value,
        "userInfo": user_info(user),
        "object": None if operation is Operation.DELETE else _sent(each, served, namespace),
        "oldObject": _sent(before, served, namespace) if before else None,
        "dryRun": False,
        "options": {"kind": _OPTIONS[operation], "apiVersion": "meta.k8s.io/v1"} if operation in _OPTIONS else None,
    }
    return Made({"kind": KIND, "apiVersion": API_VERSION, "request": request}, tuple(notes))


def _operation(served: Served, asked: Asked, old: KubernetesObject | None) -> tuple[Operation, list[str]]:
    operation = asked.operation or served.operations[0]
    if operation not in served.operations:
        raise NoRequest(f"{operation} of {served.path} does not exist; allowed: {', '.join(served.operations)}")
    if operation is Operation.UPDATE and old is None:
        if not asked.has_old or Operation.CREATE not in served.operations:
            raise NoRequest(f"UPDATE of {served.path}: how it is now is not known; give it by --old")
        return Operation.CREATE, ["not in --old: judged as CREATE"]
    if operation is Operation.DELETE and old is None and asked.has_old:
        return operation, ["not in --old: the manifest is judged as what is deleted"]
    return operation, []


def _notes(each: KubernetesObject, served: Served, asked: Asked) -> list[str]:
    notes = []
    what = (
        f"{each.kind} of {each.group}: resource {served.resource}, {'' if served.is_namespaced else 'not '}namespaced"
    )
    guess = guessed(each.group, each.kind)
    is_as_guessed = (served.resource, served.is_namespaced) == (guess.resource, guess.is_namespaced)
    if served.origin is Origin.GUESS:
        notes.append(f"{what}, is a guess; give its CustomResourceDefinition by --crds")
    elif served.origin is Origin.MANIFESTS and not is_as_guessed:
        notes.append(
            f"{what}, says a CustomResourceDefinition among the manifests; if it is installed, give it by --crds"
        )
    if served.is_namespaced and not (each.namespace or asked.namespace):
        notes.append(f"no namespace in it and no --namespace: judged in namespace {DEFAULT_NAMESPACE}")
    if served.subresource and not _is_sent(each, served):
        notes.append(f"a {each.kind} does not say what {served.sent.kind} is sent: judged without its fields")
    return notes


def _is_sent(each: KubernetesObject, served: Served) -> bool:
    return (each.group, each.kind) == (served.sent.group, served.sent.kind)


def _kind(each: KubernetesObject, served: Served) -> dict[str, str]:
    return {"group": served.sent.group, "version": served.sent.version or each.version, "kind": served.sent.kind}


def _version(each: KubernetesObject, served: Served) -> str:
    """Return the version of the resource; an Eviction says nothing of it, and all that have such kinds are in v1."""
    return each.version if each.group == served.group else "v1"


def _sent(each: KubernetesObject, served: Served, namespace: str) -> Mapping[str, Any]:
    """Return the object that is sent: the manifest, or what is known of the other kind that a subresource takes."""
    metadata = {**(each.value.get("metadata") or {}), **({"namespace": namespace} if namespace else {})}
    if _is_sent(each, served):
        is_connect = Operation.CONNECT in served.operations  # options have no metadata; here it said only which Pod
        own = {key: value for key, value in each.value.items() if key != "metadata"}
        return own if is_connect else {**each.value, "metadata": metadata}
    kind = _kind(each, served)
    api_version = f"{kind['group']}/{kind['version']}".removeprefix("/")
    made: dict[str, Any] = {"apiVersion": api_version, "kind": kind["kind"]}
    if Operation.CONNECT in served.operations:
        return made
    made["metadata"] = {key: metadata[key] for key in ("name", "namespace") if key in metadata}
    spec = each.value.get("spec")
    if served.subresource == "scale" and isinstance(spec, Mapping) and "replicas" in spec:
        made["spec"] = {"replicas": spec["replicas"]}
    return made
