"""How the Management Activity API is asked: a subscription, lists of content by window, and each piece of content once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import CallFailed, Mark, Option, Options, Place, Pulled, Reply, Web, instant_of
from secgraph.sources import microsoft_api
from secgraph.sources.microsoft_api import MOST_PAGES, Api, refusal, shown

URL = "https://manage.office.com/api/v1.0"
SCOPE = "https://manage.office.com/.default"
CALLS, SECONDS = 2000, 60.0

CONTENT = {"audit.general": "Audit.General", "dlp.all": "DLP.All"}
"""The types of content in which alerts stand."""

OPTIONS = (
    *microsoft_api.options(URL, SCOPE, overlap="1h"),
    Option("content", "types of content, with commas between: Audit.General, DLP.All", "Audit.General"),
    Option("publisher", "the tenant by which calls are counted, where it is not tenant_id", ""),
)

WEEK, WINDOW = 7 * clock.DAY, clock.DAY
EDGE = 5 * 60 * clock.SECOND
"""So much less than a week is looked back, since clocks differ."""
STEP = 3600 * clock.SECOND
MOST_STEPS = 3
START_AGAIN = 15 * 60 * clock.SECOND
"""A subscription is not started more often than this."""
MOST_FETCHED = 5_000
"""Most pieces of content that are remembered. One that was forgotten is fetched again, which changes nothing."""

OFTEN = 50
"""After so many pieces of content it is told which were fetched."""

NO_SUBSCRIPTION = "AF20022"
ENABLED = "AF20024"
TOO_OLD = frozenset({"AF20030", "AF20055"})
GONE = frozenset({"AF20050", "AF20051"})
WANTED = frozenset({40, 64, 98})
"""Record types that are alerts. General content holds every other kind of record too, which is left where it is."""


@dataclass(frozen=True, slots=True)
class Activity:
    """The feed of one organisation."""

    api: Api
    feed: str
    content: tuple[str, ...]
    publisher: str


class Kind(msgspec.Struct):
    """Of a record, whether it is asked for."""

    RecordType: Any = None


class Piece(msgspec.Struct):
    """Of an entry of a list, where its content is."""

    id: str = msgspec.field(name="contentId")
    uri: str = msgspec.field(name="contentUri")
    created: Any = msgspec.field(name="contentCreated", default=None)


_rows = msgspec.json.Decoder(list[msgspec.Raw])
_kind = msgspec.json.Decoder(Kind)
BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def told(options: Options) -> Activity:
    """The feed that these options mean; UsageError names the one that is wrong."""
    api = microsoft_api.api(options)
    tenant, publisher = options["tenant_id"].strip(), options["publisher"].strip()
    named = [name.strip() for name in options["content"].split(",") if name.strip()]
    for name in named:
        if name.casefold() not in CONTENT:
            raise UsageError(f"content: '{name[:40]}' holds no alerts. Name some of: {', '.join(CONTENT.values())}.")
    if not named:
        raise UsageError(f"content: it is empty. Name some of: {', '.join(CONTENT.values())}.")
    content = tuple(dict.fromkeys(CONTENT[name.casefold()] for name in named))
    return Activity(api, f"{api.url}/{tenant}/activity/feed", content, publisher or tenant)


async def pull(activity: Activity, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
    """The alert records in all content that was made since that place."""
    failures: list[CallFailed] = []
    kept: dict[str, Any] = dict(place)
    for content in activity.content:
        reading = _Reading(activity, web, content, now, kept)
        try:
            async for pulled in reading.pull():
                yield pulled
        except CallFailed as fault:  # a permission that is missing for one keeps back none of the others
            failures.append(fault)
    if failures:
        raise failures[0]


@dataclass(slots=True)
class _Reading:
    """One type of content, read from its mark to now."""

    activity: Activity
    web: Web
    content: str
    now: int
    kept: dict[str, Any]
    """What the place holds, of every type."""
    fetched: dict[str, int] = field(default_factory=dict)
    """What was fetched, by a digest of its id, to when it was made, in seconds."""

    async def pull(self) -> AsyncIterator[Pulled]:
        mark = Mark.of(self.kept, self.content, self.now, first=self.activity.api.first, overlap=self.activity.api.overlap)
        self.fetched = _numbers(self.kept.get(f"fetched {self.content}"))
        start = max(mark.begin, self.now - WEEK + EDGE)
        while self.now - start >= clock.SECOND:
            end = min(start + WINDOW, self.now)
            pieces = await self._list(start, end)
            if pieces is None:
                yield Pulled((), await self._started())
                return
            for piece in pieces:
                made = instant_of(piece.created) if isinstance(piece.created, str) else None
                key = blake2b(piece.id.encode("utf-8", "replace"), digest_size=8).hexdigest()
                if key not in self.fetched:
                    records = await self._content(piece.uri)
                    self.fetched[key] = (made or self.now) // clock.SECOND
                    # Within a window the mark stays; what was fetched of it is told now and then.
                    told = len(self.fetched) % OFTEN == 0
                    if records or told:
                        yield Pulled(records, self._place(start) if told else None)
                mark.see(made)
            self.kept[self.content] = mark.told
            yield Pulled((), self._place(min(mark.highest, self.now) - self.activity.api.overlap))
            start = end

    def _place(self, oldest: int) -> Place:
        """The place, with what was fetched of the content that will be listed again."""
        since = oldest // clock.SECOND - 1
        recent = sorted((made, key) for key, made in self.fetched.items() if made >= since)[-MOST_FETCHED:]
        self.kept[f"fetched {self.content}"] = {key: made for made, key in recent}
        return dict(self.kept)

    # -- lists

    async def _list(self, start: int, end: int) -> list[Piece] | None:
        """What was made in a window, each once; None while there is no subscription."""
        for step in range(MOST_STEPS + 1):
            window = {"startTime": _text(start + step * STEP), "endTime": _text(end)}
            reply = await self._call(
                "GET", f"{self.activity.feed}/subscriptions/content", {"contentType": self.content, **window}
            )
            code = _code(reply)
            if code == NO_SUBSCRIPTION:
                return None
            # The product's clock may be ahead: what is a week old there cannot be listed any more.
            if code not in TOO_OLD or start > self.now - WEEK + STEP:
                return await self._pages(reply)
        raise CallFailed(f"answered {refusal(reply)} (is the clock of this machine right?)")

    async def _pages(self, reply: Reply) -> list[Piece]:
        found: dict[str, Piece] = {}
        followed: set[str] = set()
        while True:
            for piece in _pieces(_good(reply)):
                found.setdefault(piece.id, piece)
            link = reply.headers.get("nextpageuri", "").strip()
            if not link:
                return list(found.values())
            if link in followed or len(followed) >= MOST_PAGES:
                raise CallFailed(f"a list that does not end: {len(followed) + 1} pages of it were read")
            followed.add(link)
            reply = await self._call("GET", link, {})

    async def _content(self, uri: str) -> Sequence[bytes]:
        """The alert records of a piece of content; none where it is there no longer."""
        reply = await self._call("GET", uri, {})
        return () if _code(reply) in GONE else _records(_good(reply))

    async def _call(self, method: str, url: str, params: Mapping[str, str]) -> Reply:
        named = {} if "publisheridentifier=" in url.casefold() else {"PublisherIdentifier": self.activity.publisher}
        return await self.web.call(method, url, params={**params, **named})

    # -- the subscription

    async def _started(self) -> Place:
        """Starts the subscription, unless that was done a moment ago; its first content takes hours to come."""
        name = f"started {self.content}"
        before = self.kept.get(name)
        known = clock.ticks(before) if isinstance(before, str) else None
        if known is None or not known <= self.now < known + START_AGAIN:
            reply = await self._call("POST", f"{self.activity.feed}/subscriptions/start", {"contentType": self.content})
            if _code(reply) != ENABLED:
                _good(reply)
            self.kept[name] = clock.text(self.now)
        return dict(self.kept)


def _text(instant: int) -> str:
    """An instant as the API takes it, to the second."""
    return clock.text(instant)[:19]


def _code(reply: Reply) -> str:
    """The code of a refusal; empty for what is none."""
    if 200 <= reply.status < 300:
        return ""
    try:
        error = msgspec.json.decode(reply.body)
        code = error["error"]["code"] if "error" in error else error["code"]
    except (*BROKEN, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) else ""


def _good(reply: Reply) -> bytes:
    """The body of an answer; CallFailed with the product's own words, and what helps, for a refusal."""
    if 200 <= reply.status < 300:
        return reply.body
    hint = (
        " (grant the application ActivityFeed.Read, for DLP.All ActivityFeed.ReadDlp too)" if _code(reply) == "AF10001" else ""
    )
    raise CallFailed(f"answered {refusal(reply)}{hint}")


