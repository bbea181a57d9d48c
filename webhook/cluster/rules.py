"""Scopes of policies as rules of a webhook configuration, and as CEL for what those rules deliver.

A resource without wildcards is registered with the one version that the API server prefers: together with
`matchPolicy: Equivalent` every version is delivered, converted to that one, so that no version slips by or looks
different. Wildcards, and what is not served now, are registered with all versions: nothing slips by either, but
the client's own version arrives.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from webhook.checks.scope import ANY, Scope
from webhook.cluster.selection import CONDITION_LIMIT, listed, quoted

Served = Mapping[tuple[str, str], str]
"""The preferred version of each resource, by (group, `resource` or `resource/subresource`)."""

OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")

REVIEW_GROUPS = ("authentication.k8s.io", "authorization.k8s.io")
"""Their resources are questions, not objects; to ask an agent's policy about them would stop every login check."""

LEASE_GROUP = "coordination.k8s.io"


def rules_of(scopes: Iterable[Scope], served: Served) -> list[dict[str, Any]]:
    """Return the union of the scopes as rules, in stable order, without what the API server would refuse."""
    operations: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for scope in scopes:
        wanted = OPERATIONS if ANY in scope.operations else scope.operations
        for group in scope.api_groups:
            for resource in scope.resources:
                key = (group, _version(group, resource, served), resource)
                operations[key] |= set(wanted) & set(OPERATIONS)
    resources: dict[tuple[str, str, tuple[str, ...]], set[str]] = defaultdict(set)
    for (group, version, resource), wanted_here in operations.items():
        if wanted_here:
            resources[group, version, _ordered(wanted_here)].add(resource)
    groups: dict[tuple[tuple[str, ...], str, tuple[str, ...]], set[str]] = defaultdict(set)
    for (group, version, ordered), names in resources.items():
        groups[ordered, version, Scope.of((), (), sorted(names)).resources].add(group)
    return [
        {
            "operations": list(ordered),
            "apiGroups": [ANY] if ANY in members else sorted(members),
            "apiVersions": [version],
            "resources": list(names),
            "scope": ANY,
        }
        for (ordered, version, names), members in sorted(groups.items())
    ]


def delivered(rules: Iterable[Mapping[str, Any]], *, in_any_version: bool = False) -> str:
    """Return CEL that is true only for requests that one of these rules matches by itself, in that version.

    in_any_version: also for those of another version, which `matchPolicy: Equivalent` delivers converted.
    Rules that do not fit into `CONDITION_LIMIT` characters are left out, so a request may be delivered nevertheless.
    """
    parts: list[str] = []
    room = CONDITION_LIMIT
    for rule in rules:
        part = _matches(rule, in_any_version=in_any_version)
        room -= len(part) + 6
        if room < 0:
            break
        parts.append(f"({part})")
    return " || ".join(parts) or "false"


def exclusions(scopes: Iterable[Scope]) -> list[dict[str, str]]:
    """Return the match conditions for what wildcards must not deliver: reviews, and leases unless a rule names them."""
    conditions = [{"name": "no-reviews", "expression": f"!(request.resource.group in {listed(REVIEW_GROUPS)})"}]
    if not any(_names_leases(scope) for scope in scopes):
        conditions.append({"name": "no-leases", "expression": f"request.resource.group != {quoted(LEASE_GROUP)}"})
    return conditions


def _names_leases(scope: Scope) -> bool:
    return LEASE_GROUP in scope.api_groups or any(path.partition("/")[0] == "leases" for path in scope.resources)


def _version(group: str, resource: str, served: Served) -> str:
    name, _, subresource = resource.partition("/")
    if ANY in (group, name):
        return ANY
    return served.get((group, name if subresource == ANY else resource), ANY)


def _ordered(operations: set[str]) -> tuple[str, ...]:
    return tuple(operation for operation in OPERATIONS if operation in operations)


def _matches(rule: Mapping[str, Any], *, in_any_version: bool) -> str:
    conditions = []
    if set(rule["operations"]) != set(OPERATIONS):
        conditions.append(f"request.operation in {listed(rule['operations'])}")
    if ANY not in rule["apiGroups"]:
        conditions.append(f"request.resource.group in {listed(rule['apiGroups'])}")
    if ANY not in rule["apiVersions"] and not in_any_version:
        conditions.append(f"request.resource.version in {listed(rule['apiVersions'])}")
    resources = [_resource_matches(pattern) for pattern in rule["resources"]]
    if "true" not in resources:
        conditions.append(f"({' || '.join(resources)})")
    return " && ".join(conditions) or "true"


def _resource_matches(pattern: str) -> str:
    name, _, subresource = pattern.partition("/")
    conditions = [] if name == ANY else [f"request.resource.resource == {quoted(name)}"]
    if not subresource:
        conditions.append("!has(request.subResource)")
    elif subresource != ANY:
        conditions.append(f"has(request.subResource) && request.subResource == {quoted(subresource)}")
    return " && ".join(conditions) or "true"
