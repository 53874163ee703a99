"""The keys of links: a new one signs, and links of the former ones are followed until those are removed."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from secgraph.edge import keys as ring
from secgraph.edge.keys import KeyRing
from secgraph.edge.links import Links, Place, Sync
from secgraph.errors import BadLink
from secgraph.testing import Clock, Graph, graph_alert

Watch = Any
LATER = 5
PLACE, SYNC = Place(("x", None, 1), 7), Sync(1, 2, 3)


async def test_links_of_former_keys_are_followed(graph: Graph, clock: Clock) -> None:
    await graph.hand_in("graph", *(graph_alert(number) for number in range(5)))
    links = [(await graph.get("security/alerts_v2", top="2"))["@odata.nextLink"]]
    deltas = [(await graph.changes("security/alerts_v2/delta()"))[1]]
    for _ in range(3):
        await graph.core.keys.rotate("links")
        clock.forward(LATER)
        links.append((await graph.get("security/alerts_v2", top="2"))["@odata.nextLink"])
        deltas.append((await graph.changes("security/alerts_v2/delta()"))[1])
    assert len(set(links)) == 4
    clock.forward(86_400 * 20)
    await graph.sign_in()
    pages = [[one["id"] for one in (await graph.get(link))["value"]] for link in links]
    assert pages == pages[:1] * 4
    assert len(pages[0]) == 2
    assert [(await graph.changes(link))[0] for link in deltas] == [[]] * 4
    [*_, first] = await graph.core.keys.held("links")
    assert first.ends is None
    await graph.core.keys.remove("links", first.name)
    clock.forward(LATER)
    assert [(await graph.ask("GET", link)).status_code for link in links] == [400, 200, 200, 200]
    assert [(await graph.ask("GET", link)).status_code for link in deltas] == [400, 200, 200, 200]


async def test_a_rotation_of_tokens_leaves_links_alone_and_the_other_way_round(graph: Graph) -> None:
    tokens, links = [await graph.core.keys.held(kind) for kind in ("token", "links")]
    await graph.core.keys.rotate("token")
    assert [one.name for one in await graph.core.keys.held("links")] == [one.name for one in links]
    await graph.core.keys.rotate("links")
    assert [one.name for one in await graph.core.keys.held("token")][1:] == [one.name for one in tokens]


async def test_a_link_of_a_key_not_seen_yet_is_good_at_once(watched: Watch, clock: Clock) -> None:
    await watched.elsewhere.rotate("links")
    there = KeyRing(watched.elsewhere, clock)
    await there.fresh()
    far, here = Links(there), Links(watched.ring)
    assert await here.place(far.token(PLACE, 1, "q"), 1, "q") == PLACE
    assert here.token(PLACE, 1, "q") == far.token(PLACE, 1, "q")
    await watched.elsewhere.rotate("links")
    await there.again()
    assert await here.sync(far.sync_token(SYNC, 1, "q"), 1, "q") == SYNC
    reads = watched.store.reads
    for _ in range(10):
        assert await here.place(far.token(PLACE, 1, "q"), 1, "q") == PLACE
    assert watched.store.reads == reads, "a known key asks nobody"


async def test_a_wrong_link_is_refused_and_costs_little(watched: Watch) -> None:
    links = Links(watched.ring)
    good = links.token(PLACE, 1, "q")
    began, reads = time.monotonic(), watched.store.reads
    asked = [(good, 2, "q"), (good, 1, "r"), (f"{good}AAAA", 1, "q"), (f"B{good[1:]}" if good[0] != "B" else f"C{good[1:]}", 1, "q")]
    found = await asyncio.gather(*(links.place(*one) for one in asked * 50), return_exceptions=True)
    assert all(isinstance(one, BadLink) for one in found)
    assert watched.store.reads <= reads + 2 + (time.monotonic() - began) / ring.AGAIN_SECONDS
    assert await links.place(good, 1, "q") == PLACE


@pytest.mark.parametrize("token", ["", "A", "AAAA", "x" * 21, "x" * 22, "\u00e9", "=", "a b"])
async def test_what_is_no_token_at_all_is_refused(watched: Watch, token: str) -> None:
    for read in (Links(watched.ring).place, Links(watched.ring).sync):
        with pytest.raises(BadLink):
            await read(token, 1, "q")
