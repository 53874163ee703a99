"""Alerts of Defender for Cloud Apps, from its own API."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from secgraph.errors import UsageError
from secgraph.extend import (
    AlertDraft,
    Framing,
    NotAnAlert,
    Options,
    Place,
    Pulled,
    Raw,
    Reach,
    Record,
    Unusable,
    Web,
    Written,
    evidence,
    instant_of,
    integer,
    moment,
    techniques,
    text,
)
from secgraph.sources import mcas_api
from secgraph.sources.defender import NAMES, PREFIXES, objects
from secgraph.sources.mcas_words import category, resolution, severity, words

PRODUCT = "microsoftDefenderForCloudApps"
KINDS = frozenset({"account", "user", "device", "ip", "file", "service"})
"""What becomes evidence; the other entities are countries, policies and tags."""

ROLES = {"source": ["source"], "related": ["contextual"], "target": ["destination"], "destination": ["destination"]}
PLACEHOLDER = re.compile(r"__[A-Za-z]{1,40}__")
TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>")
BREAK = re.compile(r"<(?:br|/p|/li|/div)\s?/?>", re.IGNORECASE)
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
LONGEST = 20_000
"""Most characters of a description that are read for tags."""
MOST_TAGS = 20


class DefenderForCloudApps:
    """Reads alerts of the Cloud Apps API, asks for them, and closes them there."""

    name = "mcas"
    framing: Framing = "json"
    options = mcas_api.OPTIONS
    every = 300.0
    writes = frozenset({"status", "classification", "comments"})

    def __init__(self, api: mcas_api.CloudApps | None = None) -> None:
        self._api = api

    def told(self, options: Options) -> DefenderForCloudApps:
        """The Cloud Apps of one organisation."""
        return DefenderForCloudApps(mcas_api.told(options))

    def reach(self) -> Reach:
        """The one host, and how often it may be asked."""
        return self._known().reach()

    def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        """What was raised or closed."""
        return mcas_api.pull(self._known(), web, place, now)

    async def write(self, web: Web, native_id: str, changes: Mapping[str, Any]) -> Written:
        """Closes an alert, or marks it as read."""
        return await mcas_api.write(self._known(), web, native_id, changes)

    async def read(self, web: Web, native_id: str) -> Mapping[str, Any] | None:
        """What the product says of an alert now."""
        return await mcas_api.read(self._known(), web, native_id)

    def _known(self) -> mcas_api.CloudApps:
        if self._api is None:
            raise UsageError("This source was not told which organisation it is to ask: add it with its options first.")
        return self._api

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The alerts in an answer of the API as it is."""
        wrapped = isinstance(value, dict) and "_id" not in value and isinstance(value.get("data"), list)
        return value["data"] if wrapped else None

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert in one record."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        native_id, title = text(record.get("_id")), words(record.get("title"))
        if native_id is None:
            if "filters" in record or any(str(name).startswith("closed_") for name in record):
                raise NotAnAlert("a request that closes alerts, or its answer: not an alert")
            raise Unusable("no _id")
        if title is None:
            raise Unusable("no title")
        notes: list[str] = []
        raised = moment(record.get("timestamp"))
        created = raised
        if created is None:
            created = moment(raw.received / 1e7)
            notes.append("no time of its own: the time of receipt is used")
        status, classification = resolution(record)
        resolved = moment(record.get("resolveTime")) if status == "resolved" else None
        description = words(record.get("description"))
        entities = objects(record.get("entities"))
        rules = [item for item in entities if item.get("type") == "policyRule"]
        policy = text(rules[0].get("id")) if rules else None
        alert: Record = {
            "providerAlertId": native_id,
            "title": title,
            "description": None if description is None else _plain(description),
            "severity": severity(record.get("severityValue")),
            "status": status,
            "classification": classification,
            "category": category(record),
            "serviceSource": PRODUCT,
            "detectionSource": "cloudAppSecurity",
            "detectorId": policy,
            "alertPolicyId": policy,
            "productName": NAMES[PRODUCT],
            "alertWebUrl": words(record.get("URL")),
            "assignedTo": words(record.get("handledByUser")),
            "createdDateTime": created,
            "firstActivityDateTime": raised,
            "lastActivityDateTime": raised,
            "resolvedDateTime": resolved,
            "mitreTechniques": techniques(description),
            "comments": _comments(record, resolved or created),
            "evidence": _evidence(entities, created),
            "additionalData": _shown(record, entities, rules),
        }
        return [
            AlertDraft(
                product=PRODUCT,
                native_id=native_id,
                alert={name: value for name, value in alert.items() if value is not None},
                prefixes=PREFIXES[PRODUCT],
                # There is no clock of updates: of an open alert, whatever is told last is the newest.
                updated=None if resolved is None else instant_of(resolved),
                notes=tuple(notes),
            )
        ]


