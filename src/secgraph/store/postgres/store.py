"""PostgreSQL: several processes over one database.

Pages and counts are asked for in sessions with a deadline that the server keeps, single things in others, and writes have
theirs (`queues.py`). What the database cannot judge of a row is judged here, from its document (`sift.py`). While the server is
gone everything is refused as Busy; what comes after finds it again by itself.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

import asyncpg

from secgraph import clock
from secgraph.access.narrow import Scoped, ScopedKey
from secgraph.errors import Busy
from secgraph.model.edm import Model
from secgraph.odata.query import Query, fold
from secgraph.store.compile import Plan, compiled
from secgraph.store.dialect import Dialect
from secgraph.store.facts import Needs
from secgraph.store.fence import guarded
from secgraph.store.layout import quoted
from secgraph.store.native import native
from secgraph.store.paging import page
from secgraph.store.postgres.founding import founded, whole
from secgraph.store.postgres.queues import Queues
from secgraph.store.postgres.sessions import IDLE_SECONDS, LOCK_SECONDS, STATEMENT_SECONDS, Sessions, opened, perform
from secgraph.store.protocol import Answer, Decide, Fence, Key, Original, Page
from secgraph.store.sift import BY_ID, Candidate, Sifter, in_order
from secgraph.store.slow import too_slow, unindexed
from secgraph.store.statements import statement
from secgraph.store.steps import Ask, Do, Steps, adriven, ask
from secgraph.store.turn import Waiting

Result = TypeVar("Result")

READERS, LOOKERS, WRITERS = 8, 3, 5
"""Most sessions of one process that ask for pages and counts at once, for single things, and that write: so many tenants'
turns. A crowd of slow questions leaves no token unchecked.
"""

PLANS = 8192
"""Compiled queries kept."""

LONGEST_KEPT = 4096
"""Longest condition, in characters of SQL, whose plan is kept: thousands of long ones would fill the memory."""

MARGIN_SECONDS = 5
"""How long after the deadline, which the server keeps, it is taken for dead."""

LOOK_SECONDS = 10
"""How long a single thing is waited for."""

STOP_SECONDS = 4
"""How long writes under way hold up the end."""


class _Asked(NamedTuple):
    """How a question is asked."""

    plan: Plan
    """What the database answers of it."""
    exact: bool
    """Whether that is all: otherwise its rows are candidates, whose documents are judged here (`sift.py`)."""
    unindexed: tuple[str, ...]


def _asked(query: Query, dialect: Dialect) -> _Asked:
    part = native(query.where, query.of)
    ordered = in_order(query)
    if part.exact and ordered:
        return _Asked(compiled(query, dialect), exact=True, unindexed=unindexed(query))
    nearest = replace(query, where=part.test, order=query.order if ordered else BY_ID)
    return _Asked(compiled(nearest, dialect, judged=True), exact=False, unindexed=unindexed(query))


class PostgresStore:
    """The store in a PostgreSQL database. Made by `open_postgres`; `close` it."""

    def __init__(
        self, model: Model, dialect: Dialect, reading: Sessions, looking: Sessions, writing: Sessions, now: clock.Now | None,
        *, deadline: float,
    ) -> None:  # fmt: skip
        self.model = model
        self.deadline = deadline
        self._dialect = dialect
        self._reading = reading
        self._looking = looking
        self._writing = writing
        self._now = now or clock.now
        self._queues = Queues(writing, self._dialect, now)
        self._sifter = Sifter(self._now, deadline=deadline)
        self._plans: dict[Query, _Asked] = {}
        self._closed = False

    # -- reading

    async def find(self, scoped: Scoped, after: Key | None = None) -> Page:
        asked = self._asked(scoped.query)
        if not asked.exact:
            return await self._sifter.page(scoped.query, partial(self._candidates, asked, scoped.tenant), after)
        statements = asked.plan.statements(after)
        return await self._read(asked, page(statements, scoped, after, self._now), apart=len(statements) > 1)

    async def count(self, scoped: Scoped) -> int:
        asked = self._asked(scoped.query)
        if not asked.exact:
            return await self._sifter.count(scoped.query, partial(self._candidates, asked, scoped.tenant))

        def tally() -> Steps[int]:
            rows = yield Ask(*(asked.plan.counting or asked.plan).tally(scoped.tenant, self._now))
            return int(rows[0][0])

        return await self._read(asked, tally())

    async def _candidates(self, asked: _Asked, tenant: int, after: Key | None, limit: int) -> list[Candidate]:
        """So many rows, behind a place of their order, that can answer as far as columns and words tell."""
        statements = asked.plan.statements(after)

        def gathered() -> Steps[list[Candidate]]:
            rows: list[Any] = []
            for one in statements:
                if len(rows) < limit:
                    rows += yield Ask(one.text, one.values(tenant, limit - len(rows), self._now))
            return [Candidate(row[0], row[-2], row[1], tuple(row[2:-2]), row[-1]) for row in rows]

        return await self._read(asked, gathered(), apart=len(statements) > 1)

    async def get(self, key: ScopedKey, query: Query) -> bytes | None:
        document = self._dialect.document if query.unknown_members else "doc"
        text = f"SELECT {self._dialect.bytes_of(document)} FROM {quoted(query.of.table)} t WHERE tenant = ? AND id = ?"
        async with self._looking.one() as connection:
            found = await perform(connection, Ask(text, (key.tenant, fold(key.id))))
        return bytes(found[0][0]) if found else None

    async def originals(self, key: ScopedKey) -> list[Original]:
        async with self._looking.one() as connection:
            found = await perform(connection, ask("originals", tenant=key.tenant, alert=fold(key.id)))
        return [
            Original(source, product, native, updated, received, bool(repaired), zlib.decompress(data))
            for source, product, native, updated, received, repaired, data in found
        ]

    async def fetch(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        text, names = self._statement(statement)
        async with self._looking.one() as connection:
            found = await perform(connection, Ask(text, tuple(values[name] for name in names)))
        return [dict(cast("Any", row).items()) for row in found]

    @staticmethod
    def _statement(name: str) -> tuple[str, tuple[str, ...]]:
        return statement(name, "postgresql")

    def _asked(self, query: Query) -> _Asked:
        if query.passing:
            return _asked(query, self._dialect)
        asked = self._plans.get(query)
        if asked is None:
            asked = _asked(query, self._dialect)
            if asked.plan.where is None or len(asked.plan.where.text) <= LONGEST_KEPT:
                if len(self._plans) >= PLANS:
                    del self._plans[next(iter(self._plans))]
                self._plans[query] = asked
        return asked

    async def _read(self, asked: _Asked, steps: Steps[Result], *, apart: bool = False) -> Result:
        """The result of steps that read; `apart`, all of them see the same commit."""
        try:
            if apart:
                async with self._reading.transaction(isolation="repeatable_read", readonly=True) as carry_out:
                    return await adriven(steps, carry_out)
            async with self._reading.one() as connection:
                return await adriven(steps, partial(perform, connection))
        except asyncpg.QueryCanceledError:
            raise too_slow(self.deadline, asked.unindexed) from None

    # -- writing

    async def write(self, tenant: int, needs: Needs, decide: Decide[Answer], *, fence: Fence | None = None) -> Answer:
        self._still_open()
        return cast("Answer", await self._queues.put(tenant, Waiting(needs, decide, fence)))

    async def run(self, *steps: tuple[str, dict[str, Any]], fence: Fence | None = None) -> None:
        self._still_open()
        async with self._writing.transaction() as carry_out:
            await adriven(guarded(fence), carry_out)
            for name, values in steps:
                text, names = self._statement(name)
                if text:
                    await carry_out(Do(text, [tuple(values[one] for one in names)]))

    def _still_open(self) -> None:
        if self._closed:
            raise Busy("The server is stopping.", headers={"Retry-After": "5"})

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._queues.stop(STOP_SECONDS)
        for sessions in (self._reading, self._looking, self._writing):
            await sessions.close()


async def open_postgres(url: str, model: Model, now: clock.Now | None = None, *, deadline: float = 10.0) -> PostgresStore:
    """Makes or migrates the tables of a database and starts the store. Without a clock, an instant is the database's own.
    UsageError when the database cannot be used.
    """
    await founded(url, model)
    dialect = await whole(url)
    reading = await opened(url, READERS, patience=deadline + MARGIN_SECONDS, statement_timeout=deadline)
    looking = await opened(url, LOOKERS, patience=LOOK_SECONDS)
    writing = await opened(
        url,
        WRITERS,
        patience=STATEMENT_SECONDS,
        lock_timeout=LOCK_SECONDS,
        idle_in_transaction_session_timeout=IDLE_SECONDS,
    )
    return PostgresStore(model, dialect, reading, looking, writing, now, deadline=deadline)
