"""The one thread that writes. Batches wait in a bounded queue; what waits is committed together.

    future = writer.submit(records)         Behind: the queue is full
    committed = await future                the rows are on disk, or StoreUnavailable

A row that the database refuses for what it holds costs no other row: the batch is halved until the row stands alone,
and the row is stored bare, marked as quarantined. An error of the database itself (disk full, locked) fails the batch:
the sender tries again, and rows that are there already add nothing.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from auditsink.intake.record import Record
from auditsink.store.rows import bare, insert_all

QUEUE_BATCHES = 64
"""Batches that may wait. An API server sends 10 a second at most; 64 are some seconds of several of them."""

QUEUE_BYTES = 64 * 1024 * 1024
"""Compressed bodies that may wait: the queue full of batches of a megabyte each, ten times the usual."""

TOGETHER_RECORDS = 4000
"""Records that one transaction takes: ten batches of the default size, well under a second of writing."""


class Behind(Exception):
    """Too much waits to be written; the sender should come again."""


class StoreUnavailable(Exception):
    """The database did not take the records. The text is for the log and holds none of them."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a batch's records."""

    stored: int
    known: int
    """Records that were there already."""


@dataclass(frozen=True, slots=True)
class _Job:
    records: Sequence[Record]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Committed] = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes that its records hold."""
        return sum(len(record.body) for record in self.records)

    def resolve(self, outcome: Committed | Exception) -> None:
        def settle() -> None:
            if self.future.cancelled():
                return
            if isinstance(outcome, Exception):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)

        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self.loop.call_soon_threadsafe(settle)


class Writer:
    """Writes to one engine from one thread of its own."""

    def __init__(self, engine: Engine, *, clock_us: Callable[[], int], on_commit: Callable[[int, float], None]) -> None:
        """Prepare it. clock_us: microseconds since 1970. on_commit: called with records and seconds of each commit."""
        self._engine = engine
        self._clock_us = clock_us
        self._on_commit = on_commit
        self._queue: queue.Queue[_Job | None] = queue.Queue(QUEUE_BATCHES)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._waiting_bytes = 0
        self._counting = threading.Lock()
        self.fault = ""
        """Why the last commit failed; empty if it did not."""

    @property
    def waiting(self) -> int:
        """Batches that wait at this moment."""
        return self._queue.qsize()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end; returns when that is done."""
        self._queue.put(None)
        self._thread.join()
        self._engine.dispose()

    def submit(self, records: Sequence[Record]) -> asyncio.Future[Committed]:
        """Queue the records of one batch; call it in an event loop.

        Returns a future that is done when they are on disk. It fails with StoreUnavailable.

        Raises:
            Behind: the queue is full.
        """
        loop = asyncio.get_running_loop()
        job = _Job(records, loop, loop.create_future())
        with self._counting:
            if self._waiting_bytes and self._waiting_bytes + job.size > QUEUE_BYTES:
                raise Behind
            try:
                self._queue.put_nowait(job)
            except queue.Full as err:
                raise Behind from err
            self._waiting_bytes += job.size
        return job.future

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            jobs = [first]
            while sum(len(job.records) for job in jobs) < TOGETHER_RECORDS:
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    self._commit(jobs)
                    return
                jobs.append(job)
            self._commit(jobs)

    def _commit(self, jobs: Sequence[_Job]) -> None:
        """Commit these jobs in one transaction, or each in one of its own if one of them holds a refused row."""
        started = time.perf_counter()
        try:
            outcomes: list[Committed | Exception] = list(self._together([job.records for job in jobs]))
        except OperationalError as err:
            outcomes = [_unavailable(err)] * len(jobs)
        except Exception:  # of some row: find it
            outcomes = [self._alone(job.records) for job in jobs]
        self._on_commit(sum(len(job.records) for job in jobs), time.perf_counter() - started)
        self.fault = next((str(outcome) for outcome in outcomes if isinstance(outcome, Exception)), "")
        with self._counting:
            self._waiting_bytes -= sum(job.size for job in jobs)
        for job, outcome in zip(jobs, outcomes, strict=True):
            job.resolve(outcome)

    def _together(self, batches: Sequence[Sequence[Record]]) -> list[Committed]:
        received_us = self._clock_us()
        with self._engine.begin() as connection:
            stored = [insert_all(connection, records, received_us=received_us) for records in batches]
        return [Committed(new, len(records) - new) for new, records in zip(stored, batches, strict=True)]

    def _alone(self, records: Sequence[Record]) -> Committed | Exception:
        try:
            halves = self._halved(records)
        except Exception as err:
            return _unavailable(err)
        return Committed(sum(half.stored for half in halves), sum(half.known for half in halves))

    def _halved(self, records: Sequence[Record]) -> list[Committed]:
        """Commit what can be committed; a row that is refused alone is stored bare."""
        try:
            return self._together([records])
        except OperationalError:
            raise
        except Exception:
            if len(records) == 1:
                return self._together([[bare(records[0])]])
        middle = len(records) // 2
        return self._halved(records[:middle]) + self._halved(records[middle:])


def _unavailable(err: Exception) -> StoreUnavailable:
    """Say what failed without the statement's parameters, which SQLAlchemy would show."""
    cause = err.orig if isinstance(err, DBAPIError) else err
    reason = str(cause) if isinstance(err, OperationalError) else ""
    return StoreUnavailable(f"{type(cause).__name__} {reason}".strip())
