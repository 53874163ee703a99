"""Retention: what goes, what stays, what is left of it, and how a run is cut off and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from secgraph.errors import UsageError
from secgraph.extend import AlertDraft, Raw
from secgraph.ingest import prune as pruning
from secgraph.ingest.prune import TOO_OLD, Pruned, prune, prune_each
from secgraph.ingest.ready import ready_of
from secgraph.ingest.split import Piece
from secgraph.store.facts import Needs, Record
from secgraph.store.kept import packed
from secgraph.store.protocol import Decision, Remove, Store
from secgraph.store.retention import Retention, retain, retention
from secgraph.testing import Clock, Graph, graph_alert, running

ALERTS, INCIDENTS = "security/alerts_v2", "security/incidents"
DAY = 86_400


@pytest.fixture
async def graph(tmp_path: Path, clock: Clock) -> AsyncIterator[Graph]:
    async with running(tmp_path / "data", clock, token_seconds=10_000 * DAY, delta_days=10_000) as made:
        yield made


async def put(graph: Graph, *numbers: int, **members: Any) -> list[str]:
    await graph.hand_in("graph", *(graph_alert(number, title=f"a{number}", **members) for number in numbers))
    return [(await graph.ids(ALERTS, filter=f"title eq 'a{number}'"))[0] for number in numbers]


async def change(graph: Graph, path: str, *keys: str, **members: Any) -> None:
    for key in keys:
        assert (await graph.ask("PATCH", f"{path}/{key}", json=members)).status_code == 200


async def keep(graph: Graph, **days: int) -> None:
    await retain(graph.core.store, graph.tenant.number, **days)


async def run(graph: Graph, **more: Any) -> Pruned:
    return await prune(graph.core.store, graph.core.model, graph.tenant.number, graph.clock, rest=0, **more)


async def merge(graph: Graph, *incidents: str) -> None:
    answer = await graph.ask("POST", f"{INCIDENTS}/microsoft.graph.security.mergeIncidents", json={"incidentIds": incidents})
    assert answer.status_code == 200, answer.text


async def incident_of(graph: Graph, alert: str) -> str:
    return str((await graph.get(f"{ALERTS}/{alert}"))["incidentId"])


class Watched:
    """The store, where somebody does something as soon as rows were read."""

    def __init__(self, store: Store, then: Callable[[str, list[Record]], Awaitable[None]]) -> None:
        self.find, self.count, self.get, self.originals = store.find, store.count, store.get, store.originals
        self.write, self.run, self.close = store.write, store.run, store.close
        self._store, self._then = store, then

    async def fetch(self, statement: str, /, **values: Any) -> list[Record]:
        rows = await self._store.fetch(statement, **values)
        await self._then(statement, rows)
        return rows


# --- settings --------------------------------------------------------------------------------------------------------------


async def test_everything_is_kept_until_somebody_says_otherwise(graph: Graph, clock: Clock) -> None:
    [one] = await put(graph, 1)
    await change(graph, ALERTS, one, status="resolved")
    clock.forward(5_000 * DAY)
    assert await run(graph) == Pruned()
    assert await graph.ids(ALERTS) == [one]


async def test_each_kind_is_set_by_itself(graph: Graph) -> None:
    store, number = graph.core.store, graph.tenant.number
    assert await retain(store, number, alerts=30, events=5) == Retention(alerts=30, events=5)
    assert await retain(store, number, alerts=0, originals=7, events=None) == Retention(originals=7, events=5)
    other = await graph.core.registry.create_tenant("other")
    assert await retention(store, other.number) == Retention()
    for days in (-1, 36_501):
        with pytest.raises(UsageError, match="--events"):
            await retain(store, number, alerts=1, events=days)
    assert await retention(store, number) == Retention(originals=7, events=5)


# --- alerts ----------------------------------------------------------------------------------------------------------------


async def test_a_resolved_alert_goes_when_its_days_are_over(graph: Graph, clock: Clock) -> None:
    one, two, _ = await put(graph, 1, 2, 3)
    await keep(graph, alerts=30)
    await change(graph, ALERTS, one, status="resolved")
    clock.forward(DAY)
    await change(graph, ALERTS, two, status="resolved")
    clock.forward(29 * DAY)
    assert (await run(graph)).alerts == 0
    clock.forward(1)
    assert (await run(graph)).alerts == 1
    assert one not in await graph.ids(ALERTS)
    clock.forward(DAY)
    assert (await run(graph)).alerts == 1
    assert len(await graph.ids(ALERTS)) == 1, "and one that nobody resolved stays, however old"


async def test_without_the_time_of_resolution_the_last_change_counts(graph: Graph, clock: Clock) -> None:
    [one] = await put(graph, 1, status="resolved", resolvedDateTime=None)
    await keep(graph, alerts=30)
    clock.forward(29 * DAY)
    await change(graph, ALERTS, one, assignedTo="ana")
    clock.forward(2 * DAY)
    assert (await run(graph)).alerts == 0
    clock.forward(29 * DAY)
    assert (await run(graph)).alerts == 1


async def test_a_run_is_cut_off_and_the_next_one_goes_on(graph: Graph, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "STEP", 2)
    await put(graph, *range(1, 8), status="resolved")
    [open_one] = await put(graph, 9)
    await keep(graph, alerts=1)
    clock.forward(2 * DAY)
    steps: list[int] = []
    first = await run(graph, most=4, tick=steps.append)
    assert (first.alerts, first.finished, steps) == (4, False, [2, 2])
    second = await run(graph)
    assert (second.alerts, second.finished) == (3, True)
    assert await graph.ids(ALERTS) == [open_one]


async def test_an_alert_that_is_opened_again_meanwhile_stays(graph: Graph, clock: Clock) -> None:
    """What was read before the turn says nothing in it."""
    [one] = await put(graph, 1, status="resolved")
    await keep(graph, alerts=1)
    clock.forward(2 * DAY)

    async def reopen(statement: str, rows: list[Record]) -> None:
        if statement == "alerts_of_status" and rows:
            await change(graph, ALERTS, one, status="new")

    done = await prune(Watched(graph.core.store, reopen), graph.core.model, graph.tenant.number, clock, rest=0)
    assert done.alerts == 0
    assert await graph.ids(ALERTS) == [one]


# --- incidents -------------------------------------------------------------------------------------------------------------


async def test_an_incident_goes_with_its_last_alert_when_it_is_resolved_for_as_long(graph: Graph, clock: Clock) -> None:
    one, two, three = await put(graph, 1, 2, 3)
    left, emptied, held = [await incident_of(graph, key) for key in (one, two, three)]
    await change(graph, ALERTS, one, two, status="resolved")
    await change(graph, INCIDENTS, emptied, held, status="resolved")
    await change(graph, ALERTS, three, status="new")  # it was resolved with its incident
    await keep(graph, alerts=30)
    clock.forward(31 * DAY)
    done = await run(graph)
    assert (done.alerts, done.incidents) == (2, 1)
    assert set(await graph.ids(INCIDENTS)) == {left, held}, "one is not resolved, one holds an alert"
    await change(graph, INCIDENTS, left, status="resolved")
    assert (await run(graph)).incidents == 0
    clock.forward(31 * DAY)
    assert (await run(graph)).incidents == 1


async def test_no_incident_redirects_to_what_is_gone(graph: Graph, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of merges goes from its beginning, at whatever row a run ends."""
    monkeypatch.setattr(pruning, "STEP", 1)
    keys = await put(graph, 1, 2, 3, 4, 5, incidentId=None)
    a, b, c, d, e = [await incident_of(graph, key) for key in keys]
    await merge(graph, b, a)
    clock.forward(60)
    await merge(graph, c, b)
    clock.forward(60)
    await merge(graph, d, e)
    await change(graph, ALERTS, *keys[:3], status="resolved")
    await change(graph, INCIDENTS, c, d, status="resolved")
    await keep(graph, alerts=30)
    clock.forward(31 * DAY)
    await change(graph, INCIDENTS, d, assignedTo="ana")
    gone: set[str] = set()
    for _ in range(12):
        await run(graph, most=1)
        there = {item["id"]: item for item in (await graph.get(INCIDENTS))["value"]}
        assert all(item["redirectIncidentId"] in {None, *there} for item in there.values())
        gone = {a, b, c, d, e} - there.keys()
    assert gone == {a, b, c}, "what leads to an incident that goes on stays, so that its source reaches it"


