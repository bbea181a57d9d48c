"""Whether a rule is about a request, before any check or expression is asked.

Operations, groups and resources as in a webhook configuration (`checks.scope`), names with `*` at either end.
An object that cannot be named yet is matched by every name and excluded by none: not knowing never lets through.
"""

from webhook.admission.request import Request
from webhook.admission.subject import glob_matches
from webhook.checks.scope import ANY, Scope, resource_matches
from webhook.policy.spec import Match


def rule_matches(match: Match | None, request: Request) -> bool:
    """Say whether a rule with this `match` is about the request; None matches every request."""
    if match is None:
        return True
    return (
        (ANY in match.operations or request.operation.value in match.operations)
        and (ANY in match.api_groups or request.resource.group in match.api_groups)
        and any(resource_matches(pattern, request) for pattern in match.resources)
        and _is_selected(request.object_name, match.resource_names, match.exclude_resource_names)
        and _is_selected_namespace(match, request)
    )


def scope_of(match: Match) -> Scope:
    """Return what must be delivered for a rule with this `match`; names and namespaces are judged here."""
    return Scope.of((operation.value for operation in match.operations), match.api_groups, match.resources)


def is_namespace(request: Request) -> bool:
    """Say whether a Namespace object itself is touched; for rules it lies in the namespace of its own name."""
    return request.resource.resource == "namespaces" and not request.resource.group


def _is_selected_namespace(match: Match, request: Request) -> bool:
    """Judge the namespace; an object outside of any is named by no namespace and excluded by none."""
    if is_namespace(request):
        return _is_selected(request.object_name, match.namespaces, match.exclude_namespaces)
    if not request.namespace:
        return match.namespaces is None
    return _is_selected(request.namespace, match.namespaces, match.exclude_namespaces)


def _is_selected(name: str, globs: tuple[str, ...] | None, excluded: tuple[str, ...] | None) -> bool:
    if not name:
        return True
    if globs is not None and not any(glob_matches(glob, name) for glob in globs):
        return False
    return excluded is None or not any(glob_matches(glob, name) for glob in excluded)
