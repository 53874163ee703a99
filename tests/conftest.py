"""What tests share; the client and its server are `secgraph.testing`."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import pytest_asyncio
from tests.databases import Apart, Databases, settings_of
from tests.memory import memory

from secgraph.testing import Clock, Graph, running

BOTH = ("consumers", "ingest", "properties", "store", *(f"contract/test_{name}.py" for name in (
    "actions", "alert_sources", "alerts", "assessment", "assets", "bad_input", "batch", "correlations", "delta", "delta_links", "delta_removals",
    "entities", "filter", "legacy", "reading", "regrouping", "resolving", "score", "search", "sources", "whose_word_counts", "writing",
)), *(f"access/test_{name}.py" for name in ("adopt", "grants", "key_ring", "keys", "links", "tenants", "two_nodes")),
        "campaigns/test_costs.py", "listen/test_running.py", "real/test_relp_kills.py")  # fmt: skip
"""Folders and files whose tests run on both databases. The others ask little of a store, and run on PostgreSQL with
`--database postgresql`.
"""

PARTITIONED = (
    "store/test_turn.py", "store/test_needs.py", "store/test_removal.py", "store/test_tally.py", "store/test_sift.py",
    "store/test_registry.py", "store/test_naming.py", "contract/test_search.py", "properties/test_paging.py",
)  # fmt: skip
"""Files whose tests run on a PostgreSQL with partitions too."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=("both", "sqlite", "postgresql"), default="both", help="what tests of a store run on")


def pytest_configure() -> None:
    """Has folders of tests made in memory, those of passed ones removed at once: most of a test on SQLite would be waiting."""
    if root := memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(root))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs what asks for a database on those that are wanted; what is about SQLite's file, on that alone."""
    if "database_kind" not in metafunc.fixturenames:
        return
    wanted = metafunc.config.getoption("--database")
    file = metafunc.definition.path.relative_to(Path(__file__).parent)
    both = file.parts[0] in BOTH or file.as_posix() in BOTH
    if metafunc.definition.get_closest_marker("sqlite") or (wanted == "both" and not both):
        wanted = "sqlite"
    kinds = ("sqlite", "postgresql") if wanted == "both" else (wanted,)
    if wanted != "sqlite" and file.as_posix() in PARTITIONED:
        kinds = (*kinds, "partitioned")
    metafunc.parametrize("database_kind", kinds, indirect=True, scope="module")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs a test on the loop of the server it asks, its own or its module's: sessions of PostgreSQL know no other."""
    for item in items:
        used = getattr(item, "fixturenames", ())
        if ("apart" in used or "database" in used) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module" if "apart" in used else "function"), append=False)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """One PostgreSQL server for the whole run, started when a test asks for it."""
    with closing(Databases()) as made:
        yield made


@pytest.fixture(scope="module")
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on."""
    return str(request.param)


@pytest.fixture
def database(database_kind: str, databases: Databases) -> Iterator[str]:
    """What the setting `database` is: empty for SQLite's file, the address of an empty database of PostgreSQL."""
    with databases.lent(database_kind) as url:
        yield url


@pytest.fixture(scope="module")
def apart(database_kind: str, databases: Databases) -> Iterator[Apart]:
    """Gives the settings of a server on a database of its own, as often as it is called, until the end of the module."""
    with ExitStack() as made:
        yield lambda: settings_of(made.enter_context(databases.lent(database_kind)))


@pytest.fixture
def on(database: str) -> dict[str, str]:
    """The settings of a server on the test's own database."""
    return settings_of(database)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is moved."""
    return Clock()


@pytest.fixture
async def graph(tmp_path: Path, clock: Clock, on: dict[str, str]) -> AsyncIterator[Graph]:
    """The whole server in process on an empty folder, asked as an application asks it."""
    async with running(tmp_path / "data", clock, **on) as made:
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
