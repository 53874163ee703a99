"""A database of an earlier version: its alerts are read for what they name, and stay where they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.databases import Databases, OnPostgres, Place
from tests.ingest.conftest import Intake
from tests.ingest.test_counting import told

from secgraph import clock as real_clock
from secgraph.errors import Superseded
from secgraph.ingest import unread
from secgraph.ingest.door import Door
from secgraph.ingest.unread import read_each
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store.facts import Needs
from secgraph.store.fence import Fenced
from secgraph.store.leases import LIFE, Leases
from secgraph.store.postgres.founding import founded
from secgraph.store.protocol import Decision, Put
from secgraph.store.registry import Registry
from secgraph.testing import Clock

if TYPE_CHECKING:
    from secgraph.store.protocol import Store

OURS = ("subjects", "postings", "entities", "cases", "apart", "reasons", "snapshots", "correlation")
DAY = 86_400

Upgrade = Callable[[], Any]


@pytest.fixture
def database(database_kind: str, databases: Databases) -> Iterator[str]:
    """A database of the test's own: its tables are made to be those of an earlier version."""
    with databases.one(database_kind) as url:
        yield url


@pytest.fixture
async def place(tmp_path: Path, databases: Databases, database: str) -> Place:
    return databases.place(database, tmp_path)


@pytest.fixture
async def open_intake(place: Place, clock: Clock) -> AsyncIterator[Upgrade]:
    """Opens the store of the test, once more after it was closed; its tenant is made the first time."""
    stores: list[Store] = []

    async def make() -> Intake:
        if isinstance(place, OnPostgres):
            await founded(place.url, load())
        store = await place.open(clock)
        stores.append(store)
        registry = Registry(store, load(), clock)
        known = await registry.tenants()
        return Intake(Door(store, load(), clock), store, known[0] if known else await registry.create_tenant("contoso"), clock)

    yield make
    for store in stores:
        await store.close()


def earlier(place: Place) -> None:
    """Makes of a database what one of the version before is."""
    for name in (*OURS, "sources", "source_places", "source_health", "source_rates", "write_backs", "findings", "score_entries"):
        place.rows(f"DROP TABLE {name}")
    place.rows("ALTER TABLE events DROP COLUMN note")
    for name in ("terms", "unread"):
        place.rows(f"ALTER TABLE tenants DROP COLUMN {name}")
    place.rows("UPDATE facts SET value = '8' WHERE name = 'schema'" if isinstance(place, OnPostgres) else "PRAGMA user_version = 8")


def content(place: Place) -> dict[str, list[Any]]:
    """What is kept of how alerts are judged, without why, and by which snapshot."""
    return {
        "subjects": sorted(place.rows("SELECT born, alert, incident, first, last, keys, data FROM subjects")),
        "postings": sorted(place.rows("SELECT key, last, born FROM postings")), "entities": sorted(place.rows("SELECT key, text, name FROM entities")),
        "cases": sorted(place.rows("SELECT incident, alerts, first, last, series FROM cases WHERE alerts > 0")),
    }  # fmt: skip


def left(place: Place) -> list[Any]:
    return [row[0] for row in place.rows("SELECT unread FROM tenants")]


async def upgraded(open_intake: Upgrade, place: Place, intake: Intake) -> Intake:
    await intake.store.close()
    earlier(place)
    again: Intake = await open_intake()
    assert left(place) == [""]
    return again


async def some(intake: Intake) -> None:
    """Alerts that hang together by a person, by their source, and by nothing."""
    await intake.take(*(told(intake, f"same{place}", "same") for place in range(4)),
                      *({**told(intake, f"named{place}", f"n{place}", detector=f"n{place}"), "incident": "7"} for place in range(3)),
                      *(told(intake, f"lone{place}", f"l{place}", detector=f"l{place}", days=place) for place in range(5)))  # fmt: skip


@pytest.mark.parametrize("step", [1, 5, 50])
async def test_they_are_read_as_if_the_door_had_judged_them(open_intake: Upgrade, place: Place, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "STEP", step)
    intake: Intake = await open_intake()
    await some(intake)
    before, homes, events = content(place), {row["id"]: row["incidentId"] for row in await intake.rows()}, await intake.events()
    assert len(before["cases"]) == len(set(homes.values())) == 7
    again = await upgraded(open_intake, place, intake)
    await read_each(again.store, rest=0)
    assert content(place) == before
    assert left(place) == [None]
    assert {row["id"]: row["incidentId"] for row in await again.rows()} == homes
    assert await again.events() == events, "no alert moved, no incident changed: nobody is told"
    await read_each(again.store, rest=0)
    assert content(place) == before


