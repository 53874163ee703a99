"""When a disk is said to fill up, how often that is said, and where."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from secgraph.disk import LOOK_SECONDS, Disk, Room
from secgraph.observe import DiskFills
from secgraph.testing import Clock, running

GIB, HOUR = 1024**3, 3600


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[DiskFills]]:
    caplog.set_level(logging.INFO, "secgraph")
    return lambda: [fact for record in caplog.records if isinstance(fact := getattr(record, "fact", None), DiskFills)]


@pytest.mark.parametrize(("total", "free", "percent", "fills"), [
    (1000, 51, 5, False), (1000, 49, 5, True), (1000, 51, 10, True), (1000, 99, 10, True), (1000, 1, 0, False),
    (30, 2.1, 5, False), (30, 1.9, 5, True),  # of thirty, five percent would be less than two
    (5, 1.1, 5, False), (5, 0.9, 5, True),  # of five, two would be too much to ask
    (0, 0, 5, False), (10, 0, 100, True),
])  # fmt: skip
def test_what_is_little(clock: Clock, said: Callable[[], list[DiskFills]], total: float, free: float, percent: int, fills: bool) -> None:
    disk = Disk(Path("data"), clock, percent, lambda _: Room(int(total * GIB), int(free * GIB)))
    disk.look()
    assert disk.fills is fills
    assert len(said()) == fills


def test_it_is_said_once_an_hour_and_anew_when_it_comes_back(clock: Clock, said: Callable[[], list[DiskFills]]) -> None:
    free = [GIB]
    disk = Disk(Path("data"), clock, 5, lambda _: Room(100 * GIB, free[0]))
    for _ in range(3 * HOUR // LOOK_SECONDS):
        disk.look()
        clock.forward(LOOK_SECONDS)
    assert len(said()) == 3
    assert (said()[0].free_mib, said()[0].free_percent, said()[0].full_in_hours) == (1024, 1, None)
    free[0] = 90 * GIB
    disk.look()
    assert not disk.fills
    free[0] = GIB
    clock.forward(LOOK_SECONDS)
    disk.look()
    assert len(said()) == 4
    clock.forward(-10 * HOUR)
    disk.look()
    assert len(said()) == 5, "a clock that was set back keeps nothing quiet"


@pytest.mark.parametrize(("used", "fills", "hours"), [(1, False, None), (4, False, None), (5, True, 23), (30, True, 3)])
def test_what_will_be_full_within_a_day(clock: Clock, said: Callable[[], list[DiskFills]], used: int, fills: bool, hours: int | None) -> None:
    """So many GiB an hour, of 120 that are free at first; for less than an hour nobody can tell."""
    began = clock.at
    disk = Disk(Path("data"), clock, 5, lambda _: Room(1000 * GIB, 120 * GIB - used * GIB * (clock.at - began) // (HOUR * 10_000_000)))
    for _ in range(HOUR // LOOK_SECONDS):
        disk.look()
        assert not disk.fills
        clock.forward(LOOK_SECONDS)
    disk.look()
    assert disk.fills is fills
    assert [fact.full_in_hours for fact in said()] == ([hours] if fills else [])


def test_only_the_last_hours_count(clock: Clock) -> None:
    free = [500 * GIB]
    disk = Disk(Path("data"), clock, 5, lambda _: Room(1000 * GIB, free[0]))
    for hour in range(9):
        disk.look()
        free[0] -= 40 * GIB if hour < 2 else 0
        clock.forward(HOUR)
    disk.look()
    assert not disk.fills, "the eighty of the first two hours are long ago"


async def test_readiness_tells_and_stays(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path / "data", clock, disk_free_percent=100) as graph:
        for path, before, after in (("/readyz", "ok", "ok: the disk fills up"), ("/healthz", "ok", "ok")):
            graph.core.disk.fills = False
            assert (await graph.http.get(path)).text == before
            graph.core.disk.look()
            answer = await graph.http.get(path)
            assert (answer.status_code, answer.text) == (200, after)
