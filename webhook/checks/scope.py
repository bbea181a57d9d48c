"""Which requests something is about: operations, API groups and resources, as webhook configurations write them.

Names, wildcards and meanings are those of `rules` in a ValidatingWebhookConfiguration, so that what the API
server delivers and what we judge is the same set.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go (matching),
k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go (what may stand beside a wildcard)
"""

from collections.abc import Iterable
from dataclasses import dataclass

from webhook.admission.request import Operation, Request

ANY = "*"
EVERY_RESOURCE = "*/*"


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """Operations x API groups x resources. `*` is a resource without subresources, `*/*` is everything."""

    operations: tuple[str, ...]
    api_groups: tuple[str, ...]
    resources: tuple[str, ...]

    @classmethod
    def of(cls, operations: Iterable[str], api_groups: Iterable[str], resources: Iterable[str]) -> "Scope":
        """Make a scope that the API server accepts: what a wildcard covers is left out, each entry once."""
        return cls(_without_covered(operations), _without_covered(api_groups), _plain_resources(resources))

    def covers(self, request: Request) -> bool:
        """Say whether the API server would deliver this request for a rule of this scope."""
        return self.includes(request.operation, request.resource.group, request.resource_path)

    def includes(self, operation: Operation, group: str, resource_path: str) -> bool:
        """Say the same of an operation on `resource` or `resource/subresource` of a group."""
        return (
            (ANY in self.operations or operation.value in self.operations)
            and (ANY in self.api_groups or group in self.api_groups)
            and any(path_matches(pattern, resource_path) for pattern in self.resources)
        )


EVERYTHING = Scope((ANY,), (ANY,), (EVERY_RESOURCE,))
"""Every request that can reach an admission webhook at all."""


def resource_matches(pattern: str, request: Request) -> bool:
    """Match `pods`, `pods/exec`, `pods/*` (pods and all below), `*/scale`, `*` (no subresource) or `*/*`."""
    return path_matches(pattern, request.resource_path)


def path_matches(pattern: str, resource_path: str) -> bool:
    """Say the same of `resource` or `resource/subresource`."""
    resource, _, subresource = pattern.partition("/")
    found, _, below = resource_path.partition("/")
    return resource in (ANY, found) and subresource in (ANY, below)


def _without_covered(entries: Iterable[str]) -> tuple[str, ...]:
    unique = tuple(dict.fromkeys(entries))
    return (ANY,) if ANY in unique else unique


def _plain_resources(patterns: Iterable[str]) -> tuple[str, ...]:
    unique = tuple(dict.fromkeys(patterns))
    if EVERY_RESOURCE in unique:
        return (EVERY_RESOURCE,)
    return tuple(pattern for pattern in unique if not _is_covered(pattern, unique))


def _is_covered(pattern: str, others: tuple[str, ...]) -> bool:
    resource, slash, subresource = pattern.partition("/")
    if not slash:
        return pattern != ANY and (ANY in others or f"{pattern}/{ANY}" in others)
    below_same = subresource != ANY and f"{resource}/{ANY}" in others
    same_of_all = ANY not in {resource, subresource} and f"{ANY}/{subresource}" in others
    return below_same or same_of_all
