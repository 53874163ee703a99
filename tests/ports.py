"""Ports for servers that tests start: no two processes of a run are given the same one."""

from __future__ import annotations

import os
import socket
from itertools import count

FIRST, EACH = 10_000, 2_500
"""Below those that a system gives to whoever asks for any, so that no connection takes one before its server has it."""

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8
_given = count(os.getpid())  # another run on this machine most likely begins elsewhere


def free_port() -> int:
    """A port of this machine that nobody listens on, and that was not given for a long while."""
    return next(port for port in (FIRST + _worker * EACH + number % EACH for number in _given) if _is_free(port))


def _is_free(port: int) -> bool:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
