"""Two nodes over one database: what one signs the other honours, and both notice what changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import jwt
import pytest

from secgraph.app import core, edge
from secgraph.settings import gather
from secgraph.testing import ORIGIN, Clock, Graph, graph_alert, running

PATH = "security/alerts_v2"


@asynccontextmanager
async def node_beside(first: Graph, folder: Path, clock: Clock, **flags: Any) -> AsyncIterator[Graph]:
    """Another node over the same database, and the first one's application asking it."""
    settings = gather({"data": folder, **flags}, {})
    async with core(settings, clock) as inner:
        await inner.keys.open()
        transport = httpx.ASGITransport(cast("Any", edge(settings, inner, clock)))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            yield replace(first, core=inner, http=http)


@pytest.fixture
async def nodes(tmp_path: Path, clock: Clock, on: dict[str, str]) -> AsyncIterator[tuple[Graph, Graph]]:
    async with running(tmp_path / "data", clock, **on) as first, node_beside(first, tmp_path / "data", clock, **on) as second:
        await first.hand_in("graph", *(graph_alert(number) for number in range(5)))
        yield first, second


def moved(link: str) -> str:
    """A link's path and query: what a load balancer hands to any node."""
    return link.removeprefix(ORIGIN)


async def test_tokens_and_links_of_one_are_good_at_the_other(nodes: tuple[Graph, Graph]) -> None:
    for here, there in (nodes, nodes[::-1]):
        await here.sign_in()
        there.headers = here.headers
        page = await here.get(PATH, top="2", count="true")
        rest = await there.get(moved(page["@odata.nextLink"]))
        assert len(rest["value"]) == 2
        assert rest["@odata.count"] == 5
        _, link = await there.changes(f"{PATH}/delta()")
        assert (await here.changes(moved(link)))[0] == []
        keys = [(await one.http.get(f"/{one.tenant.id}/discovery/v2.0/keys")).json()["keys"] for one in (here, there)]
        assert keys[0] == keys[1]


async def test_a_rotation_at_one_is_honoured_by_the_other_before_it_looked(nodes: tuple[Graph, Graph], clock: Clock) -> None:
    first, second = nodes
    for here, there in ((first, second), (second, first)) * 2:
        former = await there.sign_in()
        clock.forward(3)
        await there.get(PATH, top="1")  # it has just looked
        await here.core.keys.rotate("token")
        await here.core.keys.rotate("links")
        clock.forward(1)
        there.headers = {"authorization": f"Bearer {former}"}
        await there.get(PATH, top="1")
        clock.forward(1.5)  # more than two seconds since `here` looked, less since `there` did
        token = await here.sign_in()
        assert jwt.get_unverified_header(token)["kid"] != jwt.get_unverified_header(former)["kid"]
        there.headers = here.headers
        page = await here.get(PATH, top="2")
        assert len((await there.get(moved(page["@odata.nextLink"])))["value"]) == 2
        assert (await there.ask("GET", PATH, headers={"authorization": f"Bearer {former}"})).status_code == 200


async def test_a_key_removed_at_one_ends_its_tokens_at_the_other(nodes: tuple[Graph, Graph], clock: Clock) -> None:
    first, second = nodes
    token = await first.sign_in()
    second.headers = first.headers
    await second.get(PATH, top="1")
    await first.core.keys.rotate("token")
    await first.core.keys.remove("token", jwt.get_unverified_header(token)["kid"])
    clock.forward(2)
    assert (await second.ask("GET", PATH)).status_code == 401
    await second.sign_in()
    assert (await second.ask("GET", PATH)).status_code == 200


async def test_two_first_starts_at_once_end_with_the_same_keys(tmp_path: Path, clock: Clock) -> None:
    settings = gather({"data": tmp_path / "data"}, {})
    async with core(settings, clock) as one, core(settings, clock) as other:
        await asyncio.gather(one.keys.open(), other.keys.open())
        assert await one.keys.kept() == await other.keys.kept()
        assert len(await one.keys.kept()) == 2
        assert one.keys.seal().id == other.keys.seal().id
