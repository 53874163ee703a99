"""Alerts of an upstream Microsoft Graph: `alerts_v2` objects, alone or inside incidents, copied member by member."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from secgraph.extend import (
    AlertDraft,
    Draft,
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
    instant_of,
    moment,
    techniques,
    text,
)  # fmt: skip
from secgraph.model.edm import EnumType, load
from secgraph.sources import graph_api, graph_identities
from secgraph.sources.defender import INCIDENTS, PREFIXES, embedded, objects, service_of_id, time
from secgraph.sources.graph_identities import identity_draft
from secgraph.sources.graph_objects import PROFILES, SCORES, TYPES, copied, evidence_of, object_draft, shapes
from secgraph.sources.microsoft_api import Api, api, known, parts

SECURITY = "microsoft.graph.security"
REBUILT = frozenset({"id", "lastUpdateDateTime", "incidentId", "tenantId", "evidence", "comments"})
"""Members that are not copied: the first four belong to this server, the last two are made anew."""

KNOWN = {
    "currentScore": SCORES,
    "controlScores": SCORES,
    "controlCategory": PROFILES,
    "controlStateUpdates": PROFILES,
    **graph_identities.GIVEAWAYS,
}
"""Members by which a record without `@odata.type` shows of which other set it is."""

GIVEAWAYS = {
    "expectedAssessment": "a threat assessment request",
    "subscriptionId": "a change notification",
    "error": "an error answer",
}
"""Members by which a record without `@odata.type` shows that it is no alert."""

OTHERS = KNOWN.keys() | GIVEAWAYS.keys() | {"eventDateTime", "vendorInformation", "alertCreationTime"}
"""Members that an alert does not have: where none of them is, a title and an id are enough."""

SET_OF = {
    **{TYPES[path]: path for path in (SCORES, PROFILES)},
    **{kind: path for path, kind in graph_identities.TYPES.items()},
}
OLDER = "an alert of the older generation (/security/alerts): send it from /security/alerts_v2"


class Graph:
    """Reads alerts_v2, incidents, secure scores, control profiles, identity accounts, health issues and sensors as the
    published API and its documentation print them; asks for them, and carries changes of alerts back.
    """

    name = "graph"
    framing: Framing = "json"
    options = graph_api.OPTIONS
    every = 300.0
    writes = frozenset({*graph_api.WRITES, "comments"})
    precedence = 0
    """It takes the changes of every product's alerts."""

    def __init__(self, api: Api | None = None, parts: tuple[str, ...] = graph_api.PARTS) -> None:
        self._api, self._parts = api, parts
        self._copied = tuple((name, kind) for name, kind in shapes(f"{SECURITY}.alert") if name not in REBUILT)
        self._services = _words("serviceSource")
        self._determinations = _words("alertDetermination")

    def told(self, options: Options) -> Graph:
        """The Graph of one tenant."""
        return Graph(api(options), parts(options, graph_api.PARTS))

    def reach(self) -> Reach:
        """The one host, and how often it may be asked."""
        return known(self._api).reach(graph_api.CALLS, graph_api.SECONDS)

    def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        """What is new of alerts, incidents and scores, and what Defender for Identity knows now."""
        return graph_api.pull(known(self._api), self._parts, web, place, now)

    async def write(self, web: Web, native_id: str, changes: Mapping[str, Any]) -> Written:
        """Changes of an alert, whichever product raised it."""
        return await graph_api.write(known(self._api), web, native_id, changes)

    async def read(self, web: Web, native_id: str) -> Record | None:
        """What Graph says of an alert now."""
        return await graph_api.read(known(self._api), web, native_id)

    def normalise(self, raw: Raw) -> Iterable[Draft]:
        """The alert, the alerts embedded in an incident, or the object of another set."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        kind = _kind(record)
        if kind == "incident":
            return self._embedded(record, raw)
        if kind == SCORES:
            return [object_draft(kind, record), *evidence_of(record, raw.received)]
        if kind in TYPES:
            return [object_draft(kind, record)]
        if kind in graph_identities.TYPES:
            return [identity_draft(kind, record)]
        if kind != "alert":
            raise NotAnAlert(f"{kind}: not an alert")
        return [self._alert(record, raw)]

    def _embedded(self, record: Record, raw: Raw) -> list[AlertDraft]:
        alerts = objects(record.get("alerts"))
        if not alerts:
            raise NotAnAlert("an incident without its alerts: ask for $expand=alerts")
        own, target = text(record.get("id")), text(record.get("redirectIncidentId"))
        return embedded(alerts, lambda alert: self._alert(alert, raw), own, target)

    def _alert(self, record: Record, raw: Raw) -> AlertDraft:
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
        alert = copied(record, self._copied)
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
        incident = text(record.get("incidentId"))
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


def _words(enum: str) -> Mapping[str, str]:
    """Every accepted spelling of the enumeration, case-folded, to the published member."""
    found = load().types[f"{SECURITY}.{enum}"]
    return found.folded if isinstance(found, EnumType) else {}


def _kind(record: Record) -> str:
    """`alert`, `incident`, the set of another object, or in words what else the record is; Unusable when it only looks like an
    alert.
    """
    declared = (text(record.get("@odata.type")) or "").lstrip("#")
    if declared == f"{SECURITY}.alert":
        return "alert"
    if declared == f"{SECURITY}.incident":
        return "incident"
    if declared in SET_OF:
        return SET_OF[declared]
    if declared == "microsoft.graph.alert":
        raise Unusable(OLDER)
    if declared:
        return f"@odata.type '{declared[:80]}'"
    has_title = text(record.get("title")) is not None
    has_id = text(record.get("id")) is not None or text(record.get("providerAlertId")) is not None
    if has_title and has_id and record.keys().isdisjoint(OTHERS):
        return "alert"
    for member, meaning in (KNOWN | GIVEAWAYS).items():
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
