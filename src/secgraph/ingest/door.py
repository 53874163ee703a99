"""How reports come in: raw → normalised → checked → identified → decided → stored, five hundred at a time.

There is one door. The server's webhook, the command line and the first start all come through it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

from secgraph import clock
from secgraph.errors import BadBody
from secgraph.extend import AlertDraft, Connector, NotAnAlert, Raw, Unusable
from secgraph.ingest.incident import destination, graver, opened
from secgraph.ingest.merge import merged
from secgraph.ingest.prune import TOO_OLD, was_over
from secgraph.ingest.report import Report
from secgraph.ingest.split import Piece, Unreadable, pieces
from secgraph.ingest.state import GOOD, UNREADABLE, UNUSABLE, remember
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import Model
from secgraph.model.legacy import TAGS
from secgraph.model.value import clean
from secgraph.observe import RecordsTaken, observe
from secgraph.odata.search import indexed
from secgraph.store.kept import Kept, kept
from secgraph.store.protocol import (
    Change,
    Decision,
    Entry,
    Facts,
    Needs,
    Put,
    PutEntry,
    PutIncidentKey,
    Record,
    Reject,
    Row,
    Store,
)
from secgraph.store.retention import retention, until
from secgraph.store.turn import new_record

BATCH = 500
"""Records that share one transaction."""

NOT_EXPANDED = "evidence not expanded"
"""A draft's note: its product left the evidence out of this answer, which does not mean there is none."""

_SAFE_ID = re.compile(r"[a-z0-9][a-z0-9_.\-]{3,127}")


@dataclass(slots=True)
class _Ready:
    """A draft that passed the check."""

    id: str
    draft: AlertDraft
    record: Record
    piece: Piece
    kept: Kept
    words: str
    into: str | None = None
    """The incident of ours that it belongs to, when who raised it knows."""


@dataclass(slots=True)
class _Record:
    """One record of the delivery: its drafts, or why there are none."""

    line: int
    ready: list[_Ready]
    refusal: Reject | None = None
    ignored: str = ""
    unreadable: bool = False


