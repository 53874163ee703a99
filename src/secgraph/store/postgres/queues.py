"""Writes to PostgreSQL: those of a tenant that wait are one turn and one transaction; tenants do not wait for each other.

What is written while a transaction of the tenant is under way waits for the next one, so that many requests share one commit.
Between processes the row of the tenant's clock is the lock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from secgraph import clock
from secgraph.errors import Busy
from secgraph.store.ahead import Ahead
from secgraph.store.dialect import Dialect
from secgraph.store.postgres.sessions import Sessions
from secgraph.store.steps import adriven
from secgraph.store.turn import Turn, Waiting

GROUP = 512
"""Most waiting writes that share one transaction."""

LARGE = 20
"""Writes and rows up to which a turn is decided on the event loop: it costs less than a switch of threads for each step."""


@dataclass(slots=True)
class Job:
    """A write that waits, and the future that tells what came of it."""

    waiting: Waiting
    done: asyncio.Future[object]


class Queues:
    """What waits to be written, tenant by tenant. `stop` it."""

    def __init__(self, sessions: Sessions, dialect: Dialect, now: clock.Now | None) -> None:
        self._sessions = sessions
        self._dialect = dialect
        self._now = now
        self._ahead = Ahead()
        self._waiting: dict[int, deque[Job]] = {}
        self._working: dict[int, asyncio.Task[None]] = {}

    def put(self, tenant: int, write: Waiting) -> asyncio.Future[object]:
        """Lets a write wait for its turn."""
        job = Job(write, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(tenant, deque()).append(job)
        if tenant not in self._working:
            self._working[tenant] = asyncio.create_task(self._work(tenant))
        return job.done

    async def stop(self, seconds: float) -> None:
        """Finishes what waits; what is not finished by then is refused."""
        if self._working:
            await asyncio.wait(self._working.values(), timeout=seconds)
        for task in self._working.values():
            task.cancel()
        await asyncio.gather(*self._working.values(), return_exceptions=True)

    async def _work(self, tenant: int) -> None:
        waiting, group = self._waiting[tenant], list[Job]()
        try:
            while waiting:
                group = [waiting.popleft() for _ in range(min(GROUP, len(waiting)))]
                await self._carry_out(tenant, group)
        finally:
            del self._working[tenant], self._waiting[tenant]
            for job in (*group, *waiting):  # none, unless this was cancelled
                _answer(job, None, Busy("The server is stopping.", headers={"Retry-After": "5"}))

    async def _carry_out(self, tenant: int, jobs: list[Job]) -> None:
        try:
            writes = await self._turn(tenant, [job.waiting for job in jobs])
        except Exception as failure:  # noqa: BLE001 -- handed to those who asked
            if len(jobs) > 1 and not isinstance(failure, Busy):
                for job in jobs:  # one of them is at fault: each by itself, so that the others do not pay for it
                    await self._carry_out(tenant, [job])
                return
            for job in jobs:
                _answer(job, None, failure)
        else:
            for job, write in zip(jobs, writes, strict=True):
                _answer(job, write.answer, write.failure)

    async def _turn(self, tenant: int, waiting: Sequence[Waiting]) -> list[Waiting]:
        """One turn in one transaction; the writes with what came of them."""
        writes = [replace(one, answer=None, failure=None) for one in waiting]
        async with self._sessions.transaction() as perform:
            # Of a clock that is handed in, the instant is taken when the turn comes.
            turn = Turn(self._dialect, tenant, None if self._now is None else self._now())
            await adriven(turn.carry_out(writes), perform, beside=_large(writes))
        self._ahead.watch(tenant, turn.stamp - turn.now)
        return writes


def _large(writes: Sequence[Waiting]) -> bool:
    """Whether deciding takes long enough that others on the event loop would notice."""
    return len(writes) + sum(len(one.needs.rows) + len(one.needs.held) for one in writes) > LARGE


def _answer(job: Job, answer: object, failure: BaseException | None) -> None:
    """Tells what came of a write; a caller that went away no longer listens."""
    if job.done.done():
        return
    if failure is not None:
        job.done.set_exception(failure)
    else:
        job.done.set_result(answer)
