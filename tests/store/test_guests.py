"""Guests of the process that writes that misbehave: nothing of theirs stays, and nobody else is held up."""

from __future__ import annotations

import asyncio
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import apsw
import msgspec
import pytest
from tests.store.guest import ended, raw

from secgraph.store.sqlite import frames, guests
from secgraph.store.sqlite.handover import FarHand, Gone
from secgraph.store.steps import Ask, Do

if TYPE_CHECKING:
    from tests.store.conftest import Ground

pytestmark = pytest.mark.sqlite

TOUCH = "UPDATE tenants SET incidents = incidents + 1 WHERE tenant = ?"


def incidents(ground: Ground) -> int:
    with closing(apsw.Connection(str(ground.path))) as connection:
        return int(str(connection.execute("SELECT incidents FROM tenants").fetchall()[0][0]))


@contextmanager
def hand(ground: Ground) -> Iterator[FarHand]:
    made = FarHand(ground.path.parent, ground.path)
    try:
        yield made
    finally:
        made.undo()


@pytest.mark.parametrize("data", [
    b"\x00\x00\x00\x01\xc1", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x02\x91\xa5",
    struct.pack(">I", frames.LARGEST + 1),
    *(struct.pack(">I", len(text)) + text for text in (
        msgspec.msgpack.encode(["Drop"]), msgspec.msgpack.encode(["Ask", 1, []]), msgspec.msgpack.encode({"a": 1}),
        msgspec.msgpack.encode(["Commit"]), msgspec.msgpack.encode(["Keep"]), msgspec.msgpack.encode(["Hello", 1, [0, 0]]),
    )),
])  # fmt: skip
async def test_nonsense_ends_that_guest_alone(ground: Ground, data: bytes) -> None:
    await ground.add(1)
    with raw(ground) as channel, hand(ground) as good:
        channel.wire.sendall(data)
        assert await ended(channel)
        await asyncio.to_thread(touch, good, ground)
    await ground.add(2)
    assert incidents(ground) == 1


def touch(good: FarHand, ground: Ground, times: int = 1) -> None:
    good.begin()
    good.mark()
    good.perform(Do(TOUCH, [(ground.tenant.number,)] * times))
    good.keep()
    good.commit()


@pytest.mark.parametrize("text", [
    "COMMIT", "ROLLBACK", "BEGIN", "RELEASE guest", "ROLLBACK TO guest", "ATTACH '/tmp/x' AS x", "PRAGMA synchronous = off", "VACUUM",
    "DROP TABLE tenants", "CREATE TABLE x (y)", "ALTER TABLE tenants ADD COLUMN x", "SELECT 1; COMMIT", " COMMIT", "--\nCOMMIT", "",
    "/* */COMMIT", "DELETEX", "SAVEPOINT x", "select 1",
])  # fmt: skip
@pytest.mark.parametrize("asks", [True, False])
async def test_no_statement_of_a_guest_leaves_its_transaction(ground: Ground, text: str, *, asks: bool) -> None:
    await ground.add(1)
    with hand(ground) as guest:

        def work() -> None:
            guest.begin()
            guest.mark()
            guest.perform(Do(TOUCH, [(ground.tenant.number,)]))
            guest.perform(Ask(text, ()) if asks else Do(text, [()]))
            guest.keep()
            guest.commit()

        with pytest.raises(Gone):
            await asyncio.to_thread(work)
    await ground.add(2)
    assert incidents(ground) == 0
    assert len(await ground.ids()) == 2


@pytest.mark.parametrize("table", ["tenants; DROP TABLE tenants", 'tenants" --', "(SELECT 1)", ""])
async def test_no_table_name_of_a_guest_is_more_than_a_name(ground: Ground, table: str) -> None:
    await ground.add(1)
    with raw(ground) as channel:
        for message in (frames.Begin(), frames.Mark(), frames.Add(table, ("name",), [("x",)]), frames.Keep()):
            channel.put(message)
        channel.flush()
        assert await ended(channel)
    await ground.add(2)
    assert len(await ground.ids()) == 2


async def test_a_guest_that_vanishes_or_never_commits_leaves_nothing(ground: Ground) -> None:
    await ground.add(1)
    with hand(ground) as guest:
        guest.begin()
        guest.mark()
        guest.perform(Do(TOUCH, [(ground.tenant.number,)]))
        await asyncio.to_thread(guest.keep)
    await ground.add(2)
    assert incidents(ground) == 0


async def test_a_guest_that_stalls_is_taken_back_and_the_others_commit(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "PAUSE_SECONDS", 0.2)
    await ground.add(1)
    with hand(ground) as stalled, hand(ground) as good:
        stalled.begin()
        stalled.mark()
        stalled.perform(Do(TOUCH, [(ground.tenant.number,)] * 100))
        await asyncio.to_thread(stalled.keep)
        began = time.monotonic()
        await asyncio.gather(asyncio.to_thread(touch, good, ground), ground.add(2))
        assert 0.1 < time.monotonic() - began < 2
        with pytest.raises(Gone):  # what it says now belongs to what is gone
            await asyncio.to_thread(stalled.commit)
    assert incidents(ground) == 1


async def test_a_guest_that_drips_is_taken_back_too(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "TOTAL_SECONDS", 0.5)
    await ground.add(1)
    with hand(ground) as guest:

        def drip() -> None:
            guest.begin()
            guest.mark()
            for _ in range(100):
                guest.perform(Ask("SELECT 1", ()))
                time.sleep(0.05)

        began = time.monotonic()
        with pytest.raises(Gone):
            await asyncio.to_thread(drip)
        assert 0.4 < time.monotonic() - began < 3


async def test_a_guest_that_sends_half_a_message_holds_nobody_up(ground: Ground) -> None:
    await ground.add(1)
    with raw(ground) as channel:
        channel.wire.sendall(b"\x00\x00\x00\x50half")
        began = time.monotonic()
        for number in range(2, 6):
            await ground.add(number)
        assert time.monotonic() - began < 1


async def test_a_large_stream_of_one_does_not_hold_up_another(ground: Ground) -> None:
    """Each transaction of the three takes long; those of this process come between them."""
    await ground.add(1)
    stop = threading.Event()
    rounds: list[int] = []

    def stream(number: int) -> None:
        with hand(ground) as heavy:
            while not stop.is_set():
                touch(heavy, ground, 10_000)
                rounds.append(number)

    streams = [asyncio.create_task(asyncio.to_thread(stream, number)) for number in range(3)]
    overtaken = []
    for number in range(2, 12):
        before = len(rounds)
        await ground.add(number)
        overtaken.append(len(rounds) - before)
    stop.set()
    await asyncio.gather(*streams)
    assert set(rounds) == {0, 1, 2}
    assert max(overtaken) <= 6
