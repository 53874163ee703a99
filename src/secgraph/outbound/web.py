"""The way to a product's API: who asks is proven, the rate is kept, and no origin is called but those that were named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from secgraph import __version__
from secgraph.extend import CallFailed, ClientCredentials, Headers, OutcomeUnknown, Reach, Reply
from secgraph.outbound.attempts import Attempts, Rate
from secgraph.outbound.exchange import Exchange
from secgraph.outbound.guard import origin
from secgraph.outbound.tokens import Tokens
from secgraph.outbound.waiting import Time

OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
"""Headers that nobody else says anything about."""

WORD = 8
"""Characters of a header's value up to which a part of it is no secret, but a word such as `Bearer`."""

AGENT = f"secgraph/{__version__}"


class Outside:
    """The `Web` of one source: the calls of its reach."""

    def __init__(self, reach: Reach, exchange: Exchange, time: Time) -> None:
        """CallFailed where the reach names something that is never called."""
        self._guard = guard = exchange.guard
        self._exchange = exchange
        self._attempts = Attempts(exchange, time)
        self._origins = frozenset(origin(guard.expect(one)) for one in reach.origins)
        self._rate = Rate(reach.calls, reach.seconds, time)
        self._headers = dict(reach.access.values) if isinstance(reach.access, Headers) else {}
        self._tokens = (
            Tokens(reach.access, guard, self._attempts, time) if isinstance(reach.access, ClientCredentials) else None
        )

    async def call(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Reply:
        """What the product answered."""
        target = self._target(url, params)
        given = {name.lower(): value for name, value in (headers or {}).items() if name.lower() not in OURS}
        used = ""

        async def make() -> httpx.Request:
            nonlocal used
            proof = self._headers
            if self._tokens is not None:
                used = await self._tokens.token()
                proof = {"authorization": f"Bearer {used}"}
            await self._rate.turn()
            fixed = {name.lower(): value for name, value in proof.items()}
            named = {"accept": "application/json", "user-agent": AGENT, **given, **fixed, "accept-encoding": "gzip"}
            try:
                return httpx.Request(method, target, json=json, headers=named)
            except (TypeError, ValueError):  # what it says may hold what was to be sent
                raise CallFailed(f"What was to be sent to {target.host} is no JSON, or no header.") from None

        try:
            reply = await self._attempts.send(make, once=once)
            if reply.status == 401 and self._tokens is not None:
                self._tokens.forget(used)
                reply = await self._attempts.send(make, once=once)
        except OutcomeUnknown as unknown:
            raise OutcomeUnknown(self.masked(str(unknown))) from None
        except CallFailed as failed:
            raise CallFailed(self.masked(str(failed))) from None
        return reply

    def masked(self, text: str) -> str:
        """The text without anything that proves who asks: a product may send it back."""
        for value in self._headers.values():
            for secret in {value, *value.split()}:
                text = text.replace(secret, "***") if len(secret) > WORD else text
        return self._tokens.masked(text) if self._tokens is not None else text

    async def close(self) -> None:
        """Closes its connections."""
        await self._exchange.close()

    def _target(self, url: str, params: Mapping[str, str] | None) -> httpx.URL:
        found = self._guard.expect(url)
        if origin(found) not in self._origins:
            raise CallFailed(f"A link leads to {origin(found)[:200]}, where this source does not call: it was not followed.")
        return found.copy_merge_params(dict(params)) if params else found
