"""A read that outgrows what the event loop can spare is moved to a thread, wherever it is cut off."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store.conftest import Ground

from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.ingest.door import Door
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.sources.graph import Graph as GraphSource
from secgraph.store.compile import OVERRUNS, RETRY, compiled
from secgraph.store.registry import Registry
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.sqlite.store import SqliteStore, open_store
from secgraph.testing import Clock, graph_alert

CALLER = Caller(1, "", "", "", frozenset())


async def test_a_read_cut_off_anywhere_leaves_the_connection_usable(tmp_path: Path) -> None:
    """With no budget at all the cut falls on every statement in turn, on those that open and close a snapshot too."""
    model, clock = load(), Clock()
    store = open_store(tmp_path / "a.db", model, clock, inline=0)
    try:
        await Registry(store, model, clock).create_tenant("contoso")
        records = json.dumps([graph_alert(number) for number in range(40)]).encode()
        await Door(store, model, clock).take(1, GraphSource(), io.BytesIO(records))
        for round_ in range(150):
            # A new question each time: one that keeps overrunning would go to the threads at once.
            asked = {"$filter": f"title ne 'x{round_}'", "$top": "7", "$orderby": "severity desc,createdDateTime"}
            query = bind.query(model.sets[ALERTS], asked, model)
            found, after = [], None
            while True:
                page = await store.find(narrow(query, CALLER), after)
                found += page.ids
                after = page.next
                if after is None:
                    break
            assert len(found) == len(set(found)) == 40
    finally:
        await store.close()


def test_a_plan_is_sent_to_the_threads_only_while_it_keeps_overrunning() -> None:
    model = load()
    plan = compiled(bind.query(model.sets[ALERTS], {}, model), Sqlite())
    for _ in range(10):  # a busy machine now and then
        plan.overran()
        plan.overran()
        plan.fitted()
        assert plan.worth_a_try()
    for _ in range(OVERRUNS):
        plan.overran()
    tries = [plan.worth_a_try() for _ in range(3 * RETRY)]
    assert tries.count(True) == 3
    plan.fitted()  # one of those tries went well
    assert all(plan.worth_a_try() for _ in range(10))


@pytest.mark.sqlite
async def test_a_question_asked_once_pushes_no_plan_out(ground: Ground) -> None:
    """Expanded relationships and pages of delta are new questions every time."""
    alerts = ground.model.sets[ALERTS]
    kept = bind.query(alerts, {"$filter": "severity eq 'high'"}, ground.model)
    caller = replace(CALLER, tenant=ground.tenant.number)
    await ground.store.find(narrow(kept, caller))
    assert isinstance(ground.store, SqliteStore)
    plans = dict(ground.store._plans)  # noqa: SLF001 -- what is kept shows nowhere else
    assert kept in plans
    for _ in range(3):
        await ground.store.find(narrow(replace(kept, passing=True), caller))
    assert dict(ground.store._plans) == plans  # noqa: SLF001 -- as above
