"""The checks behind test_kill and test_power find what is wrong: each is shown one fault, and nothing where all is well."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest
from tests.real.faults.journal import ALERTS, INCIDENTS, Change, Journal, number_of
from tests.real.faults.load import Follower, Wire, Writer
from tests.real.faults.rounds import Clients, of_indexes
from tests.real.faults.stored import Event, Row, Rows, stored_in_file
from tests.real.faults.verdict import differing, of_copies, of_journal, of_rows

from secgraph.testing import Clock, running

WRITERS, REQUESTS = 4, 50


Known = tuple[Journal, Rows, dict[str, dict[str, Any]], dict[str, dict[str, Any]]]


async def made(folder: Path) -> Known:
    """What writers and a reader know of a server that nothing happened to, what is stored, what is listed, and a copy."""
    async with running(folder, Clock()) as graph:
        graph.http.headers.update(graph.headers)
        wire = Wire(graph.http, Journal())
        writers = [Writer(number, wire, Random(number), sizes=(1, 1, 2)) for number in range(WRITERS)]  # noqa: S311 -- to be made again
        follower, other = Follower(wire, ALERTS), Follower(wire, INCIDENTS)

        async def work(writer: Writer) -> None:
            for number in range(REQUESTS):
                assert await writer.one()
                if number % 10 == 0:
                    await other.page()

        await asyncio.gather(*map(work, writers))
        await follower.settle()
        return wire.journal, await stored_in_file(folder / "secgraph.db"), await wire.listed(ALERTS), follower.copy


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return asyncio.run(made(tmp_path_factory.mktemp("verdict") / "data"))


@pytest.fixture
def known(whole: Known) -> Known:
    """A copy, to be spoilt."""
    return copy.deepcopy(whole)


def found(known: Known) -> list[str]:
    journal, rows, listed, held = known
    return [*of_rows(rows), *of_journal(journal, rows), *of_copies(rows, listed, ALERTS), *differing("the copy", held, "the list", listed)]


def test_nothing_is_found_where_all_is_well(known: Known) -> None:
    journal, rows, _, _ = known
    assert found(known) == []
    kinds = {(change.kind, change.refused) for changes in journal.changes.values() for change in changes}
    assert kinds >= {("owner", False), ("owner", True), ("comment", False), ("version", False)}
    assert {event.entity for event in rows.events if event.kind == "updated"} == {"alerts_v2", "incidents"}


# --- one fault each -------------------------------------------------------------------------------------------------------


def acknowledged(journal: Journal, rows: Rows, kind: str, *, last: bool = True) -> tuple[Change, Row]:
    """A change of an alert that was acknowledged, and the alert; with `last` it is the last of its kind."""
    for (path, key), changes in journal.changes.items():
        of_kind = [change for change in changes if change.kind == kind and change.acknowledged]
        of_kind.sort(key=lambda change: change.seq or change.asked)
        if path == ALERTS and len(of_kind) > (kind != "comment"):
            return of_kind[-1 if last else 0], rows.tables["alerts_v2"][key]
    raise AssertionError("the writers made no such change")


def spoilt_document(known: Known, kind: str, member: str, value: Any) -> None:
    _, row = acknowledged(known[0], known[1], kind)
    row.document[member] = value


def without_event(known: Known, *, last: bool) -> None:
    rows = known[1]
    change, _ = acknowledged(known[0], rows, "owner", last=last)
    rows.events = [event for event in rows.events if event.seq != change.seq]


def without_events(known: Known) -> None:
    known[1].events = [event for event in known[1].events if event.id != "1"]


def without_row(known: Known) -> None:
    _, row = acknowledged(known[0], known[1], "owner")
    del known[1].tables["alerts_v2"][row.id]


def without_anything(known: Known) -> None:
    """An alert that is lost whole, with the end of the log."""
    rows = known[1]
    last = max(rows.tables["alerts_v2"].values(), key=lambda row: row.born)
    del rows.tables["alerts_v2"][last.id], rows.entries[last.id]
    rows.events = [event for event in rows.events if event.id != last.id]


def twice(known: Known) -> None:
    """A number that was handed out for one alert when it was seen, and is another's now."""
    rows = known[1]
    one, other = (rows.events[at] for at in (-1, -2))
    rows.events[-2:] = [replace(other, id=one.id, entity=one.entity), replace(one, id=other.id, entity=other.entity)]


