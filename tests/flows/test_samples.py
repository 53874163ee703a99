"""Real payloads through the door: no record is lost, and whatever is not taken has a reason.

They stay outside this repository: SECGRAPH_SHARED names the folder that holds `samples/<folder>/`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from secgraph.testing import Clock, Graph, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHARED = Path(os.environ.get("SECGRAPH_SHARED") or "nowhere")
FOLDERS = {
    "graph": "graph", "mde": "mde", "m365d": "xdr", "entra": "entra", "mdo": "mdo", "mcas": "mcas", "suricata": "suricata", "cef": "cef",
    "mdi": "cef", "falco": "falco", "wazuh": "wazuh", "ocsf": "ocsf", "prowler": "ocsf", "crowdstrike": "crowdstrike",
    "guardduty": "guardduty",
}  # fmt: skip
FILES = [
    pytest.param("cef" if path.name.endswith("cef.log") else source, path, id=f"{folder}/{path.name}")
    for folder, source in FOLDERS.items()
    for path in sorted((SHARED / "samples" / folder).glob("*"))
    if path.suffix in {".json", ".ndjson", ".log"}
    and (source, path.suffix) != ("cef", ".json")  # a table of alert kinds, no log
    and path.name != "alerts_syslog.log"  # lines around JSON: for a source that was told so
]

OTHERS = ("security/upstreamSecureScores", "security/secureScoreControlProfiles", "identityProtection/riskDetections", "identityProtection/riskyUsers")
"""Where what is no alert is served."""

TELL_ONE_ALERT_TWICE = {"security_alerts_cef.log", "findings.ndjson"}
"""Files in which lines of one instant give one alert different words: neither is older, and each reread tells both again."""


def read(path: Path) -> bytes:
    return path.read_bytes()


def counted(path: Path) -> int:
    """How many records a file holds, by another way than the server's: as a person would count them."""
    text = path.read_text("utf-8", errors="replace")
    if path.suffix in {".ndjson", ".log"}:
        return sum(1 for line in text.splitlines() if line.strip())
    value: Any = json.loads(text)
    if isinstance(value, dict) and isinstance(value.get("value"), list):
        value = value["value"]
    return len(value) if isinstance(value, list) else 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Graph]:
    async with running(tmp_path_factory.mktemp("samples") / "data", Clock()) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(server: Graph) -> Graph:
    """A tenant of its own, with nothing in it."""
    tenant = await server.core.registry.create_tenant(f"tenant {len(await server.core.registry.tenants())}")
    application, secret = await server.core.registry.create_application(tenant, "all", server.core.model.served_permissions())
    made = replace(server, tenant=tenant, application=application, secret=secret)
    await made.sign_in()
    return made


@pytest.mark.skipif(not FILES, reason="SECGRAPH_SHARED names no folder of samples")
@pytest.mark.parametrize(("source", "path"), FILES)
async def test_every_record_of_a_file_is_accounted_for(fresh: Graph, source: str, path: Path) -> None:
    body = read(path)
    answer = await fresh.ask("POST", f"/ingest/{source}", content=body)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["records"] == counted(path)
    assert report["taken"] + report["unchanged"] + report["rejected"] == report["records"]
    assert len(report["problems"]) + report["moreProblems"] == report["rejected"]
    assert all(problem["reason"].strip() for problem in report["problems"])
    assert len({problem["line"] for problem in report["problems"]}) == len(report["problems"])
    kept = await fresh.core.store.fetch("rejected", tenant=fresh.tenant.number, after=0, most=1000)
    assert Counter(row["reason"] for row in kept) == Counter(item["reason"] for item in report["problems"] if item["kept"])
    if report["taken"]:
        alerts = (await fresh.get("security/alerts_v2", top="1000"))["value"]
        others = [one for path in OTHERS for one in (await fresh.get(path, top="500"))["value"]]
        assert alerts or others
        assert all(alert["title"] and alert["createdDateTime"] and alert["incidentId"] for alert in alerts)
        incidents = await fresh.get("security/incidents", expand="alerts", top="1000")
        assert {alert["id"] for incident in incidents["value"] for alert in incident["alerts"]} == {
            alert["id"] for alert in alerts
        }
    before = (await fresh.get("security/alerts_v2", top="1000"))["value"]
    again = (await fresh.ask("POST", f"/ingest/{source}", content=body)).json()
    assert again["rejected"] == report["rejected"]
    after = (await fresh.get("security/alerts_v2", top="1000"))["value"]
    if path.name in TELL_ONE_ALERT_TWICE:
        stamps = ("lastUpdateDateTime", "@odata.etag")
        before, after = ([{**alert, **dict.fromkeys(stamps)} for alert in alerts] for alerts in (before, after))
    else:
        assert again["taken"] == 0
    assert after == before


@pytest.mark.skipif(not FILES, reason="SECGRAPH_SHARED names no folder of samples")
async def test_all_files_together_leave_one_consistent_tenant(fresh: Graph) -> None:
    total: Counter[str] = Counter()
    for parameters in FILES:
        source, path = parameters.values
        assert isinstance(path, Path)
        report = (await fresh.ask("POST", f"/ingest/{source}", content=read(path))).json()
        total.update({word: report[word] for word in ("records", "taken", "unchanged", "rejected")})
    assert total["taken"] + total["unchanged"] + total["rejected"] == total["records"]
    keys = await fresh.ids("security/alerts_v2")
    assert len(keys) == len(set(keys))
    for key in keys:
        records = (await fresh.get(f"security/alerts_v2/{key}/records"))["value"]
        assert records
        assert all(record["content"] for record in records)
