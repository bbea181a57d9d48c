"""Flow control for agents: a share of the API server of their own, so that held calls starve nobody else.

This is about fairness only; who is judged is `selection`. A FlowSchema knows no globs and no exclusions, so it gets
the subjects that it can name, and none that could catch controllers.

Source: k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go (the built-in schemas and shares)
"""

from collections.abc import Iterable, Iterator
from typing import Any

from webhook.admission.request import SERVICE_ACCOUNT_PREFIX, User
from webhook.admission.subject import Subject, SubjectKind, any_matches
from webhook.cluster import names
from webhook.policy.subjects import PolicySubjects

PRECEDENCE = 1000
"""After the built-in schemas for the system itself (up to 900), before `service-accounts` (9000)."""

SHARES = 40
"""Of 285 with the built-in 245: 84 of the default 600 seats. 50 calls may wait; the others are for agents at work."""

_API_VERSION = "flowcontrol.apiserver.k8s.io/v1"


def priority_level() -> dict[str, Any]:
    """Return the agents' PriorityLevelConfiguration: it lends no seat and borrows none."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "PriorityLevelConfiguration",
        "metadata": {"name": names.FLOW, "labels": dict(names.LABELS)},
        "spec": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": SHARES,
                "lendablePercent": 0,
                "borrowingLimitPercent": 0,
                "limitResponse": {
                    "type": "Queue",
                    "queuing": {"queues": 64, "handSize": 6, "queueLengthLimit": 50},
                },
            },
        },
    }


def flow_schema(policies: Iterable[PolicySubjects], *, namespace: str) -> dict[str, Any]:
    """Return the FlowSchema that sends agents to their priority level. `namespace` is ours, never an agent's."""
    wires = {_key(wire): wire for policy in policies for wire in _wires(policy, namespace)}
    rule = {
        "subjects": [wires[key] for key in sorted(wires)],
        "resourceRules": [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
        ],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }
    return {
        "apiVersion": _API_VERSION,
        "kind": "FlowSchema",
        "metadata": {"name": names.FLOW, "labels": dict(names.LABELS)},
        "spec": {
            "priorityLevelConfiguration": {"name": names.FLOW},
            "matchingPrecedence": PRECEDENCE,
            "distinguisherMethod": {"type": "ByUser"},
            **({"rules": [rule]} if wires else {}),
        },
    }


def _wires(policy: PolicySubjects, own_namespace: str) -> Iterator[dict[str, Any]]:
    for subject in policy.subjects:
        wire = _wire(subject, own_namespace)
        if wire is not None and not _is_excluded(subject, policy.exclude_subjects):
            yield wire


def _wire(subject: Subject, own_namespace: str) -> dict[str, Any] | None:
    """Write one subject; None if a FlowSchema cannot name it, or it would catch more than agents."""
    match subject.kind:
        case SubjectKind.SERVICE_ACCOUNT:
            is_all = subject.name == "*"
            if "*" in subject.namespace or ("*" in subject.name and not is_all):
                return None
            if is_all and subject.namespace in (own_namespace, "kube-system"):
                return None
            return {
                "kind": "ServiceAccount",
                "serviceAccount": {"namespace": subject.namespace, "name": subject.name},
            }
        case SubjectKind.USER:
            return None if "*" in subject.name else {"kind": "User", "user": {"name": subject.name}}
        case SubjectKind.GROUP:
            if "*" in subject.name or subject.name.startswith("system:"):
                return None
            return {"kind": "Group", "group": {"name": subject.name}}


def _is_excluded(subject: Subject, excluded: tuple[Subject, ...]) -> bool:
    """Say whether the policy excludes this very subject; members of a group are not looked at."""
    if subject in excluded:
        return True
    if subject.kind is SubjectKind.GROUP or "*" in subject.name:
        return False
    is_account = subject.kind is SubjectKind.SERVICE_ACCOUNT
    username = f"{SERVICE_ACCOUNT_PREFIX}{subject.namespace}:{subject.name}" if is_account else subject.name
    return any_matches(excluded, User(username))


def _key(wire: dict[str, Any]) -> str:
    return repr(sorted(wire.items()))
