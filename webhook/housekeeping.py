"""Keeps the written state of Approvals true to what holds, tells it as Events, and removes what is old.

Only the replica that holds the Lease does this. Nothing depends on it but what people see: an approval is judged
by its decisions and the clock whenever it is used, whether anybody has written its state down or not.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from webhook import metrics
from webhook.approval.lifecycle import State
from webhook.approval.reading import Reading, status_of
from webhook.approval.record import parse_time
from webhook.approval.visible import visible
from webhook.cluster.approvals import Approvals
from webhook.cluster.errors import ClusterError
from webhook.cluster.events import Events

ROUND_S = 5.0
"""Seconds between two looks at the clock; a change of an approval is looked at at once."""

log = structlog.get_logger(__name__)


class Housekeeping:
    """`is_leader` says whether this replica writes; `changed` is set whenever the watch saw something."""

    def __init__(  # noqa: PLR0913 -- the parts of one loop, each named
        self,
        *,
        approvals: Approvals,
        events: Events,
        is_leader: Callable[[], bool],
        changed: asyncio.Event,
        retain_for_s: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._approvals = approvals
        self._events = events
        self._is_leader = is_leader
        self._changed = changed
        self._retain_for = timedelta(seconds=retain_for_s)
        self._clock = clock
        self._told: dict[str, State] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._changed.clear()
            if self._is_leader():
                await self.round()
            try:
                await asyncio.wait_for(self._changed.wait(), ROUND_S)
            except TimeoutError:
                continue

    async def round(self) -> None:
        """Look at every approval once."""
        states: Counter[str] = Counter()
        for reading in self._approvals.known():
            states[reading.standing.state.value] += 1
            try:
                await self._tend(reading)
            except ClusterError as err:
                log.info("approval not tended", approval=reading.approval.name, error=str(err))
        for state in State:
            metrics.APPROVALS.labels(state.value).set(states[state.value])

    async def _tend(self, reading: Reading) -> None:
        approval = reading.approval
        if self._is_old(reading):
            await self._approvals.delete(reading)
            log.info("approval removed", approval=approval.name)
            return
        if status_of(reading, now=self._clock()) != approval.status:
            reading = await self._approvals.record(reading)
        await self._tell(reading)

    async def _tell(self, reading: Reading) -> None:
        """Write an Event when the state is another than the last one told of this approval."""
        approval = reading.approval
        last = self._told.get(approval.uid)
        self._told[approval.uid] = reading.standing.state
        if last is not reading.standing.state and (last is not None or reading.standing.state is State.PENDING):
            await self._events.approval(reading, _sentence(reading))

    def _is_old(self, reading: Reading) -> bool:
        try:
            ended = parse_time(str(reading.approval.status.get("endedAt", "")))
        except ValueError:  # not ended, or not written by us: what we cannot date is kept
            return False
        return self._clock() - ended > self._retain_for


def _sentence(reading: Reading) -> str:
    spec, standing = reading.approval.spec, reading.standing
    what = f"{spec.operation} {visible(spec.touched.path)} of {visible(spec.requester.username)}: {standing.state}"
    return f"{what}, decided by {visible(', '.join(standing.decided_by))}" if standing.decided_by else what
