"""Kubernetes' own powerful roles: `cluster-admin` is everything, `admin` and `edit` are every Secret and every token.

Rule: no binding gives somebody a built-in role that can write, read Secrets, or act for the system.
Fields: `roleRef` of a RoleBinding or ClusterRoleBinding, if the write adds a subject.
Allowed: ClusterRole `view`, roles that are not built in, and the built-in ones that only tell what everybody may know:
    `system:basic-user`, `system:discovery`, `system:monitoring`, `system:public-info-viewer`,
    `system:service-account-issuer-discovery`; a binding that is only labelled, or loses subjects.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

from collections.abc import Iterator
from typing import Any

from webhook.checks.rbac.binding import Binding, binding_check

ID = "binds-powerful-roles"

POWERFUL = frozenset({"admin", "cluster-admin", "edit"})
SYSTEM = "system:"
HARMLESS = frozenset(
    {
        "system:basic-user",
        "system:discovery",
        "system:monitoring",
        "system:public-info-viewer",
        "system:service-account-issuer-discovery",
    }
)


def judge(binding: Binding, _parameters: Any) -> Iterator[str]:
    """Yield one message if the role is a powerful one."""
    name = binding.role_name
    is_built_in = name in POWERFUL and binding.role_kind != "Role"
    if is_built_in or (name.startswith(SYSTEM) and name not in HARMLESS):
        yield f"{binding.title}, which is one of Kubernetes' powerful roles; bind a role that gives only what is needed"


CHECK = binding_check(ID, judge)
