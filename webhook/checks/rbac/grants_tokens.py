"""Whoever may request tokens of ServiceAccounts is each of those ServiceAccounts.

Rule: no role gives a permission on `serviceaccounts/token`.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: rules without `serviceaccounts/token`, `*/token` or `*` in `resources`, or of other groups than core.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#token-request
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import Rule, role_check

ID = "grants-tokens"


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers token requests."""
    for given in rule.gives("", ["serviceaccounts/token"]):
        yield f"{given}, which covers tokens of ServiceAccounts; remove it, Pods get their tokens without it"


CHECK = role_check(ID, judge)
