"""`kubescrow sessions`: what people and programs read, and every wrong use told in one line with exit code 2."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.auditsink.samples import BOT, JTI, POISON, user
from tests.kubescrow.recorded import APPROVAL, PASSWORD, STORY, received, record, said, store
from tests.kubescrow.typed import parsed, printed, refused, start


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The story, recorded."""
    return record(tmp_path_factory.mktemp("story"), STORY)


@pytest.fixture(scope="module")
def session(database: str) -> str:
    """The id of the agent's session."""
    return str(json.loads(printed("sessions", "list", "--database", database, "-o", "json").splitlines()[0])["session"])


OUTCOMES = ["allowed", "allowed", "denied", "approved", "failed"]
"""Of the story's steps, without discovery."""


# list


def test_list_shows_who_was_active_last_first(database: str) -> None:
    """One line each, under headings, whatever the width of the pipe."""
    heading, agent, admin = printed("sessions", "list", "--database", database).splitlines()
    assert heading.split() == ["SESSION", "USER", "BY", "BEGAN", "LASTED", "EVENTS", "VERDICTS"]
    assert agent.split("  ")[1:4] == [BOT, "credential", "2026-11-25T12:00:00"]
    assert agent.rstrip().endswith("1 h 6 min  8       allow 1 deny 1 hold 2")
    assert admin.split()[1] == "admin"


def test_list_as_json_is_one_object_a_line(database: str, session: str) -> None:
    """With the names that `show` uses."""
    agent, _ = map(json.loads, printed("sessions", "list", "--database", database, "-o", "json").splitlines())
    assert agent == {
        "cluster": "prod",
        "session": session,
        "username": BOT,
        "kind": "credential",
        "key": JTI,
        "pod": None,
        "first": "2026-11-25T12:00:00.000000Z",
        "last": "2026-11-25T13:06:40.000000Z",
        "events": 8,
        "byVerdict": {"none": 4, "allow": 1, "deny": 1, "hold": 2},
    }


def test_list_of_one_user_and_at_most_so_many(database: str) -> None:
    """An unknown user has none, which is an answer."""

    def users(*options: str) -> list[str]:
        lines = printed("sessions", "list", "--database", database, "-o", "json", *options).splitlines()
        return [json.loads(line)["username"] for line in lines]

    assert users("--user", "admin") == ["admin"]
    assert users("--user", "nobody") == []
    assert users("--limit", "1") == [BOT]


# show


def test_show_tells_who_whence_and_every_step(database: str, session: str) -> None:
    """The attempts of the held request are one step with its waiting time and who decided."""
    heading = [
        f"session {session} of {BOT}, cluster prod",
        "its token was asked for by admin at 2026-11-25T11:59:55.000000Z",
        "began 2026-11-25T12:00:00.000000Z",
    ]
    lines = printed("sessions", "show", session, "--database", database).splitlines()
    assert lines[:3] == heading
    assert [line.split()[1] for line in lines[3:]] == OUTCOMES
    assert lines[6] == (
        "   +0:05.0  approved DELETE namespaces/prod  waited 15.0 s in 3 attempts  "
        f"by production/hold-namespace-deletion  {APPROVAL}  decided by alice@example.com"
    )


def test_show_as_json_is_one_document(database: str, session: str) -> None:
    """Facts of the session, its birth, its steps."""
    shown = parsed("sessions", "show", session, "--database", database, "-o", "json")
    assert shown["birth"] == {"credential": JTI, "askedBy": "admin", "at": "2026-11-25T11:59:55.000000Z"}
    assert [step["outcome"] for step in shown["steps"]] == OUTCOMES
    held = shown["steps"][3]
    assert held["rules"] == ["production/hold-namespace-deletion"]
    assert (held["approval"], held["decidedBy"], held["waitedSeconds"]) == (APPROVAL, ["alice@example.com"], 15.0)
    assert [attempt["code"] for attempt in held["attempts"]] == [429, 429, 200]


def test_show_is_the_same_every_time(database: str, session: str) -> None:
    """So that two shows can be compared."""
    for output in ("text", "json"):
        command = ("sessions", "show", session, "--database", database, "-o", output)
        assert printed(*command) == printed(*command)


