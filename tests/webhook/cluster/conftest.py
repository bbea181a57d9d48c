"""A control plane for this folder alone: its tests write the very objects that an installation owns."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.controlplane.controlplane import ControlPlane
from webhook.cluster.client import Cluster

ROOT = Path(__file__).resolve().parents[3]
T = TypeVar("T")


@pytest.fixture(scope="package")
def controlplane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """With our definitions, roles and namespace applied."""
    with ControlPlane(folder=tmp_path_factory.mktemp("cluster")) as running:
        for folder in ("crds", "authorization"):
            running.admin.ok("apply", "--server-side", "-f", str(ROOT / "manifests" / folder))
        crds = [f"crd/{plural}.kubescrow.dev" for plural in ("agentpolicies", "approvals")]
        running.admin.ok("wait", "--for=condition=Established", *crds)
        yield running


class Runner:
    """Runs a coroutine with a client of one identity, and closes the client."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def __call__(self, work: Callable[[Cluster], Coroutine[Any, Any, T]], *, timeout_s: float = 60) -> T:
        async def whole() -> T:
            cluster = await Cluster.connect(self.kubeconfig)
            try:
                async with asyncio.timeout(timeout_s):
                    return await work(cluster)
            finally:
                await cluster.close()

        return asyncio.run(whole())


@pytest.fixture
def as_admin(controlplane: ControlPlane) -> Runner:
    return Runner(controlplane.admin.kubeconfig)


@pytest.fixture
def as_server(controlplane: ControlPlane) -> Runner:
    """The ServiceAccount of the webhook, with the roles of the manifests and nothing more."""
    return Runner(controlplane.service_account("kubescrow", "kubescrow-webhook").kubeconfig)
