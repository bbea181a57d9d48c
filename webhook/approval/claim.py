"""The one use of an approved Approval.

The API server repeats the admission of an UPDATE or DELETE when somebody else wrote the object meanwhile
(KUBERNETES: an etcd conflict). Such a repetition has a new request uid but is the same write: the fingerprint
binds it to the object's UID and old values, so it cannot be a second write in disguise. CREATE and CONNECT are
never repeated with another uid, and a second one would be a second effect: only the very same call passes again.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from webhook.admission.request import Operation
from webhook.approval.canonical import sign
from webhook.approval.decisions import Seal
from webhook.approval.record import parse_time, time_wire

PURPOSE = "kubescrow claim v1"

GRACE = timedelta(seconds=35)
"""The API server gives one write 34 s in all, so a repetition cannot come later."""

SKEW = timedelta(seconds=5)
"""The repetition may reach another replica, whose clock is this much behind at most."""

PASSES_LIMIT = 5
"""Most calls that one claim lets pass: the API server itself gives up after five conflicts."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Which call used the approval, when, on which decisions, and how many calls passed on it since."""

    request_uid: str
    at: datetime
    decisions_mac: str
    passes: int = 1
    mac: str = ""

    def wire(self) -> dict[str, Any]:
        """Write the claim as the status has it."""
        return {
            "requestUID": self.request_uid,
            "at": time_wire(self.at),
            "decisionsMAC": self.decisions_mac,
            "passes": self.passes,
            "mac": self.mac,
        }


def sealed(claim: Claim, seal: Seal) -> Claim:
    """Sign a claim."""
    return replace(claim, mac=_mac(claim, seal))


def parse_claim(wire: Mapping[str, Any] | None, seal: Seal) -> Claim | None:
    """Read the claim in a status; None when there is none, or it is not ours (which lets nothing pass)."""
    if not wire:
        return None
    try:
        claim = Claim(
            request_uid=wire["requestUID"],
            at=parse_time(wire["at"]),
            decisions_mac=wire["decisionsMAC"],
            passes=wire["passes"],
            mac=wire["mac"],
        )
        genuine = hmac.compare_digest(_mac(claim, seal), claim.mac)
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return claim if genuine else None


def passes_again(claim: Claim, *, operation: Operation, request_uid: str, now: datetime) -> bool:
    """Say whether a call with the same fingerprint may pass on a claim that was made already."""
    if claim.passes >= PASSES_LIMIT or not -SKEW <= now - claim.at <= GRACE:
        return False
    if operation in {Operation.UPDATE, Operation.DELETE}:
        return True
    return claim.request_uid == request_uid


def _mac(claim: Claim, seal: Seal) -> str:
    body = {key: value for key, value in claim.wire().items() if key != "mac"}
    return sign(seal.key, PURPOSE, [seal.approval_uid, seal.spec_digest, body])
