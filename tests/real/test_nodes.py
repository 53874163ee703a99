"""Several nodes over one PostgreSQL: what one hands out another honours, no write is lost between them, each may go away."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.databases import QUICK
from tests.real.conftest import until
from tests.real.faults.cluster import Cluster
from tests.real.faults.server import PATIENCE, Server
from tests.real.faults.stages import over

from secgraph.testing import graph_alert

SEAL = "5e" * 32
ALERTS = "/v1.0/security/alerts_v2"
LIFE = 1.5
"""How long a lease runs, in seconds."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with closing(Cluster(QUICK)) as made:
        made.start()
        yield made


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def node(stack: ExitStack, cluster: Cluster, folder: Path, *flags: str, faults: tuple[str, ...] = ()) -> Server:
    """A node that is being started, with a data folder of its own."""
    made = stack.enter_context(closing(over(folder, cluster.url("postgres"), SEAL)))
    made.flags, made.faults = flags, faults
    made.start()
    return made


def works(worker: Server) -> bool:
    """Whether a worker has come to its work."""
    return until(lambda: "Stop with Ctrl-C" in worker.out.read_text())


async def asked(cluster: Cluster, text: str) -> Any:
    """The one value of a question to the database."""
    connection = await cluster.connect()
    try:
        return await connection.fetchval(text)
    finally:
        await connection.close()


@asynccontextmanager
async def signed_in(*nodes: Server) -> AsyncIterator[list[httpx.AsyncClient]]:
    """A client for each node, all with one token, that the first node gave."""
    [members] = [one.members for one in nodes if (one.folder / "quickstart.env").exists()]
    form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default",
            "client_id": members["CLIENT_ID"], "client_secret": members["CLIENT_SECRET"]}  # fmt: skip
    made = [httpx.AsyncClient(base_url=one.url, timeout=PATIENCE, trust_env=False) for one in nodes]
    try:
        answer = await made[0].post(f"/{members['TENANT']}/oauth2/v2.0/token", data=form)
        assert answer.status_code == 200, answer.text
        for one in made:
            one.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        yield made
    finally:
        for one in made:
            await one.aclose()


def moved(link: str) -> str:
    """A link's path and query: what a load balancer hands to any node."""
    return link[link.index("/v1.0/") :]


