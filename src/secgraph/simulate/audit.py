"""What the audit feed holds: a record for each step of an alert's life, and records that are no alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from secgraph import clock
from secgraph.clock import SECOND
from secgraph.simulate.cast import Organisation
from secgraph.simulate.chance import chance, guid, share
from secgraph.simulate.detections import CLOUD_APPS, LOSS
from secgraph.simulate.truth import Alert, Change, Evidence, View, state
from secgraph.simulate.words import full, pascal, plain
from secgraph.simulate.world import World

BUCKET = 600 * SECOND
"""A blob holds what came in during ten minutes, and is there when they are over."""
LAG = 900
"""Seconds that a record may take to come in: one alert's records may arrive in any order."""
NOISE = 17 * 60 * SECOND
GENERAL = "Audit.General"
CONTENT = ("Audit.AzureActiveDirectory", "Audit.Exchange", "Audit.SharePoint", GENERAL, "DLP.All")
STATUSES = {"new": "Active", "inProgress": "Investigating", "resolved": "Resolved"}
OTHERS = ((64, "AirInvestigationData", "AirInvestigation", GENERAL), (28, "TIMailData", "ThreatIntelligence", GENERAL),
          (15, "UserLoggedIn", "AzureActiveDirectory", CONTENT[0]), (6, "FileAccessed", "SharePoint", CONTENT[2]),
          (2, "MailItemsAccessed", "Exchange", CONTENT[1]))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A record, and when it came in."""

    content: str
    came: int
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Blob:
    """Records of one type that came in during the same ten minutes, in no order."""

    created: int
    content: str
    records: list[dict[str, Any]]


def entries(world: World, org: Organisation, at: int) -> list[Entry]:
    """Everything that came in until an instant."""
    found = [
        entry for view in world.alerts(org.id, at, true=True) if view.alert.audit_id for entry in _lived(world, view.alert, at)
    ]
    began = world.scenario.start
    # As soon as it came: one that was told later would be missing from content that was read already.
    found += [_other(world, org, came, each) for each, came in enumerate(range(began, min(at, world.scenario.end) + 1, NOISE))]
    return [entry for entry in found if entry.came <= at]


def blobs(world: World, org: Organisation, at: int) -> dict[str, Blob]:
    """The blobs there are at an instant, by their ids. They are kept until the next one is made: they do not change."""
    closed = at - at % BUCKET
    known = world.blobs.get(org.id)
    if known is None or known[0] != closed:
        made: dict[str, Blob] = {}
        for entry in entries(world, org, closed):
            if entry.came < closed:
                created = entry.came - entry.came % BUCKET + BUCKET
                stamp = clock.text(created)[:16].translate(str.maketrans("", "", "-:T"))
                name = f"{stamp}${stamp}${entry.content.lower().replace('.', '_')}$na0001"
                made.setdefault(name, Blob(created, entry.content, [])).records.append(entry.record)
        for name, blob in made.items():
            chance("order", name).shuffle(blob.records)
        known = world.blobs[org.id] = (closed, made)
    return known[1]


def _lived(world: World, alert: Alert, at: int) -> list[Entry]:
    made: list[Entry] = []
    history = world.history(alert, at)
    known = 0
    for number, change in enumerate(history):
        now = state(history[: number + 1], at)
        if now is None:
            continue
        view = View(alert, now)
        if number == 0:
            made.append(_entry(alert, change, "AlertTriggered", _alert(view, change, "New alert"), 0))
        elif change.members.keys() - {"known", "last", "incident"} or change.comment is not None:
            words = "Alert updated" if change.comment is None else change.comment.text
            made.append(_entry(alert, change, "AlertUpdated", _alert(view, change, words), number))
        for place, one in enumerate(view.evidence[known:], known):
            if one["kind"] in {"user", "mailbox", "mail"}:
                made.append(_entry(alert, change, "AlertEntityGenerated", _entity(view, one), 1000 + place))
        known = max(known, len(view.evidence))
    return made


def _entry(alert: Alert, change: Change, operation: str, members: dict[str, Any], place: int) -> Entry:
    lag = int(share("lag", alert.graph_id, change.at, place) * LAG) * SECOND
    record = {
        "CreationTime": plain(change.at),
        "Id": guid(chance("record", alert.graph_id, change.at, place)),
        "Operation": operation,
        "OrganizationId": alert.organisation.id,
        "RecordType": 98 if alert.detection.product == CLOUD_APPS else 40,
        "ResultStatus": "Succeeded",
        "UserKey": "SecurityComplianceAlerts",
        "UserType": 4,
        "Version": 1,
        "Workload": "SecurityComplianceCenter",
        "ObjectId": alert.audit_id,
        "UserId": "SecurityComplianceAlerts",
        **members,
    }
    return Entry(GENERAL, change.at + lag, record)


def status(view: View) -> str:
    """The feed's word for a status: what was resolved as a false positive is dismissed."""
    dismissed = view["status"] == "resolved" and view["classification"] == "falsePositive"
    return "Dismissed" if dismissed else STATUSES[view["status"]]


