"""Trying again: what may be sent once more, when, and how often."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import httpx

from secgraph.extend import CallFailed, OutcomeUnknown, Reply
from secgraph.outbound.exchange import Exchange, Lost
from secgraph.outbound.waiting import Time, pause, told_to_wait

TRIES = 5
"""How often something is sent at most."""

LONGEST_WAIT = 900.0
"""Seconds that a product may ask to be left alone for; where it asks for more, the call fails and the next pull tries again."""

BUSY = frozenset({429, 503})
AGAIN = frozenset({429, 500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Rate:
    """Lets so many through in so many seconds, wherever these begin."""

    def __init__(self, calls: int, seconds: float, time: Time) -> None:
        self._past: deque[float] = deque(maxlen=max(1, calls))
        self._seconds = seconds
        self._time = time
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Waits until one more may go."""
        async with self._turn:
            if len(self._past) == self._past.maxlen:
                while (wait := self._past[0] + self._seconds - self._time.monotonic()) > 0:
                    await self._time.sleep(wait)
            self._past.append(self._time.monotonic())


class Attempts:
    """Sends a request until it is answered."""

    def __init__(self, exchange: Exchange, time: Time) -> None:
        self._exchange = exchange
        self._time = time

    async def send(self, make: Callable[[], Awaitable[httpx.Request]], *, once: bool = False) -> Reply:
        """An answer that is no reason to try again. CallFailed where there is none after some tries.

        `once`: what may have been carried out is not sent again, but OutcomeUnknown. A 429 says that it was not.
        """
        for number in range(1, TRIES + 1):
            request = await make()
            host = request.url.host
            try:
                reply = await self._exchange.send(request, fresh=once)
            except Lost as lost:
                if once and lost.sent:
                    raise OutcomeUnknown(f"{lost} Whether it carried the call out is not known.") from None
                if not lost.again or number == TRIES:
                    raise
                await self._time.sleep(pause(number, self._time.chance()))
                continue
            if reply.status in REDIRECTS:
                raise CallFailed(f"{host} answered {reply.status}: it sends callers elsewhere, and redirects are not followed.")
            if reply.status not in AGAIN:
                return reply
            if once and reply.status != 429:
                raise OutcomeUnknown(f"{host} {_said(reply)} Whether it carried the call out is not known.")
            wait = told_to_wait(reply.headers, self._time.now()) if reply.status in BUSY else None
            if wait is not None and wait > LONGEST_WAIT:
                raise CallFailed(f"{host} answered {reply.status}: it is not to be called again for {wait:.0f} s.")
            if number < TRIES:
                await self._time.sleep(pause(number, self._time.chance()) if wait is None else wait)
        raise CallFailed(f"{host} {_said(reply)} That was the answer to {TRIES} tries.")


def _said(reply: Reply) -> str:
    """A sentence of an answer, without the name of who gave it."""
    try:
        reply.good()
    except CallFailed as failed:
        return f"{str(failed).rstrip('.')}."
    return f"answered {reply.status}."
