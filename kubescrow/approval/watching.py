"""New and changed approvals as they come: list, watch with bookmarks, and again after every break."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from kubescrow.approval.asking import VIEWER
from kubescrow.approval.seen import Seen, seen
from kubescrow.saying import said
from webhook.approval.record import MalformedApproval
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError
from webhook.cluster.names import APPROVALS
from webhook.cluster.watch import Reflector

LOOK_S = 1.0
"""Seconds between two looks at the connection."""


async def watched(
    cluster: Cluster, *, tell: Callable[[Seen], None], complain: Callable[[str], None], look_s: float = LOOK_S
) -> None:
    """Tell each approval when it appears and when what it says changes; never returns.

    `complain` hears once of each break that lasts, and once that it is over; `look_s` between two looks at that.

    Raises:
        ClusterError: approvals may not be listed, or do not exist, at the beginning.
    """
    await cluster.request("GET", APPROVALS, query={"limit": "1"})  # what is wrong for good ends the command
    reflector = Reflector(cluster, APPROVALS)
    news: asyncio.Queue[Seen] = asyncio.Queue()
    told: dict[str, tuple[str, ...]] = {}

    def on_change(name: str, _old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        if new is None:
            told.pop(name, None)
            return
        with contextlib.suppress(MalformedApproval):
            now = seen(new)
            if told.get(name) != (says := _says(now)):
                told[name] = says
                news.put_nowait(now)

    reflector.subscribe(on_change)
    loops = [
        asyncio.ensure_future(loop) for loop in (reflector.run(), _look(reflector, complain, look_s), _tell(news, tell))
    ]
    try:
        done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        for loop in done:
            loop.result()  # none ends by itself: a closed pipe, say, ends the command
    finally:
        for loop in loops:
            loop.cancel()


async def _tell(news: "asyncio.Queue[Seen]", tell: Callable[[Seen], None]) -> None:
    while True:
        tell(await news.get())


def _says(seen: Seen) -> tuple[str, ...]:
    """What makes a line worth printing; a decision is told once, when the webhook has written its state down."""
    status = seen.approval.status
    decisions = str(seen.confirmed)
    return (seen.approval.uid, str(status.get("state", "")) or "Pending", decisions, seen.alarm)


async def _look(reflector: Reflector, complain: Callable[[str], None], look_s: float) -> None:
    broken: ClusterError | None = None
    while True:
        failure = reflector.failure
        if failure is not None and broken is None:
            complain(f"the connection broke, trying again: {said(failure, role=VIEWER)}")
        if failure is None and broken is not None:
            complain("connected again")
        broken = failure
        await asyncio.sleep(look_s)
