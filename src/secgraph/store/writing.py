"""SQLite's one writer: a thread that puts the writes which wait into one transaction, one fsync for many requests.

Each write has a savepoint of its own, so that a refused one takes nothing with it; all writes of a tenant that wait are one
turn. A write is answered after the commit.
"""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from secgraph import clock
from secgraph.errors import Busy, Conflict
from secgraph.observe import ClockAhead, observe
from secgraph.store.dialect import Sqlite
from secgraph.store.file import connect, perform
from secgraph.store.outcome import Outcome
from secgraph.store.steps import Do, driven
from secgraph.store.turn import Turn, Waiting

GROUP = 512
"""Most waiting writes that share one transaction."""

AHEAD = 5 * clock.SECOND
"""How far a tenant's stamps may run ahead of the wall clock before somebody should know."""


@dataclass(slots=True)
class Job:
    """What waits to be written: a tenant's write, or steps of any other kind."""

    done: Outcome
    tenant: int = 0
    waiting: Waiting | None = None
    steps: tuple[Do, ...] = ()
    result: Any = None
    failure: BaseException | None = None


class Writer:
    """The thread that writes to a file. `stop` it."""

    def __init__(self, path: Path, dialect: Sqlite, now: clock.Now) -> None:
        self._path = path
        self._dialect = dialect
        self._now = now
        self._clock_told: dict[int, float] = {}
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="secgraph-write", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Lets a write wait for its turn; its future tells what came of it."""
        self._jobs.put(job)

    def stop(self) -> None:
        """Finishes what waits, and ends the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _write_all(self) -> None:
        connection = connect(self._path, write=True)
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

    def _carry_out(self, connection: apsw.Connection, group: list[Job]) -> None:
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

    def _carried(self, connection: apsw.Connection, jobs: list[Job]) -> bool:
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

    def _turn(self, connection: apsw.Connection, tenant: int, jobs: list[Job]) -> None:
        """The turn of a tenant, for all of its writes in the group."""
        now = self._now()
        turn = Turn(self._dialect, tenant, now)
        writes = [replace(job.waiting, answer=None, failure=None) for job in jobs if job.waiting is not None]
        driven(turn.carry_out(writes), partial(perform, connection))
        for job, write in zip(jobs, writes, strict=True):
            job.result, job.failure = write.answer, write.failure
        self._watch_clock(tenant, turn.stamp - now)

    def _watch_clock(self, tenant: int, ahead: int) -> None:
        """Says, once a minute at most, that a tenant's stamps run ahead of a wall clock that was set back."""
        if ahead > AHEAD and time.monotonic() > self._clock_told.get(tenant, -math.inf) + 60:
            self._clock_told[tenant] = time.monotonic()
            observe(ClockAhead(tenant, ahead // clock.SECOND))


def _by_tenant(group: list[Job]) -> list[list[Job]]:
    """The writes of each tenant together, in the order they came; anything else stands alone."""
    found: dict[object, list[Job]] = {}
    for job in group:
        found.setdefault(job.tenant if job.waiting is not None else job.done, []).append(job)
    return list(found.values())
