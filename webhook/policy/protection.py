"""The always-on rules: what no subject of any policy may do, so that the guard cannot be switched off.

They hold beside every policy and cannot be removed by one. Denied are CREATE, UPDATE, DELETE and CONNECT, with every
subresource, of:

* `own-namespace`: everything in the namespace that Kubescrow runs in (exec, token, proxy, eviction, binding, ...),
  and that Namespace itself, also `namespaces/finalize` and `namespaces/status`;
* `own-types`: every object of our API group: AgentPolicies, Approvals, their status;
* `own-crds`, `own-apiservice`: the CustomResourceDefinitions and APIServices by which our API group is served;
* `own-rbac`: (Cluster)Roles and (Cluster)RoleBindings that are named like ours, and every binding of our roles or of
  our ServiceAccounts, before or after the write;
* `own-flow-control`: FlowSchemas and PriorityLevelConfigurations that are named like ours, and every FlowSchema that
  would catch our ServiceAccounts;
* `own-webhooks`: admission configurations that are named like ours, although the API server never asks about them;
* `kube-system`: the same as `own-namespace` for kube-system, unless every policy that names the user allows it;
* each check of the bundle `laundering`, unless every policy that names the user allows it, by `defaults.laundering` or
  by name in `defaults.launderingExcept`; a ServiceAccount is the agent's to use if each of the others lists it;
* `unbound-token`: everything by a ServiceAccount whose credential has no id (a static token, or somebody who
  impersonates it), unless every policy that names the user allows it.

Not here: who may run as our ServiceAccounts (Pods outside of our namespace cannot), and PersistentVolumes.

Source: DESIGN 3, "Always on for every subject"
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from webhook.admission.request import Operation, Request
from webhook.admission.verdict import Action, Finding
from webhook.checks import laundering
from webhook.checks.bound_token import is_unbound, unbound_message
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.scope import EVERYTHING
from webhook.checks.wording import one_line
from webhook.policy import own_objects
from webhook.policy.compiled import Named
from webhook.policy.consistency import OWN_POLICY
from webhook.policy.fields import Default, Mode
from webhook.policy.observed import observed
from webhook.policy.own_objects import Protected

__all__ = ["SCOPES", "Protected", "protection_findings"]

SCOPES = (EVERYTHING,)
"""What must be delivered for these rules: any resource can lie in a namespace, any request can be unbound."""

KUBE_SYSTEM = "kube-system"

_OWN = (
    ("own-namespace", own_objects.is_own_namespace, "touches the namespace that Kubescrow runs in"),
    ("own-types", own_objects.is_own_type, "touches policies or approvals of Kubescrow"),
    ("own-crds", own_objects.is_own_crd, "touches a CustomResourceDefinition of Kubescrow"),
    ("own-apiservice", own_objects.is_own_api_service, "touches an APIService of Kubescrow"),
    ("own-rbac", own_objects.is_own_rbac, "touches permissions of Kubescrow"),
    ("own-flow-control", own_objects.is_own_flow_control, "touches the flow control of Kubescrow"),
    ("own-webhooks", own_objects.is_own_webhook, "touches the admission configuration of Kubescrow"),
)
"""(rule, whether it is about a request, what the request does)"""

_REMEDY = "no policy allows it to an agent; ask a person to do it"


def is_own(request: Request, protected: Protected) -> bool:
    """Say whether the request touches something of ours, so that it is always denied to an agent."""
    return any(is_about(request, protected) for _, is_about, _ in _OWN)


def protection_findings(inspection: Inspection, protected: Protected, policies: Sequence[Named]) -> list[Finding]:
    """Judge a request by the always-on rules; `policies` are those that name its user.

    Returns: Deny findings of policy `kubescrow`; only records where every policy that asks for them observes.
    """
    request = inspection.request
    what = f"{request.operation.value} {request.target}"
    findings = [
        _finding(rule, f"{what} {does}; {_REMEDY}", policies)
        for rule, is_about, does in _OWN
        if is_about(request, protected)
    ]
    guarding = [policy for policy in policies if policy.defaults.kube_system is Default.DENY]
    if guarding and own_objects.is_in_namespace(request, KUBE_SYSTEM):
        remedy = f"ask a person to do it, or set defaults.kubeSystem: Allow in {_listed(guarding)}"
        findings.append(_finding("kube-system", f"{what} touches namespace {KUBE_SYSTEM}; {remedy}", guarding))
    findings.extend(_laundering(inspection, policies))
    binding = [policy for policy in policies if policy.defaults.unbound_token is Default.DENY]
    if binding and is_unbound(request):
        findings.append(_finding("unbound-token", unbound_message(request), binding))
    return findings


def _laundering(inspection: Inspection, policies: Sequence[Named]) -> Iterator[Finding]:
    """Judge by each check that a policy asks for, for each such policy by the accounts that it lists itself."""
    request = inspection.request
    for check in laundering_checks(request.operation, request.resource.group, request.resource_path):
        guarding = [policy for policy in policies if _asks_for(policy, check)]
        demanded_by: dict[str, list[Named]] = {}
        for accounts in dict.fromkeys(policy.accounts for policy in guarding):
            alike = [policy for policy in guarding if policy.accounts == accounts]
            seen = inspection.given(accounts=accounts) if accounts else inspection
            for message in check.findings(seen):
                demanded_by.setdefault(message, []).extend(alike)
        for message, demanding in demanded_by.items():
            remedy = f"ask a person, or name {check.id} in spec.defaults.launderingExcept of {_listed(demanding)}"
            yield _finding(check.id, f"{message}; {remedy}", demanding)


def _asks_for(policy: Named, check: Check) -> bool:
    defaults = policy.defaults
    return defaults.laundering is Default.DENY and check.id not in defaults.laundering_except


@lru_cache(maxsize=4096)
def laundering_checks(operation: Operation, group: str, resource_path: str) -> tuple[Check, ...]:
    """Return the checks of the bundle that may find something; the same for all requests on one resource.

    The cache has room for ten times what a cluster serves.
    """
    return tuple(
        check for check in laundering.CHECKS if any(s.includes(operation, group, resource_path) for s in check.scopes)
    )


def _finding(rule: str, message: str, demanded_by: Sequence[Named]) -> Finding:
    """Make a finding that stops the request if one of the policies that demand it enforces."""
    finding = Finding(OWN_POLICY, rule, one_line(message), Action.DENY)
    enforced = any(policy.mode is Mode.ENFORCE for policy in demanded_by)
    return finding if enforced else observed(finding)


def _listed(policies: Sequence[Named]) -> str:
    return ", ".join(sorted({policy.name for policy in policies}))
