"""A collection in memory is what the API server has, through every break, and waiters wake for their object only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, cast

import pytest

from tests.webhook.cluster.conftest import Runner
from tests.webhook.cluster.test_client import CONFIG_MAPS, config_map
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError, Gone, NotFound, Unavailable
from webhook.cluster.watch import BACK_OFF_S, Reflector

PATH = "/things"


def thing(name: str, version: int = 1) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


class Script:
    """A cluster that says what a script says, for what a real one does not do on demand; then the test ends it."""

    def __init__(self, *acts: list[dict[str, Any]] | ClusterError) -> None:
        """An act is a list to be listed, the events of a watch (`{"type": ...}`), or an error for either."""
        self._acts = list(acts)
        self.asked: list[str] = []
        self.ended = asyncio.Event()

    async def list_versioned(self, path: str) -> tuple[list[dict[str, Any]], str]:
        self.asked.append("list")
        return await self._next(), "10"

    async def stream(self, path: str, query: Mapping[str, str], *, timeout_s: float) -> AsyncIterator[dict[str, Any]]:
        self.asked.append(f"watch {query['resourceVersion']}")
        for event in await self._next():
            yield event

    async def _next(self) -> list[dict[str, Any]]:
        if not self._acts:
            self.ended.set()
            await asyncio.Event().wait()
        act = self._acts.pop(0)
        if isinstance(act, ClusterError):
            raise act
        return act


def played(script: Script, **settings: Any) -> tuple[Reflector, list[tuple[str, bool, bool]], list[float]]:
    """Run a reflector to the end of the script. Returns it, the changes it told, and its pauses."""
    changes: list[tuple[str, bool, bool]] = []
    pauses: list[float] = []

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    async def work() -> Reflector:
        reflector = Reflector(cast(Cluster, script), PATH, chance=lambda: 1.0, sleep=sleep, **settings)
        reflector.subscribe(lambda name, old, new: changes.append((name, old is not None, new is not None)))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(reflector.run())
            await script.ended.wait()
            running.cancel()
        return reflector

    return asyncio.run(work()), changes, pauses


def event(kind: str, name: str, version: int) -> dict[str, Any]:
    return {"type": kind, "object": thing(name, version)}


def test_events_are_applied_in_order_and_the_next_watch_goes_on_behind_them() -> None:
    """A bookmark moves the version and changes nothing."""
    script = Script(
        [thing("a"), thing("b")],
        [event("ADDED", "c", 11), event("DELETED", "a", 12), event("MODIFIED", "b", 13), event("BOOKMARK", "", 20)],
    )
    reflector, changes, _ = played(script)
    assert sorted(reflector.objects) == ["b", "c"]
    assert script.asked == ["list", "watch 10", "watch 20"]
    assert reflector.version == 20
    assert changes == [
        ("a", False, True),
        ("b", False, True),
        ("c", False, True),
        ("a", True, False),
        ("b", True, True),
    ]


def test_after_gone_it_lists_again_and_tells_what_it_missed() -> None:
    """Deletions too: they come by no event any more."""
    script = Script([thing("a"), thing("b")], Gone("too old", status=410), [thing("b", 5), thing("c")])
    reflector, changes, pauses = played(script)
    assert script.asked == ["list", "watch 10", "list", "watch 10"]
    assert sorted(reflector.objects) == ["b", "c"]
    assert changes[2:] == [("a", True, False), ("b", True, True), ("c", False, True)]
    assert pauses == [BACK_OFF_S[0]]


def test_what_it_knows_stays_when_the_api_vanishes() -> None:
    """A definition that is gone is no reason to believe that there is nothing; `failure` says so."""
    script = Script([thing("a")], Gone("x"), NotFound("the server could not find the requested resource", status=404))
    reflector, changes, _ = played(script)
    assert list(reflector.objects) == ["a"]
    assert isinstance(reflector.failure, NotFound)
    assert changes == [("a", False, True)]


def test_pauses_grow_while_it_fails_and_start_anew_after_a_success() -> None:
    """Doubling up to the longest, each shortened by chance to as little as a half."""
    down = [Unavailable("down") for _ in range(9)]
    script = Script(*down, [thing("a")], Unavailable("down"))
    reflector, _, pauses = played(script)
    assert pauses[:4] == [0.25, 0.5, 1.0, 2.0]
    assert max(pauses) == BACK_OFF_S[1]
    assert pauses[9] == 0.25
    assert reflector.synced


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(Gone("too old", status=410), id="says each time that it is too late"),
        pytest.param([], id="ends each watch at once"),
    ],
)
def test_a_server_is_asked_less_and_less_often_that(act: list[dict[str, Any]] | ClusterError) -> None:
    """A loop without a pause would be an attack on the API server."""
    acts = [[], act] * 8 if isinstance(act, Gone) else [[], *[act] * 8]
    _, _, pauses = played(Script(*acts))
    assert pauses == sorted(pauses)
    assert pauses[-1] == BACK_OFF_S[1]


def test_its_age_is_the_time_since_the_last_word() -> None:
    """Infinite before the first."""
    now = 100.0
    assert Reflector(cast(Cluster, Script()), PATH).age_s == float("inf")
    reflector, _, _ = played(Script([thing("a")]), clock=lambda: now)
    now = 107.0
    assert reflector.age_s == 7


def test_a_subscriber_that_fails_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Its error is logged, and the others are told."""

    def fail(name: str, old: object, new: object) -> None:
        raise RuntimeError("broken subscriber")

    async def work() -> list[str]:
        told: list[str] = []
        script = Script([thing("a")])
        reflector = Reflector(cast(Cluster, script), PATH)
        reflector.subscribe(fail)
        reflector.subscribe(lambda name, old, new: told.append(name))
        running = asyncio.create_task(reflector.run())
        await script.ended.wait()
        running.cancel()
        return told

    assert asyncio.run(work()) == ["a"]
    assert "broken subscriber" in capsys.readouterr().out


