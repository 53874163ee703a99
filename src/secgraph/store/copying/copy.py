"""A copy of everything that one database knows into another, of whatever kind the two are.

Rows go over tenant by tenant and table by table, in the order of their keys, a lot at a time; each lot is committed with the
words and sums that are worked out from it. So a copy that was broken off goes on behind the last row that arrived. In the end
both sides are read and compared. Until then the target says of itself that it is being copied into, and nothing opens it.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.store.copying.lots import MARK, asked, behind, canonical, done, emptying, filled, known, last, order, put, tallies
from secgraph.store.copying.tables import Table, tables
from secgraph.store.dialect import Dialect
from secgraph.store.shape import shape
from secgraph.store.statements import migrations
from secgraph.store.steps import Ask, Rows, Steps, Values, ask, do

Result = TypeVar("Result")

LOT = 500
"""How many rows go over at a time."""

STATE = ("applications", "certificates", "facts", "findings", "secrets", "signing_keys", "source_health", "source_places",
         "source_rates", "source_states", "sources", "tenants", "write_backs")  # fmt: skip
"""Tables that tell whether a database is what it was: the clocks of the tenants, and what changes beside them. What changes in
the others beside the clocks is found when both sides are compared.
"""

Tick = Callable[[int], None]
"""Told of rows that went over or were read to be compared."""


class Side(Protocol):
    """One of the two databases."""

    name: str
    """What a person calls it."""
    database: str
    """Whose statements it takes, as `statement` names them."""
    dialect: Dialect

    def searchable(self, table: str, tenant: int) -> Ask:
        """How many rows of a set's table are in the index of words, of a tenant."""
        ...

    async def read(self, steps: Steps[Result]) -> Result:
        """What steps give that only ask. All of them see one instant of a database that is copied from."""
        ...

    async def write(self, steps: Steps[Result]) -> Result:
        """What steps give, after they were carried out and committed together."""
        ...


