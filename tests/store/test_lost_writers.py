"""A process that writes and ends in the middle, or cannot write: what becomes of what was handed over to it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from secgraph.errors import Busy
from secgraph.model.edm import load
from secgraph.store.sqlite import frames, seat, writing
from secgraph.store.sqlite.hand import OwnHand, Unwritten
from secgraph.store.sqlite.handover import identity
from secgraph.store.sqlite.store import SqliteStore, open_store
from secgraph.store.steps import Ask
from secgraph.testing import Clock

if TYPE_CHECKING:
    from tests.store.conftest import Ground

pytestmark = pytest.mark.sqlite


class Ending:
    """A process that has the seat and ends at some message of a transaction, with or without a word."""

    def __init__(self, folder: Path, file: Path, at: type[object], *, bye: bool) -> None:
        held = seat.taken(folder)
        assert held is not None
        self.held = held
        self.file = file
        self.at = at
        self.bye = bye
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        self.held.listener.settimeout(10)
        wire, _ = self.held.listener.accept()
        channel = frames.Channel(wire, frames.ASKED)
        try:
            while True:
                match message := channel.take(10):
                    case frames.Hello():
                        channel.put(frames.Hello(frames.VERSION, identity(self.file)))
                    case frames.Ask(text, values):
                        with closing(apsw.Connection(str(self.file))) as connection:
                            channel.rows(connection.execute(text, values).fetchall())
                    case frames.Keep():
                        channel.put(frames.Good())
                if isinstance(message, self.at):
                    if self.bye:
                        channel.put(frames.Bye())
                        channel.flush()
                    return
                channel.flush()
        finally:
            channel.close()
            self.held.leave()


@pytest.mark.parametrize("at", [frames.Begin, frames.Mark, frames.Ask, frames.Add, frames.Keep])
@pytest.mark.parametrize("bye", [True, False])
async def test_a_write_whose_writer_ends_before_the_commit_is_repeated(
    ground: Ground, clock: Clock, at: type[object], *, bye: bool
) -> None:
    await ground.store.close()
    ending = Ending(ground.path.parent, ground.path, at, bye=bye)
    store = open_store(ground.path, load(), clock)
    await ground.write(ground.put(ground.alert(1)), store=store)
    ending.thread.join(10)
    assert len(await store.fetch("events", tenant=ground.tenant.number, after=0, most=10)) == 1
    await store.close()


async def test_a_write_whose_commit_is_not_known_is_refused_and_never_repeated(ground: Ground, clock: Clock) -> None:
    await ground.store.close()
    ending = Ending(ground.path.parent, ground.path, frames.Commit, bye=False)
    store = open_store(ground.path, load(), clock)
    with pytest.raises(Busy, match="before it said whether") as refused:
        await ground.write(ground.put(ground.alert(1)), store=store)
    assert refused.value.headers["Retry-After"]
    ending.thread.join(10)
    await ground.write(ground.put(ground.alert(2)), store=store)
    events = await store.fetch("events", tenant=ground.tenant.number, after=0, most=10)
    assert [event["id"] for event in events] == ["da0002"]
    await store.close()


async def test_a_writer_that_says_goodbye_committed_nothing(ground: Ground, clock: Clock) -> None:
    await ground.store.close()
    ending = Ending(ground.path.parent, ground.path, frames.Commit, bye=True)
    store = open_store(ground.path, load(), clock)
    await ground.write(ground.put(ground.alert(1)), store=store)
    ending.thread.join(10)
    assert len(await store.fetch("events", tenant=ground.tenant.number, after=0, most=10)) == 1
    await store.close()


async def test_a_seat_that_nobody_answers_at_is_a_503(ground: Ground, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "SEAT_SECONDS", 0.2)
    await ground.store.close()
    held = seat.taken(ground.path.parent)
    assert held is not None
    held.listener.close()
    store = open_store(ground.path, load(), clock)
    with pytest.raises(Busy):
        await ground.write(store=store)
    held.leave()
    await ground.write(ground.put(ground.alert(1)), store=store)
    await store.close()


async def test_a_closing_store_finishes_what_its_guests_began(ground: Ground, other: SqliteStore) -> None:
    writes = [asyncio.create_task(ground.write(ground.put(ground.alert(number)), store=other)) for number in range(50)]
    await asyncio.sleep(0)
    await ground.store.close()
    await asyncio.gather(*writes)
    assert len(await other.fetch("events", tenant=ground.tenant.number, after=0, most=100)) == 50


async def test_a_full_disk_is_told_to_guests_and_ends_with_room(ground: Ground, other: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await ground.write(ground.put(ground.alert(1)), store=other)
    full = threading.Event()
    full.set()
    perform = OwnHand.perform

    def refuse(self: OwnHand, step: Any) -> Any:
        if full.is_set() and not isinstance(step, Ask):
            raise Unwritten("database or disk is full")
        return perform(self, step)

    monkeypatch.setattr(OwnHand, "perform", refuse)
    results = await asyncio.gather(
        ground.write(ground.put(ground.alert(2)), store=other), ground.write(ground.put(ground.alert(3))), return_exceptions=True
    )
    assert all(isinstance(one, Busy) and "disk is full" in str(one) for one in results), results
    full.clear()
    await ground.write(ground.put(ground.alert(4)), store=other)
    assert await ground.ids() == ["da0004", "da0001"]