async def test_an_incident_emptied_while_an_old_name_of_it_stays_is_left_to_the_next_run(graph: Graph, clock: Clock) -> None:
    one, two = await put(graph, 1, 2, incidentId=None)
    a, b = [await incident_of(graph, key) for key in (one, two)]
    await merge(graph, b, a)
    await change(graph, INCIDENTS, b, status="resolved")
    await change(graph, ALERTS, one, two, status="new")  # they were resolved with their incident
    await keep(graph, alerts=30)
    clock.forward(31 * DAY)
    walks: list[int] = []

    async def empty(statement: str, rows: list[Record]) -> None:
        """Takes the alerts away when the old names were gone through, and before the others are looked at."""
        if statement == "incidents_of_status":
            walks.append(len(rows))
            if walks == [1, 0, 1]:
                rows[0]["held"] = False
                changes = [Remove(graph.core.model.sets[ALERTS], key) for key in (one, two)]
                await graph.core.store.write(graph.tenant.number, Needs(), lambda _: Decision(changes, None))

    done = await prune(Watched(graph.core.store, empty), graph.core.model, graph.tenant.number, clock, rest=0)
    assert (walks, done.incidents) == ([1, 0, 1, 0], 0)
    assert (await run(graph)).incidents == 2


async def test_a_source_that_names_an_incident_that_is_gone_gets_another(graph: Graph, clock: Clock) -> None:
    [one] = await put(graph, 1, incidentId="77", status="resolved")
    first = await incident_of(graph, one)
    await keep(graph, alerts=30)
    clock.forward(31 * DAY)
    assert (await run(graph)).incidents == 1
    [two] = await put(graph, 2, incidentId="77")
    assert await incident_of(graph, two) != first
    assert len(await graph.ids(INCIDENTS)) == 1


