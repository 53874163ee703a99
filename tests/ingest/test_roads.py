"""The same alert by the roads of several Microsoft APIs: one row, with an entry for each of them."""

from __future__ import annotations

import io
import json
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from secgraph.sources.entra import EntraIdProtection
from secgraph.sources.graph import Graph
from secgraph.sources.mde import DefenderForEndpoint
from secgraph.sources.xdr import DefenderXdr

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake

    from secgraph.extend import Connector

GRAPH, MDE, XDR, ENTRA = Graph(), DefenderForEndpoint(), DefenderXdr(), EntraIdProtection()
GUID = "efa1828b-dd4e-405c-8a3b-aa28596830dd"
AT = "2026-02-03T09:30:00Z"


def graph(key: str, updated: str = AT, **more: Any) -> dict[str, Any]:
    return {"id": key, "title": "t", "serviceSource": "microsoftDefenderForEndpoint", "incidentId": "7", "createdDateTime": AT,
            "lastUpdateDateTime": updated, "severity": "high", "status": "new", **more}  # fmt: skip


def mde(key: str, updated: str = AT, **more: Any) -> dict[str, Any]:
    return {"id": key, "title": "t", "incidentId": 7, "alertCreationTime": AT, "lastUpdateTime": updated, "severity": "High", "status": "New",
            "machineId": "m1", "evidence": [], **more}  # fmt: skip


def xdr(key: str, updated: str = AT, **more: Any) -> dict[str, Any]:
    alert = {"alertId": key, "incidentId": 7, "serviceSource": "MicrosoftDefenderATP", "creationTime": AT, "lastUpdatedTime": updated, "title": "t",
             "severity": "High", "status": "New", "devices": [], "entities": [], **more}  # fmt: skip
    return {"incidentId": 7, "incidentName": "i", "alerts": [alert]}


async def take(intake: Intake, source: Connector, *records: dict[str, Any]) -> None:
    report = await intake.door.take(intake.tenant.number, source, io.BytesIO(json.dumps(records).encode()))
    assert report.rejected == 0


@pytest.mark.parametrize(("in_graph", "in_mde", "in_xdr"), [
    ("da637551227677560813_-961444813", "da637551227677560813_-961444813", "da637551227677560813_-961444813"),
    (f"da{GUID}_1", f"{GUID}_1", f"da{GUID}_1"), (f"da{GUID}_1", f"da{GUID}_1", f"da{GUID.upper()}_1"),
])  # fmt: skip
async def test_one_alert_by_three_roads_is_one_row(intake: Intake, in_graph: str, in_mde: str, in_xdr: str) -> None:
    roads: list[tuple[Connector, dict[str, Any]]] = [(GRAPH, graph(in_graph)), (MDE, mde(in_mde)), (XDR, xdr(in_xdr))]
    for source, record in roads:
        await take(intake, source, record)
    alert = await intake.alert()
    assert alert["id"] == in_graph
    assert [item["mdeDeviceId"] for item in alert["evidence"]] == ["m1"]
    assert sorted((one.source, one.native_id) for one in await intake.originals(alert["id"])) == [("graph", in_graph), ("mde", in_mde), ("xdr", in_xdr)]
    assert len(await intake.incidents()) == 1, "the three name one incident"
    told = await intake.events()
    for source, record in reversed(roads):
        await take(intake, source, record)
    assert await intake.events() == told, "read once more, they say nothing new"


async def test_a_custom_detection_bears_its_own_mark_by_either_road(intake: Intake) -> None:
    await take(intake, MDE, mde(f"{GUID}_1", detectionSource="CustomDetection"))
    await take(intake, GRAPH, graph(f"ed{GUID}_1"))
    assert (await intake.alert())["id"] == f"ed{GUID}_1"


