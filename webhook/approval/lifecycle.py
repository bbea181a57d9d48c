"""The life of an Approval, as a pure function of its spec, decisions, claim and the clock.

    Pending  -- enough approvals ------------------------------> Approved
    Pending  -- one denial ------------------------------------> Denied
    Pending  -- decideBy passes -------------------------------> Expired
    Approved -- the request passes ----------------------------> Used
    Approved -- somebody revokes or denies --------------------> Revoked
    Approved -- useWithin passes ------------------------------> Expired
    Pending or Approved -- the rules ask for more by now ------> Superseded

Denied, Expired, Used, Revoked and Superseded are final. Time is judged when an approval is looked at, never by
a clean-up job: an approval that ended a second ago is not usable because nobody has written that down yet. For the
same reason an entry that was signed when the time was over counts for nothing, whatever the guard thought.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from webhook.admission.request import User
from webhook.admission.subject import SubjectKind, any_matches
from webhook.admission.verdict import Requirement
from webhook.approval.decisions import Decision, Entry
from webhook.approval.record import Approval, parse_time


class State(StrEnum):
    """Where an approval stands."""

    PENDING = "Pending"
    APPROVED = "Approved"
    DENIED = "Denied"
    EXPIRED = "Expired"
    USED = "Used"
    REVOKED = "Revoked"
    SUPERSEDED = "Superseded"

    @property
    def is_final(self) -> bool:
        """Whether nothing can come after this state."""
        return self not in {State.PENDING, State.APPROVED}


@dataclass(frozen=True, slots=True)
class Standing:
    """State, since when, until when it can change by time alone (None = not), and who decided."""

    state: State
    since: datetime
    expires: datetime | None = None
    decided_by: tuple[str, ...] = ()
    reason: str = ""


Counts = Callable[[Entry, Requirement], bool]
"""Whether an entry's author may decide for a requirement."""


def standing(approval: Approval, chain: Sequence[Entry], *, now: datetime) -> Standing:
    """Say where an approval stands.

    `chain` is what `decisions.verified` returned; pass an empty chain when it did not verify.
    """
    recorded = _recorded_end(approval)
    if recorded is not None:
        since = _ended_at(approval) or approval.spec.requested_at
        return Standing(recorded, since=since, decided_by=_deciders(chain), reason=_why(chain))
    return _walk(approval, chain, now)


def _recorded_end(approval: Approval) -> State | None:
    """The final state in the status, if one is there. Only our own ServiceAccount writes it."""
    try:
        state = State(approval.recorded_state)
    except ValueError:
        return None
    return state if state.is_final else None


def _ended_at(approval: Approval) -> datetime | None:
    """When the final state in the status began; a cool-down counts from here."""
    try:
        return parse_time(approval.status["endedAt"])
    except (KeyError, TypeError, ValueError):
        return None


def _walk(approval: Approval, chain: Sequence[Entry], now: datetime) -> Standing:
    spec = approval.spec
    state, since, expires = State.PENDING, spec.requested_at, spec.decide_by
    for place, entry in enumerate(chain, start=1):
        so_far = chain[:place]
        if entry.at >= expires:
            return Standing(State.EXPIRED, since=expires, decided_by=_deciders(chain[: place - 1]))
        if entry.decision is not Decision.APPROVED:
            ended = State.DENIED if state is State.PENDING else State.REVOKED
            return Standing(ended, since=entry.at, decided_by=_deciders(so_far), reason=entry.reason)
        if state is State.PENDING and satisfied(spec.requirements, so_far):
            state, since, expires = State.APPROVED, entry.at, entry.at + timedelta(seconds=spec.use_within_s)
    if now >= expires:
        return Standing(State.EXPIRED, since=expires, decided_by=_deciders(chain))
    return Standing(state, since=since, expires=expires, decided_by=_deciders(chain), reason=_why(chain))


def satisfied(requirements: Sequence[Requirement], chain: Sequence[Entry], *, counts: Counts | None = None) -> bool:
    """Say whether the approvals in the chain satisfy each requirement on its own.

    `counts` judges eligibility again, at the claim; without it the policies stand that the guard wrote into the
    entry when it signed it.
    """
    return bool(requirements) and all(
        voices(requirement, chain, counts=counts) >= requirement.terms.approvals for requirement in requirements
    )


def same_person(one: User, other: User) -> bool:
    """Say whether two users may be one person: names that differ only in case or Unicode form, or the same uid.

    Kubernetes tells such names apart, the directory behind them often does not. Two people whom this takes for one
    need a third; the other mistake would let one person count as two.
    """
    return _folded(one.username) == _folded(other.username) or bool(one.uid and one.uid == other.uid)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_wanted(user: User, requirement: Requirement) -> bool:
    """Say whether a requirement asks for this person: approvers narrow, None = they do not.

    A ServiceAccount is asked only where the approvers name ServiceAccounts on purpose.
    """
    approvers = requirement.terms.approvers
    if user.service_account is not None:
        named = [subject for subject in approvers or () if subject.kind is SubjectKind.SERVICE_ACCOUNT]
        return any_matches(named, user)
    return approvers is None or any_matches(approvers, user)


def voices(requirement: Requirement, chain: Sequence[Entry], *, counts: Counts | None = None) -> int:
    """Count the different people who speak for a requirement; `counts` as in `satisfied`."""
    people = [
        entry.user
        for entry in chain
        if _speaks_for(entry, requirement) and (counts is None or counts(entry, requirement))
    ]
    return sum(
        not any(same_person(person, earlier) for earlier in people[:place]) for place, person in enumerate(people)
    )


def _speaks_for(entry: Entry, requirement: Requirement) -> bool:
    terms = requirement.terms
    return (
        entry.decision is Decision.APPROVED
        and requirement.policy in entry.policies
        and is_wanted(entry.user, requirement)
        and (bool(entry.reason.strip()) or not terms.require_reason)
    )


def covers(asked: Sequence[Requirement], now_asked: Sequence[Requirement]) -> bool:
    """Say whether an approval asked people for no less than what the rules ask for now.

    A rule counts as the same when policy and rule names agree and it demands no more approvals, no reason that was
    not demanded, and the same approvers.
    """
    known = {(requirement.policy, requirement.rule): requirement.terms for requirement in asked}
    for requirement in now_asked:
        terms, old = requirement.terms, known.get((requirement.policy, requirement.rule))
        if old is None or terms.approvals > old.approvals or terms.approvers != old.approvers:
            return False
        if terms.require_reason and not old.require_reason:
            return False
    return True


def _deciders(chain: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.user.username for entry in chain))


def _why(chain: Sequence[Entry]) -> str:
    return chain[-1].reason if chain else ""
