"""Steps on a time line, to be played: when each begins, scaled, and where the agent did nothing for long.

Idle gaps are drawn, not stored: a record that arrives late just moves them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from auditsink.replay.step import Step

IDLE_S = 15 * 60
"""A pause this long is shown as a gap and not waited for."""

GAP_SHOWN_S = 1.0
"""How long a gap takes when it is played, whatever the speed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of the tape. `at_s` is real time since the first step, `pause_s` how long to wait before it is shown.

    `idle_s` is the pause of the agent before this step if it was a long one, else 0.
    """

    at_s: float
    pause_s: float
    idle_s: float
    step: Step


def frames(steps: Iterable[Step], *, speed: float) -> Iterator[Frame]:
    """Lay steps on a time line. `speed` is how many times faster than real; 0 = no waiting at all.

    Raises:
        ValueError: `speed` is negative.
    """
    if speed < 0:
        raise ValueError("speed is 0 (no waiting) or more")
    first_us: int | None = None
    before_us = 0
    for step in steps:
        if first_us is None:
            first_us = before_us = step.began_us
        gap_s = max(0.0, (step.began_us - before_us) / 1e6)
        idle_s = gap_s if gap_s >= IDLE_S else 0.0
        pause_s = 0.0 if speed == 0 else (GAP_SHOWN_S if idle_s else gap_s / speed)
        yield Frame(at_s=(step.began_us - first_us) / 1e6, pause_s=pause_s, idle_s=idle_s, step=step)
        before_us = max(before_us, step.ended_us or step.began_us)
