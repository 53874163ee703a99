"""One tenant's turn at writing: takes its clock, gathers the facts, carries out the decision, with an event per change.

The steps are the same on every database; what differs is how a statement is run, which comes in as `Runner`. A turn
runs inside a transaction that its caller opened, and it is the only place that writes rows and events.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import msgspec

from secgraph import clock
from secgraph.errors import Fault
from secgraph.model import wire
from secgraph.model.check import completed
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import EntitySet, load
from secgraph.odata.query import fold
from secgraph.odata.search import indexed
from secgraph.store.layout import FIXED, Encode, encoder, put_words, quoted
from secgraph.store.protocol import (
    HELD,
    Answer,
    Change,
    Decide,
    Entry,
    Facts,
    Needs,
    Put,
    PutEntry,
    PutIncidentKey,
    Record,
    Reject,
    Row,
)

encode = msgspec.json.encode
decode = msgspec.json.decode

_KEPT = frozenset({"tenant", "id", "born"})
"""Columns that stay as the first write of a row left them."""


class Runner(Protocol):
    """How a statement is run in the open transaction."""

    def named(self, name: str, /, **values: Any) -> list[tuple[Any, ...]]:
        """A statement of statements.sql."""
        ...

    def plain(self, text: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """A statement made from the model."""
        ...


class Turn:
    """The tenant's clock between the first statement of a turn and its last."""

    def __init__(self, run: Runner, tenant: int, now: int) -> None:
        found = run.named("tenant_clock", tenant=tenant)
        if not found:
            raise Fault(f"Tenant number {tenant} does not exist.")
        self.run = run
        self.tenant = tenant
        self.guid, self.seq, self.stamp, self.incidents = found[0]
        self.started = (self.seq, self.incidents)
        self.now = max(now, self.stamp + clock.MICROSECOND)

    def carry_out(self, needs: Needs, decide: Decide[Answer]) -> Answer:
        """Gathers, decides, writes; leaves the clock where the last change put it."""
        decision = decide(self._facts(needs))
        for change in decision.changes:
            self._apply(change)
        if (self.seq, self.incidents) != self.started:
            self.run.named("tenant_tick", tenant=self.tenant, seq=self.seq, stamp=self.stamp, incidents=self.incidents)
        return decision.answer

    # -- what a decision sees

    def _facts(self, needs: Needs) -> Facts:
        facts = Facts(self.now, self.guid, {}, {}, {}, self._new_incident)
        following: Needs | None = needs
        while following is not None:
            self._add(facts, following)
            following = following.then(facts) if following.then is not None else None
        return facts

    def _add(self, facts: Facts, needs: Needs) -> None:
        for path, key in needs.rows:
            self._gather(facts, (path, key))
            row = facts.rows.get((path, key))
            if row is not None and needs.around and path == ALERTS:
                self._gather(facts, (INCIDENTS, row.record["incidentId"]))
        for alert, source in needs.entries:
            found = self.run.named("entry", tenant=self.tenant, alert=alert, source=source)
            if found:
                facts.entries[alert, source] = Entry(found[0][0], decode(found[0][1]))
        for space, native in needs.incidents:
            found = self.run.named("incident_key", tenant=self.tenant, space=space, native=native)
            if found:
                facts.incidents[space, native] = found[0][0]
                self._gather(facts, (INCIDENTS, found[0][0]))
        left = HELD + 1
        for incident, most in needs.held:
            ids = self.run.named("alerts_held", tenant=self.tenant, incident=fold(incident), most=min(most, left))
            facts.held[incident] = [row[0] for row in ids]
            left -= len(ids)

    def _gather(self, facts: Facts, key: tuple[str, str]) -> None:
        """Adds a row, and behind an incident that redirects all that it leads to."""
        while key not in facts.rows and (row := self._row(*key)) is not None:
            facts.rows[key] = row
            if key[0] != INCIDENTS or not row.record["redirectIncidentId"]:
                return
            key = (INCIDENTS, row.record["redirectIncidentId"])

    def _row(self, path: str, key: str) -> Row | None:
        found = self.run.plain(_read(path), (self.tenant, key))
        if not found:
            return None
        document, seq, touched = found[0]
        record = completed(load().sets[path].type, decode(document))
        return Row(record, seq, decode(touched) if touched else {})

    def _new_incident(self) -> str:
        self.incidents += 1
        return str(self.incidents)

    # -- what a decision changes

    def _apply(self, change: Change) -> None:
        match change:
            case Put():
                self._put(change)
            case PutEntry():
                self.run.named(
                    "entry_put", tenant=self.tenant, alert=change.alert, source=change.source, product=change.product,
                    native=change.native_id, updated=change.updated, received=change.received,
                    repaired=int(change.repaired), normalised=encode(change.normalised).decode(),
                )  # fmt: skip
                self.run.named(
                    "original_put", tenant=self.tenant, alert=change.alert, source=change.source,
                    data=zlib.compress(change.original, 1),
                )  # fmt: skip
            case PutIncidentKey():
                self.run.named(
                    "incident_key_put",
                    tenant=self.tenant,
                    space=change.space,
                    native=change.native_id,
                    incident=change.incident,
                )
            case Reject():
                self.run.named(
                    "rejected_add", tenant=self.tenant, source=change.source, line=change.line, reason=change.reason,
                    received=change.received, data=zlib.compress(change.original, 1),
                )  # fmt: skip

    def _put(self, change: Put) -> None:
        self.seq += 1
        self.stamp = max(self.now, self.stamp + clock.MICROSECOND)
        record = change.record
        record["lastUpdateDateTime"] = clock.text(self.stamp)
        record["@odata.etag"] = etag(self.seq)
        shape = _shape(change.set.path)
        for name in change.set.choices.filled:
            if record[name] is None:
                raise Fault(f"{change.set.path}/{name} of '{record['id']}' is null, and an order relies on it.")
        shown = record if shape.hide is None else shape.hide(record)
        self.run.plain(shape.write, (
            self.tenant, record["id"], self.seq, encode(shown).decode(),
            None if shown is record else encode(record).decode(),
            encode(change.touched).decode() if change.touched else None,
            self.stamp,  # kept only where the row is new
            *[convert(record[name]) for name, convert in shape.columns],
        ))  # fmt: skip
        if shape.put_words and (change.created or shape.searched.intersection(change.changed)):
            self.run.plain(shape.put_words, (indexed(record, change.set.path), self.tenant, record["id"]))
        self.run.named(
            "event_add", tenant=self.tenant, seq=self.seq, stamp=self.stamp,
            kind="created" if change.created else "updated", entity=change.set.table, id=record["id"],
            changed=encode(change.changed).decode(), cause=change.cause,
        )  # fmt: skip


