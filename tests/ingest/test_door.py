"""The one door: identities, what becomes of each record of a delivery, and what is told about it."""

from __future__ import annotations

import io
import json
import re
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from secgraph import clock as real_clock
from secgraph.ingest.batches import BATCH
from secgraph.ingest.ready import identity
from secgraph.ingest.report import LISTED, as_data

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake, Product

SAFE = re.compile(r"[a-z0-9][a-z0-9_.\-]{3,127}")


# --- identity ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("native", "prefixes", "kept"), [
    ("da637551227677560813_-961444813", ("da",), "da637551227677560813_-961444813"), ("DA6375", ("da",), "da6375"),
    ("fa12-34.5", ("da", "fa"), "fa12-34.5"), ("da12", ("da",), "da12"), ("da" + "x" * 126, ("da",), "da" + "x" * 126),
])  # fmt: skip
def test_an_id_that_bears_its_product_s_mark_stays(native: str, prefixes: tuple[str, ...], kept: str) -> None:
    assert identity("p", native, prefixes) == kept


@pytest.mark.parametrize(("native", "prefixes"), [
    ("6375", ("da",)), ("da", ("da",)), ("da1", ("da",)), ("da" + "x" * 127, ("da",)), ("da/../x", ("da",)), ("da 12", ("da",)), ("da12?x", ("da",)),
    ("da12'", ("da",)), ("da%41", ("da",)), ("da\u212a12", ("da",)), ("da12\n", ("da",)), ("Zoë", ("da",)), ("x", ()), ("da6375", ()), ("", ("da",)),
    ("\ud800", ("da",)), ("fa1234", ("da",)), ("x" * 100_000, ("da",)), ("daß12", ("da",)), ("da\x00123", ("da",)),
])  # fmt: skip
def test_any_other_is_hashed_behind_the_first_mark(native: str, prefixes: tuple[str, ...]) -> None:
    found = identity("p", native, prefixes)
    if found == native.casefold():  # a letter that folds into plain ones is plain
        assert SAFE.fullmatch(found)
        return
    assert re.fullmatch(f"{prefixes[0] if prefixes else 'xx'}[0-9a-f]{{32}}", found)
    assert found == identity("p", native, prefixes)
    assert found != identity("q", native, prefixes)
    assert found != identity("p", native + "x", prefixes)


GUID = "efa1828b-dd4e-405c-8a3b-aa28596830dd"


@pytest.mark.parametrize(("product", "native", "prefixes", "kept"), [
    ("p", f"{GUID}_1", ("da", "ed"), f"da{GUID}_1"), ("p", f"da{GUID}_1", ("da", "ed"), f"da{GUID}_1"), ("p", f"ed{GUID}_1", ("da", "ed"), f"ed{GUID}_1"),
    ("p", f"da{GUID[2:]}_-1", ("da",), f"dada{GUID[2:]}_-1"), ("p", GUID.upper(), ("fa",), f"fa{GUID}"), ("p", "ad" * 32, ("ad",), "ad" * 33),
])  # fmt: skip
def test_a_bare_guid_is_the_same_alert_as_one_that_bears_its_mark(product: str, native: str, prefixes: tuple[str, ...], kept: str) -> None:
    assert identity(product, native, prefixes) == kept


def test_a_guid_of_any_other_product_is_hashed() -> None:
    found = {identity("acme/sentry", GUID, ("da",)), identity("p", GUID, ()), identity("p", GUID[1:], ("da",)), identity("p", f"{GUID}_1x", ("da",))}
    assert len(found) == 4
    assert all(GUID not in one for one in found)


def test_products_that_share_a_mark_share_no_id() -> None:
    """Marks of products that are not Microsoft's were given out by nobody."""
    assert len({identity(product, "ce1234", ("ce",)) for product in ("acme/sentry", "woodgrove/guard")} | {"ce1234"}) == 3


def test_an_identity_is_stable_for_ever() -> None:
    """Written down: a changed hash would make every stored alert a stranger."""
    assert identity("microsoftDefenderForEndpoint", "1234", ("da",)) == "da8a0183bcbafa1bdaa3a1a22c8ea9f6cf"
    assert identity("suricata/suricata", "2026:1", ()) == "xx67faff4b55a8a367e7399f75efabb86b"


