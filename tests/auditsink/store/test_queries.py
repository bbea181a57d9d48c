"""Sessions and events are read page by page, each once, in order, and add up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditsink.store import cursor
from auditsink.store.cursor import WrongCursor, decoded, encoded
from auditsink.store.database import open_reader, open_writer, sqlite_url
from auditsink.store.queries import Queries
from auditsink.store.rows import insert_all
from tests.auditsink.store.build import record

# Three sessions: a (25 events, three at one moment), b and c (active at one moment), and one in another cluster.
RECORDS = [
    *(record(number, session="a", verdict="deny", code=403, time_us=number // 3 * 1000) for number in range(20)),
    *(record(number, session="a", verdict="allow", code=200) for number in range(20, 24)),
    record(24, session="a", stage="RequestReceived"),
    record(100, session="b", username="bob", code=200, time_us=100_000),
    record(101, session="c", username="bob", code=200, time_us=100_000),
    record(102, session="d", cluster="test"),
]


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queries]:
    """A database with these records."""
    url = sqlite_url(tmp_path_factory.mktemp("queries") / "a.db")
    engine = open_writer(url, dedup_check="x")
    with engine.begin() as connection:
        insert_all(connection, RECORDS, received_us=5)
    engine.dispose()
    made = Queries(open_reader(url))
    yield made
    made.close()


def test_clusters_are_listed_by_name(queries: Queries) -> None:
    """Each once."""
    assert queries.clusters() == ["prod", "test"]


def test_a_session_adds_up(queries: Queries) -> None:
    """First, last, counts by verdict and code."""
    found = queries.session("prod", "a" * 32)
    assert found is not None
    assert (found.username, found.kind, found.key, found.pod) == ("alice", "user", "alice", "")
    assert (found.first_us, found.last_us, found.events) == (0, 24_000, 25)
    assert found.by_verdict == {"deny": 20, "allow": 4, "": 1}
    assert found.by_code == {403: 20, 200: 4}


def test_what_is_not_there_is_none(queries: Queries) -> None:
    """A session of another cluster, an unknown credential, an unknown event."""
    assert queries.session("test", "a" * 32) is None
    assert queries.birth("prod", "JTI=x") is None
    assert queries.event("prod", 1, b"x" * 16) is None
    assert queries.sessions("nowhere") == []
    assert list(queries.events_of("test", "a" * 32)) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_sessions_show_each_once_last_active_first(queries: Queries, limit: int) -> None:
    """Those active at one moment in a fixed order."""
    seen: list[str] = []
    after = ""
    while page := queries.sessions("prod", after=after, limit=limit):
        assert len(page) <= limit
        seen += [session.session[0] for session in page]
        after = page[-1].cursor
    assert seen == ["b", "c", "a"]


def test_sessions_are_found_by_user_and_time(queries: Queries) -> None:
    """Both narrow."""
    assert [session.session[0] for session in queries.sessions("prod", username="alice")] == ["a"]
    assert [session.session[0] for session in queries.sessions("prod", since_us=24_001)] == ["b", "c"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 25, 100])
def test_pages_of_events_show_each_once_in_order(queries: Queries, limit: int) -> None:
    """Also those of one moment that a page boundary parts."""
    seen: list[int] = []
    after = ""
    while page := list(queries.events_of("prod", "a" * 32, after=after, limit=limit)):
        assert len(page) <= limit
        seen += [event.event["number"] for event in page]
        after = page[-1].cursor
    assert seen == list(range(25))


def test_all_events_come_without_a_limit(queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the iterator reads at once."""
    monkeypatch.setattr("auditsink.store.queries.PAGE", 4)
    assert [event.event["number"] for event in queries.events_of("prod", "a" * 32)] == list(range(25))
    assert [event.event["number"] for event in queries.events_of("prod", "a" * 32, limit=6)] == list(range(6))


def test_an_event_is_found_by_its_key(queries: Queries) -> None:
    """Columns and body."""
    found = queries.event("prod", 1, (100).to_bytes(16, "big"))
    assert found is not None
    assert (found.username, found.received_us, found.code, found.event) == ("bob", 5, 200, {"number": 100})


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.text())
def test_a_cursor_comes_back(number: int, text: str) -> None:
    """As what it was made of, in characters that need no quoting in a URL."""
    made = encoded((number, text))
    assert decoded(made, int, str) == (number, text)
    assert made.replace("-", "a").replace("_", "a").isalnum()


@pytest.mark.parametrize("text", ["", "x", "%", "WzFd", "é", encoded((1,)), encoded(("1", "a")), encoded((2**63, "a"))])
def test_what_is_no_cursor_is_refused(queries: Queries, text: str) -> None:
    """Whatever a client makes up."""
    with pytest.raises(WrongCursor):
        decoded(text, int, str)
    if text:
        with pytest.raises(cursor.WrongCursor):
            queries.sessions("prod", after=text)
        with pytest.raises(cursor.WrongCursor):
            list(queries.events_of("prod", "a" * 32, after=text))
