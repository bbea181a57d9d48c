"""Tells on each AgentPolicy whether it compiled and whether the API server enforces it.

`kubectl wait --for=condition=Enforced agentpolicy/NAME` returns when every request of its subjects is judged by it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from webhook.approval.record import time_wire
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError
from webhook.cluster.names import POLICIES
from webhook.cluster.watch import Reflector
from webhook.policy.compile import PolicySet

MESSAGE_LIMIT = 32_768
"""Characters of a condition's message. Source: k8s.io/apimachinery/pkg/apis/meta/v1 Condition."""

log = structlog.get_logger(__name__)


class Conditions:
    """Writes conditions. `watch` is a running Reflector on agentpolicies."""

    def __init__(self, cluster: Cluster, watch: Reflector, *, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._watch = watch
        self._clock = clock

    async def enforced(self, policies: PolicySet) -> None:
        """Write the conditions of this set, whose configuration stands. A failure is logged and tried again later."""
        problems = {policy.name: "; ".join(str(p) for p in policy.problems) for policy in policies.broken}
        for name, stored in list(self._watch.objects.items()):
            wanted = self._conditions(stored, problems.get(name, ""))
            if wanted != (stored.get("status") or {}).get("conditions"):
                try:
                    await self._cluster.patch(f"{POLICIES}/{name}/status", {"status": {"conditions": wanted}})
                except ClusterError as err:
                    log.info("conditions not written", policy=name, error=str(err))

    def _conditions(self, stored: Mapping[str, Any], problem: str) -> list[dict[str, Any]]:
        compiled = ("False", "Invalid", problem) if problem else ("True", "Compiled", "every rule compiles")
        stands = (
            "requests of its subjects are denied until it is mended" if problem else "its subjects are judged by it"
        )
        enforced = ("False", "NotCompiled", stands) if problem else ("True", "Registered", stands)
        if not problem and (stored.get("spec") or {}).get("mode") == "Observe":
            enforced = ("True", "Observed", "its subjects are judged by it; nothing is stopped")
        return [self._condition(stored, "Compiled", compiled), self._condition(stored, "Enforced", enforced)]

    def _condition(self, stored: Mapping[str, Any], kind: str, value: tuple[str, str, str]) -> dict[str, Any]:
        """One condition; its transition time stays while its status does."""
        status, reason, message = value
        found = [c for c in (stored.get("status") or {}).get("conditions") or () if c.get("type") == kind]
        same = found and found[0].get("status") == status
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message[:MESSAGE_LIMIT],
            "observedGeneration": stored["metadata"].get("generation", 0),
            "lastTransitionTime": found[0]["lastTransitionTime"] if same else time_wire(self._clock()),
        }
