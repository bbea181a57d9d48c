"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.policy.duration import duration_s, duration_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("0s", 0), ("30m", 1800), ("1h30m", 5400), ("1h2m3s", 3723), ("168h", 604800), ("90m", 5400)],
)
def test_reads(text: str, seconds: int) -> None:
    """Hours, minutes and seconds in this order, any of them left out."""
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "60", "s", "1d", "1.5h", "30s1m", "-1s", "1h ", "1h\n", "\u0661s", "9" * 30 + "s", "100ms", "1H"]
)
def test_refuses(text: str) -> None:
    """Nothing else is a duration."""
    with pytest.raises(ValueError, match="not a duration"):
        duration_s(text)


@given(st.integers(0, 10**9))
def test_round_trip(seconds: int) -> None:
    """What is written is read as the same."""
    assert duration_s(duration_text(seconds)) == seconds
