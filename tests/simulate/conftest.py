"""A simulator in process, and somebody with its credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio

from secgraph import clock
from secgraph.simulate import Faults, Hand, Scenario, Simulator
from secgraph.simulate.cast import Organisation

RESOURCES = {
    "graph": "https://graph.microsoft.com",
    "mde": "https://api.securitycenter.microsoft.com",
    "xdr": "https://api.security.microsoft.com",
    "office": "https://manage.office.com",
    "cloudapps": "05a65629-4c1b-48c1-a78b-804c4abdd4af",
}
SCENARIO = Scenario(seed=7, days=7)


@dataclass
class Time:
    """The seconds that really pass, in the hand."""

    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass
class Caller:
    """An application of the first tenant."""

    simulator: Simulator
    client: httpx.AsyncClient
    time: Time
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def organisation(self) -> Organisation:
        return self.simulator.scenario.organisations[0]

    async def token(self, api: str, *, reader: bool = False) -> str:
        org = self.organisation
        who = (org.reader_id, org.reader_secret) if reader else (org.client_id, org.client_secret)
        form = {"grant_type": "client_credentials", "client_id": who[0], "client_secret": who[1], "scope": f"{RESOURCES[api]}/.default"}
        answer = await self.client.post(f"/login/{org.id}/oauth2/v2.0/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def call(self, method: str, url: str, *, json: Any = None, headers: dict[str, str] | None = None) -> httpx.Response:
        """A call with a good token; `url` is a link, or begins with the base of an API."""
        api = httpx.URL(url).path.split("/")[1]
        if api not in self.tokens:
            self.tokens[api] = await self.token(api)
        return await self.client.request(method, url, json=json, headers={"Authorization": f"Bearer {self.tokens[api]}", **(headers or {})})

    async def get(self, url: str) -> Any:
        answer = await self.call("GET", url)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def pages(self, url: str) -> list[list[Any]]:
        """Every page behind an address, by its links."""
        found = []
        more: str | None = url
        while more is not None:
            body = await self.get(more)
            found.append(body["value"])
            more = body.get("@odata.nextLink")
        return found

    async def truth(self, part: str) -> Any:
        """What is true of the first tenant."""
        answer = await self.client.get("/_simulate/truth", params={"tenant": self.organisation.id, "only": part})
        assert answer.status_code == 200, answer.text
        return answer.json()["tenants"][self.organisation.id][part]

    async def control(self, name: str, **told: Any) -> Any:
        answer = await self.client.post(f"/_simulate/{name}", json=told)
        assert answer.status_code == 200, answer.text
        return answer.json()


Make = Callable[..., Caller]


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Make]:
    """Makes a caller of a simulator with other arguments than usual."""
    clients: list[httpx.AsyncClient] = []

    def made(scenario: Scenario = SCENARIO, *, faults: Faults | None = None, throttles: bool = False, page: int | None = None) -> Caller:
        time = Time()
        simulator = Simulator(scenario, hand=Hand(scenario.end, steady=time), faults=faults, throttles=throttles, page=page,
                              steady=time, sleep=time.sleep)  # fmt: skip
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=simulator.app), base_url="https://products.test")
        clients.append(client)
        return Caller(simulator, client, time)

    yield made
    for client in clients:
        await client.aclose()


@pytest.fixture
def caller(make: Make) -> Caller:
    return make()


def ticks(text: str) -> int:
    found = clock.ticks(text)
    assert found is not None, text
    return found
