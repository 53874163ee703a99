"""What the APIs of the Defender products have in common: ids and their marks, words, comments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from secgraph.extend import AlertDraft, Record, Unusable, moment, text

# --- ids ----------------------------------------------------------------------------------------------------------------

INCIDENTS = "microsoft365Defender"
"""The space of the incident ids which all of them share."""

PREFIXES: dict[str, tuple[str, ...]] = {
    "microsoftDefenderForEndpoint": ("da", "ed"),
    "microsoftDefenderForIdentity": ("aa", "ri"),
    "microsoftDefenderForCloudApps": ("ca", "rm"),
    "microsoftAppGovernance": ("ma",),
    "microsoftDefenderForOffice365": ("fa",),
    "azureAdIdentityProtection": ("ad",),
    "dataLossPrevention": ("dl",),
    "microsoftDefenderForCloud": ("dc",),
    "microsoftSentinel": ("sn",),
    "microsoftInsiderRiskManagement": ("ir",),
    "microsoft365Defender": ("ra", "ta", "ea"),
}
"""The two letters which the portal puts before ids, by the serviceSource of the product."""

SERVICE_OF_PREFIX = {prefix: service for service, prefixes in PREFIXES.items() for prefix in prefixes}
# Only before a GUID or a long number do the two letters mean something: "daily-scan-7" is no endpoint alert.
MARKED_ID = re.compile(r"([a-z]{2})(?:[0-9a-f]{8}-[0-9a-f]{4}-|\d{12})", re.ASCII)

SERVICES = {
    "microsoftdefenderatp": "microsoftDefenderForEndpoint",
    "windowsdefenderatp": "microsoftDefenderForEndpoint",
    "officeatp": "microsoftDefenderForOffice365",
    "azureatp": "microsoftDefenderForIdentity",
    "microsoftcloudappsecurity": "microsoftDefenderForCloudApps",
    "mcas": "microsoftDefenderForCloudApps",
    "appgovernance": "microsoftAppGovernance",
    "azureactivedirectoryidentityprotection": "azureAdIdentityProtection",
    "aadidentityprotection": "azureAdIdentityProtection",
    "entraidprotection": "azureAdIdentityProtection",
    "microsoftentraidprotection": "azureAdIdentityProtection",
    "mtp": "microsoft365Defender",
    "microsoftdefenderxdr": "microsoft365Defender",
    "microsoftdatalossprevention": "dataLossPrevention",
} | {service.casefold(): service for service in PREFIXES}
"""Spellings of the products to the published members, folded and without blanks."""

NAMES = {
    "microsoftDefenderForEndpoint": "Microsoft Defender for Endpoint",
    "microsoftDefenderForIdentity": "Microsoft Defender for Identity",
    "microsoftDefenderForCloudApps": "Microsoft Defender for Cloud Apps",
    "microsoftDefenderForOffice365": "Microsoft Defender for Office 365",
    "microsoft365Defender": "Microsoft Defender XDR",
    "azureAdIdentityProtection": "Microsoft Entra ID Protection",
    "microsoftAppGovernance": "App governance",
    "dataLossPrevention": "Microsoft Data Loss Prevention",
    "microsoftDefenderForCloud": "Microsoft Defender for Cloud",
    "microsoftSentinel": "Microsoft Sentinel",
    "microsoftInsiderRiskManagement": "Microsoft Purview Insider Risk Management",
}
"""What the products are called, as productName."""


def service_of_id(native_id: str) -> str | None:
    """The product whose mark an id bears; None where it bears none."""
    mark = MARKED_ID.match(native_id.casefold())
    return None if mark is None else SERVICE_OF_PREFIX.get(mark[1])


def product_of(service: Any, native_id: str) -> str:
    """The product: by its name in any spelling, else by the mark of the id, else a name of its own."""
    named = text(service) or "unknown"
    folded = named.casefold().translate(WITHOUT_PUNCTUATION)
    return SERVICES.get(folded) or service_of_id(native_id) or f"microsoft/{named.casefold()}"


def embedded(
    alerts: list[Record], make: Callable[[Record], AlertDraft], own: str | None, target: str | None
) -> list[AlertDraft]:
    """The alerts inside an incident of that id, in the one it was merged into (`target`) where it was. Those that cannot be
    used are told of with the first that can; Unusable where none can.
    """
    drafts: list[AlertDraft] = []
    refused: list[str] = []
    for alert in alerts:
        try:
            draft = make(alert)
        except Unusable as fault:
            refused.append(str(fault))
            continue
        said = draft.incident[1] if draft.incident is not None else own
        named = target if target is not None and said == own else said
        known = draft.incident is not None and draft.incident[1] == named
        drafts.append(draft if known or named is None else replace(draft, incident=(INCIDENTS, named)))
    if not drafts:
        raise Unusable(f"no usable alert in the incident: {refused[0]}")
    if refused:
        note = f"{len(refused)} of {len(alerts)} alerts in the incident cannot be used: {refused[0]}"
        drafts[0] = replace(drafts[0], notes=(*drafts[0].notes, note))
    return drafts


# --- words --------------------------------------------------------------------------------------------------------------

SEVERITIES = {
    "unspecified": "unknown",
    "informational": "informational",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "critical": "high",
}
STATUSES = {"unknown": "unknown", "new": "new", "inprogress": "inProgress", "resolved": "resolved"}
CLASSIFICATIONS = {
    "unknown": "unknown",
    "falsepositive": "falsePositive",
    "truepositive": "truePositive",
    "informationalexpectedactivity": "informationalExpectedActivity",
}
DETERMINATIONS = {
    "notavailable": "unknown",
    "unknown": "unknown",
    "apt": "apt",
    "malware": "malware",
    "securitypersonnel": "securityPersonnel",
    "securitytesting": "securityTesting",
    "unwantedsoftware": "unwantedSoftware",
    "other": "other",
    "multistagedattack": "multiStagedAttack",
    "compromiseduser": "compromisedAccount",
    "compromisedaccount": "compromisedAccount",
    "phishing": "phishing",
    "malicioususeractivity": "maliciousUserActivity",
    "clean": "notMalicious",
    "notmalicious": "notMalicious",
    "insufficientdata": "notEnoughDataToValidate",
    "notenoughdatatovalidate": "notEnoughDataToValidate",
    "confirmeduseractivity": "confirmedActivity",
    "confirmedactivity": "confirmedActivity",
    "lineofbusinessapplication": "lineOfBusinessApplication",
}
DETECTION_SOURCES = {
    "windowsdefenderav": "antivirus",
    "windowsdefenderatp": "microsoftDefenderForEndpoint",
    "windowsdefendersmartscreen": "smartScreen",
    "customerti": "customTi",
    "customdetection": "customDetection",
    "automatedinvestigation": "automatedInvestigation",
    "threatexperts": "microsoftThreatExperts",
    "officeatp": "microsoftDefenderForOffice365",
    "mtp": "microsoft365Defender",
    "manual": "manual",
    "mcas": "cloudAppSecurity",
    "azureatp": "microsoftDefenderForIdentity",
    "aad": "azureAdIdentityProtection",
    "aadidentityprotection": "azureAdIdentityProtection",
    "edr": "microsoftDefenderForEndpoint",
    "scheduledalerts": "scheduledAlerts",
    "nrtalerts": "nrtAlerts",
}
# The resource page prints one classification as "Informational, expected activity".
WITHOUT_PUNCTUATION = str.maketrans("", "", " ,_-")


def time(value: Any) -> str | None:
    """A time in wire form, if it is the text of one."""
    return moment(value) if isinstance(value, str) else None


def word(value: Any, table: dict[str, str]) -> str:
    """The contract's word; `unknown` for no word, and a word outside the table as it came, for the checker to count."""
    found = text(value)
    if found is None:
        return "unknown"
    folded = found.casefold()
    return table.get(folded) or table.get(folded.translate(WITHOUT_PUNCTUATION), found)


def objects(value: Any) -> list[Record]:
    """The objects in a list; one object counts as a list of one."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def lowered(value: Any) -> str | None:
    """A word of these APIs as the published enumerations write it: with a small letter at its head."""
    found = text(value)
    return None if found is None else found[0].lower() + found[1:]


def present(**members: Any) -> Record | None:
    """The members that are not None; None when there is none."""
    return {name: value for name, value in members.items() if value is not None} or None


def comments(value: Any, created: str | None) -> list[Record]:
    """The comments under the names of the schema."""
    return [
        {
            "comment": words,
            "createdByDisplayName": text(item.get("createdBy")),
            "createdDateTime": text(item.get("createdTime")) or created,
        }
        for item in objects(value)
        if (words := text(item.get("comment"))) is not None
    ]
