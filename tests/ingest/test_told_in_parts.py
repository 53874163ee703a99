"""Alerts of Office 365 and of Cloud Apps through the door: records in any order, and one alert by two roads."""

from __future__ import annotations

import io
import json
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secgraph.sources.mcas import DefenderForCloudApps
from secgraph.sources.mdo import DefenderForOffice

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake

    from secgraph.extend import Connector

SOURCES = Path(__file__).parent.parent / "sources"


def sample(name: str, **changes: Any) -> bytes:
    return json.dumps({**json.loads((SOURCES / f"{name}.json").read_text("utf-8")), **changes}).encode()


async def test_an_alert_of_office_is_whole_in_whatever_order_its_records_come(intake: Intake) -> None:
    names = ("mdo/triggered", "mdo/entity_mail", "mdo/entity_user", "mdo/updated")
    for number, order in enumerate(permutations(names)):
        key = f"5d0f2a66-91b7-4c1e-8d0a-08dc6a11{number:04}"
        for name in order:
            report = await intake.door.take(intake.tenant.number, DefenderForOffice(), io.BytesIO(sample(name, AlertId=key)))
            assert report.rejected == 0
    alerts = await intake.rows()
    assert len(alerts) == 24
    whole = [{**alert, "evidence": sorted(json.dumps(item | {"createdDateTime": None}) for item in alert["evidence"])} for alert in alerts]
    for alert in whole:
        assert alert["id"] == f"fa{alert['providerAlertId']}"
        assert (alert["status"], alert["severity"], alert["createdDateTime"]) == ("resolved", "high", "2026-02-03T08:15:28.0000000Z")
        assert (alert["firstActivityDateTime"], alert["lastActivityDateTime"]) == ("2026-02-03T08:09:58.0000000Z", "2026-02-03T08:14:00.0000000Z")
        assert alert["description"].startswith("Several people")
        assert alert["evidence"] == whole[0]["evidence"]
        assert len(alert["evidence"]) == 9


async def test_an_alert_of_cloud_apps_by_its_own_api_and_by_the_audit_log_is_one(intake: Intake) -> None:
    roads: list[tuple[Connector, str]] = [(DefenderForCloudApps(), "mcas/open"), (DefenderForOffice(), "mdo/cloud_apps")]
    for source, name in roads:
        await intake.door.take(intake.tenant.number, source, io.BytesIO(sample(name)))
    alert = await intake.alert()
    assert {original.source for original in await intake.originals(alert["id"])} == {"mcas", "mdo"}
    kinds = [item["@odata.type"].rpartition(".")[2] for item in alert["evidence"]]
    assert {"deviceEvidence", "fileEvidence", "cloudApplicationEvidence", "mailboxEvidence"} <= set(kinds)
    closed = sample("mdo/cloud_apps", CreationTime="2026-02-08T07:00:10", Status="Resolved", Data=json.dumps({"alk": json.loads(
        json.loads(sample("mdo/cloud_apps"))["Data"])["alk"]}))  # fmt: skip
    await intake.door.take(intake.tenant.number, DefenderForOffice(), io.BytesIO(closed))
    after = await intake.alert()
    assert after["status"] == "resolved"
    assert after["evidence"] == alert["evidence"], "an update takes no evidence away"
