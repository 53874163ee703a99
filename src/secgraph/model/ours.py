"""Schemas of what the published types leave out: the shapes around objects, identity, and what only this server has."""

from __future__ import annotations

from secgraph.model.correlation import MOST_KEYS, WORDS, bounds, outward
from secgraph.model.schemas import NAMED, TEXT, URL, Schema, array, nullable, record

_NUMBER: Schema = {"type": "integer", "minimum": 0}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
_KEY = ("kty", "use", "kid", "x5t", "n", "e", "issuer")
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_ERROR = record(
    {
        "code": TEXT,
        "message": TEXT,
        "innerError": record({"date": TEXT, "request-id": TEXT, "client-request-id": TEXT}),
    },
    ("code", "message", "innerError"),
)

_COMMENT = record({"comment": NAMED}, ("comment",))
_COMMENTS = array(_COMMENT, minItems=1, maxItems=100)

_REQUEST = record(
    {
        "id": {"type": "string", "minLength": 1, "description": "Another one for each; compared without letter case."},
        "method": {"type": "string", "enum": list(_METHODS)},
        "url": {"type": "string", "minLength": 1, "description": "Relative to the version root, with a version, or absolute."},
        "headers": nullable({"type": "object", "additionalProperties": TEXT, "description": "A body needs its type here."}),
        "body": {"description": "JSON, or base64url text where it is not JSON."},
        "dependsOn": nullable(array(TEXT, description="Ids of requests that must succeed before.")),
    },
    ("id", "method", "url"),
)

_ANSWERED = record(
    {
        "id": TEXT,
        "status": {"type": "integer", "minimum": 100, "maximum": 599},
        "headers": {"type": "object", "additionalProperties": TEXT},
        "body": {"description": "JSON, or base64url text where it is not JSON; absent where there is none."},
    },
    ("id", "status", "headers"),
)

_RECORD = record(
    {
        "source": TEXT,
        "product": TEXT,
        "nativeId": TEXT,
        "updatedDateTime": nullable(_MOMENT),
        "receivedDateTime": _MOMENT,
        "repaired": {"type": "boolean", "description": "Whether something in it could not be stored as it came."},
        "contentEncoding": {"type": "string", "enum": ["utf-8", "base64"]},
        "content": TEXT,
    },
    ("source", "product", "nativeId", "updatedDateTime", "receivedDateTime", "repaired", "contentEncoding", "content"),
)

_TOLD: dict[str, Schema] = {
    "state": {"type": "string", "enum": ["pending", "unknown", "refused", "superseded", "accepted"]},
    "reason": nullable({"type": "string", "description": "Why the product refused it, or why it is not there yet."}),
    "attempts": _NUMBER,
    "changedDateTime": _MOMENT,
    "endedDateTime": nullable({**_MOMENT, "description": "Since when nothing more is done about it."}),
}

_ALERT_SOURCE: dict[str, Schema] = {
    "source": TEXT,
    "kind": nullable(TEXT),
    "product": TEXT,
    "nativeId": TEXT,
    "updatedDateTime": nullable(_MOMENT),
    "receivedDateTime": _MOMENT,
    "writeBack": nullable(
        record(
            {
                **_TOLD,
                "members": array(
                    record({"name": TEXT, "value": nullable(TEXT), **_TOLD}, ("name", "value", *_TOLD)),
                    description="The last change of each member, and every comment.",
                ),
            },
            (*_TOLD, "members"),
        )
    ),
}

_COUNTED = array(record({"name": TEXT, "alertCount": _NUMBER}, ("name", "alertCount")))

_ENTITY = record(
    {
        "type": TEXT,
        "key": {"type": "string", "description": "The strongest key by which it is known."},
        "name": TEXT,
        "alertCount": _NUMBER,
        "part": {"type": "string", "enum": ["central", "involved", "aside"]},
        "criticality": nullable({"type": "string", "enum": ["low", "normal", "high", "critical"]}),
        "tags": array(TEXT),
    },
    ("type", "key", "name", "alertCount", "part", "criticality", "tags"),
)

