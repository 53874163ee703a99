"""Files that only their owner can read, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all, readable by its owner only."""
    with _draft(path, data) as draft:
        draft.replace(path)


def made_once(path: Path, data: bytes) -> bytes:
    """What the file holds: `data` when there was none, else what stands there, whoever of several wrote it first."""
    with _draft(path, data) as draft, contextlib.suppress(FileExistsError):
        os.link(draft, path)
    return path.read_bytes()


@contextlib.contextmanager
def _draft(path: Path, data: bytes) -> Iterator[Path]:
    """The data in a file beside that one, on the disk; gone in the end."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
