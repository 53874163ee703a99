"""GET /security/incidents/{id}/assessment: how urgent an incident is and why (an extension)."""

from __future__ import annotations

import json

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow_key
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.read import expect_plain, missing
from secgraph.edge.route import Target
from secgraph.ingest.assessment.deadlines import deadlines
from secgraph.ingest.assessment.shown import shown
from secgraph.model.edm import EntitySet
from secgraph.odata import bind
from secgraph.store.facts import Case
from secgraph.store.protocol import Store


class Assessor:
    """Answers what is asked of incidents beyond their rows."""

    def __init__(self, store: Store, now: clock.Now) -> None:
        self._store = store
        self._now = now

    async def assessment(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """The assessment of an incident, whole."""
        expect_plain(asked, one)
        document = await self._store.get(narrow_key(one.path, target.key, caller), bind.item(one, {}))
        if document is None:
            raise missing(one, target.key)
        record = json.loads(document)
        case = await self._case(caller, record["id"])
        said = {row["name"]: row["value"] for row in await self._store.fetch("correlation", tenant=caller.tenant)}
        found = shown(record, case, self._now(), deadlines(said))
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}('{record['id']}')/assessment")
        return Answer(body=render.item(head, json.dumps(found).encode()))

    async def _case(self, caller: Caller, incident: str) -> Case:
        rows = await self._store.fetch("case", tenant=caller.tenant, incident=int(incident))
        if not rows:
            return Case(incident)
        [row] = rows
        continues = None if row["continues"] is None else str(row["continues"])
        return Case(
            incident,
            row["alerts"],
            row["first"],
            row["last"],
            "",
            continues,
            row["joined"],
            bool(row["settled"]),
            row["outline"],
        )
