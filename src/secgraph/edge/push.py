"""POST /ingest/{source}: scripts hand in records here with a token, and products call the address of a webhook."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterable
from contextlib import suppress

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge.exchange import PLAIN_JSON, Answer, Asked
from secgraph.errors import BadBody, Busy, NotAllowed, NotFound, Refusal, TooLarge, Unauthenticated, UsageError
from secgraph.extend import Connector
from secgraph.ingest.door import Door
from secgraph.ingest.feeds.feed import Feed
from secgraph.ingest.feeds.feeds import Feeds
from secgraph.ingest.feeds.proof import EXPECTED, proves, signed
from secgraph.ingest.report import as_data
from secgraph.ingest.split import Piece, Unreadable, pieces

SMALL = 32 * 1024
"""Most bytes of a delivery that is read on the event loop: a handful of records, under a millisecond."""


UNKNOWN = 1024 * 1024
"""Most bytes that are read of a call to an address that is nobody's."""


class Push:
    """Takes deliveries over HTTP."""

    def __init__(self, door: Door, feeds: Feeds, most: int, now: clock.Now) -> None:
        self._door = door
        self._feeds = feeds
        self._most = most
        self._now = now

    async def take(self, asked: Asked, caller: Caller) -> Answer:
        """Takes a JSON array, NDJSON or log lines, and says what became of every record. The source is a configured one of the
        caller's tenant, or one of the kinds.
        """
        name = _last(asked).lower()
        try:
            feed = await self._feeds.known(caller.tenant, name)
            connector = self._feeds.kinds.source(name) if feed is None else self._connector(feed)
        except UsageError as unknown:
            raise NotFound(str(unknown)) from None
        return await self._take(caller.tenant, connector, asked, None)

    async def hooked(self, asked: Asked) -> Answer:
        """The same for what a product calls by itself. Nothing tells an address that is nobody's from a proof that is wrong."""
        feed = await self._feeds.hooked(_last(asked).lower())
        options = None if feed is None or feed.fault else feed.options
        data: bytes | None = None
        if options is None:
            with suppress(TooLarge):
                await asked.received(UNKNOWN)
        elif signed(options):
            data = await asked.received(self._most)
        if not proves(options, asked.headers, data or b"", self._now()) or feed is None:
            if feed is not None and feed.fault:
                self._door.health.failed(feed.tenant, feed.name, feed.fault)
            raise Unauthenticated("The call does not prove whose it is.", hint=EXPECTED)
        return await self._take(feed.tenant, self._connector(feed), asked, data)

    def _connector(self, feed: Feed) -> Connector:
        """What reads the records of a feed. Busy while it is to rest, or cannot be told what it was told."""
        if feed.paused:
            raise Busy(f"The source {feed.name} is paused.", hint="Send it again later.", headers={"Retry-After": "60"})
        try:
            return self._feeds.connector(feed)
        except UsageError as fault:
            self._door.health.failed(feed.tenant, feed.name, str(fault))
            raise Busy(f"The source {feed.name} cannot be used as it is configured.",
                       hint="Its health says why: secgraph source list.", headers={"Retry-After": "60"}) from None  # fmt: skip

    async def _take(self, tenant: int, connector: Connector, asked: Asked, data: bytes | None) -> Answer:
        """Takes a delivery, of which the body was read already or not."""
        began = self._now()
        try:
            body = _expect_text(await asked.body(self._most, data), connector)
            found = _readable(body, connector, began) if len(body) <= SMALL else None
            if found is None:
                await asyncio.to_thread(_expect_a_record, pieces(io.BytesIO(body), connector, began))
        except Refusal as refused:
            self._door.health.failed(tenant, connector.name, str(refused))
            await self._door.state(tenant, connector, refused.status, began)
            raise
        if found is None:
            report = await self._door.take(tenant, connector, io.BytesIO(body))
        else:
            report = await self._door.take_few(tenant, connector, found, began)
        return Answer(body=json.dumps(as_data(report)).encode(), content_type=PLAIN_JSON)


def _last(asked: Asked) -> str:
    """What a path names below /ingest."""
    if asked.method != "POST":
        raise NotAllowed("Records are handed in with POST.", headers={"Allow": "POST"})
    if len(asked.segments) != 2:
        raise NotFound("Say which source the records are of: POST /ingest/{source}.")
    return asked.segments[1]


def _expect_text(body: bytes, connector: Connector) -> bytes:
    """The body of a delivery, in which something may be read."""
    if not body.strip():
        raise BadBody("", "The body is empty.", hint="Send a JSON array, NDJSON, or log lines.")
    if connector.framing == "json" and body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in {b"{", b"["}:
        raise BadBody("", "The body is not JSON.", hint="Send a JSON array or one JSON object a line.")
    return body


def _readable(body: bytes, connector: Connector, received: int) -> list[Piece | Unreadable]:
    """The records of a body. BadBody when none can be read."""
    found = list(pieces(io.BytesIO(body), connector, received))
    _expect_a_record(found)
    return found


def _expect_a_record(found: Iterable[Piece | Unreadable]) -> None:
    """BadBody when nothing of a delivery can be read; then nothing is kept either, for the sender still has it."""
    first: Unreadable | None = None
    for piece in found:
        if not isinstance(piece, Unreadable):
            return
        first = first or piece
    if first is not None:
        raise BadBody(f"record {first.line}", f"{first.reason}.", hint="Send a JSON array or one JSON object a line.")
