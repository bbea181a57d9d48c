"""An unmodified client waits for the whole of `wait`, however long that is, and not a moment longer than needed."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webhook.approval import waiting
from webhook.approval.waiting import MARGIN_S, RETRIES

DAY_S = 24 * 3600


@dataclass(frozen=True)
class Told:
    """What a client that comes back when it is told lived through: its pauses, and when the last attempt ended."""

    pauses_s: tuple[int, ...]
    end_s: float


def client(*, wait_s: float, hold_s: float, travel_s: float = 0.0) -> Told:
    """Send the same request again as often as client-go does; each call takes `travel_s` on its way."""
    pauses: list[int] = []
    now_s = 0.0
    while True:
        now_s += travel_s
        now_s += max(0.0, min(waiting.hold_s(longest_s=hold_s, timeout_s=30), wait_s - now_s))
        if now_s >= wait_s or len(pauses) == RETRIES:
            return Told(tuple(pauses), now_s)
        pauses.append(waiting.pause_s(wait_s=wait_s, elapsed_s=now_s, hold_s=hold_s))
        now_s += pauses[-1]


WAITS = st.floats(0, DAY_S) | st.integers(0, DAY_S).map(float)
HOLDS = st.floats(0, 28)


@given(wait_s=WAITS, hold_s=HOLDS)
@example(wait_s=60.0, hold_s=20.0)
@example(wait_s=60.0, hold_s=0.0)
@example(wait_s=float(DAY_S), hold_s=0.0)
@example(wait_s=float(DAY_S), hold_s=28.0)
@example(wait_s=0.0, hold_s=20.0)
@example(wait_s=10.0, hold_s=0.0)
def test_the_client_is_there_at_the_end(wait_s: float, hold_s: float) -> None:
    """Ten retries reach the end of `wait`, none comes sooner than a second, none sleeps a second beyond the end."""
    told = client(wait_s=wait_s, hold_s=hold_s)
    assert told.end_s >= wait_s
    assert all(pause_s >= 1 for pause_s in told.pauses_s)
    assert told.end_s <= wait_s + 1


@given(wait_s=WAITS, hold_s=HOLDS, travel_s=st.floats(0, 2))
def test_a_slow_way_costs_no_waiting_time(wait_s: float, hold_s: float, travel_s: float) -> None:
    """A client whose calls travel for a while is there at the end too."""
    told = client(wait_s=wait_s, hold_s=hold_s, travel_s=travel_s)
    assert told.end_s >= wait_s
    assert told.end_s <= wait_s + 1 + travel_s


@given(wait_s=WAITS, hold_s=HOLDS)
def test_pauses_never_shrink_but_for_the_last(wait_s: float, hold_s: float) -> None:
    """A quick decision is answered quickly, so short pauses come first."""
    pauses = client(wait_s=wait_s, hold_s=hold_s).pauses_s[:-1]
    assert all(later >= earlier - 1 for earlier, later in pairwise(pauses))


@pytest.mark.parametrize(
    ("wait_s", "hold_s", "pauses_s"),
    [
        pytest.param(60, 20, (1, 1), id="a minute is nearly all spent inside"),
        pytest.param(5, 20, (), id="a short wait needs no second call"),
        pytest.param(3, 0, (1, 1, 1), id="a client that is not held comes back each second"),
    ],
)
def test_the_usual_schedules(wait_s: int, hold_s: int, pauses_s: tuple[int, ...]) -> None:
    """With the defaults a client spends its wait in held calls, a second apart."""
    assert client(wait_s=wait_s, hold_s=hold_s).pauses_s == pauses_s


@given(
    longest_s=st.floats(0, 28),
    timeout_s=st.floats(-5, 40),
)
def test_a_hold_leaves_time_to_answer(longest_s: float, timeout_s: float) -> None:
    """A call is never held longer than the setting, or than the API server waits less two seconds."""
    held_s = waiting.hold_s(longest_s=longest_s, timeout_s=timeout_s)
    assert 0 <= held_s <= longest_s
    assert held_s == 0 or held_s <= timeout_s - MARGIN_S


@given(wait_s=WAITS, hold_s=HOLDS, elapsed_s=st.floats(0, 2 * DAY_S))
def test_any_moment_gives_a_pause_within_the_wait(wait_s: float, hold_s: float, elapsed_s: float) -> None:
    """Whenever a client comes, also one that starts late, its pause ends by a second after the end of `wait`."""
    pause_s = waiting.pause_s(wait_s=wait_s, elapsed_s=elapsed_s, hold_s=hold_s)
    assert pause_s >= 1
    assert pause_s == 1 or elapsed_s + pause_s <= wait_s + 1
