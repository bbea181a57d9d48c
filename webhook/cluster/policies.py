"""The AgentPolicies of the cluster, compiled: from the watch, or live when the watch is behind.

The API server calls us on a path that carries the revision of the policy set for which it was configured. A
replica that has not loaded that revision reads the policies live; when it cannot, it says so and judges nothing.
"""

from collections.abc import Callable

from webhook import metrics
from webhook.cluster.client import Cluster
from webhook.cluster.names import POLICIES
from webhook.cluster.watch import Reflector
from webhook.policy.compile import PolicySet, compile_set, revision_of


class Policies:
    """The current policy set. `watch` is a running Reflector on agentpolicies."""

    def __init__(self, cluster: Cluster, watch: Reflector) -> None:
        self._cluster = cluster
        self._watch = watch
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
        """Wait until the first full list has been read and compiled."""
        await self._watch.ready()
        self._load()

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
        """Read the policies from the API server, and compile them if they changed.

        Raises:
            ClusterError: they cannot be read.
        """
        items, version = await self._cluster.list_versioned(POLICIES)
        is_known = self._passed and revision_of(items) == self._set.revision
        self._keep(self._set if is_known else compile_set(items), int(version or 0))
        return self._set

    def _load(self) -> None:
        if self._watch.synced:
            self._keep(compile_set(self._watch.objects.values()), self._watch.version)

    def _keep(self, policies: PolicySet, version: int) -> None:
        """Take a set, unless a newer one was read already: the watch may lag behind a live look."""
        if version < self._version:
            return
        changed = policies.revision != self._set.revision or not self._passed
        self._set, self._version = policies, version
        self._passed.add(policies.revision)
        metrics.POLICIES.labels("yes").set(len(policies.policies))
        metrics.POLICIES.labels("no").set(len(policies.broken))
        if changed:
            for subscriber in self._subscribers:
                subscriber()
