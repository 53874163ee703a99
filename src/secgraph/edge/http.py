"""The ASGI application: reads a request's head, asks the right handler, writes the answer.

A request is five stages: who asks, may they, what is asked, what is found, how it is said. Every path ends in an
answer in the contract's shape; a fault of ours is logged whole and shown as a request id only.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from secgraph import clock
from secgraph.access.caller import Caller, forbidden, may
from secgraph.edge import accept, batch, envelope
from secgraph.edge.act import Actor
from secgraph.edge.assessment import Assessor
from secgraph.edge.assets import AssetWriter
from secgraph.edge.authority import NO_STORE, Authority
from secgraph.edge.compress import Compressor
from secgraph.edge.control import Control
from secgraph.edge.correlation import Correlation
from secgraph.edge.cors import Cors
from secgraph.edge.delta import Delta
from secgraph.edge.doors import AlertSources
from secgraph.edge.entities import Entities
from secgraph.edge.evidence import Evidence
from secgraph.edge.exchange import JSON, KINDS, PLAIN_JSON, Answer, Asked, Header, Level, Receive, Scope, Send, path_segments
from secgraph.edge.explain import Explainer
from secgraph.edge.legacy import Older
from secgraph.edge.origin import Origins
from secgraph.edge.push import Push
from secgraph.edge.read import Reader
from secgraph.edge.route import Target, target
from secgraph.edge.sources import Sources
from secgraph.edge.tokens import Tokens, challenge
from secgraph.edge.write import Writer
from secgraph.errors import NotAllowed, NotFound, OAuthRefusal, Refusal
from secgraph.extend import sources as kinds
from secgraph.ingest.feeds.feed import HOOK
from secgraph.model import publish, served
from secgraph.model.choices import ASSETS, OWN_OPERATIONS
from secgraph.model.edm import VERSIONS, EntitySet, Model
from secgraph.observe import RequestFailed, observe
from secgraph.odata.options import options

LEVELS_KEPT = 256
"""Accept headers whose meaning is kept."""

SERVED = {"metadata": "application/xml", "count": "text/plain", "members_count": "text/plain"}
"""What is sent where it is not JSON."""

WITHOUT_BODY = {204, 304}
_GUID = re.compile(rb"[0-9A-Za-z.\-]{1,64}")

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
        delta: Delta,
        assessor: Assessor,
        explainer: Explainer,
        evidence: Evidence,
        entities: Entities,
        sources: Sources,
        alert_sources: AlertSources,
        writer: Writer,
        actor: Actor,
        older: Older,
        assets: AssetWriter,
        correlation: Correlation,
        push: Push,
        origins: Origins,
        compressor: Compressor,
        cors: Cors,
        ready: Callable[[], Awaitable[bool]],
        note: Callable[[], str],
        now: clock.Now,
        most_batch: int,
    ) -> None:
        self._model = model
        self._tokens = tokens
        self._authority = authority
        self._correlation = correlation
        self._push = push
        self._origins = origins
        self._compressor = compressor
        self._cors = cors
        self._control = Control(model)
        self._ready = ready
        self._note = note
        self._now = now
        self._most_batch = most_batch
        self._levels: dict[tuple[bytes, str], Level] = {}
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", "collection"): reader.collection,
            ("GET", "count"): reader.count,
            ("GET", "delta"): delta.changes,
            ("GET", "item"): reader.item,
            ("GET", "comments"): reader.comments,
            ("GET", "members"): reader.members,
            ("GET", "members_count"): reader.count,
            ("GET", "records"): reader.records,
            ("GET", "alert_sources"): alert_sources.sources,
            ("GET", "assessment"): assessor.assessment,
            ("GET", "correlations"): explainer.correlations,
            ("GET", "evidence"): evidence.pieces,
            ("POST", "evidence"): evidence.add,
            ("POST", "keep_apart"): actor.keep_apart,
            ("PATCH", "item"): writer.update,
            ("POST", "comments"): writer.comment,
        }
        self._no_sets = {**entities.handlers(), **sources.handlers()}
        self._older: dict[tuple[str, str], Handler] = {
            **{key: older.reading(handler) for key, handler in self._handlers.items() if key[0] == "GET"},
            ("PATCH", "item"): older.update,
        }
        self._assets: dict[tuple[str, str], Handler] = {
            **self._handlers,
            ("POST", "collection"): assets.create,
            ("PATCH", "item"): assets.update,
            ("DELETE", "item"): assets.remove,
        }
        self._actions = {**actor.handlers(), **older.handlers()}

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
        given = headers.get(b"client-request-id")
        client_request_id = given.decode() if given is not None and _GUID.fullmatch(given) else request_id
        asked = Asked(scope["method"], "", [], scope["query_string"], headers, request_id, client_request_id, receive)
        answer = await self._answered(asked, scope)
        body = answer.body
        coding: tuple[Header, ...] = ()
        # The length of a packed token would tell something of what is in it.
        if self._compressor.worth(len(body), local=asked.local) and answer.cache != NO_STORE:
            body, coding = await self._compressor.packed(body, headers.get(b"accept-encoding", b""))
        told = [] if answer.status in WITHOUT_BODY else [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(body)),
        ]  # fmt: skip
        await send({"type": "http.response.start", "status": answer.status, "headers": [
            *told,
            *coding,
            (b"cache-control", answer.cache),
            (b"odata-version", b"4.0"),
            (b"request-id", request_id.encode()),
            (b"client-request-id", asked.client_request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
            *(self._cors.headers(headers) if self._cors.on else ()),
            *answer.headers,
        ]})  # fmt: skip
        await send({"type": "http.response.body", "body": b"" if asked.method == "HEAD" else body})

    async def _answered(self, asked: Asked, scope: Scope | None = None) -> Answer:
        """The answer, refusals and faults included: nothing is raised from here. With a scope, the head is read first."""
        ids = {"request_id": asked.request_id, "client_request_id": asked.client_request_id}
        try:
            if scope is not None:
                self._read_head(asked, scope)
            answer = await (self._options(asked) if asked.method == "OPTIONS" else self._answer(asked))
            return answer if asked.metadata == "minimal" else self._at_level(asked, answer)
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

    def _at_level(self, asked: Asked, answer: Answer) -> Answer:
        """A JSON answer with as much control information as was asked for."""
        if answer.content_type is not JSON:
            return answer
        if answer.metadata != asked.metadata and answer.body:
            answer.body = self._control.body(answer.body, asked.metadata)
        answer.content_type = KINDS[asked.metadata]
        return answer

    # -- the head of a request

    def _read_head(self, asked: Asked, scope: Scope) -> None:
        asked.segments = path_segments(scope.get("raw_path") or scope["path"].encode())
        origin = self._origins.of(scope, asked.headers)
        asked.base, asked.local = origin.base, origin.local

    def _level(self, asked: Asked, meant: Target) -> Level:
        """The level that Accept asks for, or `$format`, which counts more. Refused where neither names what is served."""
        served = SERVED.get(meant.what, accept.JSON)
        if b"format" in asked.query.lower() and (text := options(asked.query).get("$format")):
            wanted = accept.format_level(text)
            if wanted is not None:
                return wanted
        given = asked.headers.get(b"accept")
        if given is None:
            return "minimal"
        level = self._levels.get((given, served))
        if level is None:
            level = accept.level(given.decode("latin-1"), served)
            if len(self._levels) >= LEVELS_KEPT:
                self._levels.clear()
            self._levels[given, served] = level
        return level

    async def _options(self, asked: Asked) -> Answer:
        """What is possible at a path, for anybody: browsers ask this before they send a token."""
        preflight = self._cors.preflight(asked.headers)
        if preflight is not None:
            return Answer(204, headers=preflight)
        head = asked.segments[0].lower() if asked.segments else "*"
        allowed = "GET, HEAD, POST, PATCH, DELETE"
        if head == "ingest" or (len(asked.segments) > 2 and asked.segments[-1].lower() == "token"):
            allowed = "POST"
        elif head != "*":
            try:
                return await self._answer(asked)
            except NotAllowed as fault:
                allowed = fault.headers["Allow"]
        methods = dict.fromkeys([*allowed.replace("GET", "GET, HEAD").split(", "), "OPTIONS"])
        return Answer(204, headers=[(b"allow", ", ".join(methods).encode())])

    async def _answer(self, asked: Asked) -> Answer:
        head = asked.segments[0].lower() if asked.segments else ""
        if head in VERSIONS:
            return await self._graph(asked)
        if head == "ingest" and len(asked.segments) > 1 and asked.segments[1].lower().startswith(HOOK):
            return await self._push.hooked(asked)
        if head == "ingest":
            caller = await self._tokens.caller(asked.headers.get(b"authorization", b""), asked.base)
            if not may(caller, needed := OWN_OPERATIONS["ingest"][2]):
                raise await self._denied(asked, caller, needed, "Handing in records")
            return await self._push.take(asked, caller)
        if head in {"healthz", "readyz"} and len(asked.segments) == 1:
            _expect_get(asked)
            return await self._health(head)
        if head == "openapi.json" and len(asked.segments) == 1:
            _expect_get(asked)
            return Answer(body=publish.openapi(asked.base, tuple(kinds())), content_type=PLAIN_JSON)
        if len(asked.segments) < 2:
            raise NotFound("Nothing is served here.", hint="The API is under /v1.0 and /beta.")
        return await self._authority.answer(asked)

    async def _health(self, head: str) -> Answer:
        good = head == "healthz" or await self._ready()
        said = "ok" if good else "not ready"
        if head == "readyz" and (note := self._note()):
            said = f"{said}: {note}"
        return Answer(200 if good else 503, said.encode(), b"text/plain; charset=utf-8")

    async def _graph(self, asked: Asked) -> Answer:
        meant = target(asked.method, asked.segments, self._model)
        asked.metadata = self._level(asked, meant)
        if meant.what == "metadata":
            return Answer(body=publish.metadata(meant.version), content_type=b"application/xml; charset=utf-8")
        if meant.what == "service":
            return Answer(body=publish.service_document(f"{asked.base}/{meant.version}"))
        caller = await self._tokens.caller(asked.headers.get(b"authorization", b""), asked.base)
        if meant.what == "batch":
            return await batch.run(asked, meant.version, self._most_batch, self._answered)
        if meant.action is not None:
            operation = meant.action.operation
            if not may(caller, operation.application):
                raise await self._denied(asked, caller, operation.application, f"{operation.method} {operation.path}")
            return await self._actions[operation.id](asked, caller, meant, meant.action)
        if meant.what == "singleton":
            return Answer(body=publish.singleton(f"{asked.base}/{meant.version}", meant.member))
        method = "GET" if asked.method == "HEAD" else asked.method
        call = served.call(self._model, method, meant.what, meant.set)
        if not may(caller, needed := call.permissions or ()):
            raise await self._denied(asked, caller, needed, f"{call.method} {call.path}")
        if meant.set is None:
            own = self._no_sets.get(meant.what, self._correlation.answer)
            return await own(asked, caller, meant)
        handlers = self._assets if meant.set.path == ASSETS else self._older if meant.set.choices.view_of else self._handlers
        return await handlers[method, meant.what](asked, caller, meant, meant.set)

    # -- permission

    async def _denied(self, asked: Asked, caller: Caller, needed: tuple[str, ...], what: str) -> Refusal:
        """The refusal for who may not."""
        if await self._tokens.could(caller, needed):
            # Consent came after the token: a new one opens this, so ask for it instead of saying no.
            return challenge("The permission was granted after this token was issued.", asked.base, caller.tenant_id,
                             self._now() // clock.SECOND)  # fmt: skip
        return forbidden(caller, needed, what)


def _expect_get(asked: Asked) -> None:
    if asked.method not in {"GET", "HEAD"}:
        raise NotAllowed("This is read with GET.", headers={"Allow": "GET, HEAD"})


def _joined(pairs: list[Header]) -> dict[bytes, bytes]:
    """Headers of which some came more than once, as one list each: two hosts or two tokens then are none."""
    found: dict[bytes, bytes] = {}
    for name, value in pairs:
        found[name] = found[name] + b", " + value if name in found else value
    return found
