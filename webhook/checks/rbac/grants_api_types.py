"""Whoever may change what the API serves can delete all objects of a type, or answer for a whole API group.

Rule: no role gives a permission to write CustomResourceDefinitions or APIServices.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: `get`, `list`, `watch`; rules of other groups than `apiextensions.k8s.io` and `apiregistration.k8s.io`.
Source: k8s.io/apiextensions-apiserver (conversion webhooks see every object; deleting a definition deletes its
    objects), k8s.io/kube-aggregator (an APIService answers for its group)
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import READS, Rule, role_check

ID = "grants-api-types"

GROUPS = ("apiextensions.k8s.io", "apiregistration.k8s.io")


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers writing API types."""
    found = dict.fromkeys(given for group in GROUPS for given in rule.gives(group, but=READS))
    for given in found:
        yield f"{given}, which covers changing what the API serves; remove it, or leave only get, list and watch"


CHECK = role_check(ID, judge)
