"""Composition root: makes every part from the settings, runs the loops, serves, and stops in order.

The only place that knows all parts. On SIGTERM the server stops being ready, serves on while the API server's
connections find another replica, and ends (uvicorn answers `Connection: close` from then on).
"""

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog
import uvicorn

from masking import Masker, MaskingKey
from webhook import routes, tls
from webhook.admission.request import SERVICE_ACCOUNT_PREFIX
from webhook.approval.reading import SigningKey
from webhook.claiming import Claims
from webhook.cluster import names
from webhook.cluster.approvals import Approvals, Limits
from webhook.cluster.callers import may_get
from webhook.cluster.certificates import keep_fresh, load_certificates
from webhook.cluster.client import Cluster
from webhook.cluster.conditions import Conditions
from webhook.cluster.errors import ClusterError
from webhook.cluster.events import Events
from webhook.cluster.keys import Keys, KeysBroken, load_keys
from webhook.cluster.lease import Leadership
from webhook.cluster.manifests import Endpoint
from webhook.cluster.policies import Policies
from webhook.cluster.readiness import Readiness
from webhook.cluster.registrar import Registrar, guards_stand
from webhook.cluster.watch import Reflector
from webhook.gate import Gate, HoldLimits
from webhook.guards import ApprovalGuard, PolicyGuard
from webhook.housekeeping import Housekeeping
from webhook.mutator import Mutator
from webhook.policy.authorization import refusal
from webhook.policy.protection import Protected
from webhook.settings import Settings
from webhook.trial.trials import Trials

KEEP_ALIVE_S = 120
"""The API server keeps idle connections for 90 s; ours must not end first."""

BACKLOG = 2048
"""Connections that may wait to be accepted, as uvicorn's own default."""

log = structlog.get_logger(__name__)


class CannotStart(Exception):
    """The cluster cannot be used; the text tells an operator why, in one line."""


