"""A store whose documents have their lists again that are kept entry by entry (`woven.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from secgraph import clock
from secgraph.access.narrow import Scoped, ScopedKey, instead
from secgraph.errors import Busy
from secgraph.model.edm import EntitySet
from secgraph.odata.query import Query
from secgraph.store import woven
from secgraph.store.before import Before
from secgraph.store.protocol import Key, Page, Store
from secgraph.store.sift import BY_ID, Candidate, Sifter

LARGE = 256 * 1024
"""Bytes that are woven in a thread: on the event loop they would hold up the others."""

PORTION = 50
"""Documents that are woven at a time where all are looked at."""

TRIES = 5
"""How often documents are read that change meanwhile: today's score is, by whoever hands evidence in."""


class Weaving(Before):
    """The same store. A page has no more rows than fit into `enough` bytes, and one at least: lists are large, and what does
    not fit is woven for nobody.

    Documents and entries are two readings. A document changes with its entries, in one commit; so the entries are those of the
    documents where these are read as they were before.
    """

    def __init__(self, store: Store, now: clock.Now, *, enough: int, deadline: float) -> None:
        super().__init__(store)
        self._enough = enough
        self._sifter = Sifter(now, deadline=deadline)

    async def find(self, scoped: Scoped, after: Key | None = None) -> Page:
        """One page. Busy where the rows change faster than they are read."""
        query = scoped.query
        if woven.judged(query):
            return await self._sifter.page(query, partial(self._candidates, scoped), after, ordered=False)
        page = await self._store.find(scoped, after)
        return await self._whole(scoped, after, page) if woven.needs(query) else page

    async def count(self, scoped: Scoped) -> int:
        """How many rows answer the query, whatever its page."""
        if woven.judged(scoped.query):
            return await self._sifter.count(scoped.query, partial(self._candidates, scoped))
        return await self._store.count(scoped)

    async def get(self, key: ScopedKey, query: Query) -> bytes | None:
        """One object; None when there is none. Busy as above."""
        document = await self._store.get(key, query)
        if not woven.needs(query):
            return document
        for _ in range(TRIES):
            if document is None:
                return None
            held = await self._held(key.tenant, query.of, [document])
            again = await self._store.get(key, query)
            if again == document:
                return woven.weave(query.of, [document], held)[0]
            document = again
        raise _busy()

    async def _candidates(self, scoped: Scoped, after: Key | None, limit: int) -> list[Candidate]:
        """All rows of the set, a portion at a time, whole."""
        query = replace(scoped.query, where=None, order=BY_ID, top=min(limit, PORTION), skip=0, count=False, passing=True)
        found: list[Candidate] = []
        while len(found) < limit:
            portion = instead(scoped, replace(query, select=None))
            page = await self._whole(portion, after, await self._store.find(portion, after))
            after, place = page.next, page.next or ()
            found += [Candidate(document, None, key, place) for document, key in zip(page.documents, page.ids, strict=True)]
            if after is None:
                break
        return found

    async def _whole(self, scoped: Scoped, after: Key | None, page: Page) -> Page:
        """A page with its lists, as many of its rows as fit."""
        query = scoped.query
        for _ in range(TRIES):
            if not page.documents:
                return page
            held = await self._held(scoped.tenant, query.of, page.documents)
            fits, size = self._fits(query.of, page.documents, held)
            fewer = query if fits == len(page.documents) else replace(query, top=fits, passing=True)
            again = await self._store.find(instead(scoped, fewer), after)
            if again.documents == page.documents[:fits]:
                work = partial(woven.weave, query.of, again.documents, held)
                return replace(again, documents=await asyncio.to_thread(work) if size > LARGE else work())
            page = await self._store.find(scoped, after)
        raise _busy()

    async def _held(self, tenant: int, one: EntitySet, documents: Sequence[bytes]) -> list[woven.Entry]:
        """The entries of the days of these documents, and of those between."""
        there = [whose[1] for whose in woven.days(one, documents) if whose is not None]
        if not there:
            return []
        kind, first, last = woven.kind_of(one), min(there), max(there)
        rows = await self._store.fetch("score_entries_between", tenant=tenant, kind=kind, first=first, last=last)
        return [woven.Entry(**row) for row in rows]

    def _fits(self, one: EntitySet, documents: Sequence[bytes], held: Sequence[woven.Entry]) -> tuple[int, int]:
        """How many of the documents fit, each with about the entries of its day; and how many bytes these are."""
        size = 0
        for number, (document, whose) in enumerate(zip(documents, woven.days(one, documents), strict=True)):
            more = len(document)
            if whose is not None:
                series, day = whose
                more += sum(len(each.entry) for each in held if each.series == series and each.since <= day < each.until)
            if number and size + more > self._enough:
                return number, size
            size += more
        return len(documents), size


def _busy() -> Busy:
    return Busy("The scores change faster than they can be read.", headers={"Retry-After": "1"})
