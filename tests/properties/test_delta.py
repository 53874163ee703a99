"""A client that follows delta keeps a copy that ends equal to the store, whatever is written between its pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from secgraph import clock as real_clock
from secgraph.store.facts import Needs
from secgraph.store.protocol import Decision, Remove
from secgraph.testing import Clock, Graph, graph_alert, running

Result = TypeVar("Result")
ALERTS, INCIDENTS = "security/alerts_v2", "security/incidents"
SECURITY = "#microsoft.graph.security"
NUMBERS = st.integers(1, 7)
STATUSES = {ALERTS: ["new", "inProgress", "resolved"], INCIDENTS: ["active", "inProgress", "resolved"]}


class Server:
    """One server for all examples; each works in a tenant of its own."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.clock = Clock()
        self.first: Graph = self.run(self.stack.enter_async_context(running(folder, self.clock, page_bytes=8_000)))

    def run(self, work: Awaitable[Result]) -> Result:
        async def waited() -> Result:
            return await work

        return self.runner.run(waited())

    async def tenant(self) -> Graph:
        """The server as an application of a fresh tenant sees it."""
        core = self.first.core
        tenant = await core.registry.create_tenant(real_clock.new_id())
        application, secret = await core.registry.create_application(tenant, "tests", core.model.served_permissions())
        graph = Graph(core, self.first.http, tenant, application, secret, self.clock)
        await graph.sign_in()
        return graph

    def close(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("delta") / "data")
    yield made
    made.close()


@dataclass
class Client:
    """Follows one question, a page at a time."""

    path: str
    options: dict[str, str]
    headers: dict[str, str]
    link: str = ""
    began: bool = True
    """Whether a round is over, or none was begun yet."""
    copy: dict[str, dict[str, Any]] = field(default_factory=dict)
    there: dict[str, str] = field(default_factory=dict)
    """The rows of the set when the link was handed out: id and entity tag."""
    at_start: dict[str, str] = field(default_factory=dict)
    """The same when the round began."""
    since: set[str] = field(default_factory=set)
    """Every id that the set has had since the round began."""
    known: frozenset[str] = frozenset()
    """The same when the link was handed out."""

    async def page(self, graph: Graph, there: dict[str, str]) -> int:
        """Follows the link once; gives how many items came."""
        begins = not self.link
        if begins:
            self.at_start, self.since = dict(there), set(there)
            self.link = f"{self.path}/delta()?{'&'.join(f'${name}={quote(text)}' for name, text in self.options.items())}"
        answer = await graph.ask("GET", self.link, headers=self.headers)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        items = body["value"]
        for item in items:
            self.take(item, begins=begins, there=there)
        assert len(items) <= int(self.options["top"])
        assert len({item["id"] for item in items}) == len(items)
        self.began = "@odata.deltaLink" in body
        assert self.began is ("@odata.nextLink" not in body)
        assert self.began or items, "an empty page before the last"
        self.link = body["@odata.deltaLink"] if self.began else body["@odata.nextLink"]
        self.there = dict(there)
        if self.began:
            self.at_start, self.since = dict(there), set(there)
        self.known = frozenset(self.since)
        return len(items)

    def take(self, item: dict[str, Any], *, begins: bool, there: dict[str, str]) -> None:
        key = item["id"]
        if "@removed" not in item:
            assert item["@odata.etag"] == there[key], "a version that is not the present one"
            self.copy[key] = item
            return
        assert not begins
        if item == {"id": key, "@removed": {"reason": "deleted"}}:
            assert key in self.known, "gone before the round began, or born after the link was handed out"
            self.copy.pop(key, None)
            return
        assert item == {"id": key, "@removed": {"reason": "changed"}}
        assert self.options["filter"]
        assert key in self.there, "born after the link was handed out"
        assert self.at_start.get(key) != there[key], "not changed since the round began"
        self.copy.pop(key, None)


