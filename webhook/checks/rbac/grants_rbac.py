"""Whoever may write roles and bindings decides who may do what.

Rule: no role gives a permission to write roles or bindings.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: `get`, `list`, `watch`; rules of other groups than `rbac.authorization.k8s.io`.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
    (Kubernetes itself lets nobody give what they do not have; but they may give all that they have)
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import GROUP, READS, Rule, role_check

ID = "grants-rbac"


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers writing RBAC."""
    for given in rule.gives(GROUP, but=READS):
        yield f"{given}, which covers writing roles or bindings; remove it, or leave only get, list and watch"


CHECK = role_check(ID, judge)
