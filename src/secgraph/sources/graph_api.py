"""How alerts, incidents, secure scores and what Defender for Identity knows are asked of Microsoft Graph, and changes of alerts
carried back to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from secgraph.extend import Mark, Option, Place, Pulled, Record, Web, Written, instant_of, text
from secgraph.sources import graph_identities
from secgraph.sources.defender import CLASSIFICATIONS, DETERMINATIONS, STATUSES, objects, word
from secgraph.sources.microsoft_api import (
    Api,
    NotUnderstood,
    Withheld,
    carry,
    each,
    fetched,
    instant,
    linked,
    options,
    stamp,
    stamps,
)

URL = "https://graph.microsoft.com/v1.0"
SCOPE = "https://graph.microsoft.com/.default"
CALLS, SECONDS = 150, 60.0
PAGE = 200
MOST_INCIDENTS = 50
"""Most incidents that a page holds."""
SCORES_AGAIN = 6 * 3600 * 10_000_000
"""How long scores and control profiles are good, in ticks: there is one score a day."""

ACCOUNTS_AGAIN = SCORES_AGAIN
"""The same of accounts, of which there may be as many as an organisation has people; issues and sensors are few."""
REFUSED_AGAIN = 24 * 3600 * 10_000_000
"""How long it is taken for granted that the application may not read a list which it was refused."""

WHOLE = {
    "identityAccounts": (graph_identities.ACCOUNTS, ACCOUNTS_AGAIN, "SecurityIdentitiesAccount.Read.All"),
    "healthIssues": (graph_identities.ISSUES, 0, "SecurityIdentitiesHealth.Read.All"),
    "sensors": (graph_identities.SENSORS, 0, "SecurityIdentitiesSensors.Read.All"),
}
"""The lists that are read whole, since none can be asked by an update clock: where each is, how long what was read is good,
and the permission that it takes.
"""
PARTS = ("alerts", "incidents", "scores", *WHOLE)
LISTS = {"alerts": ("security/alerts_v2", {"$top": str(PAGE)}),
         "incidents": ("security/incidents", {"$top": str(MOST_INCIDENTS), "$expand": "alerts"})}  # fmt: skip
UPDATED = "lastUpdateDateTime"

OPTIONS: tuple[Option, ...] = (
    *options(URL, SCOPE),
    Option("parts", f"what is asked for: {', '.join(PARTS)}", ",".join(PARTS)),
)
NEWER = {"Prefer": "include-unknown-enum-members"}
"""Without it the newer products all call themselves unknownFutureValue."""
WORDS = {"status": STATUSES, "classification": CLASSIFICATIONS, "determination": DETERMINATIONS}
WRITES = ("status", "assignedTo", "classification", "determination")

_versions = stamps("id", UPDATED)
_made = stamps("id", "createdDateTime")


def pull(api: Api, parts: tuple[str, ...], web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
    """What is new of these parts."""

    def read(part: str) -> AsyncIterator[Pulled]:
        if part in WHOLE:
            return _whole(api, part, web, place, now)
        return _scores(api, web, place, now) if part == "scores" else _changed(api, part, web, place, now)

    return each(parts, read, place)


async def _changed(api: Api, part: str, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
    """What was updated since the mark of its list."""
    path, params = LISTS[part]
    mark = Mark.of(place, part, now, first=api.first, overlap=api.overlap)
    asked = {"$filter": f"{UPDATED} ge {mark.asked}", **params}
    async for records in linked(web, f"{api.url}/{path}", asked, NEWER):
        for record in records:
            mark.see(instant(stamp(record, _versions)))
        yield Pulled(records)
    yield Pulled((), {part: mark.told})


async def _scores(api: Api, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
    """Secure scores, newest first, as far back as their mark, and all control profiles. They have no update clock to ask by:
    they are asked for again when they may have changed.
    """
    if _within(place, "asked", now, SCORES_AGAIN):
        return
    mark = Mark.of(place, "scores", now, first=api.first, overlap=api.overlap)
    async with aclosing(linked(web, f"{api.url}/security/secureScores", {"$top": "10"})) as pages:
        async for records in pages:
            made = [instant(stamp(record, _made)) for record in records]
            for one in made:
                mark.see(one)
            yield Pulled(records)
            if any(one is not None and one < mark.begin for one in made):
                break
    async for records in linked(web, f"{api.url}/security/secureScoreControlProfiles", {}):
        yield Pulled(records)
    yield Pulled((), {"scores": mark.told, "asked": Mark(now, now, now).told})


async def _whole(api: Api, part: str, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
    """All that a list has. One that this application may not read, or that this cloud does not have, is no reason to fail:
    it is said, and asked for again in a day.
    """
    path, good, permission = WHOLE[part]
    refused = f"{part}Refused"
    if _within(place, refused, now, REFUSED_AGAIN) or _within(place, part, now, good):
        return
    begun = Mark(now, now, now).told
    try:
        async for records in linked(web, f"{api.url}/{path}", {}):
            yield Pulled(records)
    except (Withheld, NotUnderstood) as fault:
        said = f"{part} cannot be read, and the rest is: {fault}. It takes {permission}, or leave it out of the parts."
        yield Pulled((), {part: begun, refused: begun}, said)
        return
    yield Pulled((), {part: begun, **({refused: None} if refused in place else {})})


def _within(place: Place, name: str, now: int, ticks: int) -> bool:
    """Whether it is no longer ago than that, by what the place says."""
    said = place.get(name)
    last = instant_of(said) if isinstance(said, str) else None
    return last is not None and last <= now < last + ticks


def _alert(api: Api, native_id: str) -> str:
    return f"{api.url}/security/alerts_v2/{quote(native_id, safe='')}"


async def write(api: Api, web: Web, native_id: str, changes: Mapping[str, Any]) -> Written:
    """One PATCH for what changed, and one POST for each comment: Graph takes no comment in a PATCH."""
    url = _alert(api, native_id)
    body = {name: changes[name] for name in WRITES if name in changes}
    calls: list[tuple[str, str, Mapping[str, Any]]] = [("PATCH", url, body)] if body else []
    for words in changes.get("comments") or ():
        comment = {"@odata.type": "microsoft.graph.security.alertComment", "comment": words}
        calls.append(("POST", f"{url}/comments", comment))
    return await carry(web, calls)


async def read(api: Api, web: Web, native_id: str) -> Record | None:
    """What Graph says of those members now."""
    found = await fetched(web, _alert(api, native_id))
    if found is None:
        return None
    said: Record = {name: word(found.get(name), words) for name, words in WORDS.items()}
    said["assignedTo"] = text(found.get("assignedTo"))
    said["comments"] = [words for item in objects(found.get("comments")) if (words := text(item.get("comment"))) is not None]
    return said
