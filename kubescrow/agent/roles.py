"""What a new agent may do by RBAC. Pure.

The narrow Role: look at workloads and their logs in one namespace. No Secrets, no ConfigMaps (which often hold
passwords too), no exec, no tokens, and no write. Writes are given by name with `--role`: what is risky among them a
policy holds or denies. The ClusterRole `kubescrow-agent` lets it read the approval that it was told of, by name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kubescrow.agent.identity import Identity

RBAC = "rbac.authorization.k8s.io"
AGENT_ROLE = "kubescrow-agent"
"""Source: manifests/authorization/roles.yaml."""

LABELS = {"app.kubernetes.io/managed-by": "kubescrow", "kubescrow.dev/made-by": "agents-create"}

LOOK = ["get", "list", "watch"]
NARROW: tuple[dict[str, Any], ...] = (
    {"apiGroups": [""], "resources": ["pods", "services", "endpoints", "events"], "verbs": LOOK},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": ["apps"], "resources": ["daemonsets", "deployments", "replicasets", "statefulsets"], "verbs": LOOK},
    {"apiGroups": ["batch"], "resources": ["cronjobs", "jobs"], "verbs": LOOK},
)

POWERFUL = frozenset({"edit", "admin", "cluster-admin", "system:masters"})
"""Roles that may read Secrets, mint tokens and impersonate ServiceAccounts; see README, What it is not."""


def objects(agent: Identity, *, roles: Sequence[str], namespaces: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return what is created, in order: (path of its collection, object).

    roles: ClusterRoles to bind in each of `namespaces`; none = the narrow Role there.
    """
    subject, own = agent.subject, f"kubescrow-agent:{agent.subject.namespace}:{agent.subject.name}"
    subjects = [{"kind": "ServiceAccount", "namespace": subject.namespace, "name": subject.name}]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(subject.name, subject.namespace)}
    made = [(f"/api/v1/namespaces/{subject.namespace}/serviceaccounts", account)]
    for namespace in namespaces:
        if not roles:
            role: dict[str, Any] = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": _metadata(own, namespace)}
            role["rules"] = list(NARROW)
            made.append((_path("roles", namespace), role))
            made.append(_binding(own, "Role", own, namespace=namespace, subjects=subjects))
        for role_name in roles:
            name = f"{own}:{role_name}"
            made.append(_binding(name, "ClusterRole", role_name, namespace=namespace, subjects=subjects))
    made.append(_binding(own, "ClusterRole", AGENT_ROLE, namespace="", subjects=subjects))
    return made


def is_same(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Say whether what exists gives exactly what would be created."""
    return all(_plain(stored.get(key)) == _plain(wanted.get(key)) for key in ("rules", "roleRef", "subjects"))


def described(wanted: Mapping[str, Any]) -> str:
    """An object as kubectl would name it, with its namespace."""
    metadata = wanted["metadata"]
    place = f" in {metadata['namespace']}" if "namespace" in metadata else ""
    role = f" -> {wanted['roleRef']['kind']} {wanted['roleRef']['name']}" if "roleRef" in wanted else ""
    return f"{wanted['kind']} {metadata['name']}{place}{role}"


def _binding(
    name: str, kind: str, role: str, *, namespace: str, subjects: list[dict[str, str]]
) -> tuple[str, dict[str, Any]]:
    collection = "rolebindings" if namespace else "clusterrolebindings"
    return _path(collection, namespace), {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": _metadata(name, namespace),
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        "subjects": subjects,
    }


def _metadata(name: str, namespace: str) -> dict[str, Any]:
    return {"name": name, **({"namespace": namespace} if namespace else {}), "labels": dict(LABELS)}


def _path(collection: str, namespace: str) -> str:
    return f"/apis/{RBAC}/v1/{f'namespaces/{namespace}/' if namespace else ''}{collection}"


def _plain(value: Any) -> Any:
    """A value without what the API server leaves out or fills in: a core group that is empty."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item not in ("", None)}
    return value
