"""Kubernetes' own judge of Pods, as a process that answers one Pod after another."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from tests.controlplane.binaries import pod_security

CONTROLS = {
    "app-armor": "appArmorProfile",
    "capabilities-baseline": "capabilities_baseline",
    "capabilities-restricted": "capabilities_restricted",
    "host-namespaces": "hostNamespaces",
    "host-path-volumes": "hostPathVolumes",
    "host-ports": "hostPorts",
    "host-probes": "hostProbesAndHostLifecycle",
    "host-process": "windowsHostProcess",
    "privilege-escalation": "allowPrivilegeEscalation",
    "privileged-containers": "privileged",
    "proc-mount-baseline": "procMount",
    "proc-mount-restricted": "procMount_restricted",
    "run-as-non-root": "runAsNonRoot",
    "run-as-user": "runAsUser",
    "se-linux": "seLinuxOptions",
    "seccomp-baseline": "seccompProfile_baseline",
    "seccomp-restricted": "seccompProfile_restricted",
    "sysctls": "sysctls",
    "volume-types": "restrictedVolumes",
}
"""Our check -> Kubernetes' control."""


class Upstream:
    """The program of tests/controlplane/podsecurity, running."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([pod_security()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.controls: list[dict[str, Any]] = self._read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def forbids(self, pod: dict[str, Any]) -> set[str]:
        """Return the controls that forbid this Pod."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(pod) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        assert "error" not in answer, (answer["error"], pod)
        return set(answer["forbidden"])

    def profile(self, level: str) -> set[str]:
        """Return the controls of a profile: those of Restricted stand for those of Baseline that they override."""
        levels = {"baseline": ("baseline",), "restricted": ("baseline", "restricted")}[level]
        listed = [control for control in self.controls if control["level"] in levels]
        overridden = {name for control in listed for name in control["overrides"] or ()}
        return {control["id"] for control in listed} - overridden

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def named_by_kubernetes(check_ids: Iterable[str]) -> set[str]:
    """Return the controls that are these checks."""
    return {CONTROLS[check_id] for check_id in check_ids}