def identity(product: str, native_id: str, prefixes: tuple[str, ...]) -> str:
    """The alert's id: a stable function of product and native id, in lower case, safe in a URL.

    A native id of a Microsoft product that carries one of its marks already is the id which the product's own portal shows
    and stays as it is, so that links and scripts agree. Any other is hashed behind the first mark: the marks of all other
    products (`vendor/product`) were given out by nobody, and two of them may share one.
    """
    folded = native_id.casefold()
    if "/" not in product and prefixes and folded.startswith(prefixes) and _SAFE_ID.fullmatch(folded):
        return folded
    digest = hashlib.sha256(f"{product}\x1f{native_id}".encode("utf-8", "replace")).hexdigest()
    return f"{prefixes[0] if prefixes else 'xx'}{digest[:32]}"


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
        small: bool = False,
    ) -> Report:
        """Takes a delivery. `tick` hears of every batch how many records it had; a `small` one is read where it is, since
        a change of threads would take longer than reading it.
        """
        report, began = Report(), self._now()
        records = self._records(stream, source)
        if small:
            await self._take_batch(tenant, source, list(records), report)
        else:
            await self._take_large(tenant, source, records, report, tick)
        observe(RecordsTaken(source.name, report.taken, report.unchanged, report.rejected))
        if report.taken or report.unchanged:
            await self.state(tenant, source, GOOD, began, report.example)
        elif report.rejected > report.ignored:
            await self.state(tenant, source, UNREADABLE if report.unreadable == report.rejected else UNUSABLE, began)
        return report

    async def state(self, tenant: int, source: Connector, status: int, began: int, example: Record | None = None) -> None:
        """Remembers whether a delivery could be taken; one of which nothing could makes its source a failing one."""
        await remember(self._store, tenant, source.name, status, began=began, now=self._now(), example=example)

    async def create(
        self, tenant: int, draft: AlertDraft, original: bytes, *, road: str, cause: str, into: str | None
    ) -> Record:
        """Takes one alert that was made by hand, into an incident of ours or one of its own; gives it as committed. BadBody
        when there is no such incident.
        """
        ready = self._checked(draft, Piece(Raw(1, original, None, self._now()), repaired=False))
        ready.into = into
        needs = Needs(rows=((INCIDENTS, into),) if into is not None else ())

        def decide(facts: Facts) -> Decision[Record]:
            if into is not None and (INCIDENTS, into) not in facts.rows:
                raise BadBody("createAlertInput/linkToIncident", f"there is no incident {into} in this tenant.")
            turn = _Batch(facts, road, self, cause)
            turn.take(ready)
            return Decision(turn.finished(), facts.rows[ALERTS, ready.id].record)

        return await self._store.write(tenant, needs, decide)

    async def _take_large(
        self,
        tenant: int,
        source: Connector,
        records: Iterator[_Record],
        report: Report,
        tick: Callable[[int], None] | None,
    ) -> None:
        """Batch after batch, the next one read in a thread while this one is written."""

        def read() -> list[_Record]:
            return list(islice(records, BATCH))

        batch = await asyncio.to_thread(read)
        while batch:
            reading = asyncio.create_task(asyncio.to_thread(read))
            try:
                await self._take_batch(tenant, source, batch, report)
            finally:
                following = await reading  # a generator is not left running behind the delivery's back
            if tick is not None:
                tick(len(batch))
            batch = following

    # -- raw → ready

    def _records(self, stream: IO[bytes], source: Connector) -> Iterator[_Record]:
        received = self._now()
        for piece in pieces(stream, source, received):
            if isinstance(piece, Unreadable):
                refusal = Reject(source.name, piece.line, piece.reason, received, piece.data)
                yield _Record(piece.line, [], refusal, unreadable=True)
            else:
                yield self._ready(piece, source)

    def _ready(self, piece: Piece, source: Connector) -> _Record:
        raw = piece.raw
        try:
            ready = [self._checked(draft, piece) for draft in source.normalise(raw)]
        except NotAnAlert as reason:
            return _Record(raw.line, [], ignored=clean(str(reason)))
        except Unusable as reason:
            return _Record(raw.line, [], Reject(source.name, raw.line, clean(str(reason)), raw.received, raw.data))
        if not ready:
            return _Record(raw.line, [], ignored="no alert in it")
        return _Record(raw.line, ready)

    def _checked(self, draft: AlertDraft, piece: Piece) -> _Ready:
        alert = draft.alert
        if not draft.native_id or not draft.product:
            raise Unusable("it has no id")
        raw = piece.raw
        created = alert.get("createdDateTime")
        if not isinstance(created, str):
            created = clock.text(draft.updated or raw.received)
        record, notes = from_source(self._alerts.type, alert, created)
        if record["createdDateTime"] is None:
            record["createdDateTime"] = clock.text(draft.updated or raw.received)
        record["providerAlertId"] = record["providerAlertId"] or clean(draft.native_id)
        for name, default in self._alerts.choices.defaults.items():
            if record[name] is None or (name not in alert and record[name] == "unknown"):
                record[name] = default
        if record["additionalData"]:
            record["additionalData"].pop(TAGS, None)  # ours: what a person wrote there
        for item in record["evidence"]:
            if item["createdDateTime"] is None:
                item["createdDateTime"] = record["createdDateTime"]
        if draft.notes:
            notes.update(draft.notes)
        key = identity(draft.product, draft.native_id, draft.prefixes)
        # What the record was read into is let go: a batch holds hundreds of them, and walking over them is dear.
        noted = AlertDraft(draft.product, draft.native_id, {}, draft.prefixes, draft.updated, draft.incident, tuple(notes))
        bare = Piece(Raw(raw.line, raw.data, None, raw.received), piece.repaired)
        # Packed and cut into words here: in the turn every other write of the tenant would wait for it.
        return _Ready(key, noted, record, bare, kept(record, raw.data), indexed(record, ALERTS))

    # -- ready → changes

    async def _take_batch(self, tenant: int, source: Connector, batch: list[_Record], report: Report) -> None:
        ready = [one for record in batch for one in record.ready]
        if ready:
            report.example = ready[0].record
        needs = Needs(
            rows=tuple({(ALERTS, one.id): None for one in ready}),
            entries=tuple({(one.id, source.name): None for one in ready}),
            incidents=tuple({one.draft.incident: None for one in ready if one.draft.incident is not None}),
            around=True,
        )
        kept = until((await retention(self._store, tenant)).alerts, self._now())
        outcomes = await self._store.write(tenant, needs, lambda facts: self._decide(facts, source, batch, kept))
        for record, changed in zip(batch, outcomes, strict=True):
            if record.refusal is not None:
                report.unreadable += record.unreadable
                report.reject(record.line, record.refusal.reason, kept=True)
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
                report.notes.update(one.draft.notes)

    def _decide(self, facts: Facts, source: Connector, batch: list[_Record], kept: int | None) -> Decision[list[bool | None]]:
        """The changes of a whole batch, and for each record whether it changed anything; None for one of which nothing is kept,
        since all in it was over before that instant.
        """
        turn = _Batch(facts, source.name, self, f"source:{source.name}")
        outcomes: list[bool | None] = []
        for record in batch:
            if record.refusal is not None:
                turn.changes.append(record.refusal)
            fresh = [
                one for one in record.ready
                if (ALERTS, one.id) in facts.rows or not was_over(one.record, one.draft.updated, kept)
            ]  # fmt: skip
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


