"""Every answer of the intake: what it says, whether the body was read, and what is on disk by then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi import FastAPI

from auditsink.intake.event import Keys, Recorder
from auditsink.intake.work import Work, records_of
from auditsink.routes import body as reading
from auditsink.routes import ingest
from auditsink.routes.body import InFlight
from auditsink.store.database import open_reader, open_writer, sqlite_url
from auditsink.store.queries import Queries
from auditsink.store.writer import Writer
from auditsink.tokens import Tokens
from masking import MaskingKey
from tests.auditsink.routes.call import Answer, call
from tests.auditsink.samples import batch, numbered

PATH = "/audit/v1/clusters/prod"
LIMIT = 100_000


@dataclass
class Sink:
    """The intake in this process."""

    app: FastAPI
    token: str
    writer: Writer
    database: str
    in_flight: InFlight

    async def send(self, *chunks: bytes | None, token: str | None = None, **headers: str) -> Answer:
        """Send a body in chunks."""
        sent = {"Authorization": f"Bearer {token if token is not None else self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await call(self.app, "POST", PATH, headers=sent, chunks=chunks)

    def stored(self) -> int:
        """How many events another process sees."""
        queries = Queries(open_reader(self.database))
        try:
            return sum(session.events for session in queries.sessions("prod"))
        finally:
            queries.close()


@contextlib.asynccontextmanager
async def sink(
    folder: Path, *, work: Callable[[bytearray, str], Work] | None = None, starts: bool = True
) -> AsyncIterator[Sink]:
    """Build one with small limits."""
    recorder = Recorder(Keys(MaskingKey("k1", b"m" * 32), b"d" * 32))
    database = sqlite_url(folder / "a.db")
    writer = Writer(open_writer(database, dedup_check="x"), clock_us=lambda: 7, on_commit=lambda *_: None)
    tokens = Tokens(folder / "tokens.json")
    in_flight = InFlight(2 * LIMIT)
    executor = ThreadPoolExecutor(1)
    intake = ingest.Intake(
        tokens=tokens,
        work=work or (lambda body, cluster: records_of(body, cluster=cluster, recorder=recorder)),
        executor=executor,
        writer=writer,
        in_flight=in_flight,
        body_limit_bytes=LIMIT,
    )
    app = FastAPI()
    app.include_router(ingest.build(intake))
    if starts:
        writer.start()
    yield Sink(app, tokens.new_token("prod"), writer, database, in_flight)
    if not starts:
        writer.start()
    await asyncio.to_thread(writer.stop)
    executor.shutdown()


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test in a loop of its own."""
    asyncio.run(test)


def test_a_batch_is_on_disk_before_the_answer(tmp_path: Path) -> None:
    """And sent again, in other chunks, it adds nothing."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            body = batch(numbered(40))
            assert (await made.send(body)).status == 200
            assert made.stored() == 40
            assert (await made.send(body[:77], body[77:])).status == 200
            assert made.stored() == 40

    run(test())


@pytest.mark.parametrize("token", ["", "wrong", "kubescrow-sink-wrong"])
def test_a_wrong_token_is_refused_before_the_body_is_read(tmp_path: Path, token: str) -> None:
    """401, and the connection ends: nobody reads what follows."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            answer = await made.send(batch(numbered(1)), token=token)
            assert (answer.status, answer.chunks_read) == (401, 0)
            assert answer.headers["connection"] == "close"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert made.token.encode() not in answer.body

    run(test())


