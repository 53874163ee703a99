"""One process writes, the others hand their transactions over: through the socket everything is as it is without."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING

import pytest

from secgraph import clock as real_clock
from secgraph.errors import Conflict, Fault, Stale
from secgraph.extend import source
from secgraph.ingest.door import Door
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.store.facts import Facts, Needs
from secgraph.store.kept import kept
from secgraph.store.protocol import Decision, PutEntry, PutIncidentKey
from secgraph.store.sqlite import frames
from secgraph.store.sqlite.store import SqliteStore
from secgraph.testing import Clock, graph_alert

if TYPE_CHECKING:
    from tests.store.conftest import Ground

pytestmark = pytest.mark.sqlite


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
