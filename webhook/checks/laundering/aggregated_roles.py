"""A controller adds the rules of a labelled ClusterRole to admin, edit or view: whoever has those gets more.

Rule: no ClusterRole is labelled for aggregation, changed while it is, or made to collect the rules of others.
Fields: `metadata.labels` that begin with `rbac.authorization.k8s.io/aggregate-to-`, `rules`, `aggregationRule`.
Allowed: taking the label or the aggregationRule away; a labelled role as it is; deleting it.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import WRITTEN, fields_at, request_check, value_at, what
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

ID = "aggregated-roles"

PREFIX = "rbac.authorization.k8s.io/aggregate-to-"


def judge(request: Request) -> Iterator[str]:
    """Yield one message for each label that gives rules away, and one for an aggregationRule."""
    obj, old = request.object, request.old_object
    is_changed = value_at(obj, "rules") != value_at(old, "rules")
    labels, old_labels = (fields_at(each, "metadata", "labels") for each in (obj, old))
    for name in sorted(labels):
        if name.startswith(PREFIX) and (is_changed or labels[name] != old_labels.get(name)):
            found = f"metadata.labels[{quoted(name)}]={quoted(labels[name])}"
            yield f"{what(request)} has {found}, which gives its rules to another role; remove the label"
    collected = value_at(obj, "aggregationRule")
    if collected is not None and collected != value_at(old, "aggregationRule"):
        yield f"{what(request)} sets aggregationRule, which collects rules of other roles; write the rules themselves"


CHECK = request_check(ID, judge, Scope.of(WRITTEN, ["rbac.authorization.k8s.io"], ["clusterroles"]))
