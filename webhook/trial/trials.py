"""Remembers what was tried, so that the same expressions are never tried twice, and lets few children run at once."""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from webhook.policy.problem import Problem
from webhook.policy.trial import params_of, sources_of
from webhook.trial.children import CannotTry, try_all

__all__ = ["CannotTry", "Trials"]

# Policies of a large cluster, with a few generations of each; one entry is under 1 KB.
REMEMBERED = 10_000

# A person waits at kubectl, and the API server gives a webhook 10 s by default.
TURN_LIMIT_S = 8.0

# A JSON document of the child's other end is a line; a policy in etcd has 1.5 MiB at most.
Stored = Mapping[str, Any]
TryAll = Callable[[Sequence[Stored]], Awaitable[list[tuple[Problem, ...]]]]


class Trials:
    """Tries policies, one child at a time. The arguments are others in tests only."""

    def __init__(self, try_in_child: TryAll = try_all, *, turn_limit_s: float = TURN_LIMIT_S) -> None:
        self._try_in_child = try_in_child
        self._turn_limit_s = turn_limit_s
        self._results: OrderedDict[str, tuple[Problem, ...]] = OrderedDict()
        self._turn = asyncio.Semaphore(1)
        self._running: set[asyncio.Task[None]] = set()

    def known(self, policy: Stored) -> tuple[Problem, ...] | None:
        """Return what is wrong with a policy if it was tried before, else None."""
        if next(sources_of(policy), None) is None:
            return ()
        return self._results.get(digest(policy))

    async def try_policy(self, policy: Stored) -> tuple[Problem, ...]:
        """Return what is wrong with a policy; tries it if it was not tried before.

        What takes longer than a caller waits goes on, so that the next one who asks for the same is answered at once.

        Raises:
            CannotTry: nothing could be tried, or not soon enough.
        """
        known = self.known(policy)
        if known is not None:
            return known
        task = asyncio.ensure_future(self.try_policies([policy]))
        self._running.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait([task], timeout=self._turn_limit_s)
        if not done:
            raise CannotTry("the policy is still being tried, or policies before it are; wait a minute")
        task.result()
        return self._results[digest(policy)]

    async def try_policies(self, policies: Sequence[Stored]) -> None:
        """Try those of the policies that were not tried before, in one child; `known` then knows each.

        Raises:
            CannotTry: nothing could be tried.
        """
        async with self._turn:
            new = {digest(policy): policy for policy in policies if self.known(policy) is None}
            if not new:
                return
            for key, problems in zip(new, await self._try_in_child(list(new.values())), strict=True):
                self._results[key] = problems
            while len(self._results) > max(REMEMBERED, len(policies)):
                self._results.popitem(last=False)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits is told; nobody else needs to be


def digest(policy: Stored) -> str:
    """Name what is tried of a policy: its expressions, where they stand, and its params."""
    sources = [(source.path, source.rule, source.text) for source in sources_of(policy)]
    written = json.dumps([sources, params_of(policy)], sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()