FILTERS = {
    ALERTS: [
        "", "severity eq 'high'", "not (severity eq 'high')", "status ne 'resolved' and severity ge 'medium'", "assignedTo eq null",
        "serviceSource eq 'microsoftSentinel'", "serviceSource eq 'unknownFutureValue'", "contains(description,'ß')", "comments/any()",
        "evidence/any(e: e/microsoft.graph.security.deviceEvidence/rbacGroupId gt 1)", "lastUpdateDateTime lt 2000-01-01", "true",
    ],
    INCIDENTS: ["", "status eq 'active'", "severity ne 'low'", "not (assignedTo ne null)", "comments/$count gt 0"],
}  # fmt: skip
CLIENTS = st.sampled_from([ALERTS, ALERTS, INCIDENTS]).flatmap(lambda path: st.builds(
    Client, st.just(path),
    st.fixed_dictionaries({
        "top": st.sampled_from(["1", "2", "3", "100"]), "filter": st.sampled_from(FILTERS[path]),
        "select": st.sampled_from(["", "", "id,severity,createdDateTime"]),
    }),
    st.sampled_from([{}, {"Prefer": "include-unknown-enum-members"}]),
))  # fmt: skip
MEMBERS = st.fixed_dictionaries({}, optional={
    "severity": st.sampled_from(["low", "medium", "high"]), "status": st.sampled_from(STATUSES[ALERTS]),
    "serviceSource": st.sampled_from(["microsoftSentinel", "microsoftDefenderForEndpoint"]), "description": st.sampled_from(["STRASSE", "", None]),
    "evidence": st.lists(st.integers(0, 2).map(lambda group: {
        "@odata.type": f"{SECURITY}.deviceEvidence", "createdDateTime": "2026-11-01T00:00:00Z", "rbacGroupId": group,
    }), max_size=2),
})  # fmt: skip


