"""The tables. Every key starts with the cluster; only bounded columns and hashes are indexed.

Rows are only ever inserted: a role that may INSERT is enough to write, and late or repeated events need no update.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, String, Table, Text

VERSION = 1
"""Of the tables below; another version in a database stops the start."""

metadata = MetaData()

about = Table(
    "kubescrow",
    metadata,
    Column("schema_version", Integer, primary_key=True, autoincrement=False),
    Column("dedup_check", String(32), nullable=False),
)
"""One row: that the database is ours, its version, and a hash by which the dedup key is known again."""

events = Table(
    "events",
    metadata,
    Column("cluster", String(63), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("dedup", LargeBinary(16), primary_key=True),
    Column("time_us", BigInteger, nullable=False),
    Column("stage_time_us", BigInteger, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("audit_id", String(64), nullable=False),
    Column("level", String(16), nullable=False),
    Column("stage", String(20), nullable=False),
    Column("verb", String(32), nullable=False),
    Column("session", String(32), nullable=False),
    Column("username", String(256), nullable=False),
    Column("authenticated_as", String(256), nullable=False),
    Column("api_group", String(253), nullable=False),
    Column("resource", String(253), nullable=False),
    Column("subresource", String(253), nullable=False),
    Column("namespace", String(253), nullable=False),
    Column("name", String(253), nullable=False),
    Column("code", SmallInteger),
    Column("verdict", String(16), nullable=False),
    Column("rules", String(1024), nullable=False),
    Column("approval", String(63), nullable=False),
    Column("decided_by", String(512), nullable=False),
    Column("credential", String(128), nullable=False),
    Column("issued_credential", String(128), nullable=False),
    Column("source_ip", String(64), nullable=False),
    Column("user_agent", String(256), nullable=False),
    Column("flags", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("events_by_session", "cluster", "session", "time_us"),
    Index("events_by_time", "cluster", "time_us"),
    Index("events_by_object", "cluster", "resource", "namespace", "name", "time_us"),
    sqlite_with_rowid=True,
)

births = Table(
    "births",
    metadata,
    Column("cluster", String(63), primary_key=True),
    Column("credential", String(128), primary_key=True),
    Column("day", Integer, nullable=False),
    Column("dedup", LargeBinary(16), nullable=False),
)
"""Which event issued a credential. One row for each event that says so; the first one stays."""

sessions = Table(
    "sessions",
    metadata,
    Column("cluster", String(63), primary_key=True),
    Column("session", String(32), primary_key=True),
    Column("username", String(256), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", String(256), nullable=False),
    Column("pod", Text, nullable=False),
)
"""Who a session is; what happened in it is read from `events`."""