_ASSESSMENT = {
    "@odata.context": URL,
    "id": TEXT,
    "priorityScore": {"type": "integer", "minimum": 0, "maximum": 100},
    "factors": array(
        record({"name": TEXT, "points": _NUMBER, "reason": TEXT}, ("name", "points", "reason")),
        description="What the score is made of.",
    ),
    "dueDateTime": nullable(_MOMENT),
    "overdue": {"type": "boolean"},
    "settled": {"type": "boolean", "description": "Whether no alert joined it for a while."},
    "settledDateTime": nullable(_MOMENT),
    "continues": nullable({"type": "string", "description": "The incident that it goes on from."}),
    "alertCount": _NUMBER,
    "firstActivityDateTime": nullable(_MOMENT),
    "lastActivityDateTime": nullable(_MOMENT),
    "tactics": array(TEXT, description="Those that reach furthest last."),
    "products": _COUNTED,
    "detections": _COUNTED,
    "entities": array(_ENTITY, description="The weightiest first."),
}

_EVIDENCE = {
    "source": {"type": "string", "description": "Whose check it is."},
    "check": TEXT,
    "scope": nullable({"type": "string", "description": "What its report was all of."}),
    "subject": nullable({"type": "string", "description": "What was checked; null for the organisation."}),
    "result": {"type": "string", "enum": ["pass", "fail", "partial", "notApplicable"]},
    "scoreInPercentage": nullable({"type": "number", "minimum": 0, "maximum": 100}),
    "score": nullable({"type": "number", "minimum": 0, "description": "Points, where its source counts these."}),
    "checkedDateTime": _MOMENT,
    "details": nullable(TEXT),
}

_NEW_EVIDENCE = record(
    {
        "result": {"type": "string", "enum": ["pass", "fail", "notApplicable"], "description": "This or scoreInPercentage."},
        "scoreInPercentage": {"type": "number", "minimum": 0, "maximum": 100},
        **{name: {"type": "string", "maxLength": 500} for name in ("subject", "source", "details")},
        "checkedDateTime": {**_MOMENT, "description": "Now, where it is left out."},
    },
    (),
)

_IDS = array({"type": "string", "minLength": 1}, minItems=1, maxItems=1000)

_SHARED = record(
    {
        "id": {"type": "string", "description": "The thing's own: /security/entities/{id}."},
        "type": TEXT,
        "key": {"type": "string", "description": "The key by which it is one and the same for both alerts."},
        "name": TEXT,
        "roles": array(TEXT, minItems=2, maxItems=2),
        "strength": {"type": "number"},
        "rarity": {"type": "number"},
        "weight": {"type": "number", "description": "What it adds to the score."},
    },
    ("id", "type", "key", "name", "roles", "strength", "rarity", "weight"),
)

_CORRELATION = {
    "createdDateTime": _MOMENT,
    "alertId": TEXT,
    "withAlertId": nullable(TEXT),
    "outcome": {"type": "string", "enum": ["joined", "merged", "refused", "mergeSuggested", "notLinked"]},
    "incidentId": {"type": "string", "description": "Where the alert was put then."},
    "otherIncidentId": nullable({"type": "string", "description": "The incident that was merged into it, or was not joined."}),
    "continues": {"type": "boolean", "description": "Whether the incident was opened to go on from the other one."},
    "why": nullable({"type": "string", "enum": ["resolved", "apart", "touched", "alerts", "span", "series"]}),
    "whyInWords": nullable(TEXT),
    "kind": nullable({"type": "string", "enum": ["shared", "series", "twin"]}),
    "score": nullable({"type": "number"}),
    "entities": array(_SHARED, description="What both alerts name, the weightiest first."),
    "correlationReason": nullable({"type": "string", "description": "Members of correlationReason, parted by commas."}),
    "tactics": nullable(array(TEXT, description="The earlier and the later, where one follows the other.")),
    "gapSeconds": nullable(_NUMBER),
    "snapshot": nullable(_NUMBER),
    "sentence": TEXT,
    "truncated": array(TEXT, description="Keys of things that more alerts name than were looked at."),
}

