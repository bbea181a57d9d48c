"""Where recorded sessions are read from: a database directly, or a server of the auditsink. Both answer the same."""

import contextlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from auditsink.replay.step import Seen
from auditsink.store.database import DatabaseUnusable, open_reader, sqlite_url
from auditsink.store.queries import Queries, Session
from kubescrow.server import Server, ServerFailed

PAGE = 500
"""Sessions that are read at once."""

_SEEN = tuple(field.name for field in fields(Seen))


class SourceFailed(Exception):
    """The sessions cannot be read; the text tells the user why."""


class Source(Protocol):
    """Reads recorded sessions."""

    def clusters(self) -> list[str]:
        """Every cluster that has sessions."""
        ...

    def sessions(self, cluster: str, *, user: str) -> Iterator[Session]:
        """The sessions of a cluster, last active first; of one user if `user` is not empty."""
        ...

    def session(self, cluster: str, session: str) -> Session | None:
        """One session; None if it is not recorded."""
        ...

    def seen(self, cluster: str, session: str) -> Iterator[Seen]:
        """The records of a session, oldest first."""
        ...

    def birth(self, cluster: str, credential: str) -> Mapping[str, Any] | None:
        """The event that issued a credential; None if it is not recorded."""
        ...


@contextlib.contextmanager
def opened(*, database: str, server: str, token: str, ca: Path | None) -> Iterator[Source]:
    """Open what the options name, for as long as the context lasts.

    Raises:
        SourceFailed: none or both are named, it cannot be opened, or reading fails.
    """
    if bool(database) == bool(server):
        found = "both --database and --server are set" if database else "neither --database nor --server is set"
        raise SourceFailed(f"{found}; allowed: one of --database URL|FILE and --server URL")
    try:
        if server:
            yield Server(server, token=token, ca=ca)
            return
        queries = Queries(open_reader(database if "://" in database else sqlite_url(Path(database))))
        with contextlib.closing(queries):
            yield Database(queries)
    except DatabaseUnusable as err:
        raise SourceFailed(f"--database {err}") from err
    except ServerFailed as err:
        raise SourceFailed(f"--server {err}") from err


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
