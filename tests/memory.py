"""Where tests keep their files: in memory where there is room for them, so that nobody waits for a disk that no test is about."""

from __future__ import annotations

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 -- what is made in it has a name of its own
ROOM = 2 * 1024**3
"""Bytes that are to be free: a whole run takes less, and a container that gives little has its files on disk."""


def memory() -> Path | None:
    """A folder whose files are in memory, or None."""
    try:
        return MEMORY if shutil.disk_usage(MEMORY).free >= ROOM else None
    except OSError:
        return None
