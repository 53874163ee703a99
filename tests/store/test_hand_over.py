"""One process writes, the others hand their transactions over: through the socket everything is as it is without."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import stat
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import msgspec
import pytest

from secgraph import clock as real_clock
from secgraph.errors import Busy, Conflict, Fault, Stale, UsageError
from secgraph.extend import source
from secgraph.ingest.door import Door
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.store.kept import kept
from secgraph.store.protocol import Decision, Facts, Needs, PutEntry, PutIncidentKey
from secgraph.store.sqlite import doorman, frames, guests, seat, writing
from secgraph.store.sqlite.hand import OwnHand, Unwritten
from secgraph.store.sqlite.handover import FarHand, Gone, identity
from secgraph.store.sqlite.store import SqliteStore, open_store
from secgraph.store.steps import Ask, Do
from secgraph.testing import Clock, graph_alert

if TYPE_CHECKING:
    from tests.store.conftest import Ground

pytestmark = pytest.mark.sqlite

COUNT = 'SELECT count(*) FROM "alerts_v2"'
TOUCH = "UPDATE tenants SET incidents = incidents + 1 WHERE tenant = ?"


@pytest.fixture
async def other(ground: Ground, clock: Clock) -> Any:
    """A second store on the file: what it writes, the first one writes for it."""
    store = open_store(ground.path, load(), clock)
    yield store
    await store.close()


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


@contextmanager
def raw(ground: Ground) -> Iterator[frames.Channel]:
    """A connection that may say anything, past the hello."""
    channel = frames.Channel(seat.reached(ground.path.parent), frames.TOLD)
    try:
        hello = frames.Hello(frames.VERSION, identity(ground.path))
        channel.put(hello)
        channel.flush()
        assert channel.take(5) == hello
        yield channel
    finally:
        channel.close()


# --- the same as without ----------------------------------------------------------------------------------------------------


async def test_a_write_is_handed_over_and_read_by_both(ground: Ground, other: SqliteStore) -> None:
    await ground.write(*(ground.put(ground.alert(number)) for number in range(3)), store=other)
    await ground.add(3)
    await ground.write(ground.put(ground.alert(4)), store=other)
    assert len(await ground.ids()) == 5
    assert [event["seq"] for event in await other.fetch("events", tenant=ground.tenant.number, after=0, most=10)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("many", [3, 40])
async def test_deliveries_are_taken_in_through_the_socket(ground: Ground, other: SqliteStore, clock: Clock, many: int) -> None:
    """Whatever a turn asks of the database is let through: of few alerts and of many, new, known and changed ones."""
    await ground.add(999)
    door, number = Door(other, load(), clock), ground.tenant.number
    for title, came in (("one", (many, 0)), ("one", (0, many)), ("two", (many, 0))):
        updated = real_clock.text((1_790_000_000 + (title == "two")) * real_clock.SECOND)
        told = [graph_alert(one, title=title, incidentId=f"{one % 2}", lastUpdateDateTime=updated) for one in range(many)]
        report = await door.take(number, source("graph"), io.BytesIO(json.dumps([*told, {"no": "alert"}]).encode()))
        assert (report.taken, report.unchanged, report.rejected) == (*came, 1)


async def test_many_writers_on_both_sides_get_one_number_each(ground: Ground, other: SqliteStore) -> None:
    await asyncio.gather(*(
        ground.write(ground.put(ground.alert(number)), store=(ground.store, other)[number % 2]) for number in range(200)
    ))  # fmt: skip
    events = await ground.events()
    assert [event["seq"] for event in events] == list(range(1, 201))
    assert len({event["stamp"] for event in events}) == 200
    assert len(await ground.ids(top="1000")) == 200


async def test_a_decision_behind_the_socket_sees_what_the_other_side_wrote(ground: Ground, other: SqliteStore) -> None:
    await ground.add(1, title="first")

    def decide(facts: Facts) -> Decision[str]:
        row = facts.rows[ALERTS, "da0001"]
        row.record["title"] += "+"
        return Decision([ground.put(row.record, "title")], row.record["title"])

    needs = Needs(rows=((ALERTS, "da0001"),))
    said = await asyncio.gather(*(
        (ground.store, other)[number % 2].write(ground.tenant.number, needs, decide) for number in range(40)
    ))  # fmt: skip
    assert sorted(said) == sorted("first" + "+" * number for number in range(1, 41))


async def test_whatever_a_decision_needs_is_found_through_the_socket(ground: Ground, other: SqliteStore) -> None:
    record = ground.alert(1)
    entry = PutEntry("da0001", "s", "product", "native", None, 0, repaired=False, kept=kept({}, b"said"))
    needs = Needs(rows=((ALERTS, "da0001"),), entries=(("da0001", "s"),), incidents=(("space", "native"),), around=True)
    await ground.write(ground.put(record), entry, PutIncidentKey("space", "native", "7"), store=other)
    found = await other.write(ground.tenant.number, needs, lambda facts: Decision((), facts))
    assert found.rows[ALERTS, "da0001"] is not None
    assert found.entries["da0001", "s"] is not None
    assert found.incidents["space", "native"] == "7"


async def test_a_refused_decision_takes_nothing_with_it(ground: Ground, other: SqliteStore) -> None:
    def refuse(_: Facts) -> Decision[None]:
        raise Stale("no")

    results = await asyncio.gather(
        other.write(ground.tenant.number, Needs(), refuse),
        *(ground.write(ground.put(ground.alert(number)), store=other) for number in range(5)),
        return_exceptions=True,
    )
    assert isinstance(results[0], Stale)
    assert len(await ground.ids()) == 5


async def test_what_the_database_refuses_is_a_conflict_here_too(other: SqliteStore) -> None:
    values = {"guid": "g", "name": "n", "created": 0}
    await other.run(("tenant_add", values))
    results = await asyncio.gather(
        other.run(("tenant_add", values)), other.run(("tenant_add", {**values, "guid": "h", "name": "m"})), return_exceptions=True
    )
    assert isinstance(results[0], Conflict)
    assert results[1] is None
    assert {row["name"] for row in await other.fetch("tenants")} == {"contoso", "n", "m"}


async def test_one_at_fault_in_a_turn_does_not_harm_the_others(ground: Ground, other: SqliteStore) -> None:
    bad = ground.alert(1)
    bad["title"] = {"no": "text"}  # its column takes none
    bad["severity"] = "high"
    results = await asyncio.gather(*(
        ground.write(ground.put({**ground.alert(number), "assignedTo": 2**70 if number == 7 else None}), store=other) for number in range(20)
    ), return_exceptions=True)  # fmt: skip
    assert [number for number, one in enumerate(results) if isinstance(one, BaseException)] == [7]
    assert len(await ground.ids(top="100")) == 19


async def test_an_unknown_tenant_is_a_fault_through_the_socket(other: SqliteStore) -> None:
    with pytest.raises(Fault, match="does not exist"):
        await other.write(77, Needs(), lambda _: Decision((), None))


async def test_large_steps_and_answers_pass_in_pieces(ground: Ground, other: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "LARGEST", 200_000)
    text = "x" * 20_000
    await ground.write(*(ground.put(ground.alert(number, description=text)) for number in range(60)), store=other)
    keys = tuple((ALERTS, f"da{number:04}") for number in range(60))
    rows = await other.write(ground.tenant.number, Needs(rows=keys), lambda facts: Decision((), facts.rows))
    assert {row.record["description"] for row in rows.values()} == {text}
    assert len(rows) == 60


# --- who writes -------------------------------------------------------------------------------------------------------------


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


# --- guests that misbehave --------------------------------------------------------------------------------------------------


async def ended(channel: frames.Channel) -> bool:
    """Whether the other side ends the connection."""

    def wait() -> bool:
        try:
            channel.take(10)
        except frames.Lost as lost:
            return "Nothing came" not in str(lost)
        return False

    return await asyncio.to_thread(wait)


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


# --- ends in the middle -----------------------------------------------------------------------------------------------------


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
