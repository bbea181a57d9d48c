"""Whoever may approve, or change policies, is no longer governed by them.

Rule: no role gives a permission on Kubescrow's own types, but to read them.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: `get`, `list`, `watch`; rules of other groups than `kubescrow.dev`.
Source: docs/architecture.md ("The way of one decision"): an approver needs `approve` on agentpolicies, and to write
    Approvals
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import READS, Rule, role_check

ID = "grants-approval"


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers deciding, or policies."""
    for given in rule.gives("kubescrow.dev", but=READS):
        yield f"{given}, which covers approving, or changing policies; remove it, or leave only get, list and watch"


CHECK = role_check(ID, judge)
