"""`kubescrow sessions list|show|play`: what agents did, and it played again."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditsink.replay.step import Step, steps
from auditsink.replay.tape import frames
from auditsink.store.queries import Session
from kubescrow import telling
from kubescrow.source import Source, SourceFailed, source_of

sessions = typer.Typer(help="What agents did: list, show, play.", no_args_is_help=True)

T = TypeVar("T")

WRONG_USE = 2
SHORT = 12
"""Digits of a session's id that tables show; commands take any beginning that is unique."""

Database = Annotated[str, typer.Option(envvar="KUBESCROW_DATABASE", help="Database URL or SQLite file.")]
ServerUrl = Annotated[str, typer.Option("--server", envvar="KUBESCROW_SERVER", help="URL of an auditsink.")]
Token = Annotated[str, typer.Option(envvar="KUBESCROW_TOKEN", help="Kubernetes token for --server.")]
Ca = Annotated[Path | None, typer.Option(help="CA certificate of --server.")]
Cluster = Annotated[str, typer.Option(help="Cluster; may be left out if there is only one.")]
Output = Annotated[str, typer.Option("--output", "-o", help="text or json.")]
All = Annotated[bool, typer.Option("--all", help="Also what clients ask to find out what the API server can do.")]
Id = Annotated[str, typer.Argument(help="Session id, or any beginning of it that is unique.")]


