"""What a turn makes of the alerts of a delivery: new ones and other versions, the incidents they are in, what is kept of each.

Pure: later alerts see what was decided of earlier ones.
"""

from __future__ import annotations

from functools import partial

import msgspec

from secgraph.ingest.assessment.outline import outline, packed, unpacked
from secgraph.ingest.back import COMMENTS, MEMBERS
from secgraph.ingest.correlate.pack import keys_of, pack, unpack
from secgraph.ingest.correlate.subject import subject
from secgraph.ingest.correlate.terms import Terms
from secgraph.ingest.desk import Desk
from secgraph.ingest.entities import entities
from secgraph.ingest.evidence import Scope
from secgraph.ingest.follow import Following
from secgraph.ingest.incident import destination
from secgraph.ingest.looked import Looked, looked
from secgraph.ingest.merge import disputed, joined, joined_bytes, merged
from secgraph.ingest.objects import Known, decided
from secgraph.ingest.placing import Asking, Placing
from secgraph.ingest.ready import Ready, blank_incident
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store.facts import Entry, Facts, Needs, Record, Row
from secgraph.store.found import Found
from secgraph.store.kept import Kept, kept, original_of
from secgraph.store.protocol import Change, Note, Put, PutEntry, PutFound, PutIncidentKey, PutNew

NOT_EXPANDED = "evidence not expanded"
"""A draft's note: its product left the evidence out of this answer, which does not mean there is none."""


OVERTAKEN = frozenset(MEMBERS) - {COMMENTS}
"""Members that are one value: where a source changed them since, a person's value does not go to the product any more."""


