"""`/healthz`, `/readyz` for the kubelet, `/metrics` for whoever may read metrics in the cluster."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from auditsink.routes.identity import METRICS, Access
from auditsink.routes.query import guarded


def build(why_not_ready: Callable[[], str], access: Access) -> APIRouter:
    """Return the router. why_not_ready: why events cannot be stored; empty if they can."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Response:
        return Response("ok", media_type="text/plain")

    @router.get("/readyz")
    async def readyz() -> Response:
        missing = why_not_ready()
        return Response(missing or "ok", status_code=503 if missing else 200, media_type="text/plain")

    @router.get("/metrics")
    async def read_metrics(request: Request) -> Response:
        async def checked() -> bytes:
            await access.check(request.headers.get("authorization", ""), METRICS)
            return generate_latest()

        return await guarded(checked, media_type=CONTENT_TYPE_LATEST)

    return router
