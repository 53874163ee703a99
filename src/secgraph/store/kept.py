"""What is kept of a source's version of an alert: the record as it came and as it was understood, packed before the turn."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import Any

import msgspec

Record = dict[str, Any]

PACKED = 1
"""zlib's quickest level: of two and a half kilobytes it leaves a quarter, the best level a fifth for three times the work."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A version of an alert as its entry keeps it."""

    digest: bytes
    """Tells whether a later version is the same, without unpacking this one."""
    normalised: bytes
    original: bytes

    @property
    def record(self) -> Record:
        """The record in the words of the contract."""
        return unpacked(self.normalised)


def kept(record: Record, original: bytes) -> Kept:
    """Packs a record and the bytes it came as."""
    text = msgspec.json.encode(record)
    digest = hashlib.blake2b(text, digest_size=16).digest()
    return Kept(digest, zlib.compress(text, PACKED), zlib.compress(original, PACKED))


def unpacked(data: bytes) -> Record:
    """A record that was packed; one from before records were packed is JSON as it is."""
    found: Record = msgspec.json.decode(data if data[:1] == b"{" else zlib.decompress(data))
    return found
