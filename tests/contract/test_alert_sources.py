"""GET /security/alerts_v2/{id}/sources: who told of an alert."""

from __future__ import annotations

import pytest

from secgraph.testing import Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
KEY = graph_alert(1)["id"]


async def test_the_sources_of_an_alert(desk: Graph) -> None:
    report = await desk.hand_in("graph", graph_alert(1))
    assert report["records"] == 1
    body = await desk.get(f"{LIST}/{KEY.upper()}/sources")
    assert body["@odata.context"].endswith(f"#{LIST}('{KEY}')/sources")
    [one] = body["value"]
    assert one.pop("receivedDateTime").endswith("Z")
    assert one == {"source": "graph", "kind": "graph", "product": "microsoftDefenderForEndpoint", "nativeId": KEY,
                   "updatedDateTime": graph_alert(1)["lastUpdateDateTime"], "writeBack": None}  # fmt: skip


@pytest.mark.parametrize(("path", "status", "says"), [
    (f"{LIST}/nothing/sources", 404, "nothing"), (f"{LIST}/{KEY}/sources?$top=1", 400, "$top"), ("security/incidents/1/sources", 404, "sources"),
])  # fmt: skip
async def test_what_is_refused(desk: Graph, path: str, status: int, says: str) -> None:
    answer = await desk.ask("GET", path)
    assert answer.status_code == status
    assert says in answer.text


async def test_it_needs_what_the_alert_needs(desk: Graph) -> None:
    application, secret = await desk.application_with("SecurityIncident.Read.All")
    former, token = desk.headers, desk.token
    try:
        await desk.sign_in(application, secret)
        answer = await desk.ask("GET", f"{LIST}/{KEY}/sources")
        assert answer.status_code == 403
        assert "SecurityAlert.Read.All" in answer.text
    finally:
        desk.headers, desk.token = former, token
