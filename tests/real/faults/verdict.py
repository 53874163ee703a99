"""What must hold after every end of the server; each check names what it finds, and finds nothing where all is well."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from tests.real.faults.journal import ALERTS, ENTITIES, Change, Journal, number_of
from tests.real.faults.stored import Event, Row, Rows

from secgraph import clock

MEMBERS = {"owner": "assignedTo", "comment": "comments", "version": "description"}
"""The member in which the word of a change stands."""

Log = dict[tuple[str, str], list[Event]]


def log_of(rows: Rows) -> Log:
    """The events of each object, in their order."""
    found: Log = defaultdict(list)
    for event in rows.events:
        found[event.entity, event.id].append(event)
    return found


def _of_judgements(rows: Rows) -> Iterator[str]:
    """What is wrong with how alerts are judged: each is, in the incident that it is in, and incidents count them."""
    for key, incident, alert, judged in rows.judged:
        if alert != key or str(judged) != incident:
            yield f"{key} of incident {incident} is judged as {alert} of incident {judged}"
    for number, said, held in rows.cases:
        if said != held:
            yield f"incident {number} is said to hold {said} alerts, and {held} are judged in it"


def of_rows(rows: Rows) -> Iterator[str]:
    """What is wrong with the rows among themselves."""
    yield from (f"the database is damaged: {one}" for one in rows.damage)
    seq, stamp = 0, 0
    for event in rows.events:
        if event.seq != seq + 1:
            yield f"the log goes on from number {seq} with {event.seq}"
        if event.stamp <= stamp:
            yield f"the instant of number {event.seq} is not later than that of {seq}"
        seq, stamp = event.seq, event.stamp
    if (rows.seq, rows.stamp) != (seq, stamp):
        yield f"the tenant's clock stands at {rows.seq} ({rows.stamp}), its log ends with {seq} ({stamp})"
    log = log_of(rows)
    yield from _of_removals(rows, log)
    for entity, table in rows.tables.items():
        for row in table.values():
            yield from _of_row(entity, row, lives(log.pop((entity, row.id), []))[-1])
    for key, instant in rows.snapshots.items():
        if [event.stamp for event in log.pop(("snapshots", key), [])] != [instant]:
            yield f"snapshot {key} has not the one event of its publishing"
    for key, number in rows.controls.items():
        if (numbers := [event.seq for event in log.pop(("secureScoreControlProfiles", key), [])])[-1:] != [number]:
            yield f"control {key} has the number {number}, and the log has {numbers} of it"
    yield from _of_judgements(rows)
    for (entity, key), events in log.items():
        if events[-1].kind != "deleted":
            yield f"{entity} {key} has {len(events)} events and no row"
    yield from (f"alert {key} has {number} entries, not one" for key, number in rows.entries.items() if number != 1)
    if rows.all_entries != len(rows.entries):
        yield f"{rows.all_entries} entries are there for {len(rows.entries)} alerts"


def lives(events: list[Event]) -> list[list[Event]]:
    """The events of an object from each time that it was made; the last are those of the row that is there, or none."""
    found: list[list[Event]] = [[]]
    for event in events:
        found[-1].append(event)
        if event.kind == "deleted":
            found.append([])
    return found


def _of_removals(rows: Rows, log: Log) -> Iterator[str]:
    """Whoever was taken away was there before, and a note says so."""
    noted = {(stamp, entity, key): born for stamp, entity, key, born in rows.removed}
    for (entity, key), events in log.items():
        for life in lives(events)[:-1]:
            if life[0].kind != "created":
                yield f"{entity} {key} was taken away at number {life[-1].seq} and had not been made"
            elif noted.pop((life[-1].stamp, entity, key), None) != life[0].stamp:
                yield f"{entity} {key} was taken away at number {life[-1].seq}, and no note says so"
    yield from (f"a note says that {entity} {key} was taken away at {stamp}, and the log does not" for stamp, entity, key in noted)


def _of_row(entity: str, row: Row, events: list[Event]) -> Iterator[str]:
    if not events:
        yield f"{entity} {row.id} has a row and no event"
        return
    kinds = Counter(event.kind for event in events)
    if kinds["created"] != 1 or events[0].kind != "created":
        yield f"{entity} {row.id} was created {kinds['created']} times, and first {events[0].kind}"
    if (events[-1].seq, events[-1].stamp) != (row.seq, row.updated):
        yield f"{entity} {row.id} is at number {row.seq}, its last event is {events[-1].seq}"
    if events[0].stamp != row.born:
        yield f"{entity} {row.id} was born at {row.born}, its first event says {events[0].stamp}"
    if (number_of(row.document), clock.ticks(row.document["lastUpdateDateTime"])) != (row.seq, row.updated):
        yield f"the document of {entity} {row.id} tells of another version than its columns"


def of_journal(journal: Journal, rows: Rows) -> Iterator[str]:
    """What was acknowledged or seen and is not there as it must be."""
    yield from journal.faults
    log = log_of(rows)
    numbers = {event.seq: event for event in rows.events}
    for seq, sight in journal.seen.items():
        event = numbers.get(seq)
        path, key = sight.place
        if event is None:
            yield f"number {seq} of {key} was shown, and the log has no such number"
        elif (event.entity, event.id, event.stamp) != (ENTITIES[path], key, clock.ticks(sight.document["lastUpdateDateTime"])):
            yield f"number {seq} was handed out twice: it was shown as {key}, and is {event.entity} {event.id} now"
        else:
            row = rows.tables[event.entity].get(key)
            if row is not None and row.seq == seq and row.document != sight.document:
                yield f"number {seq} of {key} is stored otherwise than it was shown"
    for path, key in journal.missing:
        if all(event.kind != "deleted" for event in log[ENTITIES[path], key]):
            yield f"{key} was answered to be no more, and was not taken away"
    for (path, key), changes in journal.changes.items():
        row = rows.tables[ENTITIES[path]].get(key)
        events = log[ENTITIES[path], key]
        if row is None:
            if events and events[-1].kind == "deleted":
                yield from _of_gone(key, events, changes)
            elif any(change.acknowledged for change in changes):
                yield f"{key} is lost, of which changes were acknowledged"
            continue
        of_kind: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            of_kind[change.kind].append(change)
        yield from _of_owner(row, events, of_kind["owner"])
        yield from _of_comments(row, events, of_kind["comment"])
        if path == ALERTS:
            yield from _of_versions(row, events, of_kind["version"])


def _named(events: list[Event], member: str, cause: str) -> list[int]:
    """The numbers of the changes of a member by somebody."""
    return [event.seq for event in events if event.kind == "updated" and member in event.changed and event.cause.startswith(cause)]


def _of_gone(key: str, events: list[Event], changes: list[Change]) -> Iterator[str]:
    """Of what was taken away, the log tells every change that was acknowledged."""
    logged = _named(events, MEMBERS["owner"], "app:")
    for change in changes:
        if change.kind == "owner" and change.acknowledged and change.seq not in logged:
            yield f"the change {change.word} of {key} is lost: the log has no number {change.seq} of it"
    yield from _of_number(key, events, [change for change in changes if change.kind == "comment"])


def _of_number(key: str, events: list[Event], comments: list[Change]) -> Iterator[str]:
    """As many comments are logged as were acknowledged, or some more whose answer did not come."""
    logged = len(_named(events, MEMBERS["comment"], "app:"))
    least = sum(change.acknowledged for change in comments)
    if not least <= logged <= least + sum(change.answered is None for change in comments):
        yield f"the log tells of {logged} comments on {key}, of which {least} were acknowledged"


def _of_owner(row: Row, events: list[Event], changes: list[Change]) -> Iterator[str]:
    """The last PATCH decides, in the order of the log; each acknowledged one stands there under its own number."""
    logged = _named(events, MEMBERS["owner"], "app:")
    words = {change.seq: change.word for change in changes if change.acknowledged}
    open_words = {change.word for change in changes if change.answered is None}
    yield from (f"the change {words[seq]} of {row.id} is lost: the log has no number {seq} of it" for seq in words if seq not in logged)
    strangers = [seq for seq in logged if seq not in words]
    if len(strangers) > len(open_words):
        yield f"the log has {len(strangers)} changes of {row.id} that were not acknowledged, of {len(open_words)} that could be"
    found = row.document["assignedTo"]
    logged = _named(lives(events)[-1], MEMBERS["owner"], "app:")
    if not logged:
        if found is not None:
            yield f"{row.id} belongs to {found}, and the log does not say since when"
    elif logged[-1] in words:
        if found != words[logged[-1]]:
            yield f"the change {words[logged[-1]]} of {row.id} is lost: it belongs to {found}"
    elif found not in open_words:
        yield f"{row.id} belongs to {found}, which nobody asked for last"


def _of_comments(row: Row, events: list[Event], changes: list[Change]) -> Iterator[str]:
    """Each acknowledged comment is there once, each refused one never, any other once or not at all."""
    words = Counter(comment["comment"] for comment in row.document["comments"])
    life = lives(events)[-1]
    for change in changes:
        there = words.pop(change.word, 0)
        # A comment on what was taken away since, and made again, went with it.
        if there > 1 or (change.acknowledged and there == 0 and life == events) or (change.refused and there):
            yield f"the comment {change.word} of {row.id} is there {there} times"
    yield from (f"nobody made the comment {word} of {row.id}" for word in words)
    yield from _of_number(row.id, events, changes)
    logged = len(_named(life, MEMBERS["comment"], "app:"))
    if logged != len(row.document["comments"]):
        yield f"{row.id} has {len(row.document['comments'])} comments, and the log tells of {logged}"


def _of_versions(row: Row, events: list[Event], changes: list[Change]) -> Iterator[str]:
    """What a product said last stands there, and each of its versions is one change in the log, however often it was sent."""
    words = [change.word for change in changes]
    found = row.document["description"]
    if found not in words:
        yield f"{row.id} says what nobody said: {found[:60]}"
        return
    at = words.index(found)
    told = [index for index, change in enumerate(changes) if change.acknowledged]
    if told and at < told[-1]:
        yield f"the telling '{words[told[-1]][:40]}' of {row.id} is lost: it says {found[:40]}"
    life = lives(events)[-1]
    logged = len(_named(life, MEMBERS["version"], "source:"))
    # What was taken away and told of again begins with the version that was told then.
    if logged != at if life == events else logged > at:
        yield f"{row.id} is at its version {at + 1}, and the log tells of {logged} changes"


def of_copies(rows: Rows, listed: dict[str, dict[str, Any]], path: str) -> Iterator[str]:
    """What the API lists otherwise than it is stored."""
    table = rows.tables[ENTITIES[path]]
    yield from differing("the list", listed, "the store", {key: row.document for key, row in table.items()})


def differing(one: str, here: dict[str, dict[str, Any]], other: str, there: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Objects that two have differently."""
    for key in here.keys() | there.keys():
        if here.get(key) != there.get(key):
            tags = [holder[key]["@odata.etag"] if key in holder else "nothing" for holder in (here, there)]
            yield f"{one} has {tags[0]} of {key}, {other} has {tags[1]}"
