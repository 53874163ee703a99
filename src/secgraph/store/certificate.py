"""A certificate by which an application proves itself: read from a file, checked, known by its thumbprints.

Nothing is asked of who issued it. What makes it count is that an administrator registered it; its key, and the time in
which it is valid, are all that is taken from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secgraph import clock
from secgraph.errors import UsageError

LONGEST_FILE = 64 * 1024
LEAST_BITS = 2048
_BLOCK = re.compile(rb"-----BEGIN ((?:X509 )?CERTIFICATE)-----.*?-----END \1-----", re.DOTALL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that was registered for an application. Thumbprints are those of the DER form, in hexadecimal."""

    sha256: str
    sha1: str
    subject: str
    starts: int
    ends: int
    created: int
    der: bytes

    def key(self) -> rsa.RSAPublicKey:
        """Its public key."""
        key = x509.load_der_x509_certificate(self.der).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise UsageError(f"The certificate {self.sha1} has no RSA key.")
        return key


def read(data: bytes, now: int) -> Certificate:
    """The certificate in a PEM or DER file. UsageError says why it cannot be used, and what to do."""
    if len(data) > LONGEST_FILE:
        raise UsageError(f"The file is larger than {LONGEST_FILE} bytes. Give the application's certificate only.")
    found = _loaded(data)
    try:
        key = found.public_key()
        subject = "".join(char if char.isprintable() else "?" for char in found.subject.rfc4514_string())
        starts, ends = _ticks(found.not_valid_before_utc), _ticks(found.not_valid_after_utc)
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise UsageError(f"The certificate cannot be read: {fault}.") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise UsageError("The certificate's key is not RSA, and clients sign their assertions with RSA."
                         " Make one with an RSA key: openssl req -x509 -newkey rsa:3072 ...")  # fmt: skip
    if key.key_size < LEAST_BITS:
        raise UsageError(f"The certificate's key has {key.key_size} bits; the least is {LEAST_BITS}."
                         " Make one with a longer key: openssl req -x509 -newkey rsa:3072 ...")  # fmt: skip
    if ends <= now:
        raise UsageError(f"The certificate ended at {clock.text(ends)}. Make a new one.")
    der = found.public_bytes(serialization.Encoding.DER)
    sha256, sha1 = found.fingerprint(hashes.SHA256()).hex(), found.fingerprint(hashes.SHA1()).hex()  # noqa: S303 -- a name
    return Certificate(sha256, sha1, subject[:500], starts, ends, now, der)


def _loaded(data: bytes) -> x509.Certificate:
    blocks = list(_BLOCK.finditer(data))
    if len(blocks) > 1:
        raise UsageError(f"The file holds {len(blocks)} certificates. Give one that holds the application's own only:"
                         " openssl x509 -in FILE -out own.pem takes the first.")  # fmt: skip
    try:
        if blocks:
            return x509.load_pem_x509_certificate(blocks[0][0])
        if b"-----BEGIN" not in data:
            return x509.load_der_x509_certificate(data)
    except ValueError as fault:
        raise UsageError(f"The file holds no certificate that can be read ({fault}). Give it as PEM or DER; from a .pfx file:"
                         " openssl pkcs12 -in FILE -clcerts -nokeys -out own.pem.") from None  # fmt: skip
    kept = "a private key, which stays with the application" if b"PRIVATE KEY" in data else "no certificate"
    raise UsageError(f"The file holds {kept}. Give the certificate (-----BEGIN CERTIFICATE-----).")


def _ticks(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * clock.MICROSECOND
