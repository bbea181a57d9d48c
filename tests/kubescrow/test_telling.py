"""What a step looks like in a line, and that nothing an agent wrote acts on the terminal."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from auditsink.intake.record import Flag
from auditsink.replay.step import Seen, Step, steps
from auditsink.replay.tape import Frame, frames
from kubescrow import telling

ESCAPE = "\x1b[2J\x1b]0;owned\x07"


def seen(at_s: float = 0, stage: str = "ResponseComplete", **columns: Any) -> Seen:
    """The record of a request that took a tenth of a second."""
    time_us = int(at_s * 1e6)
    known: dict[str, Any] = {"verb": "delete", "resource": "pods", "namespace": "prod", "name": "web", "code": 200}
    return Seen(time_us, time_us + 100_000, f"id-{at_s}", stage, **(known | columns))


def only(*records: Seen) -> Step:
    """The one step that records make."""
    (step,) = steps(records)
    return step


def line(*records: Seen) -> str:
    """The line of their first step."""
    return telling.line(next(frames(steps(records), speed=0))).plain


def on_terminal(*records: Seen) -> str:
    """What a terminal with colours gets for their first step."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", soft_wrap=True)
    console.print(telling.line(next(frames(steps(records), speed=0))))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


HOLD: dict[str, Any] = {"verdict": "hold", "approval": "appr-1", "rules": "p/hold", "code": 429}
PASS: dict[str, Any] = {"verdict": "allow", "approval": "appr-1", "rules": "p/hold", "decided_by": "alice@example.com"}
NOT_FOUND: dict[str, Any] = {"responseStatus": {"reason": "NotFound"}}
DENIED: dict[str, Any] = {"verdict": "deny", "rules": "p/deny,q/also", "code": 403}
LINES: dict[str, tuple[list[Seen], str]] = {
    "allowed": ([seen()], "allowed  DELETE pods prod/web"),
    "allowed where a rule was asked": ([seen(verdict="allow")], "allowed  DELETE pods prod/web"),
    "warned": ([seen(verdict="warn", rules="p/warn")], "warned   DELETE pods prod/web  by p/warn"),
    "denied": ([seen(**DENIED)], "denied   DELETE pods prod/web  by p/deny,q/also"),
    "held": ([seen(**HOLD)], "held     DELETE pods prod/web  waited 0.1 s  by p/hold  appr-1"),
    "approved": (
        [seen(0, **HOLD), seen(6, **HOLD), seen(13, **PASS)],
        "approved DELETE pods prod/web  waited 13.1 s in 3 attempts  by p/hold  appr-1  decided by alice@example.com",
    ),
    "denied by a person": (
        [seen(0, **HOLD), seen(5, **PASS | {"verdict": "deny", "code": 403})],
        "denied   DELETE pods prod/web  waited 5.1 s in 2 attempts  by p/hold  appr-1  decided by alice@example.com",
    ),
    "failed": ([seen(code=404, event=NOT_FOUND)], "failed   DELETE pods prod/web  404 NotFound"),
    "failed without a reason": ([seen(code=500)], "failed   DELETE pods prod/web  500"),
    "open": ([seen(stage="RequestReceived", code=None)], "open     DELETE pods prod/web"),
    "a path without a resource": (
        [seen(verb="get", resource="", event={"requestURI": "/version?timeout=32s"})],
        "allowed  GET /version",
    ),
    "something remarkable": (
        [seen(flags=int(Flag.IMPERSONATED | Flag.DRY_RUN))],
        "allowed  DELETE pods prod/web  IMPERSONATED  DRY-RUN",
    ),
}


@pytest.mark.parametrize(("records", "told"), LINES.values(), ids=LINES.keys())
def test_a_step_is_one_line(records: list[Seen], told: str) -> None:
    """When, what became of it, what, and why."""
    assert line(*records) == f"{'+0:00.0':>10}  {told}"


def test_every_outcome_has_a_line_and_a_colour() -> None:
    """The table above is whole."""
    told = {only(*records).outcome for records, _ in LINES.values()}
    assert told == set(telling.COLOURS)


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        pytest.param(["mysql", "--user=root"], "mysql --user=root", id="words stay bare"),
        pytest.param(["sh", "-c", "a b; c"], "sh -c 'a b; c'", id="one argument is one word"),
        pytest.param(["echo", "it's"], """echo 'it'"'"'s'""", id="a quote"),
        pytest.param(["x", "", "y"], "x '' y", id="an empty argument"),
        pytest.param(["printf", "a\nb"], r"printf 'a\u{a}b'", id="a newline stays in its line"),
        pytest.param(["--p=[masked:argument:k1ab]"], "'--p=[masked:argument:k1ab]'", id="a placeholder"),
    ],
)
def test_the_argv_of_an_exec_can_be_typed_again(argv: list[str], shown: str) -> None:
    """Quoted as a shell needs it."""
    assert f"pods/exec prod/web  {shown}" in line(_exec(argv))


def _exec(argv: list[str]) -> Seen:
    query = urlencode([("command", each) for each in argv])
    return seen(verb="create", subresource="exec", event={"requestURI": f"/exec?{query}"})


