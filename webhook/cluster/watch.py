"""A collection of the cluster, kept up to date in memory by list and watch.

Readers see `objects` as the API server last told it, and can wait for one name without polling. Nothing here
knows what the objects mean. When the API or its CRD vanishes, the last known objects stay, and `failure` and
`age_s` say so.

Source: k8s.io/client-go/tools/cache/reflector.go (the order of list, watch, bookmark and relist)
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType

import structlog

from webhook.cluster.client import Cluster, Json
from webhook.cluster.errors import ClusterError, Gone, Unavailable

OnChange = Callable[[str, Json | None, Json | None], None]
"""Called with name, old and new object; old is None when it appeared, new when it went."""

WATCH_S = (40.0, 80.0)
"""A watch ends after a random time between these. Short, so that a connection that died in silence is noticed
soon; random, so that replicas do not return in step. A new watch goes on where the last one ended."""

GRACE_S = 10.0
"""Past the end that we asked of the server, before we end a watch ourselves."""

SHORTEST_S = 1.0
"""A watch that told nothing and ended sooner is a failure, or we would ask without a pause."""

BACK_OFF_S = (0.25, 15.0)
"""First and longest pause after a failure; each is twice the last one, times a random factor of 0.5 to 1."""

log = structlog.get_logger(__name__)


class Reflector:
    """One collection in memory. Run `run` as a task; everything else answers at once or waits for it."""

    def __init__(
        self,
        cluster: Cluster,
        path: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._cluster, self._path = cluster, path
        self._clock, self._chance, self._sleep = clock, chance, sleep
        self._objects: dict[str, Json] = {}
        self._version = 0
        self._must_list = True
        self._contact: float | None = None
        self._ready = asyncio.Event()
        self._subscribers: list[OnChange] = []
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self.failure: ClusterError | None = None
        """Why the last try failed; None while all is well."""

    @property
    def objects(self) -> Mapping[str, Json]:
        """All objects by name, live: do not keep it, and change nothing in it."""
        return MappingProxyType(self._objects)

    @property
    def synced(self) -> bool:
        """Whether the collection was listed once."""
        return self._ready.is_set()

    @property
    def version(self) -> int:
        """The resourceVersion as of which `objects` is complete; 0 before the first list.

        Versions of one resource type can be compared. Source: KEP-5504, comparable resource versions.
        """
        return self._version

    @property
    def age_s(self) -> float:
        """Seconds since the API server last told us anything; infinite before the first list."""
        return float("inf") if self._contact is None else self._clock() - self._contact

    async def ready(self) -> None:
        """Wait for the first complete list."""
        await self._ready.wait()

    def subscribe(self, on_change: OnChange) -> None:
        """Have every later change told. `objects` is complete by then; `on_change` must be quick."""
        self._subscribers.append(on_change)

    @contextlib.contextmanager
    def watching(self, name: str) -> Iterator[asyncio.Event]:
        """Give an event that is set by each change of this one name; the waiter clears it."""
        changed = asyncio.Event()
        self._watchers.setdefault(name, set()).add(changed)
        try:
            yield changed
        finally:
            watchers = self._watchers[name]
            watchers.discard(changed)
            if not watchers:
                del self._watchers[name]

    async def wait_for(self, name: str, done: Callable[[Json | None], bool], *, timeout_s: float) -> bool:
        """Wait until `done` accepts the object of this name. Returns False when the time is over.

        `done` is asked about the object as we have it, if we have it, and after every change of it. None
        means that it was deleted; an object that we have not seen yet is waited for.
        """
        with self.watching(name) as changed:
            present = self._objects.get(name)
            if present is not None and done(present):
                return True
            try:
                async with asyncio.timeout(timeout_s):
                    while True:
                        await changed.wait()
                        changed.clear()
                        if done(self._objects.get(name)):
                            return True
            except TimeoutError:
                return False

    async def run(self) -> None:
        """List, then watch, for ever. Ends only by cancellation."""
        failures = 0  # since something worked
        while True:
            try:
                if self._must_list:
                    await self._list()
                await self._watch()
                failures = 0
                continue
            except Gone:
                self._must_list = True
            except ClusterError as err:
                failures = failures if self.failure else 0
                self.failure = err
                log.warning("watch failed", path=self._path, error=str(err), failures=failures + 1)
            failures += 1
            pause_s = min(BACK_OFF_S[0] * 2 ** min(failures - 1, 10), BACK_OFF_S[1])
            await self._sleep(pause_s * (0.5 + self._chance() / 2))

    async def _list(self) -> None:
        items, version = await self._cluster.list_versioned(self._path)
        before = self._objects
        self._objects = {str(item["metadata"]["name"]): item for item in items}
        self._must_list = False
        self._heard(version)
        self._ready.set()
        for name in sorted(before.keys() | self._objects.keys()):
            self._tell(name, before.get(name), self._objects.get(name))

    async def _watch(self) -> None:
        shortest_s, longest_s = WATCH_S
        watch_s = shortest_s + (longest_s - shortest_s) * self._chance()
        query = {
            "allowWatchBookmarks": "true",
            "resourceVersion": str(self._version),
            "timeoutSeconds": str(round(watch_s)),
        }
        began, version = self._clock(), self._version
        async for event in self._cluster.stream(self._path, query, timeout_s=watch_s + GRACE_S):
            item = event["object"]
            self._heard(str(item["metadata"]["resourceVersion"]))
            if event["type"] != "BOOKMARK":
                name = str(item["metadata"]["name"])
                old = self._objects.pop(name, None)
                new = None if event["type"] == "DELETED" else item
                if new is not None:
                    self._objects[name] = new
                self._tell(name, old, new)
        if self._version == version and self._clock() - began < SHORTEST_S:
            raise Unavailable(f"WATCH {self._path}: ended as soon as it began")
        self._heard(str(self._version))

    def _heard(self, version: str) -> None:
        self._version = int(version)
        self._contact = self._clock()
        self.failure = None

    def _tell(self, name: str, old: Json | None, new: Json | None) -> None:
        if old == new:
            return
        for changed in self._watchers.get(name, ()):
            changed.set()
        for subscriber in self._subscribers:
            try:
                subscriber(name, old, new)
            except Exception:
                log.exception("a subscriber failed", path=self._path, name=name)
