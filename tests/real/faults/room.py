"""A disk that fills up under a running server, and has room again."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.real.faults.server import Server

MOUNTED = 48 * 1024 * 1024
"""Bytes of the small disk."""


class Room(Protocol):
    """What a server's files have left."""

    def take(self) -> None:
        """Leaves nothing."""
        ...

    def give_back(self) -> None:
        """Leaves enough again."""
        ...


@dataclass(slots=True)
class Limit:
    """A bound on the length of the process's files: where no disk can be mounted."""

    server: Server

    def take(self) -> None:
        """No file of the server becomes longer than its longest one is."""
        self._set(max(path.stat().st_size for path in self.server.folder.glob("secgraph.db*")))

    def give_back(self) -> None:
        """No bound."""
        self._set(resource.RLIM_INFINITY)

    def _set(self, most: int) -> None:
        assert self.server.process is not None
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


@dataclass(slots=True)
class SmallDisk:
    """A disk in memory, with something on it that takes the rest."""

    folder: Path

    def take(self) -> None:
        """Fills it up."""
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    pass
            except OSError as full:
                if full.errno != errno.ENOSPC:
                    raise

    def give_back(self) -> None:
        """Removes what fills it."""
        (self.folder / "ballast").unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk | None]:
    """A disk mounted at an empty folder; None where that is not allowed."""
    if os.geteuid() != 0 or _run("mount", "-t", "tmpfs", "-o", f"size={MOUNTED},mode=700", "tmpfs", folder):
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        _run("umount", folder)


def _run(*words: str | Path) -> int:
    try:
        return subprocess.run(words, capture_output=True, timeout=10, check=False).returncode  # noqa: S603 -- mount and umount
    except FileNotFoundError:
        return 127
