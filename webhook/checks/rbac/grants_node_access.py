"""A permission on `nodes/proxy` is the kubelet's own API: commands in every Pod of the node, which no admission sees.

Rule: no role gives a permission on subresources of nodes, but those that are only numbers.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: `nodes`, `nodes/metrics`, `nodes/stats`, `nodes/healthz`, `nodes/statusz`; rules of other groups than core.
Source: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/,
    k8s.io/kubernetes/pkg/kubelet/server/auth.go (what each subresource opens)
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import Rule, role_check
from webhook.checks.scope import ANY

ID = "grants-node-access"

NUMBERS = frozenset({"", "healthz", "metrics", "stats", "statusz"})
"""What may be given of a node: the node itself, and what only measures it."""
KUBELET = frozenset({"checkpoint", "configz", "log", "pods", "proxy"})
"""What opens the kubelet; `*/SUBRESOURCE` counts only for these, as most are of other resources."""


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers another subresource of nodes."""
    for given in rule.gives_where("", _opens_nodes):
        yield f"{given}, which covers reaching into nodes; remove it, or name nodes/metrics or nodes/stats"


def _opens_nodes(entry: str) -> bool:
    resource, _, subresource = entry.partition("/")
    if resource == ANY:
        return not subresource or subresource in KUBELET
    return resource == "nodes" and subresource not in NUMBERS


CHECK = role_check(ID, judge)
