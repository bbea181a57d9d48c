"""Certificates that the API server trusts, for exactly our names, and a key that nobody else can read."""

import asyncio
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from webhook import tls

NOW = datetime.now(UTC).replace(microsecond=0)
NAMES = [
    "kubescrow-webhook.kubescrow.svc",
    "kubescrow-webhook.kubescrow.svc.cluster.local",
    "kubescrow-webhook",
    "localhost",
]


def certificates(now: datetime = NOW) -> tls.Certificates:
    authority = tls.new_authority(now)
    return tls.Certificates(
        authority, tls.new_leaf(authority, service="kubescrow-webhook", namespace="kubescrow", now=now)
    )


def test_the_leaf_is_for_the_service_and_nothing_else() -> None:
    """A server certificate of one year, by the CA."""
    made = certificates()
    leaf = made.leaf.certificate
    assert (
        leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
        == NAMES
    )
    assert leaf.not_valid_after_utc == NOW + timedelta(days=365)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    leaf.verify_directly_issued_by(made.authority.certificate)


def test_the_ca_lives_ten_years_and_makes_no_further_cas() -> None:
    """Path length 0."""
    ca = certificates().authority.certificate
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert ca.not_valid_after_utc == NOW + timedelta(days=3650)


def test_a_leaf_ends_no_later_than_its_ca() -> None:
    """Else it would be refused while it looks valid."""
    authority = tls.new_authority(NOW - timedelta(days=3600))
    leaf = tls.new_leaf(authority, service="s", namespace="n", now=NOW)
    assert leaf.certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc


@pytest.mark.parametrize(
    ("age_days", "is_due"),
    [
        pytest.param(0, False, id="a new leaf is not renewed"),
        pytest.param(240, False, id="nor one with more than a third of its life left"),
        pytest.param(250, True, id="one with less is"),
        pytest.param(400, True, id="one that has ended is"),
    ],
)
def test_renewal(age_days: int, is_due: bool) -> None:
    assert tls.needs_renewal(certificates().leaf, NOW + timedelta(days=age_days)) is is_due


def test_certificates_that_do_not_fit_together_are_noticed() -> None:
    """A key of another certificate, a leaf of another CA, or no PEM at all."""
    one, other = certificates(), certificates()
    assert tls.is_consistent(one)
    assert not tls.is_consistent(tls.Certificates(one.authority, other.leaf))
    assert not tls.is_consistent(
        tls.Certificates(one.authority, tls.Pair(one.leaf.certificate_pem, other.leaf.key_pem))
    )
    assert not tls.is_consistent(tls.Certificates(one.authority, tls.Pair("x", "y")))


async def served_serial(context: ssl.SSLContext, trusted: str, name: str) -> int:
    """Connect over real TLS and return the serial number of the certificate that was shown."""
    client = ssl.create_default_context(cadata=trusted)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
    return x509.load_der_x509_certificate(der).serial_number


@pytest.mark.parametrize("name", NAMES)
def test_a_strict_client_accepts_the_leaf_as(name: str) -> None:
    made = certificates()
    serial = asyncio.run(served_serial(tls.server_context(made.leaf), made.ca_pem, name))
    assert serial == made.leaf.certificate.serial_number


def test_a_live_context_serves_a_new_leaf_without_a_restart() -> None:
    """The next connection sees it."""
    made = certificates()
    context = tls.server_context(made.leaf)
    renewed = tls.new_leaf(made.authority, service="kubescrow-webhook", namespace="kubescrow", now=NOW)
    tls.serve(context, renewed)
    serial = asyncio.run(served_serial(context, made.ca_pem, "localhost"))
    assert serial == renewed.certificate.serial_number


def test_old_tls_is_refused() -> None:
    """1.2 at least."""
    assert tls.server_context(certificates().leaf).minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_key_is_never_readable_by_others(in_memory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not in_memory:
        monkeypatch.delattr("os.memfd_create", raising=False)
    with tls._private_file("secret") as path:
        assert Path(path).read_text() == "secret"
        mode = Path(path).stat().st_mode
        assert in_memory or not mode & (stat.S_IRWXG | stat.S_IRWXO)
    assert not Path(path).exists()
