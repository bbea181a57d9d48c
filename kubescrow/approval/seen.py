"""One stored Approval as an approver may see it: parsed, without the key, so that nothing here is proof.

What is proof is in the status, which the webhook writes of the chain it verified. This says what of the chain the
status confirms, and raises an alarm where the two do not fit.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webhook.admission.verdict import Requirement
from webhook.approval.decisions import BrokenChain, Entry, follows, unverified
from webhook.approval.lifecycle import State, voices
from webhook.approval.record import Approval, MalformedApproval, parse_approval, parse_time

UNREADABLE = "Unreadable"
"""Stands for the state of an Approval that does not have the form of its definition."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An Approval and what its annotation claims was decided. `alarm` says why neither should be trusted."""

    approval: Approval
    chain: tuple[Entry, ...]
    alarm: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.approval.name

    @property
    def token(self) -> str:
        """Twelve digits that change with whatever a decision is about: the request, what others said, the state.

        Not with the resourceVersion, which changes too when the webhook writes down what was known already.
        """
        recorded = self.approval.recorded_state or State.PENDING.value
        parts = [self.approval.uid, self.approval.spec_digest, recorded, *(entry.mac for entry in self.chain)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def remembered(self) -> str:
        """The MAC of the newest decision that the webhook verified; empty before the first."""
        return str(self.approval.status.get("decisionsMAC", ""))

    @property
    def confirmed(self) -> int:
        """How many entries, from the first on, the webhook has verified and written down."""
        macs = [entry.mac for entry in self.chain]
        return macs.index(self.remembered) + 1 if self.remembered in macs else 0

    @property
    def expires(self) -> datetime | None:
        """When its state ends by time alone; None if it does not."""
        try:
            return parse_time(str(self.approval.status["expires"]))
        except (KeyError, ValueError):
            return self.approval.spec.decide_by if not self.approval.recorded_state else None

    @property
    def ended(self) -> datetime | None:
        """When its final state began; None if it has none, or that is not written down."""
        try:
            return parse_time(str(self.approval.status["endedAt"]))
        except (KeyError, ValueError):
            return None

    def state(self, now: datetime) -> State:
        """Return the state that is written down, or Expired where its time is over and nobody has written that yet."""
        try:
            state = State(self.approval.recorded_state or State.PENDING)
        except ValueError:
            return State.PENDING
        over = self.expires is not None and now >= self.expires
        return State.EXPIRED if over and not state.is_final else state

    def missing(self, requirement: Requirement) -> int:
        """Count the people who must still approve for one rule; only what the webhook verified counts."""
        return max(0, requirement.terms.approvals - voices(requirement, self.chain[: self.confirmed]))


def seen(stored: Mapping[str, Any]) -> Seen:
    """Read a stored Approval.

    Raises:
        MalformedApproval: it does not have the form of its definition.
    """
    approval = parse_approval(stored)
    try:
        chain = unverified(approval.decisions)
    except BrokenChain as broken:
        return Seen(approval, (), f"its decisions cannot be read ({broken})")
    lost = not follows(chain, str(approval.status.get("decisionsMAC", "")))
    return Seen(approval, chain, "decisions that were recorded are missing" if lost else "")


def name_of(stored: Mapping[str, Any]) -> str:
    """Return the name of whatever was stored."""
    metadata = stored.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""


def readable(items: list[dict[str, Any]]) -> tuple[list[Seen], list[str]]:
    """Read all, oldest first; beside them the names of those that cannot be read."""
    good: list[Seen] = []
    bad: list[str] = []
    for item in items:
        try:
            good.append(seen(item))
        except MalformedApproval:
            bad.append(name_of(item))
    return sorted(good, key=lambda each: (each.approval.spec.requested_at, each.name)), sorted(bad)