Loop = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Base:
    """What most parts need."""

    settings: Settings
    cluster: Cluster
    keys: Keys
    certificates: tls.Certificates
    trials: Trials
    policies: Policies
    approvals: Approvals
    endpoint: Endpoint

    @property
    def signing_key(self) -> SigningKey:
        """The key of decisions and claims."""
        return SigningKey(self.keys.key_id, self.keys.decision_key)

    @property
    def protected(self) -> Protected:
        """What no agent may touch."""
        return Protected(namespace=self.settings.namespace)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is served, with which certificate, and the loops beside it."""

    rooms: routes.Rooms
    tls_context: ssl.SSLContext
    loops: tuple[Loop, ...]


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        CannotStart: keys, certificates or policies cannot be read.
    """
    _configure_logs(settings.log_level)
    async with _cluster(settings) as cluster:
        listener = _listen(settings)
        parts = await _make(settings, cluster)
        loops = [asyncio.ensure_future(loop()) for loop in parts.loops]
        server = uvicorn.Server(_server_config(parts))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.wait([serving, *loops], return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving
            for loop in loops:
                if loop.done():
                    loop.result()  # a loop never ends by itself: its error ends the server
        finally:
            for task in loops:
                task.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


def _listen(settings: Settings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as err:
        raise CannotStart(f"cannot listen on {settings.host}:{settings.port}: {os.strerror(err.errno or 0)}") from err


@contextlib.asynccontextmanager
async def _cluster(settings: Settings) -> AsyncIterator[Cluster]:
    try:
        cluster = await Cluster.connect(settings.kubeconfig)
    except ClusterError as err:
        raise CannotStart(str(err)) from err
    try:
        yield cluster
    finally:
        await cluster.close()


async def _make(settings: Settings, cluster: Cluster) -> Parts:
    try:
        keys = await load_keys(cluster, settings.namespace)
        certificates = await load_certificates(cluster, settings.namespace, service=settings.service)
    except (ClusterError, KeysBroken) as err:
        raise CannotStart(str(err)) from err
    return _compose(settings, cluster, keys, certificates)


def _compose(settings: Settings, cluster: Cluster, keys: Keys, certificates: tls.Certificates) -> Parts:
    policy_watch, approval_watch = Reflector(cluster, names.POLICIES), Reflector(cluster, names.APPROVALS)
    key = SigningKey(keys.key_id, keys.decision_key)
    trials = Trials()
    base = Base(
        settings=settings,
        cluster=cluster,
        keys=keys,
        certificates=certificates,
        trials=trials,
        policies=Policies(cluster, policy_watch, trials),
        approvals=Approvals(cluster, approval_watch, key=key, limits=_limits(settings), clock=_utc_now),
        endpoint=Endpoint(
            namespace=settings.namespace,
            service=settings.service,
            port=settings.service_port or 443,
            ca_pem=certificates.ca_pem,
            paths=keys.paths,
        ),
    )
    context = tls.server_context(certificates.leaf)
    readiness = Readiness(cluster, base.endpoint, reads=(base.policies.ready, approval_watch.ready))
    loops = (
        policy_watch.run,
        approval_watch.run,
        readiness.run,
        *_leading(base, policy_watch, approval_watch),
        lambda: keep_fresh(cluster, settings.namespace, context, ca_pem=certificates.ca_pem, service=settings.service),
    )
    return Parts(_rooms(base, readiness), context, loops)


def _leading(base: Base, policy_watch: Reflector, approval_watch: Reflector) -> tuple[Loop, ...]:
    """The loops of the replica that writes: the Lease, the registration, the approvals' states."""
    instance = os.environ.get("HOSTNAME") or socket.gethostname()
    leadership = Leadership(base.cluster, base.settings.namespace, identity=f"{instance}-{uuid4()}")
    events = Events(base.cluster, instance=instance, clock=_utc_now)
    registrar = Registrar(
        base.cluster,
        base.endpoint,
        policies=lambda: base.policies.loaded,
        is_leader=lambda: leadership.is_leader,
        on_standing=Conditions(base.cluster, policy_watch, clock=_utc_now).enforced,
        events=events,
    )
    base.policies.subscribe(registrar.policies_changed)
    changed = asyncio.Event()
    approval_watch.subscribe(lambda *_: changed.set())
    housekeeping = Housekeeping(
        approvals=base.approvals,
        events=events,
        is_leader=lambda: leadership.is_leader,
        changed=changed,
        retain_for_s=base.settings.retain_for_s,
        clock=_utc_now,
    )
    return (leadership.run, registrar.run, housekeeping.run)


def _rooms(base: Base, readiness: Readiness) -> routes.Rooms:
    settings, cluster, policies = base.settings, base.cluster, base.policies

    def refuse_access(review: dict[str, Any]) -> str:
        return refusal(review, policies.loaded, protected=base.protected) if policies.loaded else ""

    return routes.Rooms(
        paths=base.keys.paths,
        gate=_gate(base),
        mutator=Mutator(cluster=cluster, policies=policies, protected=base.protected),
        approval_guard=ApprovalGuard(
            cluster=cluster,
            policies=policies,
            key=base.signing_key,
            own_user=f"{SERVICE_ACCOUNT_PREFIX}{settings.namespace}:{settings.service}",
            clock=_utc_now,
        ),
        policy_guard=PolicyGuard(base.trials),
        refuse_access=refuse_access,
        may_read_metrics=lambda authorization: may_get(cluster, authorization, path="/metrics"),
        why_not_ready=readiness.why_not,
    )


def _gate(base: Base) -> Gate:
    claims = Claims(
        cluster=base.cluster,
        policies=base.policies,
        approvals=base.approvals,
        protected=base.protected,
        key=base.signing_key,
        guards_stand=lambda: guards_stand(base.cluster, base.endpoint),
        clock=_utc_now,
    )
    return Gate(
        cluster=base.cluster,
        policies=base.policies,
        approvals=base.approvals,
        claims=claims,
        protected=base.protected,
        masker=Masker(MaskingKey(id=base.keys.key_id[:4], secret=base.keys.masking_key)),
        fingerprint_key=base.keys.fingerprint_key,
        limits=HoldLimits(base.settings.longest_hold_s, base.settings.waiting_calls),
        clock=_utc_now,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        pending_per_agent=settings.pending_per_agent,
        pending_total=settings.pending_total,
        created_per_minute=settings.created_per_minute,
        denial_cooldown_s=settings.denial_cooldown_s,
    )


def _server_config(parts: Parts) -> uvicorn.Config:
    return uvicorn.Config(
        routes.build(parts.rooms),
        http="httptools",
        loop="none",
        ssl_context_factory=lambda _config, _default: parts.tls_context,
        timeout_keep_alive=KEEP_ALIVE_S,
        access_log=False,  # paths carry the secret
        log_config=None,
        server_header=False,
        lifespan="off",
    )


def _configure_logs(level: str) -> None:
    """Write structured lines to standard error; libraries below warning stay silent, their lines may hold paths."""
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


def _utc_now() -> datetime:
    return datetime.now(UTC)
