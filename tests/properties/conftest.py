"""How the properties are tried, and the real store they are tried on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from tests.databases import Databases, Place

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.model import check
from secgraph.model.choices import ALERTS
from secgraph.model.edm import Model, load
from secgraph.odata.query import Query
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Decision, Key, Page, Put
from secgraph.store.registry import Registry, Tenant
from secgraph.store.turn import new_record

Record = dict[str, Any]
Result = TypeVar("Result")

# Random on purpose, in CI too: a failure prints the blob that brings it back (`@reproduce_failure`).
# HYPOTHESIS_PROFILE=thorough tries forty times as much.
for name, examples in (("quick", 25), ("thorough", 1_000)):
    settings.register_profile(
        name, deadline=None, derandomize=False, print_blob=True, max_examples=examples,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )  # fmt: skip
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


class Ground:
    """A store on a file with as many fresh tenants as there are examples, asked without a server around it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.runner = asyncio.Runner()
        self.model: Model = load()
        self.alerts = self.model.sets[ALERTS]
        self.store = self.run(place.open(clock.now))
        self.registry = Registry(self.store, self.model, clock.now)
        self.tenants: list[Tenant] = []

    def run(self, work: Awaitable[Result]) -> Result:
        async def waited() -> Result:
            return await work

        return self.runner.run(waited())

    def tenant(self) -> Tenant:
        """A tenant that has nothing yet. A hundred are made at a time, in one commit."""
        if not self.tenants:
            steps = [("tenant_add", {"guid": (guid := clock.new_id()), "name": guid, "created": 0}) for _ in range(100)]
            self.run(self.store.run(*steps))
            guids = {values["guid"] for _, values in steps}
            self.tenants = [one for one in self.run(self.registry.tenants()) if one.id in guids]
        return self.tenants.pop()

    def put(self, tenant: Tenant, drafts: list[Record]) -> list[Record]:
        """Stores alerts as a source's records would be; gives the full records as they stand."""
        records = []
        for draft in drafts:
            record, notes = check.from_source(self.alerts.type, draft, draft.get("createdDateTime"))
            assert not notes
            record["createdDateTime"] = record["createdDateTime"] or "2026-01-15T00:00:00.0000000Z"  # the door never leaves it null
            records.append(new_record(record))

        def decide(facts: Facts) -> Decision[None]:
            del facts
            return Decision([Put(self.alerts, record, (), created=True) for record in records], None)

        self.run(self.store.write(tenant.number, Needs(), decide))
        return records

    def page(self, tenant: Tenant, query: Query, after: Key | None = None) -> Page:
        caller = Caller(tenant.number, tenant.id, "app", "app", frozenset())
        return self.run(self.store.find(narrow(query, caller), after))

    def count(self, tenant: Tenant, query: Query) -> int:
        caller = Caller(tenant.number, tenant.id, "app", "app", frozenset())
        return self.run(self.store.count(narrow(query, caller)))

    def close(self) -> None:
        self.run(self.store.close())
        self.runner.close()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, databases: Databases, database_kind: str) -> Iterator[Ground]:
    with databases.lent(database_kind) as url:
        made = Ground(databases.place(url, tmp_path_factory.mktemp("ground")))
        yield made
        made.close()