@sessions.command("list")
def list_sessions(  # noqa: PLR0913, PLR0917 -- options of one command
    database: Database = "",
    server: ServerUrl = "",
    token: Token = "",
    ca: Ca = None,
    cluster: Cluster = "",
    user: Annotated[str, typer.Option(help="Only sessions of this user.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    output: Output = "text",
) -> None:
    """List sessions, the one that was active last first."""
    source = _open(database, server, token, ca, output)
    found = _asked(lambda: source.sessions(_cluster(source, cluster), user=user, limit=limit))
    if output == "json":
        for session in found:
            typer.echo(json.dumps(_facts(session)))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("SESSION", "USER", "BY", "BEGAN", "LASTED", "EVENTS", "VERDICTS"):
        table.add_column(heading, overflow="fold")
    for session in found:
        table.add_row(
            session.session[:SHORT],
            telling.plain(session.username),
            session.kind,
            telling.moment(session.first_us)[:19],
            telling.duration((session.last_us - session.first_us) / 1e6),
            str(session.events),
            " ".join(f"{word} {count}" for word, count in sorted(session.by_verdict.items()) if word),
        )
    Console(soft_wrap=True).print(table)


@sessions.command()
def show(  # noqa: PLR0913, PLR0917 -- options of one command
    session: Id,
    database: Database = "",
    server: ServerUrl = "",
    token: Token = "",
    ca: Ca = None,
    cluster: Cluster = "",
    everything: All = False,
    output: Output = "text",
) -> None:
    """Show who a session is, where its token came from, and its steps."""
    source = _open(database, server, token, ca, output)
    found, tape = _tape(source, cluster, session, everything)
    born = _birth(source, found, tape)
    if output == "json":
        facts = {**_facts(found), "birth": born, "steps": [telling.detail(step) for step in tape]}
        typer.echo(json.dumps(facts, indent=2))
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(_heading(found, born))
    for frame in frames(tape, speed=0):
        console.print(telling.line(frame))


@sessions.command()
def play(  # noqa: PLR0913, PLR0917 -- options of one command
    session: Id,
    database: Database = "",
    server: ServerUrl = "",
    token: Token = "",
    ca: Ca = None,
    cluster: Cluster = "",
    speed: Annotated[float, typer.Option(min=0, help="Times faster than it was; 0 = at once.")] = 1.0,
    step: Annotated[bool, typer.Option("--step", help="Wait for Enter before each step.")] = False,
    everything: All = False,
    output: Output = "text",
) -> None:
    """Play a session again, step by step, with its real timing."""
    source = _open(database, server, token, ca, output)
    found, tape = _tape(source, cluster, session, everything)
    console = Console(soft_wrap=True, highlight=False)
    if output == "text":
        console.print(_heading(found, _birth(source, found, tape)))
    for frame in frames(tape, speed=0 if step else speed):
        if step:
            input()
        time.sleep(frame.pause_s)
        if output == "json":
            typer.echo(json.dumps({"at": frame.at_s, **telling.detail(frame.step)}))
            continue
        if frame.idle_s:
            console.print(telling.gap(frame))
        console.print(telling.line(frame))


def _open(database: str, server: str, token: str, ca: Path | None, output: str) -> Source:
    if output not in {"text", "json"}:
        raise _wrong(f"--output {output}: allowed: text, json")
    return _asked(lambda: source_of(database=database, server=server, token=token, ca=ca))


def _tape(source: Source, cluster: str, session: str, everything: bool) -> tuple[Session, list[Step]]:
    def read() -> tuple[Session, list[Step]]:
        found = _session(source, _cluster(source, cluster), session)
        made = steps(source.seen(found.cluster, found.session))
        return found, [step for step in made if everything or not step.is_discovery]

    return _asked(read)


def _cluster(source: Source, cluster: str) -> str:
    known = source.clusters()
    if cluster in known:
        return cluster
    names = ", ".join(known) or "none, nothing is recorded yet"
    if cluster or len(known) != 1:
        raise SourceFailed(f"--cluster {cluster or '(left out)'}: recorded are: {names}")
    return known[0]


def _session(source: Source, cluster: str, beginning: str) -> Session:
    exact = source.session(cluster, beginning)
    if exact is not None:
        return exact
    alike = [
        session for session in source.sessions(cluster, user="", limit=1000) if session.session.startswith(beginning)
    ]
    if len(alike) != 1:
        what = "none begins like this" if not alike else f"{len(alike)} begin like this"
        raise SourceFailed(f"session {beginning}: {what}; see kubescrow sessions list")
    return alike[0]


def _birth(source: Source, session: Session, tape: list[Step]) -> dict[str, Any] | None:
    """Who asked for the session's token, and when; None if that is not recorded."""
    for credential in _credentials(session, tape):
        event = _asked(partial(source.birth, session.cluster, credential))
        if event is not None:
            asker = (event.get("impersonatedUser") or event.get("user") or {}).get("username", "")
            return {"credential": credential, "askedBy": asker, "at": event.get("requestReceivedTimestamp")}
    return None


def _credentials(session: Session, tape: list[Step]) -> Iterator[str]:
    if session.kind == "credential":
        yield session.key
    key = "authentication.kubernetes.io/credential-id"
    used = (((step.last.event.get("user") or {}).get("extra") or {}).get(key) or () for step in tape)
    yield from dict.fromkeys(str(credential) for credentials in used for credential in credentials)


def _heading(session: Session, born: dict[str, Any] | None) -> Text:
    lines = [f"session {session.session} of {telling.plain(session.username)}, cluster {session.cluster}"]
    if session.pod:
        lines.append(f"in Pod {telling.plain(session.pod)}")
    if born:
        lines.append(f"its token was asked for by {telling.plain(str(born['askedBy']))} at {born['at']}")
    else:
        lines.append(f"by {session.kind} {telling.plain(session.key)}; where it came from is not recorded")
    lines.append(f"began {telling.moment(session.first_us)}")
    return Text("\n".join(lines), style="dim")


def _facts(session: Session) -> dict[str, Any]:
    return {
        "cluster": session.cluster,
        "session": session.session,
        "username": session.username,
        "kind": session.kind,
        "key": session.key,
        "pod": session.pod or None,
        "first": telling.moment(session.first_us),
        "last": telling.moment(session.last_us),
        "events": session.events,
        "byVerdict": {word or "none": count for word, count in session.by_verdict.items()},
    }


def _asked(read: Callable[[], T]) -> T:
    """Read, and end with a line that says why when that fails."""
    try:
        return read()
    except SourceFailed as err:
        raise _wrong(str(err)) from err


def _wrong(text: str) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(WRONG_USE)
