"""A server over a real PostgreSQL: what a cut takes, what a kill takes, and a database that is gone for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import randrange

import pytest
from tests.real.faults.cluster import Cluster
from tests.real.faults.rounds import clients, rounds, until, verdict
from tests.real.faults.server import Server
from tests.real.faults.stages import on_postgres, over

ROUNDS = 5
"""`scripts/faults kill --database postgresql --rounds 50` goes on for longer."""

GONE = 10.0
"""How long the database is gone, in seconds."""

# --- the ground: commits can be held to wait for the disk -----------------------------------------------------------------


@pytest.mark.parametrize("waits", ["on", "off"])
async def test_a_cut_takes_what_commits_did_not_wait_for(waits: str) -> None:
    with closing(Cluster()) as cluster:
        cluster.start()
        connection = await cluster.connect()
        await connection.execute("CREATE TABLE t (n integer)")
        await connection.execute(f"SET synchronous_commit = {waits}")
        for number in range(100):
            await connection.execute("INSERT INTO t VALUES ($1)", number)
        cluster.stop("immediate")
        connection.terminate()
        cluster.start()
        connection = await cluster.connect()
        there = await connection.fetchval("SELECT count(*) FROM t")
        assert (there == 100) is (waits == "on")
        await connection.close()


# --- the server over it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [False, True], ids=["the server is killed", "the database is cut off"])
async def test_nothing_acknowledged_is_lost(tmp_path: Path, cut: bool) -> None:
    seed = randrange(10**9)  # noqa: S311 -- no secret
    with closing(on_postgres(tmp_path, cut=cut)) as stage:
        outcome = await rounds(stage, ROUNDS, seed)
    assert outcome.found == [], f"seed {seed}"
    assert outcome.acknowledged > 20 * ROUNDS


async def test_a_cut_takes_nothing_where_the_database_does_not_wait_by_itself(tmp_path: Path) -> None:
    """The server asks for it in its own sessions, whatever the database does for others."""
    with closing(on_postgres(tmp_path, cut=True, settings={"synchronous_commit": "off"})) as stage:
        outcome = await rounds(stage, ROUNDS, seed=1)
    assert outcome.found == []


async def test_a_database_that_is_gone_for_a_while(tmp_path: Path) -> None:
    with closing(on_postgres(tmp_path)) as stage:
        stage.start()
        stage.server.ready()
        async with clients(stage.server.url, seed=1) as among:
            wire, journal = among.wire, among.wire.journal
            await wire.sign_in(stage.server.members)
            async with among.at_work():
                await until(lambda: journal.acknowledged() > 50, "nothing is taken")
                stage.cluster.stop()
                gone = time.monotonic()
                before = journal.unavailable
                await until(lambda: journal.unavailable > before + 20, "nobody is told to come back later")
                answer = await wire.http.get("/readyz")
                assert answer.status_code == 503
                while time.monotonic() < gone + GONE:
                    began = time.monotonic()
                    await wire.ask("GET", "/v1.0/security/alerts_v2?$top=1")
                    assert time.monotonic() - began < 8, "an answer takes longer than a client waits"
                acknowledged = journal.acknowledged()
                stage.cluster.start()
                await until(lambda: journal.acknowledged() > acknowledged + 50, "nothing is taken when the database is back")
            assert await verdict(stage, among) == []


# --- what a server refuses to run on --------------------------------------------------------------------------------------


@pytest.fixture
def refused(tmp_path: Path) -> Iterator[Server]:
    with closing(over(tmp_path, "postgresql://secgraph@127.0.0.1:1/postgres")) as server:
        yield server


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_database_that_can_lose_what_it_committed_is_refused(tmp_path: Path, name: str) -> None:
    with closing(Cluster({name: "off"})) as cluster, closing(over(tmp_path, cluster.url("postgres"))) as server:
        cluster.start()
        server.start()
        assert server.process is not None
        assert server.process.wait(30) != 0
        assert name in server.out.read_text()


def test_a_database_that_is_not_there(refused: Server) -> None:
    refused.start()
    assert refused.process is not None
    assert refused.process.wait(30) != 0
    said = refused.out.read_text()
    assert "127.0.0.1" in said
    assert "Traceback" not in said
