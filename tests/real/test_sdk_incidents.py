"""The unmodified msgraph-sdk and incidents that the server puts together: merged, parted, changed, and followed where they redirect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.security.alert_severity import AlertSeverity
from msgraph.generated.models.security.correlation_reason import CorrelationReason
from msgraph.generated.models.security.incident import Incident
from msgraph.generated.models.security.incident_status import IncidentStatus
from msgraph.generated.security.alerts_v2.microsoft_graph_security_move_alerts.move_alerts_post_request_body import (
    MoveAlertsPostRequestBody,
)
from msgraph.generated.security.incidents.item.incident_item_request_builder import IncidentItemRequestBuilder
from msgraph.generated.security.incidents.microsoft_graph_security_merge_incidents.merge_incidents_post_request_body import (
    MergeIncidentsPostRequestBody,
)

from secgraph.testing import graph_alert

if TYPE_CHECKING:
    from msgraph.graph_service_client import GraphServiceClient

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_abstractions"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_http"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:msgraph_core"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:msgraph"),
]

Query = IncidentItemRequestBuilder.IncidentItemRequestBuilderGetQueryParameters


def handed_in(served: Any, *people: str, first: int, severity: str = "medium") -> list[str]:
    """Hands in an alert for each person, who was compromised; the ids of the alerts."""
    records = [
        graph_alert(number, severity=severity, detectorId=f"detector {number}", evidence=[{
            "@odata.type": "#microsoft.graph.security.userEvidence", "roles": ["compromised"],
            "userAccount": {"accountName": person, "userPrincipalName": f"{person}@contoso.com"},
        }]) for number, person in enumerate(people, first)
    ]  # fmt: skip
    with served.client() as client:
        answer = client.post("/ingest/graph", json=records, headers=served.token(client))
    assert answer.status_code == 200, answer.text
    assert answer.json()["taken"] == len(people)
    return [str(record["id"]) for record in records]


async def homes(sdk: GraphServiceClient, *alerts: str) -> list[str]:
    """The incident that each alert is in."""
    found = [await sdk.security.alerts_v2.by_alert_id(key).get() for key in alerts]
    return [str(one.incident_id) for one in found if one is not None]


async def expanded(sdk: GraphServiceClient, key: str) -> Incident:
    """An incident with its alerts."""
    found = await sdk.security.incidents.by_incident_id(key).get(RequestConfiguration(query_parameters=Query(expand=["alerts"])))
    assert found is not None
    return found


def held(incident: Incident) -> set[str]:
    """The ids of the alerts that an incident was expanded with."""
    return {str(alert.id) for alert in incident.alerts or []}


async def test_alerts_that_belong_together_are_merged_moved_and_followed(served: Any, sdk: GraphServiceClient) -> None:
    first, second, other = handed_in(served, "sdk-kim", "sdk-kim", "sdk-lou", first=7_001)
    [third] = handed_in(served, "sdk-kim", first=7_101, severity="high")
    together, kim, again, apart = await homes(sdk, first, second, third, other)
    assert together == kim == again != apart
    found = await expanded(sdk, together)
    assert held(found) == {first, second, third}
    assert (found.status, found.severity, found.redirect_incident_id) == (IncidentStatus.Active, AlertSeverity.High, None)

    merged = await sdk.security.incidents.microsoft_graph_security_merge_incidents.post(MergeIncidentsPostRequestBody(
        incident_ids=[together, apart], incident_comment="One attack.", merge_reasons=CorrelationReason.SameActor,
    ))  # fmt: skip
    assert merged is not None
    survivor = str(merged.target_incident_id)
    [gone] = {together, apart} - {survivor}
    redirecting = await sdk.security.incidents.by_incident_id(gone).get()
    assert redirecting is not None
    assert (redirecting.id, redirecting.status, redirecting.redirect_incident_id) == (gone, IncidentStatus.Redirected, survivor)
    followed = await expanded(sdk, redirecting.redirect_incident_id or "")
    assert held(followed) == {first, second, third, other}
    assert [comment.comment for comment in followed.comments or []] == ["Correlation reasons: sameActor.", "One attack."]
    assert await homes(sdk, first, second, third, other) == [survivor] * 4

    changed = await sdk.security.incidents.by_incident_id(survivor).patch(
        Incident(assigned_to="ana@contoso.com", status=IncidentStatus.InProgress, custom_tags=["sdk"])
    )
    assert changed is not None
    assert (changed.assigned_to, changed.status, changed.custom_tags) == ("ana@contoso.com", IncidentStatus.InProgress, ["sdk"])
    with pytest.raises(ODataError) as refused:
        await sdk.security.incidents.by_incident_id(gone).patch(Incident(assigned_to="bo@contoso.com"))
    assert survivor in str(refused.value.error and refused.value.error.message)

    moved = await sdk.security.alerts_v2.microsoft_graph_security_move_alerts.post(MoveAlertsPostRequestBody(alert_ids=[other]))
    assert moved is not None
    parted = str(moved.target_incident_id)
    assert parted not in {together, apart}
    assert held(await expanded(sdk, parted)) == {other}
    assert held(await expanded(sdk, survivor)) == {first, second, third}

    [later] = handed_in(served, "sdk-lou", first=7_201)
    assert await homes(sdk, later) == [parted]  # what a person parted stays apart
