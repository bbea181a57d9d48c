"""The query API says what the database holds, to whom Kubernetes lets look, page by page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError

from auditsink.routes import probes, query
from auditsink.routes.identity import Attributes, Forbidden, Nobody, Unauthenticated, Unavailable
from auditsink.store.database import open_reader, open_writer, sqlite_url
from auditsink.store.queries import Queries
from auditsink.store.rows import insert_all
from tests.auditsink.routes.call import call
from tests.auditsink.store.build import record

A = "a" * 32


class Anybody:
    """Lets everybody look, or raises, and remembers what was asked."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.asked: list[tuple[str, Attributes]] = []
        self._fault = fault

    async def check(self, authorization: str, attributes: Attributes) -> None:
        """As told."""
        self.asked.append((authorization, attributes))
        if self._fault is not None:
            raise self._fault


@pytest.fixture
def queries(tmp_path: Path) -> Iterator[Queries]:
    """A database with 30 events in two sessions."""
    url = sqlite_url(tmp_path / "a.db")
    engine = open_writer(url, dedup_check="x")
    records = [record(number, code=200, issued_credential="JTI=1" if number == 3 else "") for number in range(25)]
    with engine.begin() as connection:
        insert_all(connection, [*records, *(record(100 + n, session="b") for n in range(5))], received_us=5)
    engine.dispose()
    made = Queries(open_reader(url))
    yield made
    made.close()


def get(queries: Queries, path: str, access: Any = None) -> tuple[int, Any]:
    """Status and parsed answer."""
    app = FastAPI()
    app.include_router(query.build(queries, access or Anybody()))
    app.include_router(probes.build(lambda: "", access or Anybody()))
    app.add_exception_handler(RequestValidationError, query.wrong_parameters)
    answer = asyncio.run(call(app, "GET", path, headers={"Authorization": "Bearer t"}))
    is_json = answer.headers["content-type"] == "application/json"
    return answer.status, json.loads(answer.body) if is_json else answer.body


def pages(queries: Queries, path: str, limit: int) -> list[Any]:
    """Every item of a list, page by page."""
    items: list[Any] = []
    after: str | None = ""
    while after is not None:
        status, page = get(queries, f"{path}?limit={limit}&after={after}")
        assert status == 200
        assert len(page["items"]) <= limit
        items += page["items"]
        after = page["next"]
    return items


def test_clusters_and_sessions(queries: Queries) -> None:
    """What `kubescrow sessions list` shows."""
    assert get(queries, "/api/v1/clusters") == (200, {"items": ["prod"], "next": None})
    found = pages(queries, "/api/v1/clusters/prod/sessions", 1)
    assert [each["session"] for each in found] == ["b" * 32, A]
    assert get(queries, f"/api/v1/clusters/prod/sessions/{A}") == (200, found[1])
    assert found[1] == {
        "cluster": "prod", "session": A, "username": "alice", "kind": "user", "key": "alice", "pod": "",
        "first_us": 0, "last_us": 24_000, "events": 25, "by_verdict": {"": 25}, "by_code": {"200": 25},
    }  # fmt: skip


@pytest.mark.parametrize("limit", [1, 7, 25, 1000])
def test_events_come_in_pages(queries: Queries, limit: int) -> None:
    """Each once, in order, with columns and body."""
    found = pages(queries, f"/api/v1/clusters/prod/sessions/{A}/events", limit)
    assert [each["event"]["number"] for each in found] == list(range(25))
    assert (found[1]["dedup"], found[1]["flags"], found[1]["time_us"]) == ("0" * 31 + "1", 0, 1000)


