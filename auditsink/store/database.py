"""Opens a database: to write, making the tables where there are none, or to read only.

SQLite is used as a store of record: WAL, and synchronous=FULL, so that a commit has reached the disk when it
returns. Source: https://www.sqlite.org/pragma.html#pragma_synchronous, https://www.sqlite.org/wal.html.
"""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event, insert, make_url, select
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from auditsink.store.schema import VERSION, about, metadata

BUSY_TIMEOUT_S = 10
"""How long a connection waits for another's lock; the writer holds it for one transaction, milliseconds."""

READERS = 8
"""Connections that queries may use at once."""


class DatabaseUnusable(Exception):
    """The database cannot be opened; the text tells an operator why, in one line without a password."""


def open_writer(url: str, *, dedup_check: str) -> Engine:
    """Open a database to write, making the tables if there are none.

    `dedup_check` tells whether the keys are those that the database was made with.

    Raises:
        DatabaseUnusable: wrong URL, not ours, another version, other keys, or no way to reach it.
    """
    parsed = _parsed(url)
    engine = _engine(parsed, mode="rwc")
    with _explained(parsed):
        if parsed.get_backend_name() == "sqlite":
            _private_file(parsed)
        with engine.begin() as connection:
            metadata.create_all(connection)
            if connection.execute(select(about)).first() is None:
                connection.execute(insert(about).values(schema_version=VERSION, dedup_check=dedup_check))
    _check(engine, parsed, dedup_check=dedup_check)
    return engine


def open_reader(url: str) -> Engine:
    """Open an existing database to read only; nothing is made or changed.

    Raises:
        DatabaseUnusable: wrong URL, no such file, not ours, or another version.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file():
        raise DatabaseUnusable(f"{_shown(parsed)}: there is no file {parsed.database}")
    engine = _engine(parsed, mode="ro")
    _check(engine, parsed)
    return engine


def sqlite_url(path: Path) -> str:
    """Return the URL of a database file."""
    return URL.create("sqlite", database=str(path.absolute())).render_as_string()


def _parsed(url: str) -> URL:
    allowed = "allowed: sqlite:////absolute/path/of/file.db"
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as err:
        raise DatabaseUnusable(f"database URL: found something else; {allowed}") from err
    if backend == "sqlite" and (not parsed.database or parsed.database.startswith((":", "file:")) or parsed.query):
        raise DatabaseUnusable(f"{_shown(parsed)}: not a database in a file; {allowed}")
    return parsed


def _engine(url: URL, *, mode: str) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, hide_parameters=True)
    writes = mode != "ro"
    engine = create_engine(
        url,
        hide_parameters=True,
        creator=_connector(Path(str(url.database)), mode),
        poolclass=QueuePool,
        pool_size=READERS,
    )
    event.listen(engine, "connect", _writes if writes else _reads_only)
    return engine


def _connector(path: Path, mode: str) -> Callable[[], sqlite3.Connection]:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return lambda: sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)


def _writes(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _reads_only(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA query_only=ON").close()


def _private_file(url: URL) -> None:
    """Make the file before SQLite does: readable by us only; the WAL takes over its mode."""
    Path(str(url.database)).touch(mode=0o600, exist_ok=True)


def _check(engine: Engine, url: URL, *, dedup_check: str | None = None) -> None:
    with _explained(url):
        try:
            with engine.connect() as connection:
                row = connection.execute(select(about)).first()
        except DatabaseError as err:
            if "no such table" not in str(err) and "does not exist" not in str(err):
                raise
            row = None
    if row is None:
        raise DatabaseUnusable(f"{_shown(url)}: this is no database of kubescrow auditsink")
    if row.schema_version != VERSION:
        raise DatabaseUnusable(
            f"{_shown(url)}: its schema has version {row.schema_version}; this program reads {VERSION}"
        )
    if dedup_check is not None and row.dedup_check != dedup_check:
        raise DatabaseUnusable(f"{_shown(url)}: it was made with other keys; retried events would be stored twice")


@contextlib.contextmanager
def _explained(url: URL) -> Any:
    try:
        yield
    except (SQLAlchemyError, OSError) as err:
        reason = str(getattr(err, "orig", None) or err).splitlines()[0]
        raise DatabaseUnusable(f"{_shown(url)}: {reason}") from err


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)
