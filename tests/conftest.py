"""Fixtures that several rooms share; each starts the real thing once for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests.controlplane.binaries import binaries, pod_security
from tests.controlplane.controlplane import ControlPlane
from tests.installation import Installation

settings.register_profile("here", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("here")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what the tests need before the first of them, so that no test's timeout pays for it."""
    needed = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():  # a build of minutes must be seen
        if "controlplane" in needed:
            binaries()
        if "upstream" in needed:
            pod_security()


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """Forget what a command said about logs: it wrote them to a stream that ends with the command."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def controlplane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One running control plane for all tests; its folder, with the logs, stays after the run."""
    with ControlPlane(folder=tmp_path_factory.mktemp("controlplane")) as running:
        yield running


@pytest.fixture(scope="session")
def kubescrow(controlplane: ControlPlane) -> Iterator[Installation]:
    """Kubescrow with short times, installed once for all tests of a run."""
    with Installation(
        controlplane, settings={"PENDING_PER_AGENT": "50", "CREATED_PER_MINUTE": "2000", "LONGEST_HOLD_S": "5"}
    ) as running:
        yield running
