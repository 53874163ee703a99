"""Facts that the reference pages publish and the metadata in `contract.json` does not have yet, in the contract's own form.

They belong there: `edm.load` raises a Fault once the contract declares one of them itself, and it is deleted here. Numbers
of enumerations are in no reference page; members are numbered in the order of the page, as CSDL does where it says nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

_SECURITY = "microsoft.graph.security"


def _enum(members: str) -> dict[str, Any]:
    return {"kind": "EnumType", "beta": True, "members": {name: number for number, name in enumerate(members.split())}}


SINGLETONS: MappingProxyType[str, str] = MappingProxyType(
    {"security": "microsoft.graph.security", "identityProtection": "microsoft.graph.identityProtectionRoot"}
)
"""The singletons of the container, each with its type."""

ENTITY_SETS: MappingProxyType[str, str] = MappingProxyType(
    {
        "identityProtection/riskDetections": "Collection(microsoft.graph.riskDetection)",
        "identityProtection/riskyUsers": "Collection(microsoft.graph.riskyUser)",
        "security/identities/healthIssues": f"Collection({_SECURITY}.healthIssue)",
        "security/identities/identityAccounts": f"Collection({_SECURITY}.identityAccounts)",
        "security/identities/sensors": f"Collection({_SECURITY}.sensor)",
    }
)
"""Sets that lie deeper than the contract says, by what their containers hold."""

TYPES: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "microsoft.graph.identityProtectionRoot": {
            "kind": "EntityType",
            "navigation": {
                "riskDetections": {"type": "Collection(microsoft.graph.riskDetection)", "contains": True},
                "riskyUsers": {"type": "Collection(microsoft.graph.riskyUser)", "contains": True},
            },
        },
        f"{_SECURITY}.createAlertInput": {
            "kind": "ComplexType",
            "beta": True,
            "properties": {
                "category": "Edm.String",
                "description": "Edm.String",
                "entityDefinitions": f"Collection({_SECURITY}.entityDefinition)",
                "isExcludedFromCorrelation": "Edm.Boolean",
                "linkToIncident": "Edm.Int64",
                "mitreTechniques": "Collection(Edm.String)",
                "recommendedActions": "Edm.String",
                "sentinelWorkspace": "Edm.String",
                "severity": f"{_SECURITY}.alertSeverity",
                "title": "Edm.String",
            },
        },
        f"{_SECURITY}.entityDefinition": {
            "kind": "ComplexType",
            "beta": True,
            "properties": {
                "entityIdentifier": "Edm.String",
                "entityType": f"{_SECURITY}.manualAlertEntityType",
                "identifierValue": "Edm.String",
                "role": f"{_SECURITY}.entityDefinitionInputRole",
            },
        },
        f"{_SECURITY}.entityDefinitionInputRole": _enum("impacted related unknownFutureValue"),
        f"{_SECURITY}.manualAlertEntityType": _enum(
            "user device file ip url cloudApplication mailbox securityGroup azureResource amazonResource googleCloudResource"
            " oAuthApplication emailMessage emailCluster process registryKey registryValue unknownFutureValue"
        ),
    }
)

ACTIONS: tuple[dict[str, Any], ...] = (
    {
        "kind": "Action",
        "namespace": _SECURITY,
        "name": "createAlert",
        "bound": f"Collection({_SECURITY}.alert)",
        "beta": True,
        "parameters": {"createAlertInput": {"type": f"{_SECURITY}.createAlertInput"}},
        "returns": [f"{_SECURITY}.alert"],
    },
    {
        "kind": "Action",
        "namespace": "microsoft.graph",
        "name": "updateAlerts",
        "bound": "Collection(microsoft.graph.alert)",
        "beta": True,
        "parameters": {"value": {"type": "Collection(microsoft.graph.alert)"}},
        "returns": ["Collection(microsoft.graph.alert)"],
    },
)
