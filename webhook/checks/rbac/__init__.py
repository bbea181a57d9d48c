"""Writes that give somebody dangerous permissions, whoever it is.

The API server lets nobody give what they do not have themselves, unless they may `escalate` or `bind`. An agent that
has much by itself can give it away, and that is what these checks stop: `grants-*` and `aggregates-roles` in Roles and
ClusterRoles, `binds-*` in RoleBindings and ClusterRoleBindings.

An update is judged by what it adds. A role or binding that is dangerous already can be labelled, narrowed and emptied;
a rule that reaches further, or one more subject, counts. What a wildcard covers counts as if it were named, so that
each check can be turned on alone.

Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
"""

from webhook.checks.check import Check
from webhook.checks.rbac import (
    aggregates_roles,
    binds_powerful_roles,
    binds_system_subjects,
    binds_unlisted_roles,
    grants_admission,
    grants_api_types,
    grants_approval,
    grants_certificates,
    grants_escalation,
    grants_node_access,
    grants_pod_access,
    grants_rbac,
    grants_secrets,
    grants_tokens,
    grants_volumes,
    grants_wildcards,
)

CHECKS: tuple[Check, ...] = (
    aggregates_roles.CHECK,
    binds_powerful_roles.CHECK,
    binds_system_subjects.CHECK,
    binds_unlisted_roles.CHECK,
    grants_admission.CHECK,
    grants_api_types.CHECK,
    grants_approval.CHECK,
    grants_certificates.CHECK,
    grants_escalation.CHECK,
    grants_node_access.CHECK,
    grants_pod_access.CHECK,
    grants_rbac.CHECK,
    grants_secrets.CHECK,
    grants_tokens.CHECK,
    grants_volumes.CHECK,
    grants_wildcards.CHECK,
)
"""Every check of this family."""