async def test_a_detection_of_entra_is_one_alert_by_either_road(intake: Intake) -> None:
    for key in (GUID, "6a5874ca-abcd-9d82-5ad39bd71600", "ad" * 32):
        await take(intake, ENTRA, {"id": key, "riskEventType": "generic", "detectedDateTime": AT, "lastUpdatedDateTime": AT})
        await take(intake, GRAPH, graph(f"ad{key}") | {"serviceSource": "azureAdIdentityProtection"})
    assert {row["id"] for row in await intake.rows()} == {f"ad{GUID}", "ad6a5874ca-abcd-9d82-5ad39bd71600", "ad" * 33}


USER = {"entityType": "User", "accountName": "jo"}


@pytest.mark.parametrize(("source", "whole", "bare"), [
    (MDE, mde("da637551227677560813_1", evidence=[USER]), mde("da637551227677560813_1", "2026-02-03T10:00:00Z", status="Resolved")),
    (GRAPH, graph("da637551227677560813_1", evidence=[{"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": {"accountName": "jo"}}]),
     graph("da637551227677560813_1", "2026-02-03T10:00:00Z", status="resolved", evidence=[])),
    (XDR, xdr("da637551227677560813_1", entities=[USER]), xdr("da637551227677560813_1", "2026-02-03T10:00:00Z", status="Resolved")),
], ids=["mde", "graph", "xdr"])  # fmt: skip
async def test_a_version_without_its_evidence_takes_none_away(intake: Intake, source: Connector, whole: dict[str, Any], bare: dict[str, Any]) -> None:
    await take(intake, source, whole)
    before = await intake.alert()
    await take(intake, source, bare)
    after = await intake.alert()
    assert (before["status"], after["status"]) == ("new", "resolved")
    assert after["evidence"] == before["evidence"]
    assert any("userAccount" in item for item in after["evidence"])


def streamed(table: str, **columns: Any) -> dict[str, Any]:
    said = {"AlertId": "da637551227677560813_1", "Timestamp": "2026-02-03 09:30:00", "ServiceSource": "Microsoft Defender for Endpoint", **columns}
    return {"category": f"AdvancedHunting-{table}", "properties": said}


ROWS = [
    streamed("AlertInfo", Title="A library was run", Severity="High", Category="Execution", AttackTechniques='["Rundll32 (T1218.011)"]'),
    streamed("AlertEvidence", EntityType="Ip", RemoteIP="192.0.2.1", Timestamp="2026-02-03 09:31:00"),
    streamed("AlertEvidence", EntityType="User", AccountName="jo"),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_streamed_rows_make_one_alert_in_any_order_and_any_deliveries(intake: Intake, order: tuple[int, ...]) -> None:
    for place in order:
        await take(intake, XDR, ROWS[place])
    apart = await intake.alert()
    assert (apart["title"], apart["severity"], apart["category"], apart["mitreTechniques"]) == ("A library was run", "high", "Execution", ["T1218.011"])
    assert (apart["createdDateTime"], apart["lastActivityDateTime"]) == ("2026-02-03T09:30:00.0000000Z", "2026-02-03T09:31:00.0000000Z")
    assert sorted(item["@odata.type"].rpartition(".")[2] for item in apart["evidence"]) == ["ipEvidence", "userEvidence"]
    told = await intake.events()
    await intake.door.take(intake.tenant.number, XDR, io.BytesIO(json.dumps({"records": [ROWS[place] for place in order]}).encode()))
    assert await intake.events() == told, "together in one message they say nothing new"


async def test_streamed_rows_take_nothing_from_what_the_incident_said(intake: Intake) -> None:
    await take(intake, XDR, xdr("da637551227677560813_1", entities=[USER], status="Resolved", classification="TruePositive"))
    before = await intake.alert()
    await take(intake, XDR, ROWS[1])
    after = await intake.alert()
    assert (after["status"], after["classification"], after["title"]) == ("resolved", "truePositive", "t")
    assert len(after["evidence"]) == len(before["evidence"]) + 1
