"""Writes Kubernetes Events, so that `kubectl describe` and `kubectl get events` tell what happened.

An Event is news, not the record: when it cannot be written, that is logged and nothing else stops.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog

from webhook.approval.reading import Reading
from webhook.approval.record import API_VERSION, KIND
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError

PATH = "/apis/events.k8s.io/v1/namespaces/{namespace}/events"

NOTE_LIMIT = 1024
"""Bytes of a note. Source: k8s.io/kubernetes/pkg/apis/core/validation/events.go."""

log = structlog.get_logger(__name__)


class Events:
    """Events about cluster-scoped things live in namespace `default`. `instance` is the name of this replica."""

    def __init__(self, cluster: Cluster, *, instance: str, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._instance = instance
        self._clock = clock

    async def approval(self, reading: Reading, note: str) -> None:
        """Tell that an approval reached its state."""
        approval = reading.approval
        regarding = {"apiVersion": API_VERSION, "kind": KIND, "name": approval.name, "uid": approval.uid}
        await self.tell(regarding, reason=approval.recorded_state or "Pending", action="Decide", note=note)

    async def tell(
        self, regarding: dict[str, str], *, reason: str, action: str, note: str, warning: bool = False
    ) -> None:
        """Write one Event; a failure is logged."""
        event: dict[str, Any] = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"kubescrow-{uuid4().hex}", "namespace": "default"},
            "eventTime": self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": "kubescrow.dev/webhook",
            "reportingInstance": self._instance[:128],
            "regarding": regarding,
            "reason": reason,
            "action": action,
            "type": "Warning" if warning else "Normal",
            "note": note.encode()[:NOTE_LIMIT].decode(errors="ignore"),
        }
        try:
            await self._cluster.create(PATH.format(namespace="default"), event)
        except ClusterError as err:
            log.info("event not written", reason=reason, error=str(err))
