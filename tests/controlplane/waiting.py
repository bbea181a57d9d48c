"""Waits for conditions, instead of sleeping for a while and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, what: str, timeout_s: float = 30, poll_s: float = 0.05) -> T:
    """Call `condition` until it returns something true, and return that.

    Raises AssertionError with `what` and the last value seen when `timeout_s` has passed.
    """
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s:g} s: {what}; last seen: {value!r}")
        time.sleep(poll_s)
