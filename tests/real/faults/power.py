"""A file system that loses what was not synced: SQLite on it sees a power cut where a killed process leaves everything.

SIGKILL takes nothing from the system's cache, so whatever a process wrote is there afterwards, synced or not. Here each
write goes to the file as ever, and what it replaced is kept beside it until the next sync of that file. After the process
was killed, `cut` puts back what the disk would have had: all of it, or, torn, any blocks and any of their versions, as a
disk writes what it is given in the order it likes.

What is taken for granted: a new file is there, and one that was removed is gone, at once; a write changes no byte beside its
own (SQLite is told the same by the system); what was synced stays.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from struct import Struct

import apsw

BLOCK = 4096
"""What a disk writes whole or not at all."""

SYNC_SECONDS = 0.002
"""How long a sync takes: an end may fall into it, and nothing of it is there then."""

HEAD = Struct("<QQQQ?")
"""Offset and length of what was replaced, the file's size before, how many bytes follow, and whether the file was cut."""


class Kept:
    """What the writes of one file since its last sync replaced."""

    def __init__(self, file: Path) -> None:
        self.lock = threading.Lock()
        self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def keep(self, offset: int, length: int, size: int, old: bytes, *, cuts: bool = False) -> None:
        """Keeps what a write is about to replace. It survives the end of the process as the write itself does."""
        os.write(self._handle, HEAD.pack(offset, length, size, len(old), cuts) + old)

    def drop(self) -> None:
        """The file was synced, or is gone."""
        os.ftruncate(self._handle, 0)


class LosingFile(apsw.VFSFile):
    """A file whose writes are remembered until they are synced."""

    def __init__(self, name: apsw.URIFilename | str | None, flags: list[int], kept: Kept) -> None:
        super().__init__("unix", name, flags)
        self._kept = kept

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's name
        """Writes, after keeping what was there."""
        with self._kept.lock:
            size = super().xFileSize()
            there = max(0, min(len(data), size - offset))
            self._kept.keep(offset, len(data), size, super().xRead(there, offset) if there else b"")
            super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 -- SQLite's name
        """Cuts the file, after keeping its end."""
        with self._kept.lock:
            size = super().xFileSize()
            if newsize < size:
                self._kept.keep(newsize, size - newsize, size, super().xRead(size - newsize, newsize), cuts=True)
            super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 -- SQLite's name
        """Takes its time; what was written is safe at its end and not before."""
        del flags
        with self._kept.lock:
            time.sleep(SYNC_SECONDS)
            self._kept.drop()


class Losing(apsw.VFS):
    """Such files, for every connection that names no other file system."""

    def __init__(self, folder: Path, *, default: bool) -> None:
        super().__init__("losing", "unix", makedefault=default)
        self._folder = folder
        self._lock = threading.Lock()
        self._files: dict[str, Kept] = {}

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 -- SQLite's name
        """Opens a file; one without a name ends with the process anyway."""
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return apsw.VFSFile("unix", name, flags) if path is None else LosingFile(name, flags, self._of(path))

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 -- SQLite's name
        """Removes a file, at once."""
        super().xDelete(filename, syncdir)
        self._of(filename).drop()

    def _of(self, path: str) -> Kept:
        """What is kept of a file, for all connections of the process."""
        name = Path(path).name
        with self._lock:
            if name not in self._files:
                self._files[name] = Kept(self._folder / name)
            return self._files[name]


@dataclass(frozen=True, slots=True)
class Replaced:
    """What one write or cut replaced."""

    offset: int
    length: int
    size: int
    old: bytes
    cuts: bool
    """Whether the file became shorter there."""

    @property
    def blocks(self) -> range:
        """The blocks it touched."""
        return range(self.offset // BLOCK, (self.offset + self.length - 1) // BLOCK + 1)


def cut(folder: Path, data: Path, chance: Random, *, torn: bool) -> int:
    """Takes from the files in `data` what was not synced when their process ended; how many writes that were."""
    lost = 0
    for kept in sorted(folder.iterdir()):
        writes = list(_kept(kept.read_bytes()))
        if writes and (data / kept.name).exists():
            lost += len(writes)
            _put_back(data / kept.name, writes, chance if torn else None)
        kept.unlink()
    return lost


def _kept(data: bytes) -> Iterator[Replaced]:
    """What stands in a file of what was kept. A last piece that is not whole belongs to a write that did not happen."""
    at = 0
    while len(data) - at >= HEAD.size:
        offset, length, size, old, cuts = HEAD.unpack_from(data, at)
        at += HEAD.size + old
        if at > len(data):
            return
        yield Replaced(offset, length, size, data[at - old : at], cuts)


def _put_back(file: Path, writes: list[Replaced], chance: Random | None) -> None:
    """Each block gets the version that the disk had: the first one without `chance`, else any."""
    touched: dict[int, int] = {}
    for write in writes:
        for block in write.blocks:
            touched[block] = touched.get(block, 0) + 1
    survive = dict.fromkeys(touched, 0)
    if chance is not None and not any(write.cuts for write in writes):
        survive = {block: chance.randint(0, times) for block, times in touched.items()}
    before, now = writes[0].size, file.stat().st_size
    with file.open("r+b") as disk:
        for write in reversed(writes):
            # Where the file was shorter there was nothing; what lies beyond its size is cut off below, or is zeros.
            old = write.old.ljust(write.length, b"\0")
            for block in write.blocks:
                if touched[block] > survive[block]:
                    first = max(write.offset, block * BLOCK)
                    end = min(write.offset + write.length, (block + 1) * BLOCK)
                    disk.seek(first)
                    disk.write(old[first - write.offset : end - write.offset])
                touched[block] -= 1
        disk.truncate(max([before, *(min(now, (block + 1) * BLOCK) for block, versions in survive.items() if versions)]))
