"""At most one replica leads, by nobody else's clock, and another follows it soon."""

import asyncio
from collections.abc import Callable

import pytest

from tests.webhook.cluster.conftest import Runner
from webhook.cluster import names
from webhook.cluster.client import Cluster
from webhook.cluster.errors import NotFound
from webhook.cluster.lease import BELIEF_S, DURATION_S, Leadership

PATH = f"{names.leases('kubescrow')}/{names.LEASE}"


@pytest.fixture(autouse=True)
def no_lease(as_admin: Runner) -> None:
    """Each test begins without a Lease."""

    async def work(cluster: Cluster) -> None:
        try:
            await cluster.delete(PATH)
        except NotFound:
            return

    as_admin(work)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def replicas(cluster: Cluster, clock: Callable[[], float], count: int = 2) -> list[Leadership]:
    return [Leadership(cluster, "kubescrow", identity=f"pod-{number}", clock=clock) for number in range(count)]


def test_of_many_that_try_at_once_one_leads(as_server: Runner) -> None:
    """By create and by compare and swap; the server's own roles suffice."""

    async def work(cluster: Cluster) -> None:
        candidates = replicas(cluster, Clock(), 5)
        await asyncio.gather(*(candidate.step() for candidate in candidates))
        assert [candidate.is_leader for candidate in candidates].count(True) == 1

    as_server(work)


def test_a_leader_that_falls_silent_stops_leading_before_another_begins(as_server: Runner) -> None:
    """There is a time without a leader, never one with two."""

    async def work(cluster: Cluster) -> None:
        clock = Clock()
        first, second = replicas(cluster, clock)
        await first.step()
        await second.step()
        clock.now_s = BELIEF_S
        await second.step()
        assert (first.is_leader, second.is_leader) == (False, False)
        clock.now_s = DURATION_S + 0.1
        await second.step()
        assert (first.is_leader, second.is_leader) == (False, True)
        assert (await cluster.get(PATH))["spec"]["leaseTransitions"] == 1

    as_server(work)


def test_a_leader_that_renews_stays(as_server: Runner) -> None:
    """The others count from the last renewal that they saw."""

    async def work(cluster: Cluster) -> None:
        clock = Clock()
        first, second = replicas(cluster, clock)
        for now_s in range(0, 60, 2):
            clock.now_s = float(now_s)
            await first.step()
            await second.step()
            assert (first.is_leader, second.is_leader) == (True, False)

    as_server(work)


def test_a_leader_that_ends_gives_the_lease_back(as_server: Runner) -> None:
    """The next one leads at once."""

    async def work(cluster: Cluster) -> None:
        first, second = replicas(cluster, Clock())
        running = asyncio.create_task(first.run())
        await first.elected()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert not first.is_leader
        await second.step()
        assert second.is_leader

    as_server(work)


def test_a_lease_is_what_kubernetes_tools_expect(as_server: Runner) -> None:
    """Holder, times with zone and microseconds, duration."""

    async def work(cluster: Cluster) -> None:
        await replicas(cluster, Clock())[0].step()
        spec = (await cluster.get(PATH))["spec"]
        assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == ("pod-0", DURATION_S)
        assert spec["renewTime"].endswith("Z")

    as_server(work)
