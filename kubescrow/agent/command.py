"""The commands of `kubescrow agents`, with the cluster they work on."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
import yaml
from rich.table import Table
from rich.text import Text

from kubescrow.access import Access
from kubescrow.agent.accounts import LONGEST_S, SHORTEST_S, Made, Token, create, token, write_private
from kubescrow.agent.governed import Agent, account_user, agents, governed_by
from kubescrow.agent.identity import KUBE_SYSTEM, Identity, WrongIdentity, identity, service_account, why_not_lockable
from kubescrow.agent.lock import REASON_LIMIT
from kubescrow.agent.locking import Locked, lock, unlock
from kubescrow.agent.roles import POWERFUL
from kubescrow.approval import times
from kubescrow.approval.asking import VIEWER, whoami
from kubescrow.approval.seen import readable
from kubescrow.console import console
from kubescrow.refusal import wrong_use
from kubescrow.saying import said
from webhook.admission.request import User
from webhook.admission.subject import SubjectKind
from webhook.approval.record import time_wire
from webhook.approval.visible import visible
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError
from webhook.cluster.names import APPROVALS, DEFAULT_NAMESPACE, POLICIES
from webhook.policy.duration import duration_s, duration_text

ADMIN = "cluster-admin, or one that may do just that"
SERVICE_ACCOUNTS = "/api/v1/serviceaccounts"


def meant(name: str, *, namespace: str, user: str = "", group: str = "") -> Identity:
    """Read whom the arguments mean.

    Raises:
        Exit: nobody, or several.
    """
    try:
        return identity(name, namespace=namespace, user=user, group=group)
    except WrongIdentity as err:
        raise wrong_use(str(err)) from err


def seconds_of(option: str, text: str, least_s: int, most_s: int) -> int:
    """Read a duration option.

    Raises:
        Exit: it is none, or out of bounds.
    """
    try:
        seconds = duration_s(text)
    except ValueError:
        seconds = -1
    if not least_s <= seconds <= most_s:
        raise wrong_use(f"{option} {text}: allowed: {duration_text(least_s)} to {duration_text(most_s)}, such as 30m")
    return seconds


def run_create(agent: Identity, *, roles: list[str], namespaces: list[str], access: Access, as_json: bool) -> int:
    """Make an agent; returns the exit code."""
    place = agent.subject.namespace
    if place in {KUBE_SYSTEM, DEFAULT_NAMESPACE}:
        raise wrong_use(f"--namespace {place}: allowed: a namespace of agents; here the cluster or Kubescrow works")
    for each in namespaces:
        try:
            service_account(each, "default")
        except WrongIdentity as err:
            raise wrong_use(f"--in {each}: not a namespace") from err

    async def work(cluster: Cluster) -> tuple[list[Made], tuple[str, ...] | None]:
        made = await create(cluster, agent, roles=roles, namespaces=namespaces or [place])
        return made, await _policies_of(cluster, agent)

    made, policies = access.work(work, role=ADMIN)
    if as_json:
        listed = [{"object": one.text, "created": one.created, "asWanted": one.same} for one in made]
        typer.echo(json.dumps({"agent": agent.username, "objects": listed, "policies": policies}))
    else:
        for one in made:
            typer.echo(f"{visible(one.text)}: {'created' if one.created else 'exists' if one.same else 'DIFFERS'}")
    _warn(agent, roles, policies)
    different = [each.text for each in made if not each.same]
    for text in different:
        typer.echo(visible(f"{text} exists and gives other rights; it was left as it is"), err=True)
    return 1 if different else 0


def _warn(agent: Identity, roles: list[str], policies: tuple[str, ...] | None) -> None:
    for role in sorted(POWERFUL & set(roles)):
        typer.echo(f"role {role} may read Secrets and take other identities; see README, What it is not", err=True)
    if policies:
        typer.echo(visible(f"governed by {', '.join(policies)}"), err=True)
    elif policies is not None:
        subject = agent.subject
        entry = f"serviceAccount: {{namespace: {subject.namespace}, name: {subject.name}}}"
        typer.echo(f"NOT GOVERNED: no AgentPolicy names it; add to the subjects of one: {entry}", err=True)


def run_token(  # noqa: PLR0913 -- options of one command
    agent: Identity, *, duration: str, file: Path | None, is_forced: bool, access: Access, as_json: bool
) -> None:
    """Print or write a kubeconfig with a short-lived token."""
    seconds = seconds_of("--duration", duration, SHORTEST_S, LONGEST_S)
    if file is not None and file.exists() and not is_forced:
        raise wrong_use(f"--to {file}: exists; allowed: a new file, or --force to replace it")

    async def work(cluster: Cluster) -> Token:
        return await token(cluster, agent, duration_s=seconds)

    made = access.work(work, role=ADMIN)
    text = yaml.safe_dump(made.kubeconfig, sort_keys=False)
    if file is not None:
        try:
            write_private(file, text)
        except OSError as err:
            raise wrong_use(f"--to {file}: not writable: {err.strerror}") from err
    if as_json:
        told = {"agent": agent.username, "expires": made.expires, "file": str(file) if file else None}
        typer.echo(json.dumps(told if file else {**told, "kubeconfig": made.kubeconfig}))
    elif file is None:
        typer.echo(text, nl=False)
    where = f", written to {file}" if file else ""
    typer.echo(visible(f"a token of {agent.text} until {made.expires}{where}"), err=True)


def run_list(*, access: Access, as_json: bool) -> None:
    """List agents."""

    async def work(cluster: Cluster) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
        policies = await cluster.list_all(POLICIES)
        accounts, approvals = await asyncio.gather(
            _if_allowed(cluster, SERVICE_ACCOUNTS, "which ServiceAccounts they match is not shown"),
            _if_allowed(cluster, APPROVALS, "what they asked for is not shown"),
        )
        return policies, accounts, approvals

    policies, accounts, approvals = access.work(work, role=VIEWER)
    now = datetime.now(UTC)
    names = [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in accounts]
    found = agents(policies, names, readable(approvals)[0], now=now)
    if as_json:
        for agent in found:
            typer.echo(json.dumps(_facts(agent)))
    elif found:
        console().print(_table(found, now))
    else:
        typer.echo("no agents: no AgentPolicy names anybody", err=True)


async def _if_allowed(cluster: Cluster, path: str, without: str) -> list[dict[str, Any]]:
    try:
        return await cluster.list_all(path)
    except ClusterError as err:
        typer.echo(f"{said(err, role=VIEWER)}; {without}", err=True)
        return []


def run_lock(whom: Identity, *, reason: str, timeout: str, access: Access, as_json: bool) -> int:
    """Lock an agent, and wait until the lock is enforced; returns the exit code."""
    timeout_s = seconds_of("--timeout", timeout, 0, 600)
    if len(reason) > REASON_LIMIT:
        raise wrong_use(f"--reason: {len(reason)} characters; allowed: {REASON_LIMIT}")

    async def work(cluster: Cluster) -> Locked:
        user = await whoami(cluster)
        me = User(str(user.get("username", "")), groups=tuple(map(str, user.get("groups") or ())))
        if why := why_not_lockable(whom, me=me, own_namespace=DEFAULT_NAMESPACE):
            raise wrong_use(f"{why}; if you mean it, apply an AgentPolicy")
        return await lock(cluster, whom, by=me.username, reason=reason, timeout_s=timeout_s)

    done = access.work(work, role=ADMIN)
    if as_json:
        told = {
            "agent": whom.text,
            "policy": done.policy,
            "wasLocked": done.was_there,
            "enforced": done.enforced_at,
            "weakened": done.weakened,
        }
        typer.echo(json.dumps({**told, "seconds": round(done.took_s, 3), "openApprovals": done.open_approvals}))
    else:
        _tell_lock(whom, done)
    return 0 if done.enforced_at is not None else 1


def _tell_lock(whom: Identity, done: Locked) -> None:
    name = visible(whom.text)
    if done.weakened:
        fields = visible(", ".join(f"spec.{field}" for field in done.weakened))
        lead = f"ALARM: NOT LOCKED: AgentPolicy {done.policy} was stored with another {fields} than was sent"
        say = (
            "something in the cluster changes it on its way (a MutatingAdmissionPolicy or another webhook): remove that"
        )
        console(stderr=True).print(Text(f"{lead}; {say}", style="bold red"))
        return
    if done.enforced_at is None:
        words = f"NOT ENFORCED after {done.took_s:.1f} s: AgentPolicy {done.policy} is written, but the webhook has not"
        say = f"{words} taken it; is it running? kubectl get agentpolicy {done.policy}"
        console(stderr=True).print(Text(say, style="bold red"))
        return
    again = " (it was locked before)" if done.was_there else ""
    lead = f"LOCKED {name}{again}: every write is denied, enforced since {done.enforced_at}"
    console().print(Text(f"{lead}, {done.took_s:.1f} s after this command", style="bold green"))
    if done.open_approvals:
        typer.echo(
            f"{done.open_approvals} of its approvals are open; none of them lets anything pass while it is locked"
        )
    typer.echo(
        "It can still read, as RBAC lets it, unless the API server asks the authorizer. "
        "What it has running goes on. Unlock: kubescrow agents unlock"
    )


def run_unlock(whom: Identity, *, access: Access, as_json: bool) -> None:
    """Remove a lock."""

    async def work(cluster: Cluster) -> tuple[bool, tuple[str, ...] | None]:
        return await unlock(cluster, whom), await _policies_of(cluster, whom)

    was_locked, policies = access.work(work, role=ADMIN)
    if as_json:
        told = {"agent": whom.text, "policy": whom.lock_name, "wasLocked": was_locked, "policies": policies}
        typer.echo(json.dumps(told))
        return
    typer.echo(visible(f"{'unlocked' if was_locked else 'was not locked'}: {whom.text}"))
    if was_locked and whom.username:
        list_them = f"kubescrow approvals list --state Approved --requester {whom.username}"
        typer.echo(visible(f"What was approved before may pass again within its time; see {list_them}"))
    if policies == ():
        typer.echo("NOT GOVERNED: no AgentPolicy names it any more; it may do whatever RBAC lets it do", err=True)


async def _policies_of(cluster: Cluster, whom: Identity) -> tuple[str, ...] | None:
    """The policies that name a ServiceAccount; None if that is not known, as for people, whose groups we cannot see."""
    subject = whom.subject
    if subject.kind is not SubjectKind.SERVICE_ACCOUNT:
        return None
    try:
        return governed_by(await cluster.list_all(POLICIES), account_user(subject.namespace, subject.name))
    except ClusterError:
        return None


HEADINGS = ("AGENT", "LOCKED", "POLICIES", "APPROVALS", "LAST-ASKED")


def _table(found: list[Agent], now: datetime) -> Table:
    made = Table(box=None, pad_edge=False, header_style="dim")
    for heading in HEADINGS:
        made.add_column(heading, overflow="fold")
    for agent in found:
        policies = ", ".join(agent.policies) + (" (observed only)" if agent.observed_only else "")
        made.add_row(
            visible(agent.identity.text),
            Text(agent.lock or "no", style="bold red" if agent.lock else ""),
            visible(policies),
            ", ".join(f"{state.value} {count}" for state, count in agent.asked.items()),
            times.distance(agent.last_asked, now=now) if agent.last_asked else "",
        )
    return made


def _facts(agent: Agent) -> dict[str, Any]:
    return {
        "agent": agent.identity.text,
        "subject": agent.identity.entry,
        "policies": list(agent.policies),
        "observedOnly": agent.observed_only,
        "lock": agent.lock or "no",
        "approvals": {state.value: count for state, count in agent.asked.items()},
        "lastAsked": time_wire(agent.last_asked) if agent.last_asked else None,
    }
