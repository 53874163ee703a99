"""A product's API whose answers stand in a table: `Canned` in place of the server's `Web`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from secgraph.errors import Fault
from secgraph.extend import CallFailed, Place, Pulls, Reply


@dataclass(frozen=True)
class Call:
    """What was asked."""

    method: str
    url: str
    """As it was given: a link bears its query."""
    params: Mapping[str, str] = field(default_factory=dict)
    """The query, wherever it was given."""
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    once: bool = False

    @property
    def place(self) -> str:
        """Method and address without the query."""
        return f"{self.method} {self.url.partition('?')[0]}"


Answer = Reply | Exception | bytes | int | dict[str, Any] | list[Any] | Callable[[Call], Any]
"""A reply; what is raised; a body (of an answer 200); a status without a body; a JSON value; or what makes one of these."""


def reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """A reply with a JSON value, or with bytes."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Reply(status, headers, body)


class Canned:
    """Answers from a table: `METHOD address`, with its query or without, to an answer, or to several that are given one after
    the other (the last one for ever). What is in no table is a fault of the test; a host that is none of `origins` is refused
    as the server's own `Web` refuses it.
    """

    def __init__(self, table: Mapping[str, Answer | Sequence[Answer]], *, origins: tuple[str, ...] = ()) -> None:
        self._table = {place: list(found) if isinstance(found, tuple) else [found] for place, found in table.items()}
        self._origins = origins
        self.calls: list[Call] = []

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
        """The answer that stands in the table."""
        parts = urlsplit(url)
        if self._origins and f"{parts.scheme}://{parts.netloc}" not in self._origins:
            raise CallFailed(f"{parts.netloc} is no host of this source")
        query = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **(params or {})}
        call = Call(method, url, query, json, dict(headers or {}), once)
        self.calls.append(call)
        answers = self._table.get(f"{method} {url}") or self._table.get(call.place)
        if answers is None:
            raise Fault(f"Nobody answers {method} {url}: it stands in no table.")
        answer: Any = answers.pop(0) if len(answers) > 1 else answers[0]
        return _made(answer(call) if callable(answer) else answer)

    def asked(self, name: str = "$filter") -> list[str | None]:
        """That option of every call."""
        return [call.params.get(name) for call in self.calls]


def _made(answer: Any) -> Reply:
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, Reply):
        return answer
    return Reply(answer, {}, b"") if isinstance(answer, int) else reply(answer)


@dataclass
class Pull:
    """What a pull gave: all records, and the place behind them; what broke it off, where something did."""

    records: list[bytes]
    place: Place
    failure: CallFailed | None = None
    notes: list[str] = field(default_factory=list)
    """What it said of itself while it went on."""

    @property
    def values(self) -> list[Any]:
        """The records, decoded."""
        return [json.loads(record) for record in self.records]

    def ids(self, name: str = "id") -> list[Any]:
        """The ids of the records."""
        return [value.get(name) for value in self.values]


async def pulled(source: Pulls, web: Canned, place: Place, now: int) -> Pull:
    """One pull, taken to its end or to where it breaks off."""
    found = Pull([], place)
    try:
        async for some in source.pull(web, place, now):
            found.records += some.records
            found.place = found.place if some.place is None else some.place
            found.notes += [some.note] if some.note else []
    except CallFailed as failure:
        found.failure = failure
    if json.loads(json.dumps(dict(found.place))) != found.place:
        raise Fault("A place is JSON, and this one does not come back as it was.")
    return found
