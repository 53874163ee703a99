"""The server beside ours: uvicorn, one ASGI function, apsw. It knows no token, no query language and no model.

What it answers with is as long as what ours answers with: the same stored documents behind the same heads, which it
is given at its start. Reads run on the event loop; writes go through one thread that puts those that wait into one
transaction, as ours do. Its connections are opened by our own store, so that both sides have the same pragmas.
"""

from __future__ import annotations

import argparse
import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from secgraph.store.file import connect

PAGE = 50
GROUP = 512
"""Most waiting writes that share one transaction."""

TABLE = """
CREATE TABLE alerts (
  id TEXT NOT NULL, incident TEXT, severity TEXT NOT NULL, status TEXT NOT NULL, created TEXT NOT NULL, doc TEXT NOT NULL
);
CREATE UNIQUE INDEX alerts_id ON alerts (id);
CREATE INDEX alerts_newest ON alerts (created, id, severity, status);
CREATE INDEX alerts_severity ON alerts (severity, created, id, status);
CREATE INDEX alerts_status ON alerts (status, created, id, severity);
CREATE INDEX alerts_incident ON alerts (incident, created, id, severity, status);
"""
INSERT = "INSERT INTO alerts (id, incident, severity, status, created, doc) VALUES (?, ?, ?, ?, ?, ?)"
READ = "SELECT CAST(doc AS BLOB) FROM alerts WHERE id = ?"
UPDATE = "UPDATE alerts SET status = ?1, doc = json_set(doc, '$.status', ?1) WHERE id = ?2 RETURNING CAST(doc AS BLOB)"
ASSIGN = "UPDATE alerts SET doc = json_set(doc, '$.assignedTo', ?1) WHERE id = ?2 RETURNING CAST(doc AS BLOB)"
CONDITIONS = {"severity": "severity = ?", "status": "status = ?", "before": "created < ?", "after": "(created, id) < (?, ?)"}

Row = tuple[str, str | None, str, str, str, str]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Columns(msgspec.Struct):
    """The members of an alert that the table keeps in columns."""

    id: str
    severity: str
    status: str
    createdDateTime: str  # noqa: N815 -- the contract's word
    incidentId: str | None = None  # noqa: N815 -- the same


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


decode_columns = msgspec.json.Decoder(Columns).decode
decode_change = msgspec.json.Decoder(Change).decode


def row(document: str) -> Row:
    """The row of a document."""
    found = decode_columns(document)
    return found.id, found.incidentId, found.severity, found.status, found.createdDateTime, document


@dataclass(slots=True)
class _Job:
    text: str
    values: tuple[Any, ...]
    done: asyncio.Future[list[Any]]


class Writer:
    """One thread that writes; what waits shares a transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        threading.Thread(target=self._write_all, daemon=True).start()

    async def run(self, text: str, values: tuple[Any, ...]) -> list[Any]:
        """The rows a statement gives back, after its commit."""
        job = _Job(text, values, asyncio.get_running_loop().create_future())
        self._jobs.put(job)
        return await job.done

    def _write_all(self) -> None:
        connection = connect(self._path, write=True)
        while True:
            group = [self._jobs.get()]
            while len(group) < GROUP and not self._jobs.empty():
                group.append(self._jobs.get())
            connection.execute("BEGIN IMMEDIATE")
            answers = [connection.execute(job.text, job.values).fetchall() for job in group]
            connection.execute("COMMIT")
            group[0].done.get_loop().call_soon_threadsafe(_answer, group, answers)


def _answer(group: list[_Job], answers: list[list[Any]]) -> None:
    for job, rows in zip(group, answers, strict=True):
        if not job.done.done():
            job.done.set_result(rows)


class Bare:
    """The ASGI application."""

    def __init__(self, path: Path, heads: Heads) -> None:
        self._read = connect(path, write=False)
        self._writer = Writer(path)
        self._item, self._page, self._report = heads.item.encode(), heads.page.encode(), heads.report.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; 404 when the alert is not there."""
        body = await self._body(scope, receive)
        await send({"type": "http.response.start", "status": 404 if body is None else 200, "headers": [
            (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body or b"")),
        ]})  # fmt: skip
        await send({"type": "http.response.body", "body": body or b""})

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        _, what, *rest = scope["path"].split("/")
        if what == "get":
            return self._one(self._read.execute(READ, (rest[0],)).fetchall())
        if what == "page":
            where, values = _where(scope["query_string"])
            text = f"SELECT CAST(doc AS BLOB) FROM alerts WHERE {where} ORDER BY created DESC, id DESC LIMIT {PAGE}"
            return self._page + b",".join([document for (document,) in self._read.execute(text, values)]) + b"]}"
        if what == "count":
            where, values = _where(scope["query_string"])
            rows: list[Any] = self._read.execute(f"SELECT count(*) FROM alerts WHERE {where}", values).fetchall()
            return b"%d" % rows[0][0]
        if what == "patch":
            change = decode_change(await _whole(receive))
            text, value = (UPDATE, change.status) if change.status else (ASSIGN, change.assignedTo)
            return self._one(await self._writer.run(text, (value, rest[0])))
        await self._writer.run(INSERT, row((await _whole(receive)).decode()))
        return self._report

    def _one(self, rows: list[Any]) -> bytes | None:
        return self._item + rows[0][0][1:] if rows else None


def _where(query: bytes) -> tuple[str, list[str]]:
    """`severity=high&before=...` as a condition and its values."""
    parts = [part.split("=", 1) for part in query.decode().split("&")]
    return " AND ".join(CONDITIONS[name] for name, _ in parts), [value for _, text in parts for value in text.split(",")]


async def _whole(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


def main() -> None:
    """Serves until it is told to stop."""
    options = argparse.ArgumentParser()
    options.add_argument("--file", type=Path, required=True)
    options.add_argument("--heads", type=Path, required=True)
    options.add_argument("--port", type=int, required=True)
    given = options.parse_args()
    application = Bare(given.file, msgspec.json.decode(given.heads.read_bytes(), type=Heads))
    uvicorn.run(
        application, host="127.0.0.1", port=given.port, log_config=None, access_log=False, lifespan="off", http="httptools",
        loop="uvloop", server_header=False, backlog=2048, timeout_keep_alive=75, ws="none", proxy_headers=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
