"""Records are on disk before anybody is told so; twice is once; one refused row costs no other."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from auditsink.intake.record import Flag, Record
from auditsink.store import writer as module
from auditsink.store.database import open_reader, open_writer, sqlite_url
from auditsink.store.queries import Queries
from auditsink.store.writer import Behind, Committed, StoreUnavailable, Writer
from tests.auditsink.store.build import record

REFUSED = {"verb": "\ud800", "time_us": 2**70}


@contextlib.asynccontextmanager
async def writing(path: Path) -> AsyncIterator[Writer]:
    """A running writer."""
    made = Writer(open_writer(sqlite_url(path), dedup_check="x"), clock_us=lambda: 7, on_commit=lambda *_: None)
    made.start()
    try:
        yield made
    finally:
        await asyncio.to_thread(made.stop)


def stored(path: Path) -> list[tuple[bytes, int]]:
    """Key and flags of every row, as another process sees them."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT dedup, flags FROM events ORDER BY dedup").fetchall()


async def write(path: Path, *batches: Sequence[Record]) -> list[Committed]:
    """Write batches, all submitted at once."""
    async with writing(path) as made:
        return list(await asyncio.gather(*(made.submit(batch) for batch in batches)))


def test_committed_rows_are_there_for_others(tmp_path: Path) -> None:
    """At the moment when the future is done."""

    async def run() -> None:
        async with writing(tmp_path / "a.db") as made:
            assert await made.submit([record(1), record(2)]) == Committed(2, 0)
            assert len(stored(tmp_path / "a.db")) == 2

    asyncio.run(run())


def test_a_row_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    """In the same batch, in the next, at the same time; also with another body."""
    first = [record(1), record(2), record(1)]
    outcomes = asyncio.run(write(tmp_path / "a.db", first, first, [record(2, verb="put"), record(3)]))
    assert outcomes == [Committed(2, 1), Committed(0, 3), Committed(1, 1)]
    assert len(stored(tmp_path / "a.db")) == 3


@pytest.mark.parametrize("column", REFUSED)
@pytest.mark.parametrize("place", [0, 200, 399])
def test_a_row_that_the_database_refuses_costs_no_other(tmp_path: Path, column: str, place: int) -> None:
    """It is stored bare, in quarantine; batches beside it are whole."""
    batch = [record(number) for number in range(400)]
    batch[place] = dataclasses.replace(batch[place], **{column: REFUSED[column]})  # type: ignore[arg-type]
    outcomes = asyncio.run(write(tmp_path / "a.db", [record(1000)], batch, [record(1001)]))
    assert outcomes == [Committed(1, 0), Committed(400, 0), Committed(1, 0)]
    rows = stored(tmp_path / "a.db")
    assert len(rows) == 402
    assert [dedup for dedup, flags in rows if flags == Flag.QUARANTINED] == [place.to_bytes(16, "big")]


def test_a_database_that_fails_fails_the_batch_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is stored, nothing is said to be; the next batch goes through. The text holds no value."""
    monkeypatch.setattr("auditsink.store.database.BUSY_TIMEOUT_S", 0.1)

    async def run() -> None:
        async with writing(tmp_path / "a.db") as made:
            other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match=r"^OperationalError database is locked$"):
                await made.submit([record(1, user_agent="secret-agent")])
            assert made.fault
            other.execute("ROLLBACK")
            other.close()
            assert await made.submit([record(1)]) == Committed(1, 0)
            assert not made.fault

    asyncio.run(run())


def test_a_full_queue_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits in front of a queue."""
    monkeypatch.setattr(module, "QUEUE_BATCHES", 2)

    async def run() -> None:
        made = Writer(
            open_writer(sqlite_url(tmp_path / "a.db"), dedup_check="x"), clock_us=int, on_commit=lambda *_: None
        )
        waiting = [made.submit([record(number)]) for number in range(2)]  # it does not run yet
        with pytest.raises(Behind):
            made.submit([record(9)])
        made.start()
        assert await asyncio.gather(*waiting) == [Committed(1, 0)] * 2
        await asyncio.to_thread(made.stop)

    asyncio.run(run())


def test_large_batches_fill_the_queue_earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are bounded too; one batch is taken however large it is."""
    monkeypatch.setattr(module, "QUEUE_BYTES", 100)

    async def run() -> None:
        made = Writer(
            open_writer(sqlite_url(tmp_path / "a.db"), dedup_check="x"), clock_us=int, on_commit=lambda *_: None
        )
        waiting = made.submit([record(1, body=b"x" * 500)])
        with pytest.raises(Behind):
            made.submit([record(2)])
        made.start()
        assert await waiting == Committed(1, 0)
        assert await made.submit([record(2)]) == Committed(1, 0)
        await asyncio.to_thread(made.stop)

    asyncio.run(run())


def test_stopping_writes_what_waits(tmp_path: Path) -> None:
    """Also for whom nobody waits any more."""

    async def run() -> None:
        made = Writer(
            open_writer(sqlite_url(tmp_path / "a.db"), dedup_check="x"), clock_us=int, on_commit=lambda *_: None
        )
        for number in range(5):
            made.submit([record(number)]).cancel()
        made.start()
        await asyncio.to_thread(made.stop)

    asyncio.run(run())
    assert len(stored(tmp_path / "a.db")) == 5


def test_the_first_birth_of_a_credential_stays(tmp_path: Path) -> None:
    """Whoever says later to have issued it."""
    births = [record(1, issued_credential="JTI=1"), record(2, issued_credential="JTI=1")]
    asyncio.run(write(tmp_path / "a.db", births[:1], births[1:]))
    queries = Queries(open_reader(sqlite_url(tmp_path / "a.db")))
    found = queries.birth("prod", "JTI=1")
    assert found is not None
    assert found.event == {"number": 1}
    queries.close()
