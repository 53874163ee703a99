"""How reports come in: raw → normalised → checked → identified → decided → stored, five hundred at a time.

There is one door. The server's webhook, the command line and the first start all come through it.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import IO

from secgraph import clock
from secgraph.errors import BadBody
from secgraph.extend import AlertDraft, Connector, Raw
from secgraph.ingest.assets.known import Assets
from secgraph.ingest.batch import Batch, looked_for
from secgraph.ingest.batches import BATCH, batches, portions
from secgraph.ingest.correlate.terms import Keeper, Terms
from secgraph.ingest.feeds.health import Health
from secgraph.ingest.looked import Looked
from secgraph.ingest.prune import TOO_OLD
from secgraph.ingest.ready import Ready, Taken, ready_of, records
from secgraph.ingest.report import Report
from secgraph.ingest.scored import USUAL, Scorer
from secgraph.ingest.split import Piece, Unreadable
from secgraph.ingest.state import GOOD, UNREADABLE, UNUSABLE, remember
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import Model
from secgraph.observe import RecordsTaken, observe
from secgraph.score.scoring import Limits
from secgraph.store.facts import Facts, Needs, Record
from secgraph.store.fence import Fenced
from secgraph.store.kept import packed
from secgraph.store.protocol import Answer, Deciding, Decision, Fence, Reject, Store
from secgraph.store.retention import retention, until
from secgraph.store.shape import shape

_CREATED = [name for name, _ in shape(ALERTS).columns].index("createdDateTime")
"""Which column of an alert says when it was made."""

AT_ONCE = 32
"""Most alerts of a batch whose rows are read before it is known whether they are needed."""


class Door:
    """Takes deliveries of any source into one tenant at a time."""

    def __init__(self, store: Store, model: Model, now: clock.Now, limits: Limits = USUAL) -> None:
        self._store = store
        self._model = model
        self._now = now
        self.scorer = Scorer(store, model, limits, now)
        """The scores, which evidence that comes in here changes."""
        self.health = Health(store, now)
        """How the sources fare whose records come through here, or whom this process asks."""
        self.assets = Assets(store, now)
        """The inventories by which alerts are judged, too."""
        self._keeper = Keeper(store, self.assets)

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

    async def take_records(self, tenant: int, source: Connector, data: Sequence[bytes], began: int) -> Report:
        """Takes records that its product was asked for, each as it was sent."""
        report = Report()
        async with contextlib.aclosing(portions(source, data, began)) as found:
            async for batch in found:
                await self._take_batch(tenant, source, batch, report)
        return await self._ended(tenant, source, report, began)

    def behind(self, fence: Fence) -> Door:
        """The same door; what is taken through it is written behind a fence."""
        made = copy.copy(self)
        made._store = Fenced(self._store, fence)  # noqa: SLF001 -- it is its own
        made.scorer = self.scorer.behind(made._store)  # noqa: SLF001
        return made

    async def take_some(self, tenant: int, source: Connector, found: Iterable[Piece | Unreadable], began: int) -> Report:
        """Takes records that came at that instant, a batch or so of them; they are read and made ready in another thread."""
        report, ready = Report(), records(source, found, began)
        while batch := await asyncio.to_thread(lambda: list(islice(ready, BATCH))):
            await self._take_batch(tenant, source, batch, report)
        return await self._ended(tenant, source, report, began)

    async def _ended(self, tenant: int, source: Connector, report: Report, began: int) -> Report:
        if report.evidence:
            await self.scorer.refresh(tenant)
        observe(RecordsTaken(source.name, report.taken, report.unchanged, report.rejected))
        self.health.taken(tenant, source.name, report, report.newest)
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

        def decide(facts: Facts, terms: Terms) -> Deciding[Record]:
            if into is not None and (INCIDENTS, into) not in facts.rows:
                raise BadBody("createAlertInput/linkToIncident", f"there is no incident {into} in this tenant.")
            batch = Batch(facts, road, cause, terms)
            yield from batch.make(ready, into)
            changes = yield from batch.finished()
            return Decision(changes, facts.rows[ALERTS, ready.id].record)

        return await self._judging(tenant, lambda _: needs, decide)

    async def _judging(
        self, tenant: int, needs: Callable[[Terms], Needs], decide: Callable[[Facts, Terms], Deciding[Answer]]
    ) -> Answer:
        """The answer of a decision that goes by a tenant's terms; where the turn finds others, it is made again by those."""
        terms = await self._keeper.terms(tenant)
        while True:
            found = await self._store.write(tenant, needs(terms), partial(_by, terms, decide))
            if found is not None:
                return found[0]
            terms = await self._keeper.terms(tenant, known=terms)

    # -- ready → changes

    async def _take_batch(self, tenant: int, source: Connector, batch: list[Taken], report: Report) -> None:
        ready = [one for record in batch for one in record.ready]
        if ready:
            report.example = ready[0]
            report.newest = max(report.newest, *(one.alert.columns[_CREATED] or 0 for one in ready))
        found: dict[str, Looked] = {}
        kept = until((await retention(self._store, tenant)).alerts, self._now())
        objects = tuple({(one.set, one.id): None for record in batch for one in record.objects})
        evidence = tuple({one.key: None for record in batch for one in record.found})
        outcomes = await self._judging(
            tenant, lambda terms: _needs(ready, source.name, terms, found, objects, evidence),
            lambda facts, terms: self._decide(facts, source, batch, ready, kept, terms, found),
        )  # fmt: skip
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
            for notes in (*(one.notes for one in record.ready), *(known.notes for known in record.objects), record.notes):
                report.notes.update(notes)
            report.evidence += len(record.found)
            if record.found and max(one.at for one in record.found) <= self.scorer.limits.since(record.received):
                report.notes.update(("made so long ago that it does not count in the secure score",))

    def _decide(
        self, facts: Facts, source: Connector, batch: list[Taken], ready: list[Ready], kept: int | None, terms: Terms,
        found: dict[str, Looked],
    ) -> Deciding[list[bool | None]]:  # fmt: skip
        """The changes of a whole batch, and for each record whether it changed anything; None for one of which nothing is kept,
        since all in it was over before that instant.
        """
        if len(ready) > AT_ONCE:
            news = {one.id: None for one in ready if not _said(facts, one, source.name)}
            yield Needs(tuple((ALERTS, key) for key in news), around=True, subjects=tuple(news))
        made = Batch(facts, source.name, f"source:{source.name}", terms)
        fresh = [[one for one in record.ready if not one.was_over(kept) or made.knows(one)] for record in batch]
        yield from made.look([one for taken in fresh for one in taken], found)
        outcomes: list[bool | None] = []
        for record, taken in zip(batch, fresh, strict=True):
            refused = record.refused
            if refused is not None:
                made.changes.append(Reject(source.name, record.line, refused.reason, record.received, refused.data))
            changed = False
            for one in taken:
                changed = (yield from made.take(one)) or changed
            for known in record.objects:
                changed = made.tell(known) or changed
            if record.found or record.scopes:
                changed = made.find(record.found, record.scopes) or changed
            nothing = record.ready and not taken and not record.objects and not record.found
            outcomes.append(None if nothing else changed)
        changes = yield from made.finished()
        return Decision(changes, outcomes)


