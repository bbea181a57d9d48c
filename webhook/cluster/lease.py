"""One of the replicas writes: the holder of a Lease.

Whether a Lease has run out is judged by how long *we* have seen it unchanged, never by another machine's clock. A
holder stops believing in itself before anybody else may take over. Not kubernetes.aio.leaderelection: it writes
local times without a zone, keeps the process busy until the lock is lost, and cannot give it back.

Source: k8s.io/client-go/tools/leaderelection/leaderelection.go (the same rules, half its times)
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from webhook.cluster import names
from webhook.cluster.client import Cluster, Json
from webhook.cluster.errors import AlreadyExists, ClusterError, Conflict, NotFound

DURATION_S = 8
"""Others take over when they have seen no renewal for this long. After a crash that is 8 to 12 s, as they look every
RENEW_S and count from their first look at the last renewal; after an orderly end it is RENEW_S at most.
"""

BELIEF_S = 5.0
"""The holder leads for this long after it began its last renewal; 3 s less than the others wait. A write that began
before that and arrives later harms nothing: it is a compare and swap of what is a pure function of the policies."""

RENEW_S = 2.0
"""One renewal may fail and nobody notices. Costs two small requests of the holder and one of each other replica."""

log = structlog.get_logger(__name__)


class Leadership:
    """Whether this replica is the one that writes. Run `run` as a task."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        *,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`identity` must differ between replicas, also between two starts of one: the Pod's UID, say."""
        self._cluster, self._namespace, self._identity = cluster, namespace, identity
        self._clock, self._sleep = clock, sleep
        self._leads_until = float("-inf")
        self._seen: tuple[str, float] = ("", 0.0)
        self._elected = asyncio.Event()

    @property
    def is_leader(self) -> bool:
        """Whether this replica may write now. Ask again before each write."""
        return self._clock() < self._leads_until

    async def elected(self) -> None:
        """Wait until this replica has led at least once."""
        await self._elected.wait()

    async def run(self) -> None:
        """Hold the Lease, or try to get it, until cancelled; then give it back."""
        try:
            while True:
                await self.step()
                await self._sleep(RENEW_S)
        finally:
            await self.release()

    async def step(self) -> None:
        """Renew the Lease, or take it if it is free."""
        began, was_leader = self._clock(), self.is_leader
        try:
            if await self._acquire():
                self._leads_until = began + BELIEF_S
                self._elected.set()
        except (AlreadyExists, Conflict):
            pass  # another replica was quicker
        except ClusterError as err:
            log.warning("lease not renewed", lease=names.LEASE, error=str(err))
        if self.is_leader != was_leader:
            log.info("leadership changed", leader=self.is_leader, identity=self._identity)

    async def release(self) -> None:
        """Give the Lease back, if we hold it, so that another replica need not wait for its end."""
        if not self.is_leader:
            return
        self._leads_until = float("-inf")
        try:
            lease = await self._cluster.get(self._path)
            if lease["spec"].get("holderIdentity") == self._identity:
                await self._cluster.replace(self._path, {**lease, "spec": {**lease["spec"], "holderIdentity": ""}})
        except ClusterError as err:
            log.info("lease not given back; it runs out by itself", lease=names.LEASE, error=str(err))

    @property
    def _path(self) -> str:
        return f"{names.leases(self._namespace)}/{names.LEASE}"

    async def _acquire(self) -> bool:
        try:
            lease = await self._cluster.get(self._path)
        except NotFound:
            await self._cluster.create(names.leases(self._namespace), self._first())
            return True
        spec = lease.get("spec") or {}
        is_ours = spec.get("holderIdentity") == self._identity
        if not is_ours and spec.get("holderIdentity") and not self._has_run_out(lease):
            return False
        await self._cluster.replace(self._path, {**lease, "spec": self._renewed(spec, is_ours=is_ours)})
        return True

    def _has_run_out(self, lease: Json) -> bool:
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, self._clock())
        return self._clock() - self._seen[1] > DURATION_S

    def _first(self) -> Json:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": names.LEASE, "namespace": self._namespace, "labels": dict(names.LABELS)},
            "spec": {**self._renewed({}, is_ours=False), "leaseTransitions": 0},
        }

    def _renewed(self, spec: Json, *, is_ours: bool) -> Json:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        renewed = {**spec, "holderIdentity": self._identity, "leaseDurationSeconds": DURATION_S, "renewTime": now}
        if not is_ours:
            renewed |= {"acquireTime": now, "leaseTransitions": (spec.get("leaseTransitions") or 0) + 1}
        return renewed
