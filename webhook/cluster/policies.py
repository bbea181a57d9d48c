"""The AgentPolicies of the cluster, compiled: from the watch, or live when the watch is behind.

A policy whose expressions are new is tried in a process of its own (`webhook.trial`) before it is compiled here; one
that fails the trial is broken, as one that does not compile. Only what changed is tried and compiled.

The API server calls us on a path that carries the revision of the policy set for which it was configured. A
replica that has not loaded that revision reads the policies live; when it cannot, it says so and judges nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from webhook import metrics
from webhook.cluster.client import Cluster
from webhook.cluster.names import POLICIES
from webhook.cluster.watch import Reflector
from webhook.policy.compile import (
    BrokenPolicy,
    CompiledPolicy,
    PolicySet,
    compile_set,
    identity_of,
    policy_outcome,
)
from webhook.policy.model import InvalidPolicy, Problem, readable_name
from webhook.policy.salvage import salvaged
from webhook.trial.trials import CannotTry, Trials

Stored = Mapping[str, Any]
Outcome = CompiledPolicy | BrokenPolicy
Identity = tuple[str | int, ...]

# Whatever kept a child from starting (no memory, no process ids) seldom passes in a second.
TRY_AGAIN_S = 30

UNTRIED = Problem("spec.rules", "an untried expression", "the policy again in a minute; the server cannot try it now")
"""Why a policy denies all while no process can be started to try it in."""

log = structlog.get_logger(__name__)


class Policies:
    """The current policy set. `watch` is a running Reflector on agentpolicies."""

    def __init__(self, cluster: Cluster, watch: Reflector, trials: Trials) -> None:
        self._cluster = cluster
        self._watch = watch
        self._trials = trials
        self._outcomes: dict[Identity, Outcome] = {}
        self._loading: set[asyncio.Task[None]] = set()
        self._set = compile_set(())
        self._version = 0
        self._passed: set[str] = set()
        self._subscribers: list[Callable[[], None]] = []
        watch.subscribe(lambda *_: self._load())

    @property
    def loaded(self) -> PolicySet | None:
        """The newest set that this replica has; None before the first list."""
        return self._set if self._passed else None

    async def ready(self) -> None:
        """Wait until the first full list has been read, tried and compiled."""
        await self._watch.ready()
        await self._take(list(self._watch.objects.values()), self._watch.version)

    def subscribe(self, on_change: Callable[[], None]) -> None:
        """Have every later change of the set told."""
        self._subscribers.append(on_change)

    async def at(self, revision: str) -> PolicySet:
        """Return a set at least as new as `revision`.

        What was loaded here once is never newer than what is loaded now, so a revision that is known needs no look.

        Raises:
            ClusterError: the policies had to be read live and could not be.
        """
        return self._set if revision in self._passed else await self.live()

    async def live(self) -> PolicySet:
        """Read the policies from the API server; try and compile what is new.

        Raises:
            ClusterError: they cannot be read.
        """
        items, version = await self._cluster.list_versioned(POLICIES)
        await self._take(items, int(version or 0))
        return self._set

    def _load(self) -> None:
        """Take what the watch has: at once if nothing in it is new, else when it has been tried."""
        if not self._watch.synced:
            return
        items, version = list(self._watch.objects.values()), self._watch.version
        outcomes = self._remembered(items)
        if len(outcomes) == len(items):
            self._keep(self._compiled(items, outcomes), version)
            return
        task = asyncio.ensure_future(self._take(items, version))
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)

    async def _take(self, items: Sequence[Stored], version: int) -> None:
        """Try what is new in a child, compile it beside the event loop, and keep the set."""
        outcomes = self._remembered(items)
        new = [item for item in items if identity_of(item) not in outcomes]
        try:
            await self._trials.try_policies(new)
        except CannotTry as why:
            log.error("policies cannot be tried, so they deny", reason=str(why), policies=len(new))
            asyncio.get_running_loop().call_later(TRY_AGAIN_S, self._load)
        if new:
            made = await asyncio.to_thread(lambda: [self._outcome(item) for item in new])
            outcomes.update(zip(map(identity_of, new), made, strict=True))
        self._keep(self._compiled(items, outcomes), version)

    def _remembered(self, items: Sequence[Stored]) -> dict[Identity, Outcome]:
        keys = map(identity_of, items)
        return {key: self._outcomes[key] for key in keys if key in self._outcomes}

    def _compiled(self, items: Sequence[Stored], outcomes: Mapping[Identity, Outcome]) -> PolicySet:
        """Make the set, and remember what was made for it; what could not be tried is tried again."""
        policies = compile_set(items, lambda item: outcomes[identity_of(item)])
        self._outcomes = {key: outcome for key, outcome in outcomes.items() if not _is_untried(outcome)}
        return policies

    def _outcome(self, item: Stored) -> Outcome:
        problems = self._trials.known(item)
        problems = (UNTRIED,) if problems is None else problems
        return salvaged(item, InvalidPolicy(readable_name(item), problems)) if problems else policy_outcome(item)

    def _keep(self, policies: PolicySet, version: int) -> None:
        """Take a set, unless a newer one was read already: the watch may lag behind a live look."""
        if version < self._version:
            return
        is_same = (policies.revision, policies.broken) == (self._set.revision, self._set.broken)
        changed = not is_same or not self._passed
        self._set, self._version = policies, version
        self._passed.add(policies.revision)
        metrics.POLICIES.labels("yes").set(len(policies.policies))
        metrics.POLICIES.labels("no").set(len(policies.broken))
        if changed:
            for subscriber in self._subscribers:
                subscriber()


def _is_untried(outcome: Outcome) -> bool:
    return isinstance(outcome, BrokenPolicy) and UNTRIED in outcome.problems
