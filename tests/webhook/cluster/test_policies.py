"""The policy cache: never weaker than what the API server was configured for, whatever the watch does.

A hand-written watch and API server: the real ones do not lag or fail on demand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from webhook.cluster.client import Cluster
from webhook.cluster.errors import Unavailable
from webhook.cluster.policies import Policies
from webhook.cluster.watch import Reflector
from webhook.policy.compile import revision_of

Stored = dict[str, Any]


def stored(name: str, generation: int = 1) -> Stored:
    return {
        "apiVersion": "kubescrow.dev/v1alpha1",
        "kind": "AgentPolicy",
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": generation},
        "spec": {"subjects": [{"user": name}], "rules": [{"name": "all", "action": "Deny"}]},
    }


class Server:
    """Lists what it holds, or is not there."""

    def __init__(self) -> None:
        self.items: list[Stored] = []
        self.version = 0
        self.is_up = True
        self.lists = 0

    async def list_versioned(self, _path: str) -> tuple[list[Stored], str]:
        if not self.is_up:
            raise Unavailable("down")
        self.lists += 1
        return list(self.items), str(self.version)


class Watch:
    """Shows what it is told to have seen."""

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        self.version = 0
        self.synced = False
        self._told: list[Callable[..., None]] = []

    def subscribe(self, told: Callable[..., None]) -> None:
        self._told.append(told)

    async def ready(self) -> None:
        self.synced = True

    def sees(self, version: int, *items: Stored) -> None:
        self.objects = {item["metadata"]["name"]: item for item in items}
        self.version = version
        for told in self._told:
            told("name", None, None)


class Cache:
    """A policy cache between the two."""

    def __init__(self) -> None:
        self.server, self.watch = Server(), Watch()
        self.policies = Policies(cast(Cluster, self.server), cast(Reflector, self.watch))

    def loaded(self) -> list[str]:
        loaded = self.policies.loaded
        return [] if loaded is None else [policy.name for policy in loaded.policies]

    def at(self, *items: Stored) -> list[str]:
        found = asyncio.run(self.policies.at(revision_of(items)))
        return [policy.name for policy in found.policies]


@pytest.fixture
def cache() -> Cache:
    """A replica that has read policy `a` at version 10."""
    cache = Cache()
    cache.watch.sees(10, stored("a"))
    asyncio.run(cache.policies.ready())
    return cache


def test_before_the_first_list_nothing_is_loaded() -> None:
    """No policies is not the same as not knowing them."""
    assert Cache().policies.loaded is None


def test_a_known_revision_is_judged_without_asking(cache: Cache) -> None:
    """The way of nearly every request."""
    assert cache.at(stored("a")) == ["a"]
    assert cache.server.lists == 0


def test_an_unknown_revision_is_read_live(cache: Cache) -> None:
    """The API server was configured for policies that the watch has not brought yet."""
    cache.server.items, cache.server.version = [stored("a"), stored("b")], 20
    assert cache.at(stored("a"), stored("b")) == ["a", "b"]


def test_an_unknown_revision_that_cannot_be_read_is_not_judged(cache: Cache) -> None:
    """Never Allow by what is stale."""
    cache.server.is_up = False
    with pytest.raises(Unavailable):
        cache.at(stored("a"), stored("b"))


def test_a_watch_that_lags_behind_a_live_look_takes_nothing_back(cache: Cache) -> None:
    """A revision that was judged once is not judged by older policies later."""
    cache.server.items, cache.server.version = [stored("a"), stored("b")], 20
    cache.at(stored("a"), stored("b"))
    cache.watch.sees(15, stored("a", generation=2))
    assert cache.loaded() == ["a", "b"]
    assert cache.at(stored("a"), stored("b")) == ["a", "b"]


def test_a_policy_that_was_deleted_is_gone_when_the_watch_says_so(cache: Cache) -> None:
    """The same set as before is newer than the one in between."""
    cache.watch.sees(20, stored("a"), stored("b"))
    cache.watch.sees(30, stored("a"))
    assert cache.loaded() == ["a"]


def test_an_older_revision_is_judged_by_what_is_loaded_now(cache: Cache) -> None:
    """The configuration is written a moment after the policies: until then its revision is an old one."""
    cache.watch.sees(20, stored("a"), stored("b"))
    assert cache.at(stored("a")) == ["a", "b"]
    assert cache.server.lists == 0


def test_whoever_registers_policies_is_told_of_each_change_once(cache: Cache) -> None:
    """A live look that finds nothing new is no change."""
    told: list[int] = []
    cache.policies.subscribe(lambda: told.append(1))
    cache.server.items, cache.server.version = [stored("a")], 20
    asyncio.run(cache.policies.live())
    cache.watch.sees(30, stored("a"), stored("b"))
    assert told == [1]
