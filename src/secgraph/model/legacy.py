"""The older alert (`microsoft.graph.alert`) as a view of the stored one: one table, read both ways.

Every member stands here with an expression over the stored alert in our own query language. `odata.view` makes the older
object from it, and turns what a client asks about older names into what is asked of the rows. Members that a state does
not name here are null; nothing is known of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Words:
    """An enumeration of other words: the stored member to the older one. What is not listed becomes `otherwise`."""

    of: str
    words: Mapping[str, str]
    otherwise: str = "unknown"


@dataclass(frozen=True, slots=True)
class Parts:
    """An object, null unless `when` holds."""

    members: Mapping[str, Value]
    when: str = "true"


@dataclass(frozen=True, slots=True)
class Items:
    """Where items of a collection come from: one for each item of `over`, or one for the whole alert where that is empty.

    `each` is an item's value or its members; names in it are those of the stored item, and behind `$it/` those of the alert.
    """

    each: str | Mapping[str, Value]
    over: str = ""
    type: str = ""
    """The only type of item that is meant, short: `deviceEvidence`."""
    when: str = "true"


Value = str | Words | Parts
"""An expression, or what is more than one."""

Member = Value | tuple[Items, ...] | None
"""None where nothing is ever known: null. An empty tuple is the same of a collection."""


def _evidence(kind: str, members: Mapping[str, Value], when: str = "true") -> Items:
    return Items(members, "evidence", f"{kind}Evidence", when)


# --- vendors ------------------------------------------------------------------------------------------------------------

TAGS = "userTags"
"""The member of `additionalData` that holds an alert's tags, which the stored shape has no member for."""


def parted(extra: dict[str, Any] | None) -> tuple[list[str], dict[str, Any] | None]:
    """The tags of an alert's `additionalData`, and the rest of it."""
    if not extra or TAGS not in extra:
        return [], extra
    rest = {name: value for name, value in extra.items() if name != TAGS}
    return extra[TAGS], rest or None


def tagged(extra: dict[str, Any] | None, tags: list[str]) -> dict[str, Any] | None:
    """`additionalData` with tags."""
    return {**(extra or {}), TAGS: tags} if tags else extra


MICROSOFT = "Microsoft"