async def test_what_comes_meanwhile_is_read_once(open_intake: Upgrade, place: Place) -> None:
    intake: Intake = await open_intake()
    await some(intake)
    again = await upgraded(open_intake, place, intake)
    again.clock.forward(60)
    await again.take(told(again, "new", "same"), {**told(again, "lone0", "l0", detector="l0"), "alert": {**told(again, "lone0", "l9", detector="l0")["alert"]}})
    assert len(content(place)["subjects"]) == 2
    await read_each(again.store, rest=0)
    found, rows = content(place), await again.rows()
    assert sorted(alert for _, alert, *_ in found["subjects"]) == sorted(row["id"] for row in rows)
    held = [row["incidentId"] for row in rows]
    assert {str(incident): alerts for incident, alerts, *_ in found["cases"]} == {key: held.count(key) for key in held}


async def test_then_alerts_that_come_find_them(open_intake: Upgrade, place: Place) -> None:
    intake: Intake = await open_intake()
    await some(intake)
    again = await upgraded(open_intake, place, intake)
    await again.take(told(again, "before", "l0", detector="l0"))
    await read_each(again.store, rest=0)
    await again.take(told(again, "behind", "same"))
    home = {row["title"]: row["incidentId"] for row in await again.rows()}
    assert home["behind"] == home["same0"]
    assert home["before"] != home["lone0"], "it came too early, and what is apart stays so"


async def test_what_is_old_is_settled_already(open_intake: Upgrade, place: Place, clock: Clock) -> None:
    intake: Intake = await open_intake()
    await intake.take(told(intake, "old", "a", detector="a"), told(intake, "both", "b", detector="b"))
    clock.forward(2 * DAY)
    await intake.take(told(intake, "fresh", "c", detector="c"), told(intake, "both", "b", detector="b") | {"id": "late"})
    home = {row["id"]: int(row["incidentId"]) for row in await intake.rows()}
    by = {row["title"]: home[row["id"]] for row in await intake.rows()}
    again = await upgraded(open_intake, place, intake)
    await read_each(again.store, rest=0)
    settled = dict(place.rows("SELECT incident, settled FROM cases"))
    assert {title: settled[incident] for title, incident in by.items()} == {"old": 1, "both": 0, "fresh": 0}
    joined = dict(place.rows("SELECT incident, joined FROM cases"))
    assert joined[by["both"]] > joined[by["old"]] == min(joined.values())


async def test_a_run_that_was_cut_off_goes_on(open_intake: Upgrade, place: Place, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "STEP", 3)
    intake: Intake = await open_intake()
    await some(intake)
    before = content(place)
    again = await upgraded(open_intake, place, intake)
    one, other = Leases(again.store, clock), Leases(again.store, clock)
    fence = await one.claim("read")
    assert fence is not None
    ids = sorted(row["id"] for row in await again.rows())
    await again.store.write(again.tenant.number, Needs(tuple((ALERTS, key) for key in ids[:3]), around=True, subjects=tuple(ids[:3])),
                            lambda facts: unread.judged(facts, ids[:3]))  # fmt: skip
    await again.store.run(("tenant_read", {"tenant": again.tenant.number, "upto": ids[1]}))  # a step that was not noted whole
    clock.forward(LIFE / real_clock.SECOND)
    assert await other.claim("read") is not None
    with pytest.raises(Superseded):
        await read_each(Fenced(again.store, fence), rest=0)
    assert left(place) == [ids[1]]
    await read_each(again.store, rest=0)
    assert content(place) == before
    assert left(place) == [None]


async def test_an_alert_without_an_incident_is_passed_over(open_intake: Upgrade, place: Place) -> None:
    """Such a file was never written by us; it does not stop the others."""
    intake: Intake = await open_intake()
    await some(intake)
    [row] = await intake.rows(filter="title eq 'lone1'")
    needs = Needs(rows=((ALERTS, row["id"]),))
    alerts = load().sets[ALERTS]

    def astray(facts: Any) -> Decision[None]:
        return Decision([Put(alerts, {**facts.rows[ALERTS, row["id"]].record, "incidentId": "999"}, ("incidentId",))], None)

    await intake.store.write(intake.tenant.number, needs, astray)
    again = await upgraded(open_intake, place, intake)
    await read_each(again.store, rest=0)
    assert len(content(place)["subjects"]) == len(await again.rows()) - 1
    assert left(place) == [None]
    assert len(await again.rows(INCIDENTS)) == 7


async def test_a_new_database_has_nothing_to_read(open_intake: Upgrade, place: Place) -> None:
    intake: Intake = await open_intake()
    assert left(place) == [None]
    await read_each(intake.store, rest=0)
    assert left(place) == [None]
