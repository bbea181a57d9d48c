"""Our certificates in the cluster: made by the first replica, read by all, renewed by whoever sees it first."""

import asyncio
import base64
import binascii
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import structlog

from webhook import tls
from webhook.cluster import names
from webhook.cluster.client import Cluster, Json
from webhook.cluster.errors import AlreadyExists, ClusterError, Conflict, NotFound
from webhook.cluster.keys import KeysBroken

CHECK_EVERY_S = 24 * 3600.0

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """Return the wall clock."""
    return datetime.now(UTC)


async def load_certificates(
    cluster: Cluster, namespace: str, *, service: str = names.SERVICE, now: Callable[[], datetime] = utc_now
) -> tls.Certificates:
    """Read CA and leaf; make them if there are none; renew the leaf when it has little life left.

    Replicas that do this at once end with certificates of one CA.

    Raises:
        KeysBroken: the Secret holds no certificates that fit together.
        ClusterError: the Secret can be neither read nor written.
    """
    path = f"{names.secrets(namespace)}/{names.TLS_SECRET}"
    try:
        secret = await cluster.get(path)
    except NotFound:
        authority = tls.new_authority(now())
        leaf = tls.new_leaf(authority, service=service, namespace=namespace, now=now())
        wire = secret_wire(tls.Certificates(authority, leaf), namespace)
        try:
            secret = await cluster.create(names.secrets(namespace), wire)
        except AlreadyExists:
            secret = await cluster.get(path)
    certificates = parse_certificates(secret, namespace)
    if not tls.needs_renewal(certificates.leaf, now()):
        return certificates
    leaf = tls.new_leaf(certificates.authority, service=service, namespace=namespace, now=now())
    renewed = tls.Certificates(certificates.authority, leaf)
    try:
        await cluster.replace(path, {**secret, "data": secret_wire(renewed, namespace)["data"]})
    except Conflict:
        return parse_certificates(await cluster.get(path), namespace)
    return renewed


async def keep_fresh(  # noqa: PLR0913 - two of them are the clock
    cluster: Cluster,
    namespace: str,
    context: ssl.SSLContext,
    *,
    ca_pem: str,
    service: str = names.SERVICE,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    now: Callable[[], datetime] = utc_now,
) -> None:
    """Look once a day for a newer certificate, renew it if it is time, and serve it without a restart.

    `ca_pem` is the CA that is registered with the API server: a certificate of another CA is not served.
    """
    while True:
        await sleep(CHECK_EVERY_S)
        try:
            certificates = await load_certificates(cluster, namespace, service=service, now=now)
        except (ClusterError, KeysBroken) as err:
            log.error("the certificate was not looked after", error=str(err), next_try_s=CHECK_EVERY_S)
            continue
        if certificates.ca_pem == ca_pem:
            tls.serve(context, certificates.leaf)
        else:
            log.error("the CA was replaced; restart all replicas", secret=f"{namespace}/{names.TLS_SECRET}")


def secret_wire(certificates: tls.Certificates, namespace: str) -> Json:
    """Write the Secret."""
    values = {
        "ca.crt": certificates.authority.certificate_pem,
        "ca.key": certificates.authority.key_pem,
        "tls.crt": certificates.leaf.certificate_pem,
        "tls.key": certificates.leaf.key_pem,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.TLS_SECRET, "namespace": namespace, "labels": dict(names.LABELS)},
        "type": "kubernetes.io/tls",
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in values.items()},
    }


def parse_certificates(secret: Mapping[str, object], namespace: str) -> tls.Certificates:
    """Read and check the Secret.

    Raises:
        KeysBroken: naming the Secret and what is wrong.
    """
    place = f"Secret {namespace}/{names.TLS_SECRET}"
    remedy = "delete the Secret and restart all replicas: new certificates are made"
    data = secret.get("data")
    data = data if isinstance(data, Mapping) else {}
    values: dict[str, str] = {}
    for name in ("ca.crt", "ca.key", "tls.crt", "tls.key"):
        try:
            values[name] = base64.b64decode(data.get(name) or "", validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError, TypeError) as err:
            raise KeysBroken(f"{place}: {name} is not PEM; {remedy}") from err
        if not values[name]:
            raise KeysBroken(f"{place}: {name} is missing; {remedy}")
    certificates = tls.Certificates(
        tls.Pair(values["ca.crt"], values["ca.key"]), tls.Pair(values["tls.crt"], values["tls.key"])
    )
    if not tls.is_consistent(certificates):
        raise KeysBroken(f"{place}: the certificates and keys do not fit together; {remedy}")
    return certificates
