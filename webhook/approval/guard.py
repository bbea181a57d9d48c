"""Who may decide on an Approval, and what an update of one may change. Pure; the questions to the API server
(SubjectAccessReview, the live policies) are asked by the caller and come in as values.

Two guards use it: the mutating one turns an approver's annotation into a signed entry, the validating one checks
the result as if the first did not exist.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webhook.admission.request import Object, User
from webhook.admission.verdict import Requirement
from webhook.approval.decisions import ENTRIES_LIMIT, Decision, Entry
from webhook.approval.lifecycle import Standing, State, is_wanted, same_person
from webhook.approval.record import DECISION, DECISIONS, REASON, Approval
from webhook.approval.visible import is_visible

REASON_LIMIT = 1024
"""Characters of a reason: a paragraph; it is repeated to the agent in a one-line answer."""

SERVER_KEPT = frozenset({"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "annotations"})
"""Metadata that the API server keeps by itself, and annotations, which are compared one by one."""


ASKING = frozenset({DECISION, REASON})
"""Annotations that the guard takes off as it signs. Where one is stored, it was written while no guard stood."""


class DecisionRefused(ValueError):
    """Somebody may not say this on this approval. The text is for that person."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A person who wants to decide: who, whether a policy names them as an agent, and what they may approve.

    `may_approve` are the policies for which the API server answered yes to verb `approve`. `is_unbound` is a
    ServiceAccount whose credential has no id: a static token, or somebody who impersonates it.
    """

    user: User
    is_agent: bool
    may_approve: Collection[str]
    is_unbound: bool = False


def policies_for(voice: Voice, approval: Approval) -> tuple[str, ...]:
    """Say for which holding policies this person may decide; never empty.

    Raises:
        DecisionRefused: for none of them, with the reason.
    """
    user = voice.user
    if same_person(user, approval.spec.requester):
        raise DecisionRefused("you may not decide on your own request")
    if voice.is_agent:
        raise DecisionRefused(f"{user.username} is an agent: an AgentPolicy names it; agents do not decide")
    if voice.is_unbound:
        raise DecisionRefused(f"{user.username} uses a static token or is impersonated; use a short-lived token")
    permitted = [r for r in approval.spec.requirements if r.policy in voice.may_approve]
    if not permitted:
        names = ", ".join(sorted({r.policy for r in approval.spec.requirements}))
        raise DecisionRefused(f'{user.username} lacks verb "approve" on agentpolicies.kubescrow.dev {names}')
    fitting = [r for r in permitted if is_wanted(user, r)]
    if not fitting:
        raise DecisionRefused(f"{user.username} is not among the approvers that {_rules(permitted)} asks for")
    return tuple(sorted({requirement.policy for requirement in fitting}))


def _rules(requirements: Sequence[Requirement]) -> str:
    return ", ".join(f"{requirement.policy}/{requirement.rule}" for requirement in requirements)


def asked_decision(annotations: Mapping[str, str]) -> Decision | None:
    """Read the decision that an approver wrote; None if there is none.

    Raises:
        DecisionRefused: the value is none of the three, or the reason is too long.
    """
    if len(annotations.get(REASON, "")) > REASON_LIMIT:
        raise DecisionRefused(f"{REASON}: longer than {REASON_LIMIT} characters")
    value = annotations.get(DECISION)
    if value is None:
        return None
    try:
        return Decision(value)
    except ValueError:
        allowed = ", ".join(Decision)
        raise DecisionRefused(f"{DECISION}: not a decision; use one of {allowed}") from None


def check_fresh(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Check that whoever decides now wrote it now: what lies there unsigned may be anybody's.

    `before` and `after` are the annotations of a write that asks for a decision.

    Raises:
        DecisionRefused: decision or reason were there before.
    """
    stale = sorted(key for key in ASKING & before.keys() if before[key] == after.get(key))
    if stale:
        removal = " ".join(f"{key}-" for key in stale)
        raise DecisionRefused(
            f"{', '.join(stale)}: written while the guard was away and signed by nobody; "
            f"remove it with kubectl annotate approval NAME {removal} and decide again"
        )


