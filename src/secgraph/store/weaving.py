"""A store whose documents have their lists again that are kept entry by entry (`woven.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from secgraph import clock
from secgraph.access.narrow import Scoped, ScopedKey, instead
from secgraph.model.edm import EntitySet
from secgraph.odata.query import Field, Order, Query
from secgraph.store import woven
from secgraph.store.facts import Needs
from secgraph.store.protocol import Answer, Decide, Fence, Key, Original, Page, Store
from secgraph.store.sift import Candidate, Sifter

LARGE = 256 * 1024
"""Bytes of entries that are woven in a thread: on the event loop they would hold up the others."""

BY_ID = (Order(Field("", ("id",), "text", nullable=False, column="id"), descending=False),)


class Weaving:
    """The same store. A page has no more rows than fit into `enough` bytes, and one at least: lists are large, and what does
    not fit is woven for nobody.
    """

    def __init__(self, store: Store, now: clock.Now, *, enough: int, deadline: float) -> None:
        self._store = store
        self._enough = enough
        self._sifter = Sifter(now, deadline=deadline)

    async def find(self, scoped: Scoped, after: Key | None = None) -> Page:
        """One page."""
        query = scoped.query
        if woven.judged(query):
            return await self._sifter.page(query, partial(self._candidates, scoped), after, ordered=False)
        page = await self._store.find(scoped, after)
        if not page.documents or not woven.needs(query):
            return page
        held = await self._held(scoped.tenant, query.of, page.documents)
        size = sum(len(one[-1]) for one in held) // max(len({(one[0], one[2]) for one in held}), 1)
        fits = self._fits(query.of, page.documents, held)
        if fits < len(page.documents):
            page = await self._store.find(instead(scoped, replace(query, top=fits, passing=True)), after)
        if size > LARGE:
            return replace(page, documents=await asyncio.to_thread(woven.weave, query.of, page.documents, held))
        return replace(page, documents=woven.weave(query.of, page.documents, held))

    async def count(self, scoped: Scoped) -> int:
        """How many rows answer the query, whatever its page."""
        if woven.judged(scoped.query):
            return await self._sifter.count(scoped.query, partial(self._candidates, scoped))
        return await self._store.count(scoped)

    async def get(self, key: ScopedKey, query: Query) -> bytes | None:
        """One object; None when there is none."""
        document = await self._store.get(key, query)
        if document is None or not woven.needs(query):
            return document
        held = await self._held(key.tenant, query.of, [document])
        return woven.weave(query.of, [document], held)[0]

    async def _candidates(self, scoped: Scoped, after: Key | None, limit: int) -> list[Candidate]:
        """All rows of the set, a portion at a time, whole."""
        query = scoped.query
        portion = replace(query, where=None, order=BY_ID, top=min(limit, PORTION), skip=0, count=False, passing=True)
        found: list[Candidate] = []
        while len(found) < limit:
            page = await self._store.find(instead(scoped, portion), after)
            held = await self._held(scoped.tenant, query.of, page.documents)
            documents = woven.weave(query.of, page.documents, held)
            after = page.next
            place = page.next or ()
            found += [Candidate(document, None, key, place) for document, key in zip(documents, page.ids, strict=True)]
            if after is None:
                break
        return found

    async def _held(self, tenant: int, one: EntitySet, documents: Sequence[bytes]) -> list[tuple[str, str, int, int, str]]:
        """The entries of the days of these documents."""
        there = [day for whose in woven.days(one, documents) if whose is not None for day in whose[1:]]
        if not there:
            return []
        rows = await self._store.fetch(
            "score_entries_between", tenant=tenant, kind=woven.kind_of(one), first=min(there), last=max(there)
        )
        return [(row["series"], row["name"], row["since"], row["until"], row["entry"]) for row in rows]

    def _fits(self, one: EntitySet, documents: Sequence[bytes], held: Sequence[tuple[str, str, int, int, str]]) -> int:
        """How many of the documents fit, each with about the entries of its day."""
        left = self._enough
        for number, (document, whose) in enumerate(zip(documents, woven.days(one, documents), strict=True)):
            entries = 0
            if whose is not None:
                series, day = whose
                entries = sum(
                    len(entry) for whose_, _, since, until, entry in held if whose_ == series and since <= day < until
                )
            left -= len(document) + entries
            if left < 0:
                return max(number, 1)
        return len(documents)

    # -- what has nothing to do with lists

    async def originals(self, key: ScopedKey) -> list[Original]:
        """What every source said about an alert, as it came."""
        return await self._store.originals(key)

    async def write(self, tenant: int, needs: Needs, decide: Decide[Answer], *, fence: Fence | None = None) -> Answer:
        """Carries out a decision."""
        return await self._store.write(tenant, needs, decide, fence=fence)

    async def fetch(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        """Rows of a named statement."""
        return await self._store.fetch(statement, **values)

    async def run(self, *steps: tuple[str, dict[str, Any]], fence: Fence | None = None) -> None:
        """Named statements in one transaction."""
        await self._store.run(*steps, fence=fence)

    async def close(self) -> None:
        """Closes the store behind it."""
        await self._store.close()


PORTION = 50
"""Documents that are woven at a time where all are looked at."""