Work = Callable[[Cluster, Reflector], Awaitable[None]]


def reflecting(work: Work) -> Callable[[Cluster], Any]:
    """Run `work` beside a reflector on the ConfigMaps of the real API server."""

    async def whole(cluster: Cluster) -> None:
        reflector = Reflector(cluster, CONFIG_MAPS)
        running = asyncio.create_task(reflector.run())
        try:
            await reflector.ready()
            await work(cluster, reflector)
        finally:
            running.cancel()

    return whole


def test_a_real_collection_is_followed(as_admin: Runner) -> None:
    """Created, changed, deleted: each is seen without asking."""

    async def work(cluster: Cluster, reflector: Reflector) -> None:
        assert "kube-root-ca.crt" in reflector.objects or reflector.version > 0
        await cluster.create(CONFIG_MAPS, config_map("seen", a="1"))
        assert await reflector.wait_for("seen", lambda found: found is not None, timeout_s=10)
        await cluster.patch(f"{CONFIG_MAPS}/seen", {"data": {"a": "2"}})
        assert await reflector.wait_for(
            "seen", lambda found: found is not None and found["data"]["a"] == "2", timeout_s=10
        )
        gone = asyncio.create_task(reflector.wait_for("seen", lambda found: found is None, timeout_s=10))
        await cluster.delete(f"{CONFIG_MAPS}/seen")
        assert await gone
        assert "seen" not in reflector.objects

    as_admin(reflecting(work))


def test_fifty_waiters_are_woken_by_their_own_object_only(as_admin: Runner) -> None:
    """A change of one approval costs the other 49 waits nothing."""

    async def work(cluster: Cluster, reflector: Reflector) -> None:
        woken: list[str] = []

        def done(name: str) -> Callable[[dict[str, Any] | None], bool]:
            def is_there(found: dict[str, Any] | None) -> bool:
                woken.append(name)
                return found is not None

            return is_there

        names = [f"waiter-{number}" for number in range(50)]
        waits = [asyncio.create_task(reflector.wait_for(name, done(name), timeout_s=20)) for name in names]
        await cluster.create(CONFIG_MAPS, config_map(names[7]))
        assert await waits[7]
        assert woken == [names[7]]
        for name in names[:7] + names[8:]:
            await cluster.create(CONFIG_MAPS, config_map(name))
        assert all(await asyncio.gather(*waits))
        assert sorted(woken) == sorted(names)

    as_admin(reflecting(work))


def test_a_wait_ends_with_its_time(as_admin: Runner) -> None:
    """It says so, and leaves nothing behind."""

    async def work(cluster: Cluster, reflector: Reflector) -> None:
        assert not await reflector.wait_for("never", lambda found: found is not None, timeout_s=0.05)
        assert reflector._watchers == {}

    as_admin(reflecting(work))
