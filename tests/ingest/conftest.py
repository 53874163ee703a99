"""What the tests of intake share: a made-up product, and a door into a store of its own."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.databases import Databases

from secgraph import clock as real_clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow, narrow_key
from secgraph.extend import AlertDraft, Framing, NotAnAlert, Raw, Unusable
from secgraph.ingest.door import Door
from secgraph.ingest.report import Report
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.store.protocol import Store
from secgraph.store.registry import Registry, Tenant
from secgraph.testing import Clock


class Product:
    """Takes objects that are drafts already: `{"id": ..., "alert": {...}}` with what else a draft has."""

    framing: Framing = "json"

    def __init__(self, name: str = "product", road: str = "") -> None:
        self.name = road or name
        self.product = name

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        value = raw.value
        if not isinstance(value, dict):
            raise Unusable("it is no object")
        if "ignore" in value:
            raise NotAnAlert(value["ignore"])
        for one in value.get("several", [value]):
            incident = one.get("incident")
            yield AlertDraft(
                product=self.product, native_id=str(one.get("id", "")), alert=one.get("alert", {"title": "t"}), prefixes=("pr",),
                updated=one.get("updated"), incident=("space", incident) if incident else None, notes=tuple(one.get("notes", ())),
                adds=one.get("adds", False),
            )  # fmt: skip


@dataclass
class Intake:
    """A door, and short ways to hand in and to look at what became of it."""

    door: Door
    store: Store
    tenant: Tenant
    clock: Clock

    async def take(self, *values: Any, source: Product | None = None) -> Report:
        lines = b"\n".join(value if isinstance(value, bytes) else json.dumps(value).encode() for value in values)
        return await self.door.take(self.tenant.number, source or Product(), io.BytesIO(lines))

    async def rows(self, path: str = ALERTS, **options: str) -> list[dict[str, Any]]:
        """All objects of a set in the order they were last written."""
        model = load()
        asked = {"$orderby": "lastUpdateDateTime", "$top": "1000", **{f"${name}": text for name, text in options.items()}}
        query = bind.query(model.sets[path], asked, model, unknown_members=True)
        page = await self.store.find(narrow(query, Caller(self.tenant.number, self.tenant.id, "", "", frozenset())))
        return [json.loads(document) for document in page.documents]

    async def alert(self) -> dict[str, Any]:
        [found] = await self.rows()
        return found

    async def incidents(self) -> list[dict[str, Any]]:
        return await self.rows(INCIDENTS)

    async def events(self) -> list[tuple[str, str, list[str]]]:
        found = await self.store.fetch("events", tenant=self.tenant.number, after=0, most=100_000)
        return [(one["kind"], one["entity"], json.loads(one["changed"])) for one in found]

    async def originals(self, key: str) -> list[Any]:
        return await self.store.originals(narrow_key(ALERTS, key, Caller(self.tenant.number, "", "", "", frozenset())))


@pytest.fixture
async def intake(tmp_path: Path, clock: Clock, databases: Databases, database: str) -> AsyncIterator[Intake]:
    model = load()
    store = await databases.place(database, tmp_path).open(clock)
    tenant = await Registry(store, model, clock).create_tenant("contoso")
    yield Intake(Door(store, model, clock), store, tenant, clock)
    await store.close()


@pytest.fixture
def product() -> type[Product]:
    return Product


@pytest.fixture
def at() -> str:
    """An instant on the wire."""
    return real_clock.text(1_789_000_000 * real_clock.SECOND)
