"""How the Cloud Apps API is asked: alerts by when they were raised and by when they were closed; how they are closed there."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import (
    CallFailed,
    ClientCredentials,
    Headers,
    Mark,
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
from secgraph.sources.mcas_words import state
from secgraph.sources.microsoft_api import AGAIN, LOGIN, MOST_PAGES, fetched, refusal, shown

SCOPE = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default"
CALLS, SECONDS = 30, 60.0
SIZE = 100

OPTIONS = (
    Option("url", "where the API is: https://TENANT.REGION.portal.cloudappsecurity.com"),
    Option("token", "a token of the API, where no application is used", "", secret=True),
    Option("tenant_id", "the Entra tenant of the application: its id, or one of its domains", ""),
    Option("client_id", "the application (client) id that is registered there", ""),
    Option("client_secret", "its secret", "", secret=True),
    Option("login_url", "where its tokens come from", LOGIN),
    Option("scope", "what the token is asked for", SCOPE),
    Option("since", "how far back the first pull goes", "7d"),
    Option("overlap", "how much of what was read before is read again", "1h"),
)

LISTS = (("raised", "date", "timestamp"), ("closed", "resolutionDate", "resolved"))
"""The lists that are read: their marks, by what they are asked and sorted, and where a record says that. The date of an alert
is when it was raised, so one that was closed later is found by the second list only.
"""

CLOSING = {
    "falsePositive": ("close_false_positive", 4),
    "informationalExpectedActivity": ("close_benign", 4),
    "truePositive": ("close_true_positive", None),
}
"""The calls that close an alert, by its classification, with the reason that says no more than that ("other")."""

_ADDRESS = re.compile(r"(https://[A-Za-z0-9.\-:\[\]]+)(/[^?#\s]*)?", re.ASCII)
_TENANT = re.compile(r"[A-Za-z0-9.\-]{1,253}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CloudApps:
    """The API of one organisation."""

    url: str
    """Up to `/alerts`, without a slash at its end."""
    access: ClientCredentials | Headers
    first: int
    overlap: int

    def reach(self) -> Reach:
        """What may be called: this one host."""
        return Reach((_address("url", self.url)[0],), self.access, CALLS, SECONDS)


def told(options: Options) -> CloudApps:
    """The API that these options mean; UsageError names the one that is wrong."""
    origin, path = _address("url", options["url"])
    path = path or "/api/v1"
    url = origin + (path if path.endswith("/alerts") else f"{path}/alerts")
    return CloudApps(url, _access(options), span("since", options["since"]), span("overlap", options["overlap"]))


def _access(options: Options) -> ClientCredentials | Headers:
    token = options["token"].strip()
    names = ("tenant_id", "client_id", "client_secret")
    given = [name for name in names if options[name].strip()]
    if token and given:
        raise UsageError(f"token: {given[0]} is given too. Give a token or an application, not both.")
    if token:
        return Headers({"Authorization": f"Token {token}"})
    for name in names:
        if not options[name].strip():
            raise UsageError(f"{name}: it is empty. Give a token, or tenant_id, client_id and client_secret of an application.")
    tenant = options["tenant_id"].strip()
    if not _TENANT.fullmatch(tenant):
        raise UsageError(f"tenant_id: '{tenant[:80]}' is no tenant. Give its id or one of its domains.")
    login = "".join(_address("login_url", options["login_url"]))
    client, secret = options["client_id"].strip(), options["client_secret"].strip()
    return ClientCredentials(f"{login}/{tenant}/oauth2/v2.0/token", client, secret, options["scope"].strip())


def _address(name: str, url: str) -> tuple[str, str]:
    """Origin and path, which ends in no slash."""
    found = _ADDRESS.fullmatch(url.strip())
    if found is None:
        raise UsageError(f"{name}: '{url[:80]}' is no address. It begins with https:// and ends with a path at most.")
    return found[1].lower(), (found[2] or "").rstrip("/")


# --- lists --------------------------------------------------------------------------------------------------------------


class Page(msgspec.Struct):
    """A page of a list."""

    data: list[msgspec.Raw]
    more: bool = msgspec.field(name="hasNext", default=False)


class Stamp(msgspec.Struct):
    """Of a record, when it was raised and when it was closed."""

    timestamp: Any = None
    resolved: Any = msgspec.field(name="resolveTime", default=None)


_page = msgspec.json.Decoder(Page)
_stamp = msgspec.json.Decoder(Stamp)
BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


async def pull(api: CloudApps, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
    """What was raised, and what was closed, since that place."""
    kept: dict[str, Any] = dict(place)
    for name, asked, member in LISTS:
        mark = Mark.of(place, name, now, first=api.first, overlap=api.overlap)
        async for rows in _list(api, web, asked, mark.begin):
            for row in rows:
                mark.see(_instant(row, member))
            if rows:
                yield Pulled(rows)
        kept[name] = mark.told
        yield Pulled((), dict(kept))


async def _list(api: CloudApps, web: Web, asked: str, begin: int) -> AsyncIterator[Sequence[bytes]]:
    """The pages of a list, in the order in which alerts were raised. What comes in between moves the rest back: that is read
    twice, and nothing is passed over.
    """
    for number in range(MOST_PAGES):
        body = {
            "filters": {asked: {"gte": begin * 1000 // clock.SECOND}},
            "skip": number * SIZE,
            "limit": SIZE,
            "sortField": "date",  # what else it sorts by is its severity
            "sortDirection": "asc",
        }
        page = _page_of((await web.call("POST", f"{api.url}/", json=body)).good())
        yield [bytes(row) for row in page.data]
        if not page.more:
            return
        if not page.data:
            raise CallFailed(f"a list that does not end: page {number + 1} is empty and says that there are more")
    raise CallFailed(f"a list that does not end: {MOST_PAGES} pages of it were read")


def _page_of(body: bytes) -> Page:
    """The page, each record with the bytes it came in; CallFailed for what is none."""
    try:
        return _page.decode(body)
    except BROKEN as fault:
        return _mended(body, str(fault))


def _mended(body: bytes, fault: str) -> Page:
    """The same by a reader that lets half letters and words like NaN through: one such record does not keep back the others."""
    try:
        read = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise CallFailed(f"answered with what is no JSON: {shown(body)}") from None
    rows = read.get("data") if isinstance(read, dict) else None
    if not isinstance(rows, list):
        raise CallFailed(f"answered with what is no list ({fault}): {shown(body)}")
    return Page([msgspec.Raw(json.dumps(row).encode()) for row in rows], read.get("hasNext") is True)


def _instant(row: bytes, member: str) -> int | None:
    try:
        return instant_of(getattr(_stamp.decode(row), member))
    except BROKEN:
        return None  # the door says what is wrong with it


# --- changes ------------------------------------------------------------------------------------------------------------


async def write(api: CloudApps, web: Web, native_id: str, changes: Mapping[str, Any]) -> Written:
    """Closes an alert, or marks it as read or unread; says why where the product has no call for a change."""
    known = await read(api, web, native_id)
    if known is None:
        return Written(accepted=False, why="Defender for Cloud Apps does not know this alert.")
    status = changes.get("status", known["status"])
    verdict = changes.get("classification", known["classification"])
    comments = [words for words in changes.get("comments", ()) if words]
    closed = known["status"] == "resolved"
    if status != "resolved":
        if closed:
            return Written(accepted=False, why="Defender for Cloud Apps cannot open an alert again that was closed.")
        if changes.keys() != {"status"}:
            return Written(
                accepted=False, why="Defender for Cloud Apps takes a classification or comment only with the resolution."
            )
        return await _marked(api, web, native_id, "unread" if status == "new" else "read")
    if closed and verdict == known["classification"] and not comments:
        return Written(accepted=True)
    if verdict not in CLOSING:
        why = f"Defender for Cloud Apps closes an alert by a classification: resolve it with one of {', '.join(CLOSING)}."
        return Written(accepted=False, why=why)
    return await _closed(api, web, native_id, verdict, "\n".join(comments))


async def _marked(api: CloudApps, web: Web, native_id: str, mark: str) -> Written:
    reply = await _changed(web, f"{_one(api, native_id)}{mark}/", None)
    if not 200 <= reply.status < 300:
        return Written(accepted=False, why=refusal(reply))
    if reply.body.lstrip()[:1] not in (b"", b"{"):
        raise OutcomeUnknown(f"answered with what is no object: {shown(reply.body)}")
    return Written(accepted=True)


async def _closed(api: CloudApps, web: Web, native_id: str, verdict: str, comment: str) -> Written:
    call, reason = CLOSING[verdict]
    body: dict[str, Any] = {
        "filters": {"id": {"eq": [native_id]}},
        "comment": comment,
        "sendFeedback": False,
        "allowContact": False,
    }
    if reason is not None:
        body["reasonId"] = reason
    reply = await _changed(web, f"{api.url}/{call}/", body)
    if not 200 <= reply.status < 300:
        return Written(accepted=False, why=refusal(reply))
    try:
        said = msgspec.json.decode(reply.body)
    except BROKEN:
        said = None
    if not isinstance(said, dict):
        raise OutcomeUnknown(f"answered with what is no object: {shown(reply.body)}")
    # A miss is told in the body: the status is that of a success.
    missed = said.get("alertsNotFound")
    if missed:
        return Written(accepted=False, why="Defender for Cloud Apps does not know this alert.")
    if said.get(f"closed_{call.removeprefix('close_')}") != 1:
        return Written(accepted=False, why=f"Defender for Cloud Apps closed nothing: {shown(reply.body)}")
    return Written(accepted=True)


async def _changed(web: Web, url: str, body: Mapping[str, Any] | None) -> Reply:
    """What the product said of a change, if it said whether it was made."""
    reply = await web.call("POST", url, json=body, once=True)
    if reply.status in AGAIN:
        raise CallFailed(f"answered {refusal(reply)}")
    if reply.status >= 500:
        raise OutcomeUnknown(f"answered {refusal(reply)}")
    return reply


async def read(api: CloudApps, web: Web, native_id: str) -> Mapping[str, Any] | None:
    """Status, classification and comment of an alert now."""
    found = await fetched(web, _one(api, native_id))
    return None if found is None else state(found)


def _one(api: CloudApps, native_id: str) -> str:
    return f"{api.url}/{quote(native_id, safe='')}/"