def _by(terms: Terms, decide: Callable[[Facts, Terms], Deciding[Answer]], facts: Facts) -> Deciding[tuple[Answer] | None]:
    """The decision by these terms, as long as they are what holds; None where they are not."""
    if facts.terms != terms.number:
        return Decision((), None)
    decision = yield from decide(facts, terms)
    return Decision(decision.changes, (decision.answer,))


def _needs(
    ready: list[Ready],
    source: str,
    terms: Terms,
    found: dict[str, Looked],
    objects: tuple[tuple[str, str], ...] = (),
    evidence: tuple[str, ...] = (),
) -> Needs:
    """What a batch has to see first; of a few alerts also, in `found`, by what others are looked for. Of many alerts the rows
    come later, where the source does not say what it said last.
    """
    entries = tuple({(one.id, source): None for one in ready})
    incidents = tuple({one.incident: None for one in ready if one.incident is not None})
    found.clear()
    if len(ready) > AT_ONCE:
        return Needs(objects, entries, incidents, found=evidence)
    first = {one.id: one for one in reversed(ready)}  # of several versions of an alert, the one that is taken as new
    found.update((one.id, looked_for(one, terms)) for one in first.values())
    return Needs(
        (*((ALERTS, key) for key, _ in entries), *objects), entries, incidents, around=True,
        subjects=tuple(key for key, _ in entries), found=evidence,
        near=tuple({near: None for one in found.values() for near in one.near.values()}),
    )  # fmt: skip


def _said(facts: Facts, one: Ready, source: str) -> bool:
    """Whether this is what the source said last."""
    entry = facts.entries.get((one.id, source))
    return entry is not None and entry.kept.digest == one.digest
