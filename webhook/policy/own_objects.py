"""Which objects of a cluster are ours: those by which Kubescrow could be switched off, or its judgement steered.

Names are taken from the request and from both objects, so that none of them can hide another; an object without any
name cannot be cleared and counts as ours.

Source: k8s.io/api rbac/v1, flowcontrol/v1 (subjects); k8s.io/api core/v1 (names of Namespaces)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.admission.request import SERVICE_ACCOUNT_PREFIX, Object, Request
from webhook.policy.selector import is_namespace


@dataclass(frozen=True, slots=True)
class Protected:
    """What is ours. `name_prefix` is how the names of all our cluster-scoped objects begin."""

    namespace: str = "kubescrow"
    group: str = "kubescrow.dev"
    name_prefix: str = "kubescrow"

    def is_own_group(self, group: str) -> bool:
        """Say whether an API group, or a name that ends in one, is ours."""
        return group == self.group or group.endswith(f".{self.group}")

    def is_own_name(self, name: str) -> bool:
        """Say whether a cluster-scoped object is named like ours."""
        return name.startswith(self.name_prefix)


def is_in_namespace(request: Request, namespace: str) -> bool:
    """Say whether the request touches something in a namespace, or the Namespace itself."""
    if is_namespace(request):
        return _is_any_name(request, lambda name: name == namespace)
    return request.namespace == namespace


def is_own_namespace(request: Request, protected: Protected) -> bool:
    """Our namespace and everything in it, every subresource and CONNECT included."""
    return is_in_namespace(request, protected.namespace)


def is_own_type(request: Request, protected: Protected) -> bool:
    """Every object of our API group: AgentPolicies, Approvals and their status."""
    return protected.is_own_group(request.resource.group)


def is_own_crd(request: Request, protected: Protected) -> bool:
    """The definitions of our types, named `<plural>.<group>`; deleting one deletes all its objects."""
    return _is(request, "apiextensions.k8s.io", "customresourcedefinitions") and _is_any_name(
        request, protected.is_own_group
    )


def is_own_api_service(request: Request, protected: Protected) -> bool:
    """The APIServices of our group, named `<version>.<group>`; changing one redirects the group."""
    return _is(request, "apiregistration.k8s.io", "apiservices") and _is_any_name(request, protected.is_own_group)


def is_own_rbac(request: Request, protected: Protected) -> bool:
    """Roles and bindings that are named like ours, and bindings of our roles or of our ServiceAccounts."""
    if not _is(request, "rbac.authorization.k8s.io"):
        return False
    if _is_any_name(request, protected.is_own_name):
        return True
    roles = (_mapping(_mapping(obj).get("roleRef")).get("name") for obj in (request.object, request.old_object))
    if any(isinstance(role, str) and protected.is_own_name(role) for role in roles):
        return True
    subjects = (s for obj in (request.object, request.old_object) for s in _items(_mapping(obj).get("subjects")))
    return any(_names_account(subject, protected.namespace) for subject in subjects)


def is_own_flow_control(request: Request, protected: Protected) -> bool:
    """Flow control that is named like ours, and FlowSchemas that would catch our ServiceAccounts."""
    if not _is(request, "flowcontrol.apiserver.k8s.io"):
        return False
    if _is_any_name(request, protected.is_own_name):
        return True
    subjects = (s for obj in (request.object, request.old_object) for s in _flow_subjects(obj))
    return any(_catches_account(subject, protected.namespace) for subject in subjects)


def is_own_webhook(request: Request, protected: Protected) -> bool:
    """Admission configurations that are named like ours; the API server has not asked us about them so far."""
    return _is(request, "admissionregistration.k8s.io") and _is_any_name(request, protected.is_own_name)


def _is(request: Request, group: str, resource: str = "") -> bool:
    return request.resource.group == group and resource in ("", request.resource.resource)


def _is_any_name(request: Request, is_ours: Callable[[str], bool]) -> bool:
    names = [name for name in _names(request) if name]
    return not names or any(is_ours(name) for name in names)


def _names(request: Request) -> Iterator[str]:
    yield request.name
    for obj in (request.object, request.old_object):
        metadata = _mapping(_mapping(obj).get("metadata"))
        for field in ("name", "generateName"):
            name = metadata.get(field)
            if isinstance(name, str):
                yield name


def _flow_subjects(flow_schema: Object | None) -> Iterator[Any]:
    for rule in _items(_mapping(_mapping(flow_schema).get("spec")).get("rules")):
        yield from _items(_mapping(rule).get("subjects"))


def _names_account(subject: Any, namespace: str) -> bool:
    """Say whether a subject of RBAC or flow control means a ServiceAccount of this namespace, by any of its names."""
    fields = _mapping(subject)
    parts = [fields, *(_mapping(fields.get(kind)) for kind in ("serviceAccount", "user", "group"))]
    return any(
        part.get("namespace") == namespace
        or str(part.get("name")).startswith(f"{SERVICE_ACCOUNT_PREFIX}{namespace}:")
        or part.get("name") == f"system:serviceaccounts:{namespace}"
        for part in parts
    )


def _catches_account(subject: Any, namespace: str) -> bool:
    """The same for flow control, where a subject may also mean everybody."""
    fields = _mapping(subject)
    names = {str(_mapping(fields.get(kind)).get("name")) for kind in ("user", "group")}
    everybody = {"*", "system:authenticated", "system:serviceaccounts"}
    return _names_account(subject, namespace) or not names.isdisjoint(everybody)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else ()
