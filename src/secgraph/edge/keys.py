"""The keys of this installation, in files only the owner can read: one to sign tokens, one to sign links.

Every `token-*.pem` in the folder is published and honoured; the newest one signs. So a key is replaced by adding one
and removing the old one an hour later.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secgraph.errors import UsageError


def write_private(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True)
class TokenKey:
    """An RSA key with its public form."""

    id: str
    private: rsa.RSAPrivateKey
    jwk: dict[str, Any]


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _token_key(private: rsa.RSAPrivateKey) -> TokenKey:
    public = private.public_key()
    numbers = public.public_numbers()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    name = base64.urlsafe_b64encode(hashlib.sha1(der, usedforsecurity=False).digest()).rstrip(b"=").decode()
    jwk = {"kty": "RSA", "use": "sig", "kid": name, "x5t": name, "n": _base64url(numbers.n), "e": _base64url(numbers.e)}
    return TokenKey(name, private, jwk)


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs here."""

    tokens: tuple[TokenKey, ...]
    """Newest first."""
    links: bytes

    @property
    def signer(self) -> TokenKey:
        """The key that signs new tokens."""
        return self.tokens[0]


def load(folder: Path) -> Keys:
    """The keys of a folder, made at the first start. UsageError when one cannot be read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    links = folder / "links.key"
    if not links.exists():
        write_private(links, secrets.token_bytes(32))
    files = sorted(folder.glob("token-*.pem"), reverse=True)
    if not files:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path = folder / "token-0001.pem"
        write_private(path, private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
        ))  # fmt: skip
        files = [path]
    found = []
    for file in files:
        try:
            private_key = serialization.load_pem_private_key(file.read_bytes(), None)
        except (ValueError, TypeError, OSError) as fault:
            raise UsageError(f"The key {file} cannot be read: {fault}.") from None
        if not isinstance(private_key, rsa.RSAPrivateKey):
            raise UsageError(f"The key {file} is not an RSA key.")
        found.append(_token_key(private_key))
    key = links.read_bytes()
    if len(key) < 32:
        raise UsageError(f"The key {links} is shorter than 32 bytes. Restore it, or remove it to have it made anew.")
    return Keys(tuple(found), key)
