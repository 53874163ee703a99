"""A data folder to whose database nothing else writes, while a command puts another file there."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from secgraph.errors import UsageError
from secgraph.store.sqlite.seat import LOCK


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the lock of whoever writes. UsageError where another process has it."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise UsageError(f"Another secgraph command (process {holder}) writes to the data folder {folder}."
                         " Wait until it has ended, or end it.") from None  # fmt: skip
    finally:
        os.close(handle)