def _plain(description: str) -> str:
    """The description without tags and without the places where its portal draws icons."""
    head = description[:LONGEST]
    if "__" in head:
        head = PLACEHOLDER.sub("", head)
    if "<" in head:
        head = TAG.sub("", BREAK.sub("\n", head))
    return " ".join(filter(None, html.unescape(head).split(" "))) + description[LONGEST:]


def _comments(record: Record, at: str | None) -> list[Record]:
    comment = words(record.get("comment"))
    if comment is None:
        return []
    return [{"comment": comment, "createdByDisplayName": words(record.get("handledByUser")), "createdDateTime": at}]


def _shown(record: Record, entities: list[Record], rules: list[Record]) -> Record | None:
    found: Record = {}
    if (score := integer(record.get("threatScore"))) is not None:
        found["threatScore"] = score
    if rules and (policy := text(rules[0].get("label"))) is not None:
        found["policyName"] = policy[:200]
    tags = [label for item in entities if item.get("type") == "groupTag" and (label := text(item.get("label")))]
    if tags:
        found["tags"] = [tag[:50] for tag in tags[:MOST_TAGS]]
    return found or None


def _evidence(entities: list[Record], created: str | None) -> list[Record]:
    found: list[Record] = []
    people: set[str] = set()
    for item in entities:
        if (kind := text(item.get("type"))) not in KINDS:
            continue
        roles = ROLES.get((text(item.get("entityRole")) or "").casefold())
        label = words(item.get("label"))
        if kind in ("account", "user"):
            account = _account(item, label, words(item.get("id")))
            names = {value.casefold() for value in account.values()}
            if account and people.isdisjoint(names):  # the same person comes as an account and as a user
                found.append(evidence("user", created, userAccount=account, roles=roles))
            names.discard((label or "").casefold())
            people |= names
        elif kind == "device" and label is not None:
            full = label if "." in label else None
            found.append(evidence("device", created, hostName=label.partition(".")[0], deviceDnsName=full, roles=roles))
        elif kind == "ip" and (address := label or words(item.get("id"))) is not None:
            found.append(evidence("ip", created, ipAddress=address, roles=roles))
        elif kind == "file" and label is not None:
            found.append(evidence("file", created, fileDetails={"fileName": label}, roles=roles))
        elif kind == "service" and ((number := integer(item.get("id"))) is not None or label is not None):
            one = integer(item.get("inst"))
            app = evidence(
                "cloudApplication", created, appId=number, saasAppId=number, displayName=label, instanceId=one, roles=roles
            )
            found.append(app)
    return found


def _account(item: Record, label: str | None, known: str | None) -> Record:
    """The account behind an entity: its principal name stands in `pa`, or in `em`."""
    principal = words(item.get("pa")) or words(item.get("em"))
    found: Record = {}
    if principal or (label is not None and "@" in label):
        found["userPrincipalName"] = principal or label
    if known is not None and GUID.fullmatch(known):
        found["azureAdUserId"] = known
    if label is not None and "@" not in label:
        found["displayName"] = label
    return found
