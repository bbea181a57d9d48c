"""What the API server does with a webhook configuration, small enough to read: rules, then match conditions.

`test_delivery` holds it against the real API server.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from webhook.admission.request import Kind, Operation, Request, Resource, User
from webhook.checks.scope import Scope
from webhook.cluster.rules import EVENT_GROUPS

_ENVIRONMENT = cel.NewEnv(variables={"request": cel.Type.DYN})


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    return _ENVIRONMENT.compile(expression)


def holds(expression: str, wire: Mapping[str, Any]) -> bool:
    """Evaluate a match condition; an error or another type than bool fails the test."""
    value = _compiled(expression).eval(data={"request": wire}).value()
    assert isinstance(value, bool), f"{expression} gave {value!r}"
    return value


def wire(request: Request) -> dict[str, Any]:
    """Write a request as match conditions see it: empty fields are missing, but for the three of the resource."""
    user = request.user
    optional = {"subResource": request.subresource, "namespace": request.namespace, "name": request.name}
    person = {
        "username": user.username,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra.items()},
    }
    return {
        "operation": request.operation.value,
        "resource": {
            "group": request.resource.group,
            "version": request.resource.version,
            "resource": request.resource.resource,
        },
        "userInfo": {key: value for key, value in person.items() if value},
        **{key: value for key, value in optional.items() if value},
    }


def called(configuration: Mapping[str, Any], request: Request) -> list[str]:
    """Return the names of the webhooks that the API server would call for a request.

    A rule with one version gets the others converted (`matchPolicy: Equivalent`), and one group's Events the other's.
    """
    return [
        webhook["name"]
        for webhook in configuration["webhooks"]
        if any(_rule_matches(rule, request) for rule in webhook["rules"])
        and all(holds(condition["expression"], wire(request)) for condition in webhook.get("matchConditions", ()))
    ]


def _rule_matches(rule: Mapping[str, Any], request: Request) -> bool:
    scope = Scope(tuple(rule["operations"]), tuple(rule["apiGroups"]), tuple(rule["resources"]))
    return any(scope.covers(same) for same in equivalents(request))


def equivalents(request: Request) -> list[Request]:
    """Return the request under all names that the API server has for its resource, versions aside."""
    if request.resource.resource != "events" or request.resource.group not in EVENT_GROUPS:
        return [request]
    return [replace(request, resource=replace(request.resource, group=group)) for group in EVENT_GROUPS]


def request_by(
    user: User,
    operation: str = "CREATE",
    resource: str = "pods",
    *,
    group: str = "",
    version: str = "v1",
    namespace: str = "default",
    name: str = "x",
) -> Request:
    """Make a request; `resource` may be `resource/subresource`."""
    plural, _, subresource = resource.partition("/")
    return Request(
        uid="u",
        operation=Operation(operation),
        kind=Kind(group, version, "Any"),
        resource=Resource(group, version, plural),
        user=user,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )
