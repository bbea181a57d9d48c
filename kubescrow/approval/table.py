"""Approvals in a table, in one line, and as JSON for programs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from kubescrow.approval import times
from kubescrow.approval.screen import STYLES
from kubescrow.approval.seen import Seen
from webhook.approval.lifecycle import State
from webhook.approval.record import requirement_wire, time_wire
from webhook.approval.visible import visible

HEADINGS = ("NAME", "STATE", "OPERATION", "TARGET", "REQUESTER", "DECIDED-BY", "AGE", "EXPIRES")


def table(approvals: Iterable[Seen], *, now: datetime) -> Table:
    """One row each, under the headings of `kubectl get approvals`."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for heading in HEADINGS:
        made.add_column(heading, overflow="fold")
    for seen in approvals:
        spec, state = seen.approval.spec, seen.state(now)
        made.add_row(
            seen.name,
            Text("ALARM" if seen.alarm else state.value, style="bold red" if seen.alarm else STYLES[state]),
            visible(spec.operation),
            visible(spec.touched.path),
            visible(spec.requester.username),
            visible(str(seen.approval.status.get("decidedBy", ""))),
            times.distance(spec.requested_at, now=now).removesuffix(" ago"),
            times.distance(seen.expires, now=now) if seen.expires and not state.is_final else "",
        )
    return made


def line(seen: Seen, *, now: datetime) -> Text:
    """What `watch` prints: the state, what it is about, and what comes next or who decided."""
    spec, state = seen.approval.spec, seen.state(now)
    what = visible(f"{spec.operation} {spec.touched.path} by {spec.requester.username}")
    return Text.assemble(
        (f"{time_wire(now)}  ", "dim"),
        ("ALARM     " if seen.alarm else f"{state.value:<10}", "bold red" if seen.alarm else STYLES[state]),
        (f" {seen.name}  ", "bold"),
        f"{what}{_rest(seen, state, now)}",
    )


def _rest(seen: Seen, state: State, now: datetime) -> str:
    if seen.alarm:
        return f"  {visible(seen.alarm)}"
    if state is State.PENDING:
        asked = f", {len(seen.chain)} so far" if seen.chain else ""
        return f"  decide {times.distance(seen.approval.spec.decide_by, now=now)}{asked}"
    decided_by, reason = (str(seen.approval.status.get(key, "")) for key in ("decidedBy", "reason"))
    return (f"  by {visible(decided_by)}" if decided_by else "") + (f': "{visible(reason)}"' if reason else "")


def facts(seen: Seen, *, now: datetime) -> dict[str, Any]:
    """An approval for programs: what is stored, as it is, and what follows from it. JSON escapes what is not ASCII."""
    approval, spec = seen.approval, seen.approval.spec
    status = approval.status
    return {
        "name": approval.name,
        "state": seen.state(now).value,
        "operation": spec.operation,
        "target": spec.wire()["target"],
        "requester": spec.requester.username,
        "requestedAt": time_wire(spec.requested_at),
        "decideBy": time_wire(spec.decide_by),
        "expires": time_wire(seen.expires) if seen.expires else None,
        "useWithinSeconds": spec.use_within_s,
        "requirements": [{**requirement_wire(each), "missing": seen.missing(each)} for each in spec.requirements],
        "change": spec.change,
        "untrustedReason": spec.reason,
        "decidedBy": str(status.get("decidedBy", "")),
        "decisions": [
            {
                "decision": entry.decision.value,
                "by": entry.user.username,
                "at": time_wire(entry.at),
                "reason": entry.reason,
                "confirmed": place <= seen.confirmed,
            }
            for place, entry in enumerate(seen.chain, start=1)
        ],
        "alarm": seen.alarm,
        "seen": seen.token,
    }
