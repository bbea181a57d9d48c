"""Times as a person at night reads them: how long from now, the clock on the wall, and UTC."""

from datetime import datetime, timedelta, tzinfo

from kubescrow.telling import duration
from webhook.approval.record import time_wire


def distance(moment: datetime, *, now: datetime) -> str:
    """`in 41 min`, `3 h 2 min ago`, `now`."""
    seconds = round((moment - now).total_seconds())
    if seconds == 0:
        return "now"
    return f"in {_short(seconds)}" if seconds > 0 else f"{_short(-seconds)} ago"


def wall_clock(moment: datetime, *, now: datetime, zone: tzinfo | None) -> str:
    """`today 21:02 CET`, `tomorrow 03:00 CET`, `Mon 30 Nov 09:00 CET`; `zone` None = the zone of this machine."""
    local, here = moment.astimezone(zone), now.astimezone(zone)
    days = (local.date() - here.date()) / timedelta(days=1)
    named = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    day = named.get(int(days)) or f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"
    return f"{day} {local:%H:%M} {local.tzname() or ''}".rstrip()


def in_full(moment: datetime, *, now: datetime, zone: tzinfo | None) -> str:
    """How long from now, then the wall clock, then UTC."""
    return f"{distance(moment, now=now)}, {wall_clock(moment, now=now, zone=zone)} ({time_wire(moment)})"


def _short(seconds: int) -> str:
    """Two units below an hour of seconds say too much: 41 min, not 41 min 7 s."""
    if 600 <= seconds < 3600:
        seconds -= seconds % 60
    return duration(seconds).replace(".0 s", " s")


# Not by locale: what approvers say to each other on the phone is the same for all.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
