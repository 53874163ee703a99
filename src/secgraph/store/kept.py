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

LEANS = 0x20
"""The bit of zlib's second byte that says the data can only be read beside what it was packed beside."""

BESIDE = 16 * 1024
"""Most bytes of an original, its last ones, that the record is packed beside."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A version of an alert as its entry keeps it."""

    digest: bytes
    """Tells whether a later version is the same, without unpacking this one."""
    normalised: bytes
    """Packed beside the original, of which it says much once more: that leaves half, in two thirds of the time."""
    original: bytes

    @property
    def record(self) -> Record:
        """The record in the words of the contract."""
        return unpacked(self.normalised, self.original)


def kept(record: Record, original: bytes) -> Kept:
    """Packs a record and the bytes it came as."""
    return kept_text(msgspec.json.encode(record), original, packed(original))


def packed(original: bytes) -> bytes:
    """The bytes of a record as they are kept."""
    return zlib.compress(original, PACKED)


def original_of(pack: bytes) -> bytes:
    """The bytes of a record that were packed."""
    return zlib.decompress(pack)


def kept_text(text: bytes, original: bytes, pack: bytes) -> Kept:
    """The same for a record that is written down already, and bytes that are packed already."""
    digest = hashlib.blake2b(text, digest_size=16).digest()
    packer = zlib.compressobj(PACKED, zdict=original[-BESIDE:]) if original else zlib.compressobj(PACKED)
    return Kept(digest, packer.compress(text) + packer.flush(), pack)


def unpacked(data: bytes, original: bytes) -> Record:
    """A record that was packed; one from before records were packed is JSON as it is."""
    found: Record = msgspec.json.decode(_text(data, original))
    return found


def alone(data: bytes, original: bytes) -> bytes:
    """A record that was packed, as it is kept when the original is not any more."""
    return zlib.compress(_text(data, original), PACKED)


def _text(data: bytes, original: bytes) -> bytes:
    if data[:1] == b"{":
        return data
    if not data[1] & LEANS:
        return zlib.decompress(data)
    reader = zlib.decompressobj(zdict=original_of(original)[-BESIDE:])
    return reader.decompress(data) + reader.flush()
