"""The policy cache: never weaker than what the API server was configured for, whatever the watch does.

A hand-written watch and API server: the real ones do not lag or fail on demand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from webhook.cluster.client import Cluster
from webhook.cluster.errors import Unavailable
from webhook.cluster.policies import Policies
from webhook.cluster.watch import Reflector
from webhook.policy.compile import revision_of
from webhook.policy.problem import Problem
from webhook.trial.trials import CannotTry, Trials

Stored = dict[str, Any]


def stored(name: str, generation: int = 1, condition: str | None = None) -> Stored:
    rule = {"name": "all", "action": "Deny"} | ({"condition": condition} if condition else {})
    return {
        "apiVersion": "kubescrow.dev/v1alpha1",
        "kind": "AgentPolicy",
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": generation},
        "spec": {"subjects": [{"user": name}], "rules": [rule]},
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


class Child:
    """Tries what it is given: finds what it is told to find, or cannot be started."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.finds: tuple[Problem, ...] = ()
        self.is_startable = True

    async def __call__(self, policies: Sequence[Mapping[str, Any]]) -> list[tuple[Problem, ...]]:
        if not self.is_startable:
            raise CannotTry("no process can be started")
        self.tried.extend(policy["metadata"]["name"] for policy in policies)
        return [self.finds for _ in policies]


class Cache:
    """A policy cache between the two."""

    def __init__(self) -> None:
        self.server, self.watch, self.child = Server(), Watch(), Child()
        self.policies = Policies(cast(Cluster, self.server), cast(Reflector, self.watch), Trials(self.child))

    def sees(self, version: int, *items: Stored) -> None:
        asyncio.run(self._sees(version, *items))

    async def _sees(self, version: int, *items: Stored) -> None:
        self.watch.sees(version, *items)
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    def loaded(self) -> list[str]:
        loaded = self.policies.loaded
        return [] if loaded is None else [policy.name for policy in loaded.policies]

    def broken(self) -> list[str]:
        loaded = self.policies.loaded
        return [] if loaded is None else [policy.name for policy in loaded.broken]

    def at(self, *items: Stored) -> list[str]:
        found = asyncio.run(self.policies.at(revision_of(items)))
        return [policy.name for policy in found.policies]


@pytest.fixture
def cache() -> Cache:
    """A replica that has read policy `a` at version 10."""
    cache = Cache()
    cache.sees(10, stored("a"))
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
    cache.sees(15, stored("a", generation=2))
    assert cache.loaded() == ["a", "b"]
    assert cache.at(stored("a"), stored("b")) == ["a", "b"]


def test_a_policy_that_was_deleted_is_gone_when_the_watch_says_so(cache: Cache) -> None:
    """The same set as before is newer than the one in between."""
    cache.sees(20, stored("a"), stored("b"))
    cache.sees(30, stored("a"))
    assert cache.loaded() == ["a"]


def test_an_older_revision_is_judged_by_what_is_loaded_now(cache: Cache) -> None:
    """The configuration is written a moment after the policies: until then its revision is an old one."""
    cache.sees(20, stored("a"), stored("b"))
    assert cache.at(stored("a")) == ["a", "b"]
    assert cache.server.lists == 0


def test_whoever_registers_policies_is_told_of_each_change_once(cache: Cache) -> None:
    """A live look that finds nothing new is no change."""
    told: list[int] = []
    cache.policies.subscribe(lambda: told.append(1))
    cache.server.items, cache.server.version = [stored("a")], 20
    asyncio.run(cache.policies.live())
    cache.sees(30, stored("a"), stored("b"))
    assert told == [1]


def test_a_new_policy_is_tried_once(cache: Cache) -> None:
    """What has no expressions is not tried at all; what did not change is not tried again."""
    cache.sees(20, stored("a"), stored("b", condition="true"))
    cache.sees(30, stored("a"), stored("b", condition="true"), stored("c", condition="false"))
    cache.sees(40, stored("a"), stored("b", generation=2, condition="true"))
    assert cache.child.tried == ["b", "c"]
    assert cache.loaded() == ["a", "b"]


def test_a_policy_that_fails_its_trial_is_broken(cache: Cache) -> None:
    """It denies its subjects everything, and never reaches the library of the server."""
    cache.child.finds = (Problem("spec.rules[0].condition", "its cost", "less", "all"),)
    cache.sees(20, stored("a"), stored("b", condition="true"))
    assert (cache.loaded(), cache.broken()) == (["a"], ["b"])


def test_a_policy_that_cannot_be_tried_denies_until_it_can(cache: Cache) -> None:
    """No child, no trust; whoever registers policies is told of both, for the revision is the same."""
    told: list[int] = []
    cache.policies.subscribe(lambda: told.append(1))
    items = stored("a"), stored("b", condition="true")
    cache.child.is_startable = False
    cache.sees(20, *items)
    assert (cache.loaded(), cache.broken()) == (["a"], ["b"])
    cache.child.is_startable = True
    cache.sees(20, *items)
    assert (cache.loaded(), cache.broken(), told) == (["a", "b"], [], [1, 1])