@pytest.mark.parametrize("command", ["show", "play"])
def test_no_password_is_shown(database: str, session: str, command: str) -> None:
    """Neither that of the Secret nor that of the exec, whose command stays readable."""
    for output in ("text", "json"):
        options = ["--speed", "0"] if command == "play" else []
        shown = printed("sessions", command, session, "--database", database, "-o", output, *options)
        assert PASSWORD not in shown
        assert re.search(r"mysql.*--password=\[masked:", shown, re.DOTALL)


def test_all_shows_discovery_too(database: str, session: str) -> None:
    """And the time line begins with it."""
    usual, everything = (
        parsed("sessions", "show", session, "--database", database, "-o", "json", *more)["steps"]
        for more in ([], ["--all"])
    )
    assert [step["target"] for step in everything if step not in usual] == ["/api"]
    assert [step for step in everything if step in usual] == usual


def test_any_unique_beginning_of_an_id_will_do(database: str, session: str) -> None:
    """As `list` shows it, or shorter."""
    for beginning in (session, session[:12], session[:4]):
        assert parsed("sessions", "show", beginning, "--database", database, "-o", "json")["session"] == session


def test_a_session_whose_token_was_not_seen_says_so(tmp_path: Path) -> None:
    """Unknown is said, not guessed."""
    path = record(tmp_path, STORY[1:])
    assert f"by credential {JTI}; where it came from is not recorded" in printed(
        "sessions", "show", "", "--database", path
    )
    assert parsed("sessions", "show", "", "--database", path, "-o", "json")["birth"] is None


def test_a_pod_is_named_and_the_births_of_its_tokens_found(tmp_path: Path) -> None:
    """Its session is the Pod's, its tokens are many."""
    born = STORY[0]
    pod = user(credential_id=JTI, pod_uid="u-1", pod_name="web-1")
    path = record(tmp_path, [born, said(0, "get", user=pod)])
    lines = printed("sessions", "list", "--database", path).splitlines()
    shown = printed("sessions", "show", lines[1].split()[0], "--database", path).splitlines()
    assert shown[1:3] == ["in Pod agents/web-1", "its token was asked for by admin at 2026-11-25T11:59:55.000000Z"]


# play


def test_play_shows_the_steps_and_draws_the_gap(database: str, session: str) -> None:
    """An hour of nothing is a line."""
    lines = printed("sessions", "play", session, "--database", database, "--speed", "0").splitlines()
    assert [line.split()[1] for line in lines[3:7]] == OUTCOMES[:4]
    assert lines[7].strip() == "... nothing for 1 h 6 min ..."
    assert lines[8].split()[:2] == ["+1:06:39.0", "failed"]


def test_play_as_json_is_one_step_a_line(database: str, session: str) -> None:
    """The steps of `show`, each with its time since the first."""
    lines = printed("sessions", "play", session, "--database", database, "--speed", "0", "-o", "json").splitlines()
    steps = [json.loads(line) for line in lines]
    assert [step.pop("at") for step in steps] == [0, 1.5, 3, 5, 3999]
    assert steps == parsed("sessions", "show", session, "--database", database, "-o", "json")["steps"]


@pytest.mark.parametrize(("speed", "least_s"), [("1", 0.6), ("3", 0.2)])
def test_play_takes_the_time_that_it_took(tmp_path: Path, speed: str, least_s: float) -> None:
    """Or a fraction of it. How long each pause is, `test_playing` counts."""
    path = record(tmp_path, [said(number * 0.3, "get") for number in range(4)])
    began = time.monotonic()
    lines = printed("sessions", "play", "", "--database", path, "--speed", speed).splitlines()
    assert time.monotonic() - began >= least_s
    assert len([line for line in lines if "GET" in line]) == 4


@pytest.mark.parametrize(("typed", "seen"), [("", 0), ("\n", 1), ("\n\n\n", 3), ("\n" * 5, 5), ("\n" * 9, 5)])
def test_step_waits_for_enter_and_ends_with_the_input(database: str, session: str, typed: str, seen: int) -> None:
    """One step for each Enter, without its pause; no more input is an end, not an error."""
    shown = printed("sessions", "play", session, "--database", database, "--step", "-o", "json", stdin=typed)
    assert len(shown.splitlines()) == seen


