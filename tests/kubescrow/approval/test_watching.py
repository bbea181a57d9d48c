"""What `watch` prints through every break: each change once, each break once, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import pytest

from kubescrow.approval.seen import Seen
from kubescrow.approval.watching import watched
from tests.kubescrow.approval.stored import YES, shown, spec, stored
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError, Forbidden, Gone, Unavailable

Act = list[dict[str, Any]] | ClusterError


class Script:
    """A cluster that says what a script says, for what a real one does not do on demand; then it is silent."""

    def __init__(self, *acts: Act, may_list: bool = True) -> None:
        """An act is a list to be listed, the events of a watch, or an error for either."""
        self._acts = list(acts)
        self._may_list = may_list
        self.over = asyncio.Event()

    async def request(self, *_: Any, **__: Any) -> dict[str, Any]:
        if not self._may_list:
            raise Forbidden("no", status=403)
        return {}

    async def list_versioned(self, path: str) -> tuple[list[dict[str, Any]], str]:
        return await self._next(), "10"

    async def stream(self, path: str, query: Mapping[str, str], *, timeout_s: float) -> AsyncIterator[dict[str, Any]]:
        for event in await self._next():
            yield event

    async def _next(self) -> list[dict[str, Any]]:
        if not self._acts:
            self.over.set()
            await asyncio.Event().wait()
        act = self._acts.pop(0)
        if isinstance(act, ClusterError):
            raise act
        return act


def appr(version: int, name: str = "appr-1", **status: Any) -> dict[str, Any]:
    """A stored Approval; with a decision that is confirmed if it is approved."""
    found = stored(spec(), uid=f"uid-{name}", status=status)
    if status.get("state") == "Approved":
        decided = shown(said=(YES,))
        found["metadata"]["annotations"] = {"kubescrow.dev/decisions": decided.approval.decisions}
        found["status"]["decisionsMAC"] = decided.chain[-1].mac
    found["metadata"] |= {"name": name, "resourceVersion": str(version)}
    return found


def event(kind: str, obj: dict[str, Any]) -> dict[str, Any]:
    """One event of a watch."""
    return {"type": kind, "object": obj}


def played(*acts: Act, told_of: int, complained_of: int = 0) -> tuple[list[str], list[str]]:
    """What is told and what is complained of while the cluster says this; so many of each are waited for."""
    told: list[str] = []
    complaints: list[str] = []

    async def play() -> None:
        script = Script(*acts)
        news = asyncio.Event()

        def complain(text: str) -> None:
            complaints.append(text)
            news.set()

        def tell(seen: Seen) -> None:
            news.set()
            told.append(f"{seen.name} {seen.approval.recorded_state or 'Pending'} {seen.confirmed}")

        watching = asyncio.create_task(watched(cast(Cluster, script), tell=tell, complain=complain, look_s=0.001))
        async with asyncio.timeout(20):
            await script.over.wait()
            while len(told) < told_of or len(complaints) < complained_of:
                await news.wait()
                news.clear()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(play())
    return told, complaints


def test_each_change_is_told_once() -> None:
    """The state that the webhook writes down after the creation is no news, and a bookmark neither."""
    told, complaints = played(
        [appr(1)],
        [
            event("MODIFIED", appr(2, state="Pending")),
            event("BOOKMARK", {"metadata": {"resourceVersion": "3"}}),
            event("ADDED", appr(4, "appr-2", state="Pending")),
            event("MODIFIED", appr(5, state="Approved")),
            event("MODIFIED", appr(6, state="Approved", expires="2026-11-23T15:04:05Z")),
            event("MODIFIED", appr(7, state="Used")),
            event("MODIFIED", {"metadata": {"name": "broken", "resourceVersion": "8"}}),
            event("DELETED", appr(9, "appr-2", state="Pending")),
        ],
        told_of=4,
    )
    assert told == ["appr-1 Pending 0", "appr-2 Pending 0", "appr-1 Approved 1", "appr-1 Used 0"]
    assert complaints == []


def test_after_a_break_only_what_changed_meanwhile_is_told() -> None:
    """Also when the server has forgotten where we were. The break is told once, and its end."""
    told, complaints = played(
        [appr(1, state="Pending"), appr(2, "appr-2", state="Pending")],
        Unavailable("WATCH: no connection"),
        Unavailable("WATCH: no connection"),
        Gone("too old", status=410),
        [appr(1, state="Pending"), appr(5, "appr-2", state="Denied"), appr(6, "appr-3", state="Pending")],
        told_of=4,
        complained_of=2,
    )
    assert told == ["appr-1 Pending 0", "appr-2 Pending 0", "appr-2 Denied 0", "appr-3 Pending 0"]
    broke, again = complaints
    assert broke.startswith("the connection broke, trying again: the cluster does not answer")
    assert again == "connected again"


def test_what_is_wrong_for_good_ends_it_at_once() -> None:
    """Nobody waits for approvals that they may not see."""
    with pytest.raises(Forbidden):
        asyncio.run(watched(cast(Cluster, Script(may_list=False)), tell=lambda _: None, complain=lambda _: None))


def test_a_closed_pipe_ends_it() -> None:
    """`watch | head -1` does not stay behind."""

    def tell(_: Seen) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        asyncio.run(watched(cast(Cluster, Script([appr(1)])), tell=tell, complain=lambda _: None))
