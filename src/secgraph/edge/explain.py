"""GET /security/incidents/{id}/correlations: why each alert of an incident is where it is (an extension)."""

from __future__ import annotations

import msgspec

from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow_key
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.listing import Item, Lists
from secgraph.edge.read import missing
from secgraph.edge.route import Target
from secgraph.ingest.correlate.explained import explained
from secgraph.model.edm import EntitySet
from secgraph.odata import bind
from secgraph.store.protocol import Key, Store

TAKES = ("$top", "$skiptoken", "$format")


class Explainer:
    """Answers what is asked of the reasons."""

    def __init__(self, store: Store, lists: Lists) -> None:
        self._store = store
        self._lists = lists

    async def correlations(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """A page of the reasons of the alerts that an incident holds, in the order in which the alerts came. One that was
        merged holds none, as it holds no alerts: it names the incident they are in.
        """
        document = await self._store.get(narrow_key(one.path, target.key, caller), bind.item(one, {}))
        if document is None:
            raise missing(one, target.key)
        key = str(msgspec.json.decode(document)["id"])
        path = f"{one.path}('{key}')/correlations"
        wanted = await self._lists.wanted(asked, caller, path, TAKES)
        items: list[Item] = []
        if wanted.top:
            items = await self._items(caller, int(key), wanted.after, wanted.top + 1)
        shown, more = items[: wanted.top], len(items) > wanted.top
        return self._lists.page(asked, caller, target, path, wanted, shown, shown[-1].place if more else None)

    async def _items(self, caller: Caller, incident: int, after: Key | None, most: int) -> list[Item]:
        """The items behind a place, no more than so many; a place is an alert's first instant, that of its placing, and which
        item of that it is.
        """
        born, stamp, told = after or (0, 0, -1)
        # Each row has an item or more, but for the first, all of whose items may have been told.
        rows = await self._store.fetch(
            "correlations", tenant=caller.tenant, incident=incident, born=born, stamp=stamp, most=most + 1
        )
        items: list[Item] = []
        for row in rows:
            known = told if (row["born"], row["stamp"]) == (born, stamp) else -1
            found = explained(row["alert"], row["stamp"], row["data"])
            for number, one in enumerate(found):
                if number > known:
                    items.append(Item(msgspec.json.encode(one), (row["born"], row["stamp"], number)))
            if len(items) >= most:
                break
        return items[:most]
