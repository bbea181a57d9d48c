"""Composition root: opens keys, tokens and database, serves, and stops in order.

The only place that knows all parts. On SIGTERM no new connection is taken, every request that has been accepted is
finished and answered with `Connection: close`, and what waits to be written is committed before the end.
"""

import asyncio
import contextlib
import logging
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from auditsink import files, metrics
from auditsink.intake.event import Keys, Recorder
from auditsink.intake.work import Work, records_of
from auditsink.keys import KeysBroken, dedup_check, load_or_make
from auditsink.routes import identity, ingest, probes, query
from auditsink.routes.body import InFlight
from auditsink.settings import Settings
from auditsink.store.database import DatabaseUnusable, open_reader, open_writer, sqlite_url
from auditsink.store.queries import Queries
from auditsink.store.writer import Writer
from auditsink.tokens import Tokens

KEEP_ALIVE_S = 120
"""The API server keeps idle connections for 90 s; ours must not end first."""

DRAIN_S = 28
"""What a stop waits for: an answer takes at most 25 s, and a Pod is killed after 30."""

CERTIFICATE_CHECK_S = 60
"""A renewed certificate is noticed within this."""

SWITCH_S = 0.001
"""How long a thread that masks keeps the interpreter while others want it: probes and the writer stay quick."""

log = structlog.get_logger(__name__)


class CannotStart(Exception):
    """Something that is needed cannot be used; the text tells an operator what, in one line."""


@dataclass(frozen=True, slots=True)
class Store:
    """The database, open to write and to read."""

    writer: Writer
    queries: Queries


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        CannotStart: keys, database, certificate or kubeconfig cannot be used.
    """
    _configure_logs(settings.log_level)
    sys.setswitchinterval(SWITCH_S)
    keys = _keys(settings)
    context = _tls_context(settings)
    store = _store(settings, keys)
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="masks")
    watching = asyncio.create_task(_keep_certificate_fresh(settings, context))
    try:
        async with _access(settings) as access:
            server = uvicorn.Server(_server_config(settings, _routes(settings, keys, store, executor, access), context))
            for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises it again at its end, we have work left
                signal.signal(number, lambda *_: None)
            log.info("auditsink starts", host=settings.host, port=settings.port, tls=context is not None)
            await server.serve()
    finally:
        watching.cancel()
        executor.shutdown()
        await asyncio.to_thread(store.writer.stop)
        store.queries.close()
        log.info("auditsink ends")


def _keys(settings: Settings) -> Keys:
    try:
        files.make_folder(settings.data)
        return load_or_make(settings.keys_path)
    except (OSError, KeysBroken) as err:
        raise CannotStart(str(err)) from err


def _store(settings: Settings, keys: Keys) -> Store:
    url = settings.database or sqlite_url(settings.data / "auditsink.db")
    try:
        engine = open_writer(url, dedup_check=dedup_check(keys))
        queries = Queries(open_reader(url))
    except DatabaseUnusable as err:
        raise CannotStart(str(err)) from err

    def committed(_records: int, seconds: float) -> None:
        metrics.COMMIT_SECONDS.observe(seconds)

    writer = Writer(engine, clock_us=lambda: time.time_ns() // 1000, on_commit=committed)
    writer.start()
    metrics.WAITING.set_function(lambda: writer.waiting)
    return Store(writer, queries)


@contextlib.asynccontextmanager
async def _access(settings: Settings) -> AsyncIterator[identity.Access]:
    if settings.kubeconfig is None and "KUBERNETES_SERVICE_HOST" not in os.environ:
        yield identity.Nobody()
        return
    try:
        kubernetes = await identity.Kubernetes.connect(settings.kubeconfig)
    except identity.NoCluster as err:
        raise CannotStart(str(err)) from err
    try:
        yield kubernetes
    finally:
        await kubernetes.close()


def _routes(
    settings: Settings, keys: Keys, store: Store, executor: ThreadPoolExecutor, access: identity.Access
) -> FastAPI:
    recorder = Recorder(keys)

    def work(body: bytearray, cluster: str) -> Work:
        return records_of(body, cluster=cluster, recorder=recorder)

    intake = ingest.Intake(
        tokens=Tokens(settings.tokens_path),
        work=work,
        executor=executor,
        writer=store.writer,
        in_flight=InFlight(settings.in_flight_mib << 20),
        body_limit_bytes=settings.body_limit_mib << 20,
    )
    app = FastAPI(title="Kubescrow auditsink", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(probes.build(lambda: store.writer.fault and "the last commit failed", access))
    app.include_router(ingest.build(intake))
    app.include_router(query.build(store.queries, access))
    app.add_exception_handler(RequestValidationError, query.wrong_parameters)
    return app


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.plaintext:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        _load_certificate(settings, context)
    except (OSError, ssl.SSLError) as err:
        raise CannotStart(f"{settings.tls_certificate}, {settings.tls_key}: no certificate with its key") from err
    return context


def _load_certificate(settings: Settings, context: ssl.SSLContext) -> None:
    context.load_cert_chain(str(settings.tls_certificate), str(settings.tls_key))


async def _keep_certificate_fresh(settings: Settings, context: ssl.SSLContext | None) -> None:
    """Load the certificate again when its file has changed; a pair that does not fit is tried again later."""
    if context is None or settings.tls_certificate is None:
        return
    loaded = settings.tls_certificate.stat().st_mtime_ns
    while True:
        await asyncio.sleep(CERTIFICATE_CHECK_S)
        with contextlib.suppress(OSError, ssl.SSLError):
            found = settings.tls_certificate.stat().st_mtime_ns
            if found != loaded:
                _load_certificate(settings, context)
                loaded = found
                log.info("certificate loaded again")


def _server_config(settings: Settings, app: FastAPI, context: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http="httptools",
        loop="none",
        ssl_context_factory=None if context is None else lambda _config, _default: context,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="off",
    )


def _configure_logs(level: str) -> None:
    """Write structured lines to standard error; libraries below warning stay silent, their lines may hold bodies."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
