"""delta(): everything once, then what changed; how much at once; what is told as removed; what cannot be asked."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import pytest

from secgraph.access.caller import Caller
from secgraph.edge.delta import Delta
from secgraph.edge.exchange import Asked
from secgraph.edge.links import LinkKeys, Links
from secgraph.edge.route import Target
from secgraph.model import served
from secgraph.model.edm import load
from secgraph.testing import ORIGIN, Clock, Graph, graph_alert, running

if TYPE_CHECKING:
    from httpx import Response

    from secgraph.store.protocol import Store

ALERTS, INCIDENTS = "security/alerts_v2", "security/incidents"
Items = list[dict[str, Any]]


def start(path: str = ALERTS, **options: str) -> str:
    asked = "&".join(f"${name}={quote(text)}" for name, text in options.items())
    return f"{path}/delta(){'?' if asked else ''}{asked}"


def told(items: Items) -> list[str]:
    """The ids of the rows that were sent, and `-id` of those told as removed."""
    return [f"-{item['id']}" if "@removed" in item else item["id"] for item in items]


async def put(graph: Graph, *numbers: int, **members: Any) -> list[str]:
    """Hands in alerts of those numbers; gives their ids."""
    await graph.hand_in("graph", *(graph_alert(number, title=f"a{number}", **members) for number in numbers))
    return [await id_of(graph, number) for number in numbers]


async def id_of(graph: Graph, number: int) -> str:
    [found] = await graph.ids(ALERTS, filter=f"title eq 'a{number}'")
    return found


async def change(graph: Graph, key: str, path: str = ALERTS, **members: Any) -> None:
    answer = await graph.ask("PATCH", f"{path}/{key}", json=members)
    assert answer.status_code == 200, answer.text


def refused(answer: Response, status: int, says: str) -> None:
    assert answer.status_code == status, answer.text
    assert says in answer.json()["error"]["message"]


# --- where it is -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ALERTS, INCIDENTS, "Security/Alerts_V2"])
@pytest.mark.parametrize("version", ["v1.0", "beta"])
@pytest.mark.parametrize("name", ["delta()", "delta", "microsoft.graph.delta()", "microsoft.graph.security.delta()", "Delta()", "MICROSOFT.GRAPH.DELTA",
                                  "delta%28%29", "delta()/"])  # fmt: skip
async def test_every_spelling_of_the_function(six: Graph, path: str, version: str, name: str) -> None:
    answer = await six.ask("GET", f"/{version}/{path}/{name}")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["@odata.context", "@odata.deltaLink", "value"]
    set_path = path.lower()
    assert body["@odata.context"] == f"{ORIGIN}/{version}/$metadata#{set_path}/$delta"
    assert body["@odata.deltaLink"].startswith(f"{ORIGIN}/{version}/{set_path}/delta()?$deltatoken=")
    assert len(body["value"]) == 6


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_it_is_only_read(six: Graph, method: str) -> None:
    answer = await six.ask(method, start(), json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


async def test_head_says_the_length_and_nothing_else(six: Graph) -> None:
    answer = await six.ask("HEAD", start())
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


async def test_it_needs_what_the_list_needs(graph: Graph) -> None:
    application, secret = await graph.application_with("SecurityAlert.Read.All")
    await graph.sign_in(application, secret)
    assert (await graph.ask("GET", start(ALERTS))).status_code == 200
    answer = await graph.ask("GET", start(INCIDENTS))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "accessDenied")
    graph.headers = {}
    assert (await graph.ask("GET", start(ALERTS))).status_code == 401


async def test_inside_a_batch(six: Graph) -> None:
    answer = await six.ask("POST", "$batch", json={"requests": [{"id": "1", "method": "GET", "url": "/security/alerts_v2/delta?$top=4"}]})
    [inner] = answer.json()["responses"]
    assert inner["status"] == 200
    items, _ = await six.changes(inner["body"]["@odata.nextLink"])
    assert (len(inner["body"]["value"]), len(items)) == (4, 2)


# --- a round ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "pages"), [
    ({}, [60]), ({"top": "25"}, [25, 25, 10]), ({"top": "20"}, [20, 20, 20]), ({"top": "5000"}, [60]),
    ({"top": "7", "filter": "severity eq 'high'"}, [7, 5]), ({"top": "12", "filter": "severity eq 'high'"}, [12]),
    ({"filter": "title eq 'nobody'"}, [0]),
])  # fmt: skip
async def test_the_first_round_holds_every_row_once(many: Graph, options: dict[str, str], pages: list[int]) -> None:
    url, sizes, items = start(ALERTS, **options), [], []
    while url:
        body = await many.get(url)
        sizes.append(len(body["value"]))
        items += body["value"]
        link = body.get("@odata.nextLink", "")
        assert link or "@odata.deltaLink" in body
        url = link
    assert sizes == pages
    expected = [one async for one in rows(many, ALERTS, options.get("filter", ""))]
    assert sorted(items, key=lambda item: str(item["id"])) == sorted(expected, key=lambda item: str(item["id"]))
    stamps = [item["lastUpdateDateTime"] for item in items]
    assert stamps == sorted(stamps)


async def rows(graph: Graph, path: str, text: str) -> Any:
    body = await graph.get(path, filter=text, top="1000")
    for item in body["value"]:
        yield item


@pytest.mark.parametrize(("select", "shape", "members"), [
    ("", "", None), ("*", "", None), ("title,id", "(id,title)", {"id", "title"}), ("SEVERITY", "(severity)", {"id", "severity"}),
])  # fmt: skip
async def test_the_context_names_the_set_and_the_members(six: Graph, select: str, shape: str, members: set[str] | None) -> None:
    body = await six.get(start(ALERTS, select=select))
    assert body["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/alerts_v2{shape}/$delta"
    for item in body["value"]:
        assert members is None or item.keys() == members | {"@odata.etag"}, "the id says which row it is, asked for or not"


async def test_then_only_what_changed(graph: Graph) -> None:
    one, two, three = await put(graph, 1, 2, 3)
    items, link = await graph.changes(start(top="2"))
    assert told(items) == [one, two, three]
    assert await graph.changes(link) == ([], link), "nothing was committed: the link stays as it is"
    [four] = await put(graph, 4)
    await change(graph, one, status="inProgress")
    await change(graph, four, status="resolved")
    items, later = await graph.changes(link)
    assert told(items) == [one, four]
    assert items == [await document(graph, one), await document(graph, four)]
    assert await graph.changes(link) == (items, later), "a link can be followed again"
    assert told((await graph.changes(later))[0]) == []


async def document(graph: Graph, key: str) -> dict[str, Any]:
    body = await graph.get(f"{ALERTS}/{key}")
    body.pop("@odata.context")
    return dict(body)


async def test_a_round_ends_with_the_last_commit_of_all(graph: Graph) -> None:
    """Not with the last row that was sent: what stands behind it was looked at and need not be again."""
    one, two = await put(graph, 1, 2)
    items, link = await graph.changes(start(filter="title eq 'a1'"))
    assert told(items) == [one]
    assert await graph.changes(link) == ([], link)
    await change(graph, two, status="resolved")
    assert told((await graph.changes(link))[0]) == [f"-{two}"], "there before the link was: whether it was sent nobody knows"


async def test_incidents_are_followed_too(graph: Graph) -> None:
    await put(graph, 1, 2, severity="low")
    items, link = await graph.changes(start(INCIDENTS, filter="status eq 'active'"))
    first, second = told(items)
    await change(graph, second, INCIDENTS, status="resolved")
    await put(graph, 3)
    items, _ = await graph.changes(link)
    assert told(items) == [f"-{second}", "3"]
    assert first == "1"


async def test_commits_of_another_set_move_the_link_and_tell_nothing(graph: Graph) -> None:
    await put(graph, 1)
    _, link = await graph.changes(start(INCIDENTS))
    await change(graph, await id_of(graph, 1), status="resolved")
    items, later = await graph.changes(link)
    assert (items, later != link) == ([], True)


async def test_from_now_on(graph: Graph) -> None:
    [one] = await put(graph, 1)
    body = await graph.get(f"{ALERTS}/delta()?$deltatoken=Latest&$filter=status eq 'new'")
    assert body["value"] == []
    link = body["@odata.deltaLink"]
    assert told((await graph.changes(link))[0]) == []
    [two] = await put(graph, 2)
    await change(graph, one, status="resolved")
    assert told((await graph.changes(link))[0]) == [two, f"-{one}"]


@pytest.mark.parametrize(("top", "preferred", "sizes"), [("", "4", [4, 2]), ("5", "4", [4, 2]), ("3", "4", [3, 3]), ("", "5000", [6])])
async def test_a_preferred_page_size(six: Graph, top: str, preferred: str, sizes: list[int]) -> None:
    answer = await six.ask("GET", start(**({"top": top} if top else {})), headers={"Prefer": f"odata.maxpagesize={preferred}"})
    assert answer.headers["preference-applied"] == f"odata.maxpagesize={min(int(preferred), 1000)}"
    found = [len(answer.json()["value"])]
    while "@odata.nextLink" in answer.json():
        answer = await six.ask("GET", answer.json()["@odata.nextLink"])
        found.append(len(answer.json()["value"]))
    assert found == sizes


async def test_what_is_committed_while_a_page_is_read_is_told_once(graph: Graph) -> None:
    """A store in which something is committed behind the back of a request: after its stamp was read, before its page."""
    model, store = graph.core.model, graph.core.store
    [one] = await put(graph, 1)
    waiting: list[int] = []

    class Busy:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        async def fetch(self, statement: str, /, **values: Any) -> Any:
            found = await store.fetch(statement, **values)
            if waiting:
                await put(graph, waiting.pop())
            return found

    delta = Delta(cast("Store", Busy()), model, Links(cast("LinkKeys", SimpleNamespace(links=(b"key",)))), graph.clock, 30, 10**6)
    caller = Caller(graph.tenant.number, graph.tenant.id, "app", "app", frozenset())

    async def page(link: str) -> tuple[list[str], str]:
        asked = Asked("GET", ORIGIN, [], link.partition("?")[2].encode(), {}, "", "", no_body)
        answer = await delta.changes(asked, caller, Target("delta", "v1.0", model.sets[ALERTS]), model.sets[ALERTS])
        body = json.loads(answer.body)
        return told(body["value"]), body["@odata.deltaLink"]

    waiting.append(2)
    found, link = await page("?$filter=status eq 'new'")
    two = await id_of(graph, 2)
    assert found == [one, two]
    assert (await page(link))[0] == [], "told already"
    await change(graph, two, status="resolved")
    waiting.append(3)
    found, link = await page(link)
    assert found == [f"-{two}", await id_of(graph, 3)], "the client has it, so it is told when it leaves"
    waiting.append(4)
    found, link = await page("?$deltatoken=latest")
    assert found == []
    assert (await page(link))[0] == [await id_of(graph, 4)]


async def no_body() -> dict[str, Any]:
    raise AssertionError("a GET has no body to read")


# --- how much of it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "headers"), [
    ({}, {}), ({"filter": "status eq 'new'"}, {}), ({"select": "title,description"}, {}), ({}, {"Accept": "application/json;odata.metadata=full"}),
])  # fmt: skip
async def test_a_page_stays_below_the_bound_and_is_never_empty(tmp_path: Path, clock: Clock, options: dict[str, str], headers: dict[str, str], on: dict[str, str]) -> None:
    bound = 40_000
    async with running(tmp_path / "data", clock, page_bytes=bound, **on) as graph:
        keys = await put(graph, *range(1, 40), description="x" * 3000)
        [large] = await put(graph, 50, description="x" * (2 * bound))
        keys += [large, *await put(graph, 51, 52)]
        url, found, pages = start(top="1000", **options), [], 0
        while url:
            answer = await graph.ask("GET", url, headers=headers)
            body = answer.json()
            assert len(answer.content) < bound or told(body["value"]) == [large]
            assert body["value"]
            found += told(body["value"])
            pages += 1
            url = body.get("@odata.nextLink", "")
        assert found == keys
        assert 4 < pages < 12


async def test_marks_of_removed_rows_take_little_room(tmp_path: Path, clock: Clock, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, page_bytes=40_000, **on) as graph:
        keys = await put(graph, *range(1, 41), description="x" * 3000)
        _, link = await graph.changes(start(filter="status eq 'new'"))
        for key in keys:
            await change(graph, key, status="resolved")
        body = await graph.get(link)
        assert told(body["value"]) == [f"-{key}" for key in keys]
        assert "@odata.deltaLink" in body


@pytest.mark.parametrize("level", ["none", "minimal", "full"])
async def test_control_information_at_each_level(graph: Graph, level: str) -> None:
    accept = {"headers": {"Accept": f"application/json;odata.metadata={level}"}}
    one, two = await put(graph, 1, 2)
    _, link = await graph.changes(start(filter="status eq 'new'"), **accept)
    await change(graph, one, status="resolved")
    await change(graph, two, assignedTo="ana")
    answer = await graph.ask("GET", link, **accept)
    body = answer.json()
    removed, sent = body["value"]
    assert ("@odata.context" in body) is (level != "none")
    assert "@odata.deltaLink" in body
    assert removed == {"id": one, "@removed": {"reason": "changed"}}
    assert ("@odata.etag" in sent) is (level != "none")
    assert ("@odata.id" in sent) is (level == "full")
    assert f"odata.metadata={level}" in answer.headers["content-type"]


# --- older alerts ----------------------------------------------------------------------------------------------------------


async def test_the_older_alerts_are_followed_in_their_own_words(graph: Graph) -> None:
    one, two = await put(graph, 1, 2, serviceSource="microsoftSentinel")
    url = start("security/alerts", filter="status eq 'newAlert' and vendorInformation/provider ne 'x'", select="id,status,lastModifiedDateTime", top="1")
    items, link = await graph.changes(url)
    assert told(items) == [one, two]
    assert items[0].keys() == {"@odata.etag", "id", "status", "lastModifiedDateTime"}
    assert link.startswith(f"{ORIGIN}/v1.0/security/alerts/delta()?")
    await change(graph, one, status="resolved")
    await change(graph, two, assignedTo="ana")
    items, later = await graph.changes(link)
    assert told(items) == [f"-{one}", two]
    assert await graph.changes(later) == ([], later)
    refused(await graph.ask("GET", link.replace("security/alerts/", "security/alerts_v2/")), 400, "")


# --- what is told as removed -----------------------------------------------------------------------------------------------


async def test_a_row_that_leaves_the_filter_is_told_as_removed(graph: Graph) -> None:
    one, two = await put(graph, 1, 2)
    _, link = await graph.changes(start(filter="status eq 'new'"))
    await change(graph, one, status="resolved")
    items, link = await graph.changes(link)
    assert items == [{"id": one, "@removed": {"reason": "changed"}}]
    await change(graph, one, status="new")
    await change(graph, two, assignedTo="ana")
    items, link = await graph.changes(link)
    assert told(items) == [one, two], "back again"
    assert (await graph.changes(link))[0] == []


async def test_a_row_younger_than_the_link_is_never_told_as_removed(graph: Graph) -> None:
    [old] = await put(graph, 1)
    _, link = await graph.changes(start(filter="status eq 'new'"))
    young, other = await put(graph, 2, 3)
    await change(graph, young, status="resolved")
    await change(graph, old, status="resolved")
    items, _ = await graph.changes(link)
    assert told(items) == [other, f"-{old}"]


async def test_no_row_is_told_as_removed_in_a_request_that_begins(graph: Graph) -> None:
    one, two = await put(graph, 1, 2)
    await change(graph, one, status="resolved")
    assert told((await graph.changes(start(filter="status eq 'new'")))[0]) == [two]


async def test_nor_later_in_that_round_unless_it_left_meanwhile(graph: Graph) -> None:
    one, two = await put(graph, 1, 2)
    await change(graph, one, status="resolved")  # older than the first page's end, changed behind it, and never to be seen
    [three] = await put(graph, 3)
    items, _ = await graph.changes(start(filter="status eq 'new'", top="1"))
    assert told(items) == [two, three]


async def test_without_a_filter_nothing_is_ever_removed(graph: Graph) -> None:
    one, _ = await put(graph, 1, 2)
    _, link = await graph.changes(start(top="1"))
    await change(graph, one, status="resolved")
    assert told((await graph.changes(link))[0]) == [one]


@pytest.mark.parametrize("follow", [1, 2])
async def test_a_row_that_leaves_while_the_first_round_is_read(graph: Graph, follow: int) -> None:
    one, two, three, four = await put(graph, 1, 2, 3, 4)
    body = await graph.get(start(filter="status eq 'new'", top="1"))
    items = list(body["value"])
    for _ in range(follow - 1):
        body = await graph.get(body["@odata.nextLink"])
        items += body["value"]
    assert told(items) == [one, two][:follow]
    await change(graph, one, status="resolved")
    [five] = await put(graph, 5)
    await change(graph, five, status="resolved")
    rest, _ = await graph.changes(body["@odata.nextLink"])
    assert told(rest) == [*[two, three, four][follow - 1 :], f"-{one}"], "and the row born meanwhile was never there"


async def test_a_row_that_leaves_between_pages_of_a_later_round(graph: Graph) -> None:
    await put(graph, 1)
    _, link = await graph.changes(start(filter="status eq 'new'", top="1"))
    two, three = await put(graph, 2, 3)
    body = await graph.get(link)
    assert told(body["value"]) == [two]
    await change(graph, two, status="resolved")
    rest, _ = await graph.changes(body["@odata.nextLink"])
    assert told(rest) == [three, f"-{two}"]


async def test_removed_rows_have_their_id_whatever_is_selected(graph: Graph) -> None:
    one, two = await put(graph, 1, 2)
    _, link = await graph.changes(start(filter="status eq 'new'", select="severity"))
    await change(graph, one, status="resolved")
    await change(graph, two, assignedTo="ana")
    [removed, sent], _ = await graph.changes(link)
    assert removed == {"id": one, "@removed": {"reason": "changed"}}
    assert sent.keys() == {"@odata.etag", "id", "severity"}


PREFER = {"headers": {"Prefer": "include-unknown-enum-members"}}


@pytest.mark.parametrize(("more", "source"), [({}, "unknownFutureValue"), (PREFER, "microsoftSentinel")])
@pytest.mark.parametrize("text", ["", "serviceSource eq 'microsoftSentinel'", "status ne 'resolved'"])
async def test_the_filter_sees_full_members_and_the_client_what_it_asked_for(graph: Graph, more: dict[str, Any], source: str, text: str) -> None:
    [one, two] = await put(graph, 1, 2, serviceSource="microsoftSentinel")
    items, link = await graph.changes(start(filter=text, top="1"), **more)
    assert [item["serviceSource"] for item in items] == [source] * 2
    await change(graph, one, assignedTo="ana")
    await change(graph, two, assignedTo="bo")
    items, _ = await graph.changes(link, **more)
    assert [(item["id"], item["serviceSource"]) for item in items] == [(one, source), (two, source)]
    listed = await graph.ask("GET", ALERTS, **more)
    assert items == listed.json()["value"][::-1]


# --- what cannot be asked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "says"), [
    ("$orderby=createdDateTime desc", "$orderby"), ("$search=ransom", "$search"), ("$skip=1", "$skip"), ("$count=true", "$count"),
    ("$expand=alerts", "$expand"), ("orderby=id", "$orderby"), ("%24SKIP=0", "$skip"), ("$top=0", "$top"), ("$top=x", "$top"), ("$nonsense=1", "$nonsense"),
    ("$filter=nonsense eq 1", "nonsense"), ("$select=nonsense", "nonsense"), ("$filter=createdDateTime ge now()", "now()"),
    ("$filter=status eq 'resolved' or (severity eq 'low' and not (createdDateTime lt now() sub duration'P1D'))", "now()"),
    ("$deltatoken=x", "$deltatoken"), ("$skiptoken=x", "$deltatoken"), ("$deltatoken=AAAA&$skiptoken=AAAA", "$skiptoken"), ("$deltatoken=%C3%A9", "$deltatoken"),
])  # fmt: skip
@pytest.mark.parametrize("path", [ALERTS, INCIDENTS])
async def test_what_cannot_be_asked_is_refused_with_its_name(six: Graph, path: str, asked: str, says: str) -> None:
    answer = await six.ask("GET", f"{path}/delta()?{asked}")
    refused(answer, 400, says)
    assert answer.json()["error"]["code"] == "BadRequest"


@pytest.mark.parametrize("asked", ["$filter=", "$orderby= ", "$count=", "$select=&$top=5", "nonsense=1", "$format=json", "$deltatoken=", "top=5&TOP=6"])
async def test_what_asks_for_nothing_is_passed_over(six: Graph, asked: str) -> None:
    body = await six.get(f"{ALERTS}/delta()?{asked}")
    assert len(body["value"]) >= 5


def test_every_set_whose_objects_carry_the_stamp_can_be_followed() -> None:
    followed = {call.set for call in served.calls(load()) if call.what == "delta"}
    for one in load().stored():
        assert (one in followed) == bool(one.choices.stamp)
        assert not one.choices.stamp or one.choices.stamp in one.choices.filled, "a commit stamps every row"
