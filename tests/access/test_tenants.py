"""Two tenants on one server never see each other: not in lists, by id, by link, by record, nor by what an error says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from tests.databases import Apart

from secgraph.testing import Clock, Graph, graph_alert, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(tmp_path_factory: pytest.TempPathFactory, apart: Apart) -> AsyncIterator[tuple[Graph, Graph]]:
    """Two tenants that took in the very same reports; only the first one got a tenth alert as well."""
    async with running(tmp_path_factory.mktemp("two") / "data", Clock(), **apart()) as ours:
        tenant = await ours.core.registry.create_tenant("fabrikam")
        application, secret = await ours.core.registry.create_application(
            tenant, "theirs", ours.core.model.served_permissions()
        )
        theirs = replace(ours, tenant=tenant, application=application, secret=secret)
        await theirs.sign_in()
        reports = [graph_alert(number, incidentId=str(number // 3), assignedTo="ana") for number in range(9)]
        await ours.hand_in("graph", graph_alert(100, title="Ours alone"), *reports)
        await theirs.hand_in("graph", *reports)
        yield ours, theirs


def answered(found: Any) -> tuple[int, Any]:
    body = found.json()
    return found.status_code, {name: value for name, value in body.get("error", body).items() if name != "innerError"}


async def test_lists_and_counts_hold_the_tenants_own_rows(two: tuple[Graph, Graph]) -> None:
    for graph, alerts, incidents in ((two[0], 10, 4), (two[1], 9, 3)):
        for path, count in ((LIST, alerts), ("security/incidents", incidents)):
            body = await graph.get(path, count="true")
            assert (len(body["value"]), body["@odata.count"]) == (count, count)
            assert {item["tenantId"] for item in body["value"]} == {graph.tenant.id}
            assert (await graph.ask("GET", f"{path}/$count")).text == str(count)
        expanded = await graph.get("security/incidents", expand="alerts")
        assert {alert["tenantId"] for item in expanded["value"] for alert in item["alerts"]} == {graph.tenant.id}


async def test_no_filter_reaches_over(two: tuple[Graph, Graph]) -> None:
    ours, theirs = two
    for text in (
        "title eq 'Ours alone'",
        f"tenantId eq '{ours.tenant.id}'",
        "not (assignedTo eq 'ana')",
        "title eq 'Ours alone' or false",
    ):
        assert await theirs.ids(LIST, filter=text) == []
    for text in ("true", f"tenantId ne '{ours.tenant.id}'", "true or title eq 'Ours alone'"):
        assert len(await theirs.ids(LIST, filter=text)) == 9


@pytest.mark.parametrize(("method", "path", "body"), [
    ("GET", "security/alerts_v2/{alert}", None),
    ("GET", "security/alerts_v2('{alert}')", None),
    ("GET", "security/alerts_v2/{alert}?$select=title", None),
    ("GET", "security/alerts_v2/{alert}/comments", None),
    ("GET", "security/alerts_v2/{alert}/records", None),
    ("PATCH", "security/alerts_v2/{alert}", {"status": "resolved"}),
    ("POST", "security/alerts_v2/{alert}/comments", {"comment": "theirs"}),
    ("GET", "security/incidents/{incident}", None),
    ("GET", "security/incidents/{incident}?$expand=alerts", None),
    ("GET", "security/incidents/{incident}/alerts", None),
    ("GET", "security/incidents/{incident}/alerts/$count", None),
    ("GET", "security/incidents/{incident}/comments", None),
    ("PATCH", "security/incidents/{incident}", {"status": "resolved"}),
    ("POST", "security/incidents/{incident}/comments", {"comment": "theirs"}),
])  # fmt: skip
async def test_what_is_ours_alone_is_not_there_for_them(two: tuple[Graph, Graph], method: str, path: str, body: Any) -> None:
    ours, theirs = two
    [alert] = (await ours.get(LIST, filter="title eq 'Ours alone'"))["value"]
    incidents = set(await theirs.ids("security/incidents"))
    incident = next(key for key in await ours.ids("security/incidents") if key not in incidents)
    before = await ours.get(f"{LIST}/{alert['id']}")
    more = {} if body is None else {"json": body}
    found = await theirs.ask(method, path.format(alert=alert["id"], incident=incident), **more)
    status, error = answered(found)
    assert status == 404
    never = await theirs.ask(method, path.format(alert="da000", incident="999999"), **more)
    assert {**answered(never)[1], "message": ""} == {**error, "message": ""}
    assert str(error).replace(alert["id"], "X").replace(incident, "X") == str(answered(never)[1]).replace("da000", "X").replace(
        "999999", "X"
    )
    assert await ours.get(f"{LIST}/{alert['id']}") == before


async def test_the_same_id_in_both_tenants_is_two_alerts(two: tuple[Graph, Graph]) -> None:
    ours, theirs = two
    [key] = await theirs.ids(LIST, filter="title eq 'Made-up alert 4'")
    assert (await ours.get(f"{LIST}/{key}"))["id"] == key
    answer = await theirs.ask("PATCH", f"{LIST}/{key}", json={"status": "resolved", "assignedTo": "theirs"})
    assert answer.status_code == 200
    await theirs.ask("POST", f"{LIST}/{key}/comments", json={"comment": "theirs"})
    mine = await ours.get(f"{LIST}/{key}")
    assert (mine["status"], mine["assignedTo"], mine["comments"]) == ("new", "ana", [])
    [record] = (await ours.get(f"{LIST}/{key}/records"))["value"]
    assert record["source"] == "graph"


@pytest.mark.parametrize("path", [
    f"{LIST}?$top=2",
    f"{LIST}?$top=2&$filter=assignedTo%20eq%20'ana'",
    "security/incidents?$top=1",
    "security/incidents/{incident}/alerts?$top=1",
])  # fmt: skip
async def test_a_link_of_one_tenant_is_refused_by_the_other(two: tuple[Graph, Graph], path: str) -> None:
    ours, theirs = two
    [alert] = (await ours.get(LIST, filter="title eq 'Made-up alert 4'"))["value"]
    link = (await ours.ask("GET", path.format(incident=alert["incidentId"]))).json()["@odata.nextLink"]
    assert (await ours.ask("GET", link)).status_code == 200
    answer = await theirs.ask("GET", link)
    assert answer.status_code in {400, 404}
    assert "value" not in answer.json()


async def test_each_tenant_counts_its_own_incidents(two: tuple[Graph, Graph]) -> None:
    for graph, count in ((two[0], 4), (two[1], 3)):
        assert sorted(map(int, await graph.ids("security/incidents"))) == list(range(1, count + 1))


async def test_a_token_says_which_tenant_and_no_path_can_change_it(two: tuple[Graph, Graph]) -> None:
    ours, theirs = two
    for headers in ({"x-ms-tenant-id": ours.tenant.id}, {"tenantid": ours.tenant.id}):
        assert len((await theirs.ask("GET", f"{LIST}?tenant={ours.tenant.id}", headers=headers)).json()["value"]) == 9
