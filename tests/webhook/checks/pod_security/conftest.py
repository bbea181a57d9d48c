"""The judge that our checks are compared with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.webhook.checks.pod_security.upstream import Upstream


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """Kubernetes' own judge of Pods; built in seconds, from the modules of the control plane, where it is not yet."""
    with Upstream() as running:
        yield running
