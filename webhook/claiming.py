"""Lets one approved request pass, once: everything is looked at again, live, then compare and swap.

An approval that was good a moment ago is not good enough. Before the claim this reads the approval, the policies,
the guards' configurations and the approvers' permissions from the API server, and judges the request once more.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from webhook.admission import message
from webhook.admission.request import Operation, Request, User
from webhook.admission.review import Answer
from webhook.admission.verdict import Action, Requirement, Verdict
from webhook.approval.claim import Claim, passes_again, sealed
from webhook.approval.decisions import Decision, Entry
from webhook.approval.guard import DecisionRefused, Voice, policies_for
from webhook.approval.lifecycle import State, covers, satisfied
from webhook.approval.reading import Reading, SigningKey
from webhook.cluster.approvals import Approvals
from webhook.cluster.client import Cluster
from webhook.cluster.errors import Conflict
from webhook.cluster.permissions import may_approve
from webhook.cluster.policies import Policies
from webhook.cluster.surroundings import namespace_of
from webhook.policy.compile import PolicySet
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected

CONFLICTS_LIMIT = 5
"""Times that somebody may change the approval under us before we give up and let the client come back."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One held call: what is asked, and whether its caller still listens.

    `is_waited_for` answers whether the caller is there and enough of its time is left to answer.
    """

    request: Request
    is_waited_for: Callable[[], Awaitable[bool]]


class Claims:
    """Makes claims. `guards_stand` answers whether the guards' configurations are exactly as we wrote them."""

    def __init__(  # noqa: PLR0913 -- the parts of one decision, each named
        self,
        *,
        cluster: Cluster,
        policies: Policies,
        approvals: Approvals,
        protected: Protected,
        key: SigningKey,
        guards_stand: Callable[[], Awaitable[bool]],
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._policies = policies
        self._approvals = approvals
        self._protected = protected
        self._key = key
        self._guards_stand = guards_stand
        self._clock = clock

    async def use(self, call: Call, name: str) -> Answer | None:
        """Use the approval `name` for this call.

        Returns: the answer; None when the approval is no longer there or no longer speaks for a request, so that
        the caller looks again.

        Raises:
            ClusterError: something could not be read or written; nothing passed.
        """
        for _ in range(CONFLICTS_LIMIT):
            reading = await self._approvals.live(name)
            if reading is None:
                return None
            try:
                return await self._attempt(call, reading)
            except Conflict:
                log.info("approval changed while it was claimed", approval=name)
        return None

    async def _attempt(self, call: Call, reading: Reading) -> Answer | None:
        policies = await self._policies.live()
        namespace = await namespace_of(self._cluster, policies, call.request)
        verdict = evaluate(call.request, policies, protected=self._protected, namespace=namespace)
        if verdict.action is Action.DENY:
            return message.denied(verdict)
        if verdict.action is not Action.HOLD:
            return message.allowed(verdict)
        state = reading.standing.state
        if state is State.USED:
            return await self._repeat(call, reading, verdict)
        if state is not State.APPROVED:
            return None
        return await self._first(call, reading, verdict, policies)

    async def _first(self, call: Call, reading: Reading, verdict: Verdict, policies: PolicySet) -> Answer | None:
        """Claim an approval that nobody has used."""
        if not self._is_enough(reading, verdict.requirements):
            await self._approvals.record(reading, state=State.SUPERSEDED)
            return None
        if not await self._guards_stand():
            return self._unusable(call, reading, "the guard of approvals is not in place; tell an operator")
        if not await self._is_decided_by_eligible(reading, verdict.requirements, policies):
            await self._approvals.record(reading, state=State.SUPERSEDED)
            return None
        if not await call.is_waited_for():
            return self._unusable(call, reading, "its time was up before it could pass", retry_after_s=1)
        claim = Claim(call.request.uid, at=self._clock(), decisions_mac=reading.chain[-1].mac)
        return await self._pass(reading, claim, verdict)

    def _is_enough(self, reading: Reading, requirements: tuple[Requirement, ...]) -> bool:
        """Say whether people were asked for no less than the rules ask for now, and recently enough."""
        use_within_s = min(requirement.terms.use_within_s for requirement in requirements)
        is_fresh = self._clock() - reading.standing.since < timedelta(seconds=use_within_s)
        return is_fresh and covers(reading.approval.spec.requirements, requirements)

    async def _repeat(self, call: Call, reading: Reading, verdict: Verdict) -> Answer | None:
        """Let a repetition of the claimed write pass again: the API server repeats admission after a conflict."""
        request, claim = call.request, reading.claim
        if claim is None or not passes_again(
            claim, operation=request.operation, request_uid=request.uid, now=self._clock()
        ):
            return None
        return await self._pass(reading, replace(claim, passes=claim.passes + 1), verdict)

    async def _pass(self, reading: Reading, claim: Claim, verdict: Verdict) -> Answer:
        signed = sealed(claim, self._key.seal(reading.approval))
        await self._approvals.record(reading, state=State.USED, claim=signed)
        decided_by = ",".join(reading.standing.decided_by)
        log.info("approval used", approval=reading.approval.name, passes=claim.passes, decided_by=decided_by)
        return message.allowed(verdict, audit={"approval": reading.approval.name, "decided-by": decided_by})

    async def _is_decided_by_eligible(
        self, reading: Reading, requirements: tuple[Requirement, ...], policies: PolicySet
    ) -> bool:
        """Ask again for each approver: may they still approve, and are they still no agent?"""
        names = {requirement.policy for requirement in requirements}
        counted: dict[str, tuple[str, ...]] = {}
        for entry in reading.chain:
            if entry.decision is Decision.APPROVED:
                counted[entry.mac] = await self._policies_of(entry.user, reading, names, policies)

        def counts(entry: Entry, requirement: Requirement) -> bool:
            return requirement.policy in counted[entry.mac]

        return satisfied(requirements, reading.chain, counts=counts)

    async def _policies_of(self, user: User, reading: Reading, names: set[str], policies: PolicySet) -> tuple[str, ...]:
        voice = Voice(user, policies.is_agent(user), await may_approve(self._cluster, user, names))
        try:
            return policies_for(voice, reading.approval)
        except DecisionRefused:
            return ()

    def _unusable(self, call: Call, reading: Reading, why: str, *, retry_after_s: int | None = None) -> Answer:
        if call.request.operation is Operation.CONNECT:
            retry_after_s = None  # no client waits for it
        return message.approval_unusable(call.request, reading.notice, why, retry_after_s=retry_after_s)
