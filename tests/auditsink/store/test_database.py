"""A database is opened only if it is ours, of this version, and made with these keys; what is wrong is told."""

from __future__ import annotations

import re
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from auditsink.store.database import DatabaseUnusable, open_reader, open_writer, sqlite_url


def test_a_commit_means_the_disk(tmp_path: Path) -> None:
    """WAL with a full sync; and nobody else may read the file."""
    engine = open_writer(sqlite_url(tmp_path / "a.db"), dedup_check="x")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}
    engine.dispose()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """Not even by mistake."""
    open_writer(sqlite_url(tmp_path / "a.db"), dedup_check="x").dispose()
    engine = open_reader(sqlite_url(tmp_path / "a.db"))
    with engine.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute(text("DELETE FROM events"))
    engine.dispose()


def _not_ours(path: Path) -> None:
    sqlite3.connect(path).execute("CREATE TABLE a (b)").connection.close()


def _other_version(path: Path) -> None:
    open_writer(sqlite_url(path), dedup_check="x").dispose()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE kubescrow SET schema_version = 99")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda path: None, "there is no file", id="missing"),
        pytest.param(lambda path: path.mkdir(), "there is no file", id="a folder"),
        pytest.param(_not_ours, "this is no database of kubescrow auditsink", id="another program's"),
        pytest.param(lambda path: path.write_bytes(b"hello" * 100), "file is not a database", id="no database"),
        pytest.param(lambda path: path.touch(), "this is no database of kubescrow auditsink", id="empty"),
        pytest.param(_other_version, "its schema has version 99; this program reads 1", id="another version"),
    ],
)
def test_what_cannot_be_read_is_told(make: object, reason: str, tmp_path: Path) -> None:
    """In one line, with the URL."""
    path = tmp_path / "a.db"
    make(path)  # type: ignore[operator]
    with pytest.raises(DatabaseUnusable, match=re.escape(reason)) as unusable:
        open_reader(sqlite_url(path))
    assert str(path) in str(unusable.value)
    assert "\n" not in str(unusable.value)


@pytest.mark.parametrize(
    "url", ["", "x", "sqlite://", "sqlite:///:memory:", "nodb://a/b", "sqlite:////a?mode=rw", "://"]
)
def test_a_wrong_url_is_told_with_the_right_form(url: str) -> None:
    """What is allowed, not a stack trace."""
    with pytest.raises(DatabaseUnusable, match=re.escape("allowed: sqlite:////absolute/path/of/file.db")):
        open_reader(url)


def test_other_keys_are_noticed(tmp_path: Path) -> None:
    """With them every event that is sent again would be stored twice."""
    url = sqlite_url(tmp_path / "a.db")
    open_writer(url, dedup_check="one").dispose()
    with pytest.raises(DatabaseUnusable, match="made with other keys"):
        open_writer(url, dedup_check="two")
    open_writer(url, dedup_check="one").dispose()
