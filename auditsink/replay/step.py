"""Records to steps: what an agent did, one entry for each thing it wanted.

Several records make one request (its stages share an auditID), and several requests make one step: the attempts of
one held request, from the first refusal to its end, are folded into one with its waiting time.

Pure, and correct for records that come late, twice or out of order: only what is in them counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

ENDS = ("Panic", "ResponseComplete", "ResponseStarted", "RequestReceived")
"""Stages, the one that tells most of a request first. A watch or exec that still runs has only started."""

DISCOVERY = ("/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz")


@dataclass(frozen=True, slots=True)
class Seen:
    """One record, as the store gives it: the columns that steps are made of, and the masked event."""

    time_us: int
    stage_time_us: int
    audit_id: str
    stage: str
    verb: str
    api_group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    code: int | None = None
    verdict: str = ""
    rules: str = ""
    approval: str = ""
    decided_by: str = ""
    issued_credential: str = ""
    flags: int = 0
    event: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, all its stages together. `ended_us` is None while no end was recorded."""

    began_us: int
    ended_us: int | None
    seen: Seen


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the agent wanted, with every attempt at it, oldest first."""

    attempts: tuple[Attempt, ...]

    @property
    def last(self) -> Seen:
        """The record that tells how it ended."""
        return self.attempts[-1].seen

    @property
    def began_us(self) -> int:
        """When the first attempt arrived."""
        return self.attempts[0].began_us

    @property
    def ended_us(self) -> int | None:
        """When the last attempt was answered; None if that was not recorded."""
        return self.attempts[-1].ended_us

    @property
    def waited_s(self) -> float | None:
        """How long a held request waited, from its first attempt to its last answer; None if it was not held."""
        if not self.approval or self.ended_us is None:
            return None
        return (self.ended_us - self.began_us) / 1e6

    @property
    def approval(self) -> str:
        """Name of the Approval that it waited for; empty if it was not held."""
        return next((attempt.seen.approval for attempt in reversed(self.attempts) if attempt.seen.approval), "")

    @property
    def rules(self) -> str:
        """The rules that spoke, as `policy/rule`, comma-separated."""
        return next((attempt.seen.rules for attempt in reversed(self.attempts) if attempt.seen.rules), "")

    @property
    def outcome(self) -> str:
        """What became of it: allowed, warned, held, approved, denied, failed, or open while it has no end."""
        seen = self.last
        if self.attempts[-1].ended_us is None:
            return "open"
        if seen.verdict == "hold":
            return "held"
        if seen.verdict == "deny":
            return "denied"
        if seen.code is not None and seen.code >= 400:
            return "failed"
        if self.approval:
            return "approved"
        return "warned" if seen.verdict == "warn" else "allowed"

    @property
    def target(self) -> str:
        """What it is about: `deployments.apps/scale prod/web`, `namespaces/prod`, or the path of a non-resource URL."""
        seen = self.last
        if not seen.resource:
            return urlsplit(str(seen.event.get("requestURI", ""))).path
        resource = f"{seen.resource}.{seen.api_group}" if seen.api_group else seen.resource
        resource = f"{resource}/{seen.subresource}" if seen.subresource else resource
        if seen.namespace and seen.resource != "namespaces":
            return f"{resource} {seen.namespace}/{seen.name}" if seen.name else f"{resource} -n {seen.namespace}"
        return f"{resource}/{seen.name}" if seen.name else resource

    @property
    def command(self) -> tuple[str, ...]:
        """The argv of an exec, masked; empty for everything else."""
        if self.last.subresource != "exec":
            return ()
        query = urlsplit(str(self.last.event.get("requestURI", ""))).query
        return tuple(parse_qs(query, keep_blank_values=True).get("command", ()))

    @property
    def is_discovery(self) -> bool:
        """Whether a client only asked what the API server can do."""
        path = urlsplit(str(self.last.event.get("requestURI", ""))).path
        return not self.last.resource and any(path == known or path.startswith(f"{known}/") for known in DISCOVERY)


def steps(records: Iterable[Seen]) -> list[Step]:
    """Make steps of the records of one session, in the order in which they began."""
    requests: dict[tuple[str, int], list[Seen]] = {}
    for seen in records:
        # An auditID is chosen by the caller: with the time of arrival it names one request.
        requests.setdefault((seen.audit_id, seen.time_us), []).append(seen)
    attempts = sorted((_attempt(stages) for stages in requests.values()), key=_order)
    return _folded(attempts)


def _attempt(stages: Sequence[Seen]) -> Attempt:
    telling = min(stages, key=lambda seen: (_rank(seen.stage), -seen.stage_time_us))
    ended = None if telling.stage == "RequestReceived" else telling.stage_time_us
    return Attempt(began_us=telling.time_us, ended_us=ended, seen=telling)


def _rank(stage: str) -> int:
    return ENDS.index(stage) if stage in ENDS else len(ENDS)


def _order(attempt: Attempt) -> tuple[int, str]:
    return (attempt.began_us, attempt.seen.audit_id)


def _folded(attempts: Iterable[Attempt]) -> list[Step]:
    """Fold the attempts of one held request: same approval, until one of them was let pass or denied."""
    made: list[list[Attempt]] = []
    waiting: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        name = attempt.seen.approval
        step = waiting.get(name) if name else None
        if step is None:
            step = []
            made.append(step)
        step.append(attempt)
        if name:
            is_held = attempt.seen.verdict == "hold"
            if is_held:
                waiting[name] = step
            else:
                waiting.pop(name, None)
    return [Step(tuple(step)) for step in made]
