"""JSON in and out of a real API server, our own exceptions, and a server that misbehaves on demand."""

import asyncio
import datetime
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes.aio.config import incluster_config

from tests.controlplane.controlplane import ControlPlane
from tests.webhook.cluster.conftest import Runner
from webhook.cluster import client, names
from webhook.cluster.client import Cluster
from webhook.cluster.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    Refused,
    Unavailable,
)
from webhook.cluster.names import POLICIES


class NextMinute:
    """Stands for the module `datetime` at a time when the token must be read again."""

    timedelta = datetime.timedelta

    class datetime:  # noqa: N801 - its name there
        @staticmethod
        def now() -> datetime.datetime:
            return datetime.datetime.now() + datetime.timedelta(minutes=2)  # noqa: DTZ005 - as the library does


CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
MISSING = f"{CONFIG_MAPS}/missing"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_an_object_lives_its_whole_life(as_admin: Runner) -> None:
    """Create, read, patch, replace, delete."""

    async def work(cluster: Cluster) -> None:
        created = await cluster.create(CONFIG_MAPS, config_map("life", a="1"))
        assert (await cluster.get(f"{CONFIG_MAPS}/life"))["data"] == {"a": "1"}
        patched = await cluster.patch(f"{CONFIG_MAPS}/life", {"data": {"b": "2"}})
        assert patched["data"] == {"a": "1", "b": "2"}
        replaced = await cluster.replace(f"{CONFIG_MAPS}/life", {**patched, "data": {"c": "3"}})
        assert replaced["data"] == {"c": "3"}
        with pytest.raises(Conflict):
            await cluster.replace(f"{CONFIG_MAPS}/life", created)
        await cluster.delete(f"{CONFIG_MAPS}/life", options={"preconditions": {"uid": created["metadata"]["uid"]}})
        with pytest.raises(NotFound):
            await cluster.get(f"{CONFIG_MAPS}/life")

    as_admin(work)


REFUSALS = [
    pytest.param(lambda c: c.get(MISSING), NotFound, id="a missing object"),
    pytest.param(lambda c: c.get("/apis/none.example/v1/things"), NotFound, id="a missing API"),
    pytest.param(
        lambda c: c.create("/api/v1/namespaces", {"metadata": {"name": "default"}}), AlreadyExists, id="a taken name"
    ),
    pytest.param(lambda c: c.create(CONFIG_MAPS, config_map("NOT-VALID")), Refused, id="an invalid name"),
    pytest.param(
        lambda c: c.request("GET", CONFIG_MAPS, query={"limit": "1", "continue": "x"}),
        Refused,
        id="a broken continue token",
    ),
]


@pytest.mark.parametrize(("call", "kind"), REFUSALS)
def test_the_api_server_refuses(
    as_admin: Runner, call: Callable[[Cluster], Awaitable[object]], kind: type[ClusterError]
) -> None:
    async def work(cluster: Cluster) -> None:
        with pytest.raises(kind) as caught:
            await call(cluster)
        assert str(caught.value.status) in str(caught.value)

    as_admin(work)


def test_what_we_may_not_do_is_forbidden(as_server: Runner) -> None:
    """The message is the API server's own, which names who may not do what."""

    async def work(cluster: Cluster) -> None:
        with pytest.raises(Forbidden, match='cannot list resource "nodes"'):
            await cluster.list_all("/api/v1/nodes")

    as_server(work)


