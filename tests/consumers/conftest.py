"""A server whose sources are the simulated products, over TLS on this machine, one clock for both, and every step by hand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from secgraph import tls
from secgraph.consumers.writeback import Carrier
from secgraph.ingest.feeds.feeds import Said
from secgraph.simulate import Faults, Hand, Scenario, Simulator
from secgraph.simulate.truth import View
from secgraph.store.leases import Leases
from secgraph.store.protocol import Fence
from secgraph.testing import Clock, Graph, running

ALERTS = "security/alerts_v2"
SCENARIO = Scenario(seed=7, days=7)
PATHS = {"graph": "/graph/v1.0", "mde": "/mde", "mcas": "/cloudapps/api/v1"}
SIMULATED = {"graph": "graph", "mde": "mde", "mcas": "cloudapps"}


class Shared(Clock):
    """The clock in the simulator's hand."""

    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self._hand = hand

    def __call__(self) -> int:
        return self._hand.now()

    def forward(self, seconds: float) -> None:
        self._hand.advance(round(seconds * 10_000_000))


@dataclass
class Desk:
    """The server, and the products behind it."""

    graph: Graph
    simulator: Simulator
    origin: str
    leases: dict[str, Fence] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.holder = Leases(self.graph.core.store, self.graph.core.now)

    @property
    def tenant(self) -> int:
        return self.graph.tenant.number

    async def add(self, kind: str, name: str = "", **options: str) -> str:
        """A source of one of the products."""
        org = self.simulator.scenario.organisations[0]
        given = {"tenant_id": org.id, "client_id": org.client_id, "client_secret": org.client_secret, "login_url": f"{self.origin}/login",
                 "url": f"{self.origin}{PATHS[kind]}", "since": "30d"}  # fmt: skip
        given |= {"parts": "alerts"} if kind == "graph" else {}
        await self.graph.core.feeds.add(self.graph.tenant, kind, name or kind, Said({**given, **options}))
        return name or kind

    async def under_lease(self, name: str) -> Fence:
        """The fence that a feed's work stands behind."""
        if name not in self.leases:
            found = await self.holder.claim(f"pull {self.tenant} {name}")
            assert found is not None
            self.leases[name] = found
        return self.leases[name]

    async def give_up(self, name: str) -> None:
        """Lets others do the feed's work."""
        await self.holder.release(self.leases.pop(name))

    async def pull(self, name: str) -> None:
        inner = self.graph.core
        self.simulator.clock.advance(10_000_000)
        good = await inner.puller.once(await inner.feeds.feed(self.tenant, name), await self.under_lease(name))
        await inner.health.flush()
        assert good, [one["reason"] for one in await inner.store.fetch("source_healths", tenant=self.tenant)]

    async def carry(self, name: str, carrier: Carrier | None = None) -> bool:
        inner = self.graph.core
        return await (carrier or inner.carrier).once(await inner.feeds.feed(self.tenant, name), await self.under_lease(name))

    def views(self, kind: str, **members: Any) -> list[View]:
        """The alerts of a product that are so."""
        product = {"mde": "microsoftDefenderForEndpoint", "mcas": "microsoftDefenderForCloudApps"}.get(kind, "")
        found = self.simulator.world.alerts(self.simulator.scenario.organisations[0].id, true=True)
        return [one for one in found if one.alert.unified and product in {"", one.alert.detection.product}
                and all(one[name] == value for name, value in members.items())]  # fmt: skip

    async def alert(self, kind: str, view: View) -> str:
        """Our id of a product's alert."""
        native = view.alert.graph_id if kind == "graph" else view.alert.native_id
        for key in await self.graph.ids(ALERTS):
            shown = await self.sources(key)
            if any(one["nativeId"] == native for one in shown):
                return key
        raise AssertionError(native)

    async def sources(self, key: str) -> list[Any]:
        return list((await self.graph.get(f"{ALERTS}/{key}/sources"))["value"])

    async def states(self, key: str, name: str) -> dict[str, str]:
        """What became of each member's last change."""
        [one] = [one for one in await self.sources(key) if one["source"] == name]
        return {} if one["writeBack"] is None else {part["name"]: part["state"] for part in one["writeBack"]["members"]}

    async def change(self, key: str, **members: Any) -> Any:
        self.simulator.clock.advance(10_000_000)
        answer = await self.graph.ask("PATCH", f"{ALERTS}/{key}", json=members)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def comment(self, key: str, *texts: str) -> None:
        self.simulator.clock.advance(10_000_000)
        for words in texts:
            answer = await self.graph.ask("POST", f"{ALERTS}/{key}/comments", json={"@odata.type": "microsoft.graph.security.alertComment", "comment": words})
            assert answer.status_code == 200, answer.text

    def writes(self) -> list[dict[str, Any]]:
        """What the products were told: through which of them, members, comment."""
        return [{name: one[name] for name in ("through", "members", "comment")} for one in self.simulator.world.writes]

    def faults(self, **told: Any) -> None:
        self.simulator.world.faults = Faults().told({"retry_after": 0, **told})

    async def events(self) -> int:
        return len(await self.graph.core.store.fetch("events", tenant=self.tenant, after=0, most=100_000))


@dataclass
class Ground:
    """Where a server is, which can be started again."""

    folder: Path
    settings: dict[str, Any]
    simulator: Simulator
    origin: str

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Desk]:
        async with running(self.folder, Shared(self.simulator.clock), **self.settings) as graph:
            yield Desk(graph, self.simulator, self.origin)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tls.Files:
    files = tls.Files(tmp_path_factory.mktemp("authority"))
    tls.ensure(files, frozenset({"localhost"}))
    return files


@pytest.fixture
async def ground(tmp_path: Path, on: dict[str, str], authority: tls.Files) -> AsyncIterator[Ground]:
    simulator = Simulator(SCENARIO, hand=Hand(SCENARIO.end, steady=lambda: 0.0))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(simulator.app, log_level="critical", interface="asgi3", ws="none", lifespan="off", ssl_certfile=str(authority.chain), ssl_keyfile=str(authority.key))
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        settings = {**on, "outbound_private": "localhost", "outbound_ca": str(authority.authority)}
        try:
            yield Ground(tmp_path / "data", settings, simulator, f"https://localhost:{port}")
        finally:
            server.should_exit = True
            await serving


@pytest.fixture
async def desk(ground: Ground) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(ground.desk())
