"""Acts on a verdict: lets pass, refuses, or holds the call until a person has decided.

The thin asynchronous shell around the pure core. It knows the order of things; what each of them means is
decided in `policy`, `approval` and `claiming`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from masking import Masker
from webhook import metrics
from webhook.admission import message
from webhook.admission.request import Operation, Request, User
from webhook.admission.review import Answer
from webhook.admission.verdict import Action, Verdict
from webhook.approval import waiting
from webhook.approval.change import describe
from webhook.approval.document import CannotHold
from webhook.approval.fingerprint import fingerprint
from webhook.approval.intent import Target, intent, needs_target
from webhook.approval.lifecycle import State
from webhook.approval.own_identity import own_name
from webhook.approval.reading import Reading
from webhook.approval.record import REASON, Spec, Touched
from webhook.approval.visible import visible
from webhook.claiming import Call, Claims
from webhook.cluster.approvals import Approvals, CannotAsk
from webhook.cluster.client import Cluster
from webhook.cluster.errors import NotFound
from webhook.cluster.policies import Policies
from webhook.cluster.surroundings import namespace_of
from webhook.cluster.targets import target_of
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected

ANSWER_IS_EFFECT = frozenset({("", "secrets"), ("", "serviceaccounts/token")})
"""Where a dry run already gives away what a hold protects: a token that works, an object with its data."""

REASON_LIMIT = 1024
"""Characters of the agent's own reason that are shown; the rest is cut, as it is information only."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """How long one call may wait inside, and how many calls may wait at once."""

    longest_hold_s: float = 20.0
    waiting_calls: int = 50


