"""Stored Approvals for what approvers see: a valid one, plus what a test is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from kubescrow.approval.seen import Seen, seen
from tests.webhook.approval.build import BOT, KEY, NOW, after, entry, requirement, spec, stored
from webhook.admission.request import User
from webhook.admission.verdict import Requirement
from webhook.approval.decisions import Decision, Entry, append, write
from webhook.approval.record import Approval, parse_approval

CHANGE = """UPDATE deployments.apps agents/web
apiVersion: apps/v1
kind: Deployment
changes:
  spec.replicas: 3 -> 20
  spec.template.spec.containers:
    old:
      - name: web
        image: web:1
    new:
      - name: web
        image: web:2
requester:
  username: system:serviceaccount:agents:bot
"""

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnihton\u202c\u200b\r\nDELETE nothing"
"""Clears the screen, sets the title, turns text around, hides, and begins a line of its own."""

__all__ = ["BOT", "CHANGE", "HOSTILE", "NOW", "after", "entry", "requirement", "spec", "stored"]


def shown(
    *requirements: Requirement,
    change: str = CHANGE,
    reason: str = "",
    requester: User = BOT,
    said: tuple[Entry, ...] = (),
    confirmed: bool = True,
    why: str = "",
    **status: Any,
) -> Seen:
    """An Approval of the bot as an approver sees it; `said` is signed, and confirmed; `why` is the last reason."""
    wanted = replace(spec(*requirements, requester=requester), change=change, reason=reason)
    chain = signed(parse_approval(stored(wanted)), said)
    if why:
        status["reason"] = why
    if chain and confirmed:
        status["decisionsMAC"] = chain[-1].mac
    return seen(stored(wanted, decisions=write(chain) if chain else "", status={"state": "Pending", **status}))


def signed(approval: Approval, said: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """A chain as the webhook signs it."""
    chain: tuple[Entry, ...] = ()
    for each in said:
        chain = append(chain, each, KEY.seal(approval))
    return chain


YES = entry("alice@example.com", reason="the move is done", at=NOW + timedelta(minutes=2))
NO = entry("bob@example.com", Decision.DENIED, reason="not on a Friday", at=NOW + timedelta(minutes=3))
