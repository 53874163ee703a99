"""Access tokens of the client credentials grant: fetched when one is needed, and renewed before it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec

from secgraph.extend import CallFailed, ClientCredentials, Reply
from secgraph.outbound.attempts import Attempts
from secgraph.outbound.guard import Guard
from secgraph.outbound.waiting import Time

EARLY = 60.0
"""Seconds before its end at which a token is no longer used."""

UNSAID = 300.0
"""Seconds that a token is used for whose life nobody told."""

LONGEST = 86_400.0
LONGEST_TOKEN = 32_768


class Tokens:
    """The token of one application, for all of its calls."""

    def __init__(self, access: ClientCredentials, guard: Guard, attempts: Attempts, time: Time) -> None:
        self._access = access
        self._url = guard.expect(access.token_url)
        self._attempts = attempts
        self._time = time
        self._token = ""
        self._ends = 0.0
        self._fetching = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for a while. CallFailed says why there is none."""
        async with self._fetching:
            if not self._token or self._time.monotonic() >= self._ends:
                self._token = ""
                reply = await self._attempts.send(self._request)
                self._token, life = self._read(reply)
                self._ends = self._time.monotonic() + life - min(EARLY, life / 2)
            return self._token

    def forget(self, token: str) -> None:
        """Has the next call fetch another one, unless that happened already."""
        if token == self._token:
            self._token = ""

    def masked(self, text: str) -> str:
        """The text without the secret and the token."""
        for secret in (self._access.client_secret, self._token):
            text = text.replace(secret, "***") if secret else text
        return text

    async def _request(self) -> httpx.Request:
        access = self._access
        form = {**access.more, "grant_type": "client_credentials", "client_id": access.client_id,
                "client_secret": access.client_secret}  # fmt: skip
        if access.scope:
            form["scope"] = access.scope
        return httpx.Request("POST", self._url, data=form, headers={"accept": "application/json", "accept-encoding": "gzip"})

    def _read(self, reply: Reply) -> tuple[str, float]:
        """The token and for how many seconds it is good."""
        host = self._url.host
        try:
            value = msgspec.json.decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = None
        if not isinstance(value, dict):
            kind = reply.headers.get("content-type", "no type")[:60]
            raise CallFailed(
                f"{host} gave no token: it answered {reply.status} with something that is no JSON object ({kind})."
            )
        if reply.status != 200 or "error" in value:
            said = ": ".join(" ".join(str(value[name]).split()) for name in ("error", "error_description") if value.get(name))
            raise CallFailed(f"{host} gave no token: {self.masked(said)[:300] or f'it answered {reply.status}'}")
        token, kind = value.get("access_token"), value.get("token_type", "Bearer")
        if not isinstance(token, str) or not _sound(token):
            raise CallFailed(f"{host} gave no token: access_token is {_kind(token)} in its answer.")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise CallFailed(f"{host} gave a token of another type than Bearer.")
        life = _seconds(value.get("expires_in"))
        if life is None:
            raise CallFailed(f"{host} gave a token whose expires_in is {_kind(value['expires_in'])} and no number of seconds.")
        return token, life


def _sound(token: str) -> bool:
    """Whether it can be sent in a header."""
    return 0 < len(token) <= LONGEST_TOKEN and all("!" <= letter <= "~" for letter in token)


def _seconds(value: Any) -> float | None:
    """A life in seconds. Some send the number as text."""
    if value is None:
        return UNSAID
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:12])
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    return min(float(value), LONGEST)


def _kind(value: Any) -> str:
    words = {type(None): "missing", str: "a text that cannot be used", bool: "true or false", dict: "an object", list: "a list"}
    return words.get(type(value), "a number that cannot be used")
