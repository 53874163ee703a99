"""delta() when rows are taken away: what is told as deleted, once, in its place, and when a link is over for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from secgraph.edge import removals
from secgraph.store.facts import Needs
from secgraph.store.protocol import Decision, Remove
from secgraph.testing import ORIGIN, Graph, graph_alert

ALERTS, INCIDENTS, OLDER = "security/alerts_v2", "security/incidents", "security/alerts"
Items = list[dict[str, Any]]


def start(path: str = ALERTS, **options: str) -> str:
    asked = "&".join(f"${name}={quote(text)}" for name, text in options.items())
    return f"{path}/delta(){'?' if asked else ''}{asked}"


def told(items: Items) -> list[str]:
    """The ids of the rows that were sent, and `-id reason` of those told as removed."""
    return [f"-{item['id']} {item['@removed']['reason']}" if "@removed" in item else item["id"] for item in items]


async def put(graph: Graph, *numbers: int, **members: Any) -> list[str]:
    await graph.hand_in("graph", *(graph_alert(number, title=f"a{number}", **members) for number in numbers))
    return [(await graph.ids(ALERTS, filter=f"title eq 'a{number}'"))[0] for number in numbers]


async def remove(graph: Graph, *keys: str, path: str = ALERTS) -> None:
    changes = [Remove(graph.core.model.sets[path], key) for key in keys]
    await graph.core.store.write(graph.tenant.number, Needs(), lambda _: Decision(changes, None))


async def change(graph: Graph, key: str, **members: Any) -> None:
    assert (await graph.ask("PATCH", f"{ALERTS}/{key}", json=members)).status_code == 200


@pytest.mark.parametrize("path", [ALERTS, OLDER])
@pytest.mark.parametrize("options", [{}, {"filter": "severity eq 'medium'"}, {"select": "severity"}, {"filter": "severity eq 'high'"}])
async def test_a_row_that_is_taken_away_is_told_as_deleted(graph: Graph, path: str, options: dict[str, str]) -> None:
    one, _ = await put(graph, 1, 2)
    _, link = await graph.changes(start(path, **options))
    await remove(graph, one)
    items, link = await graph.changes(link)
    assert items == [{"id": one, "@removed": {"reason": "deleted"}}], "whether it answered the filter is known no more"
    assert await graph.changes(link) == ([], link)


async def test_each_set_tells_of_its_own(graph: Graph) -> None:
    [one] = await put(graph, 1)
    [incident] = await graph.ids(INCIDENTS)
    links = [(await graph.changes(start(path)))[1] for path in (ALERTS, INCIDENTS)]
    await remove(graph, one)
    await remove(graph, incident, path=INCIDENTS)
    assert [told((await graph.changes(link))[0]) for link in links] == [[f"-{one} deleted"], [f"-{incident} deleted"]]


async def test_rows_and_removals_come_in_the_order_of_their_commits(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removals, "STEP", 2)
    keys = await put(graph, *range(1, 8))
    _, link = await graph.changes(start())
    expected: list[str] = []
    for place, key in enumerate(keys):
        if place % 3:
            await remove(graph, key)
            expected.append(f"-{key} deleted")
        else:
            await change(graph, key, assignedTo="ana")
            expected.append(key)
    for top in range(1, 9):
        url, found = f"{link}&$top={top}", list[str]()
        while url:
            body = await graph.get(url)
            assert 0 < len(body["value"]) <= top
            found += told(body["value"])
            url = body.get("@odata.nextLink", "")
        assert found == expected, top


async def test_what_was_taken_away_and_came_again_is_told_once_as_present(graph: Graph) -> None:
    one, two = await put(graph, 1, 2)
    _, link = await graph.changes(start())
    await remove(graph, one)
    await remove(graph, two)
    await put(graph, 1)
    items, later = await graph.changes(link)
    assert told(items) == [f"-{two} deleted", one]
    assert (await graph.changes(later))[0] == []
    items, _ = await graph.changes(f"{link}&$top=1")
    assert told(items) == [f"-{one} deleted", f"-{two} deleted", one], "it is gone at the end of a page that does not reach as far"


async def test_what_came_again_without_answering_the_filter_is_gone(graph: Graph) -> None:
    [one] = await put(graph, 1)
    _, link = await graph.changes(start(filter="severity eq 'medium'"))
    await remove(graph, one)
    await put(graph, 1, severity="high")
    items, later = await graph.changes(link)
    assert told(items) == [f"-{one} deleted"]
    assert (await graph.changes(later))[0] == []


async def test_no_client_is_told_of_what_it_cannot_have(graph: Graph) -> None:
    one, _, _ = await put(graph, 1, 2, 3)
    await remove(graph, one)
    body = await graph.get(start(top="1"))
    assert "-" not in "".join(told(body["value"]))[0]
    rest, link = await graph.changes(body["@odata.nextLink"])
    assert not any("@removed" in item for item in rest), "gone before the round began"
    [four] = await put(graph, 4)
    await remove(graph, four)
    assert (await graph.changes(link))[0] == [], "born and gone behind the link"


async def test_what_goes_while_the_first_round_is_read(graph: Graph) -> None:
    one, two, three = await put(graph, 1, 2, 3)
    body = await graph.get(start(top="1"))
    assert told(body["value"]) == [one]
    await remove(graph, one, two)
    rest, _ = await graph.changes(f"{body['@odata.nextLink']}&$top=3")
    assert told(rest) == [three, f"-{one} deleted"], "the other one was never sent"


async def test_a_page_of_few_bytes_goes_on_behind_a_removal(graph: Graph) -> None:
    keys = await put(graph, 1, 2, 3, 4, description="x" * 400_000)
    _, link = await graph.changes(start())
    await remove(graph, keys[0])
    for key in keys[1:]:
        await change(graph, key, assignedTo="ana")
    body = await graph.get(link)
    assert told(body["value"])[0] == f"-{keys[0]} deleted"
    assert "@odata.nextLink" in body
    rest, _ = await graph.changes(body["@odata.nextLink"])
    assert told([*body["value"], *rest]) == [f"-{keys[0]} deleted", *keys[1:]]


async def forget(graph: Graph) -> None:
    """As pruning the log up to now does."""
    [now] = await graph.core.store.fetch("tenant_stamp", tenant=graph.tenant.number)
    [last] = (await graph.core.store.fetch("events", tenant=graph.tenant.number, after=0, most=100_000))[-1:]
    await graph.core.store.run(
        ("events_prune", {"tenant": graph.tenant.number, "seq": last["seq"]}),
        ("removed_prune", {"tenant": graph.tenant.number, "stamp": now["stamp"]}),
        ("tenant_pruned", {"tenant": graph.tenant.number, "stamp": now["stamp"]}),
    )


async def test_a_link_from_before_what_is_still_known_of_removals_is_over(graph: Graph) -> None:
    one, _ = await put(graph, 1, 2)
    next_link = (await graph.get(start(top="1")))["@odata.nextLink"]
    _, link = await graph.changes(start(top="1"))
    await forget(graph)
    assert (await graph.changes(link))[0] == [], "nothing was forgotten behind it"
    assert len((await graph.changes(next_link))[0]) == 1, "nor behind the beginning of its round"
    await remove(graph, one)
    await forget(graph)
    for over in (link, next_link):
        answer = await graph.ask("GET", over)
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "syncStateNotFound")
        assert answer.headers["location"] == f"{ORIGIN}/v1.0/{ALERTS}/delta()?$top=1"
        assert "removed rows" in answer.json()["error"]["message"]
    assert len((await graph.changes(answer.headers["location"]))[0]) == 1
