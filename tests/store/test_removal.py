"""Taking rows away: nothing of them is left but an event and a note of what was there, whatever else the turn does to them."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from secgraph.errors import Fault
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.store.facts import Facts, Needs
from secgraph.store.kept import kept
from secgraph.store.protocol import Change, Decide, Deciding, Decision, Put, PutEntry, PutIncidentKey, Remove
from secgraph.store.seen import decode
from secgraph.store.turn import new_record

if TYPE_CHECKING:
    from tests.store.conftest import Ground


def rows(ground: Ground, text: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in ground.place.rows(text)]


def gone(ground: Ground, number: int) -> Remove:
    return Remove(ground.model.sets[ALERTS], f"da{number:04}", "retention")


def entry(number: int, source: str = "s", original: bytes = b"x") -> PutEntry:
    return PutEntry(f"da{number:04}", source, "p", "n", None, 0, repaired=False, kept=kept({}, original))


async def tombs(ground: Ground) -> list[tuple[int, str, str, int]]:
    found = await ground.store.fetch("removed", tenant=ground.tenant.number, after=0, upto=2**62, most=1000)
    return [(one["stamp"], one["entity"], one["id"], one["born"]) for one in found]


async def kinds(ground: Ground) -> list[tuple[str, str]]:
    return [(event["kind"], event["id"]) for event in await ground.events()]


async def whole(ground: Ground) -> None:
    """What hangs on rows agrees with the rows that are there."""
    key = "rowid" if ground.place.kind == "sqlite" else "tenant, id"
    there = rows(ground, f'SELECT {key} FROM "alerts_v2"')
    assert sorted(rows(ground, f'SELECT {key} FROM "alerts_v2_words"')) == sorted(there)
    counted = rows(ground, 'SELECT severity, status, count(*) FROM "alerts_v2" GROUP BY 1, 2')
    tallied = rows(ground, 'SELECT severity, status, sum(many) FROM "alerts_v2_tally" GROUP BY 1, 2 HAVING sum(many) <> 0')
    assert sorted(tallied) == sorted(counted)
    assert rows(ground, 'SELECT count(*) FROM entries WHERE born NOT IN (SELECT born FROM "alerts_v2")') == [(0,)]
    events = await ground.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    deleted = [(event["stamp"], event["entity"], event["id"]) for event in events if event["kind"] == "deleted"]
    assert [(stamp, entity, key) for stamp, entity, key, _ in await tombs(ground)] == deleted


async def test_nothing_of_a_removed_alert_is_left(ground: Ground) -> None:
    await ground.add(1, title="needle", severity="high")
    await ground.add(2, title="needle", severity="low")
    await ground.write(entry(1), entry(1, "other"), entry(2))
    [born] = [event["stamp"] for event in await ground.events() if event["id"] == "da0001"]
    await ground.write(gone(ground, 1))
    assert await ground.ids() == await ground.ids(search="needle") == ["da0002"]
    assert await ground.row(1) is None
    assert rows(ground, "SELECT count(*) FROM entries") == [(1,)]
    assert await kinds(ground) == [("created", "da0001"), ("created", "da0002"), ("deleted", "da0001")]
    [last] = (await ground.events())[2:]
    assert (last["seq"], last["cause"], last["changed"]) == (3, "retention", "[]")
    assert await tombs(ground) == [(last["stamp"], "alerts_v2", "da0001", born)]
    await whole(ground)


async def test_what_is_not_there_cannot_be_taken_away(ground: Ground) -> None:
    await ground.add(1)
    for changes in ([gone(ground, 2)], [gone(ground, 1), gone(ground, 1)], [gone(ground, 1), entry(1)]):
        with pytest.raises(Fault, match="there is no such object"):
            await ground.write(*changes)
    assert await ground.ids() == ["da0001"]
    await whole(ground)


@pytest.mark.parametrize(("does", "there", "titles", "graves"), [
    ("gone", True, [], 1), ("change gone", True, [], 1), ("gone put", True, ["again"], 1), ("gone put gone", True, [], 2),
    ("put gone put", False, ["again"], 1), ("put change gone", False, [], 1), ("gone put change", True, ["changed"], 1),
    ("change gone put entry", True, ["again"], 1), ("gone put gone put entry", True, ["again"], 2),
])  # fmt: skip
@pytest.mark.parametrize("split", [False, True])
async def test_what_a_turn_does_to_one_row(ground: Ground, does: str, there: bool, titles: list[str], graves: int, split: bool) -> None:
    """All of it in one decision, or each step in a write of its own that shares the turn with the others."""
    if there:
        await ground.write(ground.put(ground.alert(1, title="first", severity="high")), entry(1, "old"))
    made: dict[str, Any] = {
        "put": lambda: ground.put(ground.alert(1, title="again", severity="low")), "gone": lambda: gone(ground, 1), "entry": lambda: entry(1),
        "change": lambda: ground.put(ground.alert(1, title="changed", severity="medium"), "title", "severity"),
    }  # fmt: skip
    changes: list[Change] = [made[word]() for word in does.split()]
    if split:
        await in_one_turn(ground, *((Needs(), lambda _, change=change: Decision([change], None)) for change in changes))
    else:
        await ground.write(*changes)
    assert [decode(row)["title"] for (row,) in rows(ground, 'SELECT doc FROM "alerts_v2"')] == titles
    assert await ground.ids(search="first") == []
    assert rows(ground, "SELECT count(*) FROM entries") == [("entry" in does,)]
    assert len(await tombs(ground)) == graves
    row = await ground.row(1)
    assert (row is not None) is bool(titles)
    await whole(ground)


async def in_one_turn(ground: Ground, *writes: tuple[Needs, Decide[Any]]) -> None:
    """Writes that share their turn: those of one moment on PostgreSQL, on SQLite those that wait behind a slow one."""
    if ground.place.kind == "postgresql":
        await asyncio.gather(*(ground.store.write(ground.tenant.number, *one) for one in writes))
        return
    entered, leave = threading.Event(), threading.Event()

    def slow(facts: Facts) -> Decision[int]:
        entered.set()
        leave.wait(10)
        return Decision((), facts.now)

    first = asyncio.ensure_future(ground.store.write(ground.tenant.number, Needs(), slow))
    await asyncio.to_thread(entered.wait, 10)
    waiting = [asyncio.ensure_future(ground.store.write(ground.tenant.number, *one)) for one in writes]
    await asyncio.sleep(0)
    leave.set()
    await asyncio.gather(first, *waiting)


async def test_a_turn_shows_nothing_of_what_it_took_away_before(ground: Ground) -> None:
    await ground.write(ground.put(ground.alert(1)), entry(1))
    seen: list[Any] = []
    key, said = (ALERTS, "da0001"), ("da0001", "s")

    def take(facts: Facts) -> Decision[None]:
        assert key in facts.rows
        return Decision([gone(ground, 1), ground.put(ground.alert(1))], None)

    def look(facts: Facts) -> Deciding[None]:
        yield Needs(entries=(said,))
        seen.append((key in facts.rows, said in facts.entries))
        return Decision((), None)

    await in_one_turn(ground, (Needs(rows=(key,)), take), (Needs(rows=(key,)), look))
    assert seen == [(True, False)], "the alert is there again, and no source has spoken of it yet"


async def test_the_keys_of_a_removed_incident_go_with_it(ground: Ground) -> None:
    one = ground.model.sets[INCIDENTS]

    def incident(key: str) -> Put:
        record, _ = from_source(one.type, {"id": key, "createdDateTime": "2026-11-01"}, "2026-11-01")
        return Put(one, new_record(record), (), created=True)

    await ground.write(incident("1"), incident("2"), PutIncidentKey("s", "a", "1"), PutIncidentKey("s", "b", "1"), PutIncidentKey("s", "c", "2"))
    await ground.write(PutIncidentKey("s", "d", "1"), Remove(one, "1"))
    assert rows(ground, "SELECT native, incident FROM incident_keys") == [("c", "2")]
    facts = await ground.store.write(ground.tenant.number, Needs(incidents=(("s", "a"), ("s", "c"))), lambda facts: Decision((), facts))
    assert facts.incidents == {("s", "c"): "2"}