def test_a_long_collection_is_read_in_pages(as_admin: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every object once, whatever the size of the page."""
    monkeypatch.setattr(client, "PAGE_LIMIT", 2)

    async def work(cluster: Cluster) -> None:
        query = {"labelSelector": "test=pages"}
        for number in range(5):
            body = config_map(f"page-{number}")
            body["metadata"]["labels"] = {"test": "pages"}
            await cluster.create(CONFIG_MAPS, body)
        items, version = await cluster.list_versioned(CONFIG_MAPS, query=query)
        assert [item["metadata"]["name"] for item in items] == [f"page-{number}" for number in range(5)]
        assert int(version) > 0

    as_admin(work)


def test_fifty_requests_run_at_once(as_admin: Runner) -> None:
    """As many as calls may be held, beside open watches."""

    async def work(cluster: Cluster) -> None:
        found = await asyncio.gather(*(cluster.get("/api/v1/namespaces/default") for _ in range(50)))
        assert {one["metadata"]["name"] for one in found} == {"default"}

    as_admin(work)


def test_in_a_pod_the_files_of_its_service_account_are_used(
    controlplane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Address by environment, token and CA by mounted files; a token that was rotated is read again."""
    token, ca, url = tmp_path / "token", tmp_path / "ca.crt", urlsplit(controlplane.url)
    ca.write_text(controlplane.ca_pem)
    token.write_text("old")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(ca))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(url.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(url.port))

    async def work() -> None:
        cluster = await Cluster.connect()
        try:
            with pytest.raises(Forbidden, match="401"):
                await cluster.list_all(POLICIES)
            token.write_text(str(controlplane.service_account("kubescrow", "kubescrow-webhook").token))
            monkeypatch.setattr(incluster_config, "datetime", NextMinute)
            assert isinstance(await cluster.list_all(POLICIES), list)
        finally:
            await cluster.close()

    asyncio.run(work())


def test_without_a_cluster_the_operator_is_told(tmp_path: Path) -> None:
    """Which kubeconfig was tried is in the message."""
    with pytest.raises(ClusterError, match=r"no access to a cluster by kubeconfig .*missing"):
        asyncio.run(Cluster.connect(tmp_path / "missing"))


@asynccontextmanager
async def misbehaving(answer: bytes, folder: Path) -> AsyncIterator[Cluster]:
    """A client of a server that answers every connection with these bytes, then closes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "current-context": "c",
        }
        (folder / "kubeconfig").write_text(yaml.safe_dump(config))
        cluster = await Cluster.connect(folder / "kubeconfig")
        try:
            yield cluster
        finally:
            await cluster.close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="hangs up"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", id="stops in the middle"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", id="is no API server"),
        pytest.param(b"HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", id="asks to come back"),
    ],
)
def test_a_server_that_misbehaves_is_unavailable(answer: bytes, tmp_path: Path) -> None:
    """One exception for everything that may be better at the next try, and never another one."""

    async def work() -> None:
        async with misbehaving(answer, tmp_path) as cluster:
            with pytest.raises(Unavailable) as caught:
                await cluster.get(names.POLICIES)
            assert caught.value.retry_after_s == (7 if b"Retry" in answer else None)

    asyncio.run(work())


def test_a_server_that_is_silent_is_unavailable_in_time(tmp_path: Path) -> None:
    """The time-out is ours, not the server's."""

    async def work() -> None:
        async with misbehaving(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", tmp_path) as cluster:
            with pytest.raises(Unavailable):
                await cluster.get(names.POLICIES, timeout_s=0.2)

    asyncio.run(work())


def test_an_event_longer_than_any_buffer_is_read_whole(tmp_path: Path) -> None:
    """An object may have 3 MiB; the library's own line reader gives up before that."""
    event = json.dumps({"type": "ADDED", "object": {"data": "x" * 5_000_000}}).encode() + b"\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(event), event)

    async def work() -> None:
        async with misbehaving(answer, tmp_path) as cluster:
            events = [event async for event in cluster.stream(names.POLICIES, {}, timeout_s=20)]
        assert len(events[0]["object"]["data"]) == 5_000_000

    asyncio.run(work())


def test_an_error_inside_a_watch_is_raised_like_any_other(tmp_path: Path) -> None:
    """After events that were good; too old a version is how a watch most often ends."""
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 1 (9)"}
    events = [{"type": "BOOKMARK", "object": {}}, {"type": "ERROR", "object": status}]
    text = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)

    async def work() -> None:
        async with misbehaving(answer, tmp_path) as cluster:
            watch = cluster.stream(names.POLICIES, {}, timeout_s=20)
            assert (await anext(watch))["type"] == "BOOKMARK"
            with pytest.raises(Gone, match="too old resource version"):
                await anext(watch)

    asyncio.run(work())
