"""Durations as Kubernetes users write them: `60s`, `30m`, `1h30m`."""

import re

PATTERN = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
"""Go's notation without fractions and units below a second; also the pattern in the CRD."""

# 24 h in seconds has five digits; 20 characters hold every duration that is in bounds, and no number that is slow.
LENGTH_LIMIT = 20

_FORM = re.compile(r"(?:(?P<h>[0-9]+)h)?(?:(?P<m>[0-9]+)m)?(?:(?P<s>[0-9]+)s)?", re.ASCII)
_UNIT_S = {"h": 3600, "m": 60, "s": 1}


def duration_s(text: str) -> int:
    """Read a duration in whole seconds.

    Raises:
        ValueError: it is empty, too long, or not hours, minutes and seconds in this order.
    """
    form = _FORM.fullmatch(text) if 0 < len(text) <= LENGTH_LIMIT else None
    if form is None:
        raise ValueError("not a duration")
    return sum(_UNIT_S[unit] * int(number) for unit, number in form.groupdict(default="0").items())


def duration_text(seconds: int) -> str:
    """Write seconds in the same notation, shortest form."""
    parts = [(seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
