"""POST /$batch: up to twenty requests in one, each authorised and answered by itself.

Inner URLs come relative to the version root with or without a slash, with a version, or absolute on this server's own
origin, as the SDKs send them. A request waits for those it depends on, and gets a 424 when one of them failed; all others
run side by side, so that their writes share a commit.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from secgraph.edge.envelope import envelope
from secgraph.edge.exchange import PLAIN_JSON, Answer, Asked, path_segments
from secgraph.errors import BadBody, Refusal
from secgraph.model.edm import VERSIONS

MOST = 20
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")

OF_THE_CONNECTION = frozenset({"authorization", "host", "connection", "content-length", "transfer-encoding", "accept-encoding"})
"""Headers that an inner request does not have of its own."""

Answering = Callable[[Asked], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class _Step:
    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    waits_for: tuple[str, ...]


async def run(asked: Asked, version: str, most_bytes: int, answering: Answering) -> Answer:
    """The answers of all inner requests, in the order they were asked. BadBody when the batch itself is not one."""
    asked.expect_json()
    try:
        given = msgspec.json.decode(await asked.body(most_bytes))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise BadBody("", f"The body is not JSON: {fault}.") from None
    steps = _steps(given)
    tasks: dict[str, asyncio.Task[_Told]] = {}

    async def carry_out(step: _Step) -> _Told:
        for name in step.waits_for:
            if (await tasks[name]).status >= 400:
                return _failed(asked, step, 424, f"Request '{name}', which this one depends on, failed.")
        return await _one(asked, version, step, answering)

    async with asyncio.TaskGroup() as group:
        for step in steps:
            # None of them runs before all are there: creating a task gives nothing away.
            tasks[step.id.casefold()] = group.create_task(carry_out(step))
    items = b", ".join(task.result().body for task in tasks.values())
    return Answer(body=b'{"responses": [' + items + b"]}", content_type=PLAIN_JSON)


# --- what was asked -----------------------------------------------------------------------------------------------------


def _steps(given: Any) -> list[_Step]:
    """The inner requests, checked; every id they depend on comes before them or after, but never in a circle."""
    requests = given.get("requests") if isinstance(given, dict) else None
    if not isinstance(requests, list) or not requests:
        raise BadBody("requests", "must be a list of requests.", hint='Each has "id", "method" and "url".')
    if len(requests) > MOST:
        raise BadBody("requests", f"holds {len(requests)} requests; {MOST} are taken at most.", hint="Send several batches.")
    steps: dict[str, _Step] = {}
    for place, item in enumerate(requests):
        step = _step(f"requests/{place}", item)
        if step.id.casefold() in steps:
            raise BadBody(f"requests/{place}/id", f"'{step.id[:60]}' is there twice; ids are compared without case.")
        steps[step.id.casefold()] = step
    for step in steps.values():
        for name in step.waits_for:
            if name not in steps:
                raise BadBody(f"requests/{step.id[:60]}/dependsOn", f"there is no request '{name[:60]}'.")
    _expect_no_circle(steps)
    return list(steps.values())


def _step(path: str, item: Any) -> _Step:
    if not isinstance(item, dict):
        raise BadBody(path, "must be an object.")
    name, method, url = (item.get(key) for key in ("id", "method", "url"))
    if not isinstance(name, str) or not name:
        raise BadBody(f"{path}/id", "must be text that is not empty.")
    if not isinstance(method, str) or method.upper() not in METHODS:
        raise BadBody(f"{path}/method", f"must be one of {', '.join(METHODS)}.")
    if not isinstance(url, str) or not url.strip():
        raise BadBody(f"{path}/url", "must be text that is not empty.")
    waits = [] if item.get("dependsOn") is None else item["dependsOn"]
    if not isinstance(waits, list) or not all(isinstance(one, str) for one in waits):
        raise BadBody(f"{path}/dependsOn", "must be a list of ids.")
    headers = {} if item.get("headers") is None else item["headers"]
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise BadBody(f"{path}/headers", "must be an object of texts.")
    headers = {str(key).lower(): value for key, value in headers.items()}
    return _Step(name, method.upper(), url, headers, _body(path, item, headers), tuple(one.casefold() for one in waits))


def _body(path: str, item: dict[str, Any], headers: dict[str, str]) -> bytes:
    body = item.get("body")
    if body is None:
        return b""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind:
        raise BadBody(f"{path}/headers", "must hold a Content-Type where there is a body.")
    if kind == "application/json" or kind.endswith("+json"):
        return msgspec.json.encode(body)
    if not isinstance(body, str):
        raise BadBody(f"{path}/body", "must be base64url text where it is not JSON.")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadBody(f"{path}/body", "is not base64url.") from None


def _expect_no_circle(steps: dict[str, _Step]) -> None:
    done: set[str] = set()
    while len(done) < len(steps):
        free = [name for name, step in steps.items() if name not in done and done.issuperset(step.waits_for)]
        if not free:
            waiting = ", ".join(step.id[:30] for name, step in steps.items() if name not in done)
            raise BadBody("requests", f"These wait for each other: {waiting}.", hint="Let dependsOn name earlier requests.")
        done.update(free)


# --- how it is answered -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """An inner answer, ready to be joined."""

    status: int
    body: bytes


async def _one(asked: Asked, version: str, step: _Step, answering: Answering) -> _Told:
    try:
        inner = _inner(asked, version, step)
    except Refusal as fault:
        return _failed(asked, step, fault.status, str(fault))
    return _told(step, await answering(inner))


def _inner(asked: Asked, version: str, step: _Step) -> Asked:
    """The inner request as if it had come by itself, with the caller's own token."""
    url = step.url.strip()
    if "://" in url.partition("?")[0]:
        if not url.lower().startswith((f"{asked.base.lower()}/", f"{asked.base.lower()}?")):
            raise BadBody("url", "names another server.", hint=f"Use a relative URL, or one below {asked.base}.")
        url = url[len(asked.base) :]
    path, _, query = url.partition("?")
    segments = path_segments(path.encode())
    if not segments or segments[0].lower() not in VERSIONS:
        segments = [version, *segments]
    if len(segments) > 1 and segments[1].lower() == "$batch":
        raise BadBody("url", "a batch inside a batch is not taken.")
    kept = {name.encode(): value.encode() for name, value in step.headers.items() if name not in OF_THE_CONNECTION}
    kept[b"authorization"] = asked.headers.get(b"authorization", b"")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": step.body, "more_body": False}

    # A query may come with blanks and quotes as typed; only what would end it is encoded.
    return Asked(step.method, asked.base, segments, query.replace("#", "%23").encode(), kept, asked.request_id,
                 asked.client_request_id, receive)  # fmt: skip


def _told(step: _Step, answer: Answer) -> _Told:
    """The inner answer as an item of the outer one. A JSON body goes in as its bytes are: twenty full pages are a lot to
    take apart only to put them together again.
    """
    kind = answer.content_type.decode()
    headers = {"Content-Type": kind}
    headers |= {name.decode().title(): value.decode("latin-1") for name, value in answer.headers if name != b"connection"}
    item = json.dumps({"id": step.id, "status": answer.status, "headers": headers}).encode()
    if not answer.body:
        return _Told(answer.status, item)
    as_json = kind.startswith("application/json")
    body = answer.body if as_json else json.dumps(base64.urlsafe_b64encode(answer.body).decode()).encode()
    return _Told(answer.status, b"".join((item[:-1], b', "body": ', body, b"}")))


def _failed(asked: Asked, step: _Step, status: int, message: str) -> _Told:
    code = "failedDependency" if status == 424 else "BadRequest"
    body = envelope(code, message, request_id=asked.request_id, client_request_id=asked.client_request_id)
    return _told(step, Answer(status, body, PLAIN_JSON))
