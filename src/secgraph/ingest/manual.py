"""An alert that somebody made by hand: the input of createAlert as a draft. Pure.

Its entities become evidence. Which member an identifier is comes from the table of the reference page
(entityDefinitionInput, supported entity identifiers); any other member of the evidence that holds text is taken by its own
name, so that a host name can be given too.
"""

from __future__ import annotations

from typing import Any

from secgraph import extend
from secgraph.errors import BadBody
from secgraph.extend import AlertDraft
from secgraph.model.check import Record, from_client
from secgraph.model.edm import Primitive, Property, StructType, load

PRODUCT = "microsoft365Defender"
PREFIX = "ea"
"""What ids of alerts that the portal makes by hand start with."""

INPUT = "createAlertInput"
MOST_ENTITIES = 100
LONGEST = {"description": 5000, "identifierValue": 1000, "sentinelWorkspace": 1000}
"""Most characters of what may be long; the first two are published."""

_EVIDENCE = {"oAuthApplication": "oauthApplication", "emailMessage": "analyzedMessage", "emailCluster": "mailCluster"}
"""Entity types whose evidence is called otherwise."""

_HASHES = {"sha1": "imageFile/sha1", "sha256": "imageFile/sha256"}
_MEMBERS: dict[str, dict[str, str]] = {
    "user": {"userPrincipalName": "userAccount/userPrincipalName", "aadUserId": "userAccount/azureAdUserId",
             "sid": "userAccount/userSid"},
    "device": {"deviceId": "mdeDeviceId", "deviceName": "deviceDnsName"},
    "file": {"sha256": "fileDetails/sha256", "sha1": "fileDetails/sha1"},
    "ip": {"address": "ipAddress"},
    "url": {"url": "url"},
    "cloudApplication": {"appId": "appId", "name": "displayName"},
    "mailbox": {"mailboxPrimaryAddress": "primaryAddress"},
    "securityGroup": {"distinguishedName": "distinguishedName", "objectGuid": "activeDirectoryObjectGuid", "sid": "sid"},
    "azureResource": {"resourceId": "resourceId"},
    "amazonResource": {"amazonResourceId": "amazonResourceId"},
    "googleCloudResource": {"fullResourceName": "fullResourceName"},
    "oAuthApplication": {"oAuthAppId": "appId"},
    "emailMessage": {"networkMessageId": "networkMessageId"},
    "emailCluster": {"networkMessageId": "networkMessageIds"},
    "process": _HASHES,
    "registryKey": {"key": "registryKey"},
    "registryValue": {"key": "registryKey", "valueName": "registryValueName"},
}  # fmt: skip
"""Entity type to its published identifiers and the members of the evidence that they are."""

_ROLES = {"impacted": "attacked", "related": "contextual"}


def draft(given: Record, guid: str) -> AlertDraft:
    """The alert that checked input describes; BadBody where an entity cannot be meant. `guid` makes its id, which ends as
    published.
    """
    entities = given["entityDefinitions"]
    if len(entities) > MOST_ENTITIES:
        raise BadBody(f"{INPUT}/entityDefinitions", f"holds more than {MOST_ENTITIES} entities.")
    _bounded(given, INPUT)
    extra = {name: given[name] for name in ("isExcludedFromCorrelation", "sentinelWorkspace") if given[name]}
    alert = {
        **{name: given[name] for name in ("title", "description", "category", "severity", "recommendedActions")},
        "mitreTechniques": given["mitreTechniques"],
        "status": "new", "classification": "unknown", "determination": "unknown",
        "serviceSource": PRODUCT, "detectionSource": "manual", "providerAlertId": f"manual_{PREFIX}{guid}",
        "evidence": [_evidence(one, f"{INPUT}/entityDefinitions/{place}") for place, one in enumerate(entities)],
        "additionalData": extra or None,
    }  # fmt: skip
    return AlertDraft(product=PRODUCT, native_id=f"{PREFIX}{guid}_aml", alert=alert, prefixes=(PREFIX,))


def incident(given: Record) -> str | None:
    """The incident that the alert is to join; None for one of its own. BadBody for a number that none can have."""
    number = given["linkToIncident"]
    if number is not None and number < 0:
        raise BadBody(f"{INPUT}/linkToIncident", "must be the number of an incident.", hint="0 makes a new one.")
    return str(number) if number else None


def _evidence(entity: Record, path: str) -> Record:
    """One entity as evidence."""
    _bounded(entity, path)
    kind: str = entity["entityType"]
    evidence = extend.evidence(_EVIDENCE.get(kind, kind), None)
    struct = load().struct(evidence["@odata.type"].removeprefix("#"))
    *outer, name = _member(kind, struct, entity["entityIdentifier"].strip().casefold(), path).split("/")
    place = evidence
    for step in outer:
        inner = struct.properties[step].type
        assert isinstance(inner, StructType)  # noqa: S101 -- the tables lead through such only
        place, struct = place.setdefault(step, {}), inner
    item = struct.properties[name]
    value = _value(item, entity["identifierValue"].strip(), f"{path}/identifierValue")
    place[name] = [value] if item.collection else value
    if entity["role"] is not None:
        # The published roles of evidence have other words; the given one stays beside the nearest of them.
        evidence["roles"], evidence["detailedRoles"] = [_ROLES[entity["role"]]], [entity["role"]]
    return evidence


def _member(kind: str, struct: StructType, identifier: str, path: str) -> str:
    """Where in the evidence an identifier of that name goes."""
    published = {name.casefold(): member for name, member in _MEMBERS[kind].items()}
    found = published.get(identifier) or _texts(struct).get(identifier)
    if found is None:
        raise BadBody(f"{path}/entityIdentifier", f"is not an identifier of a {kind}.",
                      hint=f"Published identifiers: {', '.join(_MEMBERS[kind])}.")  # fmt: skip
    return found


def _texts(struct: StructType) -> dict[str, str]:
    """The members of a kind of evidence and of what it holds that are one text, by their folded names; the nearer one wins.
    Members that all evidence has identify nothing.
    """
    every = load().struct("microsoft.graph.security.alertEvidence").properties
    own = [item for name, item in struct.properties.items() if name not in every]
    found: dict[str, str] = {}
    for item in own:
        if isinstance(item.type, StructType) and not item.collection and not item.type.open and item.type.base is None:
            for inner in item.type.properties.values():
                if _is_text(inner):
                    found.setdefault(inner.name.casefold(), f"{item.name}/{inner.name}")
    found.update((item.name.casefold(), item.name) for item in own if _is_text(item))
    return found


def _is_text(item: Property) -> bool:
    return isinstance(item.type, Primitive) and item.type.name == "Edm.String" and not item.collection


def _value(item: Property, text: str, path: str) -> Any:
    """The identifier's value as its member holds it."""
    assert isinstance(item.type, Primitive)  # noqa: S101 -- the tables name such only
    value = extend.integer(text) if item.type.name == "Edm.Int64" else text
    try:
        found = from_client(item, [value] if item.collection else value)
    except BadBody as fault:
        raise BadBody(path, fault.reason) from None
    return found[0] if item.collection else found


def _bounded(given: Record, path: str) -> None:
    for name, most in LONGEST.items():
        if len(given.get(name) or "") > most:
            raise BadBody(f"{path}/{name}", f"is longer than {most} characters.")
