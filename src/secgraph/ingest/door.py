"""How reports come in: raw → normalised → checked → identified → decided → stored, five hundred at a time.

There is one door. The server's webhook, the command line and the first start all come through it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import IO

from secgraph import clock
from secgraph.errors import BadBody
from secgraph.extend import AlertDraft, Connector, Raw
from secgraph.ingest.batches import batches
from secgraph.ingest.incident import destination, graver
from secgraph.ingest.merge import merged
from secgraph.ingest.prune import TOO_OLD
from secgraph.ingest.ready import Ready, Taken, blank_incident, ready_of, records
from secgraph.ingest.report import Report
from secgraph.ingest.split import Piece, Unreadable
from secgraph.ingest.state import GOOD, UNREADABLE, UNUSABLE, remember
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import Model
from secgraph.observe import RecordsTaken, observe
from secgraph.store.blank import Blank
from secgraph.store.kept import kept, original_of, packed
from secgraph.store.protocol import (
    Change,
    Deciding,
    Decision,
    Entry,
    Facts,
    Needs,
    Put,
    PutEntry,
    PutIncidentKey,
    PutNew,
    Record,
    Reject,
    Row,
    Store,
)
from secgraph.store.retention import retention, until

AT_ONCE = 32
"""Most alerts of a batch whose rows are read before it is known whether they are needed."""

NOT_EXPANDED = "evidence not expanded"
"""A draft's note: its product left the evidence out of this answer, which does not mean there is none."""


