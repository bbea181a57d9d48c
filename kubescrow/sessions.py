"""`kubescrow sessions list|show|play`: what agents did, and it played again."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditsink.intake.identity import effective_user, extra
from auditsink.replay.step import Step, steps
from auditsink.replay.tape import Frame, frames
from kubescrow import telling
from kubescrow.playing import enter, played
from kubescrow.refusal import wrong_use
from kubescrow.source import Source, SourceFailed, opened
from kubescrow.telling import plain

if TYPE_CHECKING:  # it brings SQLAlchemy, half a second that only reading needs
    from auditsink.store.queries import Session

sessions = typer.Typer(help="What agents did: list, show, play.", no_args_is_help=True)

SHORT = 12
"""Digits of a session's id that tables show; commands take any beginning that is unique."""

PIPE_WIDTH = 10_000
"""Columns where no terminal says how many it has: nothing is folded, so that a line stays a line."""

SLOWEST = 0.01
"""A pause is at most 15 minutes long: at this speed, a day."""


def speed_of(text: str | float) -> float:
    """Read --speed, or its default.

    Raises:
        BadParameter: it is none.
    """
    with contextlib.suppress(ValueError):
        speed = float(text)
        if speed == 0 or (speed >= SLOWEST and isfinite(speed)):
            return speed
    raise typer.BadParameter(f"{text}: allowed: 0 (at once), or a number from {SLOWEST}")


def limit_of(text: str | int) -> int:
    """Read --limit, or its default.

    Raises:
        BadParameter: it is none.
    """
    with contextlib.suppress(ValueError):
        limit = int(text)
        if 1 <= limit <= 1000:
            return limit
    raise typer.BadParameter(f"{text}: allowed: a whole number from 1 to 1000")


Database = Annotated[str, typer.Option(envvar="KUBESCROW_DATABASE", help="Database URL or SQLite file.")]
ServerUrl = Annotated[str, typer.Option("--server", envvar="KUBESCROW_SERVER", help="URL of an auditsink.")]
Token = Annotated[str, typer.Option(envvar="KUBESCROW_TOKEN", help="Kubernetes token for --server.")]
Ca = Annotated[Path | None, typer.Option(help="CA certificate of --server.")]
Cluster = Annotated[str, typer.Option(help="Cluster; may be left out if there is only one.")]
Output = Annotated[str, typer.Option("--output", "-o", help="text or json.")]
All = Annotated[bool, typer.Option("--all", help="Also what clients ask to find out what the API server can do.")]
Id = Annotated[str, typer.Argument(help="Session id, or any beginning of it that is unique.")]
Limit = Annotated[int, typer.Option(parser=limit_of, metavar="NUMBER", help="At most so many, 1 to 1000.")]
Speed = Annotated[float, typer.Option(parser=speed_of, metavar="NUMBER", help="Times faster than it was; 0 = at once.")]


@sessions.command("list")
def list_sessions(  # noqa: PLR0913, PLR0917 -- options of one command
    database: Database = "",
    server: ServerUrl = "",
    token: Token = "",
    ca: Ca = None,
    cluster: Cluster = "",
    user: Annotated[str, typer.Option(help="Only sessions of this user.")] = "",
    limit: Limit = 50,
    output: Output = "text",
) -> None:
    """List sessions, the one that was active last first."""
    with _reading(output, database=database, server=server, token=token, ca=ca) as source:
        found = list(islice(source.sessions(_cluster(source, cluster), user=user), limit))
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
            plain(session.username),
            session.kind,
            telling.moment(session.first_us)[:19],
            telling.duration((session.last_us - session.first_us) / 1e6),
            str(session.events),
            plain(" ".join(f"{word} {count}" for word, count in sorted(session.by_verdict.items()) if word)),
        )
    _console().print(table)


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
    with _reading(output, database=database, server=server, token=token, ca=ca) as source:
        found, tape = _tape(source, cluster, session, everything)
        born = _birth(source, found, tape)
    if output == "json":
        facts = {**_facts(found), "birth": born, "steps": [telling.detail(step) for step in tape]}
        typer.echo(json.dumps(facts, indent=2))
        return
    console = _console()
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
    speed: Speed = 1.0,
    step: Annotated[bool, typer.Option("--step", help="Wait for Enter before each step.")] = False,
    everything: All = False,
    output: Output = "text",
) -> None:
    """Play a session again, step by step, with its real timing."""
    with _reading(output, database=database, server=server, token=token, ca=ca) as source:
        found, tape = _tape(source, cluster, session, everything)
        born = _birth(source, found, tape)
    console = _console()
    if output == "text":
        console.print(_heading(found, born))
    wanted = enter if step else (lambda: True)
    for frame in played(frames(tape, speed=0 if step else speed), sleep=time.sleep, wanted=wanted):
        _show_frame(console, frame, output)


