"""The auditsink as a process, over TLS: what it acknowledged is there after kill -9, and nothing costs an innocent."""

from __future__ import annotations

import http.client
import json
import os
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from auditsink.intake.record import Flag
from tests.auditsink.samples import POISON, batch, event, numbered, raw, user
from tests.controlplane.waiting import wait_until
from tests.recorder import AuditSink

REPAIRED = Flag.QUARANTINED | Flag.REPAIRED | Flag.TRUNCATED
WHOLE_BUT_ODD = {
    "a NUL in every string",
    "a body of 6 MiB",
    "times out of range",
    "fields of other types",
    "nesting 300 deep",
}
CUT_OFF = {"an object that never ends"}
"""What takes the end of the list for its own: stored, but the sender is told that the list did not end."""


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditSink]:
    """A running auditsink."""
    with AuditSink(tmp_path_factory.mktemp("sink")) as running:
        yield running


def audit_ids(sink: AuditSink) -> list[str]:
    """The auditID of every stored event."""
    queries = sink.queries()
    try:
        sessions = queries.sessions(sink.cluster, limit=1000)
        return [each.audit_id for session in sessions for each in queries.events_of(sink.cluster, session.session)]
    finally:
        queries.close()


def of_user(name: str, count: int) -> list[bytes]:
    """Events of one user, each with an auditID of its own."""
    bare = {"requestObject": None, "responseObject": None, "level": "Metadata", "user": user(name)}
    return [raw(event(auditID=str(uuid.uuid4()), **bare)) for _ in range(count)]


def test_a_batch_that_is_sent_again_adds_nothing(sink: AuditSink) -> None:
    """One after another, and several at once."""
    body = batch(of_user("again", 50))
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(sink.send, [body] * 8), sink.send(body)]
    assert {status for status, _ in answers} == {200}
    (session,) = sink.queries().sessions(sink.cluster, username="again")
    assert session.events == 50


@pytest.mark.parametrize("name", POISON)
def test_a_poisoned_event_costs_no_innocent_one(sink: AuditSink, name: str) -> None:
    """Alone and among 400: 399 are stored, and the bad one is kept, masked and flagged."""
    innocent = of_user(f"innocent-of-{name}", 399)
    before = len(audit_ids(sink))
    allowed = {200, 400} if name in CUT_OFF else {200}
    assert sink.send(batch([POISON[name]]))[0] in allowed
    assert sink.send(batch([*innocent[:200], POISON[name], *innocent[200:]])) == (200, "stored\n")
    (session,) = sink.queries().sessions(sink.cluster, username=f"innocent-of-{name}")
    assert session.events == 399
    assert len(audit_ids(sink)) == before + 400


def test_every_poison_is_in_the_database_flagged_and_masked(sink: AuditSink) -> None:
    """After the tests above, or after sending them now."""
    for poison in POISON.values():
        sink.send(batch([poison]))
    queries = sink.queries()
    kept = [
        each
        for session in queries.sessions(sink.cluster, limit=1000)
        if not session.username.startswith(("innocent-of", "again"))
        for each in queries.events_of(sink.cluster, session.session)
    ]
    odd = [each for each in kept if each.flags & REPAIRED]
    assert len(odd) == len(POISON) - len(WHOLE_BUT_ODD)
    assert not [each for each in kept if "hunter2" in json.dumps(each.event)]


def test_a_wrong_token_is_answered_while_the_body_has_not_come(sink: AuditSink) -> None:
    """50 MB are announced, none is sent, the answer is there."""
    connection = sink.connect(timeout_s=10)
    connection.putrequest("POST", f"/audit/v1/clusters/{sink.cluster}")
    connection.putheader("Authorization", "Bearer wrong")
    connection.putheader("Content-Length", "50000000")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.headers["connection"]) == (401, "close")
    connection.close()


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        pytest.param(b"hello", 400, "body: found what is not a JSON object", id="not JSON"),
        pytest.param(b'{"kind":"Pod","items":[]}', 400, 'kind: found "Pod"; allowed: EventList', id="another kind"),
        pytest.param(batch(numbered(3))[:-100], 400, "items: the list does not end", id="half a body"),
        pytest.param(b"x" * ((64 << 20) + 1), 413, "body: more than 67108864 bytes", id="too large"),
    ],
)
def test_what_cannot_be_taken_is_told_and_harms_nobody(sink: AuditSink, body: bytes, status: int, text: str) -> None:
    """The next batch goes through."""
    try:
        answer = sink.send(body)
        assert answer[0] == status
        assert answer[1].startswith(text)
    except (BrokenPipeError, ConnectionError):  # it does not read what it refuses
        assert status == 413
    assert sink.send(batch(of_user("unharmed", 1)))[0] == 200


