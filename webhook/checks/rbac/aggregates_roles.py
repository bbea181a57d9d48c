"""The rules of an aggregated ClusterRole are written by a controller, from whatever has the labels.

Rule: no ClusterRole collects the rules of others.
Fields: `aggregationRule.clusterRoleSelectors` of a ClusterRole, unless an update leaves it as it was.
Allowed: absent, null, an empty list.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
"""

from collections.abc import Iterable, Mapping
from typing import Any

from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.rbac.role import SCOPES, role_of

ID = "aggregates-roles"


def judge(inspection: Inspection) -> Iterable[str]:
    """Yield one message for the selectors."""
    role = inspection.once(role_of)
    if role.problem:
        yield role.problem
        return
    if not any(scope.covers(inspection.request) for scope in SCOPES):
        return
    selectors = _selectors(inspection.request.object)
    if selectors and selectors != _selectors(inspection.request.old_object):
        yield (
            "aggregationRule.clusterRoleSelectors makes a controller fill in rules that this role does not show; "
            "remove it and write the rules themselves"
        )


def _selectors(role: Any) -> Any:
    rule = role.get("aggregationRule") if isinstance(role, Mapping) else None
    return rule.get("clusterRoleSelectors") if isinstance(rule, Mapping) else None


CHECK = Check(ID, judge, SCOPES)
