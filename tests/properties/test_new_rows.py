"""A new row that was written down before the turn is the very row that the turn writes by itself."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.alerts import ALERT, BASE, INSTANTS, WORDS

from secgraph import clock
from secgraph.extend import AlertDraft, Raw
from secgraph.ingest.assessment.members import members
from secgraph.ingest.assessment.outline import outline
from secgraph.ingest.correlate.subject import subject
from secgraph.ingest.entities import entities
from secgraph.ingest.incident import opened
from secgraph.ingest.ready import blank_incident, ready_of
from secgraph.ingest.split import Piece
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.odata.search import indexed
from secgraph.store.blank import blank
from secgraph.store.facts import Needs, Row
from secgraph.store.kept import kept, packed
from secgraph.store.protocol import Change, Decision, Put, PutNew
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.steps import Ask, Rows, Step, driven
from secgraph.store.turn import Turn, Waiting, new_record

NOW = BASE + clock.DAY
KEYS = st.sampled_from(["da1", 'with "quotes"', "é\\n"])


def written(*changes: Change) -> list[Step]:
    """What a turn writes of these changes of a tenant that has nothing yet."""
    found: list[Step] = []

    def perform(step: Step) -> Rows:
        if isinstance(step, Ask):
            return [("guid", 41, BASE, 7, 0, 0)] if "FROM tenants" in step.text else []
        found.append(step)
        return []

    one = Waiting(Needs(), lambda _: Decision(changes, None))
    driven(Turn(Sqlite(), 1, NOW).carry_out([one]), perform)
    assert one.failure is None
    return found


def record_of(alert: dict[str, Any], created: int) -> dict[str, Any]:
    alert = {**alert, "createdDateTime": alert.get("createdDateTime") or clock.text(created)}
    return from_source(load().sets[ALERTS].type, alert, None)[0]


@settings(max_examples=10 * settings().max_examples)  # few alerts hold a member that older clients are not shown
@given(ALERT, INSTANTS, KEYS, WORDS)
def test_an_alert(alert: dict[str, Any], created: int, key: str, incident: str) -> None:
    record, one = record_of(alert, created), load().sets[ALERTS]
    made = blank(ALERTS, record, indexed(record, ALERTS))
    row = Row(lambda: made.record(id=key), 0)
    plain = {**new_record(record), "id": key, "tenantId": "guid", "incidentId": incident}
    assert written(PutNew(one, key, made, row, incident, "source:test")) == written(Put(one, plain, (), created=True, cause="source:test"))
    assert row.record == plain


@given(ALERT, INSTANTS)
def test_the_incident_around_an_alert(alert: dict[str, Any], created: int) -> None:
    record, one = record_of(alert, created), load().sets[INCIDENTS]
    says = outline(subject("x", record, entities(record)), {})
    row = Row(lambda: blank_incident(record, says).record(id="8"), 0)
    before = dict(row.record)
    plain = opened("8", record, "guid")
    plain |= members(says, 1, plain, {})
    assert written(PutNew(one, "8", blank_incident(record, says), row, None, "c")) == written(Put(one, plain, (), created=True, cause="c"))
    assert {**before, **row.record} == {**plain, "tenantId": None}, "what was read already is told what the turn set"


@given(ALERT, st.binary(max_size=40) | st.none())
def test_what_is_kept_of_an_alert(alert: dict[str, Any], data: bytes | None) -> None:
    original = msgspec.json.encode(alert) if data is None else data
    piece = Piece(Raw(1, original, None, BASE), repaired=False)
    ready = ready_of(AlertDraft("product/x", "1", alert), piece, packed(original), set())
    assert ready.kept == kept(ready.record, original)
    assert ready.kept.record == ready.record