class _Batch:
    """The decisions of one batch; later records see what earlier ones decided."""

    def __init__(self, facts: Facts, source: str, door: Door, cause: str) -> None:
        self.facts = facts
        self.source = source
        self.cause = cause
        self.door = door
        self.changes: list[Change] = []
        self.grown: dict[str, list[str]] = {}

    def take(self, one: _Ready) -> bool:
        """Decides one alert; whether its row changed."""
        row = self.facts.rows.get((ALERTS, one.id))
        entry = self.facts.entries.get((one.id, self.source))
        draft, record, packed = one.draft, one.record, one.kept
        before = None
        if entry is not None:
            if entry.kept.digest == packed.digest:
                return False
            before = entry.kept.record
            if NOT_EXPANDED in draft.notes:
                record = {**record, "evidence": before["evidence"]}
                packed = kept(record, one.piece.raw.data)
            if before == record:
                return False
            if draft.updated is not None and entry.updated is not None and draft.updated < entry.updated:
                return False  # an older version arriving late
        if row is None:
            self._open(one)
            changed = True
        else:
            told = draft.updated if draft.updated is not None else one.piece.raw.received
            updated, members = merged(row, before, record, told=told, triage=self.door.triage)
            changed = bool(members)
            if changed:
                row.record = updated
                self.changes.append(self.door.put(ALERTS, row, members, created=False, cause=self.cause))
                self._raise_severity(row.record, joined=False)
        self.facts.entries[one.id, self.source] = Entry(draft.updated, packed)
        self.changes.append(PutEntry(
            one.id, self.source, draft.product, clean(draft.native_id), draft.updated, one.piece.raw.received,
            one.piece.repaired, packed,
        ))  # fmt: skip
        return changed

    def _open(self, one: _Ready) -> None:
        """A new alert, in the incident its source names, or where that was merged into, or in one of its own."""
        record = new_record(one.record)
        record["id"], record["tenantId"] = one.id, self.facts.tenant_id
        key = one.draft.incident
        incident = one.into or (self.facts.incidents.get(key) if key is not None else None)
        if incident is not None:
            incident = destination(self.facts.rows, incident)
        if incident is None or (INCIDENTS, incident) not in self.facts.rows:
            incident = self.facts.new_incident()
            fresh = Row(opened(incident, record, self.facts.tenant_id), 0)
            self.facts.rows[INCIDENTS, incident] = fresh
            self.changes.append(self.door.put(INCIDENTS, fresh, (), created=True, cause=self.cause))
            if key is not None:
                self.facts.incidents[key] = incident
                self.changes.append(PutIncidentKey(*key, incident))
            record["incidentId"] = incident
        else:
            record["incidentId"] = incident
            self._raise_severity(record, joined=True)
        row = Row(record, 0)
        self.facts.rows[ALERTS, one.id] = row
        put = self.door.put(ALERTS, row, (), created=True, cause=self.cause)
        put.words = one.words
        self.changes.append(put)

    def _raise_severity(self, alert: Record, *, joined: bool) -> None:
        """An incident is as grave as its gravest alert, unless a person said otherwise; and it tells who joined."""
        incident = alert["incidentId"]
        row = self.facts.rows.get((INCIDENTS, incident))
        if row is None:
            return
        members = self.grown.setdefault(incident, [])
        if joined and "alerts" not in members:
            members.append("alerts")
        gravest = graver(row.record["severity"], alert["severity"])
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
