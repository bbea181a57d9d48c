"""Whether this replica may be sent calls: everything it judges by was read once, and the guards stand."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from webhook.cluster.client import Cluster
from webhook.cluster.manifests import Endpoint
from webhook.cluster.registrar import guards_stand

LOOK_S = 0.5

log = structlog.get_logger(__name__)


class Readiness:
    """Not ready at first; ready from the first moment at which nothing is missing. Run `run` as a task."""

    def __init__(self, cluster: Cluster, endpoint: Endpoint, *, reads: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """`reads` each return when something that we judge by has been read once."""
        self._cluster, self._endpoint, self._reads = cluster, endpoint, reads
        self._missing = "policies and approvals have not been read yet"

    def why_not(self) -> str:
        """Say what is missing; empty = ready."""
        return self._missing

    async def run(self) -> None:
        """Look until nothing is missing, then stay ready until cancelled."""
        for read in self._reads:
            await read()
        self._missing = "the guards' configurations do not stand yet"
        while not await guards_stand(self._cluster, self._endpoint):  # noqa: ASYNC110 - nothing here sets an event
            await asyncio.sleep(LOOK_S)
        self._missing = ""
        log.info("webhook ready")
        await asyncio.Event().wait()