KEYWORDS = MappingProxyType(
    {
        # The names that filters of the older API know products by, from before they were renamed.
        "microsoftDefenderForIdentity": "Azure Advanced Threat Protection",
        "microsoftDefenderForCloud": "ASC",
        "microsoftDefenderForCloudApps": "MCAS",
        "azureAdIdentityProtection": "IPC",
        "microsoftSentinel": "Azure Sentinel",
        "microsoftDefenderForEndpoint": "Microsoft Defender ATP",
        # No keyword is published for it; this is what its alerts called themselves.
        "microsoftDefenderForOffice365": "Office 365 Security and Compliance",
    }
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _provider() -> str:
    known = ",".join(f"serviceSource eq {_quoted(source)}:{_quoted(word)}" for source, word in KEYWORDS.items())
    return f"case({known},true:case(productName ne null:productName,true:cast(serviceSource,Edm.String)))"


_VENDOR = Parts({
    "provider": _provider(),
    # What within the product found it: a client that knows the present names can tell rules from sensors.
    "subProvider": "case(detectionSource ne 'unknown' and detectionSource ne null:cast(detectionSource,Edm.String))",
    # Who is not Microsoft says so in the record itself, or is known by the product alone.
    "vendor": "case(serviceSource eq 'unknown':case(length(additionalData/vendor) gt 0:concat(additionalData/vendor,''),"
              f"productName ne null:productName,true:'unknown'),true:{_quoted(MICROSOFT)})",
})  # fmt: skip


# --- pieces that several states share -----------------------------------------------------------------------------------


def _account(path: str) -> dict[str, Value]:
    return {
        "aadUserId": f"{path}/azureAdUserId", "accountName": f"{path}/accountName", "domainName": f"{path}/domainName",
        "onPremisesSecurityIdentifier": f"{path}/userSid", "userPrincipalName": f"{path}/userPrincipalName",
    }  # fmt: skip


def _hash(path: str) -> Parts:
    """The best hash of a file that is known."""
    kinds = {"sha256": "sha256", "sha1": "sha1", "md5": "md5", "sha256Ac": "authenticodeHash256"}
    types = ",".join(f"{path}/{name} ne null:'{kind}'" for name, kind in kinds.items())
    values = ",".join(f"{path}/{name} ne null:{path}/{name}" for name in kinds)
    some = " or ".join(f"{path}/{name} ne null" for name in kinds)
    return Parts({"hashType": f"case({types})", "hashValue": f"case({values})"}, some)


def _place(path: str) -> str:
    return f"case({path}location/countryName ne null:{path}location/countryName,true:{path}countryLetterCode)"


_SOURCE = "roles/any(r:r eq 'source' or r eq 'attacker')"
_LOCAL_MACHINE = ",".join(
    f"registryKey eq '{name}' or startswith(registryKey,'{name}\\'):'localMachine{name.capitalize()}'"
    for name in ("SAM", "SECURITY", "SOFTWARE", "SYSTEM")
)
_HIVE = (
    "case(registryHive eq null:null,registryHive in ('HKEY_CURRENT_CONFIG','HKCC','CurrentConfig'):'currentConfig',"
    "registryHive in ('HKEY_CURRENT_USER','HKCU','CurrentUser'):'currentUser',"
    f"registryHive in ('HKEY_LOCAL_MACHINE','HKLM','LocalMachine'):case({_LOCAL_MACHINE},true:'unknown'),"
    "registryHive in ('HKEY_USERS','HKU','Users'):case(startswith(registryKey,'.DEFAULT'):'usersDefault',true:'unknown'),"
    "true:'unknown')"
)
_VALUE_TYPE = (
    "case(registryValueType eq null:null,registryValueType in ('Binary','REG_BINARY'):'binary',"
    "registryValueType in ('Dword','REG_DWORD'):'dword',"
    "registryValueType in ('DwordBigEndian','REG_DWORD_BIG_ENDIAN'):'dwordBigEndian',"
    "registryValueType in ('DwordLittleEndian','REG_DWORD_LITTLE_ENDIAN'):'dwordLittleEndian',"
    "registryValueType in ('ExpandString','ExpandSz','REG_EXPAND_SZ'):'expandSz',"
    "registryValueType in ('Link','REG_LINK'):'link',registryValueType in ('MultiString','MultiSz','REG_MULTI_SZ'):'multiSz',"
    "registryValueType in ('None','REG_NONE'):'none',registryValueType in ('Qword','REG_QWORD'):'qword',"
    "registryValueType in ('String','Sz','REG_SZ'):'sz',true:'unknown')"
)
_RESOURCE = "case(roles/any(r:r eq 'attacked' or r eq 'compromised'):'attacked',true:'related')"


# --- the table ----------------------------------------------------------------------------------------------------------

ALERT: Mapping[str, Member] = MappingProxyType(
    {
        "id": "id",
        "activityGroupName": "actorDisplayName",
        "alertDetections": (
            Items({"detectionType": "cast(detectionSource,Edm.String)", "name": "detectorId"}, when="detectorId ne null"),
        ),
        "assignedTo": "assignedTo",
        "azureSubscriptionId": None,
        "azureTenantId": "tenantId",
        "category": "category",
        "closedDateTime": "resolvedDateTime",
        "cloudAppStates": (_evidence("cloudApplication", {"destinationServiceName": "displayName"}),),
        "comments": (Items("comment", "comments", when="comment ne null"),),
        "confidence": None,
        "createdDateTime": "createdDateTime",
        "description": "description",
        "detectionIds": (Items("providerAlertId", when="providerAlertId ne null"),),
        "eventDateTime": "case(firstActivityDateTime ne null:firstActivityDateTime,true:createdDateTime)",
        "feedback": Words("classification", {
            "truePositive": "truePositive", "falsePositive": "falsePositive",
            "informationalExpectedActivity": "benignPositive", "unknown": "unknown",
        }),
        "fileStates": (
            _evidence("file", {
                "fileHash": _hash("fileDetails"), "name": "fileDetails/fileName", "path": "fileDetails/filePath",
            }),
            _evidence("fileHash", {
                "fileHash": Parts({
                    "hashType": "case(algorithm eq 'md5':'md5',algorithm eq 'sha1':'sha1',algorithm eq 'sha256':'sha256',"
                                "algorithm eq 'sha256ac':'authenticodeHash256',true:'unknown')",
                    "hashValue": "value",
                }),
            }),
        ),
        "historyStates": (),
        "hostStates": (
            _evidence("device", {
                "fqdn": "deviceDnsName", "netBiosName": "hostName", "os": "osPlatform", "privateIpAddress": "lastIpAddress",
                "publicIpAddress": "lastExternalIpAddress", "riskScore": "cast(riskScore,Edm.String)",
            }),
            _evidence("ioTDevice", {
                "netBiosName": "deviceName", "os": "operatingSystem", "privateIpAddress": "ipAddress/ipAddress",
            }),
        ),
        "incidentIds": (Items("incidentId", when="incidentId ne null"),),
        "investigationSecurityStates": (
            Items({"status": "cast(investigationState,Edm.String)"}, when="investigationState ne null"),
        ),
        "lastEventDateTime": "lastActivityDateTime",
        "lastModifiedDateTime": "lastUpdateDateTime",
        "malwareStates": (
            _evidence("malware", {"category": "category", "family": "$it/threatFamilyName", "name": "name"}),
            Items(
                {"family": "threatFamilyName", "name": "threatDisplayName"},
                when="(threatDisplayName ne null or threatFamilyName ne null)"
                     " and not evidence/any(e:isof(e,microsoft.graph.security.malwareEvidence))",
            ),
        ),
        "messageSecurityStates": (
            _evidence("analyzedMessage", {
                "connectingIP": "senderIp", "deliveryAction": "deliveryAction", "deliveryLocation": "deliveryLocation",
                "directionality": "antiSpamDirection", "internetMessageId": "internetMessageId",
                "messageReceivedDateTime": "receivedDateTime", "messageSubject": "subject",
                "networkMessageId": "networkMessageId",
            }),
            _evidence("submissionMail", {
                "connectingIP": "senderIp", "messageSubject": "subject", "networkMessageId": "networkMessageId",
            }),
        ),
        "networkConnections": (
            _evidence("networkConnection", {
                "destinationAddress": "destinationAddress/ipAddress", "destinationLocation": _place("destinationAddress/"),
                "destinationPort": "cast(destinationPort,Edm.String)",
                "protocol": "case(protocol eq null:null,protocol eq 'tcp':'tcp',protocol eq 'udp':'udp',true:'unknown')",
                "sourceAddress": "sourceAddress/ipAddress", "sourceLocation": _place("sourceAddress/"),
                "sourcePort": "cast(sourcePort,Edm.String)",
            }),
            # An address by itself is one end of a connection; where it stands says its role.
            _evidence("ip", {"sourceAddress": "ipAddress", "sourceLocation": _place("")}, _SOURCE),
            _evidence("ip", {"destinationAddress": "ipAddress", "destinationLocation": _place("")}, f"not {_SOURCE}"),
            _evidence("url", {"destinationUrl": "url"}),
            _evidence("dns", {"destinationDomain": "domainName", "sourceAddress": "hostIpAddress/ipAddress"}),
        ),
        "processes": (
            _evidence("process", {
                "accountName": "userAccount/accountName", "commandLine": "processCommandLine",
                "createdDateTime": "processCreationDateTime", "fileHash": _hash("imageFile"), "name": "imageFile/fileName",
                "parentProcessCreatedDateTime": "parentProcessCreationDateTime",
                "parentProcessId": "cast(parentProcessId,Edm.Int32)", "parentProcessName": "parentProcessImageFile/fileName",
                "path": "imageFile/filePath", "processId": "cast(processId,Edm.Int32)",
            }),
        ),
        "recommendedActions": (Items("recommendedActions", when="recommendedActions ne null"),),
        "registryKeyStates": (
            _evidence("registryKey", {"hive": _HIVE, "key": "registryKey"}),
            _evidence("registryValue", {
                "hive": _HIVE, "key": "registryKey", "valueData": "registryValue", "valueName": "registryValueName",
                "valueType": _VALUE_TYPE,
            }),
        ),
        "securityResources": (
            _evidence("azureResource", {"resource": "resourceId", "resourceType": _RESOURCE}),
            _evidence("amazonResource", {"resource": "amazonResourceId", "resourceType": _RESOURCE}),
            _evidence("googleCloudResource", {"resource": "fullResourceName", "resourceType": _RESOURCE}),
        ),
        "severity": Words("severity", {name: name for name in (
            "unknown", "informational", "low", "medium", "high", "unknownFutureValue",
        )}),
        "sourceMaterials": (Items("alertWebUrl", when="alertWebUrl ne null"),),
        "status": Words("status", {
            "unknown": "unknown", "new": "newAlert", "inProgress": "inProgress", "resolved": "resolved",
        }),
        "tags": (Items("$this", f"additionalData/{TAGS}"),),
        "title": "title",
        "triggers": (),
        "uriClickSecurityStates": (),
        "userStates": (
            _evidence("user", _account("userAccount")),
            _evidence("mailbox", {**_account("userAccount"), "userPrincipalName": "upn"}),
            # The two ends of a message; the role tells which.
            _evidence("analyzedMessage", {"emailRole": "case(true:'sender')", "userPrincipalName": "p2Sender/emailAddress"},
                      "p2Sender/emailAddress ne null"),
            _evidence("analyzedMessage", {"emailRole": "case(true:'recipient')", "userPrincipalName": "recipientEmailAddress"},
                      "recipientEmailAddress ne null"),
            _evidence("cloudLogonSession", {
                **_account("account/userAccount"), "logonDateTime": "startUtcDateTime", "logonId": "sessionId",
            }),
            _evidence("hostLogonSession", {
                **_account("account/userAccount"), "logonDateTime": "startUtcDateTime", "logonId": "sessionId",
            }),
        ),
        "vendorInformation": _VENDOR,
        "vulnerabilityStates": (),
    }
)  # fmt: skip
