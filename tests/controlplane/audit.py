"""The control plane's audit policy, and its audit log as Python objects.

The log is written before the API server goes on, but an event's last stage may follow the answer by a moment:
wait for an event with `wait_until`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

READS = ["get", "list", "watch"]
COMPONENTS = ["system:apiserver", "system:kube-controller-manager"]


def policy() -> dict[str, Any]:
    """Return a policy that records everybody's requests with their bodies, at every stage.

    RequestReceived is kept: an event without its end is how a gap is seen. Left out is what the components do to
    themselves by the thousand: reads, leases, probes.
    """
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "rules": [
            {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/metrics"]},
            {"level": "None", "users": COMPONENTS, "verbs": READS},
            {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"], "verbs": READS},
            {
                "level": "None",
                "users": COMPONENTS,
                "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
            },
            {"level": "Metadata", "nonResourceURLs": ["*"]},
            {"level": "RequestResponse"},
        ],
    }


class AuditLog:
    """Reads a growing audit log; each call parses only what is new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._events: list[dict[str, Any]] = []
        self._offset = 0

    def events(self) -> list[dict[str, Any]]:
        """Return every event so far, oldest first."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole_lines, newline, _ = file.read().rpartition(b"\n")
        self._offset += len(whole_lines) + len(newline)
        self._events += [orjson.loads(line) for line in whole_lines.splitlines()]
        return list(self._events)
