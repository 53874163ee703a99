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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where every skip could have been avoided (SECGRAPH_NO_SKIP, as in CI), one fails the run.

    Tests that read the folder of contract facts may be left out where nothing names it, and those that say of themselves
    that what they need cannot be had here.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("SECGRAPH_NO_SKIP"):
        return
    avoidable = [
        report.nodeid
        for report in reporter.stats.get("skipped", [])
        if "cannot be had here" not in str(report.longrepr)
        and (os.environ.get("SECGRAPH_SHARED") or "SECGRAPH_SHARED" not in str(report.longrepr))
    ]
    if avoidable:
        reporter.write_line(f"skipped, and need not have been: {', '.join(avoidable)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
