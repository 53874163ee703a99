"""GET /security/sources: where records come from, and how each of them fares (an extension)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.listing import Item, Lists
from secgraph.edge.read import expect_plain
from secgraph.edge.route import Target
from secgraph.errors import Fault, NotFound
from secgraph.ingest.feeds.feeds import Feeds
from secgraph.ingest.feeds.standing import Standing, as_data, standings
from secgraph.model.choices import Choices, Operations
from secgraph.model.edm import EntitySet, Model, StructType
from secgraph.model.extensions import SOURCE
from secgraph.odata import bind, match
from secgraph.store.protocol import Store

SOURCES = "security/sources"
TAKES = ("$filter", "$top", "$skiptoken", "$format")

Handler = Callable[[Asked, Caller, Target], Awaitable[Answer]]


class Sources:
    """Answers what is asked of the sources of the caller's tenant."""

    def __init__(self, store: Store, feeds: Feeds, model: Model, lists: Lists, now: clock.Now) -> None:
        self._store = store
        self._feeds = feeds
        self._model = model
        self._lists = lists
        self._now = now
        kind = model.types[SOURCE]
        if not isinstance(kind, StructType):
            raise Fault(f"{SOURCE} has no members.")
        choices = Choices(type=SOURCE, operations=Operations(list="sources", get="source"), columns=(), newest="id", indexes=())
        self._set = EntitySet(SOURCES, kind, choices)

    def handlers(self) -> Mapping[str, Handler]:
        """The handler of every call, by what its path means."""
        return {"sources": self.collection, "source": self.item}

    async def collection(self, asked: Asked, caller: Caller, target: Target) -> Answer:
        """A page of them by name."""
        wanted = await self._lists.wanted(asked, caller, SOURCES, TAKES)
        where = bind.query(self._set, {"$filter": wanted.filter}, self._model).where
        judge = None if where is None else match.predicate(where)
        after = wanted.after[0] if wanted.after is not None else ""
        found = [as_data(one) for one in await self._standings(caller) if one.name > after]
        items = [Item(msgspec.json.encode(one), (one["id"],)) for one in found if judge is None or judge(one)]
        shown = items[: wanted.top]
        onward = shown[-1].place if shown and len(items) > len(shown) else None
        return self._lists.page(asked, caller, target, SOURCES, wanted, shown, onward)

    async def item(self, asked: Asked, caller: Caller, target: Target) -> Answer:
        """One of them, by its name in any letter case."""
        expect_plain(asked, self._set)
        for one in await self._standings(caller):
            if one.name == target.key.lower():
                head = render.context(f"{asked.base}/{target.version}", f"{SOURCES}/$entity")
                return Answer(body=render.item(head, msgspec.json.encode(as_data(one))))
        raise NotFound(f"There is no source '{target.key[:80]}' in this tenant.", hint=f"GET /v1.0/{SOURCES} lists them.")

    async def _standings(self, caller: Caller) -> list[Standing]:
        return await standings(self._store, self._feeds, caller.tenant, self._now())