async def got(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def walked(clients: list[httpx.AsyncClient], path: str) -> tuple[list[str], str]:
    """The ids of all pages, each asked of the next node in turn, and the last link."""
    ids: list[str] = []
    for turn in range(100):
        body = await got(clients[turn % len(clients)], path)
        ids += [item["id"] for item in body["value"]]
        path = moved(body.get("@odata.nextLink") or body.get("@odata.deltaLink") or "/v1.0/")
        if "@odata.nextLink" not in body:
            return ids, path
    raise AssertionError(ids)


async def test_first_starts_at_once_make_one_tenant_and_one_set_of_keys(stack: ExitStack, cluster: Cluster, tmp_path: Path) -> None:
    nodes = [stack.enter_context(closing(over(tmp_path / name, cluster.url("postgres"), SEAL))) for name in ("one", "two", "three")]
    for one in nodes:
        one.prepare()
    await asyncio.sleep(2)  # all of them are loaded by now, and start in one moment
    for one in nodes:
        one.start()
    for one in nodes:
        one.ready()
    assert await asked(cluster, "SELECT count(*) FROM tenants") == 1
    assert await asked(cluster, "SELECT count(*) FROM applications") == 1
    assert await asked(cluster, "SELECT count(*) FROM secrets") == 1
    assert await asked(cluster, "SELECT string_agg(kind || name, ' ' ORDER BY kind) FROM signing_keys") == "links0001 token0001"
    async with signed_in(*nodes) as clients:
        for client in clients:
            assert (await got(client, ALERTS))["value"] == []


async def test_what_one_hands_out_the_other_honours_and_goes_on_alone(stack: ExitStack, cluster: Cluster, tmp_path: Path) -> None:
    first = node(stack, cluster, tmp_path / "one", "--role", "api")
    first.ready()
    second = node(stack, cluster, tmp_path / "two", "--role", "api")
    workers = [node(stack, cluster, tmp_path / name, "--role", "worker") for name in ("three", "four")]
    second.ready()
    assert all(map(works, workers))
    async with signed_in(first, second) as clients:
        for number in range(20):
            answer = await clients[number % 2].post("/ingest/graph", json=graph_alert(number))
            assert answer.is_success, answer.text
        there, _ = await walked(clients[:1], f"{ALERTS}?$orderby=id")
        assert len(there) == 20
        for turn in (clients, clients[::-1]):
            assert (await walked(turn, f"{ALERTS}?$top=3&$orderby=id"))[0] == there
            ids, delta = await walked(turn, f"{ALERTS}/delta()?$top=3")
            assert sorted(ids) == sorted(there)
            answer = await turn[0].patch(f"{ALERTS}/{there[0]}", json={"assignedTo": f"at {turn[0].base_url}"})
            assert answer.status_code == 200, answer.text
            assert (await walked(turn[1:], delta))[0] == [there[0]], "a change through one node does not come by the other's link"
        await raced(clients, f"{ALERTS}/{there[1]}")
        first.kill()
        assert (await clients[1].patch(f"{ALERTS}/{there[2]}", json={"assignedTo": "after"})).status_code == 200
        assert (await got(clients[1], f"{ALERTS}/{there[2]}"))["assignedTo"] == "after"
    assert until(lambda: sum(one.out.read_text().count("ChoreClaimed chore=prune") for one in workers) == 1)
    assert "ChoreClaimed" not in first.out.read_text() + second.out.read_text()


async def raced(clients: list[httpx.AsyncClient], place: str) -> None:
    """Changes through both nodes that name one version: one of them wins each time, and it is the one that is there."""
    for turn in range(30):
        tag = (await got(clients[turn % 2], place))["@odata.etag"]
        answers = await asyncio.gather(*(
            one.patch(place, json={"assignedTo": f"{turn}-{number}"}, headers={"if-match": tag}) for number, one in enumerate(clients * 2)
        ))  # fmt: skip
        assert sorted(one.status_code for one in answers) == [200, 412, 412, 412]
        [won] = [number for number, one in enumerate(answers) if one.status_code == 200]
        assert (await got(clients[(turn + 1) % 2], place))["assignedTo"] == f"{turn}-{won}"


async def test_a_node_that_slept_through_its_lease_writes_nothing_more_and_serves_on(stack: ExitStack, cluster: Cluster, tmp_path: Path) -> None:
    nodes = [node(stack, cluster, tmp_path / "one", faults=("--chore", str(LIFE)))]
    nodes[0].ready()
    assert until(lambda: "held" in nodes[0].out.read_text())
    nodes.append(node(stack, cluster, tmp_path / "two", faults=("--chore", str(LIFE))))
    nodes[1].ready()
    one, two = nodes
    await asyncio.sleep(LIFE * 1.5)
    assert "held" not in two.out.read_text(), "two nodes hold one lease"
    await stopped(cluster, one)
    began = time.monotonic()
    assert until(lambda: "held" in two.out.read_text())
    assert time.monotonic() - began < LIFE * 2 + 2
    written = "SELECT count(*) FROM facts WHERE name LIKE '1-%'"
    before = await asked(cluster, written)
    assert before > 10
    assert one.process is not None
    os.kill(one.process.pid, signal.SIGCONT)
    assert until(lambda: "refused" in one.out.read_text()), one.out.read_text()
    async with signed_in(one, two) as clients:
        for client in clients:
            answer = await client.post("/ingest/graph", json=graph_alert(1))
            assert answer.is_success, answer.text
            assert len((await got(client, ALERTS))["value"]) == 1
    assert await asked(cluster, written) == before
    assert await asked(cluster, "SELECT fence FROM leases WHERE name = 'write'") == 2
    assert await asked(cluster, "SELECT count(*) FROM facts WHERE name LIKE '2-%'") > 0


async def stopped(cluster: Cluster, one: Server) -> None:
    """Stops a node between two of its transactions: one that is under way holds the lease for as long as the database lets it."""
    assert one.process is not None
    for _ in range(200):
        os.kill(one.process.pid, signal.SIGSTOP)
        await asyncio.sleep(0.05)
        if not await asked(cluster, "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"):
            return
        os.kill(one.process.pid, signal.SIGCONT)
        await asyncio.sleep(0.01)
    raise AssertionError("it is always in the midst of a transaction")
