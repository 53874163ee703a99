"""SQLite: one writer, many readers, one file.

A read starts on the event loop's own connection with a small budget of work; what does not finish within it is moved to
a reader thread with a deadline. So a page that an index answers costs no thread switch, and a scan never holds up the
others. All writes go through `writing.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import apsw

from secgraph import clock
from secgraph.access.narrow import Scoped, ScopedKey
from secgraph.errors import Busy, Fault, UsageError
from secgraph.model.edm import Model
from secgraph.odata.query import Query, fold
from secgraph.store.compile import Plan, compiled
from secgraph.store.copying.copy import expect_whole
from secgraph.store.copying.lots import MARK
from secgraph.store.dialect import Sql
from secgraph.store.facts import Needs
from secgraph.store.fence import named
from secgraph.store.layout import quoted
from secgraph.store.paging import page
from secgraph.store.protocol import Answer, Decide, Fence, Key, Original, Page
from secgraph.store.slow import too_slow
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.sqlite.file import connect, migrate, perform
from secgraph.store.sqlite.group import Job
from secgraph.store.sqlite.outcome import Outcome, Outcomes
from secgraph.store.sqlite.writing import Writer
from secgraph.store.statements import statements
from secgraph.store.steps import ask, driven
from secgraph.store.turn import Waiting

Result = TypeVar("Result")

INLINE_SECONDS = 0.003
"""What a read may take on the event loop: several full pages from an index."""

APART_SECONDS = 60.0
"""How long searches go to the threads at once after one held up the event loop."""

PLANS = 8192
"""Compiled queries kept."""

LONGEST_KEPT = 4096
"""Longest condition, in characters of SQL, whose plan is kept: thousands of long ones would fill the memory."""


class SqliteStore:
    """The store in one SQLite file. Made by `open_store`; `close` it."""

    def __init__(
        self,
        path: Path,
        model: Model,
        now: clock.Now,
        *,
        deadline: float = 10.0,
        inline: float = INLINE_SECONDS,
        readers: int = 4,
    ) -> None:
        self.path = path
        self.model = model
        self.deadline = deadline
        self._inline = inline
        self._now = now
        self._dialect = Sqlite()
        self._plans: dict[Query, Plan] = {}
        self._reader = connect(path, write=False)
        self._inline_ends = math.inf
        self._searches_again = 0.0
        """When searches are tried on the event loop again: how long one takes shows in the data, not in the question."""
        self._reader.set_progress_handler(lambda: time.monotonic() > self._inline_ends, 2000)
        self._local = threading.local()
        self._others: list[apsw.Connection] = []
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="secgraph-read")
        self._outcomes: Outcomes | None = None
        self._writer = Writer(path, self._dialect, now)
        self._closed = False

    # -- reading

    async def find(self, scoped: Scoped, after: Key | None = None) -> Page:
        plan = self._plan(scoped.query)
        return await self._read(plan, lambda reading: _page(reading, plan, scoped, after))

    async def count(self, scoped: Scoped) -> int:
        plan = self._plan(scoped.query)
        return await self._read(plan, lambda reading: _tally(reading, plan, scoped.tenant))

    async def get(self, key: ScopedKey, query: Query) -> bytes | None:
        document = self._dialect.document if query.unknown_members else "doc"
        text = f"SELECT {self._dialect.bytes_of(document)} FROM {quoted(query.of.table)} t WHERE tenant = ? AND id = ?"
        for row in self._reader.execute(text, (key.tenant, fold(key.id))):
            return bytes(row[0])
        return None

    async def originals(self, key: ScopedKey) -> list[Original]:
        found = perform(self._reader, ask("originals", tenant=key.tenant, alert=fold(key.id)))
        return [
            Original(source, product, native, updated, received, bool(repaired), zlib.decompress(data))
            for source, product, native, updated, received, repaired, data in found
        ]

    async def fetch(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        cursor = self._reader.execute(statements()[statement], values)
        return [dict(zip((name for name, _ in cursor.get_description()), row, strict=True)) for row in cursor]

    def _plan(self, query: Query) -> Plan:
        if query.passing:
            return compiled(query, self._dialect)
        plan = self._plans.get(query)
        if plan is None:
            plan = compiled(query, self._dialect)
            if plan.where is None or len(plan.where.text) <= LONGEST_KEPT:
                if len(self._plans) >= PLANS:
                    del self._plans[next(iter(self._plans))]
                self._plans[query] = plan
        return plan

    async def _read(self, plan: Plan, work: Callable[[_Reading], Result]) -> Result:
        if plan.worth_a_try() and not (plan.searches and time.monotonic() < self._searches_again):
            ends = self._inline_ends = time.monotonic() + self._inline
            try:
                result = work(_Reading(self._reader, self._now, apart=False))
            except apsw.InterruptError:
                plan.overran()
            else:
                over = time.monotonic() - ends
                (plan.fitted if over <= 0 else plan.overran)()
                if plan.searches and over > 2 * self._inline:
                    self._searches_again = time.monotonic() + APART_SECONDS
                return result
            finally:
                self._inline_ends = math.inf
        ends = time.monotonic() + self.deadline
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, partial(self._read_apart, work, ends))
        except apsw.InterruptError:
            raise too_slow(self.deadline, plan.unindexed) from None

    def _read_apart(self, work: Callable[[_Reading], Result], ends: float) -> Result:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self.path, write=False)
            self._others.append(connection)
        connection.set_progress_handler(lambda: time.monotonic() > ends, 10_000)
        return work(_Reading(connection, self._now, apart=True))

    # -- writing

    async def write(self, tenant: int, needs: Needs, decide: Decide[Answer], *, fence: Fence | None = None) -> Answer:
        answer: Answer = await self._written(Job(self._expected(), tenant, Waiting(needs, decide, fence)))
        return answer

    async def run(self, *steps: tuple[str, dict[str, Any]], fence: Fence | None = None) -> None:
        await self._written(Job(self._expected(), steps=partial(named, steps, fence)))

    async def _written(self, job: Job) -> Any:
        if self._closed:
            raise Busy("The server is stopping.", headers={"Retry-After": "5"})
        self._writer.put(job)
        return await job.done.future

    def _expected(self) -> Outcome:
        loop = asyncio.get_running_loop()
        if self._outcomes is None or self._outcomes.loop is not loop:
            self._outcomes = Outcomes(loop)
        return self._outcomes.expected()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._writer.stop)
        self._pool.shutdown()
        for connection in (self._reader, *self._others):
            connection.close()


class _Reading(NamedTuple):
    """Where and when something is read."""

    connection: apsw.Connection
    now: clock.Now
    apart: bool
    """Whether it is away from the event loop."""

    def number(self, sql: Sql) -> int:
        """The one number that a statement gives."""
        for row in self.connection.execute(*sql):
            return int(row[0])
        raise Fault("A count gave no row.")

    def way(self, plan: Plan, tenant: int) -> Plan | None:
        """The first of the other ways to what is asked for that is worth it here."""
        for way in plan.ways:
            if (self.apart or not way.apart) and self.number(way.probe(tenant, self.now)) <= way.most:
                return way.plan
        return None


def _tally(reading: _Reading, plan: Plan, tenant: int) -> int:
    chosen = plan if plan.tallied else reading.way(plan, tenant) or plan.counting or plan
    return reading.number(chosen.tally(tenant, reading.now))


def _page(reading: _Reading, plan: Plan, scoped: Scoped, after: Key | None) -> Page:
    if scoped.query.top:
        plan = reading.way(plan, scoped.tenant) or plan
    statements = plan.statements(after)
    with _one_moment(reading.connection) if len(statements) > 1 else contextlib.nullcontext():
        return driven(page(statements, scoped, after, reading.now), partial(perform, reading.connection))


@contextlib.contextmanager
def _one_moment(connection: apsw.Connection) -> Iterator[None]:
    """Several reads that see the same commit."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # The work budget may run out in this very statement; the connection must not stay inside the transaction.
        while connection.in_transaction:
            with contextlib.suppress(apsw.InterruptError):
                connection.execute("ROLLBACK")


def migrated_file(path: Path, model: Model) -> list[str]:
    """Makes or migrates the tables of a file; what was done. UsageError when it cannot be used."""
    try:
        with contextlib.closing(connect(path, write=True)) as connection:
            done = migrate(connection, model)
            expect_whole(perform(connection, ask("fact", name=MARK)), str(path))
            return done
    except apsw.NotADBError:
        raise UsageError(f"{path} is not a secgraph database. Move it away or choose another --data.") from None
    except (apsw.CantOpenError, apsw.ReadOnlyError) as refused:
        raise UsageError(f"{path} cannot be opened for writing: {refused}.") from None


def open_store(
    path: Path, model: Model, now: clock.Now, *, deadline: float = 10.0, inline: float = INLINE_SECONDS
) -> SqliteStore:
    """Opens the file, makes or migrates its tables, and starts the store. UsageError when it cannot be used."""
    migrated_file(path, model)
    return SqliteStore(path, model, now, deadline=deadline, inline=inline)
