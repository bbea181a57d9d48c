"""Certificates of our own, and the TLS context that serves them.

The API server trusts exactly our CA, by the caBundle in the webhook configurations. Nothing here reads or
writes the cluster (`cluster.certificates` does), and the time comes in as an argument.
"""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
RENEW_BELOW = LEAF_LIFE / 3
"""A leaf is renewed when less than this is left: months in which a failing renewal can be noticed."""

CLOCK_SKEW = timedelta(hours=1)
"""Certificates are valid from this much before they are made, for machines whose clock is late."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate_pem: str
    key_pem: str = field(repr=False)

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate, parsed. Raises ValueError if it is none."""
        return x509.load_pem_x509_certificate(self.certificate_pem.encode())

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """The private key, parsed. Raises ValueError if it is none of ours."""
        key = serialization.load_pem_private_key(self.key_pem.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the key is not an elliptic curve key")
        return key


@dataclass(frozen=True, slots=True)
class Certificates:
    """Our CA and the certificate that it gave the server."""

    authority: Pair
    leaf: Pair

    @property
    def ca_pem(self) -> str:
        """What the API server must trust."""
        return self.authority.certificate_pem


def new_authority(now: datetime) -> Pair:
    """Make a CA that may sign server certificates only, not further CAs."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("kubescrow webhook CA")
    builder = (
        _builder(name, name, key.public_key(), now=now, end=now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def new_leaf(authority: Pair, *, service: str, namespace: str, now: datetime) -> Pair:
    """Make a server certificate for the Service, ending no later than its CA."""
    ca, key = authority.certificate, ec.generate_private_key(ec.SECP256R1())
    hosts = [f"{service}.{namespace}.svc", f"{service}.{namespace}.svc.cluster.local", service, "localhost"]
    end = min(now + LEAF_LIFE, ca.not_valid_after_utc)
    builder = (
        _builder(_name(service), ca.subject, key.public_key(), now=now, end=end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    return _pair(builder.sign(authority.key, hashes.SHA256()), key)


def needs_renewal(leaf: Pair, now: datetime) -> bool:
    """Say whether a leaf has less than a third of its life left."""
    return leaf.certificate.not_valid_after_utc - now < RENEW_BELOW


def is_consistent(certificates: Certificates) -> bool:
    """Say whether both pairs parse, keys fit certificates, and the CA signed the leaf."""
    try:
        for pair in (certificates.authority, certificates.leaf):
            if pair.certificate.public_key() != pair.key.public_key():
                return False
        certificates.leaf.certificate.verify_directly_issued_by(certificates.authority.certificate)
    except Exception:  # cryptography raises a dozen kinds, all of which mean no
        return False
    return True


def server_context(leaf: Pair) -> ssl.SSLContext:
    """Make the context to serve with, TLS 1.2 or newer; fit for uvicorn's `ssl_context_factory`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    serve(context, leaf)
    return context


def serve(context: ssl.SSLContext, leaf: Pair) -> None:
    """Let a live context serve this certificate from the next connection on."""
    with _private_file(leaf.key_pem + leaf.certificate_pem) as path:
        context.load_cert_chain(path)


@contextmanager
def _private_file(text: str) -> Iterator[str]:
    """Give OpenSSL a path to read `text` from: in memory where the system can, else readable by us only."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("kubescrow-tls", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:  # mode 0600
        file.write(text)
        file.flush()
        yield file.name


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(end)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pem = serialization.Encoding.PEM
    key_pem = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(certificate.public_bytes(pem).decode(), key_pem.decode())
