"""The commands of `kubescrow approvals`, with the cluster they work on."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import typer
from rich.text import Text

from kubescrow.access import Access
from kubescrow.approval import asking
from kubescrow.approval.asking import APPROVER, VIEWER, equals
from kubescrow.approval.deciding import CHANGED, Outcome, decide
from kubescrow.approval.screen import RECENT, Moment, decision, lock_command, screen
from kubescrow.approval.seen import Seen, readable, seen
from kubescrow.approval.table import facts, line, table
from kubescrow.approval.watching import watched
from kubescrow.console import console, quiet_logs
from kubescrow.refusal import wrong_use
from kubescrow.saying import said
from webhook.admission.request import SERVICE_ACCOUNT_PREFIX
from webhook.approval.decisions import Decision
from webhook.approval.guard import REASON_LIMIT
from webhook.approval.lifecycle import State
from webhook.approval.record import MalformedApproval
from webhook.approval.visible import visible
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError
from webhook.cluster.names import APPROVALS

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A name and nothing else: it becomes part of a URL, and is often pasted from what an agent said."""

PREFIX = re.compile(r"^(approvals?|appr)(\.kubescrow\.dev)?/")
"""What `kubectl get -o name` puts before it."""

INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

OPEN_FOR = {
    Decision.APPROVED: {State.PENDING},
    Decision.DENIED: {State.PENDING, State.APPROVED},
    Decision.REVOKED: {State.APPROVED},
}
"""The states in which each decision can be made; others are left out of what a selector finds."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to decide, on what. `seen` is the token of what they saw; empty = what is there now."""

    decision: str
    names: tuple[str, ...]
    selector: str
    reason: str
    seen: str
    is_sure: bool


def state_of(text: str) -> str:
    """Read --state, in whatever case.

    Raises:
        Exit: it is none.
    """
    found = [state.value for state in State if state.value.lower() == text.lower()]
    if not found:
        raise wrong_use(f"--state {text}: allowed: {', '.join(State)}; --all for every state")
    return found[0]


def run_list(state: str, namespace: str, requester: str, *, access: Access, as_json: bool) -> None:
    """List approvals."""
    selectors = [equals("status.state", state)] if state else []
    selectors += [equals("spec.requester.username", _username(requester))] if requester else []

    async def work(cluster: Cluster) -> list[dict[str, object]]:
        return await cluster.list_all(APPROVALS, query={"fieldSelector": ",".join(selectors)} if selectors else None)

    good, bad = readable(access.work(work, role=VIEWER))
    now = _now()
    found = [each for each in good if _touches(each, namespace)]
    if as_json:
        for each in found:
            typer.echo(json.dumps(facts(each, now=now)))
    elif found:
        console().print(table(found, now=now))
    for name in bad:
        typer.echo(f"{visible(name)}: not readable, it does not have the form of an Approval", err=True)
    if not found and not as_json:
        typer.echo(f"no approvals{f' are {state}' if state else ''}", err=True)


def run_show(name: str, *, access: Access, as_json: bool) -> None:
    """Show one approval."""

    async def work(cluster: Cluster) -> tuple[Seen, list[Text], dict[str, object]]:
        found = await _one(cluster, name)
        history, viewer = await asking.surroundings(cluster, found)
        moment = Moment(_now())
        before = {
            "problem": history.problem,
            "approvals": [facts(other, now=moment.now) for other in history.others[-RECENT:]],
        }
        shown = list(screen(found, history=history, viewer=viewer, moment=moment))
        return found, shown, {**facts(found, now=moment.now), "history": before}

    found, shown, told = access.work(work, role=VIEWER)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        for each in shown:
            console().print(each)
    if found.alarm:
        raise typer.Exit(1)


def run_decide(wish: Wish, *, access: Access, as_json: bool) -> int:
    """Decide; returns the exit code."""
    sent = Decision(wish.decision)
    if len(wish.reason) > REASON_LIMIT:
        raise wrong_use(f"--reason: {len(wish.reason)} characters; allowed: {REASON_LIMIT}")

    async def work(cluster: Cluster) -> list[Outcome]:
        if not wish.selector:
            return [await _by_name(cluster, name, wish, sent, as_json) for name in wish.names]
        chosen = await _selected(cluster, wish.selector, sent)
        if not chosen or not (wish.is_sure or _is_sure(chosen, sent)):
            typer.echo("nothing was decided" if chosen else f"nothing to decide with labels {wish.selector}", err=True)
            return []
        return [_told(await decide(cluster, each, sent, reason=wish.reason), as_json) for each in chosen]

    outcomes = access.work(work, role=APPROVER)
    return 0 if outcomes and not any(outcome.problem for outcome in outcomes) else 1


def run_watch(namespace: str, requester: str, *, access: Access, as_json: bool) -> None:
    """Print approvals as they come, until somebody interrupts it."""
    quiet_logs()
    screen_of = console()
    username = _username(requester)
    known: set[str] = set()

    def tell(found: Seen) -> None:
        now = _now()
        is_new = found.approval.uid not in known
        known.add(found.approval.uid)
        if (username and found.approval.spec.requester.username != username) or not _touches(found, namespace):
            return
        if is_new and found.state(now).is_final:
            return  # it was over before anybody looked
        if as_json:
            typer.echo(json.dumps({"event": "new" if is_new else "changed", **facts(found, now=now)}))
        else:
            screen_of.print(line(found, now=now))

    async def work(cluster: Cluster) -> None:
        await watched(cluster, tell=tell, complain=lambda text: typer.echo(text, err=True))

    try:
        access.work(work, role=VIEWER)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


