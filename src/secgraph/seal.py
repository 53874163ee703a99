"""The seal: what is secret lies in the database only in a form that a key from elsewhere opens.

A sealed value is AES-256-GCM over a version byte, the id of the key, a random nonce and the words that say what it is about.
Those words are not in it, but it opens only where the same are given: a value put into another row is worth nothing there.
The id tells a wrong key from a damaged value.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from secgraph.errors import UsageError

SHORTEST = 32
"""Fewest bytes of a key."""

_VERSION = b"\x01"
_ID, _NONCE, _TAG = 8, 12, 16
_HEX = re.compile(r"[0-9a-fA-F]+")


class OtherKey(UsageError):
    """The value was sealed with another key than the one that is there to open it."""

    def __init__(self, about: str, made: bytes, given: bytes) -> None:
        self.made, self.given = made.hex(), given.hex()
        super().__init__(f"What is sealed as '{about}' was sealed with the key {self.made}, not with {self.given}.")


class Damaged(UsageError):
    """The value is not what was sealed about this."""


class Seal:
    """Seals and opens with one key. ValueError when the key is too short."""

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST:
            raise ValueError(_WANTED)
        self.id = hashlib.sha256(b"secgraph seal id" + key).digest()[:_ID]
        """What tells this key from others, and nothing else about it."""
        self._head = _VERSION + self.id
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=b"secgraph seal").derive(key))

    def sealed(self, data: bytes, about: str) -> bytes:
        """The data in a form that only this key opens, and only as what it is about."""
        nonce = os.urandom(_NONCE)
        return self._head + nonce + self._cipher.encrypt(nonce, data, self._head + about.encode())

    def opened(self, data: bytes, about: str) -> bytes:
        """What was sealed. OtherKey when another key did it, Damaged when it was changed or is about something else."""
        head, rest = data[: 1 + _ID], data[1 + _ID :]
        if head[:1] != _VERSION or len(rest) < _NONCE + _TAG:
            raise Damaged(f"What is sealed as '{about}' was damaged.")
        if head != self._head:
            raise OtherKey(about, head[1:], self.id)
        try:
            return self._cipher.decrypt(rest[:_NONCE], rest[_NONCE:], head + about.encode())
        except InvalidTag:
            raise Damaged(f"What is sealed as '{about}' was damaged.") from None

    def made(self, data: bytes) -> bool:
        """Whether a sealed value names this key as its own."""
        return data[: 1 + _ID] == self._head


_WANTED = "must be at least 32 random bytes in hexadecimal or base64, such as `secgraph keys seal-key` prints"


def key_of(text: str) -> bytes:
    """The key that a text writes, in hexadecimal or base64. ValueError says what it must be."""
    text = text.strip()
    try:
        if _HEX.fullmatch(text):
            key = bytes.fromhex(text)
        else:
            plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
            key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        raise ValueError(_WANTED) from None
    if len(key) < SHORTEST:
        raise ValueError(_WANTED)
    return key


def new_key() -> str:
    """A new key as text: 256 random bits in hexadecimal."""
    return secrets.token_hex(SHORTEST)
