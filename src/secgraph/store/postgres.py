"""PostgreSQL: several processes over one database.

Pages and counts are asked for in sessions with a deadline that the server keeps, single things in others, and writes have
theirs (`queues.py`). While the server is gone everything is refused as Busy; what comes after finds it again by itself.
"""

from __future__ import annotations

import zlib
from typing import Any, TypeVar, cast

import asyncpg

from secgraph import clock
from secgraph.access.narrow import Scoped, ScopedKey
from secgraph.errors import Busy, Fault
from secgraph.model.edm import Model
from secgraph.odata.query import Query, fold
from secgraph.store.compile import Plan, compiled
from secgraph.store.dialect_postgres import Postgres, Unsaid
from secgraph.store.fence import guarded
from secgraph.store.founding import founded
from secgraph.store.layout import quoted
from secgraph.store.paging import in_one_moment, page
from secgraph.store.protocol import Answer, Decide, Fence, Key, Needs, Original, Page
from secgraph.store.queues import Queues
from secgraph.store.sessions import IDLE_SECONDS, LOCK_SECONDS, STATEMENT_SECONDS, Sessions, opened, perform
from secgraph.store.slow import too_slow
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


class PostgresStore:
    """The store in a PostgreSQL database. Made by `open_postgres`; `close` it."""

    def __init__(
        self, model: Model, reading: Sessions, looking: Sessions, writing: Sessions, now: clock.Now | None, *, deadline: float
    ) -> None:
        self.model = model
        self.deadline = deadline
        self._dialect = Postgres()
        self._reading = reading
        self._looking = looking
        self._writing = writing
        self._now = now or clock.now
        self._queues = Queues(writing, self._dialect, now)
        self._plans: dict[Query, Plan] = {}
        self._closed = False

    # -- reading

    async def find(self, scoped: Scoped, after: Key | None = None) -> Page:
        plan = self._plan(scoped.query)
        return await self._read(plan, page(plan, scoped, after, self._now), apart=in_one_moment(plan, after))

    async def count(self, scoped: Scoped) -> int:
        plan = self._plan(scoped.query)

        def tally() -> Steps[int]:
            rows = yield Ask(*plan.tally(scoped.tenant, self._now))
            return int(rows[0][0])

        return await self._read(plan, tally())

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

    def _plan(self, query: Query) -> Plan:
        if query.passing:
            return self._compiled(query)
        plan = self._plans.get(query)
        if plan is None:
            plan = self._compiled(query)
            if plan.where is None or len(plan.where.text) <= LONGEST_KEPT:
                if len(self._plans) >= PLANS:
                    del self._plans[next(iter(self._plans))]
                self._plans[query] = plan
        return plan

    def _compiled(self, query: Query) -> Plan:
        """The plan of a question that columns alone answer."""
        try:
            return compiled(query, self._dialect)
        except Unsaid:
            # The seam: rows for which the database cannot judge this are to be judged by their documents.
            raise Fault("The condition or the order reads from the document, which is not judged here yet.") from None

    async def _read(self, plan: Plan, steps: Steps[Result], *, apart: bool = False) -> Result:
        """The result of steps that read; `apart`, all of them see the same commit."""
        try:
            if apart:
                async with self._reading.transaction(isolation="repeatable_read", readonly=True) as carry_out:
                    return await adriven(steps, carry_out)
            async with self._reading.one() as connection:
                return await adriven(steps, lambda step: perform(connection, step))
        except asyncpg.QueryCanceledError:
            raise too_slow(self.deadline, plan.unindexed) from None

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
    reading = await opened(url, READERS, patience=deadline + MARGIN_SECONDS, statement_timeout=deadline)
    looking = await opened(url, LOOKERS, patience=LOOK_SECONDS)
    writing = await opened(
        url,
        WRITERS,
        patience=STATEMENT_SECONDS,
        lock_timeout=LOCK_SECONDS,
        idle_in_transaction_session_timeout=IDLE_SECONDS,
    )
    return PostgresStore(model, reading, looking, writing, now, deadline=deadline)