def test_the_token_of_another_cluster_is_a_wrong_token(tmp_path: Path) -> None:
    """As is another scheme, and no header."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            other = Tokens(tmp_path / "tokens.json").new_token("test")
            for header in (f"Bearer {other}", f"Basic {made.token}", made.token):
                assert (await call(made.app, "POST", PATH, headers={"Authorization": header})).status == 401
            assert (await call(made.app, "POST", PATH)).status == 401
            assert (await call(made.app, "POST", PATH, headers={"Authorization": f"bearer {made.token}"})).status == 400

    run(test())


def test_broken_tokens_are_no_way_in(tmp_path: Path) -> None:
    """503: the sender keeps its events until somebody mends the file."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            (tmp_path / "tokens.json").write_text("{")
            answer = await made.send(batch(numbered(1)))
            assert (answer.status, answer.chunks_read, answer.headers["retry-after"]) == (503, 0, "3")

    run(test())


def test_a_body_that_says_it_is_too_large_is_not_read(tmp_path: Path) -> None:
    """413 with the limit."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            answer = await made.send(b"x", content_length=str(LIMIT + 1))
            assert (answer.status, answer.chunks_read) == (413, 0)
            assert answer.body == b"body: more than 100000 bytes\n"

    run(test())


def test_a_body_that_turns_out_too_large_is_read_no_further(tmp_path: Path) -> None:
    """And its bytes are given back."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            answer = await made.send(*[b"x" * 60_000] * 5)
            assert (answer.status, answer.chunks_read) == (413, 2)
            made.in_flight.take(2 * LIMIT)

    run(test())


def test_bodies_together_are_bounded(tmp_path: Path) -> None:
    """503 for the one that does not fit beside the others, before it is read; fine once they are gone."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            body = batch(numbered(1))
            made.in_flight.take(2 * LIMIT - 10)
            answer = await made.send(body, content_length=str(len(body)))
            assert (answer.status, answer.chunks_read, answer.headers["retry-after"]) == (503, 0, "3")
            assert (await made.send(body)).status == 503
            made.in_flight.give_back(2 * LIMIT - 10)
            assert (await made.send(body)).status == 200
            made.in_flight.take(2 * LIMIT)

    run(test())


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"hello", b"body: found what is not a JSON object; allowed: one EventList of audit.k8s.io/v1\n"),
        (b'{"kind":"Pod"}', b'kind: found "Pod"; allowed: EventList\n'),
    ],
)
def test_what_is_no_batch_is_refused_by_field(tmp_path: Path, body: bytes, text: bytes) -> None:
    """400, whoever sends it."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            answer = await made.send(body)
            assert (answer.status, answer.body) == (400, text)

    run(test())


def test_of_half_a_body_the_whole_events_are_stored_and_the_sender_told(tmp_path: Path) -> None:
    """400, so that it sends all of it again."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            body = batch(numbered(5))
            answer = await made.send(body[: len(body) // 2])
            assert (answer.status, answer.body) == (
                400,
                b"items: the list does not end; 3 items before that are stored\n",
            )
            assert (await made.send(body)).status == 200
            assert made.stored() == 6  # five, and the half one in quarantine

    run(test())


def test_a_sender_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    """No row, no bytes held."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            assert (await made.send(batch(numbered(5))[:-1], None)).status == 400
            assert made.stored() == 0
            made.in_flight.take(2 * LIMIT)

    run(test())


def test_a_sender_that_stops_sending_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """408 after the time for a body."""
    monkeypatch.setattr(reading, "READ_S", 0.05)

    async def test() -> None:
        async with sink(tmp_path) as made:
            assert (await made.send(b"{", b"never")).status == 408
            made.in_flight.take(2 * LIMIT)

    run(test())


def test_a_writer_that_is_behind_makes_the_sender_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After, never a hang; what was accepted is written all the same."""
    monkeypatch.setattr(ingest, "ANSWER_S", 0.3)

    async def test() -> None:
        async with sink(tmp_path, starts=False) as made:
            answer = await made.send(batch(numbered(5)))
            assert (answer.status, answer.headers["retry-after"]) == (503, "3")
        assert made.stored() == 5

    run(test())


def test_work_that_piles_up_makes_the_sender_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more requests wait for the masking thread than it can work off in time."""
    monkeypatch.setattr(ingest, "WORKING_BATCHES", 2)

    async def test() -> None:
        async with sink(tmp_path) as made:
            answers = await asyncio.gather(*(made.send(batch(numbered(40))) for _ in range(3)))
            assert sorted(answer.status for answer in answers) == [200, 200, 503]
            assert (await made.send(batch(numbered(40)))).status == 200

    run(test())


def test_a_database_that_takes_nothing_makes_the_sender_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After; then it takes them."""

    async def test() -> None:
        async with sink(tmp_path) as made:
            with monkeypatch.context() as broken:
                broken.setattr("auditsink.store.writer.insert_all", _fail)
                answer = await made.send(batch(numbered(5)))
            assert (answer.status, answer.headers["retry-after"]) == (503, "3")
            assert (await made.send(batch(numbered(5)))).status == 200
            assert made.stored() == 5

    run(test())


def test_a_fault_of_ours_is_logged_without_the_body(tmp_path: Path) -> None:
    """500, which the sender answers by sending again."""

    def work(body: bytearray, cluster: str) -> Work:
        raise RuntimeError(bytes(body))

    async def test() -> None:
        async with sink(tmp_path, work=work) as made:
            with structlog.testing.capture_logs() as logs:
                answer = await made.send(batch(numbered(5)))
            assert (answer.status, answer.body) == (500, b"internal error; see the log\n")
            (entry,) = logs
            assert (entry["event"], entry["error"], entry["where"][-1].split()[-1]) == (
                "internal error",
                "RuntimeError",
                "work",
            )
            assert "configmaps" not in str(entry)
            made.in_flight.take(2 * LIMIT)

    run(test())


def _fail(*_: Any, **__: Any) -> int:
    raise OSError("no space left on device")
