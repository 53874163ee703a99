"""Keys in files: those that an earlier version kept in the folder `keys`, and one of a person's own.

What lay in the folder is taken into the database once; then the files are moved to `keys-imported` beside it, where nothing
reads them. The last `token-*.pem` by name signed, and a name that is an instant said since when; `links.key` signed links.
The certificates stay where they are.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.private import write_private

NOTE = """These keys are in the database now, sealed with the key in seal.key or in the setting seal_key.
Nothing reads these files any more. An earlier version would need them back in the folder keys.
Whoever has them can sign what this server believes: delete them when you will not go back.
"""
SMALLEST = 2048
"""Fewest bits of a key that signs tokens."""

_LINKS = "links.key"
_STAMPED = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{6})")
_NUMBERED = re.compile(r"0\d*")


@dataclass(frozen=True, slots=True)
class Earlier:
    """A key from a file, under the name that keeps its place among the others."""

    kind: Literal["token", "links"]
    name: str
    starts: int | None
    data: bytes


def files(folder: Path) -> list[Path]:
    """The files of keys in a folder, in the order in which they began to sign."""
    links = folder / _LINKS
    return sorted(folder.glob("token-*.pem")) + ([links] if links.is_file() else [])


def read(found: Sequence[Path]) -> list[Earlier]:
    """The keys in the files. UsageError when one cannot be read."""
    keys, last = [], ""
    for file in found:
        if file.name == _LINKS:
            keys.append(Earlier("links", "0001", None, _data(file)))
            continue
        word = file.stem.removeprefix("token-")
        match = _STAMPED.fullmatch(word)
        starts = clock.ticks("{}-{}-{}T{}:{}:{}.{}Z".format(*match.groups())) if match else None
        # A word of a person's own must not come after the keys of later rotations, nor before the ones before it.
        plain = starts is not None or (_NUMBERED.fullmatch(word) and word > last)
        last = word if plain else f"{last or '0000'}-{word.encode('utf-8', 'replace').decode()}"
        keys.append(Earlier("token", last, starts, _data(file)))
    return keys


def put_away(found: Sequence[Path], present: set[bytes]) -> list[Path]:
    """Moves the files whose keys are present, with a note; the others, which stay. OSError when that cannot be done."""
    others = []
    for file in found:
        data = b""
        with contextlib.suppress(UsageError):
            data = _data(file)
        if data not in present:
            others.append(file)
            continue
        away = file.parent.with_name(f"{file.parent.name}-imported")
        away.mkdir(mode=0o700, exist_ok=True)
        write_private(away / "README.txt", NOTE.encode())
        file.replace(away / file.name)
    return others


def _data(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as fault:
        raise UsageError(f"The key {file} cannot be read: {fault.strerror}.") from None
    if file.name != _LINKS:
        return der(private(data, str(file)))
    if len(data) < 32:
        raise UsageError(f"The key {file} is shorter than 32 bytes. Restore it, or remove it to have it made anew.")
    return data


def private(pem: bytes, where: str, smallest: int = 0) -> rsa.RSAPrivateKey:
    """The RSA key in a PEM file. UsageError when there is none, or one of fewer bits."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as fault:
        raise UsageError(f"The key {where} cannot be read: {fault}.") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UsageError(f"The key {where} is not an RSA key.")
    if key.key_size < smallest:
        raise UsageError(f"The key {where} has {key.key_size} bits; it must have {smallest} or more.")
    return key


def der(key: rsa.RSAPrivateKey) -> bytes:
    """The key as bytes."""
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