HOSTILE: dict[str, Seen] = {
    "a name": seen(name=ESCAPE),
    "a namespace": seen(namespace=ESCAPE),
    "a verb": seen(verb=ESCAPE),
    "a path": seen(resource="", event={"requestURI": f"/{ESCAPE}"}),
    "an argument": _exec(["sh", ESCAPE]),
    "a rule": seen(verdict="deny", rules=ESCAPE),
    "an approval": seen(verdict="hold", approval=ESCAPE),
    "who decided": seen(approval="appr-1", decided_by=ESCAPE),
    "a reason": seen(code=404, event={"responseStatus": {"reason": ESCAPE}}),
}


@pytest.mark.parametrize("record", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_part_of_a_line_acts_on_the_terminal(record: Seen) -> None:
    """Escape sequences are shown, not obeyed."""
    assert r"\u{1b}[2j\u{1b}]0;owned\u{7}" in line(record).lower()
    assert all(char.isprintable() for char in line(record))


@pytest.mark.parametrize("markup", ["[bold]x[/bold]", "[/]", "[link=https://a.b]c[/link]", ":smile:", r"\[x]"])
def test_markup_is_text(markup: str) -> None:
    """A name is shown as it is, whatever our own printer would make of it."""
    assert markup in line(seen(name=markup))
    assert markup in on_terminal(seen(name=markup))
    assert markup.lower() in on_terminal(_exec(["echo", markup])).lower()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("web-7d9f", "web-7d9f", id="printable text stays"),
        pytest.param("grüße 東京 🚀", "grüße 東京 🚀", id="of any script"),
        pytest.param("a\tb\r\n", r"a\u{9}b\u{d}\u{a}", id="control characters"),
        pytest.param("\x1b[31m", r"\u{1b}[31m", id="the beginning of a colour"),
        pytest.param("\x9b31m", r"\u{9b}31m", id="the same in one 8-bit character"),
        pytest.param("abc\u202ecba", r"abc\u{202e}cba", id="text that runs backwards"),
        pytest.param("a\u2066b\u200fc\u200b", r"a\u{2066}b\u{200f}c\u{200b}", id="marks that have no width"),
        pytest.param("a\u2028b", r"a\u{2028}b", id="a line separator"),
        pytest.param("a\ud800", r"a\u{d800}", id="half a character"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert telling.plain(text) == shown


@given(st.text())
def test_plain_text_is_printable_whatever_it_was(text: str) -> None:
    """And has nothing that a terminal acts on."""
    assert telling.plain(text).isprintable()


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        pytest.param(0, "+0:00.0", id="the beginning"),
        pytest.param(7.24, "+0:07.2", id="tenths"),
        pytest.param(59.94, "+0:59.9", id="just under a minute"),
        pytest.param(59.95, "+1:00.0", id="rounded up to a minute"),
        pytest.param(61, "+1:01.0", id="a minute"),
        pytest.param(3599.96, "+1:00:00.0", id="rounded up to an hour"),
        pytest.param(3723.04, "+1:02:03.0", id="hours"),
        pytest.param(360_000, "+100:00:00.0", id="days are hours"),
    ],
)
def test_offset(seconds: float, shown: str) -> None:
    assert telling.offset(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        pytest.param(0, "0.0 s", id="nothing"),
        pytest.param(0.04, "0.0 s", id="next to nothing"),
        pytest.param(13.12, "13.1 s", id="tenths"),
        pytest.param(59.94, "59.9 s", id="just under a minute"),
        pytest.param(59.95, "1 min", id="rounded up to a minute"),
        pytest.param(60.4, "1 min", id="a minute"),
        pytest.param(61, "1 min 1 s", id="a minute and a second"),
        pytest.param(3599.5, "1 h", id="rounded up to an hour"),
        pytest.param(3661, "1 h 1 min", id="two units, not three"),
        pytest.param(90_000, "1 d 1 h", id="a day"),
    ],
)
def test_duration(seconds: float, shown: str) -> None:
    assert telling.duration(seconds) == shown


@pytest.mark.parametrize(
    ("time_us", "shown"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_795_608_033_136_412, "2026-11-25T12:00:33.136412Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_moment_is_exact(time_us: int, shown: str) -> None:
    """To the microsecond, to the last one that a timestamp can name."""
    assert telling.moment(time_us) == shown


def test_a_gap_says_for_how_long() -> None:
    """It is no step."""
    assert telling.gap(Frame(4000, 1, 3960, only(seen()))).plain.strip() == "... nothing for 1 h 6 min ..."


def test_detail_has_every_attempt() -> None:
    """One JSON object: times as RFC 3339, durations in seconds."""
    detail = telling.detail(only(seen(0, **HOLD), seen(6, **PASS)))
    assert detail["outcome"] == "approved"
    assert (detail["rules"], detail["approval"], detail["decidedBy"]) == (["p/hold"], "appr-1", ["alice@example.com"])
    assert (detail["began"], detail["ended"]) == ("1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:06.100000Z")
    assert detail["waitedSeconds"] == 6.1
    assert [(attempt["auditID"], attempt["code"]) for attempt in detail["attempts"]] == [("id-0", 429), ("id-6", 200)]


def test_detail_of_what_says_nothing_is_empty_not_missing() -> None:
    """So that a program need not ask."""
    detail = telling.detail(only(seen(stage="RequestReceived", code=None)))
    assert detail["ended"] is detail["code"] is detail["approval"] is detail["waitedSeconds"] is None
    assert detail["rules"] == detail["decidedBy"] == detail["command"] == detail["alarms"] == []
