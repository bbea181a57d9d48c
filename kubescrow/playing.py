"""Plays a tape: each step when its time has come, or when somebody wants it. Sleeping and asking are arguments."""

import sys
from collections.abc import Callable, Iterable, Iterator

from auditsink.replay.tape import Frame


def played(
    frames: Iterable[Frame], *, sleep: Callable[[float], object], wanted: Callable[[], bool] = lambda: True
) -> Iterator[Frame]:
    """Yield each frame after its pause.

    sleep: is given the seconds to wait before each step. wanted: asked before each step; the first no ends it.
    """
    for frame in frames:
        if not wanted():
            return
        sleep(frame.pause_s)
        yield frame


def enter() -> bool:
    """Wait for Enter; tell whether it came before the end of standard input."""
    return sys.stdin is not None and sys.stdin.readline() != ""