def test_the_case_of_a_hashed_id_counts() -> None:
    assert identity("p", "abc", ("da",)) != identity("p", "ABC", ("da",))


# --- what becomes of a record --------------------------------------------------------------------------------------------


async def test_a_new_alert_has_everything_at_once(intake: Intake, at: str) -> None:
    report = await intake.take({"id": "n1", "alert": {"title": "T", "createdDateTime": at, "severity": "high"}})
    assert (report.taken, report.unchanged, report.rejected) == (1, 0, 0)
    alert = await intake.alert()
    [incident] = await intake.incidents()
    assert alert["id"] == identity("product", "n1", ("pr",))
    assert (alert["title"], alert["severity"], alert["createdDateTime"]) == ("T", "high", at)
    assert (alert["tenantId"], alert["providerAlertId"], alert["incidentId"]) == (intake.tenant.id, "n1", incident["id"])
    assert (alert["status"], alert["classification"], alert["determination"]) == ("new", "unknown", "unknown")
    assert (incident["displayName"], incident["severity"], incident["status"], incident["id"]) == ("T", "high", "active", "1")
    assert await intake.events() == [("created", "incidents", []), ("created", "alerts_v2", [])]
    [original] = await intake.originals(alert["id"])
    assert (original.product, original.native_id) == ("product", "n1")


async def test_a_reread_changes_nothing(intake: Intake, at: str) -> None:
    record = {"id": "n1", "alert": {"title": "T", "createdDateTime": at}}
    await intake.take(record)
    before, events = await intake.alert(), await intake.events()
    intake.clock.forward(60)
    report = await intake.take(record, record)
    assert (report.taken, report.unchanged, report.rejected) == (0, 2, 0)
    assert await intake.alert() == before
    assert await intake.events() == events


async def test_a_reread_of_a_record_without_any_time_changes_nothing(intake: Intake) -> None:
    await intake.take({"id": "n1", "alert": {"title": "T"}})
    before = await intake.alert()
    assert before["createdDateTime"] == real_clock.text(intake.clock.at)
    intake.clock.forward(60)
    report = await intake.take({"id": "n1", "alert": {"title": "T"}})
    assert (report.taken, report.unchanged) == (0, 1)
    assert await intake.alert() == before


async def test_a_change_is_told_by_its_members(intake: Intake) -> None:
    await intake.take({"id": "n1", "alert": {"title": "T"}})
    await intake.take({"id": "n1", "alert": {"title": "U", "category": "c"}})
    assert (await intake.events())[-1] == ("updated", "alerts_v2", ["category", "title"])
    assert (await intake.alert())["title"] == "U"


async def test_an_older_version_changes_nothing(intake: Intake) -> None:
    await intake.take({"id": "n1", "alert": {"title": "new"}, "updated": 20})
    report = await intake.take({"id": "n1", "alert": {"title": "old"}, "updated": 10}, {"id": "n1", "alert": {"title": "newest"}, "updated": 30})
    assert (report.taken, report.unchanged) == (1, 1)
    assert (await intake.alert())["title"] == "newest"


async def test_versions_of_one_alert_in_one_delivery(intake: Intake) -> None:
    report = await intake.take(*({"id": "n1", "alert": {"title": f"v{number}", "severity": severity}}
                                 for number, severity in enumerate(["low", "high", "medium", "medium"])))  # fmt: skip
    assert (report.taken, report.unchanged) == (4, 0)
    [incident] = await intake.incidents()
    assert (await intake.alert())["title"] == "v3"
    assert incident["severity"] == "high"


