"""Whoever may make PersistentVolumes can mount any path of a node into a Pod, whatever Pod security says.

Rule: no role gives a permission to write PersistentVolumes.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: `get`, `list`, `watch` on `persistentvolumes`; claims; rules of other groups than core.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import READS, Rule, role_check

ID = "grants-volumes"


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers writing PersistentVolumes."""
    for given in rule.gives("", ["persistentvolumes", "persistentvolumes/status"], but=READS):
        yield f"{given}, which covers writing PersistentVolumes; leave only get, list and watch, or name claims"


CHECK = role_check(ID, judge)
