"""SQLite: one writer thread, many readers, one file.

A read starts on the event loop's own connection with a small budget of work; what does not finish within it is moved to
a reader thread with a deadline. So a page that an index answers costs no thread switch, and a scan never holds up the
others. All writes of this process go through one thread, which puts those that wait into one transaction (one fsync for
many requests); each has a savepoint of its own, so that a refused one takes nothing with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import apsw

from secgraph import clock
from secgraph.access.narrow import Scoped, ScopedKey
from secgraph.errors import Busy, Conflict, Fault, TooSlow, UsageError
from secgraph.model.edm import Model
from secgraph.observe import ClockAhead, observe
from secgraph.odata.query import Query, fold
from secgraph.store.compile import FEW, Plan, compiled
from secgraph.store.dialect import Sqlite
from secgraph.store.file import connect, migrate
from secgraph.store.layout import quoted
from secgraph.store.protocol import Answer, Decide, Key, Needs, Original, Page
from secgraph.store.statements import statements
from secgraph.store.steps import Add, Ask, Do, Rows, Step, ask, do, driven, insertion
from secgraph.store.turn import Turn, Waiting

Result = TypeVar("Result")

INLINE_SECONDS = 0.003
"""What a read may take on the event loop: several full pages from an index."""

GROUP = 512
"""Most waiting writes that share one transaction."""

PLANS = 8192
"""Compiled queries kept."""

LONGEST_KEPT = 4096
"""Longest condition, in characters of SQL, whose plan is kept: thousands of long ones would fill the memory."""

AHEAD = 5 * clock.SECOND
"""How far a tenant's stamps may run ahead of the wall clock before somebody should know."""


@dataclass(slots=True)
class _Job:
    """What waits to be written: a tenant's write, or steps of any other kind."""

    done: Future[Any]
    tenant: int = 0
    waiting: Waiting | None = None
    steps: tuple[Do, ...] = ()
    result: Any = None
    failure: BaseException | None = None


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
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, name="secgraph-write", daemon=True)
        self._writer.start()
        self._closed = False
        self._clock_told: dict[int, float] = {}

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
        answer: Answer = await self._written(_Job(Future(), tenant, Waiting(needs, decide)))
        return answer

    def _watch_clock(self, tenant: int, ahead: int) -> None:
        """Says, once a minute at most, that a tenant's stamps run ahead of a wall clock that was set back."""
        if ahead > AHEAD and time.monotonic() > self._clock_told.get(tenant, -math.inf) + 60:
            self._clock_told[tenant] = time.monotonic()
            observe(ClockAhead(tenant, ahead // clock.SECOND))

    async def run(self, *steps: tuple[str, dict[str, Any]]) -> None:
        await self._written(_Job(Future(), steps=tuple(do(name, values) for name, values in steps)))

    async def _written(self, job: _Job) -> Any:
        if self._closed:
            raise Busy("The server is stopping.", headers={"Retry-After": "5"})
        self._jobs.put(job)
        return await asyncio.wrap_future(job.done)

    def _write_all(self) -> None:
        connection = connect(self.path, write=True)
        stop = False
        while not stop and (job := self._jobs.get()) is not None:
            group = [job]
            while len(group) < GROUP:
                try:
                    waiting = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if waiting is None:
                    stop = True
                    break
                group.append(waiting)
            self._carry_out(connection, group)
        connection.close()

    def _carry_out(self, connection: apsw.Connection, group: list[_Job]) -> None:
        """A group of writes in one transaction. Each is answered only after the commit."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            for jobs in _by_tenant(group):
                if not self._carried(connection, jobs):
                    for job in jobs:  # one of them is at fault: each by itself, so that the others do not pay for it
                        self._carried(connection, [job])
            connection.execute("COMMIT")
        except Exception as failure:  # noqa: BLE001 -- nothing of the group is on disk: all of them are told so
            if connection.in_transaction:
                with contextlib.suppress(apsw.Error):
                    connection.execute("ROLLBACK")
            told = Busy(f"The change could not be stored: {failure}.", headers={"Retry-After": "10"})
            told.__cause__ = failure
            for job in group:
                job.failure = job.failure or told
        for job in group:
            # A caller that went away while its write was under way no longer listens.
            if not job.done.set_running_or_notify_cancel():
                continue
            if job.failure is not None:
                job.done.set_exception(job.failure)
            else:
                job.done.set_result(job.result)

    def _carried(self, connection: apsw.Connection, jobs: list[_Job]) -> bool:
        """Carries out writes that belong together; whether that went well. A single one has its failure then."""
        connection.execute("SAVEPOINT one")
        failure: BaseException | None = None
        try:
            if jobs[0].waiting is not None:
                self._turn(connection, jobs[0].tenant, jobs)
            else:
                for step in jobs[0].steps:
                    perform(connection, step)
        except apsw.ConstraintError as refused:
            failure = Conflict(f"This exists already or stands against what exists ({refused}).")
            failure.__cause__ = refused
        except (apsw.FullError, apsw.IOError, apsw.BusyError, apsw.CorruptError, apsw.NotADBError):
            raise
        except Exception as raised:  # noqa: BLE001 -- handed to the one who asked for this write
            failure = raised
        if failure is not None:
            connection.execute("ROLLBACK TO one")
            if len(jobs) == 1:
                jobs[0].failure = failure
        connection.execute("RELEASE one")
        return failure is None

    def _turn(self, connection: apsw.Connection, tenant: int, jobs: list[_Job]) -> None:
        """The turn of a tenant, for all of its writes in the group."""
        now = self._now()
        turn = Turn(self._dialect, tenant, now)
        writes = [replace(job.waiting, answer=None, failure=None) for job in jobs if job.waiting is not None]
        driven(turn.carry_out(writes), partial(perform, connection))
        for job, write in zip(jobs, writes, strict=True):
            job.result, job.failure = write.answer, write.failure
        self._watch_clock(tenant, turn.stamp - now)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
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


def _by_tenant(group: list[_Job]) -> list[list[_Job]]:
    """The writes of each tenant together, in the order they came; anything else stands alone."""
    found: dict[object, list[_Job]] = {}
    for job in group:
        found.setdefault(job.tenant if job.waiting is not None else job.done, []).append(job)
    return list(found.values())


def perform(connection: apsw.Connection, step: Step) -> Rows:
    """Carries out a step; the rows of a question."""
    match step:
        case Ask(text, values):
            return connection.execute(text, values).fetchall()
        case Do(text, rows):
            connection.executemany(text, rows)
        case Add(table, columns, rows):
            connection.executemany(insertion(table, columns), rows)
    return []


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