_ENTITY_MEMBERS = {
    "id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "type": TEXT,
    "key": {"type": "string", "description": "Its strongest key: type, kind and value."},
    "name": TEXT,
    "firstSeenDateTime": nullable(_MOMENT),
    "lastSeenDateTime": nullable(_MOMENT),
}

_SOURCE = {
    "id": {"type": "string", "description": "Its name."},
    "kind": nullable({"type": "string", "description": "Null for one that is not configured."}),
    "road": nullable({"type": "string", "enum": ["pull", "listen", "file", "webhook", "push"]}),
    "state": {"type": "string", "enum": ["healthy", "failing", "silent", "paused", "waiting"]},
    "reason": nullable({"type": "string", "description": "Why it fails."}),
    "lastFailureReason": nullable(TEXT),
    "failures": {**_NUMBER, "description": "In a row."},
    **{
        name: nullable(_MOMENT)
        for name in (
            "lastAttemptDateTime", "lastSuccessDateTime", "lastFailureDateTime", "lastRecordDateTime", "newestEventDateTime",
            "silentSinceDateTime",
        )
    },
    "lagSeconds": nullable({**_NUMBER, "description": "Between the latest event that it told and now."}),
    "taken": _NUMBER,
    "unchanged": _NUMBER,
    "rejected": _NUMBER,
    "recordsPerHour": _NUMBER,
    "recordsLastDay": _NUMBER,
    "pendingChanges": {**_NUMBER, "description": "Changes of alerts that wait to be carried back to its product."},
    "pendingReason": nullable({"type": "string", "description": "Why what waits was not taken at the last attempt."}),
    "refusedChanges": {**_NUMBER, "description": "Those that its product did not take, and that were not set again since."},
    "lastRefusalReason": nullable({"type": "string", "description": "Of the last of these."}),
    "lastRefusalDateTime": nullable(_MOMENT),
}  # fmt: skip

_REPORT = record(
    {
        "records": _NUMBER,
        "taken": _NUMBER,
        "unchanged": _NUMBER,
        "rejected": _NUMBER,
        "problems": array(
            record({"line": _NUMBER, "reason": TEXT, "kept": {"type": "boolean"}}, ("line", "reason", "kept")),
            description="What was not taken, or taken with something to know; `kept` ones can be retried.",
        ),
        "moreProblems": _NUMBER,
        "notes": {"type": "object", "additionalProperties": _NUMBER, "description": "What was repaired, and how often."},
    },
    ("records", "taken", "unchanged", "rejected", "problems", "moreProblems", "notes"),
)


def _setting(name: str) -> Schema:
    """A setting of correlation."""
    word = WORDS[name]
    said = f"{word.says} {bounds(name)[0].upper()}{bounds(name)[1:]}."
    if word.kind == "switch":
        return {"type": "boolean", "description": word.says}
    if word.kind == "time":
        return {"type": "string", "examples": ["5d", "36h"], "description": said}
    if word.kind == "keys":
        return array(TEXT, maxItems=MOST_KEYS, description=word.says)
    kind = "integer" if word.kind == "whole" else "number"
    return {"type": kind, "minimum": word.least, "maximum": word.most, "description": word.says}


_SETTINGS = {outward(name): _setting(name) for name in WORDS}

