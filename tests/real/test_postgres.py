"""What a cut takes from a real PostgreSQL: the ground on which commits can be held to wait for the disk."""

from __future__ import annotations

from contextlib import closing

import pytest
from tests.real.faults.cluster import Cluster


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
