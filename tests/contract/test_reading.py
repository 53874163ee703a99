"""Lists, single objects, counts and links, as a client sees them."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from secgraph.testing import ORIGIN, Clock, Graph, graph_alert, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
WIRE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")


async def pages(graph: Graph, path: str, **options: str) -> list[dict[str, Any]]:
    """Every page of a list, following nextLink as it is given."""
    found = [await graph.get(path, **options)]
    while "@odata.nextLink" in found[-1]:
        found.append(await graph.get(found[-1]["@odata.nextLink"]))
    return found


# --- what stands around the values ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1.0", "beta"])
@pytest.mark.parametrize(("path", "fragment"), [
    ("security/alerts_v2", "security/alerts_v2"),
    ("security/alerts_V2", "security/alerts_v2"),
    ("security/alerts_v2/", "security/alerts_v2"),
    ("security/incidents?$expand=alerts", "security/incidents"),
    ("security/alerts_v2?$select=title,id", "security/alerts_v2(id,title)"),
    ("security/alerts_v2/{alert}", "security/alerts_v2/$entity"),
    ("security/alerts_v2('{alert}')", "security/alerts_v2/$entity"),
    ("SECURITY/ALERTS_V2/{alert}", "security/alerts_v2/$entity"),
    ("security/alerts_v2/{alert}?$select=severity", "security/alerts_v2(severity)/$entity"),
    ("security/alerts_v2/{alert}/comments", "security/alerts_v2('{alert}')/comments"),
    ("security/alerts_v2('{alert}')/comments", "security/alerts_v2('{alert}')/comments"),
    ("security/alerts_v2/{alert}/records", "security/alerts_v2('{alert}')/records"),
    ("security/incidents/{incident}", "security/incidents/$entity"),
    ("security/incidents('{incident}')", "security/incidents/$entity"),
    ("security/incidents/{incident}?$expand=alerts", "security/incidents/$entity"),
    ("security/incidents/{incident}/comments", "security/incidents('{incident}')/comments"),
    ("security/incidents/{incident}/alerts", "security/incidents('{incident}')/alerts"),
    ("security/incidents('{incident}')/alerts", "security/incidents('{incident}')/alerts"),
])  # fmt: skip
async def test_the_context_says_what_the_body_is(six: Graph, version: str, path: str, fragment: str) -> None:
    [alert] = (await six.get(LIST, filter="title eq 'a1'"))["value"]
    keys = {"alert": alert["id"], "incident": alert["incidentId"]}
    answer = await six.ask("GET", f"/{version}/{path.format(**keys)}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["@odata.context"] == f"{ORIGIN}/{version}/$metadata#{fragment.format(**keys)}"
    assert answer.headers["content-type"].startswith("application/json;odata.metadata=minimal")
    assert answer.headers["odata-version"] == "4.0"
    assert answer.headers["cache-control"] == "no-cache"


async def test_an_object_is_the_same_in_a_list_and_alone(six: Graph) -> None:
    for path in (LIST, "security/incidents"):
        for item in (await six.get(path))["value"]:
            alone = await six.ask("GET", f"{path}/{item['id']}")
            assert {name: value for name, value in alone.json().items() if name != "@odata.context"} == item
            assert alone.headers["etag"] == item["@odata.etag"]
            assert re.fullmatch(r'W/"[^"]+"', item["@odata.etag"])


async def test_an_object_holds_every_member_and_no_undeclared_one(six: Graph) -> None:
    for path in (LIST, "security/incidents"):
        declared = {name for name, item in six.core.model.sets[path].type.properties.items() if not item.navigation}
        for item in (await six.get(path))["value"]:
            assert set(item) == {"@odata.etag", *declared}
            times = [value for name, value in item.items() if name.endswith("DateTime") and value is not None]
            assert times
            assert all(WIRE_TIME.fullmatch(time) for time in times)
            assert item["tenantId"] == six.tenant.id


async def test_evidence_says_its_type_with_a_hash(six: Graph) -> None:
    alerts = (await six.get(LIST))["value"]
    kinds = {item["@odata.type"] for alert in alerts for item in alert["evidence"]}
    assert kinds == {f"#microsoft.graph.security.{kind}Evidence" for kind in ("device", "user", "ip", "file", "process")}


async def test_keys_match_in_any_letter_case(six: Graph) -> None:
    [alert] = (await six.get(LIST, filter="title eq 'a1'"))["value"]
    assert (await six.get(f"{LIST}/{alert['id'].upper()}"))["id"] == alert["id"]


async def test_newest_first_is_the_order_of_both_lists(many: Graph) -> None:
    for path in (LIST, "security/incidents"):
        times = [item["createdDateTime"] for page in await pages(many, path, top="7") for item in page["value"]]
        assert times == sorted(times, reverse=True)


# --- counts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "count"), [
    ({}, 60),
    ({"top": "1"}, 60),
    ({"top": "0"}, 60),
    ({"skip": "59"}, 60),
    ({"top": "5", "skip": "10"}, 60),
    ({"filter": "severity eq 'high'"}, 12),
    ({"filter": "severity eq 'high'", "top": "1"}, 12),
    ({"filter": "assignedTo eq 'ana'"}, 17),
    ({"filter": "title eq 'nobody'"}, 0),
    ({"filter": "severity eq 'low'", "select": "id", "orderby": "title"}, 24),
])  # fmt: skip
async def test_the_count_is_exact_whatever_the_page(many: Graph, options: dict[str, str], count: int) -> None:
    assert (await many.get(LIST, count="true", **options))["@odata.count"] == count
    assert "@odata.count" not in await many.get(LIST, count="false", **options)
    assert "@odata.count" not in await many.get(LIST, **options)


async def test_the_count_stands_on_every_page(many: Graph) -> None:
    found = await pages(many, LIST, count="true", top="25")
    assert [page["@odata.count"] for page in found] == [60, 60, 60]


@pytest.mark.parametrize(("path", "count"), [
    ("security/alerts_v2/$count", 60),
    ("security/alerts_v2/$count?$filter=severity%20eq%20'low'", 24),
    ("security/incidents/$count", 20),
    ("security/incidents/1/alerts/$count", 3),
    ("security/incidents('1')/alerts/$count?$filter=status%20eq%20'resolved'", 0),
])  # fmt: skip
async def test_count_as_a_segment_is_a_plain_number(many: Graph, path: str, count: int) -> None:
    answer = await many.ask("GET", path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == str(count)


# --- pages ------------------------------------------------------------------------------------------------------------

ORDERS = [
    "",
    "createdDateTime",
    "createdDateTime desc",
    "severity",
    "severity desc",
    "assignedTo",
    "assignedTo desc",
    "assignedTo asc,createdDateTime desc",
    "assignedTo desc,createdDateTime asc",
    "category desc,assignedTo asc,severity desc",
    "category,assignedTo desc,title",
    "resolvedDateTime",
    "resolvedDateTime desc,category",
    "id",
    "id desc",
    "lastUpdateDateTime",
    "customDetails/nothing desc",
]
RANKS = {"unknown": 0, "informational": 1, "low": 2, "medium": 3, "high": 4}


def _ordered(alerts: list[dict[str, Any]], order: str) -> bool:
    """Whether the rows stand in that order: null first ascending, last descending; text folded; enums by number."""

    def value(alert: dict[str, Any], name: str) -> tuple[bool, Any]:
        found = alert.get(name)
        if name == "severity":
            found = RANKS[str(found)]
        return (found is not None, found.casefold() if isinstance(found, str) else found or 0)

    for one, other in itertools.pairwise(alerts):
        for key in order.split(","):
            name, _, direction = key.strip().partition(" ")
            left, right = value(one, name), value(other, name)
            if left != right:
                if (left < right) != (direction != "desc"):
                    return False
                break
    return True


@pytest.mark.parametrize("size", ["1", "7", "59", "60"])
@pytest.mark.parametrize("order", ORDERS)
async def test_a_walk_to_the_end_is_the_full_set_once_in_order(many: Graph, order: str, size: str) -> None:
    options = {"orderby": order} if order else {}
    found = await pages(many, LIST, top=size, **options)
    alerts = [item for page in found for item in page["value"]]
    assert len(alerts) == 60
    assert len({item["id"] for item in alerts}) == 60
    assert all(page["value"] for page in found)
    assert [len(page["value"]) for page in found[:-1]] == [int(size)] * (len(found) - 1)
    if order:
        assert _ordered(alerts, order)
    whole = (await many.get(LIST, top="1000", **options))["value"]
    assert [item["id"] for item in whole] == [item["id"] for item in alerts]


@pytest.mark.parametrize("order", ["", "assignedTo desc,createdDateTime"])
async def test_skip_leaves_out_as_many_as_it_says(many: Graph, order: str) -> None:
    options = {"orderby": order} if order else {}
    whole = await many.ids(LIST, **options)
    for skip in (0, 1, 30, 59, 60, 1000):
        assert await many.ids(LIST, skip=str(skip), top="9", **options) == whole[skip:]


async def test_a_filtered_walk_keeps_filter_select_and_size(many: Graph) -> None:
    found = await pages(many, LIST, filter="severity eq 'low'", select="id,severity", top="10", count="true")
    assert [len(page["value"]) for page in found] == [10, 10, 4]
    assert all(set(item) == {"@odata.etag", "id", "severity"} for page in found for item in page["value"])
    assert all(item["severity"] == "low" for page in found for item in page["value"])
    assert [page["@odata.count"] for page in found] == [24, 24, 24]


async def test_a_page_is_bounded_and_says_so(many: Graph) -> None:
    answer = await many.ask("GET", LIST, params={"$top": "999999"})
    assert answer.status_code == 200
    assert len(answer.json()["value"]) == 60
    assert "1000" in answer.headers["preference-applied"]
    assert "preference-applied" not in (await many.ask("GET", LIST, params={"$top": "1000"})).headers


async def test_a_walk_does_not_miss_or_repeat_when_rows_come_in_meanwhile(graph: Graph) -> None:
    await graph.hand_in("graph", *(graph_alert(number) for number in range(20)))
    first = await graph.get(LIST, orderby="title", top="7")
    await graph.hand_in("graph", *(graph_alert(number) for number in range(20, 40)))
    seen = [item["id"] for item in first["value"]] + await graph.ids(first["@odata.nextLink"])
    assert len(seen) == len(set(seen))
    assert {f"da{number:08d}-aaaa-bbbb-cccc-000000000000_1" for number in range(20)} <= set(seen)


# --- links ------------------------------------------------------------------------------------------------------------


async def test_a_link_is_absolute_and_opaque(many: Graph) -> None:
    link = (await many.get(LIST, top="3", filter="severity eq 'low'", orderby="title desc"))["@odata.nextLink"]
    parts = urlsplit(link)
    assert link.startswith(f"{ORIGIN}/v1.0/security/alerts_v2?")
    options = parse_qs(parts.query)
    assert options["$filter"] == ["severity eq 'low'"]
    assert options["$orderby"] == ["title desc"]
    assert options["$top"] == ["3"]
    assert len(options["$skiptoken"]) == 1
    assert "$skip" not in options


@pytest.mark.parametrize("options", [
    {"top": "3"},
    {"top": "3", "filter": "severity eq 'low'"},
    {"top": "3", "orderby": "assignedTo desc,title"},
])  # fmt: skip
async def test_a_link_changed_by_one_character_is_refused(many: Graph, options: dict[str, str]) -> None:
    link = (await many.get(LIST, **options))["@odata.nextLink"]
    head, _, token = link.partition("$skiptoken=")
    for place in range(0, len(token), 5):
        other = "A" if token[place] != "A" else "Q"
        answer = await many.ask("GET", f"{head}$skiptoken={token[:place]}{other}{token[place + 1 :]}")
        assert answer.status_code == 400, place
        assert "$skiptoken" in answer.json()["error"]["message"]
    for changed in ("", "x", token[:-4], token + "AAAA", "A" * 4000, "%00", "Ä"):
        assert (await many.ask("GET", f"{head}$skiptoken={changed}")).status_code == 400, changed


@pytest.mark.parametrize("moved", [
    "/v1.0/security/alerts_v2?$orderby=title&$skiptoken={}",
    "/v1.0/security/alerts_v2?$filter=severity%20eq%20'high'&$orderby=title&$skiptoken={}",
    "/v1.0/security/alerts_v2?$filter=severity%20eq%20'low'&$skiptoken={}",
    "/v1.0/security/alerts_v2?$filter=severity%20eq%20'low'&$orderby=title%20desc&$skiptoken={}",
    "/v1.0/security/alerts_v2?$skiptoken={}",
    "/v1.0/security/incidents?$skiptoken={}",
    "/v1.0/security/incidents?$filter=severity%20eq%20'low'&$orderby=title&$skiptoken={}",
    "/v1.0/security/incidents/1/alerts?$filter=severity%20eq%20'low'&$orderby=title&$skiptoken={}",
])  # fmt: skip
async def test_a_token_moved_to_another_question_is_refused(many: Graph, moved: str) -> None:
    link = (await many.get(LIST, filter="severity eq 'low'", orderby="title", top="3"))["@odata.nextLink"]
    answer = await many.ask("GET", moved.format(link.partition("$skiptoken=")[2]))
    assert answer.status_code == 400, answer.text


async def test_a_link_of_one_incident_is_refused_by_another(graph: Graph) -> None:
    await graph.hand_in("graph", *(graph_alert(number, incidentId=str(number % 2)) for number in range(8)))
    link = (await graph.get("security/incidents/1/alerts", top="2"))["@odata.nextLink"]
    assert "/incidents/1/alerts?" in link
    assert (await graph.ask("GET", link.replace("/incidents/1/", "/incidents/2/"))).status_code == 400
    assert len(await graph.ids(link)) == 2


async def test_a_link_goes_on_after_the_server_was_reopened(tmp_path: Path, clock: Clock, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, **on) as graph:
        await graph.hand_in("graph", *(graph_alert(number) for number in range(9)))
        whole = await graph.ids(LIST)
        first = await graph.get(LIST, top="4", count="true")
    async with running(tmp_path / "data", clock, **on) as graph:
        assert await graph.ids(first["@odata.nextLink"]) == whole[4:]
        assert (await graph.get(first["@odata.nextLink"]))["@odata.count"] == 9


async def test_a_link_asked_under_the_prefer_header_shows_the_full_members(graph: Graph) -> None:
    rows = (graph_alert(number, serviceSource="microsoftSentinel") for number in range(4))
    await graph.hand_in("graph", *rows)
    link = (await graph.get(LIST, top="2"))["@odata.nextLink"]
    full = await graph.ask("GET", link, headers={"prefer": "include-unknown-enum-members"})
    assert {item["serviceSource"] for item in full.json()["value"]} == {"microsoftSentinel"}
    assert {item["serviceSource"] for item in (await graph.get(link))["value"]} == {"unknownFutureValue"}


# --- select and expand ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("select", "members"), [
    ("id", {"id"}),
    ("title,severity", {"title", "severity"}),
    ("Title, SEVERITY", {"title", "severity"}),
    ("title,title", {"title"}),
    ("evidence,mitreTechniques", {"evidence", "mitreTechniques"}),
    ("assignedTo", {"assignedTo"}),
])  # fmt: skip
async def test_select_cuts_objects_down(six: Graph, select: str, members: set[str]) -> None:
    for item in (await six.get(LIST, select=select))["value"]:
        assert {name for name in item if "@" not in name} == members
    [key, *_] = await six.ids(LIST)
    alone = await six.get(f"{LIST}/{key}", select=select)
    assert {name for name in alone if "@" not in name} == members


async def test_select_of_a_star_is_everything(six: Graph) -> None:
    assert (await six.get(LIST, select="*"))["value"] == (await six.get(LIST))["value"]


async def test_an_incident_is_expanded_with_its_alerts(many: Graph) -> None:
    body = await many.get("security/incidents", expand="alerts", top="5")
    for incident in body["value"]:
        alerts = (await many.get(f"security/incidents/{incident['id']}/alerts"))["value"]
        assert incident["alerts"] == alerts
        assert len(alerts) == 3
        assert incident["alerts@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/incidents('{incident['id']}')/alerts"
        assert all(alert["incidentId"] == incident["id"] for alert in alerts)
        assert await many.get(f"{LIST}/{alerts[0]['id']}", select="title") is not None
        alone = await many.get(f"security/incidents/{incident['id']}", expand="alerts")
        assert alone["alerts"] == alerts
    assert all("alerts" not in item for item in (await many.get("security/incidents"))["value"])


async def test_expand_and_select_go_together(many: Graph) -> None:
    [item] = (await many.get("security/incidents", expand="alerts", select="displayName", top="1"))["value"]
    assert {name for name in item if "@" not in name} == {"displayName", "alerts"}
    alone = await many.get("security/incidents/1", expand="alerts", select="id")
    assert {name for name in alone if "@" not in name} == {"id", "alerts"}


async def test_expand_is_kept_from_page_to_page(many: Graph) -> None:
    found = await pages(many, "security/incidents", expand="alerts", top="6")
    incidents = [item for page in found for item in page["value"]]
    assert len(incidents) == 20
    assert all(len(item["alerts"]) == 3 for item in incidents)


async def test_a_big_incident_goes_on_behind_a_nested_link(graph: Graph) -> None:
    await graph.hand_in("graph", *(graph_alert(number, incidentId="7") for number in range(250)))
    for incident in ((await graph.get("security/incidents", expand="alerts"))["value"][0],
                     await graph.get("security/incidents/1", expand="alerts")):  # fmt: skip
        link = incident["alerts@odata.nextLink"]
        assert link.startswith(f"{ORIGIN}/v1.0/security/incidents/1/alerts?")
        seen = [alert["id"] for alert in incident["alerts"]] + await graph.ids(link)
        assert seen == await graph.ids("security/incidents/1/alerts")
        assert len(set(seen)) == 250


async def test_the_alerts_of_an_incident_take_options(many: Graph) -> None:
    path = "security/incidents/3/alerts"
    whole = await many.ids(path)
    assert len(whole) == 3
    assert await many.ids(path, orderby="title", top="1") == sorted(whole)
    assert await many.ids(path, filter=f"id eq '{whole[1]}'") == [whole[1]]
    body = await many.get(path, count="true", top="1", select="title")
    assert body["@odata.count"] == 3
    assert body["@odata.context"].endswith("#security/incidents('3')/alerts(title)")


# --- options that cannot be obeyed ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("query", "said"), [
    ("$search=%22x", "$search"),
    ("$apply=x", "$apply"),
    ("$deltatoken=x", "$deltatoken"),
    ("$nonsense=1", "$nonsense: is not an option"),
    ("%24nonsense=1", "$nonsense"),
    ("$top=-1", "$top"),
    ("$top=many", "$top: 'many' is not a whole number"),
    ("$top=1.5", "$top"),
    ("$top=", "$top"),
    ("$top=99999999999999999999", "$top"),
    ("$top=%D9%A3", "$top"),
    ("$skip=-1", "$skip"),
    ("$skip=x", "$skip"),
    ("$count=yes", "$count: 'yes'"),
    ("$orderby=nothing", "'nothing'"),
    ("$orderby=title%20sideways", "$orderby: 'title sideways'"),
    ("$orderby=evidence", "$orderby: 'evidence' has no order"),
    ("$orderby=evidence/verdict", "'evidence' is a collection"),
    ("$orderby=title%20desc%20asc", "$orderby"),
    ("$select=nothing", "$select: 'nothing'"),
    ("$select=titel", "Did you mean title?"),
    ("$expand=evidence", "$expand: 'evidence' cannot be expanded"),
    ("$expand=alerts", "$expand"),
    ("$format=xml", "$format: only JSON"),
    ("$filter=%FF", "$filter: is not UTF-8"),
    ("$filter=title%20eq%20'a%00'", "$filter: holds a NUL"),
    ("$filter=title%20eq%20'%ED%A0%80'", "$filter: is not UTF-8"),
])  # fmt: skip
async def test_an_option_that_cannot_be_obeyed_is_refused(six: Graph, query: str, said: str) -> None:
    answer = await six.http.get(f"/v1.0/security/alerts_v2?{query}", headers=six.headers)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["$filter=true", "$top=1", "$orderby=title", "$count=true", "$skip=1", "$nonsense=1"])
async def test_a_single_object_takes_select_and_expand_only(six: Graph, query: str) -> None:
    [key, *_] = await six.ids(LIST)
    answer = await six.ask("GET", f"{LIST}/{key}?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["x=1", "api-version=2", "$format=json", "$format=application/json", "&&", "$count", ""])
async def test_what_other_clients_add_does_no_harm(six: Graph, query: str) -> None:
    answer = await six.http.get(f"/v1.0/security/alerts_v2?{query}", headers=six.headers)
    assert answer.status_code == 200
    assert len(answer.json()["value"]) == 6


# --- enumerations that grow -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefer", [
    "include-unknown-enum-members",
    "Include-Unknown-Enum-Members",
    "odata.maxpagesize=5, include-unknown-enum-members",
    "include-unknown-enum-members,return=representation",
])  # fmt: skip
async def test_members_past_the_sentinel_are_sent_to_who_asks(six: Graph, prefer: str) -> None:
    [plain] = (await six.get(LIST, filter="title eq 'a3'"))["value"]
    assert (plain["serviceSource"], plain["detectionSource"]) == ("unknownFutureValue", "unknownFutureValue")
    headers = {"prefer": prefer}
    listed = await six.ask("GET", LIST, params={"$filter": "serviceSource eq 'microsoftSentinel'"}, headers=headers)
    single = await six.ask("GET", f"{LIST}/{plain['id']}", headers=headers)
    chosen = await six.ask("GET", f"{LIST}/{plain['id']}?$select=serviceSource,detectionSource", headers=headers)
    inside = await six.ask("GET", f"security/incidents/{plain['incidentId']}?$expand=alerts", headers=headers)
    for found in (listed.json()["value"][0], single.json(), chosen.json(), inside.json()["alerts"][0]):
        assert (found["serviceSource"], found["detectionSource"]) == ("microsoftSentinel", "microsoftSentinel")
    assert "include-unknown-enum-members" in listed.headers["preference-applied"]
    assert "include-unknown-enum-members" in single.headers["preference-applied"]
    assert single.headers["etag"] == plain["@odata.etag"]


async def test_members_past_the_sentinel_are_sorted_by_their_number(six: Graph) -> None:
    found = (await six.get(LIST, orderby="serviceSource desc,title", select="title"))["value"]
    assert [item["title"] for item in found] == ["a3", "a4", "a1", "a2", "a5", "a6"]
