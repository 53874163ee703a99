"""Unmodified azure-identity and msgraph-sdk against a real server over TLS, by the published recipe: the host is all that
differs from the service itself."""

from __future__ import annotations

import ssl
from typing import Any, cast

import httpx
import msal  # type: ignore[import-untyped]  # it ships no types
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.alert import Alert as OlderAlert
from msgraph.generated.models.alert_feedback import AlertFeedback
from msgraph.generated.models.alert_severity import AlertSeverity as OlderSeverity
from msgraph.generated.models.alert_status import AlertStatus as OlderStatus
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.security.alert import Alert
from msgraph.generated.models.security.alert_classification import AlertClassification
from msgraph.generated.models.security.alert_comment import AlertComment
from msgraph.generated.models.security.alert_determination import AlertDetermination
from msgraph.generated.models.security.alert_severity import AlertSeverity
from msgraph.generated.models.security.alert_status import AlertStatus
from msgraph.generated.models.security.device_evidence import DeviceEvidence
from msgraph.generated.models.security.incident import Incident
from msgraph.generated.models.security.incident_status import IncidentStatus
from msgraph.generated.security.alerts.alerts_request_builder import AlertsRequestBuilder
from msgraph.generated.security.alerts_v2.alerts_v2_request_builder import Alerts_v2RequestBuilder
from msgraph.generated.security.incidents.incidents_request_builder import IncidentsRequestBuilder
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core.requests.batch_request_content import BatchRequestContent  # type: ignore[import-untyped]  # the same
from msgraph_core.requests.batch_request_item import BatchRequestItem  # type: ignore[import-untyped]  # the same
from msgraph_core.tasks.page_iterator import PageIterator  # type: ignore[import-untyped]  # the same

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_abstractions"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_http"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:msgraph_core"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:msgraph"),
]

SCOPE = "https://graph.microsoft.com/.default"
Query = Alerts_v2RequestBuilder.Alerts_v2RequestBuilderGetQueryParameters
IncidentQuery = IncidentsRequestBuilder.IncidentsRequestBuilderGetQueryParameters


def asked(**parameters: Any) -> RequestConfiguration[Any]:
    return RequestConfiguration(query_parameters=Query(**parameters))


async def test_a_list_with_every_option(sdk: GraphServiceClient) -> None:
    found = await sdk.security.alerts_v2.get(asked(
        filter="severity eq 'high'", top=3, orderby=["createdDateTime desc", "title"], count=True,
        select=["id", "title", "severity", "createdDateTime"],
    ))  # fmt: skip
    assert found is not None
    assert found.value is not None
    assert len(found.value) == 3
    assert {alert.severity for alert in found.value} == {AlertSeverity.High}
    assert all(alert.title and alert.id and alert.description is None for alert in found.value)
    moments = [alert.created_date_time for alert in found.value]
    assert all(moments)
    assert moments == sorted(moments, reverse=True)
    everyone = await sdk.security.alerts_v2.get(asked(filter="severity eq 'high'", top=999))
    assert everyone is not None
    assert everyone.value is not None
    assert found.odata_count == len(everyone.value)
    assert found.odata_next_link


async def test_the_iterator_walks_every_page_to_the_end(sdk: GraphServiceClient) -> None:
    whole = await sdk.security.alerts_v2.get(asked(top=999, count=True))
    assert whole is not None
    assert whole.value is not None
    first = await sdk.security.alerts_v2.get(asked(top=7, count=True, select=["id", "title"]))
    assert first is not None
    seen: list[Any] = []

    def each(alert: Alert) -> bool:
        seen.append(alert)
        return True

    await PageIterator(cast("Any", first), sdk.request_adapter).iterate(cast("Any", each))
    assert len(seen) == whole.odata_count == len(whole.value)
    assert [alert.id for alert in seen] == [alert.id for alert in whole.value]


async def test_alerts_and_their_evidence_are_read_as_what_they_are(sdk: GraphServiceClient) -> None:
    found = await sdk.security.alerts_v2.get(
        asked(filter="evidence/any(e: e/microsoft.graph.security.deviceEvidence/deviceDnsName ne null)")
    )
    assert found is not None
    assert found.value
    for alert in found.value:
        assert alert.evidence
        assert any(isinstance(item, DeviceEvidence) and item.device_dns_name for item in alert.evidence)
        assert alert.id
        single = await sdk.security.alerts_v2.by_alert_id(alert.id).get()
        assert single is not None
        assert single.title == alert.title
        assert (single.additional_data or {}).keys() <= {"@odata.context", "@odata.etag"}
        assert single.service_source is not None
        assert single.status is not None
        assert single.last_update_date_time is not None
        assert single.last_update_date_time.tzinfo is not None


