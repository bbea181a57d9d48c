"""Scopes of policies as rules of a webhook configuration, and as CEL for what those rules deliver.

A resource without wildcards is registered with the one version that the API server prefers: together with
`matchPolicy: Equivalent` every version is delivered, converted to that one, so that no version slips by or looks
different. Wildcards, and what is not served now, are registered with all versions: nothing slips by either, but
the client's own version arrives.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from webhook.admission.request import SERVICE_ACCOUNT_PREFIX
from webhook.checks.scope import ANY, EVERY_RESOURCE, Scope
from webhook.cluster.selection import CONDITION_LIMIT, USERNAME, listed, packed, quoted

Served = Mapping[tuple[str, str], str]
"""The preferred version of each resource, by (group, `resource` or `resource/subresource`)."""

OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")

REVIEW_GROUPS = ("authentication.k8s.io", "authorization.k8s.io")
"""Their resources are questions, not objects; to ask an agent's policy about them would stop every login check."""

LEASE_GROUP = "coordination.k8s.io"

EVENT_GROUPS = ("", "events.k8s.io")
"""Two names of one resource: a rule that has one of them is sent the other one too, converted."""

CHATTER = ("CREATE", "UPDATE")

NO_REVIEWS = {"name": "no-reviews", "expression": f"!(request.resource.group in {listed(REVIEW_GROUPS)})"}

_EVENTS = {"events", "events/*", ANY, EVERY_RESOURCE}
_WRITE = f"request.operation in {listed(CHATTER)}"
_EVENT = f"request.resource.resource == 'events' && request.resource.group in {listed(EVENT_GROUPS)}"
_OWN_LEASE = (
    f"request.resource.group == {quoted(LEASE_GROUP)} && has(request.namespace) && "
    f"{USERNAME}.startsWith({quoted(SERVICE_ACCOUNT_PREFIX)} + request.namespace + ':')"
)


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


def delivered(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return CEL expressions of which one is true exactly for what the API server delivers by these rules.

    The version is not asked: a rule has all of them, or one into which the API server converts the others. Conditions
    see the client's own resource, also where a rule delivers it converted.
    """
    parts = [f"({_matches(part)})" for rule in rules for part in _bounded(rule)]
    return [" || ".join(part) for part in packed(parts, [len(part) + 4 for part in parts], CONDITION_LIMIT)]


def exclusions(scopes: Iterable[Scope]) -> list[dict[str, str]]:
    """Return the match conditions for what agents do all day and nobody asks about.

    Reviews, never delivered; the Leases in a ServiceAccount's own namespace, unless a rule names leases; Events, unless
    a rule is about them. Only their making and renewing: deleting them is nobody's daily work.
    """
    wanted = list(scopes)
    conditions = [NO_REVIEWS]
    if not any(_names_leases(scope) for scope in wanted):
        conditions.append({"name": "no-own-leases", "expression": f"!({_WRITE} && {_OWN_LEASE})"})
    if not any(_is_about_events(scope) for scope in wanted):
        conditions.append({"name": "no-events", "expression": f"!({_WRITE} && {_EVENT})"})
    return conditions


def _names_leases(scope: Scope) -> bool:
    return LEASE_GROUP in scope.api_groups or any(path.partition("/")[0] == "leases" for path in scope.resources)


def _is_about_events(scope: Scope) -> bool:
    """Say whether a rule is about the writing of Events, be it by a wildcard: its author then means them too."""
    return (
        not {ANY, *CHATTER}.isdisjoint(scope.operations)
        and not {ANY, *EVENT_GROUPS}.isdisjoint(scope.api_groups)
        and not _EVENTS.isdisjoint(scope.resources)
    )


def _version(group: str, resource: str, served: Served) -> str:
    name, _, subresource = resource.partition("/")
    if ANY in (group, name):
        return ANY
    return served.get((group, name if subresource == ANY else resource), ANY)


def _ordered(operations: set[str]) -> tuple[str, ...]:
    return tuple(operation for operation in OPERATIONS if operation in operations)


def _bounded(rule: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Cut a rule into parts whose CEL fits into one condition: 64 names of 253 characters are 23 KB at most."""
    groups, resources = rule["apiGroups"], rule["resources"]
    for first in range(0, len(groups), 64):
        for next_ in range(0, len(resources), 64):
            yield {**rule, "apiGroups": groups[first : first + 64], "resources": resources[next_ : next_ + 64]}


def _matches(rule: Mapping[str, Any]) -> str:
    conditions = []
    if set(rule["operations"]) != set(OPERATIONS):
        conditions.append(f"request.operation in {listed(rule['operations'])}")
    if ANY not in rule["apiGroups"]:
        conditions.append(f"request.resource.group in {listed(rule['apiGroups'])}")
    resources = [_resource_matches(pattern) for pattern in rule["resources"]]
    if "true" not in resources:
        conditions.append(f"({' || '.join(resources)})")
    by_itself = " && ".join(conditions) or "true"
    return f"{by_itself} || {events}" if (events := _converted_events(rule)) else by_itself


def _converted_events(rule: Mapping[str, Any]) -> str:
    """Return CEL for the Events that the rule is sent under their other name; empty if there are none."""
    others = set(EVENT_GROUPS) - set(rule["apiGroups"])
    if ANY in rule["apiGroups"] or len(others) != 1 or _EVENTS.isdisjoint(rule["resources"]):
        return ""
    return (
        f"request.operation in {listed(rule['operations'])} && request.resource.group == {quoted(*others)} && "
        "request.resource.resource == 'events'"
    )


def _resource_matches(pattern: str) -> str:
    name, _, subresource = pattern.partition("/")
    conditions = [] if name == ANY else [f"request.resource.resource == {quoted(name)}"]
    if not subresource:
        conditions.append("!has(request.subResource)")
    elif subresource != ANY:
        conditions.append(f"has(request.subResource) && request.subResource == {quoted(subresource)}")
    return " && ".join(conditions) or "true"