COMPONENTS: dict[str, Schema] = {
    "alertSourceCollectionResponse": record(
        {"@odata.context": URL, "value": array(record(_ALERT_SOURCE, _ALERT_SOURCE))}, ("value",)
    ),
    "assessment": record(_ASSESSMENT, _ASSESSMENT),
    "batchRequest": record({"requests": array(_REQUEST, minItems=1, maxItems=20)}, ("requests",)),
    "batchResponse": record({"responses": array(_ANSWERED)}, ("responses",)),
    "correlationChange": record({name: nullable(schema) for name, schema in _SETTINGS.items()}, ()),
    "correlationCollectionResponse": record(
        {"@odata.context": URL, "@odata.nextLink": URL, "value": array(record(_CORRELATION, _CORRELATION))}, ("value",)
    ),
    "correlationSettings": record({"@odata.context": URL, **_SETTINGS}, tuple(_SETTINGS)),
    "document": {"type": "object"},
    "entity": record({"@odata.context": URL, **_ENTITY_MEMBERS}, _ENTITY_MEMBERS),
    "entityCollectionResponse": record(
        {"@odata.context": URL, "@odata.nextLink": URL, "value": array(record(_ENTITY_MEMBERS, _ENTITY_MEMBERS))}, ("value",)
    ),
    "error": record({"error": _ERROR}, ("error",)),
    "identityError": record(
        {
            "error": TEXT,
            "error_description": TEXT,
            "error_codes": array({"type": "integer"}, description="The number behind AADSTS."),
            "timestamp": TEXT,
            "trace_id": TEXT,
            "correlation_id": TEXT,
        },
        ("error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id"),
    ),
    "evidence": record({"@odata.context": URL, **_EVIDENCE}, _EVIDENCE),
    "evidenceCollectionResponse": record(
        {"@odata.context": URL, "@odata.nextLink": URL, "value": array(record(_EVIDENCE, _EVIDENCE))}, ("value",)
    ),
    "ingestReport": _REPORT,
    "keepApart": record({"incidentIds": _IDS}, ("incidentIds",)),
    "keptApart": record(
        {"@odata.context": URL, "incidentId": TEXT, "apartFromIncidentIds": array(TEXT)}, ("incidentId", "apartFromIncidentIds")
    ),
    "keys": record({"keys": array(record(dict.fromkeys(_KEY, TEXT), _KEY))},
                   ("keys",)),
    "newComment": {"anyOf": [_COMMENT, _COMMENTS, record({"value": _COMMENTS}, ("value",))]},
    "newEvidence": _NEW_EVIDENCE,
    "notChanged": record({"id": TEXT, "error": record({"code": TEXT, "message": TEXT}, ("code", "message"))}, ("id", "error")),
    "recordCollectionResponse": record({"@odata.context": URL, "value": array(_RECORD)}, ("value",)),
    "serviceDocument": record(
        {
            "@odata.context": URL,
            "value": array(record({"name": TEXT, "kind": {"enum": ["EntitySet", "Singleton"]}, "url": TEXT},
                                  ("name", "kind", "url"))),
        },
        ("value",),
    ),
    "singleton": record({"@odata.context": URL}, additionalProperties=URL),
    "source": record({"@odata.context": URL, **_SOURCE}, _SOURCE),
    "sourceCollectionResponse": record(
        {"@odata.context": URL, "@odata.nextLink": URL, "value": array(record(_SOURCE, _SOURCE))}, ("value",)
    ),
    "tokenRequest": record(
        {
            "grant_type": {"const": "client_credentials"},
            "client_id": TEXT,
            "client_secret": TEXT,
            "client_assertion_type": {"const": _ASSERTION},
            "client_assertion": {"type": "string", "description": "A JWT signed by the key of a registered certificate."},
            "scope": {"type": "string", "examples": ["https://graph.microsoft.com/.default"]},
            "resource": {"type": "string", "description": "The older word for a scope."},
        },
        ("grant_type",),
    ),
    "tokenResponse": record(
        {
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer", "minimum": 1},
            "ext_expires_in": {"type": "integer", "minimum": 1},
            "access_token": TEXT,
            **{name: {"type": "string", "description": "From the older endpoint only."} for name in
               ("not_before", "expires_on", "resource")},
        },
        ("token_type", "expires_in", "access_token"),
    ),
}  # fmt: skip
"""The components by name."""
