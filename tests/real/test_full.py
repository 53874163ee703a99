"""The disk is full: changes are refused until there is room, reads go on, and nothing that was acknowledged is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from tests.real.faults.journal import ALERTS, Journal
from tests.real.faults.load import Follower
from tests.real.faults.room import Limit, Room, small_disk
from tests.real.faults.rounds import PATIENCE, clients, until, verdict
from tests.real.faults.server import Server
from tests.real.faults.stages import Killed

REFUSED = 20
"""Answers 503 that show that nothing can be written."""


async def only_refusals(journal: Journal) -> None:
    """Waits until no change is taken any more: the last small ones may still find a corner on a full disk."""
    ends = time.monotonic() + PATIENCE
    while True:
        acknowledged, most = journal.acknowledged(), journal.unavailable + REFUSED
        await until(lambda most=most: journal.unavailable >= most, "changes are not refused on a full disk")  # type: ignore[misc]
        if journal.acknowledged() == acknowledged:
            return
        assert time.monotonic() < ends, "changes are taken although the disk is full"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Killed]:
    with closing(Killed(Server(tmp_path / "data"))) as made:
        yield made


async def test_a_limit_on_the_length_of_files(stage: Killed) -> None:
    await refused_and_taken(stage, Limit(stage.server))


async def test_a_small_disk(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with small_disk(folder) as disk:
        if disk is None:
            pytest.skip("cannot be had here: no disk may be mounted")
        with closing(Killed(Server(folder))) as stage:
            await refused_and_taken(stage, disk)


async def refused_and_taken(stage: Killed, room: Room) -> None:
    """Clients work before the disk is full, while it is, and afterwards; then the server is killed, and all is there."""
    stage.start()
    stage.server.ready()
    async with clients(stage.server.url, seed=1) as among:
        wire, journal = among.wire, among.wire.journal
        await wire.sign_in(stage.server.members)
        async with among.at_work():
            await until(lambda: journal.acknowledged() > 100, "nothing is acknowledged on an empty disk")
            room.take()
            await only_refusals(journal)
            assert len(await wire.listed(ALERTS)) > 10
            assert await wire.counted(ALERTS, "severity eq 'high' or severity ne 'high'") > 10
            assert (await wire.http.get("/readyz")).status_code == 200
            await wire.sign_in(stage.server.members)
            assert await Follower(wire, ALERTS).page()
            room.give_back()
            acknowledged = journal.acknowledged()
            await until(lambda: journal.acknowledged() > acknowledged + 100, "changes are refused although there is room again")
        assert await verdict(stage, among) == []
        stage.cut(Random(1))  # noqa: S311 -- no secret
        stage.start()
        stage.server.ready()
        assert await verdict(stage, among) == []
