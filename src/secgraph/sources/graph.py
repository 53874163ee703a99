"""Alerts of an upstream Microsoft Graph: `alerts_v2` objects, alone or inside incidents, copied member by member."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from secgraph.extend import AlertDraft, Framing, NotAnAlert, Raw, Record, Unusable, instant_of, moment, techniques, text
from secgraph.model.edm import EnumType, Property, StructType, load
from secgraph.sources.defender import INCIDENTS, PREFIXES, objects, service_of_id, time

SECURITY = "microsoft.graph.security"
REBUILT = frozenset({"id", "lastUpdateDateTime", "incidentId", "tenantId", "evidence", "comments"})
"""Members that are not copied: the first four belong to this server, the last two are made anew."""

GIVEAWAYS = {
    "currentScore": "a secure score",
    "controlScores": "a secure score",
    "controlCategory": "a secure score control profile",
    "controlStateUpdates": "a secure score control profile",
    "expectedAssessment": "a threat assessment request",
    "subscriptionId": "a change notification",
    "error": "an error answer",
}
"""Members by which a record without `@odata.type` shows that it is no alert."""

OTHERS = GIVEAWAYS.keys() | {"eventDateTime", "vendorInformation", "alertCreationTime"}
"""Members that an alert does not have: where none of them is, a title and an id are enough."""

OLDER = "an alert of the older generation (/security/alerts): send it from /security/alerts_v2"


class Graph:
    """Reads alerts_v2 and incidents as the published API and its documentation print them."""

    name = "graph"
    framing: Framing = "json"

    def __init__(self) -> None:
        properties = load().struct(f"{SECURITY}.alert").properties
        self._copied = tuple((name, _shape(item)) for name, item in properties.items() if name not in REBUILT)
        self._services = _words("serviceSource")
        self._determinations = _words("alertDetermination")

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert, or the alerts embedded in an incident."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        kind = _kind(record)
        if kind == "incident":
            return self._embedded(record, raw)
        if kind != "alert":
            raise NotAnAlert(f"{kind}: not an alert")
        return [self._alert(record, raw, None)]

    def _embedded(self, record: Record, raw: Raw) -> list[AlertDraft]:
        alerts = objects(record.get("alerts"))
        if not alerts:
            raise NotAnAlert("an incident without its alerts: ask for $expand=alerts")
        incident = text(record.get("id"))
        drafts: list[AlertDraft] = []
        refused: list[str] = []
        for alert in alerts:
            try:
                drafts.append(self._alert(alert, raw, incident))
            except Unusable as fault:
                refused.append(str(fault))
        if not drafts:
            raise Unusable(f"no usable alert in the incident: {refused[0]}")
        if refused:
            note = f"{len(refused)} of {len(alerts)} alerts in the incident cannot be used: {refused[0]}"
            drafts[0] = replace(drafts[0], notes=(*drafts[0].notes, note))
        return drafts

    def _alert(self, record: Record, raw: Raw, incident: str | None) -> AlertDraft:
        provider_id = text(record.get("providerAlertId"))
        native_id = text(record.get("id")) or provider_id
        if native_id is None:
            raise Unusable("no id and no providerAlertId")
        title = text(record.get("title"))
        if title is None:
            raise Unusable("no title")
        notes: list[str] = []
        updated = record.get("lastUpdateDateTime")
        created = time(record.get("createdDateTime")) or time(record.get("firstActivityDateTime")) or time(updated)
        if created is None:
            created = moment(raw.received / 1e7)
            notes.append("no time of its own: the time of receipt is used")
        evidence = _evidence(record)
        if not evidence:
            # Fresh alerts carry `evidence: []` until their details have been loaded upstream.
            notes.append("evidence not expanded")
        product = self._product(record, native_id)
        alert: Record = {
            name: value for name, shape in self._copied if (value := record.get(name)) is not None and isinstance(value, shape)
        }
        alert["providerAlertId"] = provider_id or native_id
        alert["title"] = title
        alert["createdDateTime"] = created
        alert["serviceSource"] = product if product in PREFIXES else text(record.get("serviceSource")) or "unknown"
        alert["severity"] = text(record.get("severity")) or "unknown"
        alert["status"] = text(record.get("status")) or "new"
        determination = text(record.get("determination"))
        if determination is not None:
            # Older schema versions and PATCH bodies say compromisedUser, clean, insufficientData.
            alert["determination"] = self._determinations.get(determination.casefold(), determination)
        alert["mitreTechniques"] = techniques(record.get("mitreTechniques"))
        alert["comments"] = _comments(record.get("comments"), created)
        alert["evidence"] = evidence
        incident = text(record.get("incidentId")) or incident
        return AlertDraft(
            product=product,
            native_id=native_id,
            alert=alert,
            prefixes=PREFIXES.get(product, ()),
            updated=instant_of(updated) if isinstance(updated, str) else None,
            incident=None if incident is None else (INCIDENTS, incident),
            notes=tuple(notes),
        )

    def _product(self, record: Record, native_id: str) -> str:
        service = self._services.get((text(record.get("serviceSource")) or "").casefold(), "unknown")
        if service not in ("unknown", "unknownFutureValue"):
            return service
        # Without `Prefer: include-unknown-enum-members` the newer products all call themselves unknownFutureValue.
        marked = service_of_id(native_id)
        if marked is not None:
            return marked
        return f"microsoft/{(text(record.get('productName')) or 'unknown').lower()}"


def _shape(item: Property) -> tuple[type, ...]:
    """The Python types a value of this member comes in; what it holds is for the checker to judge."""
    if item.collection:
        return (list,)
    return (dict,) if isinstance(item.type, StructType) else (str, int, float)


def _words(enum: str) -> Mapping[str, str]:
    """Every accepted spelling of the enumeration, case-folded, to the published member."""
    found = load().types[f"{SECURITY}.{enum}"]
    return found.folded if isinstance(found, EnumType) else {}


def _kind(record: Record) -> str:
    """`alert`, `incident`, or in words what else the record is; Unusable when it only looks like an alert."""
    declared = (text(record.get("@odata.type")) or "").lstrip("#")
    if declared == f"{SECURITY}.alert":
        return "alert"
    if declared == f"{SECURITY}.incident":
        return "incident"
    if declared == "microsoft.graph.alert":
        raise Unusable(OLDER)
    if declared:
        return f"@odata.type '{declared[:80]}'"
    has_title = text(record.get("title")) is not None
    has_id = text(record.get("id")) is not None or text(record.get("providerAlertId")) is not None
    if has_title and has_id and record.keys().isdisjoint(OTHERS):
        return "alert"
    for member, meaning in GIVEAWAYS.items():
        if member in record:
            return meaning
    if "eventDateTime" in record or ("vendorInformation" in record and (has_title or has_id)):
        raise Unusable(OLDER)
    if "alertCreationTime" in record:
        raise Unusable("an alert of the Defender for Endpoint API: send it to the source mde")
    if not has_title and ("redirectIncidentId" in record or "alerts" in record or "displayName" in record):
        return "incident"
    if not has_title and not has_id:
        return "a comment" if "createdByDisplayName" in record else "neither id nor title, as in a request body"
    return "alert"


def _evidence(record: Record) -> list[Record]:
    """The evidence as it came; from members of their own where there is no list."""
    given = record.get("evidence")
    if isinstance(given, list):
        return objects(given)
    # An older sample of the documentation prints each item as a member: `deviceEvidence`, `fileEvidence`.
    return [
        {"@odata.type": f"#{SECURITY}.{name}", **item}
        for name, value in record.items()
        if isinstance(name, str) and name.endswith("Evidence")
        for item in objects(value)
    ]


def _comments(value: Any, created: str | None) -> list[Record]:
    """The comments under the names of the schema; the documentation of incidents prints createdBy and createdTime."""
    return [
        {
            "comment": words,
            "createdByDisplayName": text(item.get("createdByDisplayName")) or text(item.get("createdBy")),
            "createdDateTime": time(item.get("createdDateTime")) or time(item.get("createdTime")) or created,
        }
        for item in objects(value)
        if (words := text(item.get("comment"))) is not None
    ]