def clears(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Say whether a write takes an unsigned decision or reason away."""
    return bool(ASKING & before.keys() - after.keys())


def check_turn(approval: Approval, entry: Entry, chain: Sequence[Entry], standing: Standing) -> None:
    """Check that this decision can come next.

    Nobody approves twice, but whoever approved may still stop it: deny while it is pending, revoke after that.

    Raises:
        DecisionRefused: the approval has ended or is full, the person approved before, a reason is missing, or
            there is nothing to revoke.
    """
    if standing.state.is_final:
        raise DecisionRefused(f"{approval.name} is {standing.state} and takes no more decisions")
    if len(chain) >= ENTRIES_LIMIT - (entry.decision is Decision.APPROVED):  # the last place is kept to stop it
        raise DecisionRefused(f"{approval.name} has {len(chain)} decisions and takes no more")
    if entry.decision is Decision.REVOKED:
        if standing.state is not State.APPROVED:
            raise DecisionRefused(f"{approval.name} is {standing.state}: there is nothing to revoke; use denied")
        return
    if entry.decision is Decision.APPROVED:
        _check_approving(approval, entry, chain, standing)
    if _is_blank(entry.reason) and _reason_required(approval, entry):
        raise DecisionRefused(f'a reason is required: add {REASON}="..." to the same command')


def _check_approving(approval: Approval, entry: Entry, chain: Sequence[Entry], standing: Standing) -> None:
    if standing.state is State.APPROVED:
        raise DecisionRefused(f"{approval.name} is approved already")
    if any(same_person(earlier.user, entry.user) for earlier in chain):
        raise DecisionRefused(f"{entry.user.username} has decided on {approval.name} before")


def _is_blank(reason: str) -> bool:
    """Whether a reader sees nothing, whatever the reason holds: zero-width characters are no reason."""
    return not any(is_visible(char) and not char.isspace() for char in reason)


def _reason_required(approval: Approval, entry: Entry) -> bool:
    return any(r.terms.require_reason for r in approval.spec.requirements if r.policy in entry.policies)


def changed_beside_decisions(old: Object, new: Object) -> list[str]:
    """Name the fields that differ between two stored forms of an Approval, decisions left out.

    `status` is left out too: the API server itself keeps it on the main endpoint; so is what `clears` takes away.
    """
    changed = [key for key in _keys(old, new) - {"metadata", "status"} if old.get(key) != new.get(key)]
    old_meta, new_meta = old.get("metadata") or {}, new.get("metadata") or {}
    changed += [
        f"metadata.{key}" for key in _keys(old_meta, new_meta) - SERVER_KEPT if old_meta.get(key) != new_meta.get(key)
    ]
    before, after = old_meta.get("annotations") or {}, new_meta.get("annotations") or {}
    changed += [
        f"metadata.annotations[{key}]"
        for key in _keys(before, after) - {DECISIONS} - (ASKING - after.keys())
        if before.get(key) != after.get(key)
    ]
    return sorted(changed)


def _keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    return set(old) | set(new)


def added_entry(old: Sequence[Entry], new: Sequence[Entry], *, user: User, now: datetime) -> Entry:
    """Return the one entry that an update adds.

    Raises:
        DecisionRefused: the chain does not grow by exactly one, or the new entry is not this user's, made just now.
    """
    if len(new) != len(old) + 1 or tuple(new[:-1]) != tuple(old):
        raise DecisionRefused("an Approval changes only by one decision at a time")
    entry = new[-1]
    signed_for = (entry.user.username, entry.user.uid, entry.user.groups)
    if signed_for != (user.username, user.uid, user.groups):
        raise DecisionRefused("the decision was signed for somebody else")
    if abs((now - entry.at).total_seconds()) > 60:
        raise DecisionRefused("the decision was not signed just now")
    return entry
