"""Groups of the system are everybody; its users and ServiceAccounts work for everybody, also for an agent.

Rule: no binding gives a role to a user, group or ServiceAccount of the system.
Fields: `subjects[*]` of a RoleBinding or ClusterRoleBinding, those that the write adds.
Allowed: users and groups whose name does not begin with `system:`; ServiceAccounts outside of namespaces that begin
    with `kube-`, also when they are named as a user, `system:serviceaccount:NAMESPACE:NAME`.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects ("system:" is reserved),
    https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/ ("kube-" is reserved)
"""

from collections.abc import Iterator
from typing import Any

from webhook.checks.rbac.binding import Binding, Bound, binding_check

ID = "binds-system-subjects"


def judge(binding: Binding, _parameters: Any) -> Iterator[str]:
    """Yield one message for each subject of the system."""
    for subject in binding.added:
        if _is_of_the_system(subject):
            yield f"{subject.title} is of the system; name the ServiceAccount or the person that needs the role"


def _is_of_the_system(subject: Bound) -> bool:
    if subject.kind == "ServiceAccount":
        return subject.namespace.startswith("kube-")
    return subject.name.startswith("system:")


CHECK = binding_check(ID, judge)