class Gate:
    """Judges one call after another."""

    def __init__(  # noqa: PLR0913 -- the parts that a call passes, each named
        self,
        *,
        cluster: Cluster,
        policies: Policies,
        approvals: Approvals,
        claims: Claims,
        protected: Protected,
        masker: Masker,
        fingerprint_key: bytes,
        limits: HoldLimits,
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._policies = policies
        self._approvals = approvals
        self._claims = claims
        self._protected = protected
        self._masker = masker
        self._fingerprint_key = fingerprint_key
        self._limits = limits
        self._clock = clock
        self._waiting = 0

    async def admit(
        self, request: Request, *, revision: str, timeout_s: float, caller_gone: Callable[[], Awaitable[bool]]
    ) -> Answer:
        """Answer one call of the policy webhook.

        `timeout_s` is what is left of the API server's patience.

        Raises:
            ClusterError: the policies of that revision are unknown here, or an approval could not be handled. The
                caller answers so that the API server tries again or refuses.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        policies = await self._policies.at(revision)
        namespace = await namespace_of(self._cluster, policies, request)
        verdict = evaluate(request, policies, protected=self._protected, namespace=namespace)
        if verdict.action is Action.DENY:
            return message.denied(verdict)
        if verdict.action is not Action.HOLD:
            return message.allowed(verdict)
        if request.dry_run:
            return _dry_run(request, verdict)

        async def is_waited_for() -> bool:
            enough = deadline - asyncio.get_running_loop().time() >= waiting.MARGIN_S
            return enough and not await caller_gone()

        return await self._hold(Call(request, is_waited_for), verdict, deadline)

    async def _hold(self, call: Call, verdict: Verdict, deadline: float) -> Answer:
        """Find or make the approval, wait for people, use it."""
        try:
            wanted = await self._wanted(call.request, verdict)
        except CannotHold as cannot:
            text = f"{cannot}, so no person can be asked about it as a whole; split it"
            return message.refused(text, cause="CannotHold", audit=message.audit_of(verdict, "deny"))
        except NotFound:
            return message.refused("its target does not exist", cause="TargetNotFound", code=message.NOT_FOUND)
        spent: set[str] = set()
        while True:
            try:
                reading = await self._approvals.obtain(wanted, call.request, spent=spent)
            except CannotAsk as limit:
                metrics.HELD.labels("limit").inc()
                return message.refused(str(limit), cause="CannotAsk", audit=message.audit_of(verdict, "deny"))
            reading, held_s = await self._decided(reading, call, deadline)
            state = reading.standing.state
            if state in {State.DENIED, State.REVOKED}:
                metrics.HELD.labels("denied").inc()
                return message.approval_denied(call.request, reading.notice)
            if state is State.PENDING:
                metrics.HELD.labels("pending").inc()
                return self._come_back(call.request, reading, held_s)
            answer = None if _is_lost(state) else await self._claims.use(call, reading.approval.name)
            if answer is not None:
                metrics.HELD.labels("passed" if answer.allowed else "refused").inc()
                return answer
            spent.add(reading.approval.name)

    async def _decided(self, reading: Reading, call: Call, deadline: float) -> tuple[Reading, float]:
        """Wait, within all limits, until the approval is no longer pending.

        Returns: what it is then, and for how many seconds such a call is held at most; 0 if it may not wait.
        """
        if call.request.operation is Operation.CONNECT or self._waiting >= self._limits.waiting_calls:
            return reading, 0.0
        loop = asyncio.get_running_loop()
        left_of_wait_s = (reading.approval.spec.wait_until - self._clock()).total_seconds()
        longest_s = waiting.hold_s(longest_s=self._limits.longest_hold_s, timeout_s=deadline - loop.time())
        until = loop.time() + max(0.0, min(longest_s, left_of_wait_s))
        self._waiting += 1
        metrics.WAITING.inc()
        try:
            while reading.standing.state is State.PENDING and (left_s := until - loop.time()) > 0:
                reading = await self._approvals.changed(reading, timeout_s=left_s) or reading
                if reading.standing.state is State.PENDING and loop.time() >= until:
                    break
        finally:
            self._waiting -= 1
            metrics.WAITING.dec()
        return reading, longest_s

    def _come_back(self, request: Request, reading: Reading, held_s: float) -> Answer:
        """429 with a pause while the client is to wait, 403 after that and for what does not wait.

        `held_s` is how long each of its calls is held; the pauses make up for the rest of `wait`.
        """
        spec = reading.approval.spec
        now = self._clock()
        wait_s = (spec.wait_until - spec.requested_at).total_seconds()
        elapsed_s = (now - spec.requested_at).total_seconds()
        pause_s = None
        if now < spec.wait_until and request.operation is not Operation.CONNECT:
            pause_s = waiting.pause_s(wait_s=wait_s, elapsed_s=elapsed_s, hold_s=held_s)
        return message.approval_required(request, reading.notice, retry_after_s=pause_s)

    async def _wanted(self, request: Request, verdict: Verdict) -> Spec:
        """Make the approval's spec for this request as of now."""
        target = await target_of(self._cluster, request) if needs_target(request) else None
        # In a thread: an object of some MiB takes seconds, and other calls must not wait for it.
        mark, change = await asyncio.to_thread(self._put_into_words, request, target)
        now = self._clock().replace(microsecond=0)
        terms = [requirement.terms for requirement in verdict.requirements]
        return Spec(
            fingerprint=mark,
            requester=User(username=request.user.username, uid=request.user.uid),
            operation=request.operation.value,
            touched=_touched(request, target),
            change=change,
            requirements=verdict.requirements,
            requested_at=now,
            wait_until=now + timedelta(seconds=min(term.wait_s for term in terms)),
            decide_by=now + timedelta(seconds=min(term.decide_within_s for term in terms)),
            use_within_s=min(term.use_within_s for term in terms),
            reason=self._reason(request),
        )

    def _put_into_words(self, request: Request, target: Target | None) -> tuple[str, str]:
        """The fingerprint of what is wanted, and the change that a person sees: of one and the same document."""
        wanted = intent(request, target)
        return fingerprint(wanted, key=self._fingerprint_key), describe(wanted, masker=self._masker).text

    def _reason(self, request: Request) -> str:
        """The agent's own words for this request; untrusted, masked, one line."""
        metadata = (request.object or {}).get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        text = annotations.get(REASON, "") if isinstance(annotations, dict) else ""
        return visible(self._masker.mask_text(text))[:REASON_LIMIT] if isinstance(text, str) else ""


def _touched(request: Request, target: Target | None) -> Touched:
    old = (request.old_object or {}).get("metadata") or {}
    return Touched(
        group=request.resource.group,
        resource=request.resource.resource,
        subresource=request.subresource,
        namespace=request.lies_in,
        name="" if own_name(request) else request.object_name,  # a generated name is another one at each try
        uid=target.uid if target else str(old.get("uid", "")),
    )


def _is_lost(state: State) -> bool:
    """Whether the approval ended while the call waited, so that the request needs another one."""
    return state in {State.EXPIRED, State.SUPERSEDED}


def _dry_run(request: Request, verdict: Verdict) -> Answer:
    """A dry run of something that is held passes with a warning, unless its answer is the effect."""
    rules = ", ".join(finding.rule_path for finding in verdict.findings if finding.action is Action.HOLD)
    if (request.resource.group, request.resource_path) in ANSWER_IS_EFFECT:
        text = f"a dry run of this is held by {rules} like the real thing, as its answer is its effect"
        return message.refused(text, cause="DryRunHeld", audit=message.audit_of(verdict, "deny"))
    answer = message.allowed(verdict)
    return message.with_warning(answer, f"would be held by {rules}")
