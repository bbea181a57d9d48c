"""`POST /audit/v1/clusters/{cluster}`: a batch of the API server's audit webhook.

    token -> body -> split, mask (in a thread) -> one transaction -> 200

200 means that every event of the batch is on disk. Everything else makes the API server send the same bytes again,
which is harmless. 503 with Retry-After is the answer to everything that passes by itself: it gives a batch ten more
tries inside each attempt. Source: k8s.io/apiserver pkg/util/webhook, plugin/pkg/audit/webhook.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb

import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from auditsink import metrics
from auditsink.intake.batch import NotAnEventList
from auditsink.intake.record import Flag, Record
from auditsink.intake.work import Work
from auditsink.routes.body import Crowded, InFlight, TooLarge, TooSlow, whole_body
from auditsink.store.writer import Behind, StoreUnavailable, Writer
from auditsink.tokens import Tokens, TokensBroken

RETRY = {"Retry-After": "3"}
CLOSE = {"Connection": "close"}
"""Header of an answer before the body was read: the rest of it is not wanted."""

ANSWER_S = 25.0
"""Time from the whole body to the answer. The API server waits for 30 s; an answer is better than none."""

WORKING_BATCHES = 64
"""Batches that may wait for the thread that masks, or in it: some seconds of work."""

FLAG_NAMES = {flag: (flag.name or "").lower().replace("_", "-") for flag in Flag}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Intake:
    """What the route leads to."""

    tokens: Tokens
    work: Callable[[bytearray, str], Work]
    """Body and cluster to records; slow, and pure."""
    executor: Executor
    writer: Writer
    in_flight: InFlight
    body_limit_bytes: int


class _Refused(Exception):
    """The request ends here, with this answer."""

    def __init__(self, status: int, text: str, outcome: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.outcome, self.headers = status, text, outcome, headers or {}


def build(intake: Intake) -> APIRouter:
    """Return the router."""
    router = APIRouter()
    working = _Places(WORKING_BATCHES)

    @router.post("/audit/v1/clusters/{cluster}")
    async def receive(cluster: str, request: Request) -> Response:
        try:
            return await _receive(intake, working, cluster, request)
        except _Refused as refused:
            outcome, answer = refused.outcome, _text(refused.status, refused.text, refused.headers)
        except Exception as err:
            log.error("internal error", cluster=cluster, error=type(err).__name__, where=_where(err))
            outcome, answer = "error", _text(500, "internal error; see the log", {})
        metrics.BATCHES.labels(outcome).inc()
        return answer

    return router


class _Places:
    """Counts who works at this moment."""

    def __init__(self, limit: int) -> None:
        self.free = limit


async def _receive(intake: Intake, working: "_Places", cluster: str, request: Request) -> Response:
    _check_token(intake.tokens, cluster, request)
    try:
        async with whole_body(request, limit_bytes=intake.body_limit_bytes, in_flight=intake.in_flight) as body:
            with metrics.SECONDS.time():
                return await _stored(intake, working, cluster, body)
    except TooLarge as err:
        text = f"body: more than {intake.body_limit_bytes} bytes"
        log.warning("batch refused", cluster=cluster, reason=text)
        raise _Refused(413, text, "too-large", CLOSE) from err
    except TooSlow as err:
        raise _Refused(408, "body: did not come in time", "too-slow", CLOSE) from err
    except ClientDisconnect as err:
        raise _Refused(400, "body: ended early", "aborted") from err
    except Crowded as err:
        raise _Refused(503, "too many batches at once", "behind", RETRY | CLOSE) from err


async def _stored(intake: Intake, working: "_Places", cluster: str, body: bytearray) -> Response:
    try:
        async with asyncio.timeout(ANSWER_S):
            work = await _worked(intake, working, cluster, body)
            committed = await intake.writer.submit(work.records)
    except NotAnEventList as err:
        log.warning("batch refused", cluster=cluster, reason="not an EventList", bytes=len(body))
        raise _Refused(400, str(err), "malformed") from err
    except (Behind, TimeoutError) as err:
        raise _Refused(503, "events wait to be written", "behind", RETRY) from err
    except StoreUnavailable as err:
        log.error("events not stored", cluster=cluster, events=len(work.records), reason=str(err))
        raise _Refused(503, "the database does not take events", "unavailable", RETRY) from err
    _count(cluster, work.records, stored=committed.stored, known=committed.known)
    if not work.is_complete:
        log.warning("half a batch", cluster=cluster, events=len(work.records), bytes=len(body))
        text = f"items: the list does not end; {len(work.records)} items before that are stored"
        raise _Refused(400, text, "incomplete")
    metrics.BATCHES.labels("stored").inc()
    return _text(200, "stored", {})


async def _worked(intake: Intake, working: "_Places", cluster: str, body: bytearray) -> Work:
    """Do the slow part beside the event loop."""
    if not working.free:
        raise Behind
    working.free -= 1
    done = asyncio.get_running_loop().run_in_executor(intake.executor, intake.work, body, cluster)
    done.add_done_callback(lambda _: setattr(working, "free", working.free + 1))
    return await done


def _check_token(tokens: Tokens, cluster: str, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        is_valid = tokens.is_valid(cluster, token.strip()) and scheme.lower() == "bearer"
    except TokensBroken as err:
        log.error("tokens cannot be read", reason=str(err))
        raise _Refused(503, "tokens cannot be read; see the log", "unavailable", RETRY | CLOSE) from err
    if not is_valid:
        text = "a bearer token of this cluster is needed; make one with: kubescrow auditsink token CLUSTER"
        raise _Refused(401, text, "unauthorized", {"WWW-Authenticate": "Bearer"} | CLOSE)


def _where(err: Exception) -> list[str]:
    """Return the places that an error came through, without its text, which may quote an event."""
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in extract_tb(err.__traceback__)]


def _count(cluster: str, records: list[Record], *, stored: int, known: int) -> None:
    metrics.EVENTS.labels(cluster, "stored").inc(stored)
    metrics.EVENTS.labels(cluster, "known").inc(known)
    for flags, count in Counter(record.flags for record in records).items():
        for flag in flags:
            metrics.REMARKABLE.labels(cluster, FLAG_NAMES[flag]).inc(count)


def _text(status: int, text: str, headers: dict[str, str]) -> Response:
    return Response(text + "\n", status_code=status, headers=headers, media_type="text/plain")