@dataclass(frozen=True, slots=True)
class _Sum:
    """How many rows there are, and what tells them from any others."""

    rows: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy from one database into another."""

    source: Side
    target: Side
    tick: Tick
    lot: int = LOT

    async def run(self, now: int, *, discard: bool) -> dict[str, int]:
        """Copies what is not there yet, and compares everything; how many rows each table has. UsageError where the target
        holds anything else, or the source is not what it was when the copy was begun.
        """
        state = await self.source.read(_state())
        mark = await self.target.read(_mark())
        if mark is not None and discard:
            await self._empty()
            mark = None
        if mark is not None:
            self._expect_same(mark, state)
        elif (there := await self.target.read(filled())) is not None:
            raise UsageError(f"{self.target.name} holds data already ({there}). Copy into a new one, or an empty one.")
        else:
            mark = {"from": self.source.name, "schema": max(migrations()), "begun": clock.text(now), "state": state}
            await self.target.write(done(do("fact_put", {"name": MARK, "value": msgspec.json.encode(mark).decode()})))
        parts = await self._parts()
        for table, tenant in parts:
            await self._carry(table, tenant)
        found = dict.fromkeys(tables(), 0)
        for table, tenant in parts:
            found[table.name] += await self._compare(table, tenant)
        await self.target.write(done(do("fact_delete", {"name": MARK})))
        return found

    async def _parts(self) -> list[tuple[Table, int]]:
        """The tables of each tenant, and those of none, for which the number is 0."""
        every = tables().values()
        numbers = [int(row[0]) for row in await self.source.read(asked(ask("tenants")))]
        of_tenants = [(table, number) for number in numbers for table in every if table.of_tenant]
        return [*of_tenants, *((table, 0) for table in every if not table.of_tenant)]

    # -- rows

    async def _carry(self, table: Table, tenant: int) -> None:
        """Copies the rows behind the last one that is there; facts all of them, for the mark stands among them."""
        there = [] if table.name == "facts" else await self.target.read(asked(last(table, tenant)))
        if there and not order(table):
            return  # the one row there can be
        async for rows in self._lots(self.source, table, tenant, tuple(there[0]) if there else None):
            await self.target.write(put(self.target.dialect, table, tenant, rows))
            self.tick(len(rows))

    async def _lots(self, side: Side, table: Table, tenant: int, after: Values | None = None) -> AsyncIterator[Rows]:
        """The rows behind a key."""
        places = [table.columns.index(name) for name in order(table)]
        while rows := await side.read(asked(behind(table, tenant, after, self.lot))):
            yield known(table, rows)
            if len(rows) < self.lot or not places:
                return
            after = tuple(rows[-1][place] for place in places)

    # -- comparing

    async def _compare(self, table: Table, tenant: int) -> int:
        """How many rows both sides have. UsageError where they differ."""
        here, there = [await self._summed(side, table, tenant) for side in (self.source, self.target)]
        if here != there:
            of = f" of tenant number {tenant}" if tenant else ""
            raise UsageError(
                f"Table {table.name}{of} is not the same: {here.rows} rows in {self.source.name}, {there.rows} in"
                f" {self.target.name}. Perhaps the first was written to since the copy was begun. {_ANEW}"
            )
        if table.set:
            await self._compare_derived(table, tenant, here.rows)
        return here.rows

    async def _summed(self, side: Side, table: Table, tenant: int) -> _Sum:
        digest, count = hashlib.blake2b(digest_size=16), 0
        async for rows in self._lots(side, table, tenant):
            for row in rows:
                digest.update(msgspec.msgpack.encode(canonical(row)))
            count += len(rows)
            self.tick(len(rows))
        return _Sum(count, digest.digest())

    async def _compare_derived(self, table: Table, tenant: int, many: int) -> None:
        """UsageError where the words or the sums of a set are not those of its rows."""
        how = shape(table.set)
        if how.searched:
            [[found]] = await self.target.read(asked(self.target.searchable(table.name, tenant)))
            if found != many:
                raise UsageError(f"Of {many} rows of {table.name} {found} can be searched in {self.target.name}. {_ANEW}")
        if how.tally:
            told = [{tuple(row) for row in await self.target.read(asked(one))} for one in tallies(table, tenant)]
            if told[0] != told[1]:
                raise UsageError(f"The sums of {table.name} are not those of its rows in {self.target.name}. {_ANEW}")

    # -- what was begun before

    def _expect_same(self, mark: dict[str, Any], state: dict[str, Any]) -> None:
        """UsageError where a copy was begun from something else than the source is now."""
        source, target = self.source.name, self.target.name
        former, present = mark["state"]["clocks"], state["clocks"]
        if mark["schema"] != max(migrations()):
            raise UsageError(f"{target} holds part of a copy that another version began (schema {mark['schema']}). {_ANEW}")
        if former.keys() != present.keys():
            raise UsageError(f"{target} holds part of a copy of something else: {mark['from']}, begun {mark['begun'][:19]}Z."
                             f" Finish that one. {_ANEW}")  # fmt: skip
        for guid, number in former.items():
            if number != present[guid]:
                raise UsageError(f"{source} has changed since the copy was begun: tenant {guid} went from number {number} to"
                                 f" {present[guid]}. {_ANEW}")  # fmt: skip
        if mark["state"] != state:
            raise UsageError(f"{source} has changed since the copy was begun, in its applications, keys or sources. {_ANEW}")

    async def _empty(self) -> None:
        """Removes what a copy brought."""
        tenants = await self.target.read(asked(ask("tenants")))
        facts = await self.target.read(asked(Ask("SELECT name FROM facts", ())))
        for steps in emptying(self.target.database, tenants, facts):
            await self.target.write(steps)


_ANEW = "To begin anew: --discard."


def expect_whole(found: Rows, name: str) -> None:
    """Passes where a database has no such fact as the mark. UsageError where a copy into it is under way."""
    for (text,) in found:
        mark = msgspec.json.decode(text)
        raise UsageError(
            f"{name} holds part of a copy of {mark['from']}, begun {mark['begun'][:19]}Z. Run that secgraph copy once more, and"
            " it goes on where it stopped; with --discard it begins anew."
        )


def _mark() -> Steps[dict[str, Any] | None]:
    """What is written of a copy that is under way into a database; None where none is."""
    found = yield ask("fact", name=MARK)
    return msgspec.json.decode(found[0][0]) if found else None


def _state() -> Steps[dict[str, Any]]:
    """What tells a database from what it was before, without reading all of it."""
    clocks: dict[str, int] = {}
    digest = hashlib.blake2b(digest_size=16)
    tenants = yield ask("tenants")
    for number, guid, _, _, seq in tenants:
        clocks[guid] = seq
        yield from _digested(digest, number)
    yield from _digested(digest, 0)
    return {"clocks": clocks, "rest": digest.hexdigest()}


def _digested(digest: Any, tenant: int) -> Steps[None]:
    for table in (tables()[name] for name in STATE):
        if table.of_tenant == bool(tenant):
            rows = yield behind(table, tenant, None, _ALL)
            digest.update(msgspec.msgpack.encode([canonical(row) for row in known(table, rows)]))


_ALL = 10_000_000