def _show_frame(console: Console, frame: Frame, output: str) -> None:
    if output == "json":
        typer.echo(json.dumps({"at": frame.at_s, **telling.detail(frame.step)}))
        return
    if frame.idle_s:
        console.print(telling.gap(frame))
    console.print(telling.line(frame))


def _console() -> Console:
    """Standard output; what is printed is text, never markup, whoever wrote it."""
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


@contextlib.contextmanager
def _reading(output: str, *, database: str, server: str, token: str, ca: Path | None) -> Iterator[Source]:
    """Open what is read from; whatever fails ends the command with a line that says why."""
    if output not in {"text", "json"}:
        raise wrong_use(f"--output {output}: allowed: text, json")
    try:
        with opened(database=database, server=server, token=token, ca=ca) as source:
            yield source
    except SourceFailed as err:
        raise wrong_use(str(err)) from err


def _tape(source: Source, cluster: str, session: str, everything: bool) -> "tuple[Session, list[Step]]":
    found = _session(source, _cluster(source, cluster), session)
    made = steps(source.seen(found.cluster, found.session))
    return found, [step for step in made if everything or not step.is_discovery]


def _cluster(source: Source, cluster: str) -> str:
    known = source.clusters()
    if cluster in known:
        return cluster
    if not known:
        raise SourceFailed(f"--cluster {cluster or '(left out)'}: nothing is recorded yet")
    if cluster or len(known) != 1:
        raise SourceFailed(f"--cluster {cluster or '(left out)'}: allowed: {', '.join(known)}")
    return known[0]


def _session(source: Source, cluster: str, beginning: str) -> "Session":
    exact = source.session(cluster, beginning) if beginning else None
    if exact is not None:
        return exact
    alike = [session for session in source.sessions(cluster, user="") if session.session.startswith(beginning)]
    if len(alike) != 1:
        what = "no session begins like this" if not alike else f"{len(alike)} sessions begin like this"
        raise SourceFailed(f"SESSION {beginning}: {what}; allowed: one of kubescrow sessions list")
    return alike[0]


def _birth(source: Source, session: "Session", tape: list[Step]) -> dict[str, Any] | None:
    """Who asked for the session's token, and when; None if that is not recorded."""
    for credential in _credentials(session, tape):
        event = source.birth(session.cluster, credential)
        if event is not None:
            asked_by, at = effective_user(event), str(event.get("requestReceivedTimestamp", ""))
            return {"credential": credential, "askedBy": asked_by, "at": at}
    return None


def _credentials(session: "Session", tape: list[Step]) -> list[str]:
    """The ids of the credentials that a session used, each once."""
    first = [session.key] if session.kind == "credential" else []
    used = (extra(step.last.event.get("user"), "credential-id") for step in tape)
    return list(dict.fromkeys([*first, *(credential for credential in used if credential)]))


def _heading(session: "Session", born: dict[str, Any] | None) -> Text:
    lines = [f"session {session.session} of {session.username}, cluster {session.cluster}"]
    if session.pod:
        lines.append(f"in Pod {session.pod}")
    if born:
        lines.append(f"its token was asked for by {born['askedBy']} at {born['at']}")
    else:
        lines.append(f"by {session.kind} {session.key}; where it came from is not recorded")
    lines.append(f"began {telling.moment(session.first_us)}")
    return Text("\n".join(plain(line) for line in lines), style="dim")


def _facts(session: "Session") -> dict[str, Any]:
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
        "byVerdict": {word or "none": count for word, count in sorted(session.by_verdict.items())},
    }
