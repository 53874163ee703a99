"""Who writes to a file: the one process that holds `writer.lock` beside it, and answers at `writer.sock`.

The lock ends with its process, however that ends; whoever waits takes it then. Only the owner of the process, and root, are
answered, and only a process of theirs is believed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

LOCK = "writer.lock"
SOCKET = "writer.sock"

LONGEST = 100
"""Longest path of a socket, in bytes, that every system takes."""

WAITING = 64
"""Connections that may wait to be taken."""


class Seat:
    """The lock, held until it is left, and the socket of whoever holds it."""

    def __init__(self, folder: Path, lock: int, listener: socket.socket) -> None:
        self._folder = folder
        self._lock = lock
        self.listener = listener

    def leave(self) -> None:
        """Stops answering, and lets the next one have the lock."""
        with contextlib.suppress(OSError):
            (self._folder / SOCKET).unlink()
        self.listener.close()
        os.close(self._lock)


def taken(folder: Path) -> Seat | None:
    """The seat, where nobody has it. OSError when the folder cannot be used."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)  # for a person who wonders
        listener = _listener(folder)
    except BaseException:
        os.close(lock)
        raise
    return Seat(folder, lock, listener)


def _listener(folder: Path) -> socket.socket:
    """The socket of the one who holds the lock; what another one left there is removed."""
    with contextlib.suppress(FileNotFoundError):
        (folder / SOCKET).unlink()
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(made.fileno(), 0o600)  # of the socket, before anybody can see it: bind takes the mode over
        with _short(folder) as path:
            made.bind(path)
        (folder / SOCKET).chmod(0o600)
        made.listen(WAITING)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def reached(folder: Path) -> socket.socket:
    """A connection to whoever holds the lock. OSError when there is none, or a stranger's."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(2)
        with _short(folder) as path:
            made.connect(path)
    except BaseException:
        made.close()
        raise
    if not ours(made):
        made.close()
        raise PermissionError(f"{folder / SOCKET} belongs to another user.")
    return made


def ours(wire: socket.socket) -> bool:
    """Whether the process at the other end is of the same user, or root's."""
    asks = getattr(socket, "SO_PEERCRED", None)
    if asks is None:  # the mode of the socket's file says the same
        return True
    _, user, _ = struct.unpack("3i", wire.getsockopt(socket.SOL_SOCKET, asks, struct.calcsize("3i")))
    return user in {os.geteuid(), 0}


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A path of the socket that is short enough: through a handle of its folder, where the folder's own path is not."""
    path = folder / SOCKET
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)
