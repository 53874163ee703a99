"""Which process writes: who takes the seat when it is free, and who is let in at its socket."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.store.guest import ended, raw

from secgraph.errors import UsageError
from secgraph.model.edm import load
from secgraph.store.sqlite import doorman, frames, seat
from secgraph.store.sqlite.handover import FarHand, identity
from secgraph.store.sqlite.store import SqliteStore, open_store
from secgraph.testing import Clock

if TYPE_CHECKING:
    from tests.store.conftest import Ground

pytestmark = pytest.mark.sqlite


async def test_when_the_writer_ends_another_one_takes_its_seat(ground: Ground, other: SqliteStore) -> None:
    await ground.write(ground.put(ground.alert(1)), store=other)
    assert seat.taken(ground.path.parent) is None
    await ground.store.close()
    await ground.write(ground.put(ground.alert(2)), store=other)
    third = open_store(ground.path, load(), Clock())
    await ground.write(ground.put(ground.alert(3)), store=third)
    await third.close()
    rows = await other.fetch("events", tenant=ground.tenant.number, after=0, most=10)
    assert [row["seq"] for row in rows] == [1, 2, 3]


async def test_writes_go_on_while_writers_come_and_go(open_ground: Callable[..., Any], clock: Clock) -> None:
    ground: Ground = await open_ground()
    stay = open_store(ground.path, load(), clock)
    stop = asyncio.Event()

    async def write(first: int) -> int:
        number = first
        while not stop.is_set():
            await ground.write(ground.put(ground.alert(number)), store=stay)
            number += 1
        return number - first

    tasks = [asyncio.create_task(write(1000 * number)) for number in range(1, 5)]
    await asyncio.sleep(0.1)
    await ground.store.close()  # `stay` takes over, hands nothing over any more, and others come
    for _ in range(3):
        more = open_store(ground.path, load(), clock)
        await ground.write(store=more)
        await asyncio.wait_for(more.close(), 10)  # whoever goes on handing over does not hold up the end
    await asyncio.sleep(0.1)
    stop.set()
    written = sum(await asyncio.gather(*tasks))
    events = await stay.fetch("events", tenant=ground.tenant.number, after=0, most=100_000)
    await stay.close()
    assert [row["seq"] for row in events] == list(range(1, written + 1))


async def test_what_another_one_left_at_the_place_of_the_socket_is_removed(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / seat.SOCKET).write_text("old")
    store = open_store(tmp_path / "test.db", load(), clock)
    await store.run(("tenant_add", {"guid": "g", "name": "n", "created": 0}))
    mode = (tmp_path / seat.SOCKET).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE((tmp_path / seat.LOCK).stat().st_mode) == 0o600
    await store.close()
    assert not (tmp_path / seat.SOCKET).exists()


async def test_a_folder_with_a_long_path(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    one = open_store(folder / "test.db", load(), clock)
    await one.run(("tenant_add", {"guid": "g", "name": "n", "created": 0}))
    two = open_store(folder / "test.db", load(), clock)
    await two.run(("tenant_add", {"guid": "h", "name": "m", "created": 0}))
    assert len(await one.fetch("tenants")) == 2
    await two.close()
    await one.close()


async def test_another_version_and_another_file_are_told_apart(ground: Ground, clock: Clock) -> None:
    await ground.add(1)
    with pytest.raises(UsageError, match="Stop it"):
        FarHand(ground.path.parent, ground.path.parent)
    await ground.add(2)
    with closing(frames.Channel(seat.reached(ground.path.parent), frames.TOLD)) as channel:
        channel.put(frames.Hello(frames.VERSION + 1, identity(ground.path)))
        channel.flush()
        assert channel.take(5) == frames.Hello(frames.VERSION, identity(ground.path))
        assert await ended(channel)
    moved = ground.path.with_name("other.db")
    store = open_store(moved, load(), clock)
    with pytest.raises(UsageError, match=r"other\.db is of another version, or opened another file"):
        await store.run(("tenant_add", {"guid": "g", "name": "n", "created": 0}))
    await store.close()


async def test_a_file_that_another_one_has_taken_the_place_of_gets_nothing(ground: Ground, clock: Clock) -> None:
    store = open_store(ground.path, load(), clock)  # it has not written, and holds no seat
    await ground.store.close()
    copy = ground.path.with_name("copy.db")
    copy.write_bytes(ground.path.read_bytes())
    copy.replace(ground.path)
    with pytest.raises(UsageError, match="taken the place"):
        await ground.write(ground.put(ground.alert(1)), store=store)
    await store.close()


async def test_only_so_many_guests_are_let_in(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorman, "MOST_GUESTS", 2)
    await ground.add(1)
    with raw(ground), raw(ground):
        with pytest.raises(frames.Lost), raw(ground):
            pass
        await ground.add(2)


async def test_strangers_are_not_let_in(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    await ground.add(1)
    monkeypatch.setattr(doorman, "ours", lambda _: False)
    with pytest.raises(frames.Lost), raw(ground):
        pass
    monkeypatch.setattr(seat, "ours", lambda _: False)
    with pytest.raises(PermissionError, match="another user"):
        seat.reached(ground.path.parent)
    await ground.add(2)


@pytest.mark.skipif(os.geteuid() != 0, reason="cannot be had here: only root may be somebody else")
def test_another_user_is_a_stranger_even_where_the_file_lets_it_in() -> None:
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_UNIX) as listener:
        Path(name).chmod(0o755)
        listener.bind(f"{name}/open.sock")
        Path(f"{name}/open.sock").chmod(0o777)
        listener.listen()
        for user, ours in ((65534, False), (0, True)):
            with socket.socket(socket.AF_UNIX) as stranger:
                os.seteuid(user)
                try:
                    stranger.connect(f"{name}/open.sock")
                finally:
                    os.seteuid(0)
                wire, _ = listener.accept()
                with wire:
                    assert seat.ours(wire) is ours
