"""Carries changes of alerts to the products that own them, from a queue that outlives this process.

A change is marked before it is sent. So one that finds it marked, after a crash or a lost answer, asks the product first, and
sends only what is not there: nothing is lost, and no comment is there twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from secgraph import clock
from secgraph.consumers.readback import Said, takes
from secgraph.errors import UsageError
from secgraph.extend import CallFailed, OutcomeUnknown, WritesBack, Written
from secgraph.ingest.back import ACCEPTED, COMMENTS, PENDING, REFUSED, SUPERSEDED, UNKNOWN
from secgraph.ingest.feeds.feed import Feed
from secgraph.ingest.feeds.feeds import Feeds
from secgraph.ingest.pull import in_short
from secgraph.observe import ChangesDelayed, ChangesRefused, observe
from secgraph.outbound.waiting import Time, pause
from secgraph.outbound.ways import Ways
from secgraph.store.protocol import Fence, Store

if TYPE_CHECKING:
    from secgraph.outbound.web import Outside

MOST = 100
"""Alerts that one round is about."""

FIRST_PAUSE, LAST_PAUSE = 5.0, 900.0
"""Seconds until something that failed is tried again: at first, and at last."""

PATIENCE = 3 * clock.DAY
"""How long it is tried."""

UNDER_WAY = "it is being sent"
BEFORE = "it was refused before, and goes with the next change once more"


@dataclass(frozen=True, slots=True)
class Part:
    """One member of one change, or one comment."""

    number: int
    member: str
    part: int
    native: str
    value: Any
    begun: int
    state: int
    attempts: int
    done: int

    @property
    def key(self) -> tuple[int, str, int]:
        """What tells it from others of the alert."""
        return self.number, self.member, self.part


@dataclass(frozen=True, slots=True)
class _Task:
    """The changes of one alert, and how its product is reached."""

    feed: Feed
    alert: str
    source: WritesBack
    web: Outside
    fence: Fence


class Carrier:
    """Carries out what waits for one feed at a time."""

    def __init__(self, store: Store, feeds: Feeds, ways: Ways, time: Time) -> None:
        self._store = store
        self._feeds = feeds
        self._ways = ways
        self._time = time

    async def once(self, feed: Feed, fence: Fence) -> bool:
        """Carries what is due of a feed; False once its product gave no good answer, and the rest is left for later. Superseded
        where another process does so now.
        """
        due = await self._store.fetch("write_backs_due", tenant=feed.tenant, source=feed.name, now=self._time.now(), most=MOST)
        if not due:
            return True
        try:
            source = self._feeds.connector(feed)
            if not isinstance(source, WritesBack):
                return True
            web = await self._ways.way(feed.tenant, feed.name, feed.number, source.reach())
        except (CallFailed, UsageError) as fault:
            observe(ChangesDelayed(feed.tenant, feed.name, in_short(str(fault), feed, None)))
            return False
        for row in due:
            if not await self._alert(_Task(feed, row["alert"], source, web, fence)):
                return False
        return True

    async def _alert(self, task: _Task) -> bool:
        """Brings one alert up to date; whether its product could be asked."""
        parts = await self._parts(task)
        lost = [one for one in parts if one.state == UNKNOWN and not one.done]
        if lost and not await self._ask(task, lost):
            return False
        parts = await self._sorted_out(task, await self._parts(task) if lost else parts)
        wanted = [one for one in parts if not one.done]
        along = [one for one in parts if one.done]
        if not wanted:
            return True
        await self._run(task, "write_back_sent", [{"reason": UNDER_WAY, **_key(one)} for one in [*along, *wanted]])
        # What was overtaken in between is not marked, and not sent.
        open_now = {one.key for one in await self._parts(task) if one.state == UNKNOWN and not one.done}
        wanted, along = ([one for one in some if one.key in open_now] for some in (wanted, along))
        if not wanted:
            await self._tell(task, along, REFUSED, BEFORE)
            return True
        return await self._send(task, wanted, along)

    async def _parts(self, task: _Task) -> list[Part]:
        rows = await self._store.fetch("write_backs_open", tenant=task.feed.tenant, alert=task.alert, source=task.feed.name)
        return [Part(**{**row, "value": msgspec.json.decode(row["value"])}) for row in rows]

    async def _sorted_out(self, task: _Task, parts: list[Part]) -> list[Part]:
        """Those that are to be sent: of a member the last value, and none that the product does not take."""
        last = {one.member: one.number for one in parts}
        old = [one for one in parts if one.member != COMMENTS and one.number < last[one.member]]
        await self._tell(task, [one for one in old if not one.done], SUPERSEDED, "set again since")
        parts = [one for one in parts if one not in old]
        strange = [one for one in parts if one.member not in task.source.writes]
        fresh = [one for one in strange if not one.done]
        names = ", ".join({one.member: None for one in fresh})
        await self._refused(task, fresh, f"sources of the kind {task.feed.kind} carry no {names}")
        return [one for one in parts if one not in strange]

    async def _send(self, task: _Task, wanted: list[Part], along: list[Part]) -> bool:
        """Sends, together with what was refused before: some products take one member only with another."""
        failed = PENDING
        try:
            written = await self._written(task, [*along, *wanted])
            if not written.accepted and along:
                failed = UNKNOWN  # some of it may be there: no comment is to be sent twice
                there = await self._there(task, [*along, *wanted]) or []
                await self._tell(task, there, ACCEPTED, "")
                again = in_short(written.why, task.feed, task.web)
                await self._tell(task, [one for one in along if one not in there], REFUSED, again)
                along, wanted = [], [one for one in wanted if one not in there]
                if not wanted:
                    return True
                written = await self._written(task, wanted)
        except OutcomeUnknown as fault:
            return await self._later(task, [*along, *wanted], UNKNOWN, str(fault))
        except (CallFailed, UsageError) as fault:
            if failed == UNKNOWN:
                return await self._later(task, [*along, *wanted], UNKNOWN, str(fault))
            await self._tell(task, along, REFUSED, BEFORE)
            return await self._later(task, wanted, PENDING, str(fault))
        except (Exception, SystemExit, asyncio.CancelledError) as fault:
            if _ends(fault):
                raise
            return await self._later(task, [*along, *wanted], UNKNOWN, _broke(fault))
        if written.accepted:
            await self._tell(task, [*along, *wanted], ACCEPTED, "")
            return True
        return await self._ask(task, wanted, refused=written.why)

    @staticmethod
    async def _written(task: _Task, parts: Sequence[Part]) -> Written:
        parts = sorted(parts, key=lambda one: one.key)
        changes: dict[str, Any] = {one.member: one.value for one in parts if one.member != COMMENTS}
        if comments := [one.value for one in parts if one.member == COMMENTS]:
            changes[COMMENTS] = comments
        return await task.source.write(task.web, parts[-1].native, changes)

    async def _ask(self, task: _Task, parts: list[Part], refused: str | None = None) -> bool:
        """Asks the product what it says now. What is there was taken; what is not waits to be sent again, or was `refused`."""
        if refused is not None and len(parts) == 1:
            return await self._refused(task, parts, refused)
        try:
            there = await self._there(task, parts)
        except (CallFailed, UsageError) as fault:
            return await self._later(task, parts, UNKNOWN, refused or str(fault))
        except (Exception, SystemExit, asyncio.CancelledError) as fault:
            if _ends(fault):
                raise
            return await self._later(task, parts, UNKNOWN, _broke(fault))
        if there is None:
            return await self._refused(task, parts, refused or "the product does not know this alert")
        await self._tell(task, there, ACCEPTED, "")
        rest = [one for one in parts if one not in there]
        if refused is not None:
            return await self._refused(task, rest, refused)
        await self._tell(task, rest, PENDING, "the product was asked: it is not there")
        return True

    async def _there(self, task: _Task, parts: list[Part]) -> list[Part] | None:
        """Which of these the product says already; None where it does not know the alert."""
        found = await task.source.read(task.web, parts[-1].native)
        if found is None:
            return None
        said = Said(found, await self._counted(task, parts))
        return [one for one in parts if takes(said, one.member, one.value)]

    async def _counted(self, task: _Task, parts: list[Part]) -> Mapping[str, int]:
        """How often each of the comments was given before, and taken."""
        found: dict[str, int] = {}
        for one in parts:
            if one.member == COMMENTS and one.value not in found:
                [row] = await self._store.fetch(
                    "write_back_said", tenant=task.feed.tenant, alert=task.alert, member=COMMENTS,
                    value=msgspec.json.encode(one.value).decode(),
                )  # fmt: skip
                found[one.value] = row["times"]
        return found

    # -- what became of it

    async def _later(self, task: _Task, parts: list[Part], state: int, reason: str) -> bool:
        """They are tried again, unless that was done for long enough."""
        reason, now = in_short(reason, task.feed, task.web), self._time.now()
        observe(ChangesDelayed(task.feed.tenant, task.feed.name, reason))
        over = [one for one in parts if now - one.begun > PATIENCE]
        await self._tell(
            task,
            over,
            REFUSED if state == PENDING else state,
            f"gave up after {PATIENCE // clock.DAY} days: {reason}",
            done=True,
        )
        rest = [one for one in parts if one not in over]
        if rest:
            tried = max(one.attempts for one in rest) + 1
            wait = pause(tried, 0.5 + self._time.chance() / 2, first=FIRST_PAUSE, last=LAST_PAUSE)
            await self._tell(task, rest, state, reason, after=int(wait * clock.SECOND))
        return False

    async def _refused(self, task: _Task, parts: list[Part], reason: str) -> bool:
        if parts:
            reason = in_short(reason, task.feed, task.web)
            members = ", ".join({one.member: None for one in parts})
            observe(ChangesRefused(task.feed.tenant, task.feed.name, task.alert, members, reason))
            await self._tell(task, parts, REFUSED, reason)
        return True

    async def _tell(
        self, task: _Task, parts: list[Part], state: int, reason: str, *, after: int = 0, done: bool = False
    ) -> None:
        now = self._time.now()
        ended = done or state not in {PENDING, UNKNOWN}
        await self._run(task, "write_back_told", [
            {"state": state, "reason": reason, "next": now + after, "done": now if ended else 0, **_key(one)} for one in parts
        ])  # fmt: skip

    async def _run(self, task: _Task, statement: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            of = {"tenant": task.feed.tenant, "alert": task.alert}
            await self._store.run(*((statement, {**of, **row}) for row in rows), fence=task.fence)


def _key(one: Part) -> dict[str, Any]:
    return {"number": one.number, "member": one.member, "part": one.part}


def _broke(fault: BaseException) -> str:
    return f"The source itself broke: {type(fault).__name__}: {fault}"


def _ends(fault: BaseException) -> bool:
    """Whether it ends this task; what a source cancelled in itself is its own fault."""
    task = asyncio.current_task()
    return isinstance(fault, asyncio.CancelledError) and task is not None and bool(task.cancelling())
