"""Everything that an approver at three in the morning needs, on one screen. Pure.

What a client wrote is made visible; the agent's own reason is marked as nobody's word but its own.
"""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from rich.text import Text

from kubescrow.approval import times
from kubescrow.approval.colour import lines
from kubescrow.approval.seen import Seen
from kubescrow.telling import duration
from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Requirement
from webhook.approval.decisions import Decision, Entry
from webhook.approval.lifecycle import State
from webhook.approval.visible import still_visible, visible

STYLES = {
    State.PENDING: "bold yellow",
    State.APPROVED: "bold green",
    State.USED: "green",
    State.DENIED: "bold red",
    State.REVOKED: "bold red",
    State.EXPIRED: "dim",
    State.SUPERSEDED: "dim",
}

RECENT = 5
"""Approvals of the agent that are shown one by one; more than a glance is `list --requester`."""

DECISION_STYLES = {Decision.APPROVED: "green", Decision.DENIED: "red", Decision.REVOKED: "red"}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, if that could be found out, and for which of the holding policies they may approve; None = unknown."""

    username: str = ""
    may_approve: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """Other approvals of the same agent, oldest first. `problem` says why they are not known or not all."""

    others: Sequence[Seen] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody looks, and in which zone; None = that of this machine."""

    now: datetime
    zone: tzinfo | None = None

    def full(self, moment: datetime) -> str:
        """A time in words and in UTC."""
        return times.in_full(moment, now=self.now, zone=self.zone)


def screen(seen: Seen, *, history: History, viewer: Viewer, moment: Moment) -> Iterator[Text]:
    """Yield the lines of the whole screen."""
    yield from _heading(seen, moment)
    yield from _holding(seen, viewer, moment)
    # The blast radius goes here once Approvals have `spec.blastRadius`; it is information, not part of what is bound.
    yield from _change(seen)
    yield from _agents_reason(seen)
    yield from _history(history, moment)
    yield from _decisions(seen, moment)
    yield from commands(seen, moment)


def _heading(seen: Seen, moment: Moment) -> Iterator[Text]:
    spec, state = seen.approval.spec, seen.state(moment.now)
    yield Text.assemble((seen.name, "bold"), "   ", (state.value, STYLES[state]), f"   {_outlook(seen, state, moment)}")
    if seen.alarm:
        yield Text(f"ALARM: {visible(seen.alarm)}. Do not decide on it; tell an operator.", style="bold red")
    yield Text()
    yield Text(f"  {visible(f'{spec.operation} {spec.touched.path}')}", style="bold")
    yield _fact("by", visible(spec.requester.username))
    yield _fact("asked", moment.full(spec.requested_at))
    if state.is_final:
        yield _fact("ended", moment.full(seen.ended) if seen.ended else "when is not written down yet")
        return
    yield _fact("decide by", moment.full(spec.decide_by))
    yield _fact("use within", f"{duration(spec.use_within_s).replace('.0 s', ' s')} after the last approval it needs")
    if state is State.PENDING:
        waits = moment.now < spec.wait_until and spec.operation != "CONNECT"
        until = f"is held until {times.distance(spec.wait_until, now=moment.now)}".replace("until in", "for another")
        yield _fact("its call", until if waits else "does not wait any more; it must send the same request again")


def _outlook(seen: Seen, state: State, moment: Moment) -> str:
    """What comes next, or what happened."""
    if seen.alarm:
        return ""
    if state is State.PENDING:
        return f"a person must decide, {times.distance(seen.approval.spec.decide_by, now=moment.now)} at the latest"
    if state is State.APPROVED and seen.expires:
        return f"the request may pass once; that ends {times.distance(seen.expires, now=moment.now)}"
    decided_by = str(seen.approval.status.get("decidedBy", ""))
    return visible(f"decided by {decided_by}") if decided_by else ""


def _holding(seen: Seen, viewer: Viewer, moment: Moment) -> Iterator[Text]:
    yield from _title("held by")
    is_open = not seen.state(moment.now).is_final
    for requirement in seen.approval.spec.requirements:
        missing, needed = seen.missing(requirement), requirement.terms.approvals
        given = f"{needed} approval{'s' if needed > 1 else ''} needed, {needed - missing} given"
        still = f"; {missing} more from {approvers(requirement)}" if missing and is_open else ""
        reason = "; a reason is required" if requirement.terms.require_reason else ""
        rule = visible(f"{requirement.policy}/{requirement.rule}")
        yield Text.assemble(f"  {rule}  ", (f"{given}{still}{reason}", "yellow" if missing else "green"))
    if viewer.username and is_open:
        yield Text(f"  you are {visible(viewer.username)}; {_your_right(seen, viewer)}", style="dim")


