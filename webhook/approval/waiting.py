"""How long a held call waits inside, and when the client is asked to come back.

A client-go program (kubectl, helm, terraform, controllers) answers 429 with Retry-After by sending the same
request again, ten times, silently. Eleven attempts and ten pauses are all the waiting time that an unmodified
client gives us, so the pauses are spread over `wait`: short at first, so that a quick decision is answered
quickly, then growing by a constant factor, so that ten of them reach the end.

Source: k8s.io/client-go/rest/request.go (maxRetries = 10) and with_retry.go (Retry-After).
"""

import math

RETRIES = 10
MARGIN_S = 2.0
"""Kept of the API server's timeout, to claim and answer."""

SHORTEST_PAUSE_S = 1
BISECTIONS = 40


def hold_s(*, longest_s: float, timeout_s: float) -> float:
    """Say how long a call may be held inside, if its `wait` is not over before; 0 = answer at once."""
    return max(0.0, min(longest_s, timeout_s - MARGIN_S))


def pause_s(*, wait_s: float, elapsed_s: float, hold_s: float) -> int:
    """Say after how many seconds the client shall come back, `elapsed_s` after the approval was created.

    With every attempt held for `hold_s`, ten such pauses reach the end of `wait_s`; the last one ends just after it.
    """
    left_s = wait_s - elapsed_s
    first_cycle_s = hold_s + SHORTEST_PAUSE_S
    factor = _growth(cycles_s=wait_s - hold_s, first_cycle_s=first_cycle_s)
    start_s = first_cycle_s / (factor - 1) if factor > 1 else 0.0
    cycle_s = first_cycle_s if factor <= 1 else (elapsed_s - hold_s + start_s) * (factor - 1)
    return max(SHORTEST_PAUSE_S, math.ceil(min(max(cycle_s, first_cycle_s) - hold_s, left_s)))


def _growth(*, cycles_s: float, first_cycle_s: float) -> float:
    """The factor by which ten cycles grow from `first_cycle_s` to fill `cycles_s`; 1 if equal ones do."""
    if first_cycle_s * RETRIES >= cycles_s:
        return 1.0
    low, high = 1.0, 1.0 + cycles_s / first_cycle_s
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        reach_s = first_cycle_s * (middle**RETRIES - 1) / (middle - 1)
        low, high = (middle, high) if reach_s < cycles_s else (low, middle)
    return high
