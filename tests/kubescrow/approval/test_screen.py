"""The one screen: all that an approver needs, and nothing an agent wrote acts on the terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from kubescrow.approval.screen import History, Moment, Viewer, lock_command, screen
from kubescrow.approval.seen import Seen, seen
from kubescrow.approval.table import facts, line, table
from tests.kubescrow.approval.stored import BOT, HOSTILE, NO, YES, after, requirement, shown, spec, stored
from tests.webhook.approval.build import SRE
from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Terms
from webhook.approval.visible import is_visible

GOLDEN = Path(__file__).parent / "golden"
MOMENT = Moment(after(300), timezone(timedelta(hours=1), "CET"))
ALICE = Subject(SubjectKind.USER, "alice@example.com")
TWO = requirement(terms=Terms(approvals=2, approvers=(SRE, ALICE), require_reason=True))
OPEN = requirement(policy="other", rule="watch-scaling")
VIEWER = Viewer("carol@example.com", {"production": True, "other": False})
PENDING = shown(TWO, OPEN, reason="please, I know what I do", said=(YES,), expires="2026-11-23T15:04:05Z")
USED = shown(state="Used", said=(YES,), decidedBy="alice@example.com", endedAt="2026-11-23T14:07:00Z")
EARLIER = History((shown(state="Used"), shown(state="Denied"), shown()))


def told(found: Seen, *, history: History = EARLIER, viewer: Viewer = VIEWER) -> str:
    """The screen as plain text."""
    return "\n".join(each.plain for each in screen(found, history=history, viewer=viewer, moment=MOMENT)) + "\n"


@pytest.mark.parametrize(
    ("golden", "text"),
    [
        pytest.param("pending.txt", told(PENDING), id="one that waits for the second of two people"),
        pytest.param("used.txt", told(USED, history=History(), viewer=Viewer()), id="one that was used"),
        pytest.param("denied.txt", told(shown(state="Denied", said=(NO,), decidedBy="bob@example.com")), id="a denial"),
        pytest.param(
            "unconfirmed.txt",
            told(shown(said=(YES,), confirmed=False), history=History(problem="not known: you may not list")),
            id="a decision that the webhook has not verified",
        ),
        pytest.param("tampered.txt", told(shown(decisionsMAC="f" * 64)), id="decisions that were taken away"),
    ],
)
def test_the_screen_is_exactly_this(golden: str, text: str) -> None:
    """What is on it, and in which order."""
    assert text == (GOLDEN / golden).read_text()


def on_terminal(found: Seen, *, colours: bool) -> str:
    """What a terminal gets: the screen, the table, the line."""
    console = Console(file=io.StringIO(), force_terminal=colours, color_system="standard" if colours else None,
                      soft_wrap=True, markup=False, emoji=False, highlight=False, width=200)  # fmt: skip
    for each in screen(found, history=History((found,)), viewer=Viewer("a"), moment=MOMENT):
        console.print(each)
    console.print(table([found], now=MOMENT.now))
    console.print(line(found, now=MOMENT.now))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def hostile(text: str) -> Seen:
    """An Approval in which everything that anybody else chose is this text."""
    policy = requirement(text, text, Terms(approvers=(Subject(SubjectKind.GROUP, text),)))
    who = User(f"system:serviceaccount:{text}", uid="u")
    wanted = replace(spec(policy, requester=who), change=text, reason=text)
    wanted = replace(wanted, touched=replace(wanted.touched, name=text, namespace=text, resource=text))
    said = replace(YES, reason=text, user=User(text))
    kept = shown(said=(said,), decidedBy=text, reason=text).approval
    return seen(stored(wanted, decisions=kept.decisions, status={"decidedBy": text, "reason": text, "state": "Denied"}))


@given(st.text(min_size=1, max_size=40) | st.just(HOSTILE))
def test_nothing_that_anybody_wrote_acts_on_the_terminal(text: str) -> None:
    """Without colours there is no control character at all but the end of a line."""
    assert all(is_visible(char) or char == "\n" for char in on_terminal(hostile(text), colours=False))


def test_colours_are_the_only_escapes_on_a_terminal() -> None:
    """ANSI of an agent is told apart from ours: ours is all that is left."""
    rest = on_terminal(hostile(HOSTILE), colours=True)
    for style in range(110):
        rest = rest.replace(f"\x1b[{style}m", "").replace(f"\x1b[1;{style}m", "").replace(f"\x1b[2;{style}m", "")
    assert "\x1b" not in rest
    assert "\\u{1b}[2J" in rest


def test_the_agents_reason_is_shown_as_the_webhook_wrote_it() -> None:
    """It was made visible when it was stored; twice would read like a forgery."""
    assert '"clear \\u{1b}[2J"' in told(shown(reason="clear \\u{1b}[2J"))


@pytest.mark.parametrize(
    ("username", "command"),
    [
        (BOT.username, "kubescrow agents lock system:serviceaccount:agents:bot"),
        ("ci-7", "kubescrow agents lock --user=ci-7"),
        ("x; rm -rf /", "kubescrow agents lock '--user=x; rm -rf /'"),
        ("--help", "kubescrow agents lock --user=--help"),
    ],
)
def test_the_command_that_stops_the_agent_can_be_pasted(username: str, command: str) -> None:
    """Whatever the agent is called, it runs nothing else."""
    assert lock_command(User(username)) == command


def test_programs_read_the_same() -> None:
    """With what is still missing, and whether a decision is confirmed."""
    read = facts(PENDING, now=MOMENT.now)
    assert (read["state"], read["untrustedReason"]) == ("Pending", "please, I know what I do")
    assert [each["missing"] for each in read["requirements"]] == [1, 1]
    assert [(each["by"], each["confirmed"]) for each in read["decisions"]] == [("alice@example.com", True)]
    assert read["seen"] == PENDING.token
