"""Whoever may write admission configurations can switch every guard off; whoever may read them learns its secret path.

Rule: no role gives a permission on webhook configurations, or writes on admission policies and their bindings.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: `get`, `list`, `watch` on the policies and their bindings; rules of other groups than
    `admissionregistration.k8s.io`.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#control-admission-webhooks
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import READS, Rule, role_check

ID = "grants-admission"

GROUP = "admissionregistration.k8s.io"


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers admission."""
    for given in rule.gives_where(GROUP, _is_policy, but=READS):
        yield f"{given}, which covers writing admission policies; remove it, or leave only get, list and watch"
    for given in rule.gives_where(GROUP, lambda entry: not _is_policy(entry)):
        yield f"{given}, which covers admission configurations; remove it"


def _is_policy(entry: str) -> bool:
    return "admissionpolic" in entry


CHECK = role_check(ID, judge)