def test_step_shows_each_step_when_enter_is_typed(database: str, session: str) -> None:
    """Not before; and Ctrl-C ends it without a word, with the exit code that shells expect."""
    with start("sessions", "play", session, "--database", database, "--step", "-o", "json") as player:
        assert player.stdin is not None
        assert player.stdout is not None
        for outcome in OUTCOMES[:2]:
            player.stdin.write("\n")
            player.stdin.flush()
            assert json.loads(player.stdout.readline())["outcome"] == outcome
        player.send_signal(signal.SIGINT)
        assert player.communicate(timeout=30) == ("", "")
    assert player.returncode == 130


def test_ctrl_c_ends_a_long_pause(tmp_path: Path) -> None:
    """Without a traceback; what was shown stays."""
    path = record(tmp_path, [said(0, "get"), said(600, "get")])
    with start("sessions", "play", "", "--database", path, "-o", "json") as player:
        assert player.stdout is not None
        assert json.loads(player.stdout.readline())["at"] == 0
        player.send_signal(signal.SIGINT)
        assert player.communicate(timeout=30) == ("", "")
    assert player.returncode == 130


def test_a_reader_that_goes_away_is_no_traceback(database: str, session: str) -> None:
    """As in `| head -1`."""
    with start("sessions", "play", session, "--database", database, "--speed", "0", "-o", "json") as player:
        assert player.stdout is not None
        player.stdout.close()
        assert player.stderr is not None
        assert player.stderr.read() == ""
        player.wait(30)


# whatever agents write


HOSTILE = "[bold]x[/bold][/]:smile:\u202egnp.exe"


def test_no_name_acts_on_the_terminal_or_is_taken_for_markup(tmp_path: Path) -> None:
    """A user chooses their name in a certificate, and an agent its argv."""
    uri = "/api/v1/namespaces/prod/pods/p/exec?command=%1B%5B2J%1B%5D0;x%07&command=%5Bbold%5Dx%5B/bold%5D%5B/%5D"
    run: dict[str, Any] = {"objectRef": {"resource": "pods", "subresource": "exec", "name": "p"}, "requestURI": uri}
    path = record(tmp_path, [said(0, "create", user=user(HOSTILE), **run)], cluster="prod")
    everything = [printed("sessions", command, *more, "--database", path) for command, *more in (
        ["list"], ["show", ""], ["play", "", "--speed", "0"])]  # fmt: skip
    for text in everything:
        assert r"[bold]x[/bold][/]:smile:\u{202e}gnp.exe" in text
        assert text.replace("\n", "").isprintable()
    assert r"""'\u{1b}[2J\u{1b}]0;x\u{7}' '[bold]x[/bold][/]'""" in everything[1]


def test_every_poisoned_event_can_be_shown(tmp_path: Path) -> None:
    """What the sink stored, the replay can show: neither crashes, whatever was sent."""
    path = store(tmp_path, [each for poison in POISON.values() for each in received([poison])])
    found = [json.loads(line) for line in printed("sessions", "list", "--database", path, "-o", "json").splitlines()]
    assert sum(session["events"] for session in found) >= len(POISON)
    for session in found:
        for output in ("text", "json"):
            where = ("--database", path, "-o", output)
            printed("sessions", "show", session["session"], "--all", *where)
            printed("sessions", "play", session["session"], "--all", "--speed", "0", *where)


def test_times_at_the_end_of_the_calendar_are_shown(tmp_path: Path) -> None:
    """The last microsecond that a timestamp can name."""
    last = "9999-12-31T23:59:59.999999Z"
    path = record(tmp_path, [said(0, "get"), said(1, "get", requestReceivedTimestamp=last, stageTimestamp=last)])
    assert parsed("sessions", "show", "", "--database", path, "-o", "json")["last"] == last
    assert "2912114 d 12 h" in printed("sessions", "list", "--database", path)


# wrong use