async def test_records_of_one_alert_make_one_in_any_order(intake: Intake, at: str) -> None:
    def part(key: str, updated: int, status: str, address: str | None, **more: str) -> dict[str, Any]:
        ip = {"@odata.type": "#microsoft.graph.security.ipEvidence", "createdDateTime": at, "ipAddress": address}
        alert = {"title": key, "createdDateTime": at, "status": status, "evidence": [ip] if address else [], **more}
        return {"id": key, "updated": updated, "adds": True, "alert": alert}

    said: dict[str, list[dict[str, Any]]] = {}
    for number, order in enumerate(permutations(range(3))):
        for apart in (False, True):
            key = f"{number}{apart}"
            parts = [part(key, 5, "new", "192.0.2.1", category="c"), part(key, 6, "new", "192.0.2.2"), part(key, 7, "resolved", None)]
            said[key] = [parts[place] for place in order]
            for delivery in [[one] for one in said[key]] if apart else [said[key]]:
                await intake.take(*delivery)
    alerts = await intake.rows()
    assert len(alerts) == len(said)
    for alert in alerts:
        assert (alert["status"], alert["category"]) == ("resolved", "c")
        assert {item["ipAddress"] for item in alert["evidence"]} == {"192.0.2.1", "192.0.2.2"}
        [original] = await intake.originals(alert["id"])
        assert sorted(original.data.splitlines()) == sorted(json.dumps(one).encode() for one in said[alert["title"]])
        assert original.updated == 7
    before = await intake.events()
    await intake.take(*(one for parts in said.values() for one in parts))
    assert await intake.events() == before, "all of them once more say nothing new"


async def test_two_roads_make_one_alert(intake: Intake, product: type[Product]) -> None:
    one, two = product("siem", "pull"), product("siem", "push")
    await intake.take({"id": "n1", "alert": {"title": "T", "severity": "low"}}, source=one)
    await intake.take({"id": "n1", "alert": {"title": "other", "category": "c"}}, source=two)
    alert = await intake.alert()
    assert (alert["title"], alert["category"], alert["severity"]) == ("T", "c", "low")
    assert [(one.source, one.product) for one in await intake.originals(alert["id"])] == [("pull", "siem"), ("push", "siem")]
    assert len(await intake.incidents()) == 1


async def test_two_products_make_two_alerts(intake: Intake, product: type[Product]) -> None:
    for name in ("one", "two"):
        await intake.take({"id": "n1"}, source=product(name))
    assert len({alert["id"] for alert in await intake.rows()}) == 2


async def test_an_incident_s_id_may_have_any_length_and_hold_anything(intake: Intake) -> None:
    """A text that a database can neither keep in an index nor at all."""
    long = "".join(chr(0x4E00 + number) for number in range(5000))
    incidents = [long, f"{long}x", "a\x00", long, "a\x00", f"{long}x"]
    for number, incident in enumerate(incidents):
        report = await intake.take({"id": f"n{number}", "incident": incident})
        assert (report.taken, report.rejected) == (1, 0)
    assert [alert["incidentId"] for alert in await intake.rows()] == ["1", "2", "3", "1", "3", "2"]


async def test_alerts_of_one_incident_join_it(intake: Intake) -> None:
    await intake.take({"id": "n1", "incident": "i1", "alert": {"title": "A", "severity": "low"}}, {"id": "n2", "incident": "i1"},
                      {"id": "n3", "incident": "i2"})  # fmt: skip
    intake.clock.forward(1)
    await intake.take({"id": "n4", "incident": "i1", "alert": {"title": "D", "severity": "high"}})
    incidents = {incident["id"]: incident for incident in await intake.incidents()}
    alerts = await intake.rows()
    assert [alert["incidentId"] for alert in alerts] == ["1", "1", "2", "1"]
    assert (incidents["1"]["severity"], incidents["1"]["displayName"]) == ("high", "A and 2 other detections (3 alerts)")
    assert (await intake.events())[-2:] == [("created", "alerts_v2", []), ("updated", "incidents", ["alerts", "severity", "priorityScore", "displayName", "summary"])]


async def test_several_alerts_in_one_record_are_one_record(intake: Intake) -> None:
    report = await intake.take({"several": [{"id": "n1"}, {"id": "n2"}]})
    assert (report.records, report.taken) == (1, 1)
    assert len(await intake.rows()) == 2
    report = await intake.take({"several": [{"id": "n1"}, {"id": "n3"}]})
    assert (report.records, report.taken) == (1, 1)
    assert len(await intake.rows()) == 3
    report = await intake.take({"several": []})
    assert (report.records, report.rejected) == (1, 1)


# --- what is told --------------------------------------------------------------------------------------------------------