def again(known: Known, member: str) -> None:
    """A change that stands in the log a second time, under a number of its own."""
    rows = known[1]
    event = [event for event in rows.events if member in event.changed and event.entity == "alerts_v2"][-1]
    row = rows.tables["alerts_v2"][event.id]
    rows.seq, rows.stamp = rows.seq + 1, rows.stamp + 10
    rows.events.append(replace(event, seq=rows.seq, stamp=rows.stamp))
    rows.tables["alerts_v2"][event.id] = replace(row, seq=rows.seq, updated=rows.stamp)


def earlier(known: Known) -> None:
    events = known[1].events
    events[10] = replace(events[10], stamp=events[9].stamp)


def earlier_version(known: Known) -> None:
    change, row = acknowledged(known[0], known[1], "version")
    first = next(one for one in known[0].changes[change.place] if one.kind == "version")
    row.document["description"] = first.word


def refused(known: Known) -> None:
    change, row = acknowledged(known[0], known[1], "owner")
    change.refused = True
    assert row.document["assignedTo"] == change.word


def refused_comment(known: Known) -> None:
    acknowledged(known[0], known[1], "comment")[0].refused = True


def commented_twice(known: Known) -> None:
    _, row = acknowledged(known[0], known[1], "comment")
    row.document["comments"].append(row.document["comments"][0])


def tenant(known: Known, **members: int) -> None:
    for name, difference in members.items():
        setattr(known[1], name, getattr(known[1], name) + difference)


def created_twice(known: Known) -> None:
    events = known[1].events
    at = next(at for at, event in enumerate(events) if event.kind == "updated")
    events[at] = replace(events[at], kind="created")


def other(known: Known, **members: Any) -> None:
    """A row whose columns say otherwise than its document and its events."""
    table = known[1].tables["incidents"]
    key = next(iter(table))
    table[key] = replace(table[key], **members)


def uncopied(known: Known) -> None:
    key = next(iter(known[3]))
    del known[3][key]


def old_copy(known: Known) -> None:
    key, item = next(iter(known[3].items()))
    known[3][key] = {**item, "assignedTo": "before"}


def unlisted(known: Known) -> None:
    key = next(iter(known[2]))
    del known[2][key], known[3][key]


def entries(known: Known, number: int) -> None:
    key = next(iter(known[1].entries))
    known[1].entries[key] = number


