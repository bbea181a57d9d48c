"""The read side: clusters, sessions, their events, births of tokens.

Every list is read page by page from a key (`after`), never by offset, so that a page costs the same wherever it is.
Connections are the reader's own: no query waits for the writer, and none sees half a batch.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Engine, Row, Select, and_, func, literal, select, tuple_

from auditsink.intake.record import Flag
from auditsink.store import cursor
from auditsink.store.schema import births, events, sessions

PAGE = 500
"""Rows that `events_of` reads at once; at some 10 KB unpacked, 5 MB."""

SESSIONS_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """One session, with what its events add up to. Times are microseconds since 1970."""

    cluster: str
    session: str
    username: str
    kind: str
    key: str
    pod: str
    first_us: int
    last_us: int
    events: int
    by_verdict: Mapping[str, int] = field(default_factory=dict)
    """Events by verdict; "" = none of our webhooks spoke."""
    by_code: Mapping[int, int] = field(default_factory=dict)
    """Events by HTTP status; events without one (RequestReceived) are not in it."""

    @property
    def cursor(self) -> str:
        """`after` of the page that follows this session."""
        return cursor.encoded((self.last_us, self.session))


@dataclass(frozen=True, slots=True)
class Event:
    """One stored event: the columns, and the whole masked event. See `intake.record.Record` for their meaning."""

    cluster: str
    day: int
    dedup: bytes
    time_us: int
    stage_time_us: int
    received_us: int
    audit_id: str
    level: str
    stage: str
    verb: str
    session: str
    username: str
    authenticated_as: str
    api_group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int | None
    verdict: str
    rules: str
    approval: str
    decided_by: str
    credential: str
    issued_credential: str
    source_ip: str
    user_agent: str
    flags: Flag
    event: dict[str, Any]

    @property
    def cursor(self) -> str:
        """`after` of the page that follows this event."""
        return cursor.encoded((self.time_us, self.stage_time_us, self.dedup.hex()))


class Queries:
    """Reads one database. Every method may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def clusters(self) -> list[str]:
        """Return the names of all clusters that have sessions."""
        return [row[0] for row in self._rows(select(sessions.c.cluster).distinct().order_by(sessions.c.cluster))]

    def sessions(
        self, cluster: str, *, after: str = "", limit: int = 100, username: str = "", since_us: int = 0
    ) -> list[Session]:
        """Return sessions of a cluster, last active first.

        after: `cursor` of the last one seen. A session that becomes active between two pages moves to the front, where
        the next first page shows it. username: only of this user. since_us: only those active since then.

        Raises:
            WrongCursor: `after` is no cursor.
        """
        known = _spans(cluster, username)
        asked = select(known).where(known.c.last_us >= since_us)
        if after:
            last_us, session = cursor.decoded(after, int, str)
            is_older = known.c.last_us < last_us
            asked = asked.where(is_older | and_(known.c.last_us == last_us, known.c.session > session))
        asked = asked.order_by(known.c.last_us.desc(), known.c.session).limit(min(limit, SESSIONS_LIMIT))
        return self._summed(cluster, self._rows(asked))

    def session(self, cluster: str, session: str) -> Session | None:
        """Return one session."""
        known = _spans(cluster)
        found = self._summed(cluster, self._rows(select(known).where(known.c.session == session)))
        return found[0] if found else None

    def events_of(self, cluster: str, session: str, *, after: str = "", limit: int | None = None) -> Iterator[Event]:
        """Yield the events of a session in the order in which the API server received the requests.

        after: `cursor` of the last one seen. limit: how many at most; None = all, also those that arrive meanwhile.

        Raises:
            WrongCursor: `after` is no cursor.
        """
        key = events.c.time_us, events.c.stage_time_us, events.c.dedup
        mine = select(events).where(events.c.cluster == cluster, events.c.session == session).order_by(*key)
        left = limit
        while left is None or left > 0:
            page = mine.limit(PAGE if left is None else min(PAGE, left))
            if after:
                time_us, stage_us, dedup = _event_key(after)
                beyond = tuple_(*key) > tuple_(literal(time_us), literal(stage_us), literal(dedup))
                page = page.where(events.c.time_us >= time_us, beyond)
            rows = self._rows(page)
            for row in rows:
                event = _event(row)
                yield event
            if not rows:
                return
            after = event.cursor
            left = None if left is None else left - len(rows)

    def birth(self, cluster: str, credential: str) -> Event | None:
        """Return the event that issued a credential (`JTI=...`)."""
        same = and_(
            births.c.cluster == events.c.cluster, births.c.day == events.c.day, births.c.dedup == events.c.dedup
        )
        rows = self._rows(
            select(events).join(births, same).where(births.c.cluster == cluster, births.c.credential == credential)
        )
        return _event(rows[0]) if rows else None

    def event(self, cluster: str, day: int, dedup: bytes) -> Event | None:
        """Return one event by its key."""
        key = events.c.cluster == cluster, events.c.day == day, events.c.dedup == dedup
        rows = self._rows(select(events).where(*key))
        return _event(rows[0]) if rows else None

    def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        with self._engine.connect() as connection:
            return connection.execute(statement).all()

    def _summed(self, cluster: str, rows: Sequence[Row[Any]]) -> list[Session]:
        """Add the counts of these sessions, all in one query."""
        ids = [row.session for row in rows]
        by = events.c.session, events.c.verdict, events.c.code
        counted = select(*by, func.count()).where(events.c.cluster == cluster, events.c.session.in_(ids)).group_by(*by)
        counts = self._rows(counted) if ids else ()
        return [_session(row, [count for count in counts if count[0] == row.session]) for row in rows]


def _spans(cluster: str, username: str = "") -> Any:
    """Return sessions with the times of their first and last event; two look-ups in an index for each."""
    mine = events.c.cluster == sessions.c.cluster, events.c.session == sessions.c.session
    first, last = (
        select(edge(events.c.time_us)).where(*mine).correlate(sessions).scalar_subquery()
        for edge in (func.min, func.max)
    )
    asked = select(sessions, first.label("first_us"), last.label("last_us")).where(sessions.c.cluster == cluster)
    return (asked.where(sessions.c.username == username) if username else asked).subquery()


def _session(row: Row[Any], counts: Sequence[Any]) -> Session:
    by_verdict: dict[str, int] = {}
    by_code: dict[int, int] = {}
    for _, verdict, code, count in counts:
        by_verdict[verdict] = by_verdict.get(verdict, 0) + count
        if code is not None:
            by_code[code] = by_code.get(code, 0) + count
    return Session(**row._mapping, events=sum(by_verdict.values()), by_verdict=by_verdict, by_code=by_code)


def _event(row: Row[Any]) -> Event:
    columns = dict(row._mapping)
    body = columns.pop("body")
    columns["flags"] = Flag(columns["flags"])
    return Event(**columns, event=orjson.loads(zlib.decompress(body)))


def _event_key(after: str) -> tuple[int, int, bytes]:
    time_us, stage_us, dedup = cursor.decoded(after, int, int, str)
    try:
        return int(time_us), int(stage_us), bytes.fromhex(str(dedup))
    except ValueError as err:
        raise cursor.WrongCursor("cursor: not one that this list gave") from err
