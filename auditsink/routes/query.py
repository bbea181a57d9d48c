"""`/api/v1`: recorded sessions and their events as JSON, for whoever may see them.

Lists are pages: `{"items": [...], "next": "<cursor>" or null}`; `?after=<cursor>` continues. Times are microseconds
since 1970. Events carry the columns and the whole masked event.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Annotated, Any, Protocol

import orjson
import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError

from auditsink import metrics
from auditsink.routes.identity import Access, Forbidden, Unauthenticated, Unavailable, resource
from auditsink.store.cursor import WrongCursor
from auditsink.store.queries import Event, Queries, Session

LIMIT = 1000
"""Items a page at most."""

PAGE_BYTES = 8 * 1024 * 1024
"""A page of events ends after this much: one event may have some MB."""

JSON = "application/json"

log = structlog.get_logger(__name__)


class Page(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    after: str = Field("", max_length=256)
    """`next` of the page before."""
    limit: int = Field(100, ge=1, le=LIMIT)


class SessionsPage(Page):
    """Which sessions."""

    username: str = Field("", max_length=256)
    since_us: int = Field(0, ge=0, lt=2**63)


class NotFound(Exception):
    """There is no such thing; the text names it."""


class _Item(Protocol):
    @property
    def cursor(self) -> str: ...


def build(queries: Queries, access: Access) -> APIRouter:
    """Return the router."""
    router = APIRouter(prefix="/api/v1")

    async def answer(request: Request, verb: str, name: str, ask: Callable[[], bytes]) -> Response:
        async def checked() -> bytes:
            await access.check(request.headers.get("authorization", ""), resource(verb, name=name))
            return await asyncio.to_thread(ask)

        return await guarded(checked, media_type=JSON)

    @router.get("/clusters")
    async def clusters(request: Request) -> Response:
        return await answer(request, "list", "", lambda: orjson.dumps({"items": queries.clusters(), "next": None}))

    @router.get("/clusters/{cluster}/sessions")
    async def sessions(cluster: str, request: Request, page: Annotated[SessionsPage, Query()]) -> Response:
        def ask() -> bytes:
            return _page(queries.sessions(cluster, **page.model_dump()), _session, page.limit)

        return await answer(request, "list", "", ask)

    @router.get("/clusters/{cluster}/sessions/{session}")
    async def one_session(cluster: str, session: str, request: Request) -> Response:
        def ask() -> bytes:
            found = queries.session(cluster, session)
            if found is None:
                raise NotFound(f"session {session} of cluster {cluster}")
            return orjson.dumps(_session(found), option=orjson.OPT_NON_STR_KEYS)

        return await answer(request, "get", session, ask)

    @router.get("/clusters/{cluster}/sessions/{session}/events")
    async def events(cluster: str, session: str, request: Request, page: Annotated[Page, Query()]) -> Response:
        def ask() -> bytes:
            return _page(queries.events_of(cluster, session, **page.model_dump()), _event, page.limit)

        return await answer(request, "get", session, ask)

    @router.get("/clusters/{cluster}/births/{credential}")
    async def birth(cluster: str, credential: str, request: Request) -> Response:
        def ask() -> bytes:
            found = queries.birth(cluster, credential)
            if found is None:
                raise NotFound(f"the birth of {credential} in cluster {cluster}")
            return orjson.dumps(_event(found))

        return await answer(request, "get", "", ask)

    return router


async def guarded(ask: Callable[[], Any], *, media_type: str) -> Response:
    """Answer with what `ask` returns, or say why not."""
    try:
        content = await ask()
        outcome, status = "answered", 200
    except Unauthenticated:
        outcome, status, content = "unauthenticated", 401, "a bearer token of the cluster is needed"
    except Forbidden as err:
        outcome, status, content = "forbidden", 403, str(err)
    except WrongCursor as err:
        outcome, status, content = "malformed", 422, str(err)
    except NotFound as err:
        outcome, status, content = "not-found", 404, f"{err}: not recorded"
    except (Unavailable, SQLAlchemyError) as err:
        log.warning("query not answered", reason=str(getattr(err, "orig", err)))
        outcome, status, content = "unavailable", 503, "the cluster or the database cannot be asked"
    metrics.QUERIES.labels(outcome).inc()
    if status == 200:
        return Response(content, media_type=media_type)
    return Response(orjson.dumps({"error": content}), status_code=status, media_type=JSON, headers=_HEADERS.get(status))


async def wrong_parameters(_request: Request, err: Exception) -> Response:
    """Answer a request whose parameters are not allowed; a handler for FastAPI."""
    faults = err.errors() if isinstance(err, RequestValidationError) else ()
    text = "; ".join(f"{fault['loc'][-1]}={fault.get('input')!r}: {fault['msg']}" for fault in faults)
    metrics.QUERIES.labels("malformed").inc()
    return Response(orjson.dumps({"error": text}), status_code=422, media_type=JSON)


_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "3"}}


def _page(found: Iterable[_Item], shown: Callable[[Any], dict[str, Any]], limit: int) -> bytes:
    """Return one page; it ends at the limit, or before it is too many bytes."""
    items: list[bytes] = []
    size, after = 0, None
    for item in found:
        items.append(orjson.dumps(shown(item), option=orjson.OPT_NON_STR_KEYS))
        size += len(items[-1])
        if len(items) == limit or size >= PAGE_BYTES:
            after = item.cursor
            break
    return b'{"items":[' + b",".join(items) + b'],"next":' + orjson.dumps(after) + b"}"


def _session(session: Session) -> dict[str, Any]:
    return asdict(session)


def _event(event: Event) -> dict[str, Any]:
    shown = {name: getattr(event, name) for name in Event.__slots__}
    return shown | {"dedup": event.dedup.hex(), "flags": int(event.flags)}
