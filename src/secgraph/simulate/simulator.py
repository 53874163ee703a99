"""The simulator as an ASGI app: every product under its own base, faults on the way, and what was asked counted."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from email.utils import formatdate
from typing import Any

from secgraph.clock import SECOND
from secgraph.simulate import control, login
from secgraph.simulate.ask import Api, Ask, Refused, Reply, Route
from secgraph.simulate.chance import chance, guid
from secgraph.simulate.cloudapps import CLOUDAPPS
from secgraph.simulate.faults import Faults
from secgraph.simulate.graph import GRAPH
from secgraph.simulate.hand import Hand
from secgraph.simulate.login import LOGIN
from secgraph.simulate.mde import MDE
from secgraph.simulate.office import OFFICE
from secgraph.simulate.scenario import Scenario
from secgraph.simulate.throttle import Throttle
from secgraph.simulate.world import World
from secgraph.simulate.xdr import XDR

APIS = (GRAPH, MDE, XDR, OFFICE, CLOUDAPPS, LOGIN)
MOST_BODY = 4 * 1024 * 1024
PAGE = b"<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body><h1>We are sorry</h1></body></html>"
FURTHER = ("skiptoken", "skip", "nextpage")
"""Options by which a call shows that it asks for a further page."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Simulator:
    """The products of one scenario. `app` is the ASGI app; the clock stands at the end of the scenario unless it is given."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        hand: Hand | None = None,
        faults: Faults | None = None,
        throttles: bool = False,
        page: int | None = None,
        steady: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.scenario = scenario
        self.clock = hand or Hand(scenario.end, steady=steady)
        self.world = World(scenario, self.clock, faults or Faults(), steady)
        self.page = page
        self.throttles = throttles
        self.calls: Counter[str] = Counter()
        self.injected: Counter[str] = Counter()
        self._throttle = Throttle(steady)
        self._sleep = sleep
        self._ids = chance(scenario.seed, "calls")

    async def app(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body") or len(body) > MOST_BODY:
                break
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = f"{scope.get('scheme', 'https')}://{headers.get('host', 'localhost')}"
        path: str = scope["path"]
        query = scope["query_string"].decode("latin-1")
        if path.startswith("/_simulate/"):
            await _send(send, control.answer(self, scope["method"], path, query, body))
            return
        api = next((api for api in APIS if path.lower().startswith(f"{api.base}/")), None)
        if api is None:
            await _send(
                send, control.refused(404, f"Nothing is at {path[:80]}. The products are at {', '.join(a.base for a in APIS)}.")
            )
            return
        ask = Ask(self.world, scope["method"], path[len(api.base) :], query, headers, body, origin + path[: len(api.base)],
                  guid(self._ids), self.page)  # fmt: skip
        if self._thrown("slow"):
            await self._sleep(self.world.faults.slow_seconds)
        reply = self._answer(api, ask)
        await _send(send, reply, cut=bool(reply.body) and self._thrown("cut"), date=self.world.now())

    def _thrown(self, *faults: str) -> bool:
        """Whether that fault happens now."""
        for name in faults:
            rate = getattr(self.world.faults, name)
            if rate and self.world.throw.random() < rate:
                self.injected[name] += 1
                return True
        return False

    def _answer(self, api: Api, ask: Ask) -> Reply:
        try:
            reply = self._routed(api, ask)
        except Refused as fault:
            reply = api.error(ask, fault)
        self.calls[f"{api.name} {reply.status}"] += 1
        return reply

    def _routed(self, api: Api, ask: Ask) -> Reply:
        found = _route(api.routes, ask)
        self.calls[f"{ask.method} {api.base}{found.path}"] += 1
        if (page := self._disturbed(found)) is not None:
            return page
        if api.audiences:
            self._identify(api, ask)
            if found.roles and not ask.roles & set(found.roles):
                raise Refused(403, api.forbidden, f"The application has none of the roles {', '.join(found.roles)}.")
            who = f"{found.counted or api.name} {ask.tenant} {ask.app}"
            if self.throttles and (wait := self._throttle.wait(who, found.ceilings if found.counted else api.ceilings)):
                raise _throttled(found, wait)
        return found.answer(ask)

    def _disturbed(self, route: Route) -> Reply | None:
        """A page for people, or Refused; None where nothing goes wrong."""
        wait = self.world.faults.retry_after
        if self._thrown("throttled"):
            raise _throttled(route, wait)
        if self._thrown("failed"):
            raise Refused(500, "InternalServerError", "An internal error occurred. Retry the request.")
        if self._thrown("gateway"):
            raise Refused(502, "BadGateway", "The upstream did not answer.")
        if self._thrown("unavailable"):
            raise Refused(503, "ServiceUnavailable", "The service is busy.", {"Retry-After": str(wait)})
        if self._thrown("html"):
            status = 200 if self.world.throw.random() < 0.5 else 503
            return Reply(status, PAGE, {"content-type": "text/html"})
        return None

    def _identify(self, api: Api, ask: Ask) -> None:
        """Who asks; Refused with 401 where that cannot be told."""
        kind, _, proof = ask.headers.get("authorization", "").partition(" ")
        platform = f"{ask.root.removesuffix(api.base)}/login/common/oauth2/authorize"
        challenge = {"WWW-Authenticate": f'Bearer realm="", authorization_uri="{platform}"'}
        if api.keyed and kind.lower() == "token":
            for one in self.scenario.organisations:
                if proof.strip() == one.key:
                    ask.organisation, ask.app, ask.roles = one, "api token", frozenset({"Investigation.manage"})
                    return
            raise Refused(401, api.unauthenticated, "Invalid token.")
        if kind.lower() != "bearer" or not proof:
            raise Refused(401, api.unauthenticated, "Access token is empty.", challenge)
        claims = login.read(ask, proof.strip())
        if claims is None:
            raise Refused(401, api.unauthenticated, "Access token validation failure: the signature is not valid.", challenge)
        if claims["aud"] not in api.audiences:
            raise Refused(401, api.unauthenticated, "Access token validation failure. Invalid audience.", challenge)
        further = any(ask.option(name) is not None for name in FURTHER)
        if login.ended(ask, claims) or (further and self._thrown("expired")):
            raise Refused(401, api.unauthenticated, "Lifetime validation failed, the token is expired.", challenge)
        ask.organisation = self.world.organisation(claims["tid"])
        ask.app, ask.roles = claims["appid"], frozenset(claims["roles"])


def _throttled(route: Route, wait: int) -> Refused:
    return Refused(429, "TooManyRequests", "Too many requests.", {"Retry-After": str(wait)} if route.tells_when else {})


def _route(routes: Iterable[Route], ask: Ask) -> Route:
    allowed: list[str] = []
    for route in routes:
        match = route.pattern.fullmatch(ask.path)
        if match is None:
            continue
        if route.method == ask.method:
            ask.keys = match.groupdict()
            return route
        allowed.append(route.method)
    if allowed:
        raise Refused(405, "MethodNotAllowed", f"{ask.method} is not possible here.", {"Allow": ", ".join(allowed)})
    raise Refused(404, "ResourceNotFound", f"Resource not found for the segment {ask.path[:80]}.")


async def _send(send: Send, reply: Reply, *, cut: bool = False, date: int | None = None) -> None:
    """The answer. One that is cut says how long it would have been and ends half way: a server closes the connection then."""
    headers = {"content-length": str(len(reply.body)), **reply.headers}
    if date is not None:
        headers["date"] = formatdate(date // SECOND, usegmt=True)
    body = reply.body[: len(reply.body) // 2] if cut else reply.body
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
