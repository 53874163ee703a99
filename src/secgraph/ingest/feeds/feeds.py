"""The feeds of all tenants: read, added, changed and removed. What is secret of them lies sealed in the database."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from secgraph import clock
from secgraph.errors import Conflict, UsageError
from secgraph.extend import Connector, Place
from secgraph.ingest.feeds.feed import HOOK, Feed, Road
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.ingest.recipe import called
from secgraph.seal import OtherKey, Seal
from secgraph.store.protocol import Fence, Store
from secgraph.store.registry import FRESH_SECONDS, Tenant

SHORTEST, LONGEST = 1, 7 * 86_400
"""Seconds between two pulls."""

MOST = 65_536
"""Most characters of all that a feed is told."""


NONE: Mapping[tuple[int, str], Feed] = {}


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of a feed. None, and an option that is left out, stay as they are; an empty option is taken back."""

    options: Mapping[str, str]
    road: str | None = None
    every: int | None = None
    silence: int | None = None
    paused: bool | None = None


class Feeds:
    """Reads and changes feeds. UsageError says what the person at the command line can do.

    `seal` gives the seal, and is told whether its key may be made; it is asked only where something secret is there.
    """

    def __init__(self, store: Store, seal: Callable[[bool], Seal], now: clock.Now, kinds: Kinds | None = None) -> None:
        self._store = store
        self._seal = seal
        self._now = now
        self.kinds = kinds or Kinds()
        self._read = -FRESH_SECONDS * clock.SECOND
        self._kept: dict[tuple[int, str], Feed] = {}
        self._hooks: dict[str, Feed] = {}
        self._made: dict[tuple[int, str], tuple[int, Connector]] = {}
        self._doors: dict[int, tuple[str, ...]] = {}

    # -- reading

    async def all(self) -> list[Feed]:
        """The feeds of every tenant as they are now."""
        now, former = self._now(), self._kept
        found = [self._feed(row, former) for row in await self._store.fetch("sources")]
        self._kept = {(one.tenant, one.name): one for one in found}
        self._hooks = {one.hook: one for one in found if one.hook}
        self._made = {key: made for key, made in self._made.items() if key in self._kept}
        self._doors = self._ordered(found)
        self._read = now
        return found

    async def of(self, tenant: int) -> list[Feed]:
        """The feeds of a tenant by name, as they are now."""
        return [self._feed(row) for row in await self._store.fetch("sources_of", tenant=tenant)]

    async def feed(self, tenant: int, name: str) -> Feed:
        """The feed of that name, as it is now; a UsageError that lists the names when there is none."""
        found = await self._store.fetch("source", tenant=tenant, name=name)
        if not found:
            names = ", ".join(one.name for one in await self.of(tenant))
            raise UsageError(f"There is no source '{name[:80]}'. " + (f"There are: {names}." if names else
                             "None is configured: secgraph source add KIND."))  # fmt: skip
        return self._feed(found[0])

    async def known(self, tenant: int, name: str) -> Feed | None:
        """The feed of that name as it was at most two seconds ago; None when there is none."""
        await self._fresh()
        return self._kept.get((tenant, name))

    async def hooked(self, hook: str) -> Feed | None:
        """The webhook at that address, as it was at most two seconds ago; None when there is none."""
        await self._fresh()
        return self._hooks.get(hook)

    async def doors(self, tenant: int) -> tuple[str, ...]:
        """The feeds of a tenant that carry changes back to their products, as they were at most two seconds ago; the first of
        them that knows an alert does so.
        """
        await self._fresh()
        return self._doors.get(tenant, ())

    def writes_back(self, feed: Feed) -> bool:
        """Whether a feed carries changes back to its product."""
        return self.kinds.precedence(feed.kind, feed.road, feed.options) is not None

    def _ordered(self, feeds: list[Feed]) -> dict[int, tuple[str, ...]]:
        found: dict[int, list[tuple[int, str]]] = {}
        for one in feeds:
            place = self.kinds.precedence(one.kind, one.road, one.options)
            if place is not None:
                found.setdefault(one.tenant, []).append((place, one.name))
        return {tenant: tuple(name for _, name in sorted(places)) for tenant, places in found.items()}

    async def _fresh(self) -> None:
        if not 0 <= self._now() - self._read < FRESH_SECONDS * clock.SECOND:
            await self.all()

    async def reading(self, tenant: int, name: str) -> Connector:
        """What reads the records of a source by its name: a feed of the tenant, or a kind. UsageError when there is neither."""
        feed = await self.known(tenant, name)
        return self.kinds.source(name) if feed is None else self.connector(feed)

    def connector(self, feed: Feed) -> Connector:
        """The source that reads a feed's records, under the feed's name. UsageError when its kind is not installed, cannot be
        told what it was told, or its secrets cannot be opened.
        """
        if feed.fault:
            raise UsageError(feed.fault)
        known = self._made.get((feed.tenant, feed.name))
        if known is not None and known[0] == feed.number:
            return known[1]
        recipe = self.kinds.recipe(feed.kind, feed.road, feed.options, feed.name)
        made = called(self.kinds.told(feed.kind, feed.road, feed.options), feed.name, recipe)
        self._made[feed.tenant, feed.name] = feed.number, made
        return made

    async def place(self, feed: Feed) -> Place:
        """Where its next pull goes on; empty before the first one."""
        found = await self._store.fetch("source_place", tenant=feed.tenant, name=feed.name)
        return dict(json.loads(found[0]["place"])) if found else {}

    async def keep_place(self, feed: Feed, place: Place, *, fence: Fence | None = None) -> None:
        """Has its next pull go on there, unless it was changed or removed since it was read."""
        await self._store.run(("source_place_put", {
            "tenant": feed.tenant, "name": feed.name, "number": feed.number, "place": _json(place),
        }), fence=fence)  # fmt: skip

    # -- changing

    async def add(self, tenant: Tenant, kind: str, name: str, said: Said) -> Feed:
        """A new feed. UsageError when the name is taken, or something that was said cannot be."""
        road = self.kinds.expect_road(kind, said.road)
        hook = HOOK + secrets.token_hex(20) if road == "webhook" else ""
        made = Feed(
            tenant.number, self.kinds.expect_name(name, kind), kind, road, {}, bool(said.paused), guid=tenant.id, hook=hook
        )
        made = replace(self._said(made, said), number=self._now())
        try:
            await self._store.run(("source_add", {**await self._row(made), "guid": tenant.id}))
        except Conflict:
            raise UsageError(f"Tenant '{tenant.name}' has a source '{name}' already. Change it with secgraph source change, or"
                             " give another name with --name.") from None  # fmt: skip
        if not await self._store.fetch("source", tenant=tenant.number, name=name):
            raise UsageError(f"Tenant '{tenant.name}' was deleted meanwhile.")
        self.forget()
        return made

    async def change(self, tenant: Tenant, name: str, said: Said) -> Feed:
        """The feed after a change; as it was, with its number, where nothing is changed."""
        while True:
            former = await self.feed(tenant.number, name)
            if said.road not in {None, former.road}:
                raise UsageError(f"{name} is a source of the road {former.road}. Remove it and add another one to change that.")
            wanted = self._said(former, said)
            if wanted == former:
                return former
            made = replace(wanted, number=max(self._now(), former.number + 1))
            if await self._put(former, made):
                if self.writes_back(former) and not self.writes_back(made):
                    await self._store.run(self._stop(made, "carrying changes back was turned off before it was carried out"))
                return made

    async def hook_anew(self, tenant: Tenant, name: str) -> Feed:
        """The webhook at a new address; the former one is nobody's."""
        while True:
            former = await self.feed(tenant.number, name)
            if former.road != "webhook":
                raise UsageError(f"{name} is no webhook, but a source of the road {former.road}.")
            made = replace(former, hook=HOOK + secrets.token_hex(20), number=max(self._now(), former.number + 1))
            if await self._put(former, made):
                return made

    async def pause(self, tenant: Tenant, name: str, *, paused: bool = True) -> Feed:
        """Has a feed rest, or go on."""
        return await self.change(tenant, name, Said({}, paused=paused))

    async def replay(self, tenant: Tenant, name: str, place: Place) -> Feed:
        """Moves a feed's place; what is under way no longer moves it."""
        while True:
            former = await self.feed(tenant.number, name)
            made = replace(former, number=max(self._now(), former.number + 1))
            if await self._put(former, made):
                await self.keep_place(made, place)
                return made

    async def remove(self, tenant: Tenant, name: str) -> Feed:
        """Removes a feed with its place and its health; what it delivered stays."""
        found = await self.feed(tenant.number, name)
        key = {"tenant": tenant.number, "name": name}
        kinds = ("source", "source_place", "source_health", "source_rates")
        stop = self._stop(found, "the source was removed before it was carried out")
        await self._store.run(*((f"{one}_delete", key) for one in kinds), stop)
        self.forget()
        return found

    async def reseal(self, new: Seal) -> int:
        """Seals what is secret of every feed with another key; how many that were. UsageError when one cannot be opened."""
        count = 0
        for row in await self._store.fetch("sources"):
            if row["sealed"] is not None and not new.made(bytes(row["sealed"])):
                opened = self._opened(row)
                sealed = new.sealed(opened, _about(row["guid"], row["name"]))
                values = {"tenant": row["tenant"], "name": row["name"], "number": row["number"], "sealed": sealed}
                await self._store.run(("source_seal", values))
                count += 1
        self.forget()
        return count

    def _stop(self, feed: Feed, reason: str) -> tuple[str, dict[str, Any]]:
        """What was to be carried back and was not yet: the queue says so, and it can be tried again later."""
        return "write_backs_stop", {"tenant": feed.tenant, "source": feed.name, "reason": reason, "now": self._now()}

    # -- rows

    def _said(self, feed: Feed, said: Said) -> Feed:
        """The feed as a person wants it. UsageError where it cannot be so."""
        if feed.fault:
            raise UsageError(feed.fault)
        options = {**feed.options, **{name: value.strip() for name, value in said.options.items()}}
        options = {name: value for name, value in options.items() if value}
        if sum(map(len, options.values())) > MOST:
            raise UsageError(f"The options of a source are {MOST} characters at most.")
        self.kinds.told(feed.kind, feed.road, {**options, **{name: "" for name in said.options if name not in options}})
        if said.every is not None and not SHORTEST <= said.every <= LONGEST:
            raise UsageError(f"A source is asked every {SHORTEST} to {LONGEST} seconds, not {said.every}.")
        if said.every is not None and feed.road != "pull":
            raise UsageError(f"{feed.name} is not asked: its records come by {feed.road}. Leave out --every.")
        if said.silence is not None and said.silence < 0:
            raise UsageError("The silence of a source is a number of seconds, or 0 where it may be silent for ever.")
        known = self.kinds.options(feed.kind, feed.road)
        return replace(
            feed, options=options, secrets=frozenset(name for name in options if known[name].secret),
            every=feed.every if said.every is None else said.every,
            silence=feed.silence if said.silence is None else said.silence,
            paused=feed.paused if said.paused is None else said.paused,
        )  # fmt: skip

    async def _put(self, former: Feed, made: Feed) -> bool:
        """Writes a feed in place of what it was; False where it is not that any more."""
        await self._store.run(("source_put", {**await self._row(made), "former": former.number}))
        self.forget()
        return await self.feed(made.tenant, made.name) == made

    async def _row(self, feed: Feed) -> dict[str, Any]:
        plain = {name: value for name, value in feed.options.items() if name not in feed.secrets}
        hidden = {name: value for name, value in feed.options.items() if name in feed.secrets}
        sealed = (await self._sealing()).sealed(_json(hidden).encode(), _about(feed.guid, feed.name)) if hidden else None
        return {
            "tenant": feed.tenant, "name": feed.name, "kind": feed.kind, "road": feed.road, "options": _json(plain),
            "sealed": sealed, "hook": feed.hook or None, "paused": int(feed.paused), "every": feed.every,
            "silence": feed.silence, "number": feed.number,
        }  # fmt: skip

    async def _sealing(self) -> Seal:
        """The seal, which opens everything that is sealed already. UsageError where it is another one."""
        rows = [*await self._store.fetch("signing_keys"), *await self._store.fetch("sources")]
        there = [bytes(row["sealed"]) for row in rows if row["sealed"] is not None]
        seal = self._seal(not there)
        if any(not seal.made(one) for one in there):
            raise UsageError("What is secret in this database is sealed with another key than the one that is given. Give the"
                             " former one in the setting seal_key (SECGRAPH_SEAL_KEY=@file). If it is lost, remove the sources"
                             " that it sealed first: secgraph source list.")  # fmt: skip
        return seal

    def _feed(self, row: dict[str, Any], former: Mapping[tuple[int, str], Feed] = NONE) -> Feed:
        known = former.get((row["tenant"], row["name"]))
        if known is not None and known.number == row["number"] and not known.fault:
            return known  # its secrets need not be opened once more
        hidden: dict[str, str] = {}
        fault = ""
        if row["sealed"] is not None:
            try:
                hidden = dict(json.loads(self._opened(row)))
            except UsageError as closed:
                fault = str(closed)
        road: Road = row["road"]
        return Feed(
            row["tenant"], row["name"], row["kind"], road, {**json.loads(row["options"]), **hidden}, bool(row["paused"]),
            row["every"], row["silence"], row["number"], row["guid"], row["hook"] or "", frozenset(hidden), fault,
        )  # fmt: skip

    def _opened(self, row: dict[str, Any]) -> bytes:
        """What is secret of a row. UsageError where it cannot be opened."""
        try:
            return self._seal(False).opened(bytes(row["sealed"]), _about(row["guid"], row["name"]))
        except OtherKey as fault:
            raise UsageError(f"The secrets of the source '{row['name']}' are sealed with another key ({fault.made}) than the"
                             f" one that is given ({fault.given}). Give the former one in the setting seal_key"
                             " (SECGRAPH_SEAL_KEY=@file), or remove the source and add it again.") from None  # fmt: skip

    def forget(self) -> None:
        """Has everything read anew."""
        self._read = -FRESH_SECONDS * clock.SECOND


def _about(guid: str, name: str) -> str:
    return f"source {guid} {name}"


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
