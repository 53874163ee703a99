"""What the tests of the store share: a store on a file of its own, and alerts to put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.databases import Databases, OnSqlite, Place

from secgraph import clock as real_clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.model import check
from secgraph.model.choices import ALERTS
from secgraph.model.edm import Model, load
from secgraph.odata import bind
from secgraph.store.facts import Facts, Needs, Row
from secgraph.store.protocol import Change, Decision, Put, Store
from secgraph.store.registry import Registry, Tenant
from secgraph.store.sqlite.store import open_store
from secgraph.store.turn import new_record
from secgraph.testing import Clock

CREATED = real_clock.text(1_789_000_000 * real_clock.SECOND)


@dataclass
class Ground:
    """A store, a tenant in it, and short ways to write and ask."""

    place: Place
    store: Store
    registry: Registry
    tenant: Tenant
    model: Model = field(default_factory=load)

    @property
    def path(self) -> Path:
        """SQLite's file."""
        assert isinstance(self.place, OnSqlite)
        return self.place.path

    def alert(self, number: int, **members: Any) -> dict[str, Any]:
        kind = self.model.sets[ALERTS].type
        record, notes = check.from_source(kind, {"id": f"da{number:04}", "createdDateTime": CREATED, **members}, CREATED)
        assert not notes
        return new_record(record)

    def put(self, record: dict[str, Any], *changed: str) -> Put:
        return Put(self.model.sets[ALERTS], record, changed, created=not changed, cause="source:test")

    async def write(self, *changes: Change, tenant: Tenant | None = None, store: Store | None = None) -> int:
        """Writes; gives the instant of the turn."""

        def decide(facts: Facts) -> Decision[int]:
            return Decision(changes, facts.now)

        return await (store or self.store).write((tenant or self.tenant).number, Needs(), decide)

    async def add(self, number: int, tenant: Tenant | None = None, **members: Any) -> dict[str, Any]:
        record = self.alert(number, **members)
        await self.write(self.put(record), tenant=tenant)
        return record

    async def row(self, number: int, tenant: Tenant | None = None) -> Row | None:
        """An alert as a decision sees it."""
        key = (ALERTS, f"da{number:04}")
        return await self.store.write(
            (tenant or self.tenant).number, Needs(rows=(key,)), lambda facts: Decision((), facts.rows.get(key))
        )

    async def ids(self, tenant: Tenant | None = None, **options: str) -> list[str]:
        tenant = tenant or self.tenant
        query = bind.query(self.model.sets[ALERTS], {f"${name}": text for name, text in options.items()}, self.model)
        caller = Caller(tenant.number, tenant.id, "app", "app", frozenset())
        return (await self.store.find(narrow(query, caller))).ids

    async def events(self, tenant: Tenant | None = None) -> list[dict[str, Any]]:
        return await self.store.fetch("events", tenant=(tenant or self.tenant).number, after=0, most=100_000)


@pytest.fixture
async def open_ground(tmp_path: Path, clock: Clock, databases: Databases, database: str) -> AsyncIterator[Callable[..., Any]]:
    """Opens a store on the test's own database; closes every one that was opened."""
    place = databases.place(database, tmp_path)
    stores: list[Store] = []

    async def make(*, deadline: float = 10.0, now: real_clock.Now = clock) -> Ground:
        store = await place.open(now, deadline=deadline)
        stores.append(store)
        tenants = Registry(store, load(), now)
        known = await tenants.tenants()
        tenant = known[0] if known else await tenants.create_tenant("contoso")
        return Ground(place, store, tenants, tenant)

    yield make
    for store in stores:
        await store.close()


@pytest.fixture
async def ground(open_ground: Callable[..., Any]) -> Ground:
    made = await open_ground()
    assert isinstance(made, Ground)
    return made


@pytest.fixture
async def other(ground: Ground, clock: Clock) -> AsyncIterator[Store]:
    """A second store on SQLite's file: what it writes, the first one writes for it."""
    store = open_store(ground.path, ground.model, clock)
    yield store
    await store.close()
