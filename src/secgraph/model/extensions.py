"""Types of ours beside the published ones, in the contract's own form and in a namespace of their own.

They are served where the contract is silent. Nothing here may stand in a published namespace: `edm.load` raises a Fault.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

NAMESPACE = "secgraph"
"""What is not published is named in it."""

ASSET = f"{NAMESPACE}.asset"
ALIAS_KIND = f"{NAMESPACE}.aliasKind"
ASSET_KIND = f"{NAMESPACE}.assetKind"
CRITICALITY = f"{NAMESPACE}.assetCriticality"
SOURCE = f"{NAMESPACE}.source"


def _enum(members: str) -> dict[str, Any]:
    return {"kind": "EnumType", "members": {name: number for number, name in enumerate(members.split())}}


TYPES: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        ASSET: {
            "kind": "EntityType",
            "base": "microsoft.graph.entity",
            "properties": {
                "aliases": f"Collection({NAMESPACE}.assetAlias)",
                "createdDateTime": "Edm.DateTimeOffset!",
                "criticality": f"{CRITICALITY}!",
                "description": "Edm.String",
                "displayName": "Edm.String",
                "kind": f"{ASSET_KIND}!",
                "lastUpdateDateTime": "Edm.DateTimeOffset!",
                "owner": "Edm.String",
                "tags": "Collection(Edm.String)",
            },
        },
        f"{NAMESPACE}.assetAlias": {
            "kind": "ComplexType",
            "properties": {
                "kind": ALIAS_KIND,
                "value": "Edm.String",
                "validFromDateTime": "Edm.DateTimeOffset",
                "validUntilDateTime": "Edm.DateTimeOffset",
            },
        },
        # How a source of records fares. Its id is its name.
        SOURCE: {
            "kind": "EntityType",
            "base": "microsoft.graph.entity",
            "properties": {
                "kind": "Edm.String",
                "road": "Edm.String",
                "state": "Edm.String!",
                "reason": "Edm.String",
                "lastFailureReason": "Edm.String",
                "failures": "Edm.Int64!",
                "lastAttemptDateTime": "Edm.DateTimeOffset",
                "lastSuccessDateTime": "Edm.DateTimeOffset",
                "lastFailureDateTime": "Edm.DateTimeOffset",
                "lastRecordDateTime": "Edm.DateTimeOffset",
                "newestEventDateTime": "Edm.DateTimeOffset",
                "silentSinceDateTime": "Edm.DateTimeOffset",
                "lagSeconds": "Edm.Int64",
                "taken": "Edm.Int64!",
                "unchanged": "Edm.Int64!",
                "rejected": "Edm.Int64!",
                "recordsPerHour": "Edm.Int64!",
                "recordsLastDay": "Edm.Int64!",
                "pendingChanges": "Edm.Int64!",
                "pendingReason": "Edm.String",
                "refusedChanges": "Edm.Int64!",
                "lastRefusalReason": "Edm.String",
                "lastRefusalDateTime": "Edm.DateTimeOffset",
            },
        },
        ASSET_KIND: _enum("user device application unknownFutureValue"),
        ALIAS_KIND: _enum(
            "objectId userPrincipalName sid account deviceId resourceId macAddress fqdn host address appId unknownFutureValue"
        ),
        # In the order in which they grow, so that `criticality ge 'high'` asks for what it says.
        CRITICALITY: _enum("low normal high critical unknownFutureValue"),
    }
)

ENTITY_SETS: MappingProxyType[str, str] = MappingProxyType(
    {
        "security/assets": f"Collection({ASSET})",
        "security/sources": f"Collection({SOURCE})",
        "security/upstreamSecureScores": "Collection(microsoft.graph.secureScore)",
    }
)
