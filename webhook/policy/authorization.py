"""What an agent may not do whatever RBAC says, and admission cannot see: reads, impersonation, webhook configurations.

Used when the API server is started with a Webhook authorizer that asks us (docs/authorizer.md). For everybody
else and everything else there is no opinion, and RBAC decides.

Source: k8s.io/api/authorization/v1 SubjectAccessReview; verbs of impersonation: KEP-5284 constrained impersonation.
"""

from collections.abc import Mapping
from typing import Any

from webhook.admission.request import User
from webhook.admission.verdict import Action, verdict_of
from webhook.policy.compiled import PolicySet
from webhook.policy.protection import Protected
from webhook.policy.reads import read_findings

READS = frozenset({"get", "list", "watch"})
ADMISSION = "admissionregistration.k8s.io"


def refusal(review: Mapping[str, Any], policies: PolicySet, *, protected: Protected) -> str:
    """Say why a SubjectAccessReview is refused; empty = no opinion.

    `review` is the whole SubjectAccessReview. One without resourceAttributes has no opinion.
    """
    spec = _mapping(review.get("spec"))
    asked = _mapping(spec.get("resourceAttributes"))
    user = _user(spec)
    if not asked or not policies.is_agent(user):
        return ""
    always = _always(asked, protected)
    findings = verdict_of(read_findings(user, asked, policies), ()).findings
    denials = (f"{one.rule_path}: {one.message}" for one in findings if one.action is Action.DENY)
    return "; ".join([*([always] if always else []), *denials])


def _always(asked: Mapping[str, Any], protected: Protected) -> str:
    """Say what no policy can allow."""
    verb, group, resource = (str(asked.get(key, "")) for key in ("verb", "group", "resource"))
    if verb.startswith("impersonate"):
        return "agents do not impersonate"
    if group == ADMISSION:
        return _refusal_of_admission(verb, resource)
    return _refusal_of_place(verb, group, resource, str(asked.get("namespace", "")), protected)


def _refusal_of_admission(verb: str, resource: str) -> str:
    if resource.endswith("webhookconfigurations"):
        return "agents neither read nor change webhook configurations"
    return "" if verb in READS else "agents do not change admission policies"


def _refusal_of_place(verb: str, group: str, resource: str, namespace: str, protected: Protected) -> str:
    if group == "" and resource == "secrets" and namespace in {"", protected.namespace}:
        place = f"namespace {protected.namespace}" if namespace else "all namespaces at once"
        return f"agents do not touch Secrets of {place}; name one other namespace"
    if namespace == protected.namespace and verb not in READS:
        return f"agents do not write to namespace {protected.namespace}"
    return ""


def _user(spec: Mapping[str, Any]) -> User:
    groups, extra = spec.get("groups"), _mapping(spec.get("extra"))
    return User(
        username=str(spec.get("user", "")),
        uid=str(spec.get("uid", "")),
        groups=tuple(str(group) for group in groups) if isinstance(groups, list) else (),
        extra={key: tuple(values) for key, values in extra.items() if isinstance(values, list)},
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
