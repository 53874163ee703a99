"""Secure scores of Microsoft Graph: one a day for each tenant, and the controls that make it up."""

from __future__ import annotations

from typing import Any

from secgraph import clock
from secgraph.clock import DAY
from secgraph.simulate.ask import Ask, Reply, Route
from secgraph.simulate.cast import Organisation
from secgraph.simulate.chance import chance
from secgraph.simulate.graph_lists import listing, selected
from secgraph.simulate.paging import by_token
from secgraph.simulate.words import full
from secgraph.simulate.world import World

CONTROLS: tuple[tuple[str, str, str, str, float, str], ...] = (
    ("AdminMFA", "Identity", "Second factor for administrators", "AzureAD", 10, "Account Breach"),
    ("SigninRiskPolicy", "Identity", "Policy for sign-ins at risk", "AzureAD", 7, "Account Breach"),
    ("BlockLegacyAuthentication", "Identity", "No older ways of signing in", "AzureAD", 8, "Password Cracking"),
    ("DLPEnabled", "Data", "Policies against data loss", "IP", 6, "Data Exfiltration"),
    ("LogRetention", "Data", "Audit log kept", "EXO", 4, "Data Spillage"),
    ("FullDeviceEncryption", "Device", "Disks are encrypted", "MDATP", 9, "Data Deletion"),
    ("SafeLinks", "Apps", "Links in mail are checked", "MDO", 8, "Phishing/Whaling"),
)
"""Name, category, title, part of the product, highest score, threat."""

VENDOR = {"provider": "SecureScore", "providerVersion": None, "subProvider": None, "vendor": "Microsoft"}


def scores_of(world: World, org: Organisation, at: int) -> list[dict[str, Any]]:
    """The scores until an instant, the newest first; each is made at three in the morning."""
    first = world.scenario.start - world.scenario.start % DAY
    days = range(first + 3 * clock.SECOND * 3600, min(at, world.scenario.end) + 1, DAY)
    return [_score(world, org, day) for day in reversed(days) if day >= world.scenario.start]


def _score(world: World, org: Organisation, day: int) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    for name, category, title, _, most, _ in CONTROLS:
        # What a tenant has reached grows over the days: each control is done on a day of its own, and stays so.
        done = world.scenario.start + int(chance(world.scenario.seed, org.id, name).random() * 2 * world.scenario.days * DAY)
        parts.append(
            {"controlCategory": category, "controlName": name, "description": title, "score": most if done <= day else 0.0}
        )
    return {
        "id": f"{org.id}_{clock.text(day)[:10]}", "azureTenantId": org.id, "activeUserCount": len(org.people),
        "createdDateTime": full(day), "currentScore": sum(part["score"] for part in parts), "enabledServices":
        ["HasExchange"], "licensedUserCount": len(org.people), "maxScore": sum(control[4] for control in CONTROLS),
        "averageComparativeScores": [{"basis": "AllTenants", "averageScore": 21.0}], "controlScores": parts,
        "vendorInformation": VENDOR,
    }  # fmt: skip


def profiles_of(org: Organisation) -> list[dict[str, Any]]:
    """The controls."""
    return [
        {
            "id": name,
            "azureTenantId": org.id,
            "actionType": "Config",
            "actionUrl": "https://security.microsoft.com/securescore",
            "controlCategory": category,
            "title": title,
            "deprecated": False,
            "implementationCost": "Low",
            "lastModifiedDateTime": None,
            "maxScore": most,
            "rank": rank,
            "remediation": "",
            "remediationImpact": "",
            "service": service,
            "threats": [threat],
            "tier": "Core",
            "userImpact": "Low",
            "complianceInformation": [],
            "controlStateUpdates": [
                {"assignedTo": None, "comment": None, "state": "Default", "updatedBy": None, "updatedDateTime": None}
            ],
            "vendorInformation": VENDOR,
        }
        for rank, (name, category, title, service, most, threat) in enumerate(CONTROLS, 1)
    ]


def scores(ask: Ask) -> Reply:
    """GET /security/secureScores."""
    assert ask.organisation is not None  # noqa: S101 -- the route asks for a role, and a role is somebody's
    items = scores_of(ask.world, ask.organisation, ask.world.now())
    items = selected(ask, items, frozenset({"createdDateTime", "id"}), "microsoft.graph.secureScore")
    return listing(ask, "security/secureScores", by_token(ask, items, "id", usual=20, most=1000))


def profiles(ask: Ask) -> Reply:
    """GET /security/secureScoreControlProfiles."""
    assert ask.organisation is not None  # noqa: S101 -- as above
    items = selected(ask, profiles_of(ask.organisation), frozenset({"id", "controlCategory", "service", "title"}),
                     "microsoft.graph.secureScoreControlProfile")  # fmt: skip
    return listing(ask, "security/secureScoreControlProfiles", by_token(ask, items, "id", usual=20, most=1000))


READ = ("SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All")
ROUTES = (
    Route("GET", "/v1.0/security/secureScores", scores, READ),
    Route("GET", "/v1.0/security/secureScoreControlProfiles", profiles, READ),
)
