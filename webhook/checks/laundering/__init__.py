"""Everything by which an agent lets somebody else do the write, or takes another identity.

What a controller, a node or another account does for the agent is not the agent's request any more: it would be judged
as theirs, or not at all. These checks are on for every subject of every policy, unless `spec.defaults` turns them off.

Not here, because each is a plain write that a rule can judge: replicas through an HPA (`scale-above`), Endpoints,
PodDisruptionBudgets, a Deployment's revisionHistoryLimit, a Pod with a nodeName.

Source: each check names its own; tests/integration/test_laundering.py tries them on a real API server
"""

from webhook.checks.check import Check
from webhook.checks.laundering import (
    admission_configuration,
    aggregated_roles,
    api_changes,
    bindings,
    certificate_requests,
    crd_conversion,
    ephemeral_containers,
    eviction,
    finalizer_removal,
    gitops,
    leases,
    namespace_finalize,
    namespace_labels,
    nodes,
    owner_references,
    pod_service_account,
    priority_classes,
    proxy,
    quotas,
    service_account_changes,
    status_writes,
    token_request,
    token_secrets,
    ttl_after_finished,
)
from webhook.checks.laundering import exec as exec_

CHECKS: tuple[Check, ...] = (
    eviction.CHECK,
    ephemeral_containers.CHECK,
    exec_.CHECK,
    proxy.CHECK,
    bindings.CHECK,
    token_request.CHECK,
    token_secrets.CHECK,
    certificate_requests.CHECK,
    pod_service_account.CHECK,
    service_account_changes.CHECK,
    owner_references.CHECK,
    finalizer_removal.CHECK,
    namespace_finalize.CHECK,
    status_writes.CHECK,
    nodes.CHECK,
    leases.CHECK,
    quotas.CHECK,
    priority_classes.CHECK,
    ttl_after_finished.CHECK,
    namespace_labels.CHECK,
    aggregated_roles.CHECK,
    crd_conversion.CHECK,
    api_changes.CHECK,
    admission_configuration.CHECK,
    gitops.CHECK,
)
"""Every check of this family."""
