"""One set of keys for all replicas, refused when broken, never shown."""

import asyncio
import base64
from typing import Any

import pytest

from tests.webhook.cluster.conftest import Runner
from webhook.cluster import names
from webhook.cluster.client import Cluster
from webhook.cluster.keys import KeysBroken, load_keys, new_secret, parse_keys


def zeros(length: int) -> bytes:
    return b"\0" * length


def secret(**changed: str | None) -> dict[str, Any]:
    made = new_secret("kubescrow", zeros)
    made["data"] |= changed
    return made


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        pytest.param({"decision-key": None}, "decision-key is missing", id="missing"),
        pytest.param({"masking-key": ""}, "masking-key is missing", id="empty"),
        pytest.param({"fingerprint-key": "AAAA"}, "fingerprint-key has 3 bytes, not 32", id="short"),
        pytest.param({"decision-key": "?"}, "decision-key is not base64", id="not base64"),
        pytest.param({"guards-path": "YWI="}, "guards-path is not 32 lower-case hexadecimal digits", id="no path"),
        pytest.param({"id": "YWI="}, "id is not 8 lower-case hexadecimal digits", id="no id"),
    ],
)
def test_a_broken_secret_is_refused(changed: dict[str, str | None], fault: str) -> None:
    with pytest.raises(KeysBroken, match=f"^Secret kubescrow/kubescrow-keys: {fault}; restore"):
        parse_keys(secret(**changed), "kubescrow")


def test_a_secret_without_data_is_refused() -> None:
    """Somebody made it by hand."""
    with pytest.raises(KeysBroken, match="decision-key is missing"):
        parse_keys({}, "kubescrow")


def test_no_repr_shows_a_key() -> None:
    """Only the id, which signs nothing."""
    keys = parse_keys(new_secret("kubescrow", lambda length: b"\xab" * length), "kubescrow")
    assert repr(keys) == "Keys(key_id='abababab')"


def test_replicas_that_start_at_once_have_the_same_keys(as_server: Runner) -> None:
    """Whoever creates the Secret first wins; the others read. The server's own roles suffice."""

    async def work(cluster: Cluster) -> None:
        first, *others = await asyncio.gather(*(load_keys(cluster, "kubescrow") for _ in range(5)))
        assert all(other == first for other in others)
        assert await load_keys(cluster, "kubescrow") == first
        assert len({first.decision_key, first.fingerprint_key, first.masking_key}) == 3

    as_server(work)


def test_keys_are_not_changed_by_mistake(as_admin: Runner) -> None:
    """The Secret is immutable, even for an admin."""

    async def work(cluster: Cluster) -> None:
        keys = await load_keys(cluster, "kubescrow")
        path = f"{names.secrets('kubescrow')}/{names.KEYS_SECRET}"
        with pytest.raises(Exception, match="422"):
            await cluster.patch(path, {"data": {"decision-key": base64.b64encode(b"x" * 32).decode()}})
        assert await load_keys(cluster, "kubescrow") == keys

    as_admin(work)