# --- a source that sends it again ---------------------------------------------------------------------------------------------


async def test_what_is_over_does_not_come_back(graph: Graph, clock: Clock) -> None:
    old = {"status": "resolved", "resolvedDateTime": "2026-01-01T00:00:00Z"}
    await put(graph, 1, **old)
    await keep(graph, alerts=30)
    assert (await run(graph)).alerts == 1
    report = await graph.hand_in("graph", graph_alert(1, **old), graph_alert(2, **old), graph_alert(3))
    assert (report["taken"], report["rejected"]) == (1, 2)
    assert {problem["reason"] for problem in report["problems"]} == {TOO_OLD}
    assert not any(problem["kept"] for problem in report["problems"])
    assert len(await graph.ids(ALERTS)) == 1
    report = await graph.hand_in("graph", graph_alert(1, status="inProgress"))
    assert report["taken"] == 1, "where it goes on, it is an alert again"
    clock.forward(1)


async def test_what_a_source_says_of_an_alert_that_is_there_is_taken(graph: Graph) -> None:
    [one] = await put(graph, 1)
    await keep(graph, alerts=30)
    resolved = graph_alert(1, title="a1", status="resolved", resolvedDateTime="2026-01-01T00:00:00Z", lastUpdateDateTime="2026-11-20T00:00:00Z")
    assert (await graph.hand_in("graph", resolved))["taken"] == 1
    assert (await graph.get(f"{ALERTS}/{one}"))["status"] == "resolved"


# --- originals, the log -------------------------------------------------------------------------------------------------------


