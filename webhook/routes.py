"""HTTP: the paths that the API server calls, the probes of the kubelet, and the metrics.

Every path that the API server calls begins with a secret that only it and cluster admins are meant to know, another one
for each room. A call without it gets 404 and nothing else: it is judged by nobody, creates nothing and signs nothing.
Paths are never logged.

Source of the answers' form: k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go.
"""

import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect

from webhook import metrics
from webhook.admission import message
from webhook.admission import request as admission
from webhook.admission.review import BODY_LIMIT_BYTES, Answer, MalformedReview, decode, encode
from webhook.cluster.errors import ClusterError
from webhook.gate import Gate
from webhook.guards import ApprovalGuard, PolicyGuard
from webhook.mutator import Mutator

TIMEOUT_S = 10.0
"""Time to answer when the API server names none: its own default for a webhook."""

JSON = "application/json"
ACCESS_REVIEW = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
"""The one version that is read: v1beta1 has the groups under another name, and agents would not be known by them."""

RETRY = {"Retry-After": "1"}
"""Header that makes the API server try again within the same call. Source: apiserver util/webhook/webhook.go."""

log = structlog.get_logger(__name__)

Judge = Callable[[admission.Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the routes lead to."""

    paths: Mapping[str, str]
    """The secret in the path of each room: policies, guards, authorizer."""
    gate: Gate
    mutator: Mutator
    approval_guard: ApprovalGuard
    policy_guard: PolicyGuard
    refuse_access: Callable[[dict[str, Any]], str]
    """Why a SubjectAccessReview is refused; empty = no opinion."""
    may_read_metrics: Callable[[str], Awaitable[bool]]
    """Whether the bearer of this Authorization header may read the metrics."""
    why_not_ready: Callable[[], str]
    """Why the server is not ready yet; empty when it is."""


def build(rooms: Rooms) -> FastAPI:
    """Build the ASGI application."""
    app = FastAPI(title="Kubescrow webhook", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_probes(rooms))
    app.include_router(_admission(rooms))
    return app


def _probes(rooms: Rooms) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Response:
        return Response("ok", media_type="text/plain")

    @router.get("/readyz")
    async def readyz() -> Response:
        missing = rooms.why_not_ready()
        return Response(missing or "ok", status_code=503 if missing else 200, media_type="text/plain")

    @router.get("/metrics")
    async def read_metrics(request: Request) -> Response:
        try:
            is_allowed = await rooms.may_read_metrics(request.headers.get("authorization", ""))
        except ClusterError:
            return _unavailable()
        if not is_allowed:
            return Response("a token that may get /metrics is needed", status_code=401, media_type="text/plain")
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _admission(rooms: Rooms) -> APIRouter:
    router = APIRouter()

    def is_known(room: str, secret: str) -> bool:
        return hmac.compare_digest(secret.encode(), rooms.paths[room].encode())

    async def answer(route: str, secret: str, request: Request, judge: Judge) -> Response:
        if not is_known("policies" if route in {"policies", "mutations"} else "guards", secret):
            metrics.CALLS.labels(route, "unknown-path").inc()
            return Response(status_code=404)
        with metrics.SECONDS.labels(route).time():
            return await _answer(route, request, judge)

    @router.post("/{secret}/policies/{revision}")
    async def policies(secret: str, revision: str, request: Request) -> Response:
        timeout_s = _timeout_s(request)
        started = time.monotonic()

        async def judge(call: admission.Request) -> Answer:
            left_s = timeout_s - (time.monotonic() - started)
            return await rooms.gate.admit(
                call, revision=revision, timeout_s=left_s, caller_gone=request.is_disconnected
            )

        return await answer("policies", secret, request, judge)

    @router.post("/{secret}/mutations/{revision}")
    async def mutations(secret: str, revision: str, request: Request) -> Response:
        async def judge(call: admission.Request) -> Answer:
            return await rooms.mutator.mutate(call, revision=revision)

        return await answer("mutations", secret, request, judge)

    @router.post("/{secret}/guards/approvals/decide")
    async def decide(secret: str, request: Request) -> Response:
        return await answer("decide", secret, request, rooms.approval_guard.decide)

    @router.post("/{secret}/guards/approvals/validate")
    async def approvals(secret: str, request: Request) -> Response:
        return await answer("approvals", secret, request, rooms.approval_guard.validate)

    @router.post("/{secret}/guards/policies/validate")
    async def agent_policies(secret: str, request: Request) -> Response:
        return await answer("agent-policies", secret, request, rooms.policy_guard.validate)

    @router.post("/{secret}/authorizer")
    async def authorizer(secret: str, request: Request) -> Response:
        if not is_known("authorizer", secret):
            metrics.CALLS.labels("authorizer", "unknown-path").inc()
            return Response(status_code=404)
        return await _authorize(rooms, request)

    return router


async def _authorize(rooms: Rooms, request: Request) -> Response:
    """Answer a SubjectAccessReview of the API server: refused with a reason, or no opinion.

    Before the policies were read there is no answer: to have no opinion would let agents through.
    """
    try:
        review = orjson.loads(await _body(request))
    except (orjson.JSONDecodeError, TooLarge, ClientDisconnect):
        review = None
    if not isinstance(review, dict) or {key: review.get(key) for key in ACCESS_REVIEW} != ACCESS_REVIEW:
        metrics.CALLS.labels("authorizer", "malformed").inc()
        allowed = "one SubjectAccessReview of authorization.k8s.io/v1 in JSON"
        return Response(f"body: allowed: {allowed}", status_code=400, media_type="text/plain")
    if rooms.why_not_ready():
        metrics.CALLS.labels("authorizer", "unavailable").inc()
        return _unavailable()
    reason = rooms.refuse_access(review)
    metrics.CALLS.labels("authorizer", "deny" if reason else "allow").inc()
    status = {"allowed": False, "denied": True, "reason": reason} if reason else {"allowed": False}
    return Response(orjson.dumps({**ACCESS_REVIEW, "status": status}), media_type=JSON)


async def _answer(route: str, request: Request, judge: Judge) -> Response:
    """Read, judge, answer; whatever goes wrong inside refuses the call and says nothing of how."""
    uid = ""
    try:
        call = decode(await _body(request))
        uid = call.uid
        verdict = await judge(call)
        metrics.CALLS.labels(route, _outcome(verdict)).inc()
        return Response(encode(uid, verdict), media_type=JSON)
    except MalformedReview as malformed:
        metrics.CALLS.labels(route, "malformed").inc()
        return Response(str(malformed), status_code=400, media_type="text/plain")
    except TooLarge:
        metrics.CALLS.labels(route, "malformed").inc()
        return Response(f"body: more than {BODY_LIMIT_BYTES} bytes", status_code=413, media_type="text/plain")
    except ClientDisconnect:
        return Response(status_code=400)
    except ClusterError as err:
        log.warning("cluster not available", route=route, error=str(err), status=err.status)
        metrics.CALLS.labels(route, "unavailable").inc()
        return _unavailable()
    except Exception:
        log.exception("internal error", route=route, uid=uid)
        metrics.CALLS.labels(route, "error").inc()
        fault = message.refused("internal error; see the log", cause="InternalError", code=message.INTERNAL_ERROR)
        return Response(encode(uid, fault), media_type=JSON)


def _unavailable() -> Response:
    return Response("the Kubernetes API is not available", status_code=503, headers=RETRY, media_type="text/plain")


class TooLarge(Exception):
    """The body is longer than the limit."""


async def _body(request: Request) -> bytes:
    """Read the body, never more than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise TooLarge
    return bytes(body)


def _timeout_s(request: Request) -> float:
    """The `?timeout=` of the API server, which is what is left of its patience, as whole seconds ("10s")."""
    found = re.fullmatch(r"(\d{1,4})s", request.query_params.get("timeout", ""))
    return float(found[1]) if found else TIMEOUT_S


def _outcome(answer: Answer) -> str:
    word = answer.audit.get("verdict")
    return word or ("allow" if answer.allowed else "deny")
