"""The tape: real and scaled timing, gaps drawn."""

from __future__ import annotations

import pytest

from auditsink.replay.step import Seen, steps
from auditsink.replay.tape import GAP_SHOWN_S, frames

TIMES_S = [0, 2, 10, 10 + 3600]
STEPS = steps([Seen(s * 1_000_000, s * 1_000_000, str(s), "ResponseComplete", "get") for s in TIMES_S])


@pytest.mark.parametrize(
    ("speed", "pauses"),
    [
        pytest.param(1.0, [0, 2, 8, GAP_SHOWN_S], id="in real time, a long gap is shown and not waited for"),
        pytest.param(4.0, [0, 0.5, 2, GAP_SHOWN_S], id="four times as fast"),
        pytest.param(0.0, [0, 0, 0, 0], id="at once"),
    ],
)
def test_pauses(speed: float, pauses: list[float]) -> None:
    assert [frame.pause_s for frame in frames(STEPS, speed=speed)] == pauses


def test_each_frame_knows_its_real_time_and_the_gap_before_it() -> None:
    """Scaling changes the pauses, not the times."""
    shown = list(frames(STEPS, speed=100))
    assert [frame.at_s for frame in shown] == TIMES_S
    assert [frame.idle_s for frame in shown] == [0, 0, 0, 3600]


def test_a_negative_speed_is_refused() -> None:
    """The allowed values are named."""
    with pytest.raises(ValueError, match=r"0 .no waiting. or more"):
        list(frames(STEPS, speed=-1))
