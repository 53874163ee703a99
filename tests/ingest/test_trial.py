"""`source try`: what a sample would become, and what of it would be kept only in the original."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from secgraph.ingest.feeds.kinds import Kinds
from secgraph.ingest.trial import Tried, as_json, evidence_shown, trial

NOW = 17_707_248_000_000_000
HEAD = 'product = "a/b"\nid = "id"\nalert.title = "t"\nalert.createdDateTime = "at"\n'


def tried(mapping: str, *records: Any) -> list[Tried]:
    connector = Kinds().told("generic", "push", {"mapping": mapping})
    return list(trial(connector, io.BytesIO("\n".join(map(json.dumps, records)).encode()), NOW))


@pytest.mark.parametrize(("more", "record", "unplaced"), [
    ("", {"at": "2026-01-31T09:00:00Z"}, {}), ("", {"at": "2026-01-31T10:00:00+01:00"}, {}), ("", {"at": 1769850000123}, {}), ("", {"at": 1769850000.123}, {}),
    ("", {"x": 7}, {"x": "7"}), ("", {"x": "Seven"}, {"x": "Seven"}), ("", {"x": "title"}, {}), ("", {"x": "le"}, {"x": "le"}), ("", {"x": None, "y": "", "z": True}, {}),
    ("", {"x": {"y": [{"z": "deep"}, {"z": "deeper"}]}}, {"x.y[].z": "deep"}), ("additionalData.x = 'x'", {"x": "Seven"}, {}),
    ("alert.description = { text = 'in {x} words' }", {"x": "Seven"}, {}), ("", {"id": "An Id"}, {}),
])  # fmt: skip
def test_what_is_in_no_alert_is_told(more: str, record: dict[str, Any], unplaced: dict[str, str]) -> None:
    (found,) = tried(HEAD + more, {"id": "1", "t": "title", **record})
    assert (found.outcome, dict(found.unplaced)) == ("taken", unplaced)


def test_outcomes_in_their_order() -> None:
    found = tried(f'skip = "drop"\n{HEAD}', {"id": "1", "t": "a"}, {"drop": 1}, {"t": "a"})
    assert [(one.line, one.outcome, one.reason.partition(":")[0]) for one in found] == [
        (1, "taken", ""), (2, "passed over", "the mapping skips what has drop"), (3, "rejected", "no id"),
    ]  # fmt: skip
    assert found[0].notes == ["no time of its own: the time of receipt is used"]
    (broken,) = list(trial(Kinds().source("falco"), io.BytesIO(b'[{"rule"'), NOW))
    assert (broken.outcome, bool(broken.reason)) == ("unreadable", True)


def test_the_alert_is_as_it_would_be_served() -> None:
    (found,) = tried(f"{HEAD}alert.detectionSource = {{ is = 'microsoftSentinel' }}\n", {"id": "1", "t": "a", "at": "2026-01-31T09:00:00Z"})
    (alert,) = found.alerts
    assert alert["id"].startswith("xx")
    assert (alert["severity"], alert["status"], alert["incidentId"], alert["evidence"]) == ("unknown", "new", None, [])
    assert alert["detectionSource"] == "unknownFutureValue", "a member past the sentinel goes out as that"
    assert json.loads(as_json(alert)).keys() < alert.keys()


def test_a_kind_tells_objects_too_and_parts_of_lines() -> None:
    kinds = Kinds()
    record = {"id": "r1", "riskEventType": "unfamiliarFeatures", "riskLevel": "high", "userPrincipalName": "nina@contoso.com", "requestIdentity": "odd one",
              "detectedDateTime": "2026-01-31T09:00:00Z", "activityDateTime": "2026-01-31T08:59:00Z"}  # fmt: skip
    (found,) = trial(kinds.source("entra"), io.BytesIO(json.dumps(record).encode()), NOW)
    assert found.objects[0]["set"] == "identityProtection/riskDetections"
    line = b"CEF:0|Vendor|Product|1|s|A name|5|src=192.0.2.1 externalId=77 strange=kept only there"
    (one,) = trial(kinds.source("cef"), io.BytesIO(line), NOW)
    assert dict(one.unplaced) == {"strange": "kept only there"}


MAPPING = Path(__file__).parents[2] / "examples" / "mappings" / "mailroom.toml"


def test_the_examples_place_what_is_worth_it() -> None:
    source = Kinds().told("generic", "push", {"mapping": MAPPING.read_text("utf-8")})
    found = [one for one in trial(source, io.BytesIO(MAPPING.with_suffix(".log").read_bytes()), NOW) if one.outcome == "taken"]
    assert {name for one in found for name, _ in one.unplaced} == {"day", "host", "pid"}


def test_evidence_is_told_with_its_control_and_how_much_passes() -> None:
    finding = {"AwsAccountId": "1", "Title": "IAM.99 A rule", "Resources": [{"Id": "arn:r"}], "Description": "Seen.", "UpdatedAt": "2026-02-09T08:00:00Z"}
    lines = [{**finding, "GeneratorId": f"security-control/{check}", "Compliance": {"Status": status}} for check, status in (("IAM.99", "PASSED"), ("IAM.99", "WARNING"), ("IAM.98", "FAILED"))]
    found = list(trial(Kinds().source("securityhub"), io.BytesIO("\n".join(map(json.dumps, lines)).encode()), NOW))
    assert [evidence_shown(one.evidence[0]) for one in found] == [
        "evidence for securityhub_iam.99, securityhub IAM.99 of arn:r: 100 % passes: Seen.",
        "evidence for securityhub_iam.99, securityhub IAM.99 of arn:r: counts neither way: Seen.",
        "evidence for securityhub_iam.98, securityhub IAM.98 of arn:r: 0 % passes: Seen.",
    ]
    assert found[0].evidence[0]["at"] == "2026-02-09T08:00:00.0000000Z"
    assert found[0].objects[0]["title"] == "A rule"
    assert "Resources[].Id" not in dict(found[0].unplaced)
    (report,) = trial(Kinds().source("scubagear"), io.BytesIO(b'[{"PolicyId": "MS.AAD.1.1v1", "RequirementMet": true}]'), NOW)
    assert evidence_shown(report.evidence[0]).endswith("scubagear MS.AAD.1.1v1: 100 % passes")
    assert report.notes == ["the report does not say when it was made: the time of receipt is used"]