Spoil = Callable[[Known], object]
FAULTS: list[tuple[str, Spoil, str]] = [
    ("an acknowledged PATCH is not in the row", lambda known: spoilt_document(known, "owner", "assignedTo", None), "is lost"),
    ("nor in the log", lambda known: without_event(known, last=True), "is lost: the log has no number"),
    ("an older one is not in the log", lambda known: without_event(known, last=False), "is lost: the log has no number"),
    ("an alert is lost", without_anything, "is lost, of which changes were acknowledged"),
    ("and what was seen of it", without_anything, "was shown, and the log has no such number"),
    ("a row without its event", without_events, "has a row and no event"),
    ("an event without its row", without_row, "events and no row"),
    ("a number is handed out twice", twice, "was handed out twice"),
    ("a gap in the log", lambda known: known[1].events.pop(5), "the log goes on from number"),
    ("two events of one number", lambda known: known[1].events.insert(5, known[1].events[5]), "the log goes on from number"),
    ("an instant that does not rise", earlier, "is not later than that of"),
    ("the clock of the tenant is behind", lambda known: tenant(known, seq=-1), "the tenant's clock stands at"),
    ("or its instant", lambda known: tenant(known, stamp=-1), "the tenant's clock stands at"),
    ("a PATCH is in the log twice", lambda known: again(known, "assignedTo"), "that were not acknowledged, of"),
    ("a version is in the log twice", lambda known: again(known, "description"), "and the log tells of"),
    ("a comment is in the log twice", lambda known: again(known, "comments"), "and the log tells of"),
    ("a version is lost", earlier_version, "the telling 'version"),
    ("what nobody told", lambda known: spoilt_document(known, "version", "description", "x"), "says what nobody said"),
    ("what nobody asked for", lambda known: spoilt_document(known, "owner", "assignedTo", "x"), "is lost: it belongs to x"),
    ("a refused change is there", refused, "belongs to"),
    ("a refused comment is there", refused_comment, "is there 1 times"),
    ("a comment is lost", lambda known: spoilt_document(known, "comment", "comments", []), "is there 0 times"),
    ("a comment is there twice", commented_twice, "is there 2 times"),
    ("an alert is created twice", created_twice, "was created 2 times"),
    ("a row of another version", lambda known: other(known, seq=0), "its last event is"),
    ("a document of another version", lambda known: other(known, updated=1), "tells of another version"),
    ("a row of another birth", lambda known: other(known, born=1), "was born at 1"),
    ("an alert without its entry", lambda known: entries(known, 0), "has 0 entries"),
    ("an entry without its alert", lambda known: tenant(known, all_entries=1), "entries are there for"),
    ("a document that was shown otherwise", lambda known: spoilt_document(known, "owner", "title", "x"), "is stored otherwise than it was shown"),
    ("a list without an alert", unlisted, "the list has nothing of"),
    ("a copy without an alert", uncopied, "the copy has nothing of"),
    ("a copy of before", old_copy, "the copy has W/"),
    ("a damaged file", lambda known: known[1].damage.append("row 1 missing from index"), "is damaged: row 1"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "says"), [pytest.param(spoil, says, id=name) for name, spoil, says in FAULTS])
def test_a_fault_is_found(known: Known, spoil: Spoil, says: str) -> None:
    spoil(known)
    assert any(says in one for one in found(known)), found(known)


# --- what was taken away --------------------------------------------------------------------------------------------------


def judged_elsewhere(known: Known) -> None:
    key, incident, alert, judged = known[1].judged[0]
    known[1].judged[0] = key, incident, alert, (judged or 0) + 1


def judged_never(known: Known) -> None:
    key, incident, *_ = known[1].judged[0]
    known[1].judged[0] = key, incident, None, None


def counted_wrongly(known: Known) -> None:
    incident, said, held = known[1].cases[0]
    known[1].cases[0] = incident, said + 1, held


@pytest.mark.parametrize(("spoil", "says"), [
    (judged_elsewhere, "is judged as"), (judged_never, "is judged as None"), (counted_wrongly, "alerts, and"),
    (lambda known: known[1].snapshots.update({"7": 7}), "has not the one event"),
])  # fmt: skip
def test_a_fault_in_how_alerts_are_judged_is_found(known: Known, spoil: Spoil, says: str) -> None:
    assert found(known) == []
    spoil(known)
    assert any(says in one for one in found(known)), found(known)


def test_a_snapshot_has_its_event(known: Known) -> None:
    rows = known[1]
    rows.seq, rows.stamp = rows.seq + 1, rows.stamp + 10
    rows.events.append(Event(rows.seq, rows.stamp, "created", "snapshots", "1", frozenset(), "counting"))
    assert any("snapshots 1 has 1 events and no row" in one for one in found(known))
    rows.snapshots["1"] = rows.stamp
    assert found(known) == []


def taken_away(known: Known) -> Row:
    """Takes an alert away that somebody changed, as retention does."""
    journal, rows, listed, held = known
    _, row = acknowledged(journal, rows, "owner")
    rows.seq, rows.stamp = rows.seq + 1, rows.stamp + 10
    rows.events.append(Event(rows.seq, rows.stamp, "deleted", "alerts_v2", row.id, frozenset(), "retention"))
    rows.removed.append((rows.stamp, "alerts_v2", row.id, row.born))
    rows.all_entries -= rows.entries.pop(row.id)
    del rows.tables["alerts_v2"][row.id], listed[row.id], held[row.id]
    rows.judged = [one for one in rows.judged if one[0] != row.id]
    journal.missing[ALERTS, row.id] = None
    return row


def changed_since(known: Known, _: Row) -> None:
    rows = known[1]
    rows.events[-1] = replace(rows.events[-1], kind="updated")


