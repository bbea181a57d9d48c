"""Decides on an approval as `kubectl annotate` would, and reads back what was recorded.

Nothing but the annotations of the decision is written, on condition that the approval is still the one that was seen.
What the API server stored is compared with what was sent: an admission policy on the way may have turned a no into a
yes, and the person must hear of it now.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from kubescrow.approval import asking
from kubescrow.approval.seen import Seen, seen
from kubescrow.saying import said
from webhook.approval.decisions import Decision, Entry
from webhook.approval.record import DECISION, REASON, MalformedApproval
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError, Conflict, Unavailable
from webhook.cluster.names import APPROVALS

CONFIRM_S = 5.0
"""How long the webhook may take to write down that it verified the decision; it does so at once when it sees it."""

PAUSE_S = 0.1
ATTEMPTS = 5

CHANGED = "nothing was recorded: it changed since you saw it; look again with kubescrow approvals show"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one decision. `recorded` is what the server holds; `problem` is empty if that is what was sent."""

    name: str
    sent: Decision
    after: Seen | None = None
    recorded: Entry | None = None
    problem: str = ""
    is_alarm: bool = False

    @property
    def is_confirmed(self) -> bool:
        """Whether the webhook has written down that it verified the recorded decision."""
        return self.after is not None and self.after.confirmed == len(self.after.chain)


async def decide(cluster: Cluster, before: Seen, decision: Decision, *, reason: str) -> Outcome:
    """Send a decision about exactly what was seen, and read back what was recorded."""
    unclear = ""
    try:
        if not await _sent(cluster, before, decision, reason):
            return Outcome(before.name, decision, problem=CHANGED)
    except Unavailable as err:  # it may have been recorded nevertheless
        unclear = said(err, role=asking.APPROVER)
    except ClusterError as err:
        return Outcome(before.name, decision, problem=said(err, role=asking.APPROVER))
    except MalformedApproval:
        return Outcome(before.name, decision, problem=CHANGED)
    try:
        after = await _confirmed(cluster, before)
    except ClusterError as err:
        return Outcome(before.name, decision, problem=f"what was recorded cannot be read: {said(err, role='')}")
    except MalformedApproval:
        return Outcome(before.name, decision, problem="what was recorded cannot be read", is_alarm=True)
    return compared(before, after, decision, reason=reason, unclear=unclear)


async def _sent(cluster: Cluster, before: Seen, decision: Decision, reason: str) -> bool:
    """Send it, if the approval still says what was seen; a write of its status alone is no reason not to."""
    annotations = {DECISION: decision.value, **({REASON: reason} if reason else {})}
    current = before
    for _ in range(ATTEMPTS):
        if current.token != before.token:
            return False
        version, uid = current.approval.resource_version, current.approval.uid
        body = {"metadata": {"resourceVersion": version, "uid": uid, "annotations": annotations}}
        try:
            await cluster.patch(f"{APPROVALS}/{before.name}", body)
            return True
        except Conflict:
            current = seen(await asking.approval(cluster, before.name))
    return False


def compared(before: Seen, after: Seen, sent: Decision, *, reason: str, unclear: str = "") -> Outcome:
    """Compare what was sent with what the server holds now. `unclear` says why the answer to the sending is missing."""
    added = after.chain[len(before.chain) :]
    if after.chain[: len(before.chain)] != before.chain or after.approval.uid != before.approval.uid:
        return Outcome(before.name, sent, after, problem="earlier decisions are not what they were", is_alarm=True)
    if not added:
        why = unclear or "the request was accepted without it; something removes decisions on their way"
        return Outcome(before.name, sent, after, problem=f"nothing was recorded: {why}", is_alarm=not unclear)
    recorded = added[0]
    if after.alarm:
        return Outcome(before.name, sent, after, recorded, after.alarm, is_alarm=True)
    if recorded.decision is not sent:
        problem = f"you sent {sent.value}, but {recorded.decision.value} was recorded"
        return Outcome(before.name, sent, after, recorded, problem, is_alarm=True)
    if recorded.reason != reason:
        return Outcome(before.name, sent, after, recorded, "another reason was recorded than you sent", is_alarm=True)
    return Outcome(before.name, sent, after, recorded)


async def _confirmed(cluster: Cluster, before: Seen) -> Seen:
    """Read the approval until the webhook has written down what it verified, or for CONFIRM_S."""
    until = time.monotonic() + CONFIRM_S
    while True:
        stored: dict[str, Any] = await asking.approval(cluster, before.name)
        after = seen(stored)
        has_grown = len(after.chain) > len(before.chain)
        if not has_grown or after.confirmed == len(after.chain) or after.alarm or time.monotonic() >= until:
            return after
        await asyncio.sleep(PAUSE_S)
