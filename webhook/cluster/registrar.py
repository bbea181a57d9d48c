"""Writes the webhook configurations and the agents' flow control, and heals them when somebody changed them.

Only the leader writes. What stands is looked at every few seconds (nine small reads) and at once when the policies
change. When it is not known which policies there are (not listed yet, or their CRD is going or gone, which deletes
them all), what was registered last stays: an agent is then refused by a judge without policies, never let through.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from webhook import metrics
from webhook.cluster import names
from webhook.cluster.client import Cluster
from webhook.cluster.discovery import served_versions
from webhook.cluster.errors import AlreadyExists, ClusterError, Conflict, NotFound
from webhook.cluster.events import Events
from webhook.cluster.manifests import Endpoint, Manifest, differs
from webhook.cluster.registration import configurations, guard_configurations
from webhook.policy.compile import PolicySet

ROUND_S = 2.0
"""Between two looks at what stands, so that it is healed within 5 s."""

DISCOVERY_S = 10.0
"""Between two looks at the served versions, which change only when CRDs or API servers do."""

TELL_S = 60.0
"""Between two Events about one object: somebody who changes it again and again would fill the cluster with them."""

_COLLECTIONS = {
    "ValidatingWebhookConfiguration": names.VALIDATING,
    "MutatingWebhookConfiguration": names.MUTATING,
    "FlowSchema": names.FLOW_SCHEMAS,
    "PriorityLevelConfiguration": names.PRIORITY_LEVELS,
}

log = structlog.get_logger(__name__)


async def guards_stand(cluster: Cluster, endpoint: Endpoint) -> bool:
    """Say whether both guards' configurations are now exactly as we write them, by live reads."""
    try:
        found = [await _differences(cluster, desired) for desired in guard_configurations(endpoint)]
    except ClusterError as err:
        log.warning("the guards' configurations cannot be read", error=str(err))
        return False
    return not any(found)


class Registrar:
    """Keeps the cluster as `registration` wants it. Run `run` as a task."""

    def __init__(  # noqa: PLR0913 - one of them is the clock
        self,
        cluster: Cluster,
        endpoint: Endpoint,
        *,
        policies: Callable[[], PolicySet | None],
        is_leader: Callable[[], bool],
        on_standing: Callable[[PolicySet], Awaitable[None]] | None = None,
        events: Events | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`policies` returns the current set, None while it is unknown; `on_standing` is told what stands.

        `events` tells of what was healed, on the object itself.
        """
        self._cluster, self._endpoint = cluster, endpoint
        self._policies, self._is_leader, self._clock = policies, is_leader, clock
        self._on_standing, self._events = on_standing, events
        self._told: dict[str, float] = {}
        self._stood: dict[str, Manifest] = {}
        self._wake = asyncio.Event()
        self._served: dict[tuple[str, str], str] = {}
        self._discovered = float("-inf")

    def policies_changed(self) -> None:
        """Register the changed policies at once, not at the next round."""
        self._wake.set()

    async def run(self) -> None:
        """Write and heal until cancelled."""
        while True:
            self._wake.clear()
            if self._is_leader():
                try:
                    await self.round()
                except ClusterError as err:
                    log.warning("registration incomplete; trying again", error=str(err), next_try_s=ROUND_S)
            try:
                await asyncio.wait_for(self._wake.wait(), ROUND_S)
            except TimeoutError:
                continue

    async def round(self) -> list[str]:
        """Look at everything once and write what differs. Returns `Kind/name` of what was written.

        Raises:
            ClusterError: something could not be read or written; what came before it is done.
        """
        written = []
        for guard in guard_configurations(self._endpoint):
            written += await self._heal(guard)
        policies = self._policies()  # read before the CRD: policies that went with it are then no wish to have none
        if policies is None or not await _policies_can_exist(self._cluster):
            return written
        wanted = configurations(policies, endpoint=self._endpoint, served=await self._versions())
        for manifest in (*wanted.flow, wanted.mutations, wanted.policies):
            written += await self._heal(manifest)
        standing = [await _differences(self._cluster, one) is None for one in (wanted.mutations, wanted.policies)]
        if self._on_standing is not None and all(standing):
            await self._on_standing(policies)
        return written

    async def _versions(self) -> dict[tuple[str, str], str]:
        now = self._clock()
        if now - self._discovered >= DISCOVERY_S:
            self._served = await served_versions(self._cluster)
            self._discovered = now
        return self._served

    async def _heal(self, desired: Manifest) -> list[str]:
        name = f"{desired['kind']}/{desired['metadata']['name']}"
        found = await _differences(self._cluster, desired)
        if found is None:
            self._stood[name] = desired
            return []
        if not self._is_leader():
            return []
        collection, live, different = found
        is_healing = self._stood.get(name) == desired  # it stood before, so somebody else changed it
        try:
            if live is None:
                standing = await self._cluster.create(collection, desired)
            else:
                path = f"{collection}/{desired['metadata']['name']}"
                standing = await self._cluster.replace(path, _onto(live, desired))
        except (AlreadyExists, Conflict):
            self._wake.set()  # somebody wrote it just now: look again
            return []
        self._stood[name] = desired
        if is_healing:
            metrics.HEALED.labels(name).inc()
            log.warning("somebody changed what was registered; it was written again", object=name, different=different)
            await self._tell(name, standing, different)
        else:
            log.info("registered", object=name, different=different)
        return [name]

    async def _tell(self, name: str, standing: Manifest, different: list[str]) -> None:
        """Write a Kubernetes Event about what was healed; `kubectl describe` of the object shows it."""
        now = self._clock()
        if self._events is None or now - self._told.get(name, float("-inf")) < TELL_S:
            return
        self._told[name] = now
        metadata = standing["metadata"]
        regarding = {"apiVersion": standing["apiVersion"], "kind": standing["kind"], "name": metadata["name"]}
        note = (
            f"somebody changed {', '.join(different)}; it was written again; the audit log of the API server says who"
        )
        if different == ["missing"]:
            note = "somebody deleted it; it was written again; the audit log of the API server says who"
        await self._events.tell(
            {**regarding, "uid": metadata["uid"]}, reason="Healed", action="Heal", note=note, warning=True
        )


async def _differences(cluster: Cluster, desired: Manifest) -> tuple[str, Manifest | None, list[str]] | None:
    """Return collection, what stands (None if missing) and what is different; None if all is as it should be."""
    collection = _COLLECTIONS[desired["kind"]]
    try:
        live = await cluster.get(f"{collection}/{desired['metadata']['name']}")
    except NotFound:
        return collection, None, ["missing"]
    different = differs(desired, live)
    return (collection, live, different) if different else None


def _onto(live: Manifest, desired: Manifest) -> Manifest:
    """Put our fields onto what stands, and keep everybody else's labels and annotations."""
    metadata = live["metadata"]
    labels = {**(metadata.get("labels") or {}), **desired["metadata"]["labels"]}
    return {**live, **desired, "metadata": {**metadata, "labels": labels}}


async def _policies_can_exist(cluster: Cluster) -> bool:
    """Say whether the CRD of AgentPolicies stands; while it is deleted, so are all policies."""
    try:
        crd = await cluster.get(f"{names.CRDS}/{names.POLICIES_CRD}")
    except NotFound:
        return False
    return not crd["metadata"].get("deletionTimestamp")
