"""Sessions are read from a database, whole and in order, and every failure is told in one line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from auditsink.replay.step import steps
from kubescrow import database as database_module
from kubescrow.source import Source, SourceFailed, opened
from tests.auditsink.samples import JTI
from tests.auditsink.store.build import record as row
from tests.kubescrow.recorded import APPROVAL, STORY, record, store


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The story, recorded."""
    return record(tmp_path_factory.mktemp("story"), STORY)


def opened_at(database: str, server: str = "") -> Source:
    """Open and close it again: where opening fails, this does."""
    with opened(database=database, server=server, token="", ca=None) as source:
        return source


@pytest.fixture
def source(database: str) -> Iterator[Source]:
    """The story, open."""
    with opened(database=database, server="", token="", ca=None) as opened_source:
        yield opened_source


def test_a_database_gives_sessions_steps_and_births(source: Source) -> None:
    """Everything that the commands are made of."""
    assert source.clusters() == ["prod"]
    agent, admin = source.sessions("prod", user="")
    assert (agent.key, admin.username) == (JTI, "admin")
    assert source.session("prod", agent.session) == agent
    assert source.session("prod", "0" * 32) is None
    made = steps(source.seen("prod", agent.session))
    assert [step.outcome for step in made] == ["allowed"] * 3 + ["denied", "approved", "failed"]
    assert made[4].approval == APPROVAL
    born = source.birth("prod", JTI)
    assert born is not None
    assert born["auditID"] == "birth"
    assert source.birth("prod", "JTI=other") is None


def test_sessions_of_one_user(source: Source) -> None:
    """And of nobody, where the name is another's."""
    assert [session.username for session in source.sessions("prod", user="admin")] == ["admin"]
    assert list(source.sessions("prod", user="adm")) == []


def test_the_same_database_by_url_and_by_file(database: str) -> None:
    """Whatever is handier."""
    with opened(database=f"sqlite:///{database}", server="", token="", ca=None) as source:
        assert source.clusters() == ["prod"]


def test_pages_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each session once, however many are read at a time."""
    ids = [f"{number:032x}" for number in range(25)]
    rows = [row(number, session="x") for number in range(25)]
    rows = [replace(each, identity=replace(each.identity, session=name)) for each, name in zip(rows, ids, strict=True)]
    path = store(tmp_path, rows)
    monkeypatch.setattr(database_module, "PAGE", 4)
    with opened(database=path, server="", token="", ca=None) as source:
        assert [session.session for session in source.sessions("prod", user="")] == ids[::-1]


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "neither": ({"database": ""}, "neither --database nor --server is set; allowed: one of"),
    "both": ({"database": "a", "server": "https://b"}, "both --database and --server are set; allowed: one of"),
    "no file": ({"database": "/nowhere/a.db"}, "--database sqlite:////nowhere/a.db: there is no file /nowhere/a.db"),
    "a folder": ({"database": "/"}, "there is no file /"),
    "another scheme": ({"database": "ftp://a/b"}, "--database database URL: found something else; allowed: sqlite:///"),
    "memory": ({"database": "sqlite://"}, "not a database in a file"),
}


@pytest.mark.parametrize(("where", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_opened_is_told(where: dict[str, str], told: str) -> None:
    """With what was given, and what is allowed."""
    with pytest.raises(SourceFailed) as failed:
        opened_at(**where)
    assert told in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_file_that_is_no_database_of_ours_is_told(tmp_path: Path) -> None:
    """Neither a text nor somebody else's tables; and neither is changed."""
    text, other = tmp_path / "text", tmp_path / "other.db"
    text.write_text("hello" * 200)
    with closing(sqlite3.connect(other)) as theirs:
        theirs.execute("CREATE TABLE a (b)")
    before = (text.read_bytes(), other.read_bytes())
    for path, told in ((text, "file is not a database"), (other, "this is no database of kubescrow auditsink")):
        with pytest.raises(SourceFailed, match=told):
            opened_at(str(path))
    assert (text.read_bytes(), other.read_bytes()) == before


def test_a_damaged_event_is_told_without_its_content(tmp_path: Path) -> None:
    """The rest of the database is not in doubt."""
    path = record(tmp_path, STORY)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE events SET body = x'00'")
        database.commit()
    with (
        pytest.raises(SourceFailed, match="an event in it is damaged"),
        opened(database=path, server="", token="", ca=None) as source,
    ):
        list(source.seen("prod", next(source.sessions("prod", user="")).session))


def test_a_table_that_is_missing_is_told(tmp_path: Path) -> None:
    """One line, without the statement."""
    path = record(tmp_path, STORY)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE births")
        database.commit()
    with (
        pytest.raises(SourceFailed, match=r"^--database: cannot be read: no such table: births$"),
        opened(database=path, server="", token="", ca=None) as source,
    ):
        source.birth("prod", JTI)
