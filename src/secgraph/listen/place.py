"""Where a file is read on: which file it was, how far it was read, and how it began."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGIN = 1024
"""First bytes of a file by which it is known again, whatever it is called by then."""

_ROTATED = re.compile(r"[-._][0-9][-0-9_.:TZ]*$|\.old$")
"""How the names of files end that were rotated, and not something else beside the file."""
PACKED = frozenset({".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip"})


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file: everything before it is committed."""

    inode: int
    offset: int
    digest: str = ""
    length: int = 0
    """How many first bytes the digest is of."""

    def data(self) -> dict[str, Any]:
        """As it is kept."""
        return {"inode": self.inode, "offset": self.offset, "digest": self.digest, "length": self.length}


def spot_of(place: Mapping[str, Any]) -> Spot | None:
    """A kept place; None before the first one."""
    if not isinstance(place.get("inode"), int):
        return None
    return Spot(place["inode"], int(place.get("offset", 0)), str(place.get("digest", "")), int(place.get("length", 0)))


def spot_at(handle: int, offset: int) -> Spot:
    """The place at an offset of an open file."""
    begin = os.pread(handle, min(offset, BEGIN), 0)
    return Spot(os.fstat(handle).st_ino, offset, hashlib.sha256(begin).hexdigest(), len(begin))


def is_of(handle: int, spot: Spot) -> bool:
    """Whether an open file begins as that one did, and is as long as it was read."""
    if os.fstat(handle).st_size < spot.offset:
        return False
    begin = os.pread(handle, spot.length, 0)
    return len(begin) == spot.length and (not spot.length or hashlib.sha256(begin).hexdigest() == spot.digest)


def opened(path: Path) -> int | None:
    """A file opened to be read; None where there is none, or it is no file that could be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return handle


def rest_of(path: Path, spot: Spot | None) -> list[tuple[int, int]]:
    """What is still to be read where a file was rotated since: open files in order, each with where to begin; the file itself
    is the last one. Nothing where it is not there.

    Rotation by rename leaves the old file with its number under a name that begins as the file's; copytruncate leaves a copy of
    it. Either is known by how it begins. What was rotated after it, and not read at all, comes next.
    """
    last = opened(path)
    if spot is None:
        return [] if last is None else [(last, 0)]
    if last is not None and os.fstat(last).st_ino == spot.inode and is_of(last, spot):
        return [(last, spot.offset)]
    older = _older(path, -1 if last is None else os.fstat(last).st_ino)
    alike = [handle for handle, _ in older if is_of(handle, spot)]
    same = [handle for handle in alike if os.fstat(handle).st_ino == spot.inode]
    # Nothing is a copy of what was not read.
    mine = next(iter(same or (alike if spot.length else [])), None)
    found: list[tuple[int, int]] = []
    for handle, name in older:
        if handle == mine:
            found.append((handle, spot.offset))
        elif found and _ROTATED.search(name):
            found.append((handle, 0))
        else:
            os.close(handle)
    return [*found, *([] if last is None else [(last, 0)])]


def _older(path: Path, inode: int) -> list[tuple[int, str]]:
    """The files beside a file whose names begin as its own, open, the oldest first."""
    try:
        names = [one.name for one in path.parent.iterdir() if one.name.startswith(path.name) and one.name != path.name]
    except OSError:
        return []
    kept: list[tuple[int, str]] = []
    for name in names:
        handle = None if Path(name).suffix in PACKED else opened(path.parent / name)
        if handle is not None and os.fstat(handle).st_ino == inode:
            os.close(handle)
        elif handle is not None:
            kept.append((handle, name))
    return sorted(kept, key=lambda one: os.fstat(one[0]).st_mtime_ns)
