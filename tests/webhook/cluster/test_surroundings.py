"""The Namespace that an object lies in is read live, and only where a rule is about it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from tests.webhook.policy.language import HUMAN, POD, asks, policy, rule
from webhook.admission.request import Request
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError, NotFound, Unavailable
from webhook.cluster.surroundings import namespace_of
from webhook.policy.compile import compile_set

POLICIES = compile_set([policy(rule(condition="namespaceObject.metadata.labels.env == 'prod'"))])


class Server:
    """Answers with one Namespace, or an error."""

    def __init__(self, error: ClusterError | None = None) -> None:
        self.error = error
        self.paths: list[str] = []

    async def get(self, path: str) -> dict[str, Any]:
        self.paths.append(path)
        if self.error:
            raise self.error
        return {"kind": "Namespace"}


def found(server: Server, request: Request) -> dict[str, Any] | None:
    return asyncio.run(namespace_of(cast("Cluster", server), POLICIES, request))


def test_it_is_read_for_each_request() -> None:
    """No cache: an agent that relabels a Namespace must not be quicker than we are."""
    server = Server()
    assert [found(server, asks("CREATE", POD)) for _ in range(2)] == [{"kind": "Namespace"}] * 2
    assert server.paths == ["/api/v1/namespaces/agents"] * 2


def test_nobody_else_pays_for_it() -> None:
    """Neither people, nor objects outside of namespaces."""
    server = Server()
    assert found(server, asks("CREATE", POD, user=HUMAN)) is None
    assert found(server, asks("CREATE", {"kind": "Node", "metadata": {"name": "n"}})) is None
    assert server.paths == []


def test_one_that_is_gone_is_not_known() -> None:
    """Which denies, see `policy`."""
    assert found(Server(NotFound("gone")), asks("CREATE", POD)) is None


def test_a_server_that_is_down_is_an_error() -> None:
    """Nothing can be judged; the API server tries again or refuses."""
    with pytest.raises(Unavailable):
        found(Server(Unavailable("down")), asks("CREATE", POD))
