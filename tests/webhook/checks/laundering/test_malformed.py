"""Whatever an object looks like, a check of the laundering set answers; what it reads is never nothing by its type."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.webhook.policy.language import asks
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.laundering import CHECKS
from webhook.checks.scope import ANY

WRONG: list[Any] = [None, True, 7, 1.5, "text", [], {}, [None], [[]], ["x"], [{}], {"x": None}, {"": []}]
FIELDS = ["type", "spec", "status", "rules", "secrets", "aggregationRule", "metadata"]
METADATA = ["labels", "annotations", "ownerReferences", "finalizers"]


def objects(value: Any) -> list[Any]:
    """Objects with the value in each place that a check reads."""
    inner = [{"spec": {name: value}} for name in ("taints", "conversion", "ephemeralContainers", "template", "volumes")]
    return [{}, *({name: value} for name in FIELDS), *({"metadata": {name: value}} for name in METADATA), *inner]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
def test_it_never_raises(check: Check) -> None:
    """Before and after the write, for everything it is asked about."""
    shapes = [shape for value in WRONG for shape in objects(value)]
    for scope in check.scopes:
        group = scope.api_groups[0].replace(ANY, "apps")
        for operation, path in product(scope.operations, scope.resources):
            resource, _, subresource = path.replace("*/*", "deployments").replace("*", "pods").partition("/")
            for shape in shapes:
                for new, old in ((shape, None), ({}, shape), (shape, {})):
                    request = asks(operation, new, old=old, resource=resource, subresource=subresource, group=group)
                    assert all(isinstance(line, str) for line in check.findings(Inspection(request)))


@pytest.mark.parametrize(
    ("metadata", "check"),
    [({"ownerReferences": "x"}, "owner-references"), ({"ownerReferences": {"uid": "x"}}, "owner-references")],
)
def test_an_owner_of_a_wrong_type_is_an_owner(metadata: dict[str, Any], check: str) -> None:
    """What cannot be read is not let through."""
    request = asks("CREATE", {"kind": "ConfigMap", "metadata": {"name": "x", **metadata}})
    judging = next(each for each in CHECKS if each.id == check)
    assert judging.findings(Inspection(request))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
def test_a_write_without_an_object_is_refused(check: Check) -> None:
    """The API server always sends one."""
    for scope in check.scopes:
        group = scope.api_groups[0].replace(ANY, "apps")
        for operation in sorted({"CREATE", "UPDATE"} & set(scope.operations)):
            resource, _, subresource = (
                scope.resources[0].replace("*/*", "deployments").replace("*", "pods").partition("/")
            )
            request = asks(operation, None, resource=resource, subresource=subresource, group=group)
            if check.id not in {"pod-service-account", "priority-classes"} or subresource == "token":
                assert check.findings(Inspection(request)), (check.id, operation, resource)