def _pieces(body: bytes) -> list[Piece]:
    try:
        rows = msgspec.json.decode(body) if body.strip() else []
    except BROKEN:
        rows = None
    if not isinstance(rows, list):
        raise CallFailed(f"answered with what is no list of content: {shown(body)}")
    found: list[Piece] = []
    for row in rows:
        try:
            found.append(msgspec.convert(row, Piece))
        except msgspec.ValidationError:
            raise CallFailed("answered with a list of content whose entries have no contentId and contentUri") from None
    return found


def _records(body: bytes) -> list[bytes]:
    """The records that may be alerts, each with its own bytes."""
    try:
        rows = [bytes(row) for row in _rows.decode(body)]
    except BROKEN:
        rows = _mended(body)
    return [row for row in rows if _wanted(row)]


def _mended(body: bytes) -> list[bytes]:
    """The same by a reader that lets half letters and words like NaN through: one such record does not keep back the others."""
    try:
        found = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise CallFailed(f"answered with content that is no list of records: {shown(body)}")
    return [json.dumps(row).encode() for row in found]


def _wanted(row: bytes) -> bool:
    try:
        return _kind.decode(row).RecordType in WANTED
    except (*BROKEN, TypeError):
        return True  # the door says what is wrong with it


def _numbers(value: Any) -> dict[str, int]:
    return {key: made for key, made in value.items() if isinstance(made, int)} if isinstance(value, dict) else {}
