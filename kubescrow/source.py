"""Where recorded sessions are read from: a database directly, or a server of the auditsink. Both answer the same."""

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from auditsink.replay.step import Seen
from auditsink.store.database import DatabaseUnusable, open_reader, sqlite_url
from auditsink.store.queries import Queries, Session

TIMEOUT_S = 30
PAGE = 500

_SEEN = tuple(field.name for field in fields(Seen))


class SourceFailed(Exception):
    """The sessions cannot be read; the text tells the user why."""


class Source(Protocol):
    """Reads recorded sessions."""

    def clusters(self) -> list[str]:
        """Every cluster that has sessions."""
        ...

    def sessions(self, cluster: str, *, user: str, limit: int) -> list[Session]:
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


def source_of(*, database: str, server: str, token: str, ca: Path | None) -> Source:
    """Open what the options name.

    Raises:
        SourceFailed: none or both are named, or it cannot be opened.
    """
    if bool(database) == bool(server):
        raise SourceFailed("name one of --database URL|FILE and --server URL")
    if server:
        return Server(server, token=token or os.environ.get("KUBESCROW_TOKEN", ""), ca=ca)
    try:
        return Database(Queries(open_reader(database if "://" in database else sqlite_url(Path(database)))))
    except DatabaseUnusable as err:
        raise SourceFailed(str(err)) from err


class Database:
    """A database of the auditsink, opened to read only."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def clusters(self) -> list[str]:
        """See `Source`."""
        return self._queries.clusters()

    def sessions(self, cluster: str, *, user: str, limit: int) -> list[Session]:
        """See `Source`."""
        return self._queries.sessions(cluster, username=user, limit=limit)

    def session(self, cluster: str, session: str) -> Session | None:
        """See `Source`."""
        return self._queries.session(cluster, session)

    def seen(self, cluster: str, session: str) -> Iterator[Seen]:
        """See `Source`."""
        for event in self._queries.events_of(cluster, session):
            yield Seen(**{name: getattr(event, name) for name in _SEEN})

    def birth(self, cluster: str, credential: str) -> Mapping[str, Any] | None:
        """See `Source`."""
        event = self._queries.birth(cluster, credential)
        return None if event is None else event.event


class Server:
    """The query API of an auditsink, asked with a Kubernetes token."""

    def __init__(self, url: str, *, token: str, ca: Path | None) -> None:
        if not url.startswith("https://") and not url.startswith(("http://127.0.0.1", "http://localhost")):
            raise SourceFailed(f"--server {url}: allowed: https://..., or http:// on this machine")
        self._base = f"{url.rstrip('/')}/api/v1/clusters"
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        try:
            self._tls = ssl.create_default_context(cafile=str(ca) if ca else None)
        except OSError as err:
            raise SourceFailed(f"--ca {ca}: not a readable CA certificate") from err

    def clusters(self) -> list[str]:
        """See `Source`."""
        return [str(name) for name in self._get("")["items"]]

    def sessions(self, cluster: str, *, user: str, limit: int) -> list[Session]:
        """See `Source`."""
        page = self._get(f"/{quote(cluster, safe='')}/sessions", username=user, limit=str(limit))
        return [_session(item) for item in page["items"]]

    def session(self, cluster: str, session: str) -> Session | None:
        """See `Source`."""
        found = self._find(f"/{quote(cluster, safe='')}/sessions/{quote(session, safe='')}")
        return None if found is None else _session(found)

    def seen(self, cluster: str, session: str) -> Iterator[Seen]:
        """See `Source`."""
        after: str | None = ""
        while after is not None:
            path = f"/{quote(cluster, safe='')}/sessions/{quote(session, safe='')}/events"
            page = self._get(path, limit=str(PAGE), after=after)
            for item in page["items"]:
                yield Seen(**{name: item[name] for name in _SEEN})
            after = page["next"]

    def birth(self, cluster: str, credential: str) -> Mapping[str, Any] | None:
        """See `Source`."""
        found = self._find(f"/{quote(cluster, safe='')}/births/{quote(credential, safe='')}")
        return None if found is None else found["event"]

    def _find(self, path: str) -> dict[str, Any] | None:
        try:
            return self._get(path)
        except SourceFailed as err:
            if isinstance(err.__cause__, urllib.error.HTTPError) and err.__cause__.code == 404:
                return None
            raise

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        url = f"{self._base}{path}?{urlencode(query)}"
        request = urllib.request.Request(url, headers=self._headers)  # noqa: S310 -- the scheme was checked
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self._tls) as answer:  # noqa: S310
                content: dict[str, Any] = json.load(answer)
                return content
        except urllib.error.HTTPError as err:
            raise SourceFailed(f"{self._base}{path}: {err.code} {_said(err)}") from err
        except (OSError, ValueError) as err:
            raise SourceFailed(f"{self._base}{path}: no answer ({type(err).__name__})") from err


def _said(err: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(err)["error"])
    except (ValueError, KeyError, TypeError):
        return err.reason


def _session(item: Mapping[str, Any]) -> Session:
    by_code = {int(code): count for code, count in item["by_code"].items()}
    return Session(**{**item, "by_code": by_code})
