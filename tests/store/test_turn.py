"""The tenant's clock: one number and one instant for every change, in the order of commits, with its event beside it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from secgraph import clock as real_clock
from secgraph.errors import Busy, Fault, Refusal, Stale
from secgraph.model.choices import ALERTS
from secgraph.store.facts import Facts, Needs
from secgraph.store.kept import kept
from secgraph.store.protocol import Change, Decision, PutEntry, PutIncidentKey, Reject
from secgraph.testing import Clock

if TYPE_CHECKING:
    from tests.store.conftest import Ground


def stamps(records: list[dict[str, Any]]) -> list[str]:
    return [record["lastUpdateDateTime"] for record in records]


async def holds(ground: Ground) -> None:
    """What must hold of a tenant at any moment."""
    events = await ground.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), "the sequence has a gap or a repeat"
    times = [event["stamp"] for event in events]
    assert times == sorted(set(times)), "two changes share an instant, or one is earlier than the one before it"
    assert all(stamp % real_clock.MICROSECOND == 0 for stamp in times)
    last = {event["id"]: event for event in events if event["entity"] == "alerts_v2"}
    for key, event in last.items():
        row = await ground.row(int(key[2:]))
        assert row is not None
        assert row.seq == event["seq"]
        assert row.record["@odata.etag"] == f'W/"{event["seq"]}"'
        assert row.record["lastUpdateDateTime"] == real_clock.text(event["stamp"])
    assert await ground.ids(orderby="lastUpdateDateTime", top="1000") == sorted(last, key=lambda key: int(last[key]["seq"]))


async def test_each_change_has_a_later_instant_though_the_clock_stands_still(ground: Ground, clock: Clock) -> None:
    first = [await ground.add(number) for number in range(5)]
    together = [ground.alert(number) for number in range(5, 10)]
    await ground.write(*(ground.put(record) for record in together))
    assert stamps([*first, *together]) == [real_clock.text(clock.at + 10 * step) for step in range(10)]
    await holds(ground)


async def test_the_clock_going_back_takes_nothing_back(ground: Ground, clock: Clock) -> None:
    before = await ground.add(1)
    clock.forward(-3600)
    after = await ground.add(2)
    assert real_clock.ticks(after["lastUpdateDateTime"]) == (real_clock.ticks(before["lastUpdateDateTime"]) or 0) + 10
    clock.forward(7200)
    later = await ground.add(3)
    assert later["lastUpdateDateTime"] == real_clock.text(clock.at)
    await holds(ground)


async def test_the_instant_a_decision_sees_is_that_of_its_first_change(ground: Ground) -> None:
    records = [ground.alert(1), ground.alert(2)]
    now = await ground.write(*map(ground.put, records))
    assert stamps(records) == [real_clock.text(now), real_clock.text(now + 10)]


async def test_a_turn_that_changes_nothing_moves_nothing(ground: Ground) -> None:
    await ground.add(1)
    for _ in range(3):
        await ground.write()
    await ground.add(2)
    assert len(await ground.events()) == 2
    await holds(ground)


async def test_an_event_tells_what_changed(ground: Ground) -> None:
    record = await ground.add(1)
    await ground.write(ground.put({**record, "status": "resolved"}, "status", "resolvedDateTime"))
    events = await ground.events()
    assert [(event["kind"], event["entity"], event["id"], json.loads(event["changed"]), event["cause"]) for event in events] == [
        ("created", "alerts_v2", "da0001", [], "source:test"),
        ("updated", "alerts_v2", "da0001", ["status", "resolvedDateTime"], "source:test"),
    ]
    row = await ground.row(1)
    assert row is not None
    assert (row.seq, row.record["status"]) == (2, "resolved")


async def test_tenants_have_clocks_of_their_own(ground: Ground) -> None:
    other = await ground.registry.create_tenant("fabrikam")
    for number in range(3):
        await ground.add(number)
        await ground.add(number, other)
    assert [event["seq"] for event in await ground.events()] == [event["seq"] for event in await ground.events(other)] == [1, 2, 3]
    assert await ground.ids(other) == ["da0002", "da0001", "da0000"]


async def test_a_tenant_that_does_not_exist_is_a_fault(ground: Ground) -> None:
    with pytest.raises(Fault):
        await ground.store.write(999, Needs(), lambda facts: Decision((), facts.now))


# --- a decision that raises ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [Stale("no"), ValueError("no"), KeyError("no"), Fault("no"), RecursionError()])
async def test_a_decision_that_raises_writes_nothing(ground: Ground, failure: Exception) -> None:
    await ground.add(1)

    def decide(facts: Facts) -> Decision[None]:
        facts.new_incident()
        raise failure

    with pytest.raises(type(failure)) as raised:
        await ground.store.write(ground.tenant.number, Needs(), decide)
    assert raised.value is failure
    assert len(await ground.events()) == 1
    assert await ground.store.write(ground.tenant.number, Needs(), lambda facts: Decision((), facts.new_incident())) == "1"
    await ground.add(2)
    await holds(ground)


async def test_a_change_that_fails_halfway_takes_the_others_with_it(ground: Ground) -> None:
    entry = PutEntry("da0001", "s", "p", "n", None, 0, repaired=False, kept=kept({}, b"x"))
    broken = ground.alert(2)
    del broken["severity"]
    with pytest.raises(KeyError):
        await ground.write(ground.put(ground.alert(1)), entry, PutIncidentKey("a", "b", "1"), Reject("s", 1, "r", 0, b""), ground.put(broken))
    assert await ground.ids() == []
    assert await ground.events() == []
    for statement, values in (("rejected", {"after": 0, "most": 9}),
                              ("originals", {"alert": "da0001"})):  # fmt: skip
        assert await ground.store.fetch(statement, tenant=ground.tenant.number, **values) == []
    await ground.add(3)
    await holds(ground)


async def test_a_member_that_an_order_relies_on_is_never_null(ground: Ground) -> None:
    """Paging seeks by these columns as one range, which a null would fall out of."""
    with pytest.raises(Fault, match="createdDateTime"):
        await ground.write(ground.put({**ground.alert(1), "createdDateTime": None}))
    assert await ground.ids() == []


async def test_a_value_the_database_cannot_hold_harms_nobody_else(ground: Ground) -> None:
    wrong = ground.alert(1)
    wrong["assignedTo"] = "a\ud800"
    good = [ground.add(number) for number in range(2, 6)]
    failed, *rest = await asyncio.gather(ground.write(ground.put(wrong)), *good, return_exceptions=True)
    assert isinstance(failed, Exception)
    assert not any(isinstance(one, BaseException) for one in rest)
    assert len(await ground.ids()) == 4
    await holds(ground)


# --- many at once --------------------------------------------------------------------------------------------------------


async def test_one_failing_write_of_a_group_does_not_fail_the_others(ground: Ground) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(facts: Facts) -> Decision[int]:
        entered.set()
        leave.wait(10)
        return Decision((), facts.now)

    def refuse(facts: Facts) -> Decision[int]:
        raise Stale(str(facts.now))

    many = tuple((ALERTS, f"da{number}") for number in range(50))  # what is about many rows is decided beside the event loop
    first = asyncio.ensure_future(ground.store.write(ground.tenant.number, Needs(rows=many), slow))
    await asyncio.to_thread(entered.wait, 10)
    waiting: list[Any] = []
    for number in range(60):  # these wait behind the slow one, and share a transaction
        if number % 3 == 1:
            waiting.append(asyncio.ensure_future(ground.store.write(ground.tenant.number, Needs(), refuse)))
        elif number % 3 == 2:
            waiting.append(asyncio.ensure_future(ground.store.run(
                ("application_add", {"tenant": 1, "client": "same", "name": "same", "created": 0, "permissions": "[]"}))))  # fmt: skip
        else:
            waiting.append(asyncio.ensure_future(ground.add(number)))
    await asyncio.sleep(0)
    leave.set()
    await first
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in results[1::3]] == [Stale] * 20
    assert sorted(type(one).__name__ for one in results[2::3]) == ["Conflict"] * 19 + ["NoneType"]
    assert [one["id"] for one in results[0::3] if isinstance(one, dict)] == [f"da{number:04}" for number in range(0, 60, 3)]
    assert len(await ground.events()) == 20
    await holds(ground)


async def test_a_writer_that_goes_away_leaves_the_others_alone(ground: Ground) -> None:
    tasks = [asyncio.ensure_future(ground.add(number)) for number in range(30)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await ground.add(99)
    assert {f"da{number:04}" for number in range(1, 30, 2)} <= set(await ground.ids())
    await holds(ground)


async def test_two_stores_on_one_database_keep_one_clock(open_ground: Callable[..., Any]) -> None:
    """As two processes do: each store has its own loop and connections."""
    ground: Ground = await open_ground(now=real_clock.now)
    failures: list[BaseException] = []

    async def writes(start: int) -> None:
        store = await ground.place.open(lambda: real_clock.now() - start * real_clock.SECOND)
        try:
            for number in range(start, start + 40, 4):
                batch = [ground.write(ground.put(ground.alert(one)), store=store) for one in range(number, number + 3)]
                await asyncio.gather(*batch)
                await ground.write(ground.put(ground.alert(number + 3)), ground.put(ground.alert(9000)), store=store)
        finally:
            await store.close()

    def run(start: int) -> None:
        try:
            asyncio.run(writes(start))
        except BaseException as failure:  # noqa: BLE001 -- handed to the test
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert failures == []
    assert len(await ground.events()) == 3 * (30 + 20)
    assert len(await ground.ids(top="1000")) == 3 * 40 + 1
    await holds(ground)


async def test_incident_numbers_are_handed_out_once(open_ground: Callable[..., Any]) -> None:
    ground: Ground = await open_ground()
    other = await ground.place.open(real_clock.now)
    try:
        take = [store.write(ground.tenant.number, Needs(), lambda facts: Decision((), facts.new_incident()))
                for _ in range(20) for store in (ground.store, other)]  # fmt: skip
        assert sorted(map(int, await asyncio.gather(*take))) == list(range(1, 41))
    finally:
        await other.close()


async def test_a_closed_store_takes_no_writes(open_ground: Callable[..., Any]) -> None:
    ground: Ground = await open_ground()
    await ground.add(1)
    await ground.store.close()
    await ground.store.close()
    with pytest.raises(Busy):
        await ground.write()


async def test_what_waits_when_the_store_is_closed_is_written_or_told(open_ground: Callable[..., Any]) -> None:
    ground: Ground = await open_ground()
    tasks = [asyncio.ensure_future(ground.add(number)) for number in range(20)]
    await asyncio.sleep(0)
    await ground.store.close()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
    assert all(isinstance(one, dict | Refusal) for one in results)
    again: Ground = await open_ground()
    assert len(await again.ids()) == sum(isinstance(one, dict) for one in results)


async def test_changes_see_what_stands(ground: Ground) -> None:
    """Twenty people add to one list at the same time: nobody's addition is lost."""
    await ground.add(1)
    key = (ALERTS, "da0001")

    async def tag(word: str) -> None:
        def decide(facts: Facts) -> Decision[None]:
            record = facts.rows[key].record
            changes: list[Change] = [ground.put({**record, "systemTags": [*record["systemTags"], word]}, "systemTags")]
            return Decision(changes, None)

        await ground.store.write(ground.tenant.number, Needs(rows=(key,)), decide)

    await asyncio.gather(*(tag(f"tag {number}") for number in range(20)))
    row = await ground.row(1)
    assert row is not None
    assert sorted(row.record["systemTags"]) == sorted(f"tag {number}" for number in range(20))
    await holds(ground)
