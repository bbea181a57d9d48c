"""Makes agents and their tokens on a cluster."""

import base64
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kubescrow.agent.identity import Identity
from kubescrow.agent.roles import described, is_same, objects
from webhook.cluster.client import Cluster
from webhook.cluster.errors import AlreadyExists, ClusterError

SHORTEST_S, LONGEST_S = 600, 24 * 3600
"""The API server gives no token for under ten minutes; one that is good for more than a day is not short-lived."""


@dataclass(frozen=True, slots=True)
class Made:
    """One object of a new agent: `created` now, or there before and `same`, or there and different."""

    text: str
    created: bool
    same: bool = True


async def create(cluster: Cluster, agent: Identity, *, roles: Sequence[str], namespaces: Sequence[str]) -> list[Made]:
    """Create the ServiceAccount and its bindings; what exists is left as it is, and compared.

    Raises:
        ClusterError: something could not be created; what was created before stays, and the same command goes on.
    """
    return [
        await _created(cluster, path, wanted) for path, wanted in objects(agent, roles=roles, namespaces=namespaces)
    ]


async def _created(cluster: Cluster, path: str, wanted: dict[str, Any]) -> Made:
    try:
        await cluster.create(path, wanted)
    except AlreadyExists:
        stored = await cluster.get(f"{path}/{quote(wanted['metadata']['name'], safe='')}")
        return Made(described(wanted), created=False, same=is_same(stored, wanted))
    return Made(described(wanted), created=True)


@dataclass(frozen=True, slots=True)
class Token:
    """A kubeconfig with a token, and when the API server ends it."""

    kubeconfig: dict[str, Any]
    expires: str


async def token(cluster: Cluster, agent: Identity, *, duration_s: int) -> Token:
    """Ask for a short-lived token and put it into a kubeconfig for the same cluster.

    Raises:
        ClusterError: there is no such ServiceAccount, or no right to do this.
    """
    subject = agent.subject
    path = f"/api/v1/namespaces/{subject.namespace}/serviceaccounts/{subject.name}/token"
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": duration_s},
    }
    status = (await cluster.create(path, body)).get("status") or {}
    name = f"{subject.namespace}-{subject.name}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": _cluster(cluster)}],
        "users": [{"name": name, "user": {"token": str(status["token"])}}],
        "contexts": [
            {"name": name, "context": {"cluster": "cluster", "user": name, "namespace": subject.namespace}},
        ],
        "current-context": name,
    }
    return Token(config, str(status.get("expirationTimestamp", "")))


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or none.

    Raises:
        OSError: it cannot be written.
    """
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600, says mkstemp
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(temporary).replace(file)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _cluster(cluster: Cluster) -> dict[str, Any]:
    """The cluster as the kubeconfig in use knows it, with the CA inside, so that the file goes anywhere."""
    known = cluster.configuration
    wire: dict[str, Any] = {"server": known.host}
    if not known.verify_ssl:
        wire["insecure-skip-tls-verify"] = True
    elif known.ssl_ca_cert:
        try:
            wire["certificate-authority-data"] = base64.b64encode(Path(known.ssl_ca_cert).read_bytes()).decode()
        except OSError as err:
            raise ClusterError("the CA certificate of the cluster cannot be read") from err
    if known.tls_server_name:
        wire["tls-server-name"] = known.tls_server_name
    if known.proxy:
        wire["proxy-url"] = known.proxy
    return wire
