"""GET /security/entities: what alerts name, and which of them name it (an extension)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.listing import Item, Lists, Wanted
from secgraph.edge.read import THINGS, Reader, expect_plain
from secgraph.edge.route import Target
from secgraph.errors import BadFilter, NotFound
from secgraph.ingest.correlate.explained import DIGITS, thing
from secgraph.ingest.correlate.pack import number, unpack
from secgraph.ingest.entities.entity import KINDS
from secgraph.model.choices import ALERTS
from secgraph.model.edm import Model
from secgraph.model.thing import SEEN, THING
from secgraph.odata import bind, match
from secgraph.odata.query import Compare, Const, Field, Naming, OneOf, Test, fields, fold
from secgraph.store.needed import conjuncts
from secgraph.store.protocol import Key, Store

TAKES = ("$filter", "$top", "$skiptoken", "$format")

FEW = 5000
"""Alerts that name a thing, up to which they are gathered and sorted; of more, the order's index finds enough by itself."""

STEP = 500
"""Things that are looked at between two turns of the event loop."""

TIMED = 50
"""Of so many it is looked up at a time when they were seen."""

LOOKED = 20_000
"""Things that are looked at for one page: where so many did not fill it, its link goes on."""

EVERYTHING = ("", "~")
"""Every key begins with a letter."""

_ID = re.compile(rf"[0-9A-Fa-f]{{{DIGITS}}}")

Handler = Callable[[Asked, Caller, Target], Awaitable[Answer]]
Row = dict[str, Any]


class Entities:
    """Answers what is asked of the things that alerts name."""

    def __init__(
        self, store: Store, model: Model, lists: Lists, reader: Reader,
        *, few: int = FEW, step: int = STEP, looked: int = LOOKED,
    ) -> None:  # fmt: skip
        self._few, self._step, self._looked = few, step, looked
        self._store = store
        self._model = model
        self._alerts = model.sets[ALERTS]
        self._lists = lists
        self._reader = reader

    def handlers(self) -> Mapping[str, Handler]:
        """The handler of every call, by what its path means."""
        return {
            "entities": self.collection, "entity": self.item, "entity_alerts": self.alerts, "entity_alerts_count": self.count,
        }  # fmt: skip

    async def collection(self, asked: Asked, caller: Caller, target: Target) -> Answer:
        """A page of them, in the order of their types and keys."""
        wanted = await self._lists.wanted(asked, caller, THINGS, TAKES)
        where = bind.query(THING, {"$filter": wanted.filter}, self._model).where
        for field in fields(where):
            if field.spelled() in SEEN:
                raise BadFilter(f"{field.spelled()} cannot be asked for: it is told by the alerts that name a thing",
                                hint="Filter by type, key and name, or filter the alerts of a thing.")  # fmt: skip
        items, onward = await self._found(caller, wanted, where) if wanted.top else ([], None)
        return self._lists.page(asked, caller, target, THINGS, wanted, items, onward)

    async def _found(self, caller: Caller, wanted: Wanted, where: Test | None) -> tuple[list[Item], Key | None]:
        """The items of a page, and where the list goes on, if it does."""
        named = where is not None and any(_types(part) is None for part in conjuncts(where))
        judge = match.predicate(where) if where is not None and named else None
        statement, step = ("entity_names", self._step) if judge is not None else ("entities", TIMED)
        after = wanted.after[0] if wanted.after is not None else ""
        items: list[Item] = []
        looked = 0
        for start, end in _ranges(where):
            at, read = max(start, after), step
            while at < end and read == step:
                rows = await self._store.fetch(statement, tenant=caller.tenant, after=at, before=end, most=step)
                read = len(rows)
                for row in rows:
                    if judge is not None and not judge(_told(row)):
                        continue
                    if len(items) == wanted.top:
                        return items, items[-1].place
                    if judge is not None:
                        [row] = await self._store.fetch("entity", tenant=caller.tenant, key=row["key"], few=1)  # noqa: PLW2901
                    items.append(Item(msgspec.json.encode(_shown(row)), (row["text"],)))
                looked += read
                at = rows[-1]["text"] if rows else end
                if judge is not None and looked >= self._looked and read == step:
                    return items, (at,)
                await asyncio.sleep(0)
        return items, None

    async def item(self, asked: Asked, caller: Caller, target: Target) -> Answer:
        """One of them."""
        expect_plain(asked, self._alerts)
        row = await self._known(caller, target.key)
        head = render.context(f"{asked.base}/{target.version}", f"{THINGS}/$entity")
        return Answer(body=render.item(head, msgspec.json.encode(_shown(row))))

    async def alerts(self, asked: Asked, caller: Caller, target: Target) -> Answer:
        """A page of the alerts that name it, of which everything can be asked that can be asked of alerts."""
        row = await self._known(caller, target.key)
        return await self._reader.named(asked, caller, target, _path(row), self._naming(row))

    async def count(self, asked: Asked, caller: Caller, target: Target) -> Answer:
        """How many alerts name it; `$filter` counts only those that match."""
        row = await self._known(caller, target.key)
        return await self._reader.count_named(asked, caller, _path(row), self._naming(row))

    def _naming(self, row: Row) -> Naming:
        return Naming(row["key"], few=row["named"] <= self._few)

    async def _known(self, caller: Caller, key: str) -> Row:
        """The thing of that id, which some alert of the caller's tenant names or named."""
        if _ID.fullmatch(key):
            signed = int.from_bytes(bytes.fromhex(key), "big", signed=True)
            asked: dict[str, Any] = {"tenant": caller.tenant, "key": signed, "few": self._few + 1}
            for row in await self._store.fetch("entity", **asked):
                return row
            # By this key it is known too, but nobody knew it by no better one.
            for row in await self._store.fetch("naming", **asked):
                subject = unpack(row["alert"], row["v"], row["data"])
                for text, (place, _) in subject.places.items():
                    if number(text) == signed:
                        return {**row, "key": signed, "text": text, "name": subject.entities[place].name}
        raise NotFound(f"There is no entity '{key[:80]}' in this tenant.", hint=f"GET /v1.0/{THINGS} lists them.")


def _path(row: Row) -> str:
    return f"{THINGS}('{thing(row['key'])}')/alerts"


def _told(row: Row) -> Row:
    """A thing as conditions see it."""
    return {"id": thing(row["key"]), "type": row["text"].partition(".")[0], "key": row["text"], "name": row["name"]}


def _shown(row: Row) -> Row:
    """The same as it is sent."""
    seen = zip(SEEN, (row["first"], row["last"]), strict=True)
    return {**_told(row), **{name: None if at is None else clock.text(at) for name, at in seen}}


# -- which keys can answer a condition


def _ranges(where: Test | None) -> Iterator[tuple[str, str]]:
    """Between which keys they lie that can answer: of a type all begin with its name and a dot."""
    types = [found for part in conjuncts(where) if (found := _types(part)) is not None]
    if not types:
        yield EVERYTHING
        return
    for kind in sorted(KINDS):
        if all(fold(kind) in among for among in types):
            yield f"{kind}.", f"{kind}/"


def _types(test: Test) -> set[str] | None:
    """The types that a condition lets through, where it is about nothing else."""
    match test:
        case Compare(op="eq", left=Field(steps=("type",)), right=Const(value=str(value))):
            return {fold(value)}
        case Compare(op="eq", left=Const(value=str(value)), right=Field(steps=("type",))):
            return {fold(value)}
        case OneOf(operand=Field(steps=("type",)), values=values):
            return {fold(value) for value in values if isinstance(value, str)}
    return None