async def test_a_change_and_a_comment_are_read_back(sdk: GraphServiceClient) -> None:
    found = await sdk.security.alerts_v2.get(asked(top=1, filter="status eq 'new'"))
    assert found is not None
    assert found.value
    key = found.value[0].id
    assert key
    at = sdk.security.alerts_v2.by_alert_id(key)
    change = Alert(
        status=AlertStatus.InProgress, classification=AlertClassification.TruePositive,
        determination=AlertDetermination.CompromisedAccount, assigned_to="ana@contoso.com",
    )  # fmt: skip
    changed = await at.patch(change)
    assert changed is not None
    await at.comments.post(cast("Any", AlertComment(comment="Looked at it.")))
    for read in (changed, await at.get()):
        assert read is not None
        assert read.status == AlertStatus.InProgress
        assert read.classification == AlertClassification.TruePositive
        assert read.determination == AlertDetermination.CompromisedAccount
        assert read.assigned_to == "ana@contoso.com"
    assert read is not None
    assert [comment.comment for comment in read.comments or []][-1:] == ["Looked at it."]


async def test_a_comment_is_taken_in_the_form_that_the_sdk_declares(sdk: GraphServiceClient) -> None:
    """The generated signature asks for a list of comments, which goes out as a JSON array."""
    found = await sdk.security.alerts_v2.get(asked(top=1, select=["id"]))
    assert found is not None
    assert found.value
    at = sdk.security.alerts_v2.by_alert_id(found.value[0].id or "")
    await at.comments.post([AlertComment(comment="One of a list.")])
    read = await at.get()
    assert read is not None
    assert [comment.comment for comment in read.comments or []][-1:] == ["One of a list."]


async def test_a_fetched_alert_is_changed_and_sent_back(sdk: GraphServiceClient) -> None:
    found = await sdk.security.alerts_v2.get(asked(top=1, filter="status eq 'new'"))
    assert found is not None
    assert found.value
    alert = found.value[0]
    assert alert.id
    alert.assigned_to = "bo@contoso.com"
    changed = await sdk.security.alerts_v2.by_alert_id(alert.id).patch(alert)
    assert changed is not None
    assert changed.assigned_to == "bo@contoso.com"


async def test_incidents_come_expanded_and_can_be_changed(sdk: GraphServiceClient) -> None:
    found = await sdk.security.incidents.get(RequestConfiguration(
        query_parameters=IncidentQuery(expand=["alerts"], top=5, filter="status eq 'active'", count=True)
    ))  # fmt: skip
    assert found is not None
    assert found.value
    assert found.odata_count
    assert all(incident.alerts for incident in found.value)
    incident = found.value[0]
    assert incident.id
    at = sdk.security.incidents.by_incident_id(incident.id)
    changed = await at.patch(Incident(custom_tags=["sdk"], status=IncidentStatus.Resolved))
    again = await at.get()
    for read in (changed, again):
        assert read is not None
        assert (read.custom_tags, read.status) == (["sdk"], IncidentStatus.Resolved)
    alerts = await at.alerts.get()
    assert alerts is not None
    assert alerts.value
    assert {alert.id for alert in alerts.value} == {alert.id for alert in incident.alerts or []}


async def test_errors_are_read_by_the_sdk(sdk: GraphServiceClient) -> None:
    with pytest.raises(ODataError) as missing:
        await sdk.security.alerts_v2.by_alert_id("nothing").get()
    assert missing.value.response_status_code == 404
    assert missing.value.error is not None
    assert missing.value.error.code == "itemNotFound"
    with pytest.raises(ODataError) as bad:
        await sdk.security.alerts_v2.get(asked(filter="sevrity eq 'high'"))
    assert bad.value.response_status_code == 400
    assert bad.value.error is not None
    assert "Did you mean severity?" in (bad.value.error.message or "")
    assert bad.value.error.inner_error is not None
    assert bad.value.error.inner_error.request_id


async def test_the_asynchronous_credential_works_too(served: Any) -> None:
    env = served.quickstart
    trust = ssl.create_default_context(cafile=env["CA_FILE"])
    async with AsyncClientSecretCredential(
        env["TENANT"], env["CLIENT_ID"], env["CLIENT_SECRET"], authority=env["AUTHORITY"], disable_instance_discovery=True,
        connection_verify=env["CA_FILE"],
    ) as credential:  # fmt: skip
        token = await credential.get_token(SCOPE)
    async with httpx.AsyncClient(verify=trust, base_url=env["BASE_URL"]) as http:
        answer = await http.get("/v1.0/security/alerts_v2?$top=1", headers={"authorization": f"Bearer {token.token}"})
    assert answer.status_code == 200


