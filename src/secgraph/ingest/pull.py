"""Asks products for what is new, and remembers where it came to.

Records are committed before the place behind them is. So a pull that is cut off anywhere goes on from the last place, and what
it took in already comes once more and changes nothing: nothing is lost, and nothing is there twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secgraph import clock
from secgraph.errors import Refusal, Superseded, UsageError
from secgraph.extend import CallFailed, Connector, Place, Pulls, Reply, Web
from secgraph.ingest.door import Door
from secgraph.ingest.feeds.feed import Feed
from secgraph.ingest.feeds.feeds import Feeds
from secgraph.observe import PullFailed, PullIncomplete, SourceBroke, observe
from secgraph.outbound.ways import Ways
from secgraph.store.protocol import Fence

if TYPE_CHECKING:
    from secgraph.outbound.web import Outside

MOST_PAGES = 10_000
"""Most parts that one pull has. What a product has more of is asked for by the next one, from the last place."""

MOST_ALIKE = 100
"""How often a call may be answered in the same way within one pull, such as by a search that is still under way."""

MOST_PLACE = 262_144
"""Most characters of a place: one that remembers what was read of a busy week is long."""

MOST_REASON = 500
SHORTEST_SECRET = 4

USUAL_SECONDS = 60.0
"""Between two pulls, where a source cannot be asked how often it wants to be."""


class Puller:
    """Asks one feed at a time; what is wrong with a product ends one pull of one feed, and nothing else."""

    def __init__(self, door: Door, feeds: Feeds, ways: Ways, now: clock.Now, most: int = MOST_PAGES) -> None:
        self._door = door
        self._feeds = feeds
        self._ways = ways
        self._now = now
        self._most = most
        self._health = door.health

    def every(self, feed: Feed) -> float:
        """Seconds from one pull of a feed to the next."""
        if feed.every is not None:
            return float(feed.every)
        try:
            return max(1.0, float(getattr(self._feeds.connector(feed), "every", USUAL_SECONDS)))
        except Exception:  # noqa: BLE001 -- the pull says what is wrong
            return USUAL_SECONDS

    async def once(self, feed: Feed, fence: Fence) -> bool:
        """Asks a feed's product for what is new; whether that came to its end. Superseded where another process does so now."""
        way: Outside | None = None
        broke: BaseException | None = None
        self._health.asked(feed.tenant, feed.name)
        try:
            connector = self._feeds.connector(feed)
            asked = _expect_asked(feed, connector)
            way = await self._ways.way(feed.tenant, feed.name, feed.number, asked.reach())
            await self._pull(feed, connector, asked, way, fence)
        except Superseded:
            raise
        except (CallFailed, Refusal, UsageError) as fault:
            reason = str(fault)
        except (Exception, SystemExit, asyncio.CancelledError) as fault:
            task = asyncio.current_task()
            if isinstance(fault, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            broke = fault
            reason = f"The source itself broke: {type(fault).__name__}: {fault}"
        else:
            self._health.taken(feed.tenant, feed.name)
            return True
        self._tell(feed, in_short(reason, feed, way), broke)
        return False

    async def forget(self, feed: Feed) -> None:
        """Closes what is open of a feed that is not asked any more."""
        await self._ways.forget(feed.tenant, feed.name)

    async def _pull(self, feed: Feed, connector: Connector, asked: Pulls, way: Outside, fence: Fence) -> None:
        began, place = self._now(), await self._feeds.place(feed)
        web = _Watched(way)
        door = self._door.behind(fence)
        parts = asked.pull(web, place, began)
        count = 0
        try:
            async for pulled in parts:
                count += 1
                if count > self._most:
                    raise CallFailed(f"There were more than {self._most} pages; the next pull goes on from the last place.")
                if pulled.records:
                    web.expect_another()
                    await door.take_records(feed.tenant, connector, pulled.records, began)
                if pulled.note:
                    self._note(feed, in_short(pulled.note, feed, way))
                if pulled.place is not None:
                    reached = not_ahead(pulled.place, place, self._now())
                    if len(json.dumps(reached)) > MOST_PLACE:
                        raise CallFailed(f"The place it goes on from is longer than {MOST_PLACE} characters.")
                    if reached != place:
                        await self._feeds.keep_place(feed, reached, fence=fence)
                        place = reached
        finally:
            close = getattr(parts, "aclose", None)
            if close is not None:
                await close()

    def _note(self, feed: Feed, reason: str) -> None:
        observe(PullIncomplete(feed.tenant, feed.name, reason))
        self._health.noted(feed.tenant, feed.name, reason)

    def _tell(self, feed: Feed, reason: str, broke: BaseException | None) -> None:
        fact = PullFailed if broke is None else SourceBroke
        observe(fact(feed.tenant, feed.name, reason), failure=broke)
        self._health.failed(feed.tenant, feed.name, reason)


def _expect_asked(feed: Feed, connector: Connector) -> Pulls:
    if not isinstance(connector, Pulls):
        raise UsageError(f"Sources of the kind {feed.kind} cannot be asked for records.")
    return connector


class _Watched:
    """The way out of one pull, which sees when it is led in a circle."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._last = b""
        self._alike: Counter[bytes] = Counter()
        self._pages: set[bytes] = set()

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
        """What the product answered."""
        reply = await self._web.call(method, url, json=json, params=params, headers=headers, once=once)
        self._last = _digest(method, url, params, json, reply.body)
        self._alike[self._last] += 1
        if self._alike[self._last] > MOST_ALIKE:
            raise CallFailed(f"The same call was answered in the same way {MOST_ALIKE} times; the pull ended there.")
        return reply

    def expect_another(self) -> None:
        """CallFailed where the records that come now are of a page that there was already."""
        if not self._last:
            return  # further records of the same answer
        if self._last in self._pages:
            raise CallFailed("The next page led back to one that there was already; the pull ended there.")
        self._pages.add(self._last)
        self._last = b""


def _digest(*parts: Any) -> bytes:
    made = hashlib.sha256()
    for part in parts:
        text = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, default=str).encode()
        made.update(len(text).to_bytes(8, "big") + text)
    return made.digest()


def not_ahead(reached: Place, former: Place, now: int) -> dict[str, Any]:
    """The place, with no instant in it that is still to come: a product's record may say that it is of next year, and what
    comes until then would be passed over. An instant stays where it was before, should our own clock have been set back.
    """
    return {name: _at_most(value, former.get(name), now) for name, value in reached.items()}


def _at_most(value: Any, former: Any, now: int) -> Any:
    instant = _instant(value)
    if instant is None or instant <= now:
        return value
    before = _instant(former)
    if before is None or before <= now:
        return clock.text(now)
    return former if instant > before else value


def _instant(value: Any) -> int | None:
    return clock.ticks(value, zone=None) if isinstance(value, str) and len(value) < 64 else None


def in_short(reason: str, feed: Feed, way: Outside | None) -> str:
    """A reason in one line, without anything secret in it."""
    for name in feed.secrets:
        secret = feed.options.get(name, "")
        if len(secret) >= SHORTEST_SECRET:
            reason = reason.replace(secret, "***")
    reason = way.masked(reason) if way is not None else reason
    return " ".join(reason.split())[:MOST_REASON]
