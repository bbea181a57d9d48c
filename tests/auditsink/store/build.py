"""Records and databases for the tests of this room."""

from __future__ import annotations

import os
import zlib
from typing import Any

from auditsink.intake.record import Identity, Record


def record(number: int = 0, *, session: str = "a", username: str = "alice", **columns: Any) -> Record:
    """A record whose key and times are made of a number."""
    identity = Identity(session=session * 32, username=username, kind="user", key=username)
    values: dict[str, Any] = {
        "cluster": "prod",
        "day": 1,
        "dedup": number.to_bytes(16, "big"),
        "time_us": number * 1000,
        "stage_time_us": number * 1000,
        "audit_id": str(number),
        "level": "Metadata",
        "stage": "ResponseComplete",
        "verb": "get",
        "identity": identity,
        "authenticated_as": username,
        "body": zlib.compress(b'{"number":%d}' % number),
    }
    return Record(**(values | columns))


def unique(**columns: Any) -> Record:
    """A record like no other."""
    return record(int.from_bytes(os.urandom(4), "big"), **columns)
