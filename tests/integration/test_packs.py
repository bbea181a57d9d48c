"""The packs as a user applies them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.installation import Installation

FILES = sorted((Path(__file__).parents[2] / "manifests/policies").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.name))
def test_the_api_server_and_the_guard_accept_it(kubescrow: Installation, file: Path) -> None:
    """The definition, its costs, and what only the guard can judge."""
    assert "created" in kubescrow.cluster.admin.ok("apply", "--dry-run=server", "-f", str(file))
