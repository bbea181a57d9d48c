"""Values of an event as bounded, visible text for columns.

A column holds what a database and a terminal can take: at most so many characters, a cut marked by an ellipsis,
control characters (NUL, escape sequences) as their visible pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

CUT = "…"

LENGTHS = {
    "audit_id": 64,
    "level": 16,
    "stage": 20,
    "verb": 32,
    "username": 256,
    "authenticated_as": 256,
    "key": 256,
    "pod": 317,  # two names of Kubernetes: 63 and 253
    "api_group": 253,
    "resource": 253,
    "subresource": 253,
    "namespace": 253,
    "name": 253,
    "verdict": 16,
    "rules": 1024,
    "approval": 63,
    "decided_by": 512,
    "credential": 128,
    "issued_credential": 128,
    "source_ip": 64,
    "user_agent": 256,
}
"""Characters of each text column, as in `store.schema`."""

_VISIBLE = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000


@dataclass(slots=True)
class Columns:
    """Makes column texts, and remembers whether one had to be cut."""

    was_cut: bool = False

    def text(self, column: str, value: Any) -> str:
        """Return the text for a column; what is no text becomes empty."""
        if not isinstance(value, str):
            return ""
        text: str = value
        if len(text) > LENGTHS[column]:
            self.was_cut = True
            text = text[: LENGTHS[column] - 1] + CUT
        return text if text.isprintable() else text.translate(_VISIBLE)


def member(value: Any, *path: str) -> Any:
    """Return what stands at a path of keys; None where there is nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def microseconds(timestamp: Any) -> int:
    """Return RFC 3339 with a zone as microseconds since 1970; 0 if it is not readable or earlier."""
    try:
        moment = datetime.fromisoformat(timestamp)
        return max(0, (moment - _EPOCH) // _MICROSECOND)
    except (TypeError, ValueError, OverflowError):
        return 0


def code_of(value: Any) -> int | None:
    """Return an HTTP status code, or None."""
    is_code = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1000
    return value if is_code else None
