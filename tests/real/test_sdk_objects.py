"""The SDK reads what products know beside their alerts, and states something about a control."""

from __future__ import annotations

import io
import json

import pytest
import pytest_asyncio
from msgraph.generated.models.risk_level import RiskLevel
from msgraph.generated.models.secure_score_control_profile import SecureScoreControlProfile
from msgraph.generated.models.security.health_issue import HealthIssue
from msgraph.generated.models.security.health_issue_status import HealthIssueStatus
from msgraph.generated.models.security_vendor_information import SecurityVendorInformation
from msgraph.graph_service_client import GraphServiceClient
from tests.contract.telling import Tells, one
from tests.real.conftest import Server

from secgraph.app import core
from secgraph.settings import gather

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_abstractions"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_http"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:msgraph"),
]

RECORDS = [
    one("identityProtection/riskDetections", "d1", "2026-11-01T00:00:00Z", riskLevel="high", detectedDateTime="2026-11-01T00:00:00Z",
        location={"city": "Lund", "geoCoordinates": {"latitude": 55.7}}),
    one("identityProtection/riskyUsers", "u1", "2026-11-01T00:00:00Z", riskLevel="medium", userPrincipalName="ana@contoso.com"),
    one("security/identities/healthIssues", "h1", "2026-11-01T00:00:00Z", status="open", severity="low", displayName="Clock differs"),
    one("security/identities/sensors", "s1", "2026-11-01T00:00:00Z", displayName="dc1", healthStatus="healthy"),
    one("security/upstreamSecureScores", "t_2026-11-01", "2026-11-01T00:00:00Z", createdDateTime="2026-11-01T00:00:00Z", currentScore=12.5,
        controlScores=[{"controlName": "MFAOn", "score": 5, "on": "true"}]),
    one("security/secureScoreControlProfiles", "MFAOn", "2026-11-01T00:00:00Z", title="Use MFA", vendorInformation={"vendor": "Made Up", "provider": "Posture"}),
]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(served: Server) -> None:
    """The objects, handed in by another process beside the server."""
    async with core(gather({"data": served.folder}, {})) as inner:
        tenant = await inner.registry.tenant(None)
        report = await inner.door.take(tenant.number, Tells(), io.BytesIO(json.dumps(RECORDS).encode()))
        assert report.taken + report.unchanged == len(RECORDS)


@pytest.mark.usefixtures("known")
async def test_risks_are_listed(sdk: GraphServiceClient) -> None:
    found = await sdk.identity_protection.risk_detections.get()
    assert found is not None
    [detection] = found.value or []
    assert (detection.id, detection.risk_level) == ("d1", RiskLevel.High)
    assert detection.location is not None
    assert detection.location.city == "Lund"
    users = await sdk.identity_protection.risky_users.get()
    assert users is not None
    assert [(user.id, user.user_principal_name, user.risk_level) for user in users.value or []] == [("u1", "ana@contoso.com", RiskLevel.Medium)]
    user = await sdk.identity_protection.risky_users.by_risky_user_id("u1").get()
    assert user is not None
    assert user.risk_level == RiskLevel.Medium


@pytest.mark.usefixtures("known")
async def test_a_health_issue_is_closed(sdk: GraphServiceClient) -> None:
    changed = await sdk.security.identities.health_issues.by_health_issue_id("h1").patch(HealthIssue(status=HealthIssueStatus.Closed))
    assert changed is not None
    assert (changed.status, changed.display_name) == (HealthIssueStatus.Closed, "Clock differs")
    sensors = await sdk.security.identities.sensors.get()
    assert sensors is not None
    assert [sensor.display_name for sensor in sensors.value or []] == ["dc1"]


@pytest.mark.usefixtures("known")
async def test_something_is_stated_about_a_control(sdk: GraphServiceClient) -> None:
    at = sdk.security.secure_score_control_profiles.by_secure_score_control_profile_id("MFAOn")
    profile = await at.get()
    assert profile is not None
    assert profile.title == "Use MFA"
    vendor = SecurityVendorInformation(vendor="Made Up", provider="Posture")
    body = SecureScoreControlProfile(vendor_information=vendor, additional_data={"state": "Ignored", "comment": "not ours", "assignedTo": "ana"})
    assert await at.patch(body) is None
    seen = await at.get()
    assert seen is not None
    [entry] = seen.control_state_updates or []
    assert (entry.state, entry.comment, entry.assigned_to) == ("Ignored", "not ours", "ana")
    assert entry.updated_by
    assert entry.updated_date_time is not None