class Door:
    """Takes deliveries of any source into one tenant at a time."""

    def __init__(self, store: Store, model: Model, now: clock.Now) -> None:
        self._store = store
        self._model = model
        self._now = now
        self._alerts = model.sets[ALERTS]

    async def take(
        self,
        tenant: int,
        source: Connector,
        stream: IO[bytes],
        *,
        tick: Callable[[int], None] | None = None,
    ) -> Report:
        """Takes a delivery. `tick` hears of every batch how many records it had."""
        report, began = Report(), self._now()
        async with contextlib.aclosing(batches(source, stream, began)) as found:
            async for batch in found:
                await self._take_batch(tenant, source, batch, report)
                if tick is not None:
                    tick(len(batch))
        return await self._ended(tenant, source, report, began)

    async def take_few(self, tenant: int, source: Connector, found: list[Piece | Unreadable], began: int) -> Report:
        """Takes the records of a small delivery that came at that instant. They are made ready where they are: a change of
        threads would take longer.
        """
        report = Report()
        await self._take_batch(tenant, source, list(records(source, found, began)), report)
        return await self._ended(tenant, source, report, began)

    async def _ended(self, tenant: int, source: Connector, report: Report, began: int) -> Report:
        observe(RecordsTaken(source.name, report.taken, report.unchanged, report.rejected))
        if report.taken or report.unchanged:
            await self.state(tenant, source, GOOD, began, report.example)
        elif report.rejected > report.ignored:
            await self.state(tenant, source, UNREADABLE if report.unreadable == report.rejected else UNUSABLE, began)
        return report

    async def state(self, tenant: int, source: Connector, status: int, began: int, example: Ready | None = None) -> None:
        """Remembers whether a delivery could be taken; one of which nothing could makes its source a failing one."""
        await remember(self._store, tenant, source.name, status, began=began, now=self._now(), example=example)

    async def create(
        self, tenant: int, draft: AlertDraft, original: bytes, *, road: str, cause: str, into: str | None
    ) -> Record:
        """Takes one alert that was made by hand, into an incident of ours or one of its own; gives it as committed. BadBody
        when there is no such incident.
        """
        piece = Piece(Raw(1, original, None, self._now()), repaired=False)
        ready = ready_of(draft, piece, packed(original), set())
        needs = Needs(rows=((INCIDENTS, into),) if into is not None else ())

        def decide(facts: Facts) -> Decision[Record]:
            if into is not None and (INCIDENTS, into) not in facts.rows:
                raise BadBody("createAlertInput/linkToIncident", f"there is no incident {into} in this tenant.")
            turn = _Batch(facts, road, self, cause)
            turn.take(ready, into)
            return Decision(turn.finished(), facts.rows[ALERTS, ready.id].record)

        return await self._store.write(tenant, needs, decide)

    # -- ready → changes

    async def _take_batch(self, tenant: int, source: Connector, batch: list[Taken], report: Report) -> None:
        ready = [one for record in batch for one in record.ready]
        if ready:
            report.example = ready[0]
        kept = until((await retention(self._store, tenant)).alerts, self._now())
        needs = _needs(ready, source.name)
        outcomes = await self._store.write(tenant, needs, lambda facts: self._decide(facts, source, batch, ready, kept))
        for record, changed in zip(batch, outcomes, strict=True):
            if record.refused is not None:
                report.unreadable += record.refused.unreadable
                report.reject(record.line, record.refused.reason, kept=True)
            elif record.ignored:
                report.reject(record.line, record.ignored, kept=False)
                report.ignored += 1
            elif changed is None:
                report.reject(record.line, TOO_OLD, kept=False)
                report.ignored += 1
            elif changed:
                report.taken += 1
            else:
                report.unchanged += 1
            for one in record.ready:
                report.notes.update(one.notes)

    def _decide(
        self, facts: Facts, source: Connector, batch: list[Taken], ready: list[Ready], kept: int | None
    ) -> Deciding[list[bool | None]]:
        """The changes of a whole batch, and for each record whether it changed anything; None for one of which nothing is kept,
        since all in it was over before that instant.
        """
        if len(ready) > AT_ONCE:
            news = {(ALERTS, one.id): None for one in ready if not _said(facts, one, source.name)}
            yield Needs(tuple(news), around=True)
        turn = _Batch(facts, source.name, self, f"source:{source.name}")
        outcomes: list[bool | None] = []
        for record in batch:
            refused = record.refused
            if refused is not None:
                turn.changes.append(Reject(source.name, record.line, refused.reason, record.received, refused.data))
            fresh = [one for one in record.ready if not one.was_over(kept) or turn.knows(one)]
            changed = sum(map(turn.take, fresh)) > 0  # all of them, not only up to the first that changed
            outcomes.append(None if record.ready and not fresh else changed)
        return Decision(turn.finished(), outcomes)

    # -- what a batch asks of the door

    @property
    def triage(self) -> tuple[str, ...]:
        """Members on which a person's word stands."""
        return self._alerts.choices.triage

    def put(self, path: str, row: Row, changed: tuple[str, ...], *, created: bool, cause: str) -> Put:
        """The change that writes a row."""
        return Put(self._model.sets[path], row.record, changed, created=created, touched=row.touched, cause=cause)

    def new(self, path: str, key: str, made: Blank, row: Row, *, incident: str | None = None, cause: str) -> PutNew:
        """The change that writes a row which was written down before the turn."""
        return PutNew(self._model.sets[path], key, made, row, incident, cause)


def _needs(ready: list[Ready], source: str) -> Needs:
    """What a batch has to see first. Of many alerts the rows come later, where the source does not say what it said last."""
    entries = tuple({(one.id, source): None for one in ready})
    incidents = tuple({one.incident: None for one in ready if one.incident is not None})
    if len(ready) > AT_ONCE:
        return Needs(entries=entries, incidents=incidents)
    return Needs(tuple((ALERTS, key) for key, _ in entries), entries, incidents, around=True)


def _said(facts: Facts, one: Ready, source: str) -> bool:
    """Whether this is what the source said last."""
    entry = facts.entries.get((one.id, source))
    return entry is not None and entry.kept.digest == one.digest