class Batch:
    """The decisions of one batch."""

    def __init__(self, facts: Facts, source: str, cause: str, terms: Terms) -> None:
        self.facts = facts
        self.changes: list[Change] = []
        self._source = source
        self._cause = cause
        self._terms = terms
        self._desk = Desk(facts, cause)
        self._placing = Placing(facts, terms, self._desk)
        self._following = Following(facts, self._desk, self._placing)
        self._sets = load().sets
        self._looked: dict[str, Looked] = {}

    def knows(self, one: Ready) -> bool:
        """Whether the alert is here."""
        return (ALERTS, one.id) in self.facts.rows or (one.id, self._source) in self.facts.entries

    def look(self, alerts: list[Ready], found: dict[str, Looked]) -> Asking[None]:
        """Finds out, for all new alerts at once, with which others they belong together. `found` says by what others are looked
        for, of those of whom that is known already.
        """
        for one in alerts:
            if not self.knows(one) and one.id not in self._looked:
                self._looked[one.id] = found.get(one.id) or looked_for(one, self._terms)
        yield from self._placing.look(self._looked.values())

    def make(self, one: Ready, into: str | None) -> Asking[None]:
        """Takes an alert that a person made into an incident that is there, or into one of its own: they said where it belongs,
        and only what comes after it may find it there.
        """
        self._looked[one.id] = looked_for(one, self._terms).alone
        yield from self._open(one, into)
        self._keep(one, one.kept)

    def take(self, one: Ready) -> Asking[bool]:
        """Decides one alert; whether its row changed."""
        entry = self.facts.entries.get((one.id, self._source))
        if entry is not None and entry.kept.digest == one.digest:
            return False
        row = self.facts.rows.get((ALERTS, one.id))
        packs, changed = one.kept, True
        if row is None:
            yield from self._open(one)
        else:
            record, before = one.record, None if entry is None else entry.kept.record
            late = entry is not None and one.updated is not None and entry.updated is not None and one.updated < entry.updated
            if entry is not None and before is not None and one.adds:
                record = joined(before, {**record, **{name: before[name] for name in one.left}}, late=late)
                earlier = original_of(entry.kept.original) if entry.kept.original else b""  # it may have been taken away
                packs = kept(record, joined_bytes(earlier, original_of(one.original)))
                if late:
                    one, late = msgspec.structs.replace(one, updated=entry.updated), False
            if before is not None and NOT_EXPANDED in one.notes:
                record = {**record, "evidence": before["evidence"]}
                packs = kept(record, original_of(one.original))
            if before == record:
                return False
            if late:
                return False  # an older version arriving late
            changed = yield from self._change(one, row, record, before)
        self._keep(one, packs)
        return changed

    def tell(self, one: Known) -> bool:
        """Decides one object that is no alert; whether its row changed."""
        change = decided(self.facts, one, self._cause)
        if change is not None:
            self.changes.append(change)
        return isinstance(change, Put)

    def find(self, found: list[Found], scopes: list[Scope]) -> bool:
        """Decides the evidence of a record; whether any of it says something new."""
        known = self.facts.found
        new = [one for one in found if (one.says(known[one.key]) if one.key in known else one.stands)]
        known.update((one.key, one) for one in new)
        if new or scopes:
            self.changes.append(PutFound(new, scopes))
        return bool(new)

    def _keep(self, one: Ready, packs: Kept) -> None:
        self.facts.entries[one.id, self._source] = Entry(one.updated, packs, one.native_id)
        self.changes.append(PutEntry(
            one.id, self._source, one.product, one.native_id, one.updated, one.received, one.repaired, packs,
        ))  # fmt: skip

    # -- another version

    def _change(self, one: Ready, row: Row, record: Record, before: Record | None) -> Asking[bool]:
        """Another version of an alert that is there; whether its row changed."""
        told = one.updated if one.updated is not None else one.received
        triage = self._sets[ALERTS].choices.triage
        if disputed(row, before, record, told=told, triage=triage):
            yield Needs(sent=(one.id,))
        sent = self.facts.sent.get(one.id, {})
        updated, members = merged(row, before, record, told=told, triage=triage, adds=one.adds, sent=sent)
        if not members:
            return False
        row.record = updated
        overtakes = tuple(name for name in members if name in row.touched and name in OVERTAKEN) if row.touched else ()
        put = Put(self._sets[ALERTS], updated, members, touched=row.touched, cause=self._cause, overtakes=overtakes)
        self.changes.append(put)
        yield from self._again(one.id, updated, put.note)
        if "status" in members:
            self._following.turns(row.record["incidentId"], one.id, resolved=updated["status"] == "resolved")
        return True

    def _again(self, key: str, record: Record, note: Note) -> Asking[None]:
        """Judges an alert once more, where what is judged of it is not what it was, which is noted; the incident it is in stays
        its own.
        """
        known, home = self.facts.subjects.get(key), record["incidentId"]
        if home is None or (INCIDENTS, home) not in self.facts.rows:
            return
        seen = subject(key, record, entities(record))
        one = looked(seen, pack(seen), keys_of(seen), packed(outline(seen, {})), self._terms, self.facts.now)
        if known is not None and known.data == one.data:
            return
        note["was"] = None if known is None else known.data
        placement = yield from self._placing.place(one, home, closed=record["status"] == "resolved")
        incident = placement.incident or home
        if incident != home:
            self._desk.move(key, incident)
        self.changes.append(self._placing.joined(one, incident, placement, new=known is None))

    # -- a new alert

    def _open(self, one: Ready, into: str | None = None) -> Asking[None]:
        """A new alert, in the incident its source names, or where that was merged into, or where it belongs with others, or in
        one of its own.
        """
        key = one.incident
        home = into or (self.facts.incidents.get(key) if key is not None else None)
        if home is not None:
            home = destination(self.facts.rows, home)
        if home is not None and (INCIDENTS, home) not in self.facts.rows:
            home = None
        seen = self._looked.get(one.id) or looked_for(one, self._terms)
        placement = yield from self._placing.place(seen, home, closed=one.closed)
        incident = placement.incident
        if incident is None:
            incident = self._open_incident(one)
            self._following.opens(incident, one.id, resolved=one.closed)
        else:
            self._desk.touch(incident)
            self._following.joins(incident, one.id, resolved=one.closed)
        if key is not None and home is None:
            self.facts.incidents[key] = incident
            self.changes.append(PutIncidentKey(*key, incident))
        row = Row(partial(one.alert.record, id=one.id, tenantId=self.facts.tenant_id, incidentId=incident), 0)
        self.facts.rows[ALERTS, one.id] = row
        note = {**({"home": home} if home is not None else {}), **({"closed": True} if one.closed else {})}
        self.changes.append(PutNew(self._sets[ALERTS], one.id, one.alert, row, incident, self._cause, note))
        self.changes.append(self._placing.joined(seen, incident, placement, new=True))

    def _open_incident(self, one: Ready) -> str:
        """A new incident around an alert."""
        incident = self.facts.new_incident()
        made = one.opens or blank_incident(one.record, unpacked(one.says))
        row = Row(partial(made.record, id=incident, tenantId=self.facts.tenant_id), 0)
        self.facts.rows[INCIDENTS, incident] = row
        self.changes.append(PutNew(self._sets[INCIDENTS], incident, made, row, cause=self._cause))
        return incident

    def finished(self) -> Asking[list[Change]]:
        """All changes; an incident that several alerts joined is written once, after them."""
        yield from self._following.follow()
        self._desk.retell(self._placing.cases)
        return [*self.changes, *self._desk.changes(), *self._placing.cases.changes()]


def looked_for(one: Ready, terms: Terms) -> Looked:
    """By what others are looked for of an alert that was made ready."""
    subject = unpack(one.id, terms.snapshot.v, one.subject)
    return looked(subject, one.subject, one.keys, one.says, terms, one.received)
