"""Each step is shown when its time has come; nobody sleeps in these tests."""

from __future__ import annotations

import io

import pytest

from auditsink.replay.step import Seen, steps
from auditsink.replay.tape import Frame, frames
from kubescrow.playing import enter, played

TAPE = steps([Seen(s * 1_000_000, s * 1_000_000, str(s), "ResponseComplete", "get") for s in (0, 2, 10, 3610)])


@pytest.mark.parametrize(
    ("speed", "slept"),
    [
        pytest.param(1, [0, 2, 8, 1], id="as it was, but not for an hour"),
        pytest.param(20, [0, 0.1, 0.4, 1], id="twenty times as fast"),
        pytest.param(0, [0, 0, 0, 0], id="at once"),
    ],
)
def test_steps_come_after_their_pauses(speed: float, slept: list[float]) -> None:
    """All of them, in order, each after exactly one sleep."""
    told: list[float | Frame] = []
    told_frames = list(frames(TAPE, speed=speed))
    for frame in played(told_frames, sleep=told.append):
        told.append(frame)
    assert told == [each for pause, frame in zip(slept, told_frames, strict=True) for each in (pause, frame)]


def test_playing_ends_where_nobody_wants_more() -> None:
    """Asked before each step, and before the pause."""
    slept: list[float] = []
    wishes = iter([True, True, False])
    shown = list(played(frames(TAPE, speed=1), sleep=slept.append, wanted=lambda: next(wishes)))
    assert [frame.at_s for frame in shown] == [0, 2]
    assert slept == [0, 2]


def test_enter_is_a_line_and_the_end_of_input_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was typed before Enter."""
    monkeypatch.setattr("sys.stdin", io.StringIO("\nq\n"))
    assert [enter() for _ in range(3)] == [True, True, False]
    monkeypatch.setattr("sys.stdin", None)
    assert not enter()