class _Batch:
    """The decisions of one batch; later records see what earlier ones decided."""

    def __init__(self, facts: Facts, source: str, door: Door, cause: str) -> None:
        self.facts = facts
        self.source = source
        self.cause = cause
        self.door = door
        self.changes: list[Change] = []
        self.grown: dict[str, list[str]] = {}

    def knows(self, one: Ready) -> bool:
        """Whether the alert is here."""
        return (ALERTS, one.id) in self.facts.rows or (one.id, self.source) in self.facts.entries

    def take(self, one: Ready, into: str | None = None) -> bool:
        """Decides one alert; whether its row changed. `into` is the incident it belongs to, when who raised it knows."""
        entry = self.facts.entries.get((one.id, self.source))
        if entry is not None and entry.kept.digest == one.digest:
            return False
        row = self.facts.rows.get((ALERTS, one.id))
        packs = one.kept
        if row is not None:
            record, before = one.record, None if entry is None else entry.kept.record
            if before is not None and NOT_EXPANDED in one.notes:
                record = {**record, "evidence": before["evidence"]}
                packs = kept(record, original_of(one.original))
            if before == record:
                return False
            if entry is not None and one.updated is not None and entry.updated is not None and one.updated < entry.updated:
                return False  # an older version arriving late
            told = one.updated if one.updated is not None else one.received
            updated, members = merged(row, before, record, told=told, triage=self.door.triage)
            changed = bool(members)
            if changed:
                row.record = updated
                self.changes.append(self.door.put(ALERTS, row, members, created=False, cause=self.cause))
                self._raise_severity(updated["incidentId"], updated["severity"], joined=False)
        else:
            self._open(one, into)
            changed = True
        self.facts.entries[one.id, self.source] = Entry(one.updated, packs)
        self.changes.append(PutEntry(
            one.id, self.source, one.product, one.native_id, one.updated, one.received, one.repaired, packs,
        ))  # fmt: skip
        return changed

    def _open(self, one: Ready, into: str | None) -> None:
        """A new alert, in the incident its source names, or where that was merged into, or in one of its own."""
        key = one.incident
        incident = into or (self.facts.incidents.get(key) if key is not None else None)
        if incident is not None:
            incident = destination(self.facts.rows, incident)
        if incident is None or (INCIDENTS, incident) not in self.facts.rows:
            incident = self._open_incident(one)
            if key is not None:
                self.facts.incidents[key] = incident
                self.changes.append(PutIncidentKey(*key, incident))
        else:
            self._raise_severity(incident, one.severity, joined=True)
        row = Row(partial(one.alert.record, id=one.id, tenantId=self.facts.tenant_id, incidentId=incident), 0)
        self.facts.rows[ALERTS, one.id] = row
        self.changes.append(self.door.new(ALERTS, one.id, one.alert, row, incident=incident, cause=self.cause))

    def _open_incident(self, one: Ready) -> str:
        """A new incident around an alert."""
        incident = self.facts.new_incident()
        made = one.opens or blank_incident(one.record)
        row = Row(partial(made.record, id=incident, tenantId=self.facts.tenant_id), 0)
        self.facts.rows[INCIDENTS, incident] = row
        self.changes.append(self.door.new(INCIDENTS, incident, made, row, cause=self.cause))
        return incident

    def _raise_severity(self, incident: str, severity: str, *, joined: bool) -> None:
        """An incident is as grave as its gravest alert, unless a person said otherwise; and it tells who joined."""
        row = self.facts.rows.get((INCIDENTS, incident))
        if row is None:
            return
        members = self.grown.setdefault(incident, [])
        if joined and "alerts" not in members:
            members.append("alerts")
        gravest = graver(row.record["severity"], severity)
        if gravest != row.record["severity"] and "severity" not in row.touched:
            row.record = {**row.record, "severity": gravest}
            if "severity" not in members:
                members.append("severity")

    def finished(self) -> list[Change]:
        """All changes; an incident that several alerts joined is written once, after them."""
        for incident, members in self.grown.items():
            if members:
                row = self.facts.rows[INCIDENTS, incident]
                self.changes.append(self.door.put(INCIDENTS, row, tuple(members), created=False, cause=self.cause))
        return self.changes
