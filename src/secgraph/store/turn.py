"""One tenant's turn at writing: takes its clock, gathers the facts, carries out the decisions, with an event per change.

A turn is for a group of waiting writes of one tenant. What they need is read together, each is decided after the other on
what those before it left, and all of it is written together; a write that is refused leaves nothing behind. The turn runs
inside a transaction that its caller opened, and it is the only place that writes rows and events.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from secgraph import clock
from secgraph.errors import Fault
from secgraph.model.choices import ALERTS, ASSETS, INCIDENTS
from secgraph.odata.query import fold
from secgraph.odata.search import indexed
from secgraph.store.dialect import Dialect
from secgraph.store.facts import Entry, Facts, Needs, Record, Row, Told
from secgraph.store.fence import guarded
from secgraph.store.pending import Pending
from secgraph.store.protocol import (
    Change,
    Decide,
    Deciding,
    Decision,
    Fence,
    Note,
    Put,
    PutCase,
    PutEntry,
    PutFound,
    PutIncidentKey,
    PutJudged,
    PutNew,
    PutSnapshot,
    PutTerm,
    PutTold,
    Reject,
    Remove,
    Tell,
)
from secgraph.store.seen import Place
from secgraph.store.shape import shape
from secgraph.store.sight import Sight
from secgraph.store.steps import Ask, Steps, ask, do
from secgraph.store.woven import Parts, parted

NOTED = frozenset({"status", "incidentId", "redirectIncidentId"})
"""Members whose new values the log keeps: it can be told later where every alert was, and which incidents were closed."""

encode = msgspec.json.encode
decode = msgspec.json.decode


@dataclass(slots=True)
class Waiting:
    """A write that waits for its turn, and afterwards what came of it."""

    needs: Needs
    decide: Decide[Any]
    fence: Fence | None = None
    answer: Any = None
    failure: Exception | None = None


@dataclass(slots=True)
class _Staged:
    """A change that is ready to be written: everything in it that can fail has been done."""

    change: Change
    stamp: int = 0
    values: tuple[Any, ...] = ()
    words: str | None = None
    event: tuple[Any, ...] = ()
    parts: Parts | None = None
    """What of it is kept entry by entry."""


class Turn:
    """The tenant's clock between the first step of a turn and its last. Its instant is `now`, or the database's own."""

    def __init__(self, dialect: Dialect, tenant: int, now: int | None = None) -> None:
        self.tenant = tenant
        self.now = 0 if now is None else now
        self._own = now is None
        self.stamp = 0
        self._dialect = dialect
        self._pending = Pending(dialect, tenant)
        self._sight = Sight(dialect, tenant, self._pending)
        self._seen, self._subjects = self._sight.seen, self._sight.subjects
        self._guid = self._quoted_guid = ""
        self._seq = self._incidents = self._terms = 0
        self._numbers: int | None = None

    def carry_out(self, writes: Sequence[Waiting]) -> Steps[None]:
        """Gathers, decides, writes; leaves the clock where the last change put it. Every write has its answer or failure."""
        found = yield Ask(self._dialect.clock, (self.tenant,))
        if not found:
            raise Fault(f"Tenant number {self.tenant} does not exist.")
        self._guid, self._seq, self.stamp, self._incidents, self._terms, present = found[0]
        self._quoted_guid = encode(self._guid).decode()
        if self._own:
            self.now = present
        started = (self._seq, self._incidents)
        yield from self._sight.load([one.needs for one in writes])
        for one in writes:
            mark = (self._seq, self.stamp, self._incidents)
            try:
                one.answer = yield from self._decided(one)
            except Exception as failure:  # noqa: BLE001 -- handed to the one who asked for this write
                one.failure = failure
                self._seq, self.stamp, self._incidents = mark
        yield from self._pending.steps()
        if (self._seq, self._incidents) != started:
            yield do("tenant_tick", {
                "tenant": self.tenant, "seq": self._seq, "stamp": self.stamp, "incidents": self._incidents,
                "terms": self._terms,
            })  # fmt: skip

    def _decided(self, one: Waiting) -> Steps[Any]:
        yield from guarded(one.fence)
        now = max(self.now, self.stamp + clock.MICROSECOND)
        facts = Facts(now, self._guid, {}, {}, {}, self._new_incident, terms=self._terms)
        yield from self._sight.add(facts, one.needs)
        deciding = one.decide(facts)
        decision = deciding if isinstance(deciding, Decision) else (yield from self._asked(facts, deciding))
        # A decision may write what it did not have to see; what was written down as new is not there.
        new = {(change.set.path, change.id) for change in decision.changes if isinstance(change, PutNew)}
        places = {place for place in map(_about, decision.changes) if place is not None}
        yield from self._seen.load_rows(places - new)
        yield from self._sight.load_judged(decision.changes)
        if self._numbers is None and any(isinstance(change, Reject) for change in decision.changes):
            rows = yield ask("rejected_last", tenant=self.tenant)
            self._numbers = rows[0][0]
        self._expect_there(decision.changes)
        for staged in [self._staged(change, facts.now) for change in decision.changes]:
            self._accept(staged)
        return decision.answer

    def _asked(self, facts: Facts, deciding: Deciding[Any]) -> Steps[Decision[Any]]:
        """What a decision comes to that asks for more on the way."""
        try:
            while True:
                yield from self._sight.add(facts, next(deciding))
        except StopIteration as end:
            decision: Decision[Any] = end.value
            return decision
        finally:
            deciding.close()

    def _expect_there(self, changes: Sequence[Change]) -> None:
        """Fault for what takes away an object that is not there, and for what a source said of such an alert: it is kept by
        the alert's first instant.
        """
        there: dict[Place, bool] = {}
        for change in changes:
            place = _about(change)
            if place is None:
                continue
            if not isinstance(change, Put | PutNew) and not there.get(place, self._seen.rows.get(place) is not None):
                what = "taken away" if isinstance(change, Remove) else "spoken of"
                raise Fault(f"{place[0]} '{place[1]}' cannot be {what}: there is no such object.")
            there[place] = not isinstance(change, Remove)

    def _new_incident(self) -> str:
        self._incidents += 1
        return str(self._incidents)

    # -- what a decision changes

    def _staged(self, change: Change, now: int) -> _Staged:
        """Does all of a change that can go wrong; the numbers it takes are given back when something does."""
        if isinstance(change, PutNew):
            return self._new(change, now)
        if not isinstance(change, Put | Remove | PutSnapshot | PutTerm | Tell):
            return _Staged(change, self.stamp)
        self._seq += 1
        self.stamp = max(now, self.stamp + clock.MICROSECOND)
        if not isinstance(change, Put):
            return _Staged(change, self.stamp, event=(self.tenant, self._seq, self.stamp, *_told(change), change.cause, None))
        record, how, key = change.record, shape(change.set.path), _key(change.record)
        if how.stamp:
            record[how.stamp] = clock.text(self.stamp)
        record["@odata.etag"] = etag(self._seq)
        for name in change.set.choices.filled:
            if record[name] is None:
                raise Fault(f"{change.set.path}/{name} of '{record['id']}' is null, and an order relies on it.")
        parts = parted(how.woven, record) if how.woven is not None else None
        kept = record if parts is None else parts.rest
        shown = kept if how.hide is None else how.hide(kept)
        values = (
            self.tenant, key, self._seq, encode(shown).decode(),
            None if shown is kept else encode(kept).decode(),
            encode(change.touched).decode() if change.touched else None,
            self.stamp,  # kept only where the row is new
            *(() if how.stamp else (self.stamp,)),
            *((_told_text(change.told),) if how.sourced else ()),
            *[convert(record[name]) for name, convert in how.columns],
        )  # fmt: skip
        event = (
            self.tenant, self._seq, self.stamp, "created" if change.created else "updated", change.set.table, key,
            encode(change.changed).decode(), change.cause,
            _noted({**change.note, **_told_of(change)}),
        )  # fmt: skip
        words = change.words
        if words is None and how.searched and (change.created or how.searched.intersection(change.changed)):
            words = indexed(record, change.set.path)
        return _Staged(change, self.stamp, values, words, event, parts)

    def _new(self, change: PutNew, now: int) -> _Staged:
        """The same for a row that was written down before: only its holes are filled."""
        if self._seen.rows.get((change.set.path, change.id)) is not None:
            raise Fault(f"'{change.id}' in {change.set.path} is there already and cannot be written as new.")
        self._seq += 1
        self.stamp = max(now, self.stamp + clock.MICROSECOND)
        when, incident = clock.text(self.stamp), change.incident
        doc, full = change.blank.document({
            "@odata.etag": f'"W/\\"{self._seq}\\""', "id": encode(change.id).decode(), "tenantId": self._quoted_guid,
            "lastUpdateDateTime": f'"{when}"', "incidentId": "null" if incident is None else encode(incident).decode(),
        })  # fmt: skip
        change.row.written(partial(decode, full or doc), {"@odata.etag": etag(self._seq), "lastUpdateDateTime": when})
        how = shape(change.set.path)
        columns = [*change.blank.columns]
        if how.updated_place is not None:
            columns[how.updated_place] = self.stamp
        if how.incident_place is not None:
            columns[how.incident_place] = None if incident is None else fold(incident)
        values = (self.tenant, change.id, self._seq, doc, full, None, self.stamp, *columns)
        note = _noted(change.note)
        event = (self.tenant, self._seq, self.stamp, "created", change.set.table, change.id, "[]", change.cause, note)
        return _Staged(change, self.stamp, values, change.blank.words, event)

    def _accept(self, staged: _Staged) -> None:
        match staged.change:
            case PutNew() as put:
                self._accept_new(put, staged)
            case PutEntry() as put:
                self._accept_entry(put)
            case PutTold(set=one, id=key, told=told):
                row = self._seen.rows[one.path, key]
                assert row is not None  # noqa: S101 -- `_expect_there` saw to it
                row.told = told
                self._pending.tell(one.path, key, _told_text(told))
            case Put() as put:
                self._accept_row(put, staged)
            case Remove() as gone:
                self._accept_removal(gone, staged)
            case PutJudged() as put:
                row = self._seen.rows[ALERTS, put.judged.alert]
                assert row is not None  # noqa: S101 -- `_expect_there` saw to it
                self._subjects.put(put, row.born, staged.stamp)
            case PutCase() as put:
                self._subjects.put_case(put.case)
            case PutSnapshot() as put:
                self._terms += 1
                self._pending.events.append(staged.event)
                self._pending.snapshots.append({
                    "tenant": self.tenant, "v": put.v, "stamp": staged.stamp, "total": put.total, "counts": put.counts,
                })  # fmt: skip
            case PutTerm() as put:
                self._terms += 1
                self._pending.events.append(staged.event)
                self._pending.said[put.name] = put.value
            case Tell():
                self._pending.events.append(staged.event)
            case PutIncidentKey() as put:
                self._seen.incidents[put.space, put.native_id] = put.incident
                self._pending.keys[put.space, put.native_id] = {
                    "tenant": self.tenant, "space": put.space, "native": put.native_id, "incident": put.incident,
                }  # fmt: skip
            case PutFound() as put:
                self._pending.find(put)
            case Reject() as put:
                self._numbers = (self._numbers or 0) + 1
                data = zlib.compress(put.original, 1)
                self._pending.rejected.append(
                    (self.tenant, self._numbers, put.source, put.line, put.reason, put.received, data)
                )

    def _accept_row(self, put: Put, staged: _Staged) -> None:
        path, key = put.set.path, _key(put.record)
        before = self._seen.rows.get((path, key))
        born = staged.stamp if before is None else before.born
        if path == ALERTS and before is not None and _may(put, "incidentId"):
            incident = put.record["incidentId"]
            if incident != before.record["incidentId"]:
                self._subjects.move(born, incident)
        self._terms += path == ASSETS  # alerts are judged by what is known of them
        self._seen.rows[path, key] = Row(put.record, int(staged.values[2]), dict(put.touched), born, put.told)
        if put.back is not None:
            self._pending.send_back(key, int(staged.values[2]), staged.stamp, put.back)
        if put.overtakes:
            self._pending.overtake(key, staged.stamp, put.cause, put.overtakes)
        rows = self._pending.rows(path)
        self._pending.put(path, key, (*staged.values[:6], born, *staged.values[7:]), created=before is None)
        self._pending.events.append(staged.event)
        if staged.parts is not None:
            self._pending.weave(path, staged.parts)
        if staged.words is not None:
            rows.words[key] = staged.words
        tally = shape(path).tally
        if tally and (before is None or any(_may(put, name) for name, _ in tally)):
            rows.tally[_numbers(tally, put.record)] += 1
            if before is not None:
                rows.tally[_numbers(tally, before.record)] -= 1

    def _accept_removal(self, gone: Remove, staged: _Staged) -> None:
        path, key = gone.set.path, gone.id
        row = self._seen.rows[path, key]
        assert row is not None  # noqa: S101 -- `_expect_there` saw to it
        self._seen.forget((path, key))
        self._terms += path == ASSETS
        self._pending.remove(path, key)
        self._pending.events.append(staged.event)
        self._pending.removed.append((self.tenant, staged.stamp, gone.set.table, key, row.born))
        if path == ALERTS:
            self._pending.remove_entries(row.born, key)
            self._subjects.forget(row.born)
        if path == INCIDENTS:
            self._pending.remove_keys(key)
            self._subjects.forget_case(key)
        tally = shape(path).tally
        if tally:
            self._pending.rows(path).tally[_numbers(tally, row.record)] -= 1

    def _accept_new(self, put: PutNew, staged: _Staged) -> None:
        path, key = put.set.path, put.id
        self._seen.rows[path, key] = Row(
            partial(decode, staged.values[4] or staged.values[3]), staged.values[2], {}, staged.stamp
        )
        rows = self._pending.rows(path)
        self._pending.put(path, key, staged.values, created=True)
        self._pending.events.append(staged.event)
        if staged.parts is not None:
            self._pending.weave(path, staged.parts)
        if staged.words is not None:
            rows.words[key] = staged.words
        places = shape(path).tally_places
        if places:
            rows.tally[tuple(put.blank.columns[place] for place in places)] += 1

    def _accept_entry(self, put: PutEntry) -> None:
        row = self._seen.rows.get((ALERTS, put.alert))
        assert row is not None  # noqa: S101 -- `_expect_there` saw to it
        self._seen.entries[put.alert, put.source] = Entry(put.updated, put.kept, put.native_id)
        self._pending.entries[row.born, put.source] = (
            self.tenant, row.born, put.source, put.product, put.native_id, put.updated, put.received, int(put.repaired),
            put.kept.digest, put.kept.normalised, put.kept.original,
        )  # fmt: skip


def _about(change: Change) -> Place | None:
    """The row that a change writes, takes away or speaks of."""
    match change:
        case Put(set=one, record=record):
            return one.path, _key(record)
        case PutNew(set=one, id=key) | PutTold(set=one, id=key) | Remove(set=one, id=key) | Tell(set=one, id=key):
            return one.path, key
        case PutEntry(alert=alert):
            return ALERTS, alert
        case PutJudged(judged=judged):
            return ALERTS, judged.alert
    return None


def _key(record: Record) -> str:
    """What a row is found by: its id, in whatever letters a product writes it."""
    return fold(record["id"])


def _told_text(told: Told | None) -> str | None:
    return None if told is None else encode(told).decode()


def _told(change: Remove | PutSnapshot | PutTerm | Tell) -> tuple[str, str, str, str]:
    """What the log says of a change that writes no object: kind, entity, id, what changed."""
    match change:
        case Remove():
            return "deleted", change.set.table, change.id, "[]"
        case Tell():
            return change.kind, change.set.table, change.id, "[]"
        case PutSnapshot():
            return "created", "snapshots", str(change.v), "[]"
        case PutTerm():
            return "updated", "correlation", change.name, encode([change.name]).decode()


def _told_of(change: Put) -> Note:
    """What the log keeps of the values of a row."""
    told = {name: change.record[name] for name in change.changed if name in NOTED}
    return {**told, "touched": [*change.touched]} if change.touched and change.set.path == INCIDENTS else told


def _noted(note: Note) -> bytes | None:
    return msgspec.msgpack.encode(note) if note else None


def _may(put: Put, name: str) -> bool:
    """Whether a member of a row that was there can be another one now."""
    return put.created or name in put.changed


def _numbers(tally: list[Any], record: Record) -> tuple[int | None, ...]:
    return tuple(convert(record[name]) for name, convert in tally)


def etag(seq: int) -> str:
    """The entity tag of the version written under that number."""
    return f'W/"{seq}"'


def new_record(record: Record) -> Record:
    """A record as it is stored the first time: its entity tag leads."""
    return {"@odata.etag": "", **record}
