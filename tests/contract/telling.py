"""A source for objects that only sources fill, whose records say plainly which object they are."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

from secgraph import clock as real_clock
from secgraph.extend import AlertDraft, Draft, Framing, ObjectDraft, Raw, Unusable
from secgraph.testing import Graph


class Tells:
    """Reads `{set, id, record, updated}`, with an alert beside it where there is one."""

    name = "tells"
    framing: Framing = "json"

    def normalise(self, raw: Raw) -> Iterable[Draft]:
        if raw.value.get("bad"):
            raise Unusable("it says so itself")
        updated = raw.value.get("updated")
        yield ObjectDraft(
            raw.value["set"], raw.value["id"], raw.value.get("record", {}),
            None if updated is None else real_clock.ticks(updated),
        )  # fmt: skip
        if "alert" in raw.value:
            yield AlertDraft("made/up", raw.value["alert"], {"title": "Beside an object"})


def one(path: str, key: str, updated: str | None = None, **record: Any) -> dict[str, Any]:
    """A record of it."""
    return {"set": path, "id": key, "updated": updated, "record": record}


async def tell(graph: Graph, *records: dict[str, Any], tenant: int | None = None) -> tuple[int, int, int]:
    """Hands records in; how many were taken, unchanged, rejected."""
    stream = io.BytesIO(json.dumps(records).encode())
    report = await graph.core.door.take(graph.tenant.number if tenant is None else tenant, Tells(), stream)
    return report.taken, report.unchanged, report.rejected