def without_change(known: Known, row: Row) -> None:
    """The log lacks a change of what is no more; the numbers behind it are one less."""
    rows, journal = known[1], known[0]
    seqs = {change.seq for change in journal.changes[ALERTS, row.id] if change.kind == "owner" and change.acknowledged}
    rows.events = [event for event in rows.events if event.seq not in seqs]


def unmade(known: Known, row: Row) -> None:
    events = known[1].events
    at = next(at for at, event in enumerate(events) if (event.id, event.kind) == (row.id, "created"))
    events[at] = replace(events[at], kind="updated")


def born_otherwise(known: Known, row: Row) -> None:
    known[1].removed[-1] = (known[1].stamp, "alerts_v2", row.id, row.born + 1)


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda known, _: known[1].removed.pop(), "and no note says so"),
    (born_otherwise, "and no note says so"),
    (lambda known, _: known[1].removed.append((7, "alerts_v2", "x", 1)), "and the log does not"),
    (changed_since, "events and no row"),
    (unmade, "and had not been made"),
    (without_change, "is lost: the log has no number"),
    (lambda known, _: known[0].missing.update({(ALERTS, "x"): None}), "x was answered to be no more, and was not taken away"),
    (lambda known, row: known[1].tables["alerts_v2"].update({row.id: row}), "has a row and no event"),
])  # fmt: skip
def test_a_fault_in_what_was_taken_away_is_found(known: Known, spoil: Callable[[Known, Row], object], says: str) -> None:
    row = taken_away(known)
    assert found(known) == []
    spoil(known, row)
    assert any(says in one for one in found(known)), found(known)


def test_a_change_without_an_answer_may_be_there_or_not(known: Known) -> None:
    change, row = acknowledged(known[0], known[1], "owner")
    change.answered = change.seq = None
    assert found(known) == []
    known[0].seen = {number: sight for number, sight in known[0].seen.items() if number != number_of(row.document)}
    known[0].asks(change.place, "owner", "of which nothing is there")
    assert found(known) == []


def test_two_versions_under_one_number_are_told_when_the_second_is_seen(known: Known) -> None:
    journal = known[0]
    sight = next(iter(journal.seen.values()))
    journal.sees(sight.place[0], {**sight.document, "title": "another"})
    assert "was handed out twice" in journal.faults[0]


async def test_an_index_that_lacks_a_row_is_damage(tmp_path: Path) -> None:
    await made(tmp_path / "data")
    file = tmp_path / "data" / "secgraph.db"
    assert (await stored_in_file(file)).damage == []
    where = "WHERE name = 'alerts_v2_updated'"
    [index] = _with_schema(file, f"SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema {where}")
    _with_schema(file, f"DELETE FROM sqlite_schema {where}")
    _with_schema(file, 'UPDATE alerts_v2 SET "lastUpdateDateTime" = "lastUpdateDateTime" + 1 WHERE rowid = 1')
    _with_schema(file, "INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", index)
    assert "row 1 missing from index alerts_v2_updated" in (await stored_in_file(file)).damage


def _with_schema(file: Path, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    connection = apsw.Connection(str(file))
    connection.pragma("writable_schema", 1)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


async def test_counts_and_searches_that_differ_from_the_rows_are_found(tmp_path: Path) -> None:
    async with running(tmp_path / "data", Clock()) as graph:
        graph.http.headers.update(graph.headers)
        among = Clients(Wire(graph.http, Journal()), [], [])
        for _ in range(2):
            assert await Writer(1, among.wire, Random(1), sizes=(3,)).one()  # noqa: S311 -- to be made again
        rows = await stored_in_file(tmp_path / "data" / "secgraph.db")
        assert await of_indexes(among, rows) == []
        row = next(iter(rows.tables["alerts_v2"].values()))
        row.document["severity"] = "low" if row.document["severity"] == "high" else "high"
        assert any("are counted whose severity is" in one for one in await of_indexes(among, rows))
        row.document["description"] = "version 7 of nothing"
        assert any("a search for 'version 7 of nothing'" in one for one in await of_indexes(among, rows))
