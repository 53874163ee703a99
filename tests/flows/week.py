"""A week of the simulated products, and a server that asks them: both go by one clock, and nobody really waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from tests.ports import free_port

from secgraph import clock, tls
from secgraph.ingest.feeds.feeds import Said
from secgraph.outbound.waiting import Time
from secgraph.simulate import Faults, Hand, Scenario, Simulator
from secgraph.simulate.cast import Organisation
from secgraph.store.leases import Leases
from secgraph.testing import Clock, Graph, running

BASES = {"graph": "/graph/v1.0", "entra": "/graph/v1.0", "mde": "/mde", "xdr": "/xdr", "mdo": "/office/api/v1.0", "mcas": "/cloudapps/api/v1"}
"""The kinds that are asked, and where the products answer."""

HOUR = 3600 * clock.SECOND


class Shared(Clock):
    """The products' clock, by which the server goes too. Waiting moves it."""

    def __init__(self, hand: Hand, seed: int) -> None:
        super().__init__()
        self.hand = hand
        self.waited = 0.0
        self._chance = random.Random(seed)  # noqa: S311 -- no secret

    def __call__(self) -> int:
        return self.hand.now()

    def forward(self, seconds: float) -> None:
        self.hand.advance(int(seconds * clock.SECOND))

    async def sleep(self, seconds: float) -> None:
        """Lets those seconds pass, and whoever else is at work go on."""
        self.waited += seconds
        self.forward(seconds)
        await asyncio.sleep(0)

    @property
    def time(self) -> Time:
        return Time(self, lambda: self.hand.now() / clock.SECOND, self.sleep, self._chance.random)


@dataclass
class Week:
    """The products over TLS on this machine, and a server whose data folder outlives it."""

    simulator: Simulator
    clock: Shared
    origin: str
    authority: Path
    folder: Path
    on: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    before: Any = None
    """What stands before the products, where anything does."""

    @property
    def organisations(self) -> tuple[Organisation, ...]:
        return tuple(self.simulator.scenario.organisations)

    @asynccontextmanager
    async def server(self) -> AsyncIterator[Graph]:
        """The server, from its start to its end."""
        async with running(
            self.folder, self.clock, outbound_private="localhost", outbound_ca=str(self.authority), time=self.clock.time, **self.on
        ) as graph:
            yield graph

    async def add_sources(self, graph: Graph) -> None:
        """Every kind for the first organisation, and Graph for the others."""
        for org in self.organisations:
            for kind, base in BASES.items():
                if org is not self.organisations[0] and kind != "graph":
                    continue
                told = {"url": self.origin + base, "login_url": f"{self.origin}/login", "tenant_id": org.id,
                        "client_id": org.client_id, "client_secret": org.client_secret}  # fmt: skip
                if kind == "mcas":
                    told = {"url": self.origin + base, "token": org.key}
                name = kind if org is self.organisations[0] else f"{kind}-{org.domain.partition('.')[0]}"
                await graph.core.feeds.add(graph.tenant, kind, name, Said(told))

    async def pull(self, graph: Graph, name: str) -> bool:
        """Asks one of them, as its task does."""
        feed = await graph.core.feeds.feed(graph.tenant.number, name)
        assert feed is not None
        leases = Leases(graph.core.store, self.clock)
        fence = await leases.claim(f"pull {feed.tenant} {feed.name}")
        assert fence is not None
        try:
            good = await graph.core.puller.once(feed, fence)
        finally:
            await leases.release(fence)
        self.failures[name] = self.failures.get(name, 0) + (not good)
        return good

    async def why(self, graph: Graph, name: str) -> str:
        """What the health of a source says."""
        await graph.core.health.flush()
        await graph.sign_in()
        return str((await graph.get(f"security/sources/{name}"))["reason"])

    def truth(self, part: str, org: Organisation) -> Any:
        """What is true now of an organisation."""
        from secgraph.simulate.control import truth_of  # noqa: PLC0415 -- the one who serves it imports the simulator

        return truth_of(self.simulator.world, org, self.clock())[part]

    def faults(self, faults: Faults) -> None:
        """From now on that goes wrong."""
        self.simulator.world.faults = faults


@asynccontextmanager
async def week(folder: Path, seed: int, days: int, faults: Faults, *, between: Any = None, **on: Any) -> AsyncIterator[Week]:
    """The products at the beginning of their week; `between` makes of their app what is called in its place."""
    scenario = Scenario(seed=seed, days=days)
    hand = Hand(scenario.start, steady=lambda: 0.0)
    shared = Shared(hand, seed)
    simulator = Simulator(scenario, hand=hand, faults=faults, page=7, steady=lambda: hand.now() / clock.SECOND, sleep=shared.sleep)
    files = tls.Files(folder / "products")
    (folder / "products").mkdir()
    tls.ensure(files, frozenset({"localhost", "127.0.0.1", "::1"}))
    port = free_port()
    app: Any = simulator.app if between is None else between(simulator.app)
    config = uvicorn.Config(app, interface="asgi3", host="127.0.0.1", port=port, log_level="critical", lifespan="off", ws="none")
    config.load()
    config.ssl = tls.context(files.chain, files.key)
    server = uvicorn.Server(config)
    server.capture_signals = _nothing  # type: ignore[method-assign] # the signals are pytest's
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- it sets no event
        await asyncio.sleep(0.01)
    try:
        yield Week(simulator, shared, f"https://localhost:{port}", files.authority, folder / "data", on, before=app)
    finally:
        server.should_exit = server.force_exit = True
        await serving


def _nothing() -> Any:
    import contextlib  # noqa: PLC0415

    return contextlib.nullcontext()


__all__ = ["HOUR", "Week", "httpx", "week"]
