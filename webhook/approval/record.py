"""The Approval custom resource as values, and its form on the wire.

`Approval` is what the API server holds; `Spec` is what the webhook wrote once and nobody may change. What an
approval is worth at a given time is not here but in `lifecycle`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from webhook.admission.request import Object, User
from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Requirement, Terms
from webhook.approval.canonical import digest
from webhook.approval.visible import visible

API_VERSION = "kubescrow.dev/v1alpha1"
GROUP = "kubescrow.dev"
KIND = "Approval"

DECISION = "kubescrow.dev/decision"
REASON = "kubescrow.dev/reason"
DECISIONS = "kubescrow.dev/decisions"
"""Annotations: what an approver writes, why, and the signed chain that the guard makes of both."""


NAMESPACES = ("namespaces", "")
"""Resource and group of Namespaces, which lie in none."""

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
"""What the API server takes as the value of a label. Source: k8s.io/apimachinery/pkg/api/validate/content"""


class MalformedApproval(ValueError):
    """A stored Approval does not have the shape that its CRD promises. It counts for nothing."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What the held request touches."""

    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    uid: str = ""

    @property
    def path(self) -> str:
        """Readable, as kubectl would take it: `namespaces/prod`, `deployments.apps/scale agents/web`."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        if self.subresource:
            resource = f"{resource}/{self.subresource}"
        name = self.name or "(generated name)"
        return f"{resource} {self.namespace}/{name}" if self.namespace else f"{resource}/{name}"


@dataclass(frozen=True, slots=True)
class Spec:
    """What was asked, what is demanded, and until when. Immutable once stored."""

    fingerprint: str
    requester: User
    operation: str
    touched: Touched
    change: str
    requirements: tuple[Requirement, ...]
    requested_at: datetime
    wait_until: datetime
    decide_by: datetime
    use_within_s: int
    reason: str = ""

    def wire(self) -> dict[str, Any]:
        """Write the spec as the CRD has it."""
        return {
            "fingerprint": self.fingerprint,
            "requester": {"username": self.requester.username, "uid": self.requester.uid},
            "operation": self.operation,
            "target": {
                "path": visible(self.touched.path),
                "group": self.touched.group,
                "resource": self.touched.resource,
                "subresource": self.touched.subresource,
                "namespace": self.touched.namespace,
                "name": self.touched.name,
                "uid": self.touched.uid,
            },
            "change": self.change,
            "requirements": [requirement_wire(requirement) for requirement in self.requirements],
            "requestedAt": time_wire(self.requested_at),
            "waitUntil": time_wire(self.wait_until),
            "decideBy": time_wire(self.decide_by),
            "useWithinSeconds": self.use_within_s,
            **({"reason": self.reason} if self.reason else {}),
        }


def labels_of(spec: Spec) -> dict[str, str]:
    """Name what people select by: `kubectl annotate approval -l kubescrow.dev/agent=agents.bot ...`.

    For finding only; nothing is decided by a label. What is no label value is left out.
    """
    account = spec.requester.service_account
    touched = spec.touched
    labels = {
        # Two labels, or a user called agents.bot would be found as the ServiceAccount agents/bot.
        **({"kubescrow.dev/agent": ".".join(account)} if account else {"kubescrow.dev/user": spec.requester.username}),
        "kubescrow.dev/operation": spec.operation,
        "kubescrow.dev/resource": touched.resource,
        "kubescrow.dev/namespace": touched.name
        if (touched.resource, touched.group) == NAMESPACES
        else touched.namespace,
    }
    return {key: value for key, value in labels.items() if LABEL.fullmatch(value)}


@dataclass(frozen=True, slots=True)
class Approval:
    """A stored Approval. `decisions` is the annotation, not yet verified; `spec_digest` is of the stored spec."""

    name: str
    uid: str
    resource_version: str
    spec: Spec
    spec_digest: str
    decisions: str = ""
    status: Object = field(default_factory=dict)

    @property
    def recorded_state(self) -> str:
        """The state that was written down last; what holds is `lifecycle.standing`."""
        return str(self.status.get("state", ""))


def parse_approval(stored: Mapping[str, Any]) -> Approval:
    """Read a stored Approval.

    Raises:
        MalformedApproval: a field is missing or of the wrong type.
    """
    try:
        metadata, spec, status = stored["metadata"], stored["spec"], stored.get("status") or {}
        if not isinstance(status, Mapping):
            raise TypeError("status")
        return Approval(
            name=_text(metadata["name"]),
            uid=_text(metadata["uid"]),
            resource_version=_text(metadata["resourceVersion"]),
            spec=_parse_spec(spec),
            spec_digest=digest(spec),
            decisions=_text((metadata.get("annotations") or {}).get(DECISIONS, "")),
            status=status,
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
        raise MalformedApproval("a field is missing or of the wrong type") from err


def _parse_spec(spec: Mapping[str, Any]) -> Spec:
    requester, target = spec["requester"], spec["target"]
    return Spec(
        fingerprint=_text(spec["fingerprint"]),
        requester=User(username=_text(requester["username"]), uid=_text(requester.get("uid", ""))),
        operation=_text(spec["operation"]),
        touched=Touched(**{field.name: _text(target.get(field.name, "")) for field in fields(Touched)}),
        change=_text(spec["change"]),
        requirements=tuple(_parse_requirement(item) for item in spec["requirements"]),
        requested_at=parse_time(spec["requestedAt"]),
        wait_until=parse_time(spec["waitUntil"]),
        decide_by=parse_time(spec["decideBy"]),
        use_within_s=_whole(spec["useWithinSeconds"]),
        reason=_text(spec.get("reason", "")),
    )


def requirement_wire(requirement: Requirement) -> dict[str, Any]:
    """Write one requirement as the CRD has it."""
    terms = requirement.terms
    wire: dict[str, Any] = {
        "policy": requirement.policy,
        "rule": requirement.rule,
        "approvals": terms.approvals,
        "requireReason": terms.require_reason,
    }
    if terms.approvers is not None:
        wire["approvers"] = [_subject_wire(subject) for subject in terms.approvers]
    return wire


def _parse_requirement(wire: Mapping[str, Any]) -> Requirement:
    approvers = wire.get("approvers")
    terms = Terms(
        approvals=_whole(wire["approvals"]),
        require_reason=bool(wire.get("requireReason", False)),
        approvers=None if approvers is None else tuple(_parse_subject(item) for item in approvers),
    )
    return Requirement(policy=_text(wire["policy"]), rule=_text(wire["rule"]), terms=terms)


def _subject_wire(subject: Subject) -> dict[str, Any]:
    if subject.kind is SubjectKind.SERVICE_ACCOUNT:
        return {"serviceAccount": {"namespace": subject.namespace, "name": subject.name}}
    return {subject.kind.value: subject.name}


def _parse_subject(wire: Mapping[str, Any]) -> Subject:
    (kind, value), *_ = wire.items()
    if kind == SubjectKind.SERVICE_ACCOUNT:
        return Subject(SubjectKind.SERVICE_ACCOUNT, name=_text(value["name"]), namespace=_text(value["namespace"]))
    return Subject(SubjectKind(kind), name=_text(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no whole number")
    return value


def time_wire(moment: datetime) -> str:
    """Write a time as Kubernetes does: RFC 3339, UTC, whole seconds; what is below a second is cut off."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_time(wire: str) -> datetime:
    """Read an RFC 3339 time, in UTC.

    Raises:
        ValueError: it is not one, has no offset, or lies outside of the calendar in UTC.
    """
    moment = datetime.fromisoformat(wire)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError as err:
        raise ValueError("a time outside of the calendar") from err
