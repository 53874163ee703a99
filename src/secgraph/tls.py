"""A local certificate authority and a certificate for this server, so that TLS works from the first minute.

The authority lives ten years; the certificate ninety days, and is made anew thirty days before it ends, or when a name
is missing from it, in the running server too.
"""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from secgraph.errors import UsageError
from secgraph.private import write_private

LEAF_DAYS = 90
RENEW_DAYS = 30
AUTHORITY_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Files:
    """Where the certificates of a data folder are."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate: what clients trust."""
        return self.folder / "ca.pem"

    @property
    def authority_key(self) -> Path:
        """The authority's key."""
        return self.folder / "keys" / "ca.key"

    @property
    def chain(self) -> Path:
        """This server's certificate and the authority's."""
        return self.folder / "keys" / "server.pem"

    @property
    def key(self) -> Path:
        """This server's key."""
        return self.folder / "keys" / "server.key"


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _make_authority(files: Files, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"secgraph local authority {now:%Y-%m-%d %H:%M}")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True).add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    write_private(files.authority_key, _pem(key))
    write_private(files.authority, certificate.public_bytes(serialization.Encoding.PEM))
    files.authority.chmod(0o644)  # the certificate is for everybody
    return certificate, key


def _authority(files: Files, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    if not files.authority.exists() or not files.authority_key.exists():
        return _make_authority(files, now)
    try:
        certificate = x509.load_pem_x509_certificate(files.authority.read_bytes())
        key = serialization.load_pem_private_key(files.authority_key.read_bytes(), None)
    except (ValueError, TypeError, OSError) as fault:
        raise UsageError(f"{files.authority} or its key cannot be read: {fault}. Remove both to have them made anew.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise UsageError(f"{files.authority_key} is not the key of {files.authority}. Remove both to have them made anew.")
    if certificate.not_valid_after_utc - now < timedelta(days=LEAF_DAYS):
        return _make_authority(files, now)
    return certificate, key


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _still_good(files: Files, names: frozenset[str], authority: x509.Certificate, now: datetime) -> bool:
    try:
        leaf = x509.load_pem_x509_certificate(files.chain.read_bytes())
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        leaf.verify_directly_issued_by(authority)
        key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    except Exception:  # noqa: BLE001 -- whatever is wrong with it, a new one is made
        return False
    held = set(found)
    return (
        key.public_key() == leaf.public_key()  # a start cut off between the two files leaves a pair that does not fit
        and leaf.not_valid_before_utc <= now
        and leaf.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)
        and {_general(name) for name in names} <= held
    )


def ensure(files: Files, names: frozenset[str], now: datetime | None = None) -> datetime | None:
    """Makes the authority and the certificate where needed. The end of the new certificate's life, or None when the
    present one is still good.
    """
    now = now or datetime.now(UTC)
    files.authority_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority, signer = _authority(files, now)
    if _still_good(files, names, authority, now):
        return None
    key = ec.generate_private_key(ec.SECP256R1())
    until = now + timedelta(days=LEAF_DAYS)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secgraph")])).issuer_name(authority.subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in sorted(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )  # fmt: skip
    write_private(files.key, _pem(key))
    chain = leaf.public_bytes(serialization.Encoding.PEM) + authority.public_bytes(serialization.Encoding.PEM)
    write_private(files.chain, chain)
    return until


def context(chain: Path, key: Path) -> ssl.SSLContext:
    """A server context for a certificate; UsageError when it cannot be used."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    try:
        made.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as fault:
        raise UsageError(f"The certificate {chain} with the key {key} cannot be used: {fault}.") from None
    return made
