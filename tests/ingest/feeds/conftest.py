"""Feeds over a store of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.databases import Databases, Place
from tests.ingest.feeds.made_up import Sentry

from secgraph.ingest.feeds.feeds import Feeds
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.model.edm import load
from secgraph.seal import Seal
from secgraph.store.protocol import Store
from secgraph.store.registry import Registry, Tenant
from secgraph.testing import Clock

SEAL = Seal(b"k" * 32)


@dataclass
class Ground:
    """A store with two tenants, and feeds over it."""

    place: Place
    store: Store
    tenant: Tenant
    other: Tenant
    clock: Clock
    asked: list[bool] = field(default_factory=list)
    """How often the seal was asked for, and whether its key could have been made."""

    @property
    def feeds(self) -> Feeds:
        """Those of another process each time."""
        return self.with_seal(lambda: SEAL)

    def with_seal(self, seal: Callable[[], Seal]) -> Feeds:
        def given(first: bool) -> Seal:
            self.asked.append(first)
            return seal()

        return Feeds(self.store, given, self.clock, Kinds({"sentry": Sentry}))


@pytest.fixture
async def ground(tmp_path: Path, clock: Clock, databases: Databases, database: str) -> AsyncIterator[Ground]:
    place = databases.place(database, tmp_path)
    store = await place.open(clock)
    registry = Registry(store, load(), clock)
    yield Ground(place, store, await registry.create_tenant("contoso"), await registry.create_tenant("fabrikam"), clock)
    await store.close()