class Following(RuleBasedStateMachine):
    """Writes of every kind, and clients that read a page now and then."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.graph = server.run(server.tenant())
        self.clients: list[Client] = []
        self.versions = 0
        self.there: dict[str, dict[str, str]] = {ALERTS: {}, INCIDENTS: {}}

    @initialize(clients=st.lists(CLIENTS, min_size=2, max_size=3))
    def begin(self, clients: list[Client]) -> None:
        self.clients = clients

    async def look(self) -> None:
        for path in self.there:
            self.there[path] = {key: item["@odata.etag"] for key, item in (await self.listed(path, {"select": "id"}, {})).items()}
        for client in self.clients:
            client.since.update(self.there[client.path])

    async def listed(self, path: str, options: dict[str, str], headers: dict[str, str]) -> dict[str, dict[str, Any]]:
        """The rows that a list has now, by their id."""
        found: dict[str, dict[str, Any]] = {}
        url = f"{path}?{'&'.join(f'${name}={quote(text)}' for name, text in options.items())}"
        while url:
            answer = await self.graph.ask("GET", url, headers=headers)
            assert answer.status_code == 200, answer.text
            found |= {item["id"]: item for item in answer.json()["value"]}
            url = answer.json().get("@odata.nextLink", "")
        return found

    async def ask(self, method: str, path: str, body: Any, *statuses: int) -> None:
        answer = await self.graph.ask(method, path, json=body)
        assert answer.status_code in (statuses or (200,)), answer.text

    async def key(self, path: str, number: int) -> str | None:
        keys = sorted(self.there[path])
        return keys[number % len(keys)] if keys else None

    # -- writes

    @rule(numbers=st.lists(NUMBERS, min_size=1, max_size=4), members=MEMBERS)
    def a_source_tells(self, numbers: list[int], members: dict[str, Any]) -> None:
        """New alerts, new versions of known ones, several of one alert in a delivery."""

        async def work() -> None:
            drafts = []
            for number in numbers:
                self.versions += 1
                drafts.append(graph_alert(number, lastUpdateDateTime=real_clock.text((1_789_000_000 + self.versions) * real_clock.SECOND),
                                          incidentId=str(number % 3), **members))  # fmt: skip
            await self.graph.hand_in("graph", *drafts)
            await self.look()

        self.server.run(work())

    @rule(path=st.sampled_from([ALERTS, INCIDENTS]), number=NUMBERS, status=st.integers(0, 2), owner=st.sampled_from(["ana", None]))
    def a_person_changes(self, path: str, number: int, status: int, owner: str | None) -> None:
        async def work() -> None:
            key = await self.key(path, number)
            if key is not None:
                await self.ask("PATCH", f"{path}/{key}", {"status": STATUSES[path][status], "assignedTo": owner})
                await self.look()

        self.server.run(work())

    @rule(path=st.sampled_from([ALERTS, INCIDENTS]), number=NUMBERS)
    def a_person_comments(self, path: str, number: int) -> None:
        async def work() -> None:
            key = await self.key(path, number)
            if key is not None:
                comment = {"@odata.type": "microsoft.graph.security.alertComment", "comment": "seen"}
                await self.ask("POST", f"{path}/{key}/comments", comment, 200, 201)
                await self.look()

        self.server.run(work())

    @rule(numbers=st.lists(NUMBERS, min_size=1, max_size=3, unique=True))
    def alerts_are_taken_away(self, numbers: list[int]) -> None:
        async def work() -> None:
            keys = {key for number in numbers if (key := await self.key(ALERTS, number)) is not None}
            await self.remove(*((ALERTS, key) for key in sorted(keys)))

        self.server.run(work())

    @rule(number=NUMBERS)
    def an_incident_is_taken_away(self, number: int) -> None:
        """With the alerts in it, for nothing may point to what is gone."""

        async def work() -> None:
            key = await self.key(INCIDENTS, number)
            if key is not None:
                held = await self.listed(ALERTS, {"filter": f"incidentId eq '{key}'", "select": "id"}, {})
                await self.remove(*((ALERTS, one) for one in held), (INCIDENTS, key))

        self.server.run(work())

    async def remove(self, *places: tuple[str, str]) -> None:
        core = self.graph.core
        changes = [Remove(core.model.sets[path], key) for path, key in places]
        await core.store.write(self.graph.tenant.number, Needs(), lambda _: Decision(changes, None))
        await self.look()

    @rule(seconds=st.sampled_from([0.000001, 1, 60, -30]))
    def time_passes(self, seconds: float) -> None:
        self.server.clock.forward(seconds)
        self.server.run(self.graph.sign_in())

    # -- reads

    @precondition(lambda self: self.clients)
    @rule(which=st.integers(0, 2), pages=st.integers(1, 3))
    def a_client_reads(self, which: int, pages: int) -> None:
        client = self.clients[which % len(self.clients)]
        for _ in range(pages):
            self.server.run(client.page(self.graph, self.there[client.path]))

    def teardown(self) -> None:
        for client in self.clients:
            self.server.run(self.settle(client))
        self.server.run(self.replay())

    async def replay(self) -> None:
        """The log alone tells which objects there are, and at which number each of them is."""
        found: dict[str, dict[str, str]] = {"alerts_v2": {}, "incidents": {}}
        for event in await self.graph.core.store.fetch("events", tenant=self.graph.tenant.number, after=0, most=100_000):
            rows, key = found[event["entity"]], event["id"]
            assert (key in rows) is (event["kind"] != "created")
            if event["kind"] == "deleted":
                del rows[key]
            else:
                rows[key] = f'W/"{event["seq"]}"'
        assert found == {"alerts_v2": self.there[ALERTS], "incidents": self.there[INCIDENTS]}

    async def settle(self, client: Client) -> None:
        """Follows the links until a whole round brings nothing, then compares the copy with the list."""
        there = self.there[client.path]
        quiet = False
        while not quiet:
            fresh = client.began and bool(client.link)
            quiet = await client.page(self.graph, there) == 0 and fresh
        options = {name: text for name, text in client.options.items() if name != "top"}
        assert client.copy == await self.listed(client.path, options, client.headers)


def test_a_client_that_follows_ends_with_a_copy(server: Server) -> None:
    class Here(Following):
        def __init__(self) -> None:
            super().__init__(server)

    run_state_machine_as_test(Here, settings=settings(stateful_step_count=25))