def etag(seq: int) -> str:
    """The entity tag of the version written under that number."""
    return f'W/"{seq}"'


def new_record(record: Record) -> Record:
    """A record as it is stored the first time: its entity tag leads."""
    return {"@odata.etag": "", **record}


class _Shape:
    """How a set's rows are written, worked out once."""

    def __init__(self, one: EntitySet) -> None:
        self.hide: Callable[[Any], Any] | None = wire.hider(one.type)
        self.columns: list[tuple[str, Encode]] = [(item.name, encoder(item)) for item in one.columns()]
        self.searched = frozenset(one.choices.search)
        self.put_words = put_words(one) if self.searched else ""
        names = [*FIXED, *(name for name, _ in self.columns)]
        listed = ", ".join(map(quoted, names))
        replaced = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in names if name not in _KEPT)
        self.write = (
            f"INSERT INTO {quoted(one.table)} ({listed}) VALUES ({', '.join('?' * len(names))})"
            f" ON CONFLICT (tenant, id) DO UPDATE SET {replaced}"
        )


@cache
def _shape(path: str) -> _Shape:
    return _Shape(load().sets[path])


@cache
def _read(path: str) -> str:
    table = quoted(load().sets[path].table)
    return f'SELECT coalesce("full", doc), seq, touched FROM {table} WHERE tenant = ? AND id = ?'