def refusals(database: str) -> dict[str, tuple[list[str], str]]:
    """Commands that are wrong, and the line that says why."""
    here = ["--database", database]
    return {
        "an output that is none": (["list", *here, "-o", "yaml"], "--output yaml: allowed: text, json"),
        "a negative speed": (
            ["play", "a", *here, "--speed", "-1"],
            "Error: Invalid value for '--speed': -1: allowed: 0 (at once), or a number from 0.01",
        ),
        "a speed that is no number": (
            ["play", "a", *here, "--speed", "nan"],
            "Error: Invalid value for '--speed': nan: allowed: 0 (at once), or a number from 0.01",
        ),
        "no limit": (
            ["list", *here, "--limit", "0"],
            "Error: Invalid value for '--limit': 0: allowed: a whole number from 1 to 1000",
        ),
        "another cluster": (["list", *here, "--cluster", "test"], "--cluster test: allowed: prod"),
        "no such session": (
            ["show", "zzz", *here],
            "SESSION zzz: no session begins like this; allowed: one of kubescrow sessions list",
        ),
        "sessions that are alike": (
            ["show", "", *here],
            "SESSION : 2 sessions begin like this; allowed: one of kubescrow sessions list",
        ),
        "no source": (
            ["list"],
            "neither --database nor --server is set; allowed: one of --database URL|FILE and --server URL",
        ),
        "two sources": (
            ["list", *here, "--server", "https://a"],
            "both --database and --server are set; allowed: one of --database URL|FILE and --server URL",
        ),
        "no such file": (["list", "--database", "/no.db"], "--database sqlite:////no.db: there is no file /no.db"),
        "a token in plain text": (
            ["list", "--server", "http://a.example", "--token", "t"],
            "--server http://a.example: allowed: https://HOST[:PORT][/PATH], or http:// on this machine",
        ),
        "an option that is none": (["list", "--sped", "1"], "Error: No such option: --sped"),
    }


@pytest.mark.parametrize("fault", refusals(""))
def test_wrong_use_is_told_in_one_line(database: str, fault: str) -> None:
    """With option, value and what is allowed."""
    command, told = refusals(database)[fault]
    assert refused("sessions", *command).startswith(told)


@pytest.mark.parametrize("speed", ["-0.5", "inf", "-inf", "abc", "", "1e-300", "0.009"])
def test_a_speed_that_cannot_be_played_is_refused(database: str, speed: str) -> None:
    """Before anything is read."""
    told = refused("sessions", "play", "a", "--database", database, f"--speed={speed}")
    assert f"'--speed': {speed}: allowed: 0 (at once), or a number from 0.01" in told


@pytest.mark.parametrize("limit", ["-1", "1001", "1.5", "ten", "", "²"])
def test_a_limit_out_of_range_is_refused(database: str, limit: str) -> None:
    """Also what Python calls a digit and is no number."""
    told = refused("sessions", "list", "--database", database, f"--limit={limit}")
    assert f"'--limit': {limit}: allowed: a whole number from 1 to 1000" in told


def test_several_clusters_are_named_and_one_must_be_chosen(tmp_path: Path) -> None:
    """Nothing is mixed."""
    record(tmp_path, STORY)
    path = record(tmp_path, [said(0, "get")], cluster="test")
    assert refused("sessions", "list", "--database", path) == "--cluster (left out): allowed: prod, test"
    (line,) = printed("sessions", "list", "--database", path, "--cluster", "test", "-o", "json").splitlines()
    assert json.loads(line)["cluster"] == "test"


def test_an_empty_database_says_that_nothing_is_recorded(tmp_path: Path) -> None:
    """Not that a cluster is missing."""
    path = record(tmp_path, [])
    for command in (["list"], ["show", "a"], ["play", "a"]):
        told = refused("sessions", *command, "--database", path)
        assert told == "--cluster (left out): nothing is recorded yet"


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """Somebody else's database is neither read nor changed."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE a (b)")
    before = path.read_bytes()
    told = refused("sessions", "list", "--database", str(path))
    assert told == f"--database sqlite:///{path}: this is no database of kubescrow auditsink"
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == (before, [path])


def test_options_come_from_the_environment_too(database: str) -> None:
    """And the token is not shown by --help."""
    given = {"KUBESCROW_DATABASE": database, "KUBESCROW_TOKEN": "very-secret-token"}
    assert BOT in printed("sessions", "list", environment=given)
    assert "very-secret-token" not in printed("sessions", "list", "--help", environment=given)
    assert "both --database and --server are set" in refused(
        "sessions", "list", "--server", "https://a", environment=given
    )