def test_a_page_ends_before_it_is_too_large(queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next one goes on."""
    monkeypatch.setattr(query, "PAGE_BYTES", 2000)
    found = pages(queries, f"/api/v1/clusters/prod/sessions/{A}/events", 1000)
    assert [each["event"]["number"] for each in found] == list(range(25))
    assert len(get(queries, f"/api/v1/clusters/prod/sessions/{A}/events?limit=1000")[1]["items"]) < 10


def test_a_birth_is_found(queries: Queries) -> None:
    """By the credential id."""
    status, found = get(queries, "/api/v1/clusters/prod/births/JTI=1")
    assert (status, found["event"]) == (200, {"number": 3})


@pytest.mark.parametrize("path", ["sessions/x", "births/x", "sessions/x/y"])
def test_what_is_not_there_is_404(queries: Queries, path: str) -> None:
    """With a text that names it, as far as it is ours."""
    assert get(queries, f"/api/v1/clusters/prod/{path}")[0] == 404


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ("limit=0", "limit='0': Input should be greater than or equal to 1"),
        ("limit=1001", "limit='1001': Input should be less than or equal to 1000"),
        ("limit=x", "limit='x': Input should be a valid integer"),
        ("after=x", "cursor: not one that this list gave"),
        ("offset=1", "offset='1': Extra inputs are not permitted"),
        ("since_us=-1", "since_us='-1': Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_parameter_is_told(queries: Queries, parameters: str, text: str) -> None:
    """422 with name, value and what is allowed."""
    status, answer = get(queries, f"/api/v1/clusters/prod/sessions?{parameters}")
    assert status == 422
    assert answer["error"].startswith(text)


PATHS = {
    "/api/v1/clusters": {"verb": "list"},
    "/api/v1/clusters/prod/sessions": {"verb": "list"},
    f"/api/v1/clusters/prod/sessions/{A}": {"verb": "get", "name": A},
    f"/api/v1/clusters/prod/sessions/{A}/events": {"verb": "get", "name": A},
    "/api/v1/clusters/prod/births/JTI=1": {"verb": "get"},
}


@pytest.mark.parametrize("path", PATHS)
def test_kubernetes_is_asked_before_anything_is_shown(queries: Queries, path: str) -> None:
    """About sessions.kubescrow.dev."""
    access = Anybody(Forbidden("alice may not"))
    assert get(queries, path, access) == (403, {"error": "alice may not"})
    attributes = {"resourceAttributes": {"group": "kubescrow.dev", "resource": "sessions", **PATHS[path]}}
    assert access.asked == [("Bearer t", attributes)]


@pytest.mark.parametrize("path", [*PATHS, "/metrics"])
@pytest.mark.parametrize(
    ("fault", "status"), [(Unauthenticated(), 401), (Forbidden("no"), 403), (Unavailable("no answer"), 503)]
)
def test_whoever_may_not_look_sees_nothing(queries: Queries, path: str, fault: Exception, status: int) -> None:
    """A failed question is no permission."""
    found, answer = get(queries, path, Anybody(fault))
    assert found == status
    assert list(answer) == ["error"]


def test_without_a_cluster_nobody_may_look(queries: Queries) -> None:
    """And is told what is missing."""
    status, answer = get(queries, "/api/v1/clusters", Nobody())
    assert status == 403
    assert "ESCROW_SINK_KUBECONFIG" in answer["error"]


def test_a_database_that_fails_is_503_without_details(queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those are in the log."""

    def fail(*_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT 1", {"a": "hunter2"}, OSError("disk I/O error"))

    monkeypatch.setattr(Queries, "clusters", fail)
    assert get(queries, "/api/v1/clusters") == (503, {"error": "the cluster or the database cannot be asked"})


def test_probes_need_no_token_and_metrics_do(queries: Queries) -> None:
    """The kubelet has none."""
    assert get(queries, "/healthz", Nobody()) == (200, b"ok")
    assert get(queries, "/readyz", Nobody()) == (200, b"ok")
    access = Anybody()
    status, text = get(queries, "/metrics", access)
    assert status == 200
    assert b"kubescrow_sink_batches_total" in text
    assert access.asked == [("Bearer t", {"nonResourceAttributes": {"path": "/metrics", "verb": "get"}})]