def test_a_sender_that_breaks_off_harms_nobody(sink: AuditSink) -> None:
    """Half a request, then nothing: no row of it, and the next batch goes through."""
    connection = sink.connect()
    events = of_user("broken-off", 10)
    connection.putrequest("POST", f"/audit/v1/clusters/{sink.cluster}")
    connection.putheader("Authorization", f"Bearer {sink.token}")
    connection.putheader("Content-Length", str(len(batch(events))))
    connection.endheaders(batch(events)[:-2])
    connection.close()
    assert sink.send(batch(of_user("unharmed", 1)))[0] == 200
    assert sink.queries().sessions(sink.cluster, username="broken-off") == []


def test_probes_are_answered_while_a_large_batch_is_worked_on(sink: AuditSink) -> None:
    """Masking happens beside the event loop."""
    body = batch(of_user("busy", 3000))
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(sink.send, body)
        answered = 0
        while not sending.done():
            assert sink.request("GET", "/healthz")[0] == 200
            answered += 1
        assert sending.result()[0] == 200
    assert answered >= 5


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """Killed again and again under load: no acknowledged event is lost, and after the retries each is there once."""
    with AuditSink(tmp_path) as sink:
        acknowledged: list[str] = []
        ids: list[str] = []
        stop = threading.Event()

        def client() -> None:
            while not stop.is_set():
                mine = [str(uuid.uuid4()) for _ in range(20)]
                ids.extend(mine)
                body = batch([raw(event(auditID=each)) for each in mine])
                while not _acknowledged(sink, body):
                    pass
                acknowledged.extend(mine)

        with ThreadPoolExecutor(3) as pool:
            clients = [pool.submit(client) for _ in range(3)]
            for _ in range(4):
                goal = len(acknowledged) + 100
                wait_until(partial(_has, acknowledged, goal), what="batches are acknowledged")
                sink.kill()
                there = set(acknowledged)  # a client may learn of one more while we look: that is fine
                assert there <= set(audit_ids(sink))
                sink.start()
            stop.set()
            for each in clients:
                each.result()
        assert sorted(audit_ids(sink)) == sorted(ids)


def test_sigterm_finishes_what_was_accepted(tmp_path: Path) -> None:
    """The request under way is stored and answered, with `Connection: close`; then the process ends by itself."""
    with AuditSink(tmp_path) as sink:
        body = batch(of_user("last", 10))
        connection = sink.connect()
        connection.putrequest("POST", f"/audit/v1/clusters/{sink.cluster}")
        connection.putheader("Authorization", f"Bearer {sink.token}")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:100])
        sink.ask_to_stop()
        wait_until(lambda: not _accepts(sink), what="no new connection is taken")
        connection.send(body[100:])
        answer = connection.getresponse()
        assert (answer.status, answer.read(), answer.headers["connection"]) == (200, b"stored\n", "close")
        connection.close()
        wait_until(lambda: "auditsink ends" in sink.logs, what="the auditsink has ended")
        assert len(audit_ids(sink)) == 10


def test_keys_that_are_lost_stop_the_next_start(tmp_path: Path) -> None:
    """Before it stores retried events twice, it says which file is missing its content."""
    with AuditSink(tmp_path) as sink:
        sink.kill()
        os.unlink(sink.data / "keys.json")  # noqa: PTH108 - the very file
        with pytest.raises(Exception, match="made with other keys"):
            sink.start()


def _has(items: list[str], count: int) -> bool:
    return len(items) >= count


def _acknowledged(sink: AuditSink, body: bytes) -> bool:
    try:
        return sink.send(body)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def _accepts(sink: AuditSink) -> bool:
    try:
        sink.request("GET", "/healthz")
    except OSError:
        return False
    return True