async def test_every_record_is_in_exactly_one_count(intake: Intake) -> None:
    report = await intake.take(
        {"id": "n1"}, {"id": "n1"}, b'{"id": nope}', {"ignore": "a flow"}, {"id": ""}, [], {"id": "n2", "alert": {"severity": "odd"}}, b"5",
    )  # fmt: skip
    assert (report.taken, report.unchanged, report.rejected, report.unreadable) == (2, 1, 4, 1)
    assert report.records == 7
    assert [(one.line, one.kept) for one in report.problems] == [(3, True), (4, False), (5, True), (8, True)]
    assert report.problems[1].reason == "a flow"
    assert report.notes == {"alertSeverity has no member 'odd'": 1}
    kept = await intake.store.fetch("rejected", tenant=intake.tenant.number, after=0, most=10)
    assert [(row["line"], row["source"]) for row in kept] == [(3, "product"), (5, "product"), (8, "product")]
    data = as_data(report)
    assert (data["records"], data["moreProblems"]) == (7, 0)
    assert data["problems"][0]["line"] == 3


async def test_notes_count_each_record_once(intake: Intake) -> None:
    notes = {"id": "n1", "notes": ["time guessed"]}, {"id": "n2", "notes": ["time guessed"], "alert": {"severity": "odd"}}
    report = await intake.take(*notes, {"id": "n3"})
    assert report.notes == {"time guessed": 2, "alertSeverity has no member 'odd'": 1}


async def test_problems_past_the_bound_are_counted(intake: Intake) -> None:
    report = await intake.take(*([{"ignore": "x"}] * (LISTED + 50)))
    assert (report.rejected, len(report.problems), report.more_problems) == (LISTED + 50, LISTED, 50)
    assert report.problems[-1].line == LISTED


@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 7])
async def test_a_delivery_of_any_length(intake: Intake, product: type[Product], count: int) -> None:
    ticks: list[int] = []
    lines = b"\n".join(b'{"id":"n%d"}' % number for number in range(count))
    report = await intake.door.take(intake.tenant.number, product(), io.BytesIO(lines), tick=ticks.append)
    assert (report.taken, report.rejected) == (count, 0)
    assert sum(ticks) == count
    assert all(0 < tick <= BATCH for tick in ticks)
    assert await intake.store.fetch("events", tenant=intake.tenant.number, after=2 * count, most=1) == []


# --- what must never break the door --------------------------------------------------------------------------------------


def deep(depth: int) -> Any:
    inner: Any = {"@odata.type": "#microsoft.graph.security.userEvidence"}
    for _ in range(depth):
        inner = {"@odata.type": "#microsoft.graph.security.kubernetesClusterEvidence", "cloudResource": inner}
    return inner


@pytest.mark.parametrize("alert", [
    {"title": "\x00"}, {"title": "\ud800"}, {"title": 10**400}, {"title": [1]}, {"additionalData": {"a": 10**400}},
    {"additionalData": {"\ud800": "\x00"}}, {"createdDateTime": "9999-99-99"}, {"createdDateTime": 5}, {"createdDateTime": "0001-01-01T00:00:00Z"},
    {"createdDateTime": "2026-W05-6T09:00:00.1234567Z"}, {"createdDateTime": "2026-01-31T09:00:00.123+010Z"}, {"evidence": {}}, {"evidence": [[]]},
    {"evidence": [deep(100)]}, {"evidence": [deep(300)]}, {"customDetails": {"a": [[[[]]]] * 100}}, {"severity": {}}, {"comments": [{}]},
    {"systemTags": ["x" * 1_000_000]}, {"title": "x" * 1_000_000}, {},
], ids=range(21))  # fmt: skip
async def test_an_odd_alert_is_taken_and_the_others_too(intake: Intake, alert: dict[str, Any]) -> None:
    report = await intake.take({"id": "n1"}, {"id": "n2", "alert": alert}, {"id": "n3"})
    assert report.records == 3
    assert report.taken >= 2
    rows = await intake.rows(filter="createdDateTime ne null")
    assert len(rows) == report.taken
    assert all(real_clock.ticks(row["createdDateTime"]) is not None for row in rows)
    again = await intake.take({"id": "n1"}, {"id": "n2", "alert": alert}, {"id": "n3"})
    assert (again.taken, again.unchanged) == (0, report.taken)
