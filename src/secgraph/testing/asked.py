"""What is wrong with how a source asks its product, and how it carries changes to it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from secgraph import clock
from secgraph.extend import SINCE, CallFailed, OutcomeUnknown, Place, Pulled, Pulls, Reply, Web, WritesBack, Written
from secgraph.model.choices import ALERTS
from secgraph.model.edm import EnumType, load

Api = Callable[[], Web]
"""Makes the product as it stands at the begin of a pull: canned answers, or a stand-in."""

MOST_CALLS = 30
"""At so many calls of a pull it is broken off, one after the other."""

MOST_PLACE = 65_536
WRITABLE = frozenset({"status", "assignedTo", "classification", "determination", "comments"})
BROKEN: tuple[Reply | Exception, ...] = (
    CallFailed("there is no answer"), Reply(500, {}, b"<html>"), Reply(200, {}, b""), Reply(200, {}, b"<html>Sign in</html>"),
    Reply(200, {}, b'{"value": [1'), Reply(200, {}, b"[" * 100_000), Reply(200, {}, b"\xff\xfe"),
)  # fmt: skip
"""What an answer may be that is none."""

DOUBTFUL: tuple[Reply, ...] = (Reply(500, {}, b"<html>"), Reply(200, {}, b"<html>Sign in</html>"))
"""Answers to a change after which nobody knows whether it was made: the product is to be asked before it is made again."""


class _Watched:
    """An API that answers its n-th call otherwise, and knows what was called."""

    def __init__(self, web: Web, at: int = -1, instead: Reply | Exception | None = None) -> None:
        self._web = web
        self._at = at
        self._instead = instead
        self.urls: list[str] = []
        self.once: list[bool] = []
        self.repeatable: list[str] = []

    async def call(self, method: str, url: str, **more: Any) -> Reply:
        self.urls.append(url)
        self.once.append(bool(more.get("once")))
        if not more.get("once") and method not in {"GET", "HEAD"}:
            self.repeatable.append(f"{method} {url}")
        if len(self.urls) - 1 == self._at and self._instead is not None:
            if isinstance(self._instead, Exception):
                raise self._instead
            return self._instead
        return await self._web.call(method, url, **more)


async def _pull(source: Pulls, web: Web, place: Place, now: int, parts: int = -1) -> tuple[set[bytes], Place, str]:
    """The records and the last place of a pull, left behind so many parts; and what is wrong with how it ended."""
    found: set[bytes] = set()
    try:
        async with aclosing(_generator(source.pull(web, place, now))) as pulled:
            async for one in pulled:
                found.update(one.records)
                place = place if one.place is None else one.place
                parts -= 1
                if parts == 0:
                    break
    except CallFailed as failed:
        return found, place, "" if str(failed) else "a CallFailed says nothing"
    except Exception as broke:  # noqa: BLE001 -- whatever it is, it is what is looked for
        return found, place, f"{type(broke).__name__} leaves pull: {str(broke)[:200]}"
    return found, place, ""


async def _generator(parts: AsyncIterator[Pulled]) -> AsyncGenerator[Pulled, None]:
    async for one in parts:
        yield one


def _place_faults(place: Place) -> Iterator[str]:
    try:
        text = json.dumps(dict(place))
    except (TypeError, ValueError) as fault:
        yield f"its place is no JSON: {fault}"
        return
    if json.loads(text) != place:
        yield "its place does not come back from JSON as it was"
    if len(text) > MOST_PLACE:
        yield f"its place has {len(text)} of {MOST_PLACE} characters"


def _reach_faults(source: Pulls | WritesBack) -> Iterator[str]:
    reach = source.reach()
    for origin in reach.origins:
        parts = urlsplit(origin)
        if parts.scheme != "https" or not parts.netloc or parts.path or parts.query or "@" in parts.netloc:
            yield f"it reaches {origin!r}: an origin is https://host[:port]"
    if not reach.origins:
        yield "it reaches no origin"
    if reach.calls < 1 or reach.seconds <= 0:
        yield f"it makes {reach.calls} calls in {reach.seconds} seconds"


def _strayed(source: Pulls | WritesBack, urls: list[str]) -> Iterator[str]:
    origins = {origin.casefold() for origin in source.reach().origins}
    for url in urls:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}".casefold() not in origins:
            yield f"it calls {url[:200]}, which is of none of its origins"


async def pull_faults(source: Pulls, api: Api, now: int) -> list[str]:
    """What is wrong with how a source pulls from a product that has some records. It is broken off at each call, in several
    ways, and behind each part: what the next pull brings has to make up for it.
    """
    faults = list(_reach_faults(source))
    if not source.every > 0:
        faults.append(f"it wants to be asked every {source.every} seconds")
    web = _Watched(api())
    whole, last, fault = await _pull(source, web, {}, now)
    if fault:
        return [*faults, f"a pull that nothing breaks off: {fault}"]
    if not whole:
        return [*faults, "the API that is given has no record: nothing can be said about pulling"]
    faults += [*_place_faults(last), *_strayed(source, web.urls)]
    if not last:
        faults.append("behind a whole pull it tells no place: each pull would begin anew")
    calls = len(web.urls)
    for at in range(min(calls, MOST_CALLS)):
        for instead in BROKEN:
            words = f"when call {at + 1} of {calls} {_said(instead)}"
            broken = _Watched(api(), at, instead)
            before, place, fault = await _pull(source, broken, {}, now)
            faults += [f"{words}: {one}" for one in (*([fault] if fault else []), *_strayed(source, broken.urls))]
            faults += await _resumed(source, api, place, whole - before, now, words)
    faults += await _left(source, api, whole, now)
    if fault := (await _pull(source, api(), last, now))[2]:
        faults.append(f"from the place behind it: {fault}")
    since = {SINCE: clock.text(now - 3650 * clock.DAY)}
    faults += await _resumed(source, api, since, whole, now, f"from {since}")
    strange: tuple[Place, ...] = (
        {SINCE: 5}, {SINCE: "yesterday"}, {"nobody": "knows"}, dict.fromkeys(last), {name: [{}] for name in last}
    )  # fmt: skip
    for odd in strange:
        _, place, fault = await _pull(source, api(), odd, now)
        faults += [f"from the place {odd}: {one}" for one in (*([fault] if fault else []), *_place_faults(place))]
    return [*dict.fromkeys(faults)]


async def _left(source: Pulls, api: Api, whole: set[bytes], now: int) -> list[str]:
    faults: list[str] = []
    for parts in range(1, MOST_CALLS):
        before, place, _ = await _pull(source, api(), {}, now, parts)
        faults += await _resumed(source, api, place, whole - before, now, f"left behind part {parts}")
        if before == whole:
            break
    return faults


async def _resumed(source: Pulls, api: Api, place: Place, missing: set[bytes], now: int, words: str) -> list[str]:
    """What the next pull has to bring, and does not."""
    after, _, fault = await _pull(source, api(), place, now)
    if fault:
        return [f"{words}, and on from there: {fault}"]
    lost = missing - after
    return [f"{words}, {len(lost)} records are lost, such as {min(lost)[:120]!r}"] if lost else []


def _said(instead: Reply | Exception) -> str:
    if isinstance(instead, Exception):
        return "fails"
    return f"is answered {instead.status} {instead.body[:20]!r}"


# --- carrying changes back --------------------------------------------------------------------------------------------------


async def write_faults(source: WritesBack, api: Api, native_id: str, changes: Mapping[str, Any]) -> list[str]:
    """What is wrong with how a source carries changes to a product that takes them and knows the alert."""
    faults = list(_reach_faults(source))
    if strange := sorted(source.writes - WRITABLE):
        faults.append(f"it writes {', '.join(strange)}: changes are of {', '.join(sorted(WRITABLE))}")
    web = _Watched(api())
    fault, written = await _write(source, web, native_id, changes)
    faults += [*([fault] if fault else []), *_strayed(source, web.urls)]
    faults += [f"{call} is not told to be made once, and would be repeated" for call in web.repeatable]
    if isinstance(written, CallFailed):
        faults.append(f"the change fails at the API that is given: {written}")
    elif written is not None and not written.accepted:
        faults.append(f"the API that is given refuses the change: {written.why}")
    for at in range(len(web.urls)):
        for instead in (*BROKEN, OutcomeUnknown("the answer was lost")):
            fault, made = await _write(source, _Watched(api(), at, instead), native_id, changes)
            words = f"when call {at + 1} {_said(instead)}"
            if fault:
                faults.append(f"{words}: {fault}")
            if isinstance(made, Written) and made.accepted and isinstance(instead, CallFailed):
                faults.append(f"{words}, the change is said to be accepted")
            if web.once[at] and instead in DOUBTFUL and not isinstance(made, OutcomeUnknown):
                faults.append(f"{words}, nobody knows whether the change was made: OutcomeUnknown says so")
    faults += await _read(source, api, native_id)
    return [*dict.fromkeys(faults)]


async def _write(
    source: WritesBack, web: Web, native_id: str, changes: Mapping[str, Any]
) -> tuple[str, Written | CallFailed | None]:
    """What is wrong with how it ended, and how."""
    try:
        written = await source.write(web, native_id, changes)
    except CallFailed as failed:
        return ("" if str(failed) else "a CallFailed says nothing"), failed
    except Exception as broke:  # noqa: BLE001 -- whatever it is, it is what is looked for
        return f"{type(broke).__name__} leaves write: {str(broke)[:200]}", None
    if not isinstance(written, Written):
        return f"write answers a {type(written).__name__}: Written", None
    return ("" if written.accepted or written.why else "a refusal says no reason"), written


async def _read(source: WritesBack, api: Api, native_id: str) -> list[str]:
    try:
        found = await source.read(api(), native_id)
    except CallFailed as failed:
        return [f"read fails where the product knows the alert: {failed}"]
    if found is None:
        return ["read finds nothing where the product knows the alert"]
    faults = [f"read tells {name}, which it does not write" for name in sorted(set(found) - source.writes)]
    for name, item in load().sets[ALERTS].type.properties.items():
        word = found.get(name)
        if isinstance(item.type, EnumType) and word is not None and word not in item.type.members:
            faults.append(f"read tells {name} = {word!r}, which is no word of the contract")
    if not isinstance(found.get("comments", []), list | tuple):
        faults.append("read tells comments that are no list of texts")
    return faults
