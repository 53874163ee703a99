"""POST /ingest/{source}: product webhooks and scripts hand in records here."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterable

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge.exchange import PLAIN_JSON, Answer, Asked
from secgraph.errors import BadBody, NotAllowed, NotFound, Refusal, UsageError
from secgraph.extend import Connector, source
from secgraph.ingest.door import Door
from secgraph.ingest.report import as_data
from secgraph.ingest.split import Piece, Unreadable, pieces

SMALL = 32 * 1024
"""Most bytes of a delivery that is read on the event loop: a handful of records, under a millisecond."""


class Push:
    """Takes deliveries over HTTP."""

    def __init__(self, door: Door, most: int, now: clock.Now) -> None:
        self._door = door
        self._most = most
        self._now = now

    async def take(self, asked: Asked, caller: Caller) -> Answer:
        """Takes a JSON array, NDJSON or log lines, and says what became of every record."""
        if asked.method != "POST":
            raise NotAllowed("Records are handed in with POST.", headers={"Allow": "POST"})
        if len(asked.segments) != 2:
            raise NotFound("Say which source the records are of: POST /ingest/{source}.")
        try:
            connector = source(asked.segments[1].lower())
        except UsageError as unknown:
            raise NotFound(str(unknown)) from None
        began = self._now()
        try:
            body = await self._body(asked, connector)
            found = _readable(body, connector, began) if len(body) <= SMALL else None
            if found is None:
                await asyncio.to_thread(_expect_a_record, pieces(io.BytesIO(body), connector, began))
        except Refusal as refused:
            await self._door.state(caller.tenant, connector, refused.status, began)
            raise
        if found is None:
            report = await self._door.take(caller.tenant, connector, io.BytesIO(body))
        else:
            report = await self._door.take_few(caller.tenant, connector, found, began)
        return Answer(body=json.dumps(as_data(report)).encode(), content_type=PLAIN_JSON)

    async def _body(self, asked: Asked, connector: Connector) -> bytes:
        """The body of a delivery, in which something may be read."""
        body = await asked.body(self._most)
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
