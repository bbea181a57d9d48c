"""What one stored Approval says at one moment: chain verified, state computed, claim checked.

Also the status that follows from it, so that `kubectl get` shows what holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from webhook.admission.message import Notice
from webhook.approval.claim import Claim, parse_claim
from webhook.approval.decisions import BrokenChain, Entry, Seal, follows, verified
from webhook.approval.lifecycle import Standing, State, standing
from webhook.approval.record import Approval, time_wire
from webhook.approval.visible import visible


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key under which decisions and claims are signed, and its id."""

    id: str
    secret: bytes = field(repr=False)

    def seal(self, approval: Approval) -> Seal:
        """What ties signatures to this approval and its spec."""
        return Seal(self.secret, self.id, approval.uid, approval.spec_digest)


@dataclass(frozen=True, slots=True)
class Reading:
    """An approval, read. `tampered` says why its decisions do not count; empty when they do."""

    approval: Approval
    chain: tuple[Entry, ...]
    standing: Standing
    claim: Claim | None
    tampered: str = ""

    @property
    def notice(self) -> Notice:
        """What the agent may know of it."""
        spec = self.approval.spec
        return Notice(
            name=self.approval.name,
            state=self.standing.state.value,
            path=visible(spec.touched.path),
            requester=visible(spec.requester.username),
            rules=",".join(f"{requirement.policy}/{requirement.rule}" for requirement in spec.requirements),
            decide_by=time_wire(spec.decide_by),
            decided_by=visible(",".join(self.standing.decided_by)),
            reason=visible(self.standing.reason),
        )


def read(approval: Approval, key: SigningKey, *, now: datetime) -> Reading:
    """Read an approval. A chain that does not verify, or lost its newest entry, counts for nothing."""
    seal = key.seal(approval)
    chain: tuple[Entry, ...] = ()
    tampered = ""
    try:
        chain = verified(approval.decisions, seal)
    except BrokenChain as broken:
        tampered = str(broken)
    if not tampered and not follows(chain, str(approval.status.get("decisionsMAC", ""))):
        chain, tampered = (), "decisions that were recorded are missing"
    return Reading(
        approval=approval,
        chain=chain,
        standing=standing(approval, chain, now=now),
        claim=parse_claim(approval.status.get("claim"), seal),
        tampered=tampered,
    )


def status_of(
    reading: Reading, *, now: datetime, state: State | None = None, claim: Claim | None = None
) -> dict[str, Any]:
    """Write the status that follows from a reading, or from the step (`state`, `claim`) that is taken with it now.

    `expires` is left out once nothing can expire; `endedAt` is when the final state began.
    """
    old: Mapping[str, Any] = reading.approval.status
    reached = state or reading.standing.state
    status: dict[str, Any] = {"state": reached.value}
    if reading.standing.decided_by:
        status["decidedBy"] = ",".join(reading.standing.decided_by)[:4096]
    if reading.standing.reason:
        status["reason"] = reading.standing.reason[:1024]
    if not reached.is_final and reading.standing.expires:
        status["expires"] = time_wire(reading.standing.expires)
    if reading.tampered:
        status |= {key: old[key] for key in _kept_of_tampered(reading) if key in old}
    elif reading.chain:
        status["decisionsMAC"] = reading.chain[-1].mac
    if claim or "claim" in old:
        status["claim"] = claim.wire() if claim else old["claim"]
    if "endedAt" in old:
        status["endedAt"] = old["endedAt"]
    elif reached.is_final:
        status["endedAt"] = time_wire(now if state else reading.standing.since)
    return status


def _kept_of_tampered(reading: Reading) -> tuple[str, ...]:
    """What stays written when the decisions cannot be read any more; who ended it is not forgotten with them."""
    return ("decisionsMAC", "decidedBy", "reason") if reading.standing.state.is_final else ("decisionsMAC",)
