"""A permission on Secrets is everybody's passwords and tokens: reading them, and writing them, which answers with them.

Rule: no role gives a permission on Secrets.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: rules without `secrets` or `*` in `resources`, or without the core group and `*` in `apiGroups`.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets; patch, update with a patch,
    deletecollection and some deletions return the data too (check secret-reads)
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import Rule, role_check

ID = "grants-secrets"


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers Secrets."""
    for given in rule.gives("", ["secrets"]):
        yield f"{given}, which covers Secrets; remove it and mount a Secret where it is needed"


CHECK = role_check(ID, judge)
