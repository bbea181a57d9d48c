"""Builds the least that makes a valid Approval, so that a test names only what it is about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Requirement, Terms
from webhook.approval.decisions import Decision, Entry, append, write
from webhook.approval.reading import SigningKey
from webhook.approval.record import DECISIONS, Approval, Spec, Touched, parse_approval

NOW = datetime(2026, 11, 23, 14, 4, 5, tzinfo=UTC)
"""When every approval here was requested."""

KEY = SigningKey("key-1", b"0" * 32)
BOT = User("system:serviceaccount:agents:bot", uid="bot-uid")
PROD = Touched(group="", resource="namespaces", subresource="", namespace="", name="prod", uid="prod-uid")
SRE = Subject(SubjectKind.GROUP, "sre")


def after(seconds: float) -> datetime:
    """The time that many seconds after the request."""
    return NOW + timedelta(seconds=seconds)


def person(name: str, *groups: str, uid: str = "") -> User:
    """A human user."""
    return User(name, uid=uid, groups=groups)


def requirement(policy: str = "production", rule: str = "hold", terms: Terms | None = None) -> Requirement:
    """What one holding rule demands; one approval by default."""
    return Requirement(policy, rule, terms or Terms())


def spec(*requirements: Requirement, requester: User = BOT, touched: Touched = PROD, use_within_s: int = 600) -> Spec:
    """A request of the bot to delete namespace prod, to be decided within an hour."""
    return Spec(
        fingerprint="f" * 64,
        requester=requester,
        operation="DELETE",
        touched=touched,
        change="- namespace prod",
        requirements=requirements or (requirement(),),
        requested_at=NOW,
        wait_until=after(60),
        decide_by=after(3600),
        use_within_s=use_within_s,
    )


def stored(
    spec: Spec, *, uid: str = "approval-uid", decisions: str = "", status: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An Approval as the API server gives it."""
    metadata: dict[str, Any] = {"name": "appr-7f3a2c91d0e4b5a6", "uid": uid, "resourceVersion": "7"}
    if decisions:
        metadata["annotations"] = {DECISIONS: decisions}
    return {"metadata": metadata, "spec": spec.wire(), "status": dict(status or {})}


def approval(
    *requirements: Requirement, uid: str = "approval-uid", decisions: str = "", status: Mapping[str, Any] | None = None
) -> Approval:
    """An Approval of the bot's request."""
    return parse_approval(stored(spec(*requirements), uid=uid, decisions=decisions, status=status))


def entry(
    who: User | str,
    decision: Decision = Decision.APPROVED,
    *,
    at: datetime = NOW,
    policies: tuple[str, ...] = ("production",),
    reason: str = "",
) -> Entry:
    """One decision, not signed."""
    return Entry(decision, person(who) if isinstance(who, str) else who, at, policies, reason)


def signed(approval: Approval, *entries: Entry) -> tuple[Entry, ...]:
    """A chain of these entries, signed for this approval."""
    chain: tuple[Entry, ...] = ()
    for one in entries:
        chain = append(chain, one, KEY.seal(approval))
    return chain


def decided(
    *entries: Entry, requirements: tuple[Requirement, ...] = (), status: Mapping[str, Any] | None = None
) -> Approval:
    """An Approval whose annotation holds these entries, signed."""
    chain = signed(approval(*requirements), *entries)
    return approval(*requirements, decisions=write(chain), status=status)
