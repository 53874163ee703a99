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
from typing import Any, TypeVar

import apsw

from secgraph import clock
from secgraph.access.narrow import Scoped, ScopedKey
from secgraph.errors import Busy, Fault, TooSlow, UsageError
from secgraph.model.edm import Model
from secgraph.odata.query import Query, fold
from secgraph.store.compile import FEW, Plan, compiled
from secgraph.store.dialect import Sqlite
from secgraph.store.file import connect, migrate, perform
from secgraph.store.layout import quoted
from secgraph.store.outcome import Outcome, Outcomes
from secgraph.store.protocol import Answer, Decide, Key, Needs, Original, Page
from secgraph.store.statements import statements
from secgraph.store.steps import ask, do
from secgraph.store.turn import Waiting
from secgraph.store.writing import Job, Writer

Result = TypeVar("Result")

INLINE_SECONDS = 0.003
"""What a read may take on the event loop: several full pages from an index."""

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
        return await self._read(plan, lambda connection: _page(connection, plan, scoped, after, self._now))

    async def count(self, scoped: Scoped) -> int:
        plan = self._plan(scoped.query)
        text, values = (plan.of_few or plan).tally(scoped.tenant, self._now)

        def tally(connection: apsw.Connection) -> int:
            for row in connection.execute(text, values):
                return int(row[0])
            raise Fault("A count gave no row.")

        return await self._read(plan, tally)

    async def get(self, key: ScopedKey, query: Query) -> bytes | None:
        document = self._dialect.document if query.unknown_members else "doc"
        text = f"SELECT CAST({document} AS BLOB) FROM {quoted(query.of.table)} t WHERE tenant = ? AND id = ?"
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

    async def _read(self, plan: Plan, work: Callable[[apsw.Connection], Result]) -> Result:
        if plan.worth_a_try():
            self._inline_ends = time.monotonic() + self._inline
            try:
                result = work(self._reader)
            except apsw.InterruptError:
                plan.overran()
            else:
                plan.fitted()
                return result
            finally:
                self._inline_ends = math.inf
        ends = time.monotonic() + self.deadline
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, partial(self._read_apart, work, ends))
        except apsw.InterruptError:
            names = ", ".join(plan.unindexed) or "this combination"
            raise TooSlow(
                f"The query did not finish within {self.deadline:g} s: no index answers {names}.",
                hint="Add a condition on createdDateTime, lastUpdateDateTime, severity, status or incidentId.",
                headers={"Retry-After": "30"},
            ) from None

    def _read_apart(self, work: Callable[[apsw.Connection], Result], ends: float) -> Result:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self.path, write=False)
            self._others.append(connection)
        connection.set_progress_handler(lambda: time.monotonic() > ends, 10_000)
        return work(connection)

    # -- writing

    async def write(self, tenant: int, needs: Needs, decide: Decide[Answer]) -> Answer:
        answer: Answer = await self._written(Job(self._expected(), tenant, Waiting(needs, decide)))
        return answer

    async def run(self, *steps: tuple[str, dict[str, Any]]) -> None:
        await self._written(Job(self._expected(), steps=tuple(do(name, values) for name, values in steps)))

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


def _page(connection: apsw.Connection, plan: Plan, scoped: Scoped, after: Key | None, now: clock.Now) -> Page:
    wanted = scoped.query.top
    if wanted == 0:
        return Page([], [], None)
    plan = _suited(connection, plan, scoped.tenant, now)
    rows: list[Any] = []
    if after is None:
        statement = plan.first()
        text, values = statement.text, statement.values(scoped.tenant, wanted + 1, now)
        if scoped.query.skip:
            text, values = f"{text} OFFSET ?", (*values, scoped.query.skip)
        rows = connection.execute(text, values).fetchall()
    else:
        segments = plan.segments(after)
        with _one_moment(connection) if len(segments) > 1 else contextlib.nullcontext():
            for segment in segments:
                values = segment.values(scoped.tenant, wanted + 1 - len(rows), now)
                rows += connection.execute(segment.text, values).fetchall()
                if len(rows) > wanted:
                    break
    more = len(rows) > wanted
    rows = rows[:wanted]
    last = tuple(rows[-1][2:]) if rows else None
    return Page([row[0] for row in rows], [row[1] for row in rows], last if more else None, last)


def _suited(connection: apsw.Connection, plan: Plan, tenant: int, now: clock.Now) -> Plan:
    """The plan, or the one for few rows where only few changed since the instant that is asked for."""
    if plan.recent is None or plan.of_few is None:
        return plan
    for (count,) in connection.execute(*plan.probe(plan.recent, tenant, now)):
        return plan.of_few if int(count) <= FEW else plan
    return plan


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


def open_store(
    path: Path, model: Model, now: clock.Now, *, deadline: float = 10.0, inline: float = INLINE_SECONDS
) -> SqliteStore:
    """Opens the file, makes or migrates its tables, and starts the store. UsageError when it cannot be used."""
    try:
        with contextlib.closing(connect(path, write=True)) as connection:
            migrate(connection, model)
        return SqliteStore(path, model, now, deadline=deadline, inline=inline)
    except apsw.NotADBError:
        raise UsageError(f"{path} is not a secgraph database. Move it away or choose another --data.") from None
    except (apsw.CantOpenError, apsw.ReadOnlyError) as refused:
        raise UsageError(f"{path} cannot be opened for writing: {refused}.") from None
