"""What alerts name, as clients read it: the list, one of them, and the alerts that name it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from tests.databases import Apart

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge.entities import Entities
from secgraph.edge.exchange import Asked
from secgraph.edge.keys import KeyRing
from secgraph.edge.links import Links
from secgraph.edge.listing import Lists
from secgraph.edge.read import Reader
from secgraph.edge.route import Target
from secgraph.ingest.correlate.explained import thing
from secgraph.ingest.correlate.pack import number, unpack
from secgraph.testing import ORIGIN, Clock, Graph, graph_alert, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECURITY = "#microsoft.graph.security"
THINGS = "security/entities"


def user(**account: str) -> dict[str, Any]:
    return {"@odata.type": f"{SECURITY}.userEvidence", "userAccount": account, "roles": ["compromised"]}


def address(text: str) -> dict[str, Any]:
    return {"@odata.type": f"{SECURITY}.ipEvidence", "ipAddress": text, "roles": ["attacker"]}


def host(name: str) -> dict[str, Any]:
    return {"@odata.type": f"{SECURITY}.deviceEvidence", "deviceDnsName": name}


def report(number: int, *evidence: dict[str, Any], **members: Any) -> dict[str, Any]:
    """An alert of that day of November."""
    when = f"2026-11-{number:02d}T10:00:00Z"
    return graph_alert(number, **{
        "title": f"t{number}", "createdDateTime": when, "firstActivityDateTime": when, "lastActivityDateTime": when,
        "evidence": list(evidence), "severity": "high" if number % 2 else "low", **members,
    })  # fmt: skip


ANA = user(userPrincipalName="Ana@contoso.com", accountName="ana")
BO = user(userPrincipalName="bo@contoso.com", accountName="bo")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def things(tmp_path_factory: pytest.TempPathFactory, apart: Apart) -> AsyncIterator[Graph]:
    """A server with alerts 1 to 8: ana is in all but the last, bo in the second, hosts in the third and the fourth."""
    async with running(tmp_path_factory.mktemp("things") / "data", Clock(), **apart()) as graph:
        await graph.hand_in("graph", *(
            report(number, ANA, *more) for number, more in enumerate((
                (), (BO,), (host("ws1.contoso.com"), address("203.0.113.7")), (host("ws2.contoso.com"),), (), (),
                (address("203.0.113.7"),),
            ), 1)
        ), report(8, user(azureAdUserId="11111111-2222-3333-4444-555555555555", userPrincipalName="cleo@contoso.com", displayName="Cleo")))  # fmt: skip
        yield graph


async def named(graph: Graph, **options: str) -> list[str]:
    """The keys of the list, over all pages."""
    found = []
    body = await graph.get(THINGS, **options)
    while True:
        found += [one["key"] for one in body["value"]]
        if "@odata.nextLink" not in body:
            return found
        body = await graph.get(body["@odata.nextLink"])


async def id_of(graph: Graph, key: str) -> str:
    [one] = (await graph.get(THINGS, filter=f"key eq '{key}'"))["value"]
    return str(one["id"])


async def titles(graph: Graph, key: str, **options: str) -> list[str]:
    """The titles of the alerts that name a thing, over all pages."""
    found = []
    body = await graph.get(f"{THINGS}/{key}/alerts", **options)
    while True:
        found += [one["title"] for one in body["value"]]
        if "@odata.nextLink" not in body:
            return found
        body = await graph.get(body["@odata.nextLink"])


ALL = [
    "device.fqdn:ws1.contoso.com", "device.fqdn:ws2.contoso.com", "ip.public:203.0.113.7", "user.id:11111111-2222-3333-4444-555555555555",
    "user.upn:ana@contoso.com", "user.upn:bo@contoso.com",
]  # fmt: skip


@pytest.mark.parametrize("top", [None, "1", "2", "5", "6", "1000"])
async def test_the_list_is_in_the_order_of_types_and_keys(things: Graph, top: str | None) -> None:
    assert await named(things, **({} if top is None else {"top": top})) == ALL


@pytest.mark.parametrize(("text", "places"), [
    ("type eq 'user'", [3, 4, 5]), ("type eq 'USER'", [3, 4, 5]), ("'user' eq type", [3, 4, 5]), ("type in ('ip','device')", [0, 1, 2]),
    ("type eq 'user' and type eq 'ip'", []), ("type eq 'nothing'", []), ("type ne 'user'", [0, 1, 2]), ("type eq 'user' or type eq 'ip'", [2, 3, 4, 5]),
    ("type eq 'file'", []), ("name eq 'ANA@contoso.com'", [4]), ("startswith(name,'203.0.')", [2]), ("type eq 'user' and startswith(name,'bo')", [5]),
    ("key eq 'ip.public:203.0.113.7'", [2]), ("startswith(key,'user.upn:')", [4, 5]), ("not (contains(name,'contoso.com'))", [2]), ("true", [0, 1, 2, 3, 4, 5]),
    ("type eq 'user' and name eq 'O''Brien'", []), ("length(name) gt 14 and type eq 'user'", [3, 4]),
])  # fmt: skip
async def test_filters(things: Graph, text: str, places: list[int]) -> None:
    assert await named(things, filter=text) == [ALL[place] for place in places]
    assert await named(things, filter=text, top="1") == [ALL[place] for place in places]


@pytest.mark.parametrize(("query", "said"), [
    ("$filter=firstSeenDateTime gt 2026-11-01T00:00:00Z", "firstSeenDateTime cannot be asked for"), ("$filter=nonsense eq 'x'", "'nonsense' is not a property"),
    ("$filter=type eq", "expected"), ("$orderby=name", "$orderby: cannot be asked of this list"), ("$search=x", "$search: cannot be asked"), ("$top=x", "$top"),
    ("$skiptoken=zzzz", "the link was changed"), ("$count=true", "$count: cannot be asked"), ("$skip=1", "$skip: cannot"), ("$format=xml", "only JSON"),
])  # fmt: skip
async def test_what_cannot_be_asked_of_the_list(things: Graph, query: str, said: str) -> None:
    answer = await things.ask("GET", f"{THINGS}?{query}")
    assert (answer.status_code, said.lower() in answer.text.lower()) == (400, True), answer.text


async def test_a_link_is_good_for_its_own_question_alone(things: Graph) -> None:
    link = (await things.get(THINGS, top="1", filter="type eq 'user'"))["@odata.nextLink"]
    assert (await things.ask("GET", link.replace("user", "file"))).status_code == 400
    ana = await id_of(things, ALL[4])
    more = (await things.get(f"{THINGS}/{ana}/alerts", top="1"))["@odata.nextLink"]
    other = await id_of(things, ALL[2])
    assert (await things.ask("GET", more.replace(ana, other))).status_code == 400
    assert (await things.ask("GET", more.replace(f"{THINGS}/{ana}/alerts", "security/alerts_v2"))).status_code == 400


async def test_a_page_that_looked_at_enough_goes_on(things: Graph) -> None:
    keys = KeyRing(things.core.keys, things.clock)
    await keys.fresh()
    links = Links(keys)
    reader, lists = Reader(things.core.store, things.core.model, links, 1 << 20), Lists(links, 1 << 20)
    narrow = Entities(things.core.store, things.core.model, lists, reader, step=2, looked=2)
    caller = Caller(things.tenant.number, things.tenant.id, "app", "app", frozenset())
    query, found, pages = "$filter=startswith(name,'bo')", list[str](), 0
    while query:
        asked = Asked("GET", ORIGIN, [], query.encode(), {}, "", "", nothing)
        body = json.loads((await narrow.collection(asked, caller, Target("entities", "v1.0"))).body)
        found += [one["key"] for one in body["value"]]
        query, pages = urlsplit(body.get("@odata.nextLink", "")).query, pages + 1
    assert (found, pages) == ([ALL[5]], 4), "three pages of two things each, and one that finds the end"


async def nothing() -> Any:
    raise AssertionError


async def test_one_of_them_says_when_it_was_seen(things: Graph) -> None:
    key = await id_of(things, ALL[4])
    one = await things.get(f"{THINGS}/{key}")
    context = one.pop("@odata.context")
    assert context.endswith("/$metadata#security/entities/$entity")
    assert one == {
        "id": key, "type": "user", "key": ALL[4], "name": "Ana@contoso.com", "firstSeenDateTime": "2026-11-01T10:00:00.0000000Z",
        "lastSeenDateTime": "2026-11-07T10:00:00.0000000Z",
    }  # fmt: skip
    assert one in (await things.get(THINGS))["value"]
    assert (await things.get(f"{THINGS}('{key}')"))["id"] == key
    assert (await things.get(f"{THINGS}/{key.upper()}"))["id"] == key


async def test_a_key_that_is_nobody_s_best_answers_too(things: Graph) -> None:
    """As a reason may name it: two alerts share what is not the best that either knows."""
    key = thing(number("user.upn:cleo@contoso.com"))
    one = await things.get(f"{THINGS}/{key}")
    assert (one["type"], one["key"], one["firstSeenDateTime"][:10]) == ("user", "user.upn:cleo@contoso.com", "2026-11-08")
    assert await titles(things, key) == ["t8"]


@pytest.mark.parametrize(("options", "found"), [
    ({}, [7, 6, 5, 4, 3, 2, 1]), ({"top": "2"}, [7, 6, 5, 4, 3, 2, 1]), ({"orderby": "title"}, [1, 2, 3, 4, 5, 6, 7]), ({"skip": "5"}, [2, 1]),
    ({"filter": "severity eq 'high'"}, [7, 5, 3, 1]), ({"filter": "severity eq 'high'", "top": "1", "orderby": "createdDateTime"}, [1, 3, 5, 7]),
    ({"filter": "evidence/any(e: e/microsoft.graph.security.ipEvidence/ipAddress eq '203.0.113.7')"}, [7, 3]), ({"filter": "evidence/any(e: e/microsoft.graph.security.ipEvidence/ipAddress eq '203.0.113.7')", "top": "1"}, [7, 3]),
    ({"filter": "evidence/$count eq 1", "top": "2"}, [6, 5, 1]), ({"search": "ws1"}, [3]), ({"search": "t8"}, []), ({"filter": "title eq 't8'"}, []),
    ({"filter": "lastUpdateDateTime gt 2000-01-01T00:00:00Z", "top": "3"}, [7, 6, 5, 4, 3, 2, 1]), ({"filter": "not (severity eq 'low')", "orderby": "title desc", "top": "3"}, [7, 5, 3, 1]),
])  # fmt: skip
async def test_its_alerts_can_be_asked_everything(things: Graph, options: dict[str, str], found: list[int]) -> None:
    key = await id_of(things, ALL[4])
    assert await titles(things, key, **options) == [f"t{number}" for number in found]
    if "skip" not in options:
        body = await things.get(f"{THINGS}/{key}/alerts", count="true", **options)
        assert body["@odata.count"] == len(found)
        asked = {f"${name}": text for name, text in options.items() if name in {"filter", "search"}}
        answer = await things.ask("GET", f"{THINGS}/{key}/alerts/$count", params=asked)
        assert answer.text == str(len(found))


async def test_its_alerts_are_alerts(things: Graph) -> None:
    key = await id_of(things, ALL[5])
    body = await things.get(f"{THINGS}/{key}/alerts", select="id,title")
    assert body["@odata.context"].endswith(f"/$metadata#security/entities('{key}')/alerts(id,title)")
    [one] = body["value"]
    assert set(one) == {"@odata.etag", "id", "title"}
    [whole] = (await things.get(f"{THINGS}/{key}/alerts"))["value"]
    assert whole.items() <= (await things.get(f"security/alerts_v2/{one['id']}")).items()


@pytest.mark.parametrize("key", ["0" * 16, "f" * 16, "zz", "1", "g" * 16, "0" * 17, "é", "%00", "user.upn:ana@contoso.com"])
async def test_what_nobody_names_is_not_there(things: Graph, key: str) -> None:
    for path in (key, f"{key}/alerts", f"{key}/alerts/$count"):
        answer = await things.ask("GET", f"{THINGS}/{path}")
        assert answer.status_code == 404


async def test_what_a_detection_is_known_by_is_no_thing(things: Graph) -> None:
    [row] = await things.core.store.fetch("naming", tenant=things.tenant.number, key=number(ALL[5]), few=1)
    key = number(unpack(row["alert"], row["v"], row["data"]).detector)
    assert await things.core.store.fetch("naming", tenant=things.tenant.number, key=key, few=1) != []
    assert (await things.ask("GET", f"{THINGS}/{thing(key)}")).status_code == 404


async def test_another_tenant_names_nothing_here(things: Graph) -> None:
    other = await things.core.registry.create_tenant("fabrikam")
    application, secret = await things.core.registry.create_application(other, "app", ["SecurityAlert.Read.All"])
    ana, mine = await id_of(things, ALL[4]), things.headers
    link = (await things.get(f"{THINGS}/{ana}/alerts", top="1"))["@odata.nextLink"]
    page = (await things.get(THINGS, top="1"))["@odata.nextLink"]
    try:
        await things.sign_in(application, secret, other)
        assert await named(things) == []
        assert [(await things.ask("GET", path)).status_code for path in (f"{THINGS}/{ana}", f"{THINGS}/{ana}/alerts", link, page)] == [404, 404, 404, 400]
    finally:
        things.headers = mine


@pytest.mark.parametrize(("permission", "status"), [("SecurityAlert.Read.All", 200), ("SecurityAlert.ReadWrite.All", 200), ("SecurityIncident.ReadWrite.All", 403)])
async def test_permissions(things: Graph, permission: str, status: int) -> None:
    ana, mine = await id_of(things, ALL[4]), things.headers
    try:
        await things.sign_in(*await things.application_with(permission, name=permission))
        for path in ("", f"/{ana}", f"/{ana}/alerts", f"/{ana}/alerts/$count"):
            assert (await things.ask("GET", f"{THINGS}{path}")).status_code == status
    finally:
        things.headers = mine


async def test_other_methods_and_levels(things: Graph) -> None:
    ana = await id_of(things, ALL[4])
    for path in ("", f"/{ana}", f"/{ana}/alerts"):
        answer = await things.ask("POST", f"{THINGS}{path}", json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
        for level in ("none", "full"):
            answer = await things.ask("GET", f"{THINGS}{path}", headers={"accept": f"application/json;odata.metadata={level}"})
            assert answer.status_code == 200
            assert ("@odata.context" in answer.json()) == (level == "full")
    assert (await things.ask("HEAD", THINGS)).status_code == 200
    assert (await things.ask("GET", f"{THINGS}/{ana}/members")).status_code == 404


async def test_what_is_gone_is_named_no_more(things: Graph) -> None:
    await things.hand_in("graph", report(9, address("198.51.100.9"), status="resolved"))
    key = await id_of(things, "ip.public:198.51.100.9")
    assert await titles(things, key) == ["t9"]
    await things.hand_in("graph", report(9, address("198.51.100.10"), status="resolved", lastUpdateDateTime=clock.text(1_800_000_000 * clock.SECOND)))
    assert await titles(things, key) == []
    one = await things.get(f"{THINGS}/{key}")
    assert (one["firstSeenDateTime"], one["lastSeenDateTime"]) == (None, None)
