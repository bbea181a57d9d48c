"""The policy webhook over HTTP in this process, in front of policies that a test gives; it has no cluster."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import httpx
from fastapi import FastAPI

from tests.webhook.checks.reviews import review_of
from webhook import routes
from webhook.admission.request import Request
from webhook.gate import Gate, HoldLimits
from webhook.policy.compile import compile_set
from webhook.policy.compiled import PolicySet
from webhook.policy.protection import Protected

SECRET = "0123456789abcdef0123456789abcdef"
"""The secret in the path of every room."""


class Known:
    """Stands for the watched policies: every revision is this one."""

    def __init__(self, policies: PolicySet) -> None:
        self._policies = policies

    async def at(self, revision: str) -> PolicySet:
        return self._policies


def answer(request: Request, *policies: dict[str, Any]) -> dict[str, Any]:
    """Send a request through the routes and the gate; return the `response` of the review that comes back."""
    compiled = compile_set(policies)
    assert not compiled.broken, compiled.broken

    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(_application(compiled))
        async with httpx.AsyncClient(transport=transport, base_url="https://webhook") as client:
            return await client.post(f"/{SECRET}/policies/{compiled.revision}?timeout=10s", content=review_of(request))

    review = asyncio.run(sent())
    assert review.status_code == 200, review.text
    response: dict[str, Any] = review.json()["response"]
    return response


def _application(policies: PolicySet) -> FastAPI:
    unused: Any = None
    gate = Gate(
        cluster=unused,
        policies=cast(Any, Known(policies)),
        approvals=unused,
        claims=unused,
        protected=Protected(),
        masker=unused,
        fingerprint_key=b"",
        limits=HoldLimits(),
        clock=lambda: datetime.now(UTC),
    )
    return routes.build(
        routes.Rooms(
            paths=dict.fromkeys(("policies", "guards", "authorizer"), SECRET),
            gate=gate,
            mutator=unused,
            approval_guard=unused,
            policy_guard=unused,
            refuse_access=lambda _review: "",
            may_read_metrics=unused,
            why_not_ready=lambda: "",
        )
    )
