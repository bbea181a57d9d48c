"""Steps of a session as people and programs read them: one line of a terminal, one JSON object.

What an agent wrote is shown with its control characters made visible, never obeyed by the terminal.
"""

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.text import Text

from auditsink.intake.record import Flag
from auditsink.replay.step import Step
from auditsink.replay.tape import Frame

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COLOURS = {
    "allowed": "green",
    "approved": "bold green",
    "warned": "yellow",
    "held": "yellow",
    "open": "yellow",
    "denied": "bold red",
    "failed": "red",
}


def line(frame: Frame) -> Text:
    """One step in one line: when, what, what became of it, and why."""
    step = frame.step
    text = Text()
    text.append(f"{offset(frame.at_s):>10}  ", style="dim")
    text.append(f"{step.outcome:<9}", style=COLOURS[step.outcome])
    text.append(f"{plain(step.last.verb.upper())} {plain(step.target)}", style="bold")
    if step.command:
        text.append(f"  {plain(shlex.join(step.command))}")
    for part in _reasons(step):
        text.append(f"  {part}", style="dim")
    return text


def gap(frame: Frame) -> Text:
    """The line that stands for a long pause of the agent."""
    return Text(f"{'':>10}  ... nothing for {duration(frame.idle_s)} ...", style="dim italic")


def detail(step: Step) -> dict[str, Any]:
    """One step as a JSON object; times are RFC 3339, durations seconds."""
    last = step.last
    return {
        "began": moment(step.began_us),
        "ended": None if step.ended_us is None else moment(step.ended_us),
        "outcome": step.outcome,
        "verb": last.verb,
        "target": step.target,
        "command": list(step.command),
        "code": last.code,
        "rules": [rule for rule in step.rules.split(",") if rule],
        "approval": step.approval or None,
        "decidedBy": [person for person in last.decided_by.split(",") if person],
        "waitedSeconds": step.waited_s,
        "alarms": alarms(step),
        "attempts": [
            {"auditID": attempt.seen.audit_id, "began": moment(attempt.began_us), "code": attempt.seen.code}
            for attempt in step.attempts
        ],
        "request": last.event.get("requestObject"),
        "response": last.event.get("responseObject"),
    }


def alarms(step: Step) -> list[str]:
    """What is remarkable about a step: impersonated, failed-open, unbound, truncated, dry-run, quarantined."""
    flags = Flag(0)
    for attempt in step.attempts:
        flags |= Flag(attempt.seen.flags)
    return [str(flag.name).lower().replace("_", "-") for flag in flags]


def _reasons(step: Step) -> list[str]:
    last = step.last
    reasons = [alarm.upper() for alarm in alarms(step)]
    if step.waited_s is not None:
        tries = f" in {len(step.attempts)} attempts" if len(step.attempts) > 1 else ""
        reasons.append(f"waited {duration(step.waited_s)}{tries}")
    if step.rules and step.outcome in {"denied", "held", "approved", "warned"}:
        reasons.append(f"by {plain(step.rules)}")
    if step.approval:
        reasons.append(plain(step.approval))
    if last.decided_by:
        reasons.append(f"decided by {plain(last.decided_by)}")
    if last.code is not None and step.outcome == "failed":
        reasons.append(f"{last.code} {plain(str((last.event.get('responseStatus') or {}).get('reason', '')))}".rstrip())
    return reasons


def plain(text: str) -> str:
    """Make what a terminal would act on visible; everything printable stays."""
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in text)


def moment(time_us: int) -> str:
    """Microseconds since 1970 as RFC 3339."""
    time = EPOCH + timedelta(microseconds=time_us)  # exact; a float has no microseconds left after year 2255
    return f"{time.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def offset(seconds: float) -> str:
    """Time since the beginning: `+0:07.2`, `+1:02:03.0`."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"+{clock}:{rest / 10:04.1f}"


def duration(seconds: float) -> str:
    """A duration in its two largest units; tenths of a second below a minute."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    return " ".join([f"{number} {unit}" for number, unit in parts if number][:2])
