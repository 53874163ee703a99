"""Pages stay below a size: they have fewer rows instead, never less than one, and go on exactly behind the last one sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from secgraph.edge.render import fitting
from secgraph.testing import Clock, Graph, graph_alert, running

LIST = "security/alerts_v2"
INCIDENTS = "security/incidents"

# The rows of `front` have a description of 2.5 KB each, alerts of some 4 KB in all.


async def walk(graph: Graph, path: str, **more: Any) -> list[tuple[int, dict[str, Any]]]:
    """Every page of a list: how long its body is, and what it says."""
    found, url = [], path
    while url:
        answer = await graph.ask("GET", url, **more)
        assert answer.status_code == 200, answer.text
        found.append((len(answer.content), answer.json()))
        url = answer.json().get("@odata.nextLink", "")
    return found


def ids(pages: list[tuple[int, dict[str, Any]]]) -> list[str]:
    return [item["id"] for _, body in pages for item in body["value"]]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("most", [1, 3000, 12_000, 40_000, 120_000])
@pytest.mark.parametrize("query", [
    "",
    "?$top=7",
    "?$orderby=title desc",
    "?$orderby=assignedTo,severity desc,lastUpdateDateTime",
    "?$filter=severity eq 'high'&$count=true&$skip=5",
    "?$select=id,description",
    "?$select=id,title",
    "?$format=application/json;odata.metadata=full",
    "?$format=application/json;odata.metadata=none",
    "?$format=application/json;odata.metadata=full&$select=id,description",
])  # fmt: skip
async def test_a_walk_over_small_pages_is_the_full_set_once(front: Callable[..., Graph], query: str, most: int) -> None:
    whole = await walk(front(page_bytes=10_000_000), f"{LIST}{query}")
    pages = await walk(front(page_bytes=most), f"{LIST}{query}")
    assert ids(pages) == ids(whole)
    assert len(set(ids(pages))) == len(ids(pages))
    for size, body in pages:
        assert body["value"]
        assert size < most or len(body["value"]) == 1
        assert body.get("@odata.count") == whole[0][1].get("@odata.count")
    assert all(len(body["value"]) <= 7 for _, body in pages) or "$top=7" not in query


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("query", ["", "?$select=id,description"])
async def test_a_page_is_as_full_as_it_can_be(front: Callable[..., Graph], query: str) -> None:
    most = 40_000
    pages = await walk(front(page_bytes=most), f"{LIST}{query}")
    longest = max(size // len(body["value"]) for size, body in pages)
    assert all(size > most - longest - 2 * 1024 for size, _ in pages[:-1])


@pytest.mark.asyncio(loop_scope="module")
async def test_the_size_is_that_of_what_is_sent(front: Callable[..., Graph]) -> None:
    graph = front(page_bytes=40_000)
    whole, chosen, full = [
        len((await graph.get(f"{LIST}{query}"))["value"])
        for query in ("", "?$select=title", "?$format=application/json;odata.metadata=full")
    ]
    assert full < whole < chosen == 60


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("most", [14_000, 30_000, 100_000])
@pytest.mark.parametrize("expand", ["alerts", "alerts($top=3;$orderby=title)", "alerts($select=title)", "alerts($count=true)"])
async def test_an_expanded_page_stays_below_too(front: Callable[..., Graph], expand: str, most: int) -> None:
    graph, path = front(page_bytes=most), f"{INCIDENTS}?$expand={expand}"
    pages = await walk(graph, path)
    wide = await walk(front(page_bytes=10_000_000), path)
    assert ids(pages) == ids(wide)
    assert all(size < most for size, _ in pages)
    for (_, body), incident in zip(
        ((None, item) for _, page in pages for item in page["value"]), (item for _, page in wide for item in page["value"]), strict=True
    ):  # fmt: skip
        behind = await walk(graph, link) if (link := body.get("alerts@odata.nextLink")) else []
        rest = [item["@odata.etag"] for _, page in behind for item in page["value"]]
        held = [item["@odata.etag"] for item in body["alerts"]] + rest
        expected = [item["@odata.etag"] for item in incident["alerts"]]
        assert held[: len(expected)] == expected
        assert body["alerts"]
        assert body.get("alerts@odata.count") == incident.get("alerts@odata.count")


@pytest.mark.asyncio(loop_scope="module")
async def test_an_expanded_list_is_cut_the_same_wherever_its_object_stands(front: Callable[..., Graph]) -> None:
    graph = front(page_bytes=30_000)
    pages = await walk(graph, f"{INCIDENTS}?$expand=alerts")
    for _, page in pages:
        for incident in page["value"]:
            alone = await graph.ask("GET", f"{INCIDENTS}/{incident['id']}?$expand=alerts")
            assert len(alone.content) < 30_000
            assert abs(len(alone.json()["alerts"]) - len(incident["alerts"])) <= 1
            seen = [alert["id"] for alert in alone.json()["alerts"]] + await graph.ids(alone.json()["alerts@odata.nextLink"])
            assert seen == await graph.ids(f"{INCIDENTS}/{incident['id']}/alerts")


@pytest.mark.asyncio(loop_scope="module")
async def test_the_alerts_of_an_incident_are_pages_too(front: Callable[..., Graph]) -> None:
    pages = await walk(front(page_bytes=15_000), f"{INCIDENTS}/1/alerts")
    assert len(ids(pages)) == len(set(ids(pages))) == 10
    assert len(pages) > 2
    assert all(size < 15_000 for size, _ in pages)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_long_text_as_a_key_counts_with_the_link_that_holds_it(front: Callable[..., Graph]) -> None:
    most = 25_000
    pages = await walk(front(page_bytes=most), f"{LIST}?$orderby=description")
    assert len(set(ids(pages))) == len(ids(pages)) == 60
    assert all(size < most for size, _ in pages)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_batch_bounds_each_of_its_pages(front: Callable[..., Graph]) -> None:
    asked = [{"id": str(number), "method": "GET", "url": f"/{LIST}"} for number in range(3)]
    answer = await front(page_bytes=20_000).ask("POST", "$batch", json={"requests": asked})
    for item in answer.json()["responses"]:
        assert 0 < len(item["body"]["value"]) < 6
        assert "@odata.nextLink" in item["body"]


async def test_by_default_a_page_stays_below_a_mebibyte_and_never_fails(tmp_path: Path, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", Clock(), **on) as graph:
        await graph.hand_in("graph", *(graph_alert(n, description="x" * 20_000, incidentId="7") for n in range(120)))
        await graph.hand_in("graph", graph_alert(200, description="y" * 1_500_000, incidentId="8"))
        for path in (f"{LIST}?$top=1000", f"{INCIDENTS}?$expand=alerts", f"{INCIDENTS}/1/alerts?$top=1000"):
            pages = await walk(graph, path)
            assert all(size < 1024 * 1024 or len(body["value"]) == 1 for size, body in pages), path
            assert max(len(body["value"]) for _, body in pages) > 1 or "expand" in path
        assert len(ids(await walk(graph, f"{LIST}?$top=1000"))) == 121
        [big] = [body for size, body in await walk(graph, LIST) if size > 1024 * 1024]
        assert [len(item["description"]) for item in big["value"]] == [1_500_000]


async def test_rows_that_come_and_change_meanwhile_are_neither_missed_nor_repeated(tmp_path: Path, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", Clock(), page_bytes=16_000, **on) as graph:
        await graph.hand_in("graph", *(graph_alert(number, description="x" * 3000) for number in range(20)))
        before = await graph.ids(LIST, orderby="title")
        assert len(before) == 20
        body, seen, number = await graph.get(LIST, orderby="title"), list[str](), 100
        while True:
            seen += [item["id"] for item in body["value"]]
            if "@odata.nextLink" not in body:
                break
            number += 1
            await graph.hand_in("graph", graph_alert(number, description="y" * 5000))
            await graph.ask("PATCH", f"{LIST}/{before[number % 20]}", json={"assignedTo": str(number)})
            body = await graph.get(body["@odata.nextLink"])
        assert number > 103
        assert len(seen) == len(set(seen))
        assert set(before) <= set(seen)


@pytest.mark.parametrize(("sizes", "room", "fits"), [
    ([], 0, 0), ([], 100, 0), ([10], 0, 1), ([10], 9, 1), ([10], 11, 1), ([10, 10], 11, 1), ([10, 10], 21, 1), ([10, 10], 22, 2),
    ([100, 1], 50, 1), ([1, 100], 50, 1), ([1, 1, 1, 100], 50, 3), ([5] * 10, -5, 1),
])  # fmt: skip
def test_how_many_fit(sizes: list[int], room: int, fits: int) -> None:
    assert fitting([b"x" * size for size in sizes], room) == fits
