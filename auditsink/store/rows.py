"""Records as rows, and the statements that insert them.

Nothing is ever updated: a row that is there already stays, so a batch that the API server sends again adds nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from auditsink.intake.record import Flag, Identity, Record
from auditsink.store.schema import births, events, sessions

_INSERTS: dict[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
_COPIED = tuple(field.name for field in fields(Record) if field.name not in ("identity", "flags"))


def insert_all(connection: Connection, records: Sequence[Record], *, received_us: int) -> int:
    """Insert records, with their sessions and births; return how many events were new."""
    owners = {(record.cluster, record.identity.session): _session(record) for record in records}
    born = [_birth(record) for record in records if record.issued_credential]
    _insert(connection, sessions, list(owners.values()))
    _insert(connection, births, born)
    return _insert(connection, events, [_event(record, received_us) for record in records])


def bare(record: Record) -> Record:
    """Return what any database takes of a record that ours refuses: key and body, marked as quarantined."""
    nobody = Identity(session="0" * 32, username="", kind="user", key="")
    return Record(
        cluster=record.cluster,
        day=0,
        dedup=record.dedup,
        time_us=0,
        stage_time_us=0,
        audit_id="",
        level="",
        stage="",
        verb="",
        identity=nobody,
        authenticated_as="",
        flags=record.flags | Flag.QUARANTINED,
        body=record.body,
    )


def _insert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    if not rows:
        return 0
    statement = _INSERTS[connection.dialect.name](table).on_conflict_do_nothing()
    return max(0, connection.execute(statement, rows).rowcount)


def _event(record: Record, received_us: int) -> dict[str, Any]:
    identity = record.identity
    more = {"received_us": received_us, "session": identity.session, "username": identity.username}
    return {name: getattr(record, name) for name in _COPIED} | more | {"flags": int(record.flags)}


def _session(record: Record) -> dict[str, Any]:
    identity = record.identity
    who = {"username": identity.username, "kind": identity.kind, "key": identity.key, "pod": identity.pod}
    return {"cluster": record.cluster, "session": identity.session, **who}


def _birth(record: Record) -> dict[str, Any]:
    return {
        "cluster": record.cluster,
        "credential": record.issued_credential,
        "day": record.day,
        "dedup": record.dedup,
    }
