"""Databases of the auditsink, filled by its own reader, masker and writer, and the story that is in them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from auditsink.intake.event import Keys, Recorder
from auditsink.intake.record import Record
from auditsink.intake.work import records_of
from auditsink.keys import dedup_check
from auditsink.store.database import open_writer, sqlite_url
from auditsink.store.writer import Writer
from masking import MaskingKey
from tests.auditsink.samples import JTI, batch, event, raw, user

KEYS = Keys(MaskingKey(id="test", secret=bytes(32)), dedup=bytes(32))
START = datetime(2026, 11, 25, 12, tzinfo=UTC)
PASSWORD = "hunter2-canary"
APPROVAL = "appr-9675da9890465010"
OURS = "p0.policy.kubescrow.dev/"
HELD = {
    OURS + "verdict": "hold",
    OURS + "rules": "production/hold-namespace-deletion",
    OURS + "approval": APPROVAL,
}
PASSED = HELD | {OURS + "verdict": "allow", OURS + "decided-by": "alice@example.com"}
PROD = {"resource": "namespaces", "namespace": "prod", "name": "prod", "apiVersion": "v1"}


def at(seconds: float) -> str:
    """A moment of the story as the API server writes it."""
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def said(began_s: float, verb: str, *, took_s: float = 0.1, code: int = 200, **changes: Any) -> dict[str, Any]:
    """One request of the agent that has ended."""
    times = {"requestReceivedTimestamp": at(began_s), "stageTimestamp": at(began_s + took_s)}
    status = {"responseStatus": {"metadata": {}, "code": code}}
    mine = {"auditID": f"id-{began_s}", "user": user(credential_id=JTI), "responseObject": None, "requestObject": None}
    return event(**(mine | times | status | {"verb": verb} | changes))


def of(resource: str, name: str, subresource: str = "") -> dict[str, str]:
    """The objectRef of something in Namespace prod."""
    return {"resource": resource, "namespace": "prod", "name": name, "subresource": subresource, "apiVersion": "v1"}


BIRTH = said(
    -5, "create", auditID="birth", user=user("admin"),
    objectRef={"resource": "serviceaccounts", "namespace": "agents", "name": "bot", "subresource": "token"},
    annotations={"authentication.kubernetes.io/issued-credential-id": JTI},
)  # fmt: skip
STORY = [
    BIRTH,
    said(0, "get", requestURI="/api?timeout=32s", objectRef=None),
    said(
        1, "create", objectRef=of("secrets", "db"), requestURI="/api/v1/namespaces/prod/secrets",
        requestObject={"kind": "Secret", "apiVersion": "v1", "stringData": {"password": PASSWORD}},
    ),
    said(
        2.5, "create", code=101, objectRef=of("pods", "web", "exec"),
        requestURI=f"/api/v1/namespaces/prod/pods/web/exec?command=mysql&command=--password%3D{PASSWORD}&stdin=true",
    ),
    said(4, "create", code=403, objectRef=of("pods", "debug"), annotations={
        OURS + "verdict": "deny", OURS + "rules": "production/no-privileged-pods"}),
    said(6, "delete", code=429, took_s=5, objectRef=PROD, annotations=HELD),
    said(12, "delete", code=429, took_s=5, objectRef=PROD, annotations=HELD),
    said(19, "delete", took_s=2, objectRef=PROD, annotations=PASSED),
    said(4000, "get", code=404, objectRef=of("configmaps", "web"), responseStatus={
        "metadata": {}, "code": 404, "reason": "NotFound"}),
]  # fmt: skip
"""A token is asked for; its bearer is allowed, denied, held until Alice approves; and comes back after an hour."""


def record(folder: Path, events: Iterable[dict[str, Any]], *, cluster: str = "prod") -> str:
    """Store events as the sink does; return the database file."""
    return store(folder, received(map(raw, events), cluster=cluster))


def received(events: Iterable[bytes], *, cluster: str = "prod") -> list[Record]:
    """The masked records of one batch."""
    return records_of(batch(events), cluster=cluster, recorder=Recorder(KEYS)).records


def store(folder: Path, records: Sequence[Record]) -> str:
    """Commit records; return the database file."""
    path = folder / "auditsink.db"
    engine = open_writer(sqlite_url(path), dedup_check=dedup_check(KEYS))
    writer = Writer(engine, clock_us=lambda: 0, on_commit=lambda _records, _seconds: None)

    async def commit() -> None:
        await writer.submit(records)

    writer.start()
    try:
        asyncio.run(commit())
    finally:
        writer.stop()
    return str(path)
