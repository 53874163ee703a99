"""A store in which views can be asked like sets: the question goes to the rows behind them, the answer is made from those."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec

from secgraph.access.narrow import Scoped, ScopedKey, instead, instead_key
from secgraph.errors import TooSlow
from secgraph.odata.query import Query, fields, fields_of
from secgraph.odata.translate import translated
from secgraph.odata.view import View, view
from secgraph.store.before import Before
from secgraph.store.protocol import Key, Page, Store

KEPT = 8192
"""Translated questions kept: the store keeps the plan of each."""

LARGE = 128 * 1024
"""Bytes of rows that are made into objects in a thread: on the event loop they would hold up the others."""


class Views(Before):
    """The same store; what is asked of a view is answered too."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._kept: dict[Query, Query] = {}

    async def find(self, scoped: Scoped, after: Key | None = None) -> Page:
        """One page. BadFilter or BadOption when a question names what no object of a view has."""
        if not scoped.query.of.choices.view_of:
            return await self._store.find(scoped, after)
        one = view(scoped.query.of.path)
        try:
            page = await self._store.find(instead(scoped, self._rows(scoped.query, one)), after)
        except TooSlow as slow:
            raise _in_its_words(slow, scoped.query, one) from None
        if sum(map(len, page.documents)) > LARGE:
            return replace(page, documents=await asyncio.to_thread(_shown, one, page.documents))
        return replace(page, documents=_shown(one, page.documents))

    async def count(self, scoped: Scoped) -> int:
        """How many rows answer the query, whatever its page."""
        if not scoped.query.of.choices.view_of:
            return await self._store.count(scoped)
        one = view(scoped.query.of.path)
        try:
            return await self._store.count(instead(scoped, self._rows(scoped.query, one)))
        except TooSlow as slow:
            raise _in_its_words(slow, scoped.query, one) from None

    async def get(self, key: ScopedKey, query: Query) -> bytes | None:
        """One object; None when there is none."""
        if not query.of.choices.view_of:
            return await self._store.get(key, query)
        one = view(query.of.path)
        document = await self._store.get(instead_key(key, one.stored.path), self._rows(query, one))
        return None if document is None else _shown(one, [document])[0]

    def _rows(self, query: Query, one: View) -> Query:
        """The question that is asked of the rows, the same object every time."""
        if query.passing:
            return translated(query, one)
        rows = self._kept.get(query)
        if rows is None:
            rows = translated(query, one)
            if len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[query] = rows
        return rows


def _shown(one: View, documents: list[bytes]) -> list[bytes]:
    return [msgspec.json.encode(one.project(msgspec.json.decode(document))) for document in documents]


def _in_its_words(slow: TooSlow, query: Query, one: View) -> TooSlow:
    """The same refusal with the names that the client used."""
    quick = {name for name, (stored, _) in one.writes.items() if stored in {"id", *one.stored.choices.columns}}
    read = [*fields(query.where), *(field for key in query.order for field in fields_of(key.by))]
    slowed = dict.fromkeys(field.spelled() for field in read if not field.root and field.steps[0] not in quick)
    return TooSlow(
        f"{slow.message.partition(':')[0]}: no index answers {', '.join(slowed) or 'this combination'}.",
        hint="Add a condition on createdDateTime, lastModifiedDateTime, severity, status or incidentIds.",
        headers=slow.headers,
    )
