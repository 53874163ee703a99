"""Links of delta(): what they repeat, whose they are, how long they are good for, and what they outlive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from secgraph.errors import SyncStateLost
from secgraph.store.sqlite.backup import back_up, restore
from secgraph.testing import ORIGIN, Clock, Graph, graph_alert, running

if TYPE_CHECKING:
    from httpx import Response

ALERTS, INCIDENTS = "security/alerts_v2", "security/incidents"
DAY = 86_400


def start(path: str = ALERTS, **options: str) -> str:
    return f"{path}/delta()?{'&'.join(f'${name}={quote(text)}' for name, text in options.items())}"


async def hand_in(graph: Graph, *numbers: int) -> None:
    await graph.hand_in("graph", *(graph_alert(number, title=f"a{number}") for number in numbers))


async def titles(graph: Graph, link: str) -> list[str]:
    return [item["title"] for item in (await graph.changes(link))[0]]


def refused(answer: Response, status: int, says: str) -> None:
    assert answer.status_code == status, answer.text
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize(("path", "options"), [
    (ALERTS, {}), (ALERTS, {"top": "1"}), (ALERTS, {"filter": "contains(title,'a/b') or title ne 'x'", "select": "title, severity", "top": "2"}),
    (INCIDENTS, {"top": "3", "filter": "severity ne 'low'"}),
])  # fmt: skip
async def test_links_are_absolute_and_repeat_the_options(six: Graph, path: str, options: dict[str, str]) -> None:
    url = start(path, **options)
    while url:
        body = await six.get(url)
        url = body.get("@odata.nextLink", "")
        link = urlsplit(url or body["@odata.deltaLink"])
        assert f"{link.scheme}://{link.netloc}{link.path}" == f"{ORIGIN}/v1.0/{path}/delta()"
        assert "/" not in link.query
        found = {name: text for name, [text] in parse_qs(link.query).items()}
        assert found.pop("$skiptoken" if url else "$deltatoken")
        assert found == {f"${name}": text for name, text in options.items()}


@pytest.fixture
async def links(graph: Graph) -> tuple[str, str]:
    """The next link and the delta link of a filtered, cut-down question."""
    await hand_in(graph, 1, 2, 3)
    url = start(filter="severity eq 'medium'", select="id,severity", top="2")
    return (await graph.get(url))["@odata.nextLink"], (await graph.changes(url))[1]


@pytest.mark.parametrize(("old", "new"), [
    ("eq%20'medium'", "eq%20'high'"), ("$filter=severity%20eq%20'medium'&", ""), ("id,severity", "id,createdDateTime"), ("id,severity", "id"),
    ("$select=id,severity&", ""), ("alerts_v2", "incidents"), ("token=", "token=A"), ("alerts_v2/delta()", "alerts_v2"),
])  # fmt: skip
async def test_a_link_of_another_question_is_refused(graph: Graph, links: tuple[str, str], old: str, new: str) -> None:
    for link in links:
        assert old in link
        moved = link.replace(old, new)
        refused(await graph.ask("GET", moved), 400, "token")
        assert (await graph.ask("GET", link)).status_code == 200


async def test_a_link_of_another_tenant_is_refused(graph: Graph, links: tuple[str, str]) -> None:
    other = await graph.core.registry.create_tenant("fabrikam")
    application, secret = await graph.core.registry.create_application(other, "theirs", ["SecurityAlert.Read.All"])
    await graph.sign_in(application, secret, other)
    for link in links:
        refused(await graph.ask("GET", link), 400, "$deltatoken")


async def test_a_link_of_a_list_is_none_of_delta(many: Graph) -> None:
    link = (await many.get(ALERTS, top="2"))["@odata.nextLink"]
    refused(await many.ask("GET", link.replace("alerts_v2?", "alerts_v2/delta()?")), 400, "$deltatoken")


async def test_a_page_size_appended_to_a_link_wins(many: Graph) -> None:
    link = (await many.get(start(top="10")))["@odata.nextLink"]
    body = await many.get(f"{link}&$top=20")
    assert len(body["value"]) == 20
    assert "$top=20" in body["@odata.nextLink"]


async def test_a_link_is_good_for_its_days_and_then_says_where_to_begin(graph: Graph, links: tuple[str, str], clock: Clock) -> None:
    clock.forward(30 * DAY)
    await graph.sign_in()
    for link in links:
        assert (await graph.ask("GET", link)).status_code == 200
    clock.forward(1)
    for link in links:
        answer = await graph.ask("GET", link)
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, SyncStateLost.code)
        assert SyncStateLost.code == "syncStateNotFound"
        again = answer.headers["location"]
        assert again in answer.json()["error"]["message"]
        assert "token" not in again
        items, _ = await graph.changes(again)
        assert len(items) == 3
        assert items[0].keys() == {"@odata.etag", "id", "severity"}


async def test_each_link_counts_its_own_days(graph: Graph, links: tuple[str, str], clock: Clock) -> None:
    link = links[1]
    for _ in range(3):
        clock.forward(20 * DAY)
        await graph.sign_in()
        items, link = await graph.changes(link)
        assert items == []


async def test_how_long_a_link_is_good_for_is_a_setting(tmp_path: Path, clock: Clock, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, delta_days=1, **on) as graph:
        _, link = await graph.changes(start())
        clock.forward(DAY + 1)
        await graph.sign_in()
        answer = await graph.ask("GET", link)
        refused(answer, 410, "older than a day")
        assert answer.headers["location"] == f"{ORIGIN}/v1.0/security/alerts_v2/delta()"


async def test_links_outlive_the_server(tmp_path: Path, clock: Clock, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, **on) as graph:
        await hand_in(graph, 1, 2)
        next_link = (await graph.get(start(top="1")))["@odata.nextLink"]
        _, link = await graph.changes(start())
    async with running(tmp_path / "data", clock, **on) as graph:
        await hand_in(graph, 3)
        [first] = await graph.ids(ALERTS, filter="title eq 'a1'")
        assert (await graph.ask("PATCH", f"{ALERTS}/{first}", json={"status": "resolved"})).status_code == 200
        assert await titles(graph, link) == ["a3", "a1"]
        assert await titles(graph, next_link) == ["a2", "a3", "a1"]


@pytest.mark.parametrize("later", [0, 3])
async def test_a_link_from_after_the_copy_that_was_restored(tmp_path: Path, clock: Clock, later: int) -> None:
    folder, kept = tmp_path / "data", tmp_path / "kept"
    async with running(folder, clock) as graph:
        await hand_in(graph, 1, 2)
        _, before = await graph.changes(start())
        clock.forward(5)
        back_up(folder / "secgraph.db", kept, clock, replace=False, tick=lambda *_: None)
        clock.forward(5)
        [first, _] = await graph.ids(ALERTS, orderby="title")
        assert (await graph.ask("PATCH", f"{ALERTS}/{first}", json={"status": "resolved"})).status_code == 200
        await hand_in(graph, 3)
        midway = (await graph.get(start(top="1")))["@odata.nextLink"]  # behind the second alert, and the first is to come
        _, after = await graph.changes(start())
    clock.forward(5)
    restore(kept, folder / "secgraph.db", clock, replace=True, tick=lambda *_: None)
    clock.forward(5)
    async with running(folder, clock) as graph:
        for number in range(4, 4 + later):  # by now the tenant's clock is beyond all links
            await hand_in(graph, number)
        new = [f"a{number}" for number in range(4, 4 + later)]
        assert await titles(graph, before) == new
        for link in (after, midway):
            answer = await graph.ask("GET", link)
            assert (answer.status_code, answer.json()["error"]["code"]) == (410, "syncStateNotFound")
            assert "not here any more" in answer.json()["error"]["message"]
            assert await titles(graph, answer.headers["location"]) == ["a1", "a2", *new]
        _, link = await graph.changes(start())
        await hand_in(graph, 9)
        assert await titles(graph, link) == ["a9"]
