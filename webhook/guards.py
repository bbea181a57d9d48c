"""The two guards: on Approvals, so that a decision is who it says it is, and on AgentPolicies, so that a policy
that cannot be enforced is refused when it is applied.

On Approvals the mutating guard turns an approver's annotation into a signed entry, in the same write, and the
validating guard checks the result as if the first did not exist. Neither trusts that the other ran.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from webhook import metrics
from webhook.admission import message
from webhook.admission.request import Object, Operation, Request
from webhook.admission.review import Answer
from webhook.approval.decisions import Decision, Entry, append, write
from webhook.approval.guard import (
    DecisionRefused,
    Voice,
    added_entry,
    asked_decision,
    changed_beside_decisions,
    check_fresh,
    check_turn,
    clears,
    policies_for,
)
from webhook.approval.reading import Reading, SigningKey, read
from webhook.approval.record import DECISION, DECISIONS, REASON, MalformedApproval, parse_approval
from webhook.approval.visible import visible
from webhook.cluster.client import Cluster
from webhook.cluster.permissions import may_approve
from webhook.cluster.policies import Policies
from webhook.policy.compile import compile_policy
from webhook.policy.model import InvalidPolicy, parse_policy
from webhook.trial.trials import CannotTry, Trials

ALLOWED = Answer(True)

_READS = "rules about reads work only where the API server asks Kubescrow as an authorizer: docs/authorizer.md"

log = structlog.get_logger(__name__)


class ApprovalGuard:
    """Guards Approvals. `own_user` is the username of our ServiceAccount."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        policies: Policies,
        key: SigningKey,
        own_user: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._policies = policies
        self._key = key
        self._own_user = own_user
        self._clock = clock

    async def decide(self, request: Request) -> Answer:
        """Answer the mutating call: record a decision, signed, or refuse it.

        Raises:
            ClusterError: the approver's permission could not be asked.
        """
        annotations = _annotations(request.object)
        try:
            decision = asked_decision(annotations)
            if decision is None:
                return ALLOWED
            if request.dry_run:
                return message.with_warning(ALLOWED, "dry run: the decision was not recorded")
            check_fresh(_annotations(request.old_object), annotations)
            reading = self._read_old(request)
            if reading.tampered:
                raise DecisionRefused(f"{reading.approval.name} takes no more decisions: {reading.tampered}")
            entry = await self._entry(request, reading, decision, annotations.get(REASON, ""))
            check_turn(reading.approval, entry, reading.chain, reading.standing)
        except DecisionRefused as refusal:
            metrics.DECISIONS.labels("refused").inc()
            return message.refused(str(refusal), cause="DecisionRefused")
        metrics.DECISIONS.labels(decision.value).inc()
        return self._signed(request, reading, entry)

    async def validate(self, request: Request) -> Answer:
        """Answer the validating call: only we create, delete and write status; people only add a decision.

        Raises:
            ClusterError: the approver's permission could not be asked.
        """
        if request.user.username == self._own_user and request.user.is_bound:
            return ALLOWED
        if request.operation is not Operation.UPDATE or request.subresource:
            return message.refused(
                "Approvals are created, removed and updated by Kubescrow alone; decide with "
                f"kubectl annotate approval NAME {DECISION}=approved|denied|revoked",
                cause="NotYours",
            )
        try:
            await self._check_update(request)
        except DecisionRefused as refusal:
            return message.refused(str(refusal), cause="DecisionRefused")
        return ALLOWED

    async def _check_update(self, request: Request) -> None:
        old, new = request.old_object or {}, request.object or {}
        changed = changed_beside_decisions(old, new)
        if request.dry_run:
            changed = [field for field in changed if field not in _ASKING]
        if changed:
            raise DecisionRefused(f"an Approval changes only by a decision; this changes {', '.join(changed)}")
        before, after = self._read_old(request), self._read(new)
        if after.tampered:
            raise DecisionRefused(f"{DECISIONS}: {after.tampered}")
        if before.chain == after.chain and (request.dry_run or clears(_annotations(old), _annotations(new))):
            return
        entry = added_entry(before.chain, after.chain, user=request.user, now=self._clock())
        check_turn(before.approval, entry, before.chain, before.standing)
        if entry.policies != await self._policies_of(request, before):
            raise DecisionRefused("the decision was signed for other policies than its author may decide for")

    async def _entry(self, request: Request, reading: Reading, decision: Decision, reason: str) -> Entry:
        policies = await self._policies_of(request, reading)
        return Entry(decision, request.user, self._clock().replace(microsecond=0), policies, reason)

    async def _policies_of(self, request: Request, reading: Reading) -> tuple[str, ...]:
        user = request.user
        names = {requirement.policy for requirement in reading.approval.spec.requirements}
        voice = Voice(
            user,
            is_agent=(await self._policies.live()).is_agent(user),
            may_approve=await may_approve(self._cluster, user, names),
            is_unbound=user.service_account is not None and not user.is_bound,
        )
        return policies_for(voice, reading.approval)

    def _signed(self, request: Request, reading: Reading, entry: Entry) -> Answer:
        """Replace the annotation by the signed entry. The last step: everything else was checked before."""
        approval = reading.approval
        chain = append(reading.chain, entry, self._key.seal(approval))
        kept = {key: value for key, value in _annotations(request.object).items() if key not in {DECISION, REASON}}
        log.info("decision", approval=approval.name, decision=entry.decision, by=entry.user.username)
        return Answer(
            True,
            patch=({"op": "add", "path": "/metadata/annotations", "value": {**kept, DECISIONS: write(chain)}},),
            warnings=(_recorded(reading, chain),),
            audit={"approval": approval.name, "decision": entry.decision.value},
        )

    def _read_old(self, request: Request) -> Reading:
        return self._read(request.old_object or {})

    def _read(self, stored: Object) -> Reading:
        try:
            return read(parse_approval(stored), self._key, now=self._clock())
        except MalformedApproval as err:
            raise DecisionRefused("this Approval does not have the form of its definition") from err


class PolicyGuard:
    """Refuses an AgentPolicy that does not compile, with every problem and its field.

    Its expressions are tried in a process of their own first, and reach the library of this one only if that went well.
    """

    def __init__(self, trials: Trials) -> None:
        self._trials = trials

    async def validate(self, request: Request) -> Answer:
        """Answer the validating call on an AgentPolicy."""
        policy = request.object or {}
        try:
            parsed = parse_policy(policy)
            problems = await self._trials.try_policy(policy)
            if problems:
                raise InvalidPolicy(parsed.name, problems)
            compiled = await asyncio.to_thread(compile_policy, parsed)  # 5,000 rules take seconds
        except InvalidPolicy as invalid:
            told = (f"rule {problem.rule}: {problem}" if problem.rule else str(problem) for problem in invalid.problems)
            return message.refused("; ".join(told), cause="InvalidPolicy")
        except CannotTry as why:
            return message.refused(f"{why}; apply it again", cause="CannotTry", code=message.INTERNAL_ERROR)
        return message.with_warning(ALLOWED, _READS) if compiled.reads else ALLOWED


_ASKING = frozenset({f"metadata.annotations[{DECISION}]", f"metadata.annotations[{REASON}]"})


def _annotations(stored: Object | None) -> Mapping[str, Any]:
    metadata = (stored or {}).get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else {}


def _recorded(reading: Reading, chain: tuple[Entry, ...]) -> str:
    """What the approver reads back: what was recorded, for which request."""
    entry, spec = chain[-1], reading.approval.spec
    return (
        f"recorded: {entry.decision.value} by {visible(entry.user.username)} for {spec.operation} {spec.touched.path}"
    )
