"""What an agent may not do whatever RBAC says, and admission cannot see: reads, impersonation, webhook configurations.

Used when the API server is started with a Webhook authorizer that asks us (docs/authorizer.md). For everybody
else and everything else there is no opinion, and RBAC decides.

Source: k8s.io/api/authorization/v1 SubjectAccessReview; verbs of impersonation: KEP-5284 constrained impersonation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.admission.request import User
from webhook.admission.verdict import Action, Finding, verdict_of
from webhook.policy.compiled import PolicySet
from webhook.policy.consistency import OWN_POLICY
from webhook.policy.protection import Protected
from webhook.policy.reads import read_findings

READS = frozenset({"get", "list", "watch"})
ADMISSION = "admissionregistration.k8s.io"


def refusal(review: Mapping[str, Any], policies: PolicySet, *, protected: Protected) -> str:
    """Say why a SubjectAccessReview is refused; empty = no opinion.

    `review` is the whole SubjectAccessReview. One without resourceAttributes has no opinion.
    """
    asked = access_of(review)
    denials = (one for one in access_findings(asked, policies, protected=protected) if one.action is Action.DENY)
    return "; ".join(f"{one.rule_path}: {one.message}" for one in denials)


@dataclass(frozen=True, slots=True)
class Access:
    """What a SubjectAccessReview asks: who, and its `resourceAttributes`, empty for a path such as /healthz."""

    user: User
    attributes: Mapping[str, Any]


def access_of(review: Mapping[str, Any]) -> Access:
    """Read a whole SubjectAccessReview; what is malformed in it counts as left out."""
    spec = _mapping(review.get("spec"))
    return Access(_user(spec), _mapping(spec.get("resourceAttributes")))


def access_findings(asked: Access, policies: PolicySet, *, protected: Protected) -> tuple[Finding, ...]:
    """Return every word on it, in stable order; nothing on whom no policy names."""
    if not asked.attributes or not policies.is_agent(asked.user):
        return ()
    always = _always(asked.attributes, protected)
    return (*always, *verdict_of(read_findings(asked.user, asked.attributes, policies), ()).findings)


def _always(asked: Mapping[str, Any], protected: Protected) -> Iterator[Finding]:
    """Say what no policy can allow."""
    verb, group, resource = (str(asked.get(key, "")) for key in ("verb", "group", "resource"))
    if verb.startswith("impersonate"):
        yield _denial("impersonation", "agents do not impersonate")
    elif group == ADMISSION:
        yield from _of_admission(verb, resource)
    else:
        yield from _of_place(verb, group, resource, str(asked.get("namespace", "")), protected)


def _of_admission(verb: str, resource: str) -> Iterator[Finding]:
    if resource.endswith("webhookconfigurations"):
        yield _denial("admission-configuration", "agents neither read nor change webhook configurations")
    elif verb not in READS:
        yield _denial("admission-configuration", "agents do not change admission policies")


def _of_place(verb: str, group: str, resource: str, namespace: str, protected: Protected) -> Iterator[Finding]:
    if group == "" and resource == "secrets" and namespace in {"", protected.namespace}:
        place = f"namespace {protected.namespace}" if namespace else "all namespaces at once"
        yield _denial("own-secrets", f"agents do not touch Secrets of {place}; name one other namespace")
    elif namespace == protected.namespace and verb not in READS:
        yield _denial("own-namespace", f"agents do not write to namespace {protected.namespace}")


def _denial(rule: str, message: str) -> Finding:
    return Finding(OWN_POLICY, rule, message, Action.DENY)


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
