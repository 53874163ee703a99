"""Products that answer as they should not, through the whole server: each source survives, says so, reaches nobody else, and goes on."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from itertools import count
from typing import Any

import pytest
from tests.flows.week import BASES, Week, week

from secgraph.simulate import Faults
from secgraph.sources import mcas_api, mdo_api, microsoft_api

HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"
MOST = 12
"""Pages that a list may have here."""

Reply = tuple[int, dict[str, str], bytes]
Spoil = Callable[[Reply, str], Reply]
"""Makes another answer of a product's own; it is told where another server is."""
Case = tuple[str, Spoil, str]


def replaced(status: int, body: bytes = b"", **headers: str) -> Spoil:
    return lambda _, other: (status, {name.replace("_", "-"): value.replace("OTHER", other) for name, value in headers.items()}, body)


def leading(link: str) -> Spoil:
    """The same list, of which the next page is elsewhere; `OTHER` is the other server."""

    def made(reply: Reply, other: str) -> Reply:
        status, headers, body = reply
        said, to = json.loads(body), link.replace("OTHER", other)
        if isinstance(said, list):
            return status, {**headers, "nextpageuri": to}, body
        return status, headers, json.dumps({**said, "@odata.nextLink": to}).encode()

    return made


def endless(kind: str) -> Spoil:
    """Pages of which each says that there is another one, with rows that nobody has seen before."""
    numbers = count()

    def made(reply: Reply, _: str) -> Reply:
        status, headers, body = reply
        number = next(numbers)
        said = json.loads(body)
        if kind == "mcas":
            return status, headers, json.dumps({"data": [{"_id": f"{number:024x}"}], "hasNext": True}).encode()
        if kind == "mdo":
            own = f"https://{headers['host']}{BASES[kind]}/{headers['tenant']}/activity/feed/subscriptions/content?contentType=Audit.General&nextPage={number}"
            return status, {**headers, "nextpageuri": own}, b"[]"
        rows = [{"id": f"n{number}-{each}", "incidentId": f"n{number}-{each}"} for each in range(100)]
        path = f"https://{headers['host']}{headers['path']}?$skip=0&page={number}"
        return status, headers, json.dumps({**said, "value": rows, "@odata.nextLink": path}).encode()

    return made


TOKENS: tuple[Case, ...] = (
    ("tokens: a page for people", replaced(200, HTML, content_type="text/html"), "token"),
    ("tokens: elsewhere", replaced(302, location="https://OTHER/token"), "redirect"),
    ("tokens: of nothing", replaced(200, b'{"access_token": 5}', content_type="application/json"), "token"),
)
ANSWERS: tuple[Case, ...] = (
    ("a page for people", replaced(200, HTML, content_type="text/html"), "answered"),
    ("elsewhere", replaced(302, location="https://OTHER/"), "redirect"),
    ("to a private address", replaced(307, location="http://169.254.169.254/latest/"), "redirect"),
    ("a body that nests", replaced(200, b'{"value": ' + b"[" * 100_000), "answered"),
    ("a list of nothing", replaced(200, b'{"value": 5, "data": 5}'), "answered"),
)
LINKS: tuple[Case, ...] = (
    ("a link elsewhere", leading("https://OTHER/list"), "OTHER"),
    ("a link without encryption", leading("http://OTHER/list"), "OTHER"),
    ("a link to a private address", leading("https://169.254.169.254/list"), "169.254.169.254"),
)
LINKED = ("graph", "entra", "mdo")
"""Those whose lists say where the next page is; the others count."""


def cases() -> Iterator[Any]:
    for kind in BASES:
        for name, spoil, said in (*(() if kind == "mcas" else TOKENS), *ANSWERS, *(LINKS if kind in LINKED else ())):
            yield pytest.param(kind, name.startswith("tokens"), spoil, said, id=f"{kind}: {name}")
        yield pytest.param(kind, 0, None, "does not end", id=f"{kind}: pages without an end")


class Between:
    """Stands before the products, and spoils what they answer."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.spoil: Spoil | None = None
        self.tokens = False
        self.other = ""
        self.spoiled: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        path = scope["path"]
        if self.spoil is None or path.startswith("/login/") != self.tokens or path.endswith("/start"):
            await self._app(scope, receive, send)
            return
        sent: list[Any] = []

        async def keep(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, keep)
        status, body = sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])
        host = dict(scope["headers"])[b"host"].decode()
        about = {"host": host, "path": path, "tenant": path.split("/")[4] if path.startswith("/office") else ""}
        if 200 <= status < 300:
            self.spoiled[path] += 1
            status, headers, body = self.spoil((status, about, body), self.other)
            headers = {name: value for name, value in headers.items() if name not in about}
            raw = [(name.encode(), value.encode()) for name, value in {"content-length": str(len(body)), **headers}.items()]
            sent = [{"type": "http.response.start", "status": status, "headers": raw}, {"type": "http.response.body", "body": body}]
        for message in sent:
            await send(message)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, socket.socket]]:
    """A server that must not be called."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        yield f"localhost:{listener.getsockname()[1]}", listener


@pytest.fixture
async def made(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Week, Between]]:
    for module in (microsoft_api, mcas_api, mdo_api):
        monkeypatch.setattr(module, "MOST_PAGES", MOST)
    async with week(tmp_path, 11, 2, Faults(), between=Between) as made:
        yield made, made.before


@pytest.mark.parametrize(("kind", "tokens", "spoil", "said"), list(cases()))
async def test_a_source_survives_says_so_and_goes_on(
    made: tuple[Week, Between], elsewhere: tuple[str, socket.socket], kind: str, *, tokens: bool, spoil: Spoil | None, said: str
) -> None:
    products, between = made
    other, listener = elsewhere
    products.clock.forward(2 * 24 * 3600)
    async with products.server() as graph:
        await products.add_sources(graph)
        if kind == "mdo" and not tokens:
            assert await products.pull(graph, kind), "its subscription is started"
        between.other, between.tokens, between.spoil = other, tokens, spoil or endless(kind)
        async with asyncio.timeout(60):
            assert not await products.pull(graph, kind)
        assert between.spoiled
        assert sum(between.spoiled.values()) < 40 * MOST
        reason = await products.why(graph, kind)
        assert said.replace("OTHER", other.partition(":")[0]) in reason
        assert "\n" not in reason
        assert len(reason) <= 500
        assert (await graph.get(f"security/sources/{kind}"))["state"] == "failing"
        with pytest.raises(BlockingIOError):
            listener.accept()
        between.spoil = None
        products.clock.forward(3600)
        for _ in range(1 + (kind == "mdo" and tokens)):  # a first one starts the subscription
            assert await products.pull(graph, kind), await products.why(graph, kind)
        await graph.core.health.flush()
        await graph.sign_in()
        assert (await graph.get(f"security/sources/{kind}"))["state"] == "healthy"
        assert await graph.ids("security/alerts_v2")
