"""How the APIs of Microsoft's security products are asked: tokens, pages, and changes that are carried back."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from secgraph.errors import UsageError
from secgraph.extend import (
    SINCE,
    CallFailed,
    ClientCredentials,
    Option,
    Options,
    OutcomeUnknown,
    Place,
    Pulled,
    Reach,
    Reply,
    Web,
    Written,
    instant_of,
    span,
)

LOGIN = "https://login.microsoftonline.com"
MOST_PAGES = 5_000
"""Most pages of one list in one pull. A list that has more does not end."""
MOST_STEPS = 200
"""How often a list that moves while it is read is gone back in."""
SHOWN = 300
AGAIN = frozenset({401, 408, 425, 429, 503})
"""Statuses by which nothing was done, and which may be another the next time: a token that ended, too many calls."""

_ADDRESS = re.compile(r"(https://[A-Za-z0-9.\-:\[\]]+)(/[^?#\s]*)?", re.ASCII)
_TENANT = re.compile(r"[A-Za-z0-9.\-]{1,253}", re.ASCII)


# --- of which organisation ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Api:
    """An API as one organisation uses it."""

    url: str
    """Without a slash at its end."""
    access: ClientCredentials
    first: int
    """How far back the first pull goes, in ticks."""
    overlap: int
    """How much of what was read before is read again, in ticks."""

    def reach(self, calls: int, seconds: float) -> Reach:
        """What may be called: this one host."""
        return Reach((_address("url", self.url)[0],), self.access, calls, seconds)


def options(url: str, scope: str, *, overlap: str = "10m") -> tuple[Option, ...]:
    """What such a source is told; `url` and `scope` are the published ones."""
    return (
        Option("tenant_id", "the Entra tenant: its id, or one of its domains"),
        Option("client_id", "the application (client) id that is registered there"),
        Option("client_secret", "its secret", secret=True),
        Option("url", "where the API is; another one for a national cloud", url),
        Option("login_url", "where its tokens come from", LOGIN),
        Option("scope", "what the token is asked for", scope),
        Option("since", "how far back the first pull goes", "7d"),
        Option("overlap", "how much of what was read before is read again", overlap),
    )


def api(told: Options) -> Api:
    """The API that these options mean; UsageError names the one that is wrong."""
    tenant = told["tenant_id"].strip()
    if not _TENANT.fullmatch(tenant):
        raise UsageError(f"tenant_id: '{tenant[:80]}' is no tenant. Give its id or one of its domains.")
    for name in ("client_id", "client_secret", "scope"):
        if not told[name].strip():
            raise UsageError(f"{name}: it is empty.")
    login = "".join(_address("login_url", told["login_url"]))
    access = ClientCredentials(
        f"{login}/{tenant}/oauth2/v2.0/token", told["client_id"].strip(), told["client_secret"].strip(), told["scope"].strip()
    )
    url = "".join(_address("url", told["url"]))
    return Api(url, access, span("since", told["since"]), span("overlap", told["overlap"]))


def parts(told: Options, every: tuple[str, ...]) -> tuple[str, ...]:
    """What is asked for; UsageError where the option `parts` names anything else, or nothing."""
    named = {part.strip() for part in told["parts"].split(",")} - {""}
    if not named or not named <= set(every):
        raise UsageError(f"parts: '{told['parts'][:80]}' is not a list of some of {', '.join(every)}.")
    return tuple(part for part in every if part in named)


async def each(names: Sequence[str], read: Callable[[str], AsyncIterator[Pulled]], place: Place) -> AsyncIterator[Pulled]:
    """What is read of these parts, one after the other, with the place of all: each moves marks of its own, so that one that
    fails keeps back none before it.
    """
    reached = dict(place)
    for name in names:
        async for some in read(name):
            if some.place is None:
                yield some
                continue
            reached.update(some.place)
            if reached.keys() >= set(names):
                reached.pop(SINCE, None)  # every part has begun there
            yield Pulled(some.records, dict(reached), some.note)


def known(api: Api | None) -> Api:
    """The API; UsageError where a source that was never told its options is to ask it."""
    if api is None:
        raise UsageError("This source was not told which tenant it is to ask: add it with its options first.")
    return api


def _address(name: str, url: str) -> tuple[str, str]:
    """Origin and path, which ends in no slash."""
    found = _ADDRESS.fullmatch(url.strip())
    if found is None:
        raise UsageError(f"{name}: '{url[:80]}' is no address. It begins with https:// and ends with a path at most.")
    return found[1].lower(), (found[2] or "").rstrip("/")


# --- lists --------------------------------------------------------------------------------------------------------------


class Page(msgspec.Struct):
    """A page of a list."""

    value: list[msgspec.Raw]
    next: str | None = msgspec.field(name="@odata.nextLink", default=None)


class Stamp(msgspec.Struct):
    """Of a record, what tells one version of it from another."""

    id: Any = None
    updated: Any = None


Stamps = msgspec.json.Decoder[Stamp]


def stamps(key: str, updated: str) -> Stamps:
    """What reads ids and update times that have these names."""
    names = {"id": key, "updated": updated}
    fields = [(name, Any, msgspec.field(name=native, default=None)) for name, native in names.items()]
    return msgspec.json.Decoder(msgspec.defstruct("Stamp", fields, bases=(Stamp,)))


def stamp(record: bytes, reader: Stamps) -> Stamp:
    """That of a record; an empty one of what is no object: the door says of it what is wrong."""
    try:
        return reader.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Stamp()


def instant(found: Stamp) -> int | None:
    """Its update time in ticks."""
    return instant_of(found.updated) if isinstance(found.updated, str) else None


_page = msgspec.json.Decoder(Page)


def page_of(body: bytes) -> Page:
    """The page, each record with the bytes it came in; CallFailed for what is none."""
    try:
        return _page.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        return _mended(body, str(fault))


def _mended(body: bytes, fault: str) -> Page:
    """The same by a reader that lets half letters and words like NaN through: one such record does not keep back the others."""
    try:
        read = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise CallFailed(f"answered with what is no JSON: {shown(body)}") from None
    rows = read.get("value") if isinstance(read, dict) else None
    link = read.get("@odata.nextLink") if isinstance(read, dict) else None
    if not isinstance(rows, list) or not isinstance(link, str | None):
        raise CallFailed(f"answered with what is no list ({fault}): {shown(body)}")
    return Page([msgspec.Raw(json.dumps(row).encode()) for row in rows], link)


def shown(body: bytes) -> str:
    """How an answer begins, in one line."""
    return " ".join(body[:SHOWN].decode("utf-8", "replace").split())


class NotUnderstood(CallFailed):
    """The product does not take the question, such as a filter on a member that it cannot filter by."""


class Withheld(CallFailed):
    """There is no such list for this application: it may not read it, or this cloud does not have it."""


async def linked(
    web: Web, url: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Sequence[bytes], None]:
    """The pages of a list that says itself where the next one is. Its links are followed as they are."""
    reply = await web.call("GET", url, params=params, headers=headers)
    if reply.status == 400:
        raise NotUnderstood(f"answered {refusal(reply)}")
    if reply.status in {403, 404}:
        raise Withheld(f"answered {refusal(reply)}")
    page = page_of(reply.good())
    followed: set[str] = set()
    while True:
        yield [bytes(row) for row in page.value]
        if page.next is None:
            return
        if page.next in followed:
            raise CallFailed(f"a list that does not end: page {len(followed) + 1} links to one that was read")
        if len(followed) >= MOST_PAGES:
            raise CallFailed(f"a list that does not end: {MOST_PAGES} pages of it were read")
        followed.add(page.next)
        page = page_of((await web.call("GET", page.next, headers=headers)).good())


async def skipping(web: Web, url: str, params: Mapping[str, str], size: int, reader: Stamps) -> AsyncIterator[Sequence[bytes]]:
    """The pages of a list in which places are counted ($skip). It may move while it is read, and its order cannot be asked for:
    so each page begins with the last row of the one before. Where none of its rows was read before, rows have gone from
    further up, and it is gone back in until one is. What is read twice is given once.
    """
    read: set[tuple[str, str]] = set()
    at = steps = 0
    shared = 1  # rows that a page has in common with the one before; more of them in a list that moves a lot
    for _ in range(MOST_PAGES):
        page = page_of((await web.call("GET", url, params={**params, "$top": str(size), "$skip": str(at)})).good())
        rows = [bytes(row) for row in page.value]
        known = [_version(row, reader) for row in rows]
        if at and read.isdisjoint(known):
            steps += 1
            if steps > MOST_STEPS:
                raise CallFailed("its list changes faster than it can be read")
            shared = min(shared * 8, size // 2)
            at = max(0, at - size // 2)
            continue
        yield [row for row, key in zip(rows, known, strict=True) if key not in read]
        read.update(known)
        if not rows or (len(rows) < size and page.next is None):
            return
        at += max(1, len(rows) - shared)
    raise CallFailed(f"a list that does not end: {MOST_PAGES} pages of it were read")


def _version(row: bytes, reader: Stamps) -> tuple[str, str]:
    """What tells a row, and one version of it, from every other; a row without an id is told by all that is in it."""
    found = stamp(row, reader)
    return (str(found.id), str(found.updated)) if found.id is not None else ("", row.decode("latin-1"))


# --- changes ------------------------------------------------------------------------------------------------------------


def refusal(reply: Reply) -> str:
    """Why a product refused, in its own words where it has any."""
    try:
        error = msgspec.json.decode(reply.body)["error"]
        code, words = error["code"], error["message"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError, IndexError):
        code, words = "", shown(reply.body)
    return " ".join(f"{reply.status} {code}: {words}".split())[:SHOWN]


async def carry(web: Web, calls: Sequence[tuple[str, str, Mapping[str, Any]]]) -> Written:
    """Carries out calls (method, address, body), one after the other, and says what became of them. Once one was carried out, a
    failure of the next leaves the outcome unknown: what is there already must not be done again.
    """
    for done, (method, url, body) in enumerate(calls):
        try:
            reply = await _changed(web, method, url, body)
        except OutcomeUnknown:
            raise
        except CallFailed as fault:
            if done:
                raise OutcomeUnknown(f"{done} of {len(calls)} calls were carried out: {fault}") from fault
            raise
        if not 200 <= reply.status < 300:
            part = f"{done} of {len(calls)} calls were carried out; then " if done else ""
            return Written(accepted=False, why=f"{part}{refusal(reply)}")
    return Written(accepted=True)


async def _changed(web: Web, method: str, url: str, body: Mapping[str, Any]) -> Reply:
    """What a product said of a change, if it said whether it was made."""
    reply = await web.call(method, url, json=body, once=True)
    if reply.status in AGAIN:
        raise CallFailed(f"answered {refusal(reply)}")
    if reply.status >= 500:
        raise OutcomeUnknown(f"answered {refusal(reply)}")
    if reply.status < 300 and reply.body.lstrip()[:1] not in (b"", b"{"):
        # A page for people, of something that stands before the product: who knows whether it came that far.
        raise OutcomeUnknown(f"answered {reply.status} with what is no object: {shown(reply.body)}")
    return reply


async def fetched(web: Web, url: str) -> dict[str, Any] | None:
    """One object; None where there is none."""
    reply = await web.call("GET", url)
    if reply.status == 404:
        return None
    body = reply.good()
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CallFailed(f"answered with what is no object: {shown(body)}")
    return found