def _shared(view: View) -> dict[str, Any]:
    alert, product = view.alert, view.alert.detection.product
    return {
        "AlertId": alert.audit_id, "AlertLinks": [{"AlertLinkHref": ""}], "AlertType": "System",
        "Category": "DataLossPrevention" if product == LOSS else "ThreatManagement", "Name": alert.detection.title,
        "PolicyId": alert.detector, "Severity": pascal(view["severity"]), "Status": status(view),
        "Source": "Cloud App Security" if product == CLOUD_APPS else "Office 365 Security & Compliance",
    }  # fmt: skip


def _alert(view: View, change: Change, words: str) -> dict[str, Any]:
    alert = view.alert
    data: dict[str, Any] = {
        "f3u": alert.person.upn,
        "ts": full(alert.first),
        "te": full(view["last"]),
        "tid": alert.organisation.id,
        "an": alert.detection.title,
        "ad": alert.detection.description,
        "sev": pascal(view["severity"]),
        "wl": "Exchange",
        "tdc": "1",
        "lon": "Protection",
        "wsrt": plain(change.at),
    }
    if alert.detection.product == CLOUD_APPS:
        data |= {"alk": f"https://{alert.organisation.domain.partition('.')[0]}.portal.cloudappsecurity.com/#/alerts/{alert.native_id}",
                 "mat": "MCAS_ALERT_CABINET_EVENT_MATCH_AUDIT"}  # fmt: skip
    return {**_shared(view), "Comments": words, "Data": _text(data)}


def _entity(view: View, one: Evidence) -> dict[str, Any]:
    alert, person = view.alert, view.alert.person
    data: dict[str, Any] = {
        "tid": alert.organisation.id,
        "ts": full(alert.first),
        "te": full(view["last"]),
        "at": full(one["at"]),
        "lon": "Protection",
        "tdc": "1",
    }
    if one["kind"] == "mail":
        kind, eid = ("DlpRuleMatch" if alert.detection.product == LOSS else "MalwareFamily"), f"{one['networkMessageId']}-1-1"
        data |= {"etype": kind, "eid": eid, "sip": one["senderIp"], "ms": one["subject"], "imsgid": one["internetMessageId"],
                 "trc": one["recipient"], "tsd": one["sender"], "thn": one["threat"], "tht": one["threat"]}  # fmt: skip
    else:
        kind, eid = "User", person.upn
        data |= {"etype": "User", "eid": eid, "f3u": person.upn, "suid": person.upn, "ut": "Regular"}
    return {**_shared(view), "AlertEntityId": eid, "EntityType": kind, "Comments": "New alert", "Data": _text(data)}


def _text(data: dict[str, Any]) -> str:
    return msgspec.json.encode(data).decode()


def _other(world: World, org: Organisation, at: int, number: int) -> Entry:
    kind, operation, workload, content = OTHERS[number % len(OTHERS)]
    throw = chance(world.scenario.seed, "audit", org.id, number)
    person = throw.choice(org.people)
    record = {
        "CreationTime": plain(at),
        "Id": guid(throw),
        "Operation": operation,
        "OrganizationId": org.id,
        "RecordType": kind,
        "ResultStatus": "Succeeded",
        "UserKey": person.id,
        "UserType": 0,
        "Version": 1,
        "Workload": workload,
        "ObjectId": person.upn,
        "UserId": person.upn,
    }
    if kind == 64:
        record |= {"InvestigationId": f"urn:SubmissionInvestigation:{guid(throw)}", "Status": "Remediated",
                   "InvestigationType": "SubmissionInvestigation"}  # fmt: skip
    return Entry(content, at, record)
