"""Whoever may exec into Pods, or reach their ports, is every workload that runs there, with its token and its secrets.

Rule: no role gives a way into running Pods.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: rules without `pods/exec`, `pods/attach`, `pods/portforward`, `pods/proxy`, `pods/ephemeralcontainers`,
    `services/proxy` and what covers them (`*/exec`, `*`) in `resources`, or of other groups than core.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import Rule, role_check

ID = "grants-pod-access"

WAYS = ("pods/attach", "pods/ephemeralcontainers", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy")
"""Subresources by which one gets inside, or behind, a Pod that runs."""


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers a way into Pods."""
    for given in rule.gives("", WAYS):
        yield f"{given}, which covers a way into running Pods; remove it, or name what is needed, such as pods/log"


CHECK = role_check(ID, judge)