async def test_original_records_go_and_the_next_version_is_compared_all_the_same(graph: Graph, clock: Clock) -> None:
    one, two = await put(graph, 1, 2)
    await keep(graph, originals=30)
    clock.forward(20 * DAY)
    await graph.hand_in("graph", graph_alert(2, title="a2", description="later", lastUpdateDateTime="2026-11-25T00:00:00Z"))
    clock.forward(11 * DAY)
    assert (await run(graph)).originals == 1
    assert [len((await graph.get(f"{ALERTS}/{key}/records"))["value"]) for key in (one, two)] == [0, 1]
    assert (await graph.hand_in("graph", graph_alert(1, title="a1")))["unchanged"] == 1
    await change(graph, ALERTS, one, status="resolved")
    later = graph_alert(1, title="a1", description="later", lastUpdateDateTime="2026-11-25T00:00:00Z")
    assert (await graph.hand_in("graph", later))["taken"] == 1
    assert (await graph.get(f"{ALERTS}/{one}"))["status"] == "resolved", "a person's word stands"
    clock.forward(31 * DAY)
    assert (await run(graph)).originals == 2
    assert await run(graph) == Pruned()


async def test_the_log_is_cut_off_and_links_from_before_are_over(graph: Graph, clock: Clock) -> None:
    [one] = await put(graph, 1)
    _, before = await graph.changes(f"{ALERTS}/delta()")
    await change(graph, ALERTS, one, status="resolved")
    await keep(graph, alerts=1, events=30)
    clock.forward(2 * DAY)
    assert (await run(graph)).alerts == 1
    items, behind = await graph.changes(before)
    assert [item["@removed"]["reason"] for item in items] == ["deleted"]
    clock.forward(31 * DAY)
    [two] = await put(graph, 2)
    done = await run(graph)
    assert done.events > 0
    left = await graph.core.store.fetch("events", tenant=graph.tenant.number, after=0, most=100)
    assert {event["id"] for event in left} == {two, await incident_of(graph, two)}
    assert await graph.core.store.fetch("removed", tenant=graph.tenant.number, after=0, upto=2**62, most=9) == []
    assert (await graph.ask("GET", before)).status_code == 410
    assert [item["id"] for item in (await graph.changes(behind))[0]] == [two], "nothing was forgotten behind this one"
    assert (await run(graph)).events == 0
    await change(graph, ALERTS, two, assignedTo="ana")
    assert (await graph.core.store.fetch("events", tenant=graph.tenant.number, after=0, most=100))[-1]["seq"] == left[-1]["seq"] + 1


# --- all tenants --------------------------------------------------------------------------------------------------------------


async def test_every_tenant_is_gone_over_and_one_that_fails_stops_no_other(graph: Graph, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    await put(graph, 1, status="resolved")
    await keep(graph, alerts=1)
    broken = await graph.core.registry.create_tenant("broken")
    clock.forward(2 * DAY)

    async def fail(statement: str, rows: list[Record]) -> None:
        if statement == "retention" and not rows:
            raise OSError(f"broken as {broken.name}")

    failing = Watched(graph.core.store, fail)
    with caplog.at_level("INFO", "secgraph"):
        await asyncio.wait_for(prune_each(failing, graph.core.registry, graph.core.model, clock), 20)
    facts = [type(record.__dict__["fact"]).__name__ for record in caplog.records if "fact" in record.__dict__]
    assert facts == ["RowsPruned", "PruningFailed"]
    assert await graph.ids(ALERTS) == []


@pytest.mark.parametrize(("status", "resolved", "updated", "kept", "over"), [
    ("resolved", "2026-01-01T00:00:00Z", None, None, False), ("resolved", "2026-01-01T00:00:00Z", None, 2**62, True),
    ("resolved", "2026-01-01T00:00:00Z", 2**62, 17_700_000_000_000_000, True), ("resolved", "2026-06-01T00:00:00Z", 0, 17_700_000_000_000_000, False),
    ("resolved", None, 5, 6, True), ("resolved", None, 6, 6, False), ("resolved", None, None, 2**62, False),
    ("new", "2026-01-01T00:00:00Z", 5, 2**62, False), ("inProgress", None, 5, 6, False),
])  # fmt: skip
def test_what_a_source_tells_of_too_late(status: str, resolved: str | None, updated: int | None, kept: int | None, over: bool) -> None:
    told = {"status": status, "resolvedDateTime": resolved, "createdDateTime": "2026-01-01T00:00:00Z"}
    ready = ready_of(AlertDraft("product", "1", told, updated=updated), Piece(Raw(1, b"{}", None, 1), repaired=False), packed(b"{}"), set())
    assert ready.was_over(kept) is over