def _your_right(seen: Seen, viewer: Viewer) -> str:
    if viewer.username == seen.approval.spec.requester.username:
        return "nobody decides on their own request"
    lacking = sorted(policy for policy, may in viewer.may_approve.items() if not may)
    if lacking:
        return visible(f'you lack verb "approve" on agentpolicies.kubescrow.dev {", ".join(lacking)}')
    return "you have the right to approve for its policies"


def approvers(requirement: Requirement) -> str:
    """Who may approve for a rule, in words."""
    if requirement.terms.approvers is None:
        return visible(f"whoever may approve for policy {requirement.policy}")
    return " or ".join(_subject(subject) for subject in requirement.terms.approvers)


def _subject(subject: Subject) -> str:
    if subject.kind is SubjectKind.SERVICE_ACCOUNT:
        return visible(f"ServiceAccount {subject.namespace}/{subject.name}")
    return visible(f"{subject.kind.value} {subject.name}")


def _change(seen: Seen) -> Iterator[Text]:
    yield from _title("what would happen", "exactly this; secrets are masked")
    for line in lines(seen.approval.spec.change):
        yield Text("  ").append_text(line.styled())


def _agents_reason(seen: Seen) -> Iterator[Text]:
    yield from _title("the agent says", "UNTRUSTED: its own words, checked by nobody")
    reason = seen.approval.spec.reason
    yield Text(f'  "{still_visible(reason)}"', style="italic") if reason else Text("  nothing", style="dim")


def _history(history: History, moment: Moment) -> Iterator[Text]:
    yield from _title("this agent before")
    if history.problem:
        yield Text(f"  {visible(history.problem)}", style="dim")
    if not history.others:
        if not history.problem:
            yield Text("  nothing else is on record", style="dim")
        return
    counts = Counter(other.state(moment.now) for other in history.others)
    told = ", ".join(f"{state.value} {counts[state]}" for state in State if counts[state])
    yield Text(
        f"  {len(history.others)} other approvals: {told}" if len(history.others) > 1 else f"  one other: {told}"
    )
    for other in reversed(history.others[-RECENT:]):
        spec, state = other.approval.spec, other.state(moment.now)
        when = times.distance(spec.requested_at, now=moment.now)
        what = visible(f"{spec.operation} {spec.touched.path}")
        yield Text.assemble("  ", (f"{state.value:<11}", STYLES[state]), f"{when:<16} {what}")


def _decisions(seen: Seen, moment: Moment) -> Iterator[Text]:
    yield from _title("decisions")
    if not seen.chain:
        yield Text("  none", style="dim")
    for place, entry in enumerate(seen.chain, start=1):
        yield Text("  ").append_text(decision(entry, moment))
        if place > seen.confirmed:
            yield Text("    not confirmed yet: Kubescrow has not written down that it verified this", style="bold red")


def decision(entry: Entry, moment: Moment) -> Text:
    """One decision: what, by whom, when, why."""
    why = f': "{visible(entry.reason)}"' if entry.reason else ", no reason given"
    who = f" by {visible(entry.user.username)} {moment.full(entry.at)}{why}"
    return Text.assemble((entry.decision.value, DECISION_STYLES[entry.decision]), who)


def commands(seen: Seen, moment: Moment) -> Iterator[Text]:
    """Yield the exact commands to decide; nothing where there is nothing to decide."""
    state = seen.state(moment.now)
    possible = {State.PENDING: ("approve", "deny"), State.APPROVED: ("revoke",)}.get(state, ())
    if not possible or seen.alarm:
        return
    yield from _title("decide", "--seen makes it a decision about what you see here")
    for word in possible:
        reason = ' --reason "..."' if word != "approve" or _asks_for_reason(seen) else ""
        yield Text(f"  kubescrow approvals {word} {seen.name} --seen {seen.token}{reason}")
    yield Text(f"  {lock_command(seen.approval.spec.requester)}   (stops the agent altogether)", style="dim")


def lock_command(agent: User) -> str:
    """The command that stops an agent, safe to paste whatever the agent is called."""
    option = "" if agent.service_account else "--user="
    return visible(f"kubescrow agents lock {shlex.quote(option + agent.username)}")


def _asks_for_reason(seen: Seen) -> bool:
    return any(requirement.terms.require_reason for requirement in seen.approval.spec.requirements)


def _title(words: str, note: str = "") -> Iterator[Text]:
    yield Text()
    yield Text.assemble((words, "bold"), (f"   ({note})" if note else "", "dim"))


def _fact(name: str, value: str) -> Text:
    return Text.assemble("  ", (f"{name:<11}", "dim"), value)
