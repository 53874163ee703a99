"""Copies of the file: one instant of it while others write, whole or not at all, and what is different after it was restored."""

from __future__ import annotations

import asyncio
import os
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from secgraph.errors import UsageError
from secgraph.store.sqlite.backup import Copied, back_up, restore
from secgraph.store.sqlite.file import connect
from secgraph.store.statements import migrations
from secgraph.testing import Clock

if TYPE_CHECKING:
    from tests.store.conftest import Ground

pytestmark = pytest.mark.sqlite

PAGE = 8192


def rows(path: Path, text: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(connect(path, write=False)) as connection:
        return connection.execute(text, values).fetchall()


def change(path: Path, *texts: str) -> None:
    with closing(connect(path, write=True)) as connection:
        for text in texts:
            connection.execute(text)


def taken(ground: Ground, file: Path, clock: Clock, *, replace: bool = False) -> Copied:
    return back_up(ground.path, file, clock, replace=replace, tick=lambda *_: None)


def restored(file: Path, database: Path, clock: Clock, *, replace: bool = False) -> tuple[Copied, list[Path]]:
    return restore(file, database, clock, replace=replace, tick=lambda *_: None)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- a copy --------------------------------------------------------------------------------------------------------------


async def test_a_copy_is_one_instant_however_much_is_written_meanwhile(ground: Ground, clock: Clock, tmp_path: Path) -> None:
    for number in range(300):
        await ground.add(number, description="x" * 4000)
    before, asked, go_on, steps = await ground.events(), asyncio.Event(), threading.Event(), list[tuple[int, int]]()
    loop = asyncio.get_running_loop()

    def tick(done: int, total: int) -> None:
        steps.append((done, total))
        go_on.clear()
        loop.call_soon_threadsafe(asked.set)
        assert go_on.wait(20)

    def take() -> Copied:
        return back_up(ground.path, tmp_path / "copy", clock, replace=False, tick=tick, pages=20)

    copying = asyncio.create_task(asyncio.to_thread(take))
    number = 300
    while not copying.done():
        waiting = asyncio.create_task(asked.wait())
        await asyncio.wait([copying, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        asked.clear()
        if not copying.done() and number < 400:
            await ground.add(number, description="y" * 20_000)  # a commit between every two steps, which waits for nothing
            number += 1
        go_on.set()
    copied = await copying
    assert number > 305
    assert [done for done, _ in steps] == sorted({done for done, _ in steps}), "it began anew"
    assert {total for _, total in steps} == {copied.size // PAGE}
    assert len(await ground.events()) == number
    assert rows(tmp_path / "copy", "SELECT seq FROM events ORDER BY seq") == [(event["seq"],) for event in before]
    assert rows(tmp_path / "copy", "SELECT seq FROM tenants") == [(300,)]
    assert rows(tmp_path / "copy", "SELECT count(*) FROM alerts_v2") == [(300,)]
    assert rows(tmp_path / "copy", "SELECT sum(many) FROM alerts_v2_tally") == [(300,)]
    found = "SELECT t.id FROM alerts_v2_words w JOIN alerts_v2 t ON t.rowid = w.rowid WHERE alerts_v2_words MATCH ?"
    assert len(rows(tmp_path / "copy", found, f'words:"{"x" * 20}"*')) == 300


async def test_a_copy_is_one_file_for_its_owner(ground: Ground, clock: Clock, tmp_path: Path) -> None:
    await ground.add(1)
    folder = tmp_path / "copies"
    folder.mkdir()
    copied = taken(ground, folder / "copy", clock)
    assert copied == Copied(clock(), (folder / "copy").stat().st_size, max(migrations()), 1, [])
    assert files(folder) == {"copy"}
    assert (folder / "copy").stat().st_mode & 0o777 == 0o600
    assert rows(folder / "copy", "PRAGMA journal_mode") == [("delete",)]
    folder.chmod(0o500)
    assert rows(folder / "copy", "SELECT id FROM alerts_v2") == [("da0001",)]
    assert files(folder) == {"copy"}


async def test_what_is_there_is_replaced_only_when_that_is_said(ground: Ground, clock: Clock, tmp_path: Path) -> None:
    file = tmp_path / "copy"
    file.write_text("mine")
    with pytest.raises(UsageError, match=r"is there already\. .*--force"):
        taken(ground, file, clock)
    assert file.read_text() == "mine"
    taken(ground, file, clock, replace=True)
    assert rows(file, "SELECT count(*) FROM tenants") == [(1,)]


@pytest.mark.parametrize(("name", "said"), [
    ("nowhere/copy", "There is no folder"), ("", "is a folder"), ("test.db", "is the database itself"), ("test.db-wal", "is the database itself"),
    ("same.db", "is the database itself"),
])  # fmt: skip
async def test_where_a_copy_cannot_be(ground: Ground, clock: Clock, tmp_path: Path, name: str, said: str) -> None:
    await ground.add(1)
    (tmp_path / "same.db").symlink_to(ground.path)
    before = files(tmp_path)
    with pytest.raises(UsageError, match=said):
        taken(ground, tmp_path / name, clock, replace=True)
    assert files(tmp_path) == before
    assert rows(ground.path, "SELECT count(*) FROM alerts_v2") == [(1,)]


@contextmanager
def longest_file(size: int) -> Iterator[None]:
    """No file becomes longer than that: as a full disk, where none can be mounted."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
async def test_a_full_disk_leaves_nothing_behind(ground: Ground, clock: Clock, tmp_path: Path, part: float) -> None:
    for number in range(100):
        await ground.add(number, description="x" * 4000)
    whole = taken(ground, tmp_path / "former", clock)
    before, content = files(tmp_path), (tmp_path / "former").read_bytes()
    with longest_file(int(whole.size * part)), pytest.raises(UsageError, match="does not take the copy"):
        taken(ground, tmp_path / "former", clock, replace=True)
    assert files(tmp_path) == before
    assert (tmp_path / "former").read_bytes() == content
    with longest_file(int(whole.size * part)), pytest.raises(UsageError, match="does not take the copy"):
        restored(tmp_path / "former", tmp_path / "new.db", clock)
    assert files(tmp_path) == before


def damaged(path: Path, ground: Ground) -> None:
    """Overwrites the root page of an index in the middle of the file."""
    [(page,)] = rows(ground.path, "SELECT rootpage FROM sqlite_schema WHERE name = 'alerts_v2_updated'")
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE + 200)
        file.write(os.urandom(PAGE - 200))


async def test_a_damaged_database_gives_no_copy(ground: Ground, clock: Clock, tmp_path: Path) -> None:
    for number in range(300):
        await ground.add(number)
    taken(ground, tmp_path / "good", clock)
    await ground.store.close()
    damaged(ground.path, ground)
    with pytest.raises(UsageError, match="is damaged"):
        taken(ground, tmp_path / "bad", clock)
    assert not (tmp_path / "bad").exists()
    damaged(tmp_path / "good", ground)
    with pytest.raises(UsageError, match="is damaged"):
        restored(tmp_path / "good", tmp_path / "new.db", clock)
    assert not (tmp_path / "new.db").exists()


# --- and back ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "said"), [
    (b"", "is not a secgraph database"), (b"nonsense " * 9999, "is not a secgraph database"),
])  # fmt: skip
def test_what_is_no_copy_is_not_restored(tmp_path: Path, clock: Clock, content: bytes, said: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        restored(tmp_path / "file", tmp_path / "new.db", clock)
    with pytest.raises(UsageError, match="There is no file"):
        restored(tmp_path / "none", tmp_path / "new.db", clock)
    assert files(tmp_path) == {"file"}


def test_the_database_of_something_else_is_not_restored(tmp_path: Path, clock: Clock) -> None:
    change(tmp_path / "file", "CREATE TABLE t (n)")
    with pytest.raises(UsageError, match="is not a secgraph database"):
        restored(tmp_path / "file", tmp_path / "new.db", clock)


async def test_a_copy_of_a_newer_version_is_refused_and_an_older_one_is_taken(ground: Ground, clock: Clock, tmp_path: Path) -> None:
    taken(ground, tmp_path / "copy", clock)
    change(tmp_path / "copy", "PRAGMA user_version = 99")
    with pytest.raises(UsageError, match="newer version"):
        restored(tmp_path / "copy", tmp_path / "new.db", clock)
    change(tmp_path / "copy", "DROP TABLE signing_keys", "PRAGMA user_version = 4")
    copied, _ = restored(tmp_path / "copy", tmp_path / "new.db", clock)
    assert copied.schema == 4


async def test_what_was_there_is_moved_aside_and_is_a_database_still(open_ground: Callable[..., Any], clock: Clock, tmp_path: Path) -> None:
    ground: Ground = await open_ground()
    await ground.add(1)
    taken(ground, tmp_path / "copy", clock)
    await ground.add(2)
    crashed = [(path, path.read_bytes()) for path in (ground.path, tmp_path / "test.db-wal")]
    await ground.store.close()
    for path, data in crashed:  # as after a crash: the last commits are in the log alone
        path.write_bytes(data)
    with pytest.raises(UsageError, match=r"is there already\. With --force"):
        restored(tmp_path / "copy", ground.path, clock)
    assert ground.path.read_bytes() == crashed[0][1]
    _, aside = restored(tmp_path / "copy", ground.path, clock, replace=True)
    assert {path.name.replace(aside[0].stem, "") for path in aside} == {".db", ".db-wal"}
    assert rows(ground.path, "SELECT id FROM alerts_v2") == [("da0001",)]
    assert rows(aside[0], "SELECT id FROM alerts_v2 ORDER BY id") == [("da0001",), ("da0002",)]
    assert ground.path.stat().st_mode & 0o777 == 0o600


async def test_a_log_without_its_file_is_not_taken_for_that_of_the_copy(ground: Ground, clock: Clock, tmp_path: Path) -> None:
    taken(ground, tmp_path / "copy", clock)
    (tmp_path / "new.db-wal").write_bytes(b"left over")
    with pytest.raises(UsageError, match="is there already"):
        restored(tmp_path / "copy", tmp_path / "new.db", clock)
    _, aside = restored(tmp_path / "copy", tmp_path / "new.db", clock, replace=True)
    assert [path.read_bytes() for path in aside] == [b"left over"]
    assert not (tmp_path / "new.db-wal").exists()


async def test_no_number_is_handed_out_twice(open_ground: Callable[..., Any], clock: Clock, tmp_path: Path) -> None:
    ground: Ground = await open_ground()
    other = await ground.registry.create_tenant("fabrikam")
    for tenant in (ground.tenant, other):
        await ground.add(1, tenant=tenant)
    taken(ground, tmp_path / "copy", clock)
    for number in range(2, 60):  # within one instant of the clock, each a microsecond after the one before
        await ground.add(number)
    await ground.store.run(("tenant_tick", {"tenant": ground.tenant.number, "seq": 59, "stamp": clock() + 59 * 10, "incidents": 40, "terms": 40}))
    [last] = (await ground.events())[-1:]
    await ground.store.close()
    clock.forward(0.001)
    restored(tmp_path / "copy", ground.path, clock, replace=True)
    again: Ground = await open_ground()
    for tenant in (again.tenant, other):
        await again.add(2, tenant=tenant)
        [former, new] = await again.events(tenant)
        assert former["seq"] == 1
        assert (new["seq"] > last["seq"], new["stamp"] > last["stamp"]) == (True, True)
        [clock_row] = rows(again.path, "SELECT seq, stamp, incidents, terms FROM tenants WHERE tenant = ?", tenant.number)
        assert clock_row[:2] == (new["seq"], new["stamp"])
        assert min(clock_row[2:]) > 40


async def test_tokens_from_before_are_over(open_ground: Callable[..., Any], clock: Clock, tmp_path: Path) -> None:
    ground: Ground = await open_ground()
    application, _ = await ground.registry.create_application(ground.tenant, "reader", [])
    taken(ground, tmp_path / "copy", clock)
    for _ in range(3):
        await ground.registry.rotate(ground.tenant, application)
    last = await ground.registry.application(ground.tenant, "reader")
    await ground.store.close()
    clock.forward(1)
    restored(tmp_path / "copy", ground.path, clock, replace=True)
    again: Ground = await open_ground()
    assert (await again.registry.application(again.tenant, "reader")).generation > last.generation


async def test_the_time_between_is_written_down(ground: Ground, clock: Clock, tmp_path: Path) -> None:
    first = clock()
    taken(ground, tmp_path / "copy", clock)
    clock.forward(10)
    restored(tmp_path / "copy", tmp_path / "new.db", clock)
    assert dict(rows(tmp_path / "new.db", "SELECT name, value FROM facts")) == {"restored": f"{first} {clock()}"}
    clock.forward(10)
    back_up(tmp_path / "new.db", tmp_path / "second", clock, replace=False, tick=lambda *_: None)
    clock.forward(10)
    restored(tmp_path / "second", tmp_path / "newer.db", clock)
    assert rows(tmp_path / "newer.db", "SELECT value FROM facts") == [(f"{first} {clock()}",)]


async def test_a_plain_copy_does_not_say_when_it_was_taken(ground: Ground, clock: Clock, tmp_path: Path) -> None:
    copied, _ = restored(ground.path, tmp_path / "new.db", clock)
    assert copied.instant == 0
    assert rows(tmp_path / "new.db", "SELECT value FROM facts") == [(f"0 {clock()}",)]
