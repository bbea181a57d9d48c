"""What RBAC would permit by a role, worked out as Kubernetes does, and roles to try it with."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Wanted = tuple[str, str, str, str]
"""Verb, API group, `resource` or `resource/subresource`, name."""

VERBS = [
    "get",
    "list",
    "create",
    "patch",
    "approve",
    "sign",
    "bind",
    "escalate",
    "impersonate",
    "impersonate:user-info",
]
GROUPS = [
    "",
    "apps",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "certificates.k8s.io",
    "kubescrow.dev",
    "rbac.authorization.k8s.io",
]
RESOURCES = [
    "agentpolicies",
    "apiservices",
    "certificatesigningrequests/approval",
    "clusterroles",
    "configmaps",
    "customresourcedefinitions",
    "mutatingwebhookconfigurations",
    "nodes",
    "nodes/metrics",
    "nodes/proxy",
    "persistentvolumes",
    "pods",
    "pods/exec",
    "pods/log",
    "roles",
    "secrets",
    "serviceaccounts",
    "serviceaccounts/token",
    "signers",
    "users",
    "validatingadmissionpolicies",
]
NAMES = ["a", "b"]
SUBRESOURCES = ["*/exec", "*/token", "*/proxy", "*/approval", "*/log"]


def _few(values: list[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=3)


RULES = st.lists(
    st.fixed_dictionaries(
        {
            "verbs": _few([*VERBS, "*"]),
            "apiGroups": _few([*GROUPS, "*"]),
            "resources": _few([*RESOURCES, *SUBRESOURCES, "*"]),
            "resourceNames": _few(NAMES, 0),
        }
    ),
    max_size=3,
)
WANTED: list[Wanted] = [(v, g, r, n) for v in VERBS for g in GROUPS for r in RESOURCES for n in NAMES]


def role(rules: Any, **more: Any) -> dict[str, Any]:
    """Write a ClusterRole."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "made"},
        "rules": rules,
        **more,
    }


def permits(rules: list[dict[str, Any]], wanted: Wanted) -> bool:
    """Say whether one of the rules permits it, by the text of k8s.io/kubernetes evaluation_helpers.go."""
    return any(_permits(rule, wanted) for rule in rules)


def _permits(rule: dict[str, Any], wanted: Wanted) -> bool:
    verb, group, resource, name = wanted
    _, _, subresource = resource.partition("/")
    return (
        ("*" in rule["verbs"] or verb in rule["verbs"])
        and ("*" in rule["apiGroups"] or group in rule["apiGroups"])
        and any(
            entry in ("*", resource) or (bool(subresource) and entry == f"*/{subresource}")
            for entry in rule["resources"]
        )
        and (not rule["resourceNames"] or name in rule["resourceNames"])
    )
