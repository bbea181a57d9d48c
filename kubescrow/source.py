"""Where recorded sessions are read from: a database directly, or a server of the auditsink. Both answer the same."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # they bring SQLAlchemy, half a second that only reading needs
    from auditsink.replay.step import Seen
    from auditsink.store.queries import Session


class SourceFailed(Exception):
    """The sessions cannot be read; the text tells the user why."""


class Source(Protocol):
    """Reads recorded sessions."""

    def clusters(self) -> list[str]:
        """Every cluster that has sessions."""
        ...

    def sessions(self, cluster: str, *, user: str) -> "Iterator[Session]":
        """The sessions of a cluster, last active first; of one user if `user` is not empty."""
        ...

    def session(self, cluster: str, session: str) -> "Session | None":
        """One session; None if it is not recorded."""
        ...

    def seen(self, cluster: str, session: str) -> "Iterator[Seen]":
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
    with _server(server, token=token, ca=ca) if server else _database(database) as source:
        yield source


@contextlib.contextmanager
def _server(url: str, *, token: str, ca: Path | None) -> Iterator[Source]:
    from kubescrow.server import Server, ServerFailed  # noqa: PLC0415 -- see above

    try:
        yield Server(url, token=token, ca=ca)
    except ServerFailed as err:
        raise SourceFailed(f"--server {err}") from err


@contextlib.contextmanager
def _database(name: str) -> Iterator[Source]:
    from kubescrow.database import open_database  # noqa: PLC0415 -- see above

    with open_database(name) as source:
        yield source
