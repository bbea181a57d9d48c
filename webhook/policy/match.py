"""Whether a rule is about a request, before any check or expression is asked.

Operations, groups and resources as in a webhook configuration (`checks.scope`), names with `*` at either end.
An object that cannot be named yet is matched by every name and excluded by none: not knowing never lets through.
`selector` looks at labels; `matchConditions` are expressions and asked by `judgement`.
"""

from collections.abc import Mapping

from webhook.admission.request import Object, Operation, Request
from webhook.admission.subject import glob_matches
from webhook.checks.scope import ANY, Scope, resource_matches
from webhook.policy.fields import READS
from webhook.policy.selector import is_namespace, namespace_selected, object_selected
from webhook.policy.spec import Match

_OF_ALL = frozenset({Operation.LIST, Operation.WATCH})
"""What is not asked in one namespace is asked in all of them."""


def rule_matches(match: Match | None, request: Request, namespace: Object | None = None) -> bool:
    """Say whether a rule with this `match` is about the request; None matches every request.

    `namespace` is the Namespace that the object lies in, None where it is not known.
    """
    if match is None:
        return True
    if not may_match(match, request):
        return False
    objects, namespaces = match.object_selector, match.namespace_selector
    return (objects is None or object_selected(objects, request)) and (
        namespaces is None or namespace_selected(namespaces, request, namespace)
    )


def may_match(match: Match | None, request: Request) -> bool:
    """Say the same without a look at labels."""
    return match is None or (
        (ANY in match.operations or request.operation.value in match.operations)
        and (ANY in match.api_groups or request.resource.group in match.api_groups)
        and (ANY in match.api_versions or requested_version(request) in match.api_versions)
        and any(resource_matches(pattern, request) for pattern in match.resources)
        and _is_selected(request.object_name, match.resource_names, match.exclude_resource_names)
        and _is_selected_namespace(match, request)
    )


def requested_version(request: Request) -> str:
    """Return the API version by which the client asked; what arrives here may have been converted from it.

    Source: k8s.io/api/admission/v1/types.go, requestResource
    """
    asked = request.wire.get("requestResource")
    version = asked.get("version") if isinstance(asked, Mapping) else None
    return version if isinstance(version, str) else request.resource.version


def scope_of(match: Match) -> Scope:
    """Return what must be delivered for a rule with this `match`; names and namespaces are judged here.

    A rule about reads needs deletions: some are answered with what they delete.
    """
    writes = (operation.value for operation in match.operations if operation not in READS)
    return Scope.of(tuple(writes) or ("DELETE",), match.api_groups, match.resources)


def _is_selected_namespace(match: Match, request: Request) -> bool:
    """Judge the namespace; an object outside of any is named by no namespace and excluded by none."""
    if is_namespace(request):
        return _is_selected(request.object_name, match.namespaces, match.exclude_namespaces)
    if not request.namespace:
        return match.namespaces is None or request.operation in _OF_ALL
    return _is_selected(request.namespace, match.namespaces, match.exclude_namespaces)


def _is_selected(name: str, globs: tuple[str, ...] | None, excluded: tuple[str, ...] | None) -> bool:
    if not name:
        return True
    if globs is not None and not any(glob_matches(glob, name) for glob in globs):
        return False
    return excluded is None or not any(glob_matches(glob, name) for glob in excluded)
