"""Our choices about the published model: which sets are served, what is a column, what can be written, by whom.

`contract.json` holds the facts; this file holds everything that we decided. `edm.load` joins the two and refuses
contradictions at start. Every property can be filtered and sorted; a column makes it quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple


def names(text: str) -> tuple[str, ...]:
    """The words of a text, in order."""
    return tuple(text.split())


@dataclass(frozen=True, slots=True)
class Operations:
    """Which operation each call on a set is: a published one, whose permissions come from the contract, or one of ours."""

    list: str
    get: str
    create: str | None = None
    update: str | None = None
    delete: str | None = None
    comment: str | None = None
    members: str | None = None
    """Listing what the set's expandable navigation property holds, as `incidents/{id}/alerts`."""

    def names(self) -> tuple[str, ...]:
        """All of them."""
        chosen = (self.list, self.get, self.create, self.update, self.delete, self.comment, self.members)
        return tuple(name for name in chosen if name is not None)


class Woven(NamedTuple):
    """A list that hardly changes from one day's object to the next one's, so that it is kept as its entries with their days."""

    list: str
    """The member that holds it."""
    by: str
    """The member of an entry that names it."""
    series: str
    """Whose days these are."""
    day: str
    """The instant whose day it is: the object's id is the series and this day."""
    varies: str
    """The member of an entry that changes with every day by nature."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What we decided about one entity set."""

    type: str
    operations: Operations
    columns: tuple[str, ...]
    """Properties kept as typed columns beside the document, in this order; all of them can be searched by index."""
    newest: str
    """The property whose descending order is the set's own order ("newest first"); whose rising one, where `rising`."""
    indexes: tuple[tuple[str, ...], ...]
    """Equality columns of each index; the set's own order, the key and the enum columns follow by themselves."""
    tally: tuple[str, ...] = ()
    """Enum columns of whose combinations is known at any time how many rows have each: a count over these asks no row."""
    free: tuple[str, ...] = ()
    """Text columns whose values may have any length; the others hold ids, of some dozens of characters."""
    filled: tuple[str, ...] = ()
    """Columns that are never null here, whatever the contract allows: the door and the store see to it."""
    write: tuple[str, ...] = ()
    """What PATCH may change."""
    triage: tuple[str, ...] = ()
    """Members on which a person's word stands until the source changes that very member afterwards."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """What a member of a new record is when nobody said; also what null means for it."""
    expand: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    """Properties whose texts `$search` looks into."""
    page: int = 100
    page_most: int = 1000
    page_bytes: int = 0
    """What a page may be in bytes, where that is more than the setting says."""
    rising: bool = False
    """Whether the set's own order rises: there is no time in the type that says what is newest."""
    stamp: str = "lastUpdateDateTime"
    """The property that carries the tenant's stamp. Empty where the type has none: then a column that is in no document does,
    and there is no `delta()`, since nothing in an object would tell a client what it has.
    """
    sourced: bool = False
    """Whether only sources fill it: beside each row stands what its source said last (`ObjectDraft`)."""
    grows: Mapping[str, str] = field(default_factory=dict)
    """Lists to which entries are only ever added, each with the member that says when."""
    woven: Woven | None = None
    """The list that is kept entry by entry."""
    entry: str = ""
    """The list among these to which PATCH adds an entry, and answers with the entity tag alone."""
    also: tuple[str, ...] = ()
    """Other places of the set below `/beta`."""
    unwritable: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Enum members that exist but that a client may not set, per property."""
    view_of: str = ""
    """The stored set of which this one is another view (`legacy.py`); such a set has no rows, columns or indexes of its own."""


CONTROL_SCORES = Woven("controlScores", "controlName", "azureTenantId", "createdDateTime", "lastSynced")

ALERTS = "security/alerts_v2"
INCIDENTS = "security/incidents"
OLDER_ALERTS = "security/alerts"
ASSETS = "security/assets"
RISK_DETECTIONS = "identityProtection/riskDetections"
RISKY_USERS = "identityProtection/riskyUsers"
IDENTITY_ACCOUNTS = "security/identities/identityAccounts"
HEALTH_ISSUES = "security/identities/healthIssues"
SENSORS = "security/identities/sensors"
SECURE_SCORES = "security/secureScores"
UPSTREAM_SCORES = "security/upstreamSecureScores"
CONTROL_PROFILES = "security/secureScoreControlProfiles"

SETS = MappingProxyType(
    {
        ALERTS: Choices(
            type="microsoft.graph.security.alert",
            operations=Operations(
                list="alerts_v2_list", get="alerts_v2_get", update="alerts_v2_update", comment="alerts_v2_comment_add"
            ),
            columns=names(
                "createdDateTime lastUpdateDateTime severity status serviceSource classification determination"
                " incidentId assignedTo firstActivityDateTime"
            ),
            newest="createdDateTime",
            tally=names("severity status serviceSource classification determination"),
            search=names("title description evidence"),
            free=names("assignedTo"),
            filled=names("createdDateTime lastUpdateDateTime"),
            indexes=(("severity",), ("status",), ("incidentId",), ("assignedTo",)),
            # customDetails, severity and the rest are the product's word; comments go through their own path.
            write=names("status classification determination assignedTo"),
            triage=names("status classification determination assignedTo comments"),
            # A source may not know the status; who sets it does (alerts_v2_update lists new, inProgress, resolved).
            unwritable={"status": frozenset({"unknown"})},
            defaults={
                "severity": "unknown",
                "status": "new",
                "serviceSource": "unknown",
                "detectionSource": "unknown",
                "classification": "unknown",
                "determination": "unknown",
            },
        ),
        INCIDENTS: Choices(
            type="microsoft.graph.security.incident",
            operations=Operations(
                list="incidents_list",
                get="incident_get",
                update="incident_update",
                comment="incident_comment_add",
                members="incident_alerts_list",
            ),
            columns=names("createdDateTime lastUpdateDateTime severity status classification determination assignedTo"),
            newest="createdDateTime",
            tally=names("severity status classification determination"),
            search=names("displayName description summary customTags"),
            free=names("assignedTo"),
            filled=names("createdDateTime lastUpdateDateTime"),
            indexes=(("severity",), ("status",), ("assignedTo",)),
            write=names(
                "assignedTo classification customTags description determination displayName severity resolvingComment"
                " status summary"
            ),
            triage=names(
                "assignedTo classification customTags description determination displayName severity resolvingComment"
                " status summary comments"
            ),
            defaults={
                "severity": "unknown",
                "status": "active",
                "classification": "unknown",
                "determination": "unknown",
            },
            expand=("alerts",),
            page=50,
            page_most=1000,
            # Only a merge redirects: the status without a redirectIncidentId would send readers nowhere.
            unwritable={"status": frozenset({"redirected"})},
        ),
        OLDER_ALERTS: Choices(
            type="microsoft.graph.alert",
            operations=Operations(list="legacy_alerts_list", get="legacy_alert_get", update="legacy_alert_update"),
            view_of=ALERTS,
            columns=(),
            newest="createdDateTime",
            indexes=(),
            search=names("title description hostStates userStates fileStates processes networkConnections"),
            write=names("assignedTo closedDateTime comments feedback status tags"),
            defaults={"feedback": "unknown"},
            # The type has it, the update does not list it as writable (legacy_alert_update): nothing stored is dismissed.
            unwritable={"status": frozenset({"dismissed"})},
        ),
        ASSETS: Choices(
            type="secgraph.asset",
            operations=Operations(
                list="assets_list", get="asset_get", create="asset_create", update="asset_update", delete="asset_delete"
            ),
            columns=names("createdDateTime lastUpdateDateTime kind criticality owner displayName"),
            newest="createdDateTime",
            tally=names("kind criticality"),
            indexes=(("criticality",), ("owner",), ("displayName",)),
            search=names("displayName description owner tags aliases"),
            free=names("owner displayName"),
            filled=names("createdDateTime lastUpdateDateTime"),
            write=names("displayName kind criticality owner description tags aliases"),
            defaults={"criticality": "normal"},
        ),
        RISK_DETECTIONS: Choices(
            type="microsoft.graph.riskDetection",
            operations=Operations(list="risk_detections_list", get="risk_detection_get"),
            stamp="",
            sourced=True,
            columns=names(
                "detectedDateTime activityDateTime lastUpdatedDateTime riskLevel riskState riskDetail userId userPrincipalName"
            ),
            newest="detectedDateTime",
            tally=names("riskLevel riskState riskDetail"),
            indexes=(("riskLevel",), ("riskState",), ("userId",), ("userPrincipalName",)),
            search=names("userDisplayName userPrincipalName riskEventType ipAddress additionalInfo"),
            free=names("userId userPrincipalName"),
            page=20,
            page_most=500,
            also=("riskDetections",),
        ),
        RISKY_USERS: Choices(
            type="microsoft.graph.riskyUser",
            operations=Operations(list="risky_users_list", get="risky_user_get"),
            stamp="",
            sourced=True,
            columns=names("riskLastUpdatedDateTime riskLevel riskState riskDetail userPrincipalName"),
            newest="riskLastUpdatedDateTime",
            tally=names("riskLevel riskState riskDetail"),
            indexes=(("riskLevel",), ("riskState",), ("userPrincipalName",)),
            search=names("userDisplayName userPrincipalName"),
            free=names("userPrincipalName"),
            also=("riskyUsers",),
        ),
        IDENTITY_ACCOUNTS: Choices(
            type="microsoft.graph.security.identityAccounts",
            operations=Operations(list="identity_accounts_list", get="identity_account_get"),
            stamp="",
            sourced=True,
            columns=names("displayName onPremisesSecurityIdentifier cloudSecurityIdentifier domain"),
            newest="displayName",
            rising=True,
            indexes=(("onPremisesSecurityIdentifier",), ("cloudSecurityIdentifier",)),
            search=names("displayName domain onPremisesSecurityIdentifier cloudSecurityIdentifier"),
            free=names("displayName onPremisesSecurityIdentifier cloudSecurityIdentifier domain"),
        ),
        HEALTH_ISSUES: Choices(
            type="microsoft.graph.security.healthIssue",
            operations=Operations(list="health_issues_list", get="health_issue_get", update="health_issue_update"),
            stamp="",
            sourced=True,
            columns=names("createdDateTime lastModifiedDateTime status severity healthIssueType"),
            newest="createdDateTime",
            tally=names("status severity healthIssueType"),
            indexes=(("status",), ("severity",)),
            search=names("displayName description recommendations domainNames sensorDNSNames"),
            filled=names("createdDateTime lastModifiedDateTime"),
            write=names("status"),
            triage=names("status"),
        ),
        SENSORS: Choices(
            type="microsoft.graph.security.sensor",
            operations=Operations(list="sensors_list", get="sensor_get"),
            stamp="",
            sourced=True,
            columns=names("createdDateTime displayName domainName healthStatus deploymentStatus sensorType serviceStatus"),
            newest="createdDateTime",
            tally=names("healthStatus deploymentStatus sensorType serviceStatus"),
            indexes=(("healthStatus",), ("displayName",), ("domainName",)),
            search=names("displayName domainName version"),
            free=names("displayName domainName"),
            filled=names("createdDateTime"),
        ),
        SECURE_SCORES: Choices(
            type="microsoft.graph.secureScore",
            operations=Operations(list="secure_scores_list", get="secure_score_get"),
            stamp="",
            sourced=True,
            columns=names("createdDateTime azureTenantId"),
            newest="createdDateTime",
            indexes=(("azureTenantId",),),
            free=names("azureTenantId"),
            woven=CONTROL_SCORES,
        ),
        # The scores of other tenants of the Graph as they came: evidence for our own, and theirs to look at.
        UPSTREAM_SCORES: Choices(
            type="microsoft.graph.secureScore",
            operations=Operations(list="upstream_scores_list", get="upstream_score_get"),
            stamp="",
            sourced=True,
            columns=names("createdDateTime azureTenantId"),
            newest="createdDateTime",
            indexes=(("azureTenantId",),),
            free=names("azureTenantId"),
            woven=CONTROL_SCORES,
        ),
        CONTROL_PROFILES: Choices(
            type="microsoft.graph.secureScoreControlProfile",
            operations=Operations(
                list="secure_score_control_profiles_list",
                get="secure_score_control_profile_get",
                update="secure_score_control_profile_update",
            ),
            stamp="",
            sourced=True,
            columns=names("rank controlCategory service lastModifiedDateTime"),
            newest="rank",
            rising=True,
            indexes=(("controlCategory",), ("service",)),
            search=names("title remediation remediationImpact userImpact threats"),
            free=names("controlCategory service"),
            # $top=999 is one page for the scripts that ask so, and a profile is some kilobytes.
            page_bytes=8 * 1024 * 1024,
            grows={"controlStateUpdates": "updatedDateTime"},
            entry="controlStateUpdates",
        ),
    }
)

COLLAPSED = MappingProxyType(
    {
        # Spellings of older documentation, accepted on input (operations.yaml, alerts_v2_update).
        "microsoft.graph.security.alertDetermination": {
            "compromiseduser": "compromisedAccount",
            "clean": "notMalicious",
            "insufficientdata": "notEnoughDataToValidate",
            "confirmeduseractivity": "confirmedActivity",
        },
    }
)

CONTROL_STATES = names("Default Ignored ThirdParty Reviewed")
"""The states of a control, which are no enumeration of the contract (secure_score_control_profile_update)."""

STATED = names("assignedTo comment state tenantNote")
"""What a PATCH of a control states."""

ACTIONS = MappingProxyType(
    {
        # Published actions that are served, by operation: the action's full name, and the parameters every call must give.
        "incidents_merge": ("microsoft.graph.security.mergeIncidents", names("incidentIds")),
        "alerts_v2_move": ("microsoft.graph.security.moveAlerts", names("alertIds")),
        "alerts_v2_create_action": ("microsoft.graph.security.createAlert", names("createAlertInput")),
        "legacy_alerts_update_many": ("microsoft.graph.updateAlerts", names("value")),
    }
)

REQUIRED = MappingProxyType(
    {
        # What the reference calls required in a type that a client sends, and we in ours; the types themselves do not say it.
        "microsoft.graph.security.createAlertInput": names("title severity description category entityDefinitions"),
        "microsoft.graph.security.entityDefinition": names("entityType entityIdentifier identifierValue"),
        "secgraph.assetAlias": names("kind value"),
    }
)

OWN_PERMISSIONS = MappingProxyType(
    {
        # name: id of the application role. Ours: the published set has no such thing.
        "SecurityRecord.Read.All": "5d0ba2a8-2c5d-4c0e-9a35-93f0f1a0c6f1",
        "SecurityAsset.Read.All": "0f6b1d53-7f0f-4a50-8f0a-2f6b3f5f0d4b",
        "SecurityAsset.ReadWrite.All": "c2a7a0de-39a4-4d84-9d0c-6e0c8f1f9b27",
        "SecuritySource.Read.All": "8c1f7d26-5b0e-4e3a-9f64-2d7a90b3c815",
        "SecurityCorrelation.Read.All": "dee268a4-820d-41af-9ec9-58eee0895f07",
        "SecurityCorrelation.ReadWrite.All": "23f58443-a5da-4447-95fc-a074bf4a1b26",
    }
)

_ALERT_READERS = names("SecurityAlert.Read.All SecurityAlert.ReadWrite.All")
_INCIDENT_READERS = names("SecurityIncident.Read.All SecurityIncident.ReadWrite.All")

OWN_OPERATIONS = MappingProxyType(
    {
        # What we serve beyond the contract: method, path below the origin, application permissions (any one is enough).
        "ingest": ("POST", "/ingest/{source}", names("SecurityAlert.Create.All")),
        "records": ("GET", "/security/alerts_v2/{alert-id}/records", names("SecurityRecord.Read.All")),
        "alert_sources": ("GET", "/security/alerts_v2/{alert-id}/sources", _ALERT_READERS),
        "assessment": (
            "GET",
            "/security/incidents/{incident-id}/assessment",
            names("SecurityIncident.Read.All SecurityIncident.ReadWrite.All"),
        ),
        "assets_list": ("GET", "/security/assets", names("SecurityAsset.Read.All SecurityAsset.ReadWrite.All")),
        "asset_create": ("POST", "/security/assets", names("SecurityAsset.ReadWrite.All")),
        "asset_get": ("GET", "/security/assets/{asset-id}", names("SecurityAsset.Read.All SecurityAsset.ReadWrite.All")),
        "asset_update": ("PATCH", "/security/assets/{asset-id}", names("SecurityAsset.ReadWrite.All")),
        "asset_delete": ("DELETE", "/security/assets/{asset-id}", names("SecurityAsset.ReadWrite.All")),
        "correlation": (
            "GET",
            "/security/correlationSettings",
            names("SecurityCorrelation.Read.All SecurityCorrelation.ReadWrite.All"),
        ),
        "correlation_update": ("PATCH", "/security/correlationSettings", names("SecurityCorrelation.ReadWrite.All")),
        "correlations": ("GET", "/security/incidents/{incident-id}/correlations", _INCIDENT_READERS),
        # Who may accept a merge that was suggested may refuse it.
        "keep_apart": (
            "POST",
            "/security/incidents/{incident-id}/keepApart",
            names("SecurityIncident.ReadWrite.All SecurityData.Manage.All"),
        ),
        "evidence": (
            "GET",
            "/security/secureScoreControlProfiles/{controlprofile-id}/evidence",
            names("SecurityEvents.Read.All SecurityEvents.ReadWrite.All"),
        ),
        "evidence_add": (
            "POST",
            "/security/secureScoreControlProfiles/{controlprofile-id}/evidence",
            names("SecurityEvents.ReadWrite.All"),
        ),
        "upstream_scores_list": (
            "GET",
            "/security/upstreamSecureScores",
            names("SecurityEvents.Read.All SecurityEvents.ReadWrite.All"),
        ),
        "upstream_score_get": (
            "GET",
            "/security/upstreamSecureScores/{securescore-id}",
            names("SecurityEvents.Read.All SecurityEvents.ReadWrite.All"),
        ),
        "sources": ("GET", "/security/sources", names("SecuritySource.Read.All")),
        "source": ("GET", "/security/sources/{source-name}", names("SecuritySource.Read.All")),
        "entities": ("GET", "/security/entities", _ALERT_READERS),
        "entity": ("GET", "/security/entities/{entity-id}", _ALERT_READERS),
        "entity_alerts": ("GET", "/security/entities/{entity-id}/alerts", _ALERT_READERS),
        "entity_alerts_count": ("GET", "/security/entities/{entity-id}/alerts/$count", _ALERT_READERS),
    }
)

NOT_OURS = MappingProxyType(
    {
        # Paths of the Graph that are near to the contract and never served, with the reason.
        "/security/cases": "eDiscovery and case management: a case tool reads this API, it is not part of it.",
        "/security/attackSimulation": "Attack simulation trains people; nothing of it is an alert.",
        "/security/informationProtection": "Sensitivity labels belong to the documents they are on.",
        "/security/dataSecurityAndGovernance": "Sensitivity labels belong to the documents they are on.",
        "/security/subjectRightsRequests": "Subject rights requests are answered from mail and files, which are not here.",
        "/privacy/subjectRightsRequests": "Subject rights requests are answered from mail and files, which are not here.",
        "/security/rules/detectionRules": "Detection is the products' own work; this server takes what they say.",
        "/users/{id-or-upn}/messages": "Mail stays where it is.",
        "/drives": "Files stay where they are.",
    }
)
