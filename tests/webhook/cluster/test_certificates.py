"""One CA for all replicas, a leaf that is renewed in time, and nothing served that the API server would not trust."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.webhook.cluster.conftest import Runner
from webhook import tls
from webhook.cluster import names
from webhook.cluster.certificates import keep_fresh, load_certificates, parse_certificates, secret_wire
from webhook.cluster.client import Cluster
from webhook.cluster.keys import KeysBroken

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NAMESPACE = "kubescrow"


def made(now: datetime = NOW) -> tls.Certificates:
    authority = tls.new_authority(now)
    return tls.Certificates(authority, tls.new_leaf(authority, service="s", namespace="n", now=now))


def test_what_is_written_is_read() -> None:
    """All four values, none in the repr."""
    certificates = made()
    wire = secret_wire(certificates, NAMESPACE)
    assert parse_certificates(wire, NAMESPACE) == certificates
    assert "PRIVATE" not in repr(certificates)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param({"tls.key": ""}, "tls.key is missing", id="a value is missing"),
        pytest.param({"ca.crt": "?"}, "ca.crt is not PEM", id="a value is no base64"),
        pytest.param({"ca.crt": "AAAA"}, "do not fit together", id="a value is no certificate"),
        pytest.param(
            {"tls.crt": secret_wire(made(), NAMESPACE)["data"]["tls.crt"]}, "do not fit together", id="another's leaf"
        ),
    ],
)
def test_a_broken_secret_is_refused(data: dict[str, str], fault: str) -> None:
    wire = secret_wire(made(), NAMESPACE)
    with pytest.raises(KeysBroken, match=f"^Secret kubescrow/kubescrow-tls: .*{fault}"):
        parse_certificates({**wire, "data": wire["data"] | data}, NAMESPACE)


async def emptied(cluster: Cluster) -> None:
    path = f"{names.secrets(NAMESPACE)}/{names.TLS_SECRET}"
    if any(item["metadata"]["name"] == names.TLS_SECRET for item in await cluster.list_all(names.secrets(NAMESPACE))):
        await cluster.delete(path)


def test_replicas_that_start_at_once_have_the_same_ca(as_admin: Runner, as_server: Runner) -> None:
    """And the server's own roles suffice to make and to read it."""
    as_admin(emptied)

    async def work(cluster: Cluster) -> set[str]:
        loaded = await asyncio.gather(*(load_certificates(cluster, NAMESPACE) for _ in range(5)))
        return {certificates.ca_pem for certificates in loaded}

    assert len(as_server(work)) == 1


def test_an_old_leaf_is_renewed_by_the_same_ca(as_admin: Runner, as_server: Runner) -> None:
    """Several replicas may do it at once; what is stored afterwards is young and fits."""
    as_admin(emptied)

    async def work(cluster: Cluster) -> None:
        first = await load_certificates(cluster, NAMESPACE, now=lambda: NOW)
        later = NOW + timedelta(days=300)
        await asyncio.gather(*(load_certificates(cluster, NAMESPACE, now=lambda: later) for _ in range(3)))
        renewed = await load_certificates(cluster, NAMESPACE, now=lambda: later)
        assert renewed.ca_pem == first.ca_pem
        assert renewed.leaf != first.leaf
        assert not tls.needs_renewal(renewed.leaf, later)

    as_server(work)


class Served:
    """Keeps what a context was told to serve."""

    def __init__(self) -> None:
        self.chains: list[str] = []

    def load_cert_chain(self, path: str) -> None:
        self.chains.append(path)


@pytest.mark.parametrize(
    ("is_registered", "times"),
    [
        pytest.param(True, 1, id="a leaf of the registered CA is served"),
        pytest.param(False, 0, id="a leaf of another CA is not"),
    ],
)
def test_once_a_day(as_admin: Runner, is_registered: bool, times: int) -> None:
    async def work(cluster: Cluster) -> None:
        context: Any = Served()
        ca_pem = (await load_certificates(cluster, NAMESPACE)).ca_pem if is_registered else "another"
        days = 0

        async def sleep(seconds: float) -> None:
            nonlocal days
            days += 1
            if days == 2:
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await keep_fresh(cluster, NAMESPACE, context, ca_pem=ca_pem, sleep=sleep)
        assert len(context.chains) == times

    as_admin(work)
