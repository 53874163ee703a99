"""What tests share; the client and its server are `secgraph.testing`."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from secgraph.testing import Clock, Graph, running


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is moved."""
    return Clock()


@pytest.fixture
async def graph(tmp_path: Path, clock: Clock) -> AsyncIterator[Graph]:
    """The whole server in process on an empty folder, asked as an application asks it."""
    async with running(tmp_path / "data", clock) as made:
        yield made


@pytest.fixture
def free_port() -> int:
    """A port nothing listens on, on either loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of contract facts and samples, where the environment names it."""
    named = os.environ.get("SECGRAPH_SHARED")
    if not named:
        pytest.skip("SECGRAPH_SHARED names no folder of contract facts and samples: this test reads them")
    return Path(named).resolve()
