"""A certificate that the server signs itself, for a first try: `rasr tls self-signed`."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rasr.server.listener import own_addresses

LIFE = timedelta(days=397)
"""Browsers take none that lives longer."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key, as PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, *, force: bool = False) -> tuple[Path, Path]:
        """Write both into a folder; the key is its owner's alone.

        Raises:
            FileExistsError: one of them is there.
            OSError: the folder cannot be written.
        """
        paths = folder / "rasr-cert.pem", folder / "rasr-key.pem"
        for path in paths:
            if path.exists() and not force:
                raise FileExistsError(str(path))
        folder.mkdir(parents=True, exist_ok=True)
        for path, content, mode in zip(
            paths, (self.certificate, self.key), (0o644, 0o600), strict=True
        ):
            path.unlink(missing_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(content)
        return paths


def self_signed(names: Iterable[str], now: datetime) -> Certificate:
    """A certificate for these names and addresses, good from now on.

    Raises:
        ValueError: one is no name of a machine.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rasr, self-signed")])
    authority = x509.BasicConstraints(ca=True, path_length=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName([_name(one) for one in names]), critical=False)
        .add_extension(authority, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def own_names() -> list[str]:
    """The names and addresses of this machine, as far as it knows them."""
    names = {"localhost": None, "127.0.0.1": None, "::1": None}
    host = socket.gethostname()
    if host and host.isascii():
        names[host.lower()] = None
    for family in (socket.AF_INET, socket.AF_INET6):
        names |= dict.fromkeys(own_addresses(family))
    return list(names)


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    if not text or not text.isascii() or any(character.isspace() for character in text):
        raise ValueError(f"{text!r} is no name of a machine and no address")
    return x509.DNSName(text)
