"""The checkout's own certificate authority, which vouches for the endpoints of its databases."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.postgres_address import PROXY_ADDRESSES, READER_ADDRESS, WRITER_ADDRESS

if TYPE_CHECKING:
    from pathlib import Path

VALID = dt.timedelta(days=365)
RENEW_WITHIN = dt.timedelta(days=7)

ENDPOINT_NAMES = ("localhost", WRITER_ADDRESS, READER_ADDRESS, *PROXY_ADDRESSES)
"""Whom the server certificates are for: endpoints of databases differ by address alone."""


@dataclass(frozen=True, slots=True)
class Authority:
    """`ca.pem` and `ca.key` of one directory."""

    directory: Path

    @classmethod
    def at(cls, directory: Path) -> Authority:
        """The authority that lives here; made now if there is none, or none that lasts a week.

        Two processes may ask at once: both get the same one.
        """
        authority = cls(directory)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not authority._lasts(dt.datetime.now(dt.UTC) + RENEW_WITHIN):
                authority._make()
        return authority

    @property
    def pem(self) -> Path:
        """What a client must trust."""
        return self.directory / "ca.pem"

    def server_context(self) -> ssl.SSLContext:
        """For the server side of TLS 1.2 and later, with a fresh certificate for our endpoints."""
        key = (self.directory / "ca.key").read_bytes()
        certificate = x509.load_pem_x509_certificate(self.pem.read_bytes())
        authority = trustme.CA.from_pem(self.pem.read_bytes(), key)
        issued = authority.issue_cert(
            *ENDPOINT_NAMES,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        issued.configure_cert(context)
        return context

    def _lasts(self, until: dt.datetime) -> bool:
        try:
            certificate = x509.load_pem_x509_certificate(self.pem.read_bytes())
            key = serialization.load_pem_private_key((self.directory / "ca.key").read_bytes(), None)
        except (FileNotFoundError, ValueError):
            return False
        same = certificate.public_key() == key.public_key()
        return same and certificate.not_valid_after_utc > until

    def _make(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = _self_signed(key).public_bytes(serialization.Encoding.PEM)
        _replace(self.directory / "ca.key", secret, mode=0o600)
        _replace(self.pem, public, mode=0o644)


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "StreamFlix laptop cloud")])
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # the laptop's clock may be set back a bit
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def _replace(path: Path, content: bytes, mode: int) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
        file.write(content)
    draft.replace(path)
