"""Subjects as they are kept, and the numbers by which the store knows what they name."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec

from secgraph.ingest.correlate.place import Placement
from secgraph.ingest.correlate.subject import Subject
from secgraph.ingest.entities import Entity
from secgraph.store.judgements import numbers, packed

BYTES = 8
KEPT = 1 << 16
"""Numbers of keys that are remembered: alerts of one day name the same things again."""


class _Packed(msgspec.Struct, array_like=True, gc=False):
    """What is kept of a subject. Members that come later stand at the end, with a default."""

    first: int
    last: int
    entities: list[Entity]
    tactic: str
    product: str
    detector: str
    title: str
    native: str
    gravity: float
    alone: bool = False
    severity: str = "unknown"
    label: str = ""
    name: str = ""


_decoder = msgspec.msgpack.Decoder(_Packed)
_reasons = msgspec.msgpack.Decoder(tuple[str, Placement, list[str]])


def pack(subject: Subject) -> bytes:
    """A subject as it is kept: all of it but the alert's id and the number of the snapshot."""
    return msgspec.msgpack.encode(_Packed(
        subject.first, subject.last, [*subject.entities], subject.tactic, subject.product, subject.detector, subject.title,
        subject.native, subject.gravity, subject.alone, subject.severity, subject.label, subject.name,
    ))  # fmt: skip


def unpack(key: str, v: int, data: bytes) -> Subject:
    """A subject as it was kept."""
    found = _decoder.decode(data)
    return Subject(
        key, found.first, found.last, found.entities, found.tactic, found.product, found.detector, found.title, found.native,
        found.gravity, v, found.alone, found.severity, found.label, found.name,
    )  # fmt: skip


@lru_cache(KEPT)
def number(key: str) -> int:
    """The number of a key, or of a detection. Two keys of one number are told apart by the judgement, which sees the keys."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=BYTES).digest(), "big", signed=True)


def keys_of(subject: Subject) -> bytes:
    """What an alert is found by: everything that it names, and what raised it."""
    return packed(map(number, (*subject.places, subject.detector)))


def numbered(subject: Subject, keys: bytes) -> dict[str, int]:
    """What an alert names, with the numbers it is found by."""
    return dict(zip(subject.places, numbers(keys), strict=False))  # the last is of what raised it


def as_data(reasons: tuple[str, Placement, list[str]]) -> bytes:
    """Reasons as they are kept: the incident that an alert came into, how it was placed, and the keys of things that more
    alerts name than were looked at.
    """
    return msgspec.msgpack.encode(reasons)


def from_data(data: bytes) -> tuple[str, Placement, list[str]]:
    """Reasons as they were kept."""
    return _reasons.decode(data)
