"""The ASGI application: reads a request's head, asks the right handler, writes the answer.

A request is five stages: who asks, may they, what is asked, what is found, how it is said. Every path ends in an
answer in the contract's shape; a fault of ours is logged whole and shown as a request id only.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from secgraph import clock
from secgraph.access.caller import Caller, may, require
from secgraph.edge import batch, envelope
from secgraph.edge.authority import NO_STORE, Authority
from secgraph.edge.exchange import JSON, PLAIN_JSON, Answer, Asked, Header, Receive, Scope, Send, path_segments
from secgraph.edge.push import Push
from secgraph.edge.read import Reader
from secgraph.edge.route import Target, target
from secgraph.edge.tokens import Tokens, challenge
from secgraph.edge.write import Writer
from secgraph.errors import BadHost, NotAcceptable, NotAllowed, NotFound, OAuthRefusal, Refusal
from secgraph.model import publish
from secgraph.model.choices import OWN_OPERATIONS, Operations
from secgraph.model.edm import VERSIONS, EntitySet, Model
from secgraph.observe import RequestFailed, observe

HOSTS_KEPT = 256
_GUID = re.compile(rb"[0-9A-Za-z.\-]{1,64}")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._\-]+)(?::\d{1,5})?", re.IGNORECASE)

Handler = Callable[[Asked, Caller, Target, EntitySet], Awaitable[Answer]]


class Edge:
    """The application that uvicorn serves."""

    def __init__(
        self,
        *,
        model: Model,
        tokens: Tokens,
        authority: Authority,
        reader: Reader,
        writer: Writer,
        push: Push,
        hosts: frozenset[str],
        public_url: str,
        ready: Callable[[], Awaitable[bool]],
        now: clock.Now,
        most_batch: int,
    ) -> None:
        self._model = model
        self._tokens = tokens
        self._authority = authority
        self._push = push
        self._hosts = hosts
        self._public_url = public_url
        self._ready = ready
        self._now = now
        self._most_batch = most_batch
        self._bases: dict[tuple[str, bytes], str] = {}
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", "collection"): reader.collection,
            ("GET", "count"): reader.count,
            ("GET", "item"): reader.item,
            ("GET", "comments"): reader.comments,
            ("GET", "members"): reader.members,
            ("GET", "members_count"): reader.count,
            ("GET", "records"): reader.records,
            ("PATCH", "item"): writer.update,
            ("POST", "comments"): writer.comment,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        headers = dict(scope["headers"])
        if len(headers) != len(scope["headers"]):
            headers = _joined(scope["headers"])
        request_id = clock.request_id()
        client_request_id = headers.get(b"client-request-id", b"")
        if not _GUID.fullmatch(client_request_id):
            client_request_id = request_id.encode()
        asked = Asked(scope["method"], "", [], scope["query_string"], headers, request_id, client_request_id.decode(), receive)
        answer = await self._answered(asked, lambda: self._read_head(asked, scope))
        await send({"type": "http.response.start", "status": answer.status, "headers": [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            (b"cache-control", answer.cache),
            (b"odata-version", b"4.0"),
            (b"request-id", request_id.encode()),
            (b"client-request-id", asked.client_request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
            *answer.headers,
        ]})  # fmt: skip
        await send({"type": "http.response.body", "body": b"" if asked.method == "HEAD" else answer.body})

    async def _answered(self, asked: Asked, read_head: Callable[[], None] = lambda: None) -> Answer:
        """The answer, refusals and faults included: nothing is raised from here."""
        ids = {"request_id": asked.request_id, "client_request_id": asked.client_request_id}
        try:
            read_head()
            return await self._answer(asked)
        except OAuthRefusal as fault:
            return Answer(fault.status, envelope.oauth(fault, **ids), PLAIN_JSON, cache=NO_STORE)
        except Refusal as fault:
            headers = [(name.lower().encode(), value.encode()) for name, value in fault.headers.items()]
            if fault.status in {408, 413}:  # the rest of the body is not read: the connection cannot go on
                headers.append((b"connection", b"close"))
            return Answer(fault.status, envelope.refusal(fault, **ids), JSON, headers)
        except Exception as failure:  # noqa: BLE001 -- the last resort: nothing of it may reach the caller
            observe(RequestFailed(asked.request_id, asked.method, "/".join(asked.segments)[:200]), failure=failure)
            said = f"Something went wrong here. Quote the request id {asked.request_id} to the administrator."
            return Answer(500, envelope.envelope("generalException", said, **ids))

    # -- the head of a request

    def _read_head(self, asked: Asked, scope: Scope) -> None:
        asked.segments = path_segments(scope.get("raw_path") or scope["path"].encode())
        asked.base = self._base(scope, asked.headers.get(b"host", b""))

    def _base(self, scope: Scope, host: bytes) -> str:
        """The origin of every link: the public one, or what the client called us, when that is a name of ours."""
        known = self._bases.get((scope["scheme"], host))
        if known is not None:
            return known
        text = host.decode("latin-1").lower()
        match = _HOST.fullmatch(text)
        name = match["name"].strip("[]") if match else ""
        if name not in self._hosts:
            raise BadHost(f"This server does not answer for the host '{text[:80]}'.",
                          hint="Use a name it knows, or add this one to the setting allowed_hosts.")  # fmt: skip
        base = self._public_url or f"{scope['scheme']}://{text}"
        if len(self._bases) < HOSTS_KEPT:
            self._bases[scope["scheme"], host] = base
        return base

    async def _answer(self, asked: Asked) -> Answer:
        head = asked.segments[0].lower() if asked.segments else ""
        if head in VERSIONS:
            return await self._graph(asked)
        if head == "ingest":
            caller = await self._tokens.caller(asked.header(b"authorization"), asked.base)
            await self._allow(asked, caller, OWN_OPERATIONS["ingest"][2], "Handing in records")
            return await self._push.take(asked, caller)
        if head in {"healthz", "readyz"} and len(asked.segments) == 1:
            if asked.method not in {"GET", "HEAD"}:
                raise NotAllowed("This is read with GET.", headers={"Allow": "GET, HEAD"})
            good = head == "healthz" or await self._ready()
            return Answer(200 if good else 503, b"ok" if good else b"not ready", b"text/plain; charset=utf-8")
        if len(asked.segments) < 2:
            raise NotFound("Nothing is served here.", hint="The API is under /v1.0 and /beta.")
        return await self._authority.answer(asked)

    async def _graph(self, asked: Asked) -> Answer:
        meant = target(asked.method, asked.segments, self._model)
        _acceptable(asked.headers.get(b"accept"), meant)
        if meant.what == "metadata":
            return Answer(body=publish.metadata(meant.version), content_type=b"application/xml; charset=utf-8")
        if meant.what == "service":
            return Answer(body=publish.service_document(f"{asked.base}/{meant.version}"))
        caller = await self._tokens.caller(asked.header(b"authorization"), asked.base)
        if meant.what == "batch":
            return await batch.run(asked, meant.version, self._most_batch, self._answered)
        if meant.what == "singleton" or meant.set is None:
            return Answer(body=publish.singleton(f"{asked.base}/{meant.version}"))
        method = "GET" if asked.method == "HEAD" else asked.method
        needed, what = self._needed(method, meant, meant.set.choices.operations)
        await self._allow(asked, caller, needed, what)
        return await self._handlers[method, meant.what](asked, caller, meant, meant.set)

    # -- permission

    def _needed(self, method: str, meant: Target, operations: Operations) -> tuple[tuple[str, ...], str]:
        """The permission entries of which one is needed, and the operation in words."""
        if meant.what == "records":
            return OWN_OPERATIONS["records"][2], "Reading original records"
        operation: str | None
        if method == "PATCH":
            operation = operations.update
        elif meant.what == "comments":
            operation = operations.comment if method == "POST" else operations.get
        elif meant.what in {"members", "members_count"}:
            operation = operations.members
        else:
            operation = operations.get if meant.what == "item" else operations.list
        published = self._model.operations.get(operation or "")
        if published is None:
            return (), "This"
        return published.application, f"{published.method} {published.path}"

    async def _allow(self, asked: Asked, caller: Caller, needed: tuple[str, ...], what: str) -> None:
        if may(caller, needed):
            return
        if await self._tokens.could(caller, needed):
            # Consent came after the token: a new one opens this, so ask for it instead of saying no.
            raise challenge("The permission was granted after this token was issued.", asked.base, caller.tenant_id,
                            self._now() // clock.SECOND)  # fmt: skip
        require(caller, needed, what)


def _acceptable(accept: bytes | None, meant: Target) -> None:
    """Passes a client that takes what is served here: JSON, and for a few documents XML or plain text."""
    if accept is None or b"*/*" in accept or b"application/json" in accept:
        return
    served = {"metadata": "application/xml", "count": "text/plain", "members_count": "text/plain"}.get(meant.what, "")
    for item in accept.decode("latin-1").lower().split(","):
        kind = item.partition(";")[0].strip()
        if kind in {"", "application/*", served, f"{served.partition('/')[0]}/*" if served else ""}:
            return
    raise NotAcceptable("None of the formats in Accept is served here.", hint="Send Accept: application/json.")


def _joined(pairs: list[Header]) -> dict[bytes, bytes]:
    """Headers of which some came more than once, as one list each: two hosts or two tokens then are none."""
    found: dict[bytes, bytes] = {}
    for name, value in pairs:
        found[name] = found[name] + b", " + value if name in found else value
    return found


def own_hosts(public_url: str, host: str, allowed: tuple[str, ...]) -> frozenset[str]:
    """Every name this server answers for."""
    names = {"localhost", "127.0.0.1", "::1", *allowed}
    if public_url:
        names.add(urlsplit(public_url).hostname or "")
    if host not in {"", "0.0.0.0", "::"}:  # noqa: S104 -- compared, not bound
        names.add(host.lower())
    return frozenset(names - {""})