async def test_a_wrong_secret_is_told_by_azure_identity(served: Any, trusted: str) -> None:
    env = served.quickstart
    assert trusted
    with (
        ClientSecretCredential(
            env["TENANT"], env["CLIENT_ID"], "wrong", authority=env["AUTHORITY"], disable_instance_discovery=True
        ) as wrong,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        wrong.get_token(SCOPE)


async def test_msal_alone_gets_a_token(served: Any, trusted: str) -> None:
    env = served.quickstart
    with requests.Session() as session:
        session.verify = trusted
        app = msal.ConfidentialClientApplication(
            env["CLIENT_ID"], authority=f"{env['AUTHORITY']}/{env['TENANT']}", client_credential=env["CLIENT_SECRET"],
            instance_discovery=False, http_client=session,
        )  # fmt: skip
        found = app.acquire_token_for_client([SCOPE])
        assert found["token_type"] == "Bearer"
        assert app.acquire_token_for_client([SCOPE])["token_source"] == "cache"
        oidc = msal.ConfidentialClientApplication(
            env["CLIENT_ID"], oidc_authority=f"{env['AUTHORITY']}/{env['TENANT']}/v2.0", client_credential=env["CLIENT_SECRET"],
            http_client=session,
        )  # fmt: skip
        assert "access_token" in oidc.acquire_token_for_client([SCOPE])


async def test_a_batch(sdk: GraphServiceClient) -> None:
    """The SDK sends absolute URLs; it reads statuses and headers, and no JSON body at all."""
    whole = await sdk.security.alerts_v2.get(asked(top=1))
    assert whole is not None
    assert whole.value
    key = str(whole.value[0].id)
    requests = {
        "list": sdk.security.alerts_v2.to_get_request_information(asked(top=2)),
        "one": sdk.security.alerts_v2.by_alert_id(key).to_get_request_information(),
        "older": sdk.security.alerts.to_get_request_information(),
        "none": sdk.security.alerts_v2.by_alert_id("nothing").to_get_request_information(),
        "change": sdk.security.alerts_v2.by_alert_id(key).to_patch_request_information(Alert(assigned_to="batch@contoso.com")),
    }
    items = {name: BatchRequestItem(one) for name, one in requests.items()}
    answer = await sdk.batch.post(BatchRequestContent(cast("Any", items)))
    assert answer is not None
    found: dict[str, Any] = {name: answer.get_response_by_id(item.id) for name, item in items.items()}
    statuses = {name: one.status for name, one in found.items()}
    assert statuses == {"list": 200, "one": 200, "older": 200, "none": 404, "change": 200}
    changed = await sdk.security.alerts_v2.by_alert_id(key).get()
    assert changed is not None
    assert changed.assigned_to == "batch@contoso.com"


async def test_the_older_alerts(sdk: GraphServiceClient) -> None:
    query = AlertsRequestBuilder.AlertsRequestBuilderGetQueryParameters
    found = await sdk.security.alerts.get(RequestConfiguration(query_parameters=query(
        filter="severity eq 'high' and hostStates/any(h: h/fqdn ne null)", top=5, orderby=["createdDateTime desc"], count=True,
    )))  # fmt: skip
    assert found is not None
    assert found.value
    assert found.odata_count == len(found.value) or found.odata_next_link
    for alert in found.value:
        assert alert.severity is OlderSeverity.High
        assert alert.host_states
        assert any(host.fqdn for host in alert.host_states)
        assert alert.vendor_information is not None
        assert alert.vendor_information.provider
        assert isinstance(alert.status, OlderStatus)
    key = str(found.value[0].id)
    change = OlderAlert(status=OlderStatus.Resolved, feedback=AlertFeedback.TruePositive, vendor_information=found.value[0].vendor_information)
    assert await sdk.security.alerts.by_alert_id(key).patch(change) is None  # 204, as published
    older = await sdk.security.alerts.by_alert_id(key).get()
    newer = await sdk.security.alerts_v2.by_alert_id(key).get()
    assert older is not None
    assert newer is not None
    assert (older.status, older.feedback) == (OlderStatus.Resolved, AlertFeedback.TruePositive)
    assert (newer.status, newer.classification) == (AlertStatus.Resolved, AlertClassification.TruePositive)


async def test_the_older_alerts_page_by_page(sdk: GraphServiceClient) -> None:
    query = AlertsRequestBuilder.AlertsRequestBuilderGetQueryParameters
    seen: list[str] = []

    def each(alert: OlderAlert) -> bool:
        seen.append(str(alert.id))
        return True

    first = await sdk.security.alerts.get(RequestConfiguration(query_parameters=query(top=7)))
    await PageIterator(cast("Any", first), sdk.request_adapter).iterate(cast("Any", each))
    whole = await sdk.security.alerts_v2.get(asked(top=999, select=["id"]))
    assert whole is not None
    assert whole.value is not None
    assert seen == [str(alert.id) for alert in whole.value]
