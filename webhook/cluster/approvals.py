"""The Approvals of the cluster: find the one for a request or create it, wait for it, write its status.

The watch answers what is known at no cost; whatever lets a request pass is read live (`live`) and written with
compare and swap (`record`). The name never decides: fingerprint and spec do.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from webhook.admission.request import Request, User
from webhook.approval.claim import Claim, passes_again
from webhook.approval.lifecycle import State, covers
from webhook.approval.reading import Reading, SigningKey, read, status_of
from webhook.approval.record import API_VERSION, KIND, MalformedApproval, Spec, labels_of, parse_approval
from webhook.cluster.client import Cluster
from webhook.cluster.errors import AlreadyExists, Conflict, NotFound, Refused
from webhook.cluster.names import APPROVALS
from webhook.cluster.watch import Reflector

NAMES_LIMIT = 1000
"""Most approvals that one intent may have had within the retention; beyond it something is looping."""

log = structlog.get_logger(__name__)


class CannotAsk(Exception):
    """No approval can be created for this request now; the text tells the agent why and what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many approvals may exist and be made."""

    pending_per_agent: int = 20
    pending_total: int = 1000
    created_per_minute: int = 120
    denial_cooldown_s: int = 600


@dataclass(frozen=True, slots=True)
class _Created:
    """An approval that this replica creates or has created; one that failed for another reason counts for a minute."""

    at: datetime
    name: str
    requester: str


class Approvals:
    """`watch` is a running Reflector on approvals; `clock` returns the current time with its zone."""

    def __init__(
        self, cluster: Cluster, watch: Reflector, *, key: SigningKey, limits: Limits, clock: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._watch = watch
        self._key = key
        self._limits = limits
        self._clock = clock
        self._created: list[_Created] = []

    async def obtain(self, wanted: Spec, request: Request, *, spent: Collection[str] = ()) -> Reading:
        """Return the approval that speaks for this request, created if there is none.

        It may have ended: Denied within the cool-down, or Used by a write that this request repeats. `spent` are
        names that were tried for this request and did not let it pass.

        Raises:
            CannotAsk: one had to be created and may not.
            ClusterError: the API server refused or did not answer.
        """
        for name in _names(wanted.fingerprint):
            if name in spent:
                continue
            reading = self._known(name) or await self._create(name, wanted) or await self.live(name)
            if reading is not None and await self._speaks_for(reading, wanted, request):
                return reading
        raise CannotAsk(f"{NAMES_LIMIT} approvals of this one request exist already; find out what repeats it")

    async def live(self, name: str) -> Reading | None:
        """Read an approval from the API server; None if it is gone or malformed."""
        try:
            return self._read(await self._cluster.get(f"{APPROVALS}/{name}"))
        except (NotFound, MalformedApproval):
            return None

    def known(self) -> Iterator[Reading]:
        """Every approval that the watch knows, read."""
        for name in list(self._watch.objects):
            reading = self._known(name)
            if reading is not None:
                yield reading

    async def changed(self, reading: Reading, *, timeout_s: float) -> Reading | None:
        """Wait until the watch shows another version of this approval; None after `timeout_s` or when it is gone."""
        seen = reading.approval.resource_version
        name = reading.approval.name
        await self._watch.wait_for(
            name, lambda stored: stored is None or stored["metadata"]["resourceVersion"] != seen, timeout_s=timeout_s
        )
        return self._known(name)

    async def record(self, reading: Reading, *, state: State | None = None, claim: Claim | None = None) -> Reading:
        """Write the status that follows from a reading or from a step, if nobody changed the approval meanwhile.

        Raises:
            Conflict: somebody did.
            ClusterError: the API server refused or did not answer.
        """
        approval = reading.approval
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": approval.name, "uid": approval.uid, "resourceVersion": approval.resource_version},
            "spec": approval.spec.wire(),
            "status": status_of(reading, now=self._clock(), state=state, claim=claim),
        }
        return self._read(await self._cluster.replace(f"{APPROVALS}/{approval.name}/status", body))

    async def delete(self, reading: Reading) -> None:
        """Remove an approval, if it is still the one that was read."""
        approval = reading.approval
        preconditions = {"uid": approval.uid, "resourceVersion": approval.resource_version}
        await self._cluster.delete(f"{APPROVALS}/{approval.name}", options={"preconditions": preconditions})

    def read(self, stored: dict[str, Any]) -> Reading:
        """Read a stored approval as of now.

        Raises:
            MalformedApproval: it has not the shape of its CRD.
        """
        return self._read(stored)

    def _read(self, stored: dict[str, Any]) -> Reading:
        return read(parse_approval(stored), self._key, now=self._clock())

    def _known(self, name: str) -> Reading | None:
        stored = self._watch.objects.get(name)
        try:
            return None if stored is None else self._read(stored)
        except MalformedApproval:
            return None

    async def _speaks_for(self, reading: Reading, wanted: Spec, request: Request) -> bool:
        """Say whether this approval answers the request; one that asks people for too little is superseded."""
        spec, standing = reading.approval.spec, reading.standing
        if not same_intent(spec, wanted):
            log.error("approval name taken by another intent", approval=reading.approval.name)
            return False
        if standing.state is State.USED:
            return reading.claim is not None and passes_again(
                reading.claim, operation=request.operation, request_uid=request.uid, now=self._clock()
            )
        if standing.state in {State.DENIED, State.REVOKED}:
            return self._clock() - standing.since < timedelta(seconds=self._limits.denial_cooldown_s)
        if standing.state.is_final:
            return False
        if reading.tampered:
            log.error("approval was tampered with", approval=reading.approval.name, why=reading.tampered)
            return False
        return await self._still_enough(reading, wanted)

    async def _still_enough(self, reading: Reading, wanted: Spec) -> bool:
        """Say whether it asks people for no less than the rules ask for now, and gives them no more time."""
        spec = reading.approval.spec
        if covers(spec.requirements, wanted.requirements) and spec.decide_by <= wanted.decide_by:
            return True
        try:
            await self.record(reading, state=State.SUPERSEDED)
        except Conflict:
            log.info("approval changed while it was superseded", approval=reading.approval.name)
        return False

    async def _create(self, name: str, wanted: Spec) -> Reading | None:
        """Create the approval; None when the name exists."""
        self._check_limits(name, wanted.requester)
        created = _Created(self._clock(), name, wanted.requester.username)
        self._created.append(created)  # before the first await, so that calls at the same moment count each other
        body: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": name, "labels": labels_of(wanted)},
        }
        body["spec"] = wanted.wire()
        try:
            stored = await self._cluster.create(APPROVALS, body)
        except AlreadyExists:
            self._created.remove(created)
            return None
        except Refused as err:
            log.error("approval not stored", approval=name, error=str(err))
            raise CannotAsk("the API server does not store an approval of this request; tell an operator") from err
        if stored["spec"] != body["spec"]:
            log.error("stored approval differs from what was sent; removing it", approval=name)
            await self.delete(self._read(stored))
            raise CannotAsk("the approval was changed on its way into the cluster; tell an operator")
        return self._read(stored)

    def _check_limits(self, name: str, requester: User) -> None:
        """Refuse to create `name` beyond a limit. Equal calls that create it at this moment are one question."""
        limits, now = self._limits, self._clock()
        self._created = [created for created in self._created if now - created.at < timedelta(minutes=1)]
        if len(self._created) >= limits.created_per_minute:
            raise CannotAsk(f"{limits.created_per_minute} approvals were created in a minute; send it again later")
        asked = {created.name: created.requester for created in self._created}
        for reading in self.known():
            asked.pop(reading.approval.name, None)
            if reading.standing.state is State.PENDING:
                asked[reading.approval.name] = reading.approval.spec.requester.username
        asked.pop(name, None)
        pending = list(asked.values())
        if len(pending) >= limits.pending_total:
            raise CannotAsk(f"{limits.pending_total} approvals are pending; wait until some are decided")
        if pending.count(requester.username) >= limits.pending_per_agent:
            raise CannotAsk(
                f"{limits.pending_per_agent} approvals of {requester.username} are pending; wait until some are decided"
            )


def same_intent(stored: Spec, wanted: Spec) -> bool:
    """Say whether two specs ask for the same: fingerprint, requester, operation, target and the change shown."""
    return (
        stored.fingerprint == wanted.fingerprint
        and stored.requester.username == wanted.requester.username
        and stored.requester.uid == wanted.requester.uid
        and stored.operation == wanted.operation
        and stored.touched == wanted.touched
        and stored.change == wanted.change
    )


def _names(fingerprint: str) -> Iterator[str]:
    first = f"appr-{fingerprint[:16]}"
    yield first
    for number in range(2, NAMES_LIMIT + 1):
        yield f"{first}-{number}"
