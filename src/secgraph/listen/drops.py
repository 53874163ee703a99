"""How many datagrams the kernel dropped because nobody read them in time: it counts them for each socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path

INODE, DROPS = 9, 12
"""Columns of the kernel's tables."""


def dropped(one: socket.socket, folder: Path = Path("/proc/net")) -> int | None:
    """The datagrams that a socket lost; None where the kernel does not say."""
    inode = str(os.fstat(one.fileno()).st_ino)
    name = "udp6" if one.family == socket.AF_INET6 else "udp"
    try:
        text = (folder / name).read_text("ascii")
    except OSError:
        return None
    return in_table(text, inode)


def in_table(text: str, inode: str) -> int | None:
    """The drops of a socket in such a table."""
    for line in text.splitlines()[1:]:
        cells = line.split()
        if len(cells) > DROPS and cells[INODE] == inode and cells[DROPS].isdigit():
            return int(cells[DROPS])
    return None
