"""GET /security/alerts_v2/{id}/sources: who told of an alert, and what became of the changes that went back (an extension)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow_key
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.read import expect_plain, missing
from secgraph.edge.route import Target
from secgraph.ingest.back import MEMBERS, PENDING, REFUSED, STATES, SUPERSEDED, UNKNOWN
from secgraph.ingest.feeds.feeds import Feeds
from secgraph.model.edm import EntitySet
from secgraph.odata import bind
from secgraph.store.protocol import Store

URGENCY = (PENDING, UNKNOWN, REFUSED, SUPERSEDED)
"""Which state of a member is that of the whole: the first of these that one of them has."""

Row = dict[str, Any]


class AlertSources:
    """Answers what is asked of the sources of an alert."""

    def __init__(self, store: Store, feeds: Feeds) -> None:
        self._store = store
        self._feeds = feeds

    async def sources(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """The sources that told of an alert, by name."""
        expect_plain(asked, one)
        document = await self._store.get(narrow_key(one.path, target.key, caller), bind.item(one, {}))
        if document is None:
            raise missing(one, target.key)
        key = str(msgspec.json.decode(document)["id"])
        of = {"tenant": caller.tenant, "alert": key.casefold()}
        back = await self._store.fetch("write_backs_of", **of)
        found = [
            await self._shown(caller, row, [told for told in back if told["source"] == row["source"]])
            for row in await self._store.fetch("alert_sources", **of)
        ]
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}('{key}')/sources")
        return Answer(body=render.page(head, [msgspec.json.encode(each) for each in found], total=None, next_link=None))

    async def _shown(self, caller: Caller, row: Row, back: Sequence[Row]) -> Row:
        name = row["source"]
        feed = await self._feeds.known(caller.tenant, name)
        kind = feed.kind if feed is not None else name if name in self._feeds.kinds else None
        return {
            "source": name, "kind": kind, "product": row["product"], "nativeId": row["native"],
            "updatedDateTime": None if row["updated"] is None else clock.text(row["updated"]),
            "receivedDateTime": clock.text(row["received"]), "writeBack": written_back(back),
        }  # fmt: skip


def written_back(rows: Sequence[Row]) -> Row | None:
    """What became of the last change of each member, in the order of the log, and of all of them together."""
    last: dict[tuple[str, int], Row] = {}
    for row in rows:
        # Each comment is a change of its own; what the others were is over with the next value.
        last[row["member"], row["number"] * 1_000 + row["part"] if row["member"] == "comments" else 0] = row
    if not last:
        return None
    parts = sorted(last.values(), key=lambda row: (row["number"], MEMBERS.index(row["member"]), row["part"]))
    states = {row["state"] for row in parts}
    state = next((one for one in URGENCY if one in states), parts[-1]["state"])
    shown = max((row for row in parts if row["state"] == state), key=lambda row: row["number"])
    return {
        **_told(shown),
        "members": [{"name": row["member"], "value": msgspec.json.decode(row["value"]), **_told(row)} for row in parts],
    }


def _told(row: Row) -> Row:
    return {
        "state": STATES[row["state"]], "reason": row["reason"] or None, "attempts": row["attempts"],
        "changedDateTime": clock.text(row["made"]), "endedDateTime": clock.text(row["done"]) if row["done"] else None,
    }  # fmt: skip
