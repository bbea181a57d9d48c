"""Times in words: how far, on which clock, and the same in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from kubescrow.approval.times import distance, in_full, wall_clock
from tests.webhook.approval.build import NOW, after

CET = timezone(timedelta(hours=1), "CET")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (-0.4, "now"),
        (7, "in 7 s"),
        (-59, "59 s ago"),
        (150, "in 2 min 30 s"),
        (2467, "in 41 min"),
        (3599, "in 59 min"),
        (-11000, "3 h 3 min ago"),
        (200000, "in 2 d 7 h"),
    ],
)
def test_how_far_a_time_is(seconds: float, words: str) -> None:
    """Two units, or one where the second says nothing."""
    assert distance(after(seconds), now=NOW) == words


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW, "today 15:04 CET"),
        (after(9 * 3600), "tomorrow 00:04 CET"),
        (after(-16 * 3600), "yesterday 23:04 CET"),
        (after(7 * 86400), "Mon 30 Nov 15:04 CET"),
    ],
)
def test_the_clock_on_the_wall(moment: datetime, words: str) -> None:
    """A day changes where the reader is, not in UTC."""
    assert wall_clock(moment, now=NOW, zone=CET) == words


def test_a_time_in_full_has_both_clocks() -> None:
    """People in two places read the same line."""
    assert in_full(after(3600), now=NOW, zone=CET) == "in 1 h, today 16:04 CET (2026-11-23T15:04:05Z)"
