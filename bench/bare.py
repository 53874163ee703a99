"""The server beside ours: uvicorn, one ASGI function, the database's own client. It knows no token, no query language and no
model.

What it answers with is as long as what ours answers with: the same stored documents behind the same heads, which it
is given at its start. What it asks its table stands in tables.py.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvicorn

from bench.tables import PAGE, Table, Where, opened, row

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Change(msgspec.Struct):
    """The body of a PATCH."""

    status: str = ""
    assignedTo: str = ""  # noqa: N815 -- the contract's word


class Heads(msgspec.Struct):
    """What our answers have before their documents."""

    item: str
    page: str
    report: str
    """The whole answer to one alert handed in."""


class Given(msgspec.Struct):
    """What a process of it is told, in the variable BENCH_BARE."""

    database: str
    heads: Heads


decode_change = msgspec.json.Decoder(Change).decode


class Bare:
    """The ASGI application."""

    def __init__(self, table: Table, heads: Heads) -> None:
        self._table = table
        self._item, self._page, self._report = heads.item.encode(), heads.page.encode(), heads.report.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; 404 when the alert is not there."""
        if scope["type"] == "lifespan":
            await receive()
            await self._table.open()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = await self._body(scope, receive)
        await send({"type": "http.response.start", "status": 404 if body is None else 200, "headers": [
            (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body or b"")),
        ]})  # fmt: skip
        await send({"type": "http.response.body", "body": body or b""})

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        _, what, *rest = scope["path"].split("/")
        if what == "get":
            return self._one(await self._table.one(rest[0]))
        if what == "page":
            documents = await self._table.page(_where(scope["query_string"]), PAGE)
            return self._page + b",".join(documents) + b"]}"
        if what == "count":
            return b"%d" % await self._table.count(_where(scope["query_string"]))
        if what == "patch":
            change = decode_change(await _whole(receive))
            name, value = ("status", change.status) if change.status else ("assignedTo", change.assignedTo)
            return self._one(await self._table.change(rest[0], name, value))
        await self._table.add(row((await _whole(receive)).decode()))
        return self._report

    def _one(self, document: bytes | None) -> bytes | None:
        return None if document is None else self._item + document[1:]


def _where(query: bytes) -> Where:
    """`severity=high,low&before=...` as names and their values; an empty one is every row."""
    parts = [part.split("=", 1) for part in query.decode().split("&")] if query else []
    return tuple((name, tuple(text.split(","))) for name, text in parts)


async def _whole(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


def application() -> Bare:
    """What each process serves."""
    given = msgspec.json.decode(os.environ["BENCH_BARE"], type=Given)
    return Bare(opened(given.database), given.heads)


def main() -> None:
    """Serves until it is told to stop."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--workers", type=int, required=True)
    given = options.parse_args()
    uvicorn.run(
        "bench.bare:application", factory=True, host="127.0.0.1", port=given.port, workers=given.workers, log_config=None,
        access_log=False, lifespan="on", http="httptools", loop="uvloop", server_header=False, backlog=2048,
        timeout_keep_alive=75, ws="none", proxy_headers=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