async def _one(cluster: Cluster, typed: str) -> Seen:
    name = PREFIX.sub("", typed)
    if not NAME.fullmatch(name):
        raise ClusterError("", words=f"{name}: allowed: the name of an approval, such as appr-7f3a2c91d0e4b5a6")
    try:
        return seen(await asking.approval(cluster, name))
    except MalformedApproval as err:
        raise ClusterError("", words=f"{name} does not have the form of an Approval; tell an operator") from err


async def _by_name(cluster: Cluster, name: str, wish: Wish, sent: Decision, as_json: bool) -> Outcome:
    try:
        before = await _one(cluster, name)
    except ClusterError as err:
        return _told(Outcome(name, sent, problem=said(err, role=APPROVER)), as_json)
    if wish.seen and wish.seen != before.token:
        return _told(Outcome(name, sent, problem=CHANGED), as_json)
    if before.alarm:
        return _told(Outcome(name, sent, before, problem=before.alarm, is_alarm=True), as_json)
    return _told(await decide(cluster, before, sent, reason=wish.reason), as_json)


async def _selected(cluster: Cluster, selector: str, sent: Decision) -> list[Seen]:
    good, _ = readable(await cluster.list_all(APPROVALS, query={"labelSelector": selector}))
    now = _now()
    return [each for each in good if each.state(now) in OPEN_FOR[sent] and not each.alarm]


def _is_sure(chosen: list[Seen], sent: Decision) -> bool:
    """Show what was found, and ask; whatever is not yes is no."""
    console(stderr=True).print(table(chosen, now=_now()))
    verb = {Decision.APPROVED: "approve", Decision.DENIED: "deny", Decision.REVOKED: "revoke"}[sent]
    try:
        return typer.confirm(f"{verb} {'these' if len(chosen) > 1 else 'this'} {len(chosen)}?", err=True)
    except typer.Abort:
        return False


def _told(outcome: Outcome, as_json: bool) -> Outcome:
    """Print what became of one decision."""
    if as_json:
        typer.echo(json.dumps(_outcome_facts(outcome)))
        return outcome
    screen_of, moment = console(stderr=bool(outcome.problem)), Moment(_now())
    if outcome.problem:
        lead = "ALARM: NOT AS YOU SAID: " if outcome.is_alarm else ""
        screen_of.print(Text(f"{lead}{outcome.name}: {visible(_once(outcome))}", style="bold red"))
    if outcome.recorded is not None and outcome.after is not None:
        spec = outcome.after.approval.spec
        what = visible(f"{spec.operation} {spec.touched.path} by {spec.requester.username}")
        screen_of.print(Text.assemble((outcome.name, "bold"), " recorded: ", decision(outcome.recorded, moment)))
        screen_of.print(Text(f"  {what}: {_standing(outcome, outcome.after, moment)}"))
    if outcome.is_alarm and outcome.after is not None:
        lock = lock_command(outcome.after.approval.spec.requester)
        screen_of.print(Text(_ALARM.format(name=outcome.name, lock=lock), style="bold red"))
    return outcome


def _once(outcome: Outcome) -> str:
    """The problem without the name, by which the webhook's own words begin."""
    return outcome.problem.removeprefix(f"{outcome.name} ")


_ALARM = """Something in the cluster changes decisions on their way (a MutatingAdmissionPolicy or another webhook).
If it is approved and must not be: {lock}
Then tell an operator; what came of a decision is in kubescrow approvals show {name}"""


def _standing(outcome: Outcome, after: Seen, moment: Moment) -> str:
    if not outcome.is_confirmed:
        return "Kubescrow has not confirmed it yet; see kubescrow approvals show"
    state = after.state(moment.now)
    missing = sum(after.missing(requirement) for requirement in after.approval.spec.requirements)
    if state is State.PENDING and missing:
        return f"still Pending, {missing} more approval{'s' if missing > 1 else ''} needed"
    return f"now {state.value}"


def _outcome_facts(outcome: Outcome) -> dict[str, object]:
    recorded = facts(outcome.after, now=_now()) if outcome.after else None
    return {
        "name": outcome.name,
        "sent": outcome.sent.value,
        "recorded": outcome.recorded.decision.value if outcome.recorded else None,
        "recordedBy": outcome.recorded.user.username if outcome.recorded else None,
        "confirmed": outcome.is_confirmed,
        "problem": outcome.problem,
        "alarm": outcome.is_alarm,
        "approval": recorded,
    }


def _touches(found: Seen, namespace: str) -> bool:
    touched = found.approval.spec.touched
    return namespace in {"", touched.namespace} or (touched.resource == "namespaces" and touched.name == namespace)


def _username(requester: str) -> str:
    """A username; NAMESPACE/NAME stands for a ServiceAccount."""
    namespace, slash, name = requester.partition("/")
    is_account = slash and namespace and name and "/" not in name and ":" not in requester
    return f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}" if is_account else requester


def _now() -> datetime:
    return datetime.now(UTC)
