"""Recorded sessions, read from a database of the auditsink directly."""

import contextlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from auditsink.replay.step import Seen
from auditsink.store.database import DatabaseUnusable, open_reader, sqlite_url
from auditsink.store.queries import Queries, Session
from kubescrow.source import SourceFailed

PAGE = 500
"""Sessions that are read at once."""

_SEEN = tuple(field.name for field in fields(Seen))


@contextlib.contextmanager
def open_database(name: str) -> Iterator["Database"]:
    """Open a database, by URL or by the path of an SQLite file, for as long as the context lasts.

    Raises:
        SourceFailed: it cannot be opened, or reading fails.
    """
    try:
        queries = Queries(open_reader(name if "://" in name else sqlite_url(Path(name))))
    except DatabaseUnusable as err:
        raise SourceFailed(f"--database {err}") from err
    with contextlib.closing(queries):
        yield Database(queries)


class Database:
    """A database of the auditsink, opened to read only."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def clusters(self) -> list[str]:
        """See `Source`."""
        with _readable():
            return self._queries.clusters()

    def sessions(self, cluster: str, *, user: str) -> Iterator[Session]:
        """See `Source`."""
        page: list[Session] = []
        while True:
            with _readable():
                after = page[-1].cursor if page else ""
                page = self._queries.sessions(cluster, username=user, after=after, limit=PAGE)
            yield from page
            if len(page) < PAGE:
                return

    def session(self, cluster: str, session: str) -> Session | None:
        """See `Source`."""
        with _readable():
            return self._queries.session(cluster, session)

    def seen(self, cluster: str, session: str) -> Iterator[Seen]:
        """See `Source`."""
        with _readable():
            for event in self._queries.events_of(cluster, session):
                yield Seen(**{name: getattr(event, name) for name in _SEEN})

    def birth(self, cluster: str, credential: str) -> Mapping[str, Any] | None:
        """See `Source`."""
        with _readable():
            event = self._queries.birth(cluster, credential)
            return None if event is None else event.event


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Turn what a database or a damaged row raises into a text without any value."""
    try:
        yield
    except SQLAlchemyError as err:
        reason = str(getattr(err, "orig", None) or type(err).__name__).splitlines()[0]
        raise SourceFailed(f"--database: cannot be read: {reason}") from err
    except (zlib.error, ValueError) as err:
        raise SourceFailed("--database: cannot be read: an event in it is damaged") from err
