"""The log tells how its alerts were put together: replaying it gives the same incidents, under the same numbers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.conftest import Product
from tests.properties.conftest import Ground
from tests.properties.test_order import COUNTED, EVIDENCE, START, Delivery, drafts, rows

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge.write import changed
from secgraph.extend import AlertDraft
from secgraph.ingest.adjust import adjust
from secgraph.ingest.correlate.pack import number
from secgraph.ingest.door import Door
from secgraph.ingest.history import history
from secgraph.ingest.regroup import Call, merge, merge_needs, move, move_needs
from secgraph.ingest.replay import Replay
from secgraph.model.choices import INCIDENTS
from secgraph.odata import bind
from secgraph.store.facts import Facts, Needs, Record
from secgraph.store.protocol import Decision, PutSnapshot
from secgraph.store.registry import Tenant

Place = st.integers(0, 100)
SAID: list[dict[str, Any]] = [{"window": "6h"}, {"off": True}, {"off": None, "window": None}, {"threshold": 0.3}, {"mostAlerts": 3}, {"ignored": COUNTED[:2]}]
TOUCHED: list[dict[str, Any]] = [{"assignedTo": "bob"}, {"status": "resolved"}, {"status": "active"}, {"severity": "high"}]
SOLVED = st.lists(st.sampled_from([False, False, False, True]), min_size=8, max_size=8)

STEPS = st.one_of(
    st.tuples(st.just("deliver"), drafts(), SOLVED, st.sampled_from("abc")),
    st.tuples(st.just("deliver"), drafts(), SOLVED, st.sampled_from("abc")),
    st.tuples(st.just("merge"), st.lists(Place, min_size=2, max_size=3)),
    st.tuples(st.just("move"), st.lists(Place, min_size=1, max_size=3), st.one_of(st.none(), Place)),
    st.tuples(st.just("touch"), Place, st.sampled_from(TOUCHED)),
    st.tuples(st.just("make"), st.sampled_from(EVIDENCE), st.one_of(st.none(), Place)),
    st.tuples(st.just("say"), st.sampled_from(SAID)),
    st.tuples(st.just("publish"), st.dictionaries(st.sampled_from(COUNTED), st.sampled_from([5, 60, 399, 400]))),
)


class Desk:
    """A tenant to which all this happens."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.tenant: Tenant = ground.tenant()
        self.door = Door(ground.store, ground.model, clock.now)
        self.v = 0
        self.made = 0

    def ids(self) -> list[str]:
        return sorted(row["id"] for row in rows(self.ground, self.tenant))

    def homes(self) -> dict[str, str]:
        return {row["id"]: row["incidentId"] for row in rows(self.ground, self.tenant)}

    def write(self, needs: Needs, decide: Callable[[Facts], Any]) -> Any:
        return self.ground.run(self.ground.store.write(self.tenant.number, needs, decide))

    def incident(self, place: int) -> str:
        """One of the incidents, those that were merged too."""
        query = bind.query(self.ground.model.sets[INCIDENTS], {"$top": "1000", "$orderby": "createdDateTime,id"}, self.ground.model)
        ids = self.ground.page(self.tenant, query).ids
        return ids[place % len(ids)]

    def do(self, step: tuple[Any, ...]) -> None:
        getattr(self, step[0])(*step[1:])

    def deliver(self, made: Delivery, solved: list[bool], letter: str) -> None:
        """New alerts, or other versions of those that came under this letter before."""
        for product in "pq":
            some = [{**one, "id": f"{letter}{one['id']}", "alert": {**one["alert"], "status": "resolved" if over else "new"}} for one, over in zip(made, solved, strict=False) if one["product"] == product]
            if some:
                self.ground.run(self.door.take(self.tenant.number, Product(product), io.BytesIO("\n".join(map(json.dumps, some)).encode())))

    def merge(self, places: list[int]) -> None:
        wanted = [*dict.fromkeys(map(self.incident, places))] if self.ids() else []
        if len(wanted) > 1:
            self.write(merge_needs(wanted), lambda facts: merge(facts, wanted, Call("mergeIncidents", "me", "me")))

    def move(self, places: list[int], into: int | None) -> None:
        ids = self.ids()
        if ids:
            alerts = [*dict.fromkeys(ids[place % len(ids)] for place in places)]
            target = None if into is None else self.incident(into)
            self.write(move_needs(alerts, target), lambda facts: move(facts, alerts, target, Call("moveAlerts", "me", "me", reasons="same")))

    def touch(self, place: int, given: Record) -> None:
        if not self.ids():
            return
        one, key = self.ground.model.sets[INCIDENTS], self.incident(place)

        def decide(facts: Facts) -> Decision[Any]:
            row = facts.rows[INCIDENTS, key]
            if row.record["redirectIncidentId"]:
                return Decision((), None)
            return changed(facts, one, row, given, Caller(self.tenant.number, self.tenant.id, "me", "me", frozenset()))

        self.write(Needs(rows=((INCIDENTS, key),)), decide)

    def make(self, evidence: Record, into: int | None) -> None:
        self.made += 1
        alert = {"title": "made", "severity": "low", "createdDateTime": clock.text(START), "evidence": [evidence]}
        draft = AlertDraft(product="made", native_id=f"m{self.made}", alert=alert, prefixes=("ea",))
        home = self.incident(into) if into is not None and self.ids() else None
        self.ground.run(self.door.create(self.tenant.number, draft, b"{}", road="createAlert", cause="app:me createAlert", into=home))

    def say(self, given: Record) -> None:
        self.ground.run(adjust(self.ground.store, self.tenant.number, given, "app:me correlationSettings"))

    def publish(self, counts: dict[str, int]) -> None:
        self.v += 1
        change = PutSnapshot(self.v, 1_000, msgspec.msgpack.encode({number(key): many for key, many in counts.items()}), "counting")
        self.write(Needs(), lambda _: Decision([change], None))


@given(steps=st.lists(STEPS, min_size=1, max_size=8))
def test_a_replay_gives_the_same_incidents_under_the_same_numbers(ground: Ground, steps: list[tuple[Any, ...]]) -> None:
    desk = Desk(ground)
    for step in steps:
        desk.do(step)
    again = Replay(ground.run(history(ground.store, desk.tenant.number)))
    assert again.run() == desk.homes()
    assert (again.unknown, again.before) == (0, 0)
