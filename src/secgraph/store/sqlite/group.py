"""A group of writes that share a transaction: the turns of their tenants, one after the other, in whatever hand writes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from secgraph import clock
from secgraph.store.ahead import Ahead
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.sqlite.hand import Hand, Unwritten
from secgraph.store.sqlite.outcome import Outcome
from secgraph.store.steps import Steps, driven
from secgraph.store.turn import Turn, Waiting

GROUP = 512
"""Most waiting writes that share one transaction."""

HEAVY = 2000
"""The keys that the writes of one turn need, after which the others wait for the next turn."""


@dataclass(slots=True)
class Job:
    """What waits to be written: a tenant's write, or steps of any other kind, made anew for each time they are carried out."""

    done: Outcome
    tenant: int = 0
    waiting: Waiting | None = None
    steps: Callable[[], Steps[None]] | None = None
    result: Any = None
    failure: BaseException | None = None
    lost: int = 0
    """How often a process went away with it."""

    def tell(self) -> None:
        """Answers who waits for it."""
        # A caller that went away while its write was under way no longer listens.
        if self.done.set_running_or_notify_cancel():
            if self.failure is not None:
                self.done.set_exception(self.failure)
            else:
                self.done.set_result(self.result)

    @property
    def weight(self) -> int:
        """About how much it reads and writes."""
        return 1 if self.waiting is None else 1 + len(self.waiting.needs.rows) + len(self.waiting.needs.entries)


class Group:
    """Carries out what waits."""

    def __init__(self, dialect: Sqlite, now: clock.Now) -> None:
        self._dialect = dialect
        self._now = now
        self._ahead = Ahead()

    def carry_out(self, hand: Hand, jobs: deque[Job], ends: float, taken: list[Job]) -> None:
        """Carries out waiting writes inside the open transaction, the first of them and then others until it `ends`. They are
        `taken` then; the rest stays where it was.
        """
        turns = deque(_turns([jobs.popleft() for _ in range(min(len(jobs), GROUP))]))
        try:
            while turns and (not taken or time.monotonic() < ends):
                turn = turns.popleft()
                taken += turn
                if not self._carried(hand, turn):
                    for job in turn:  # one of them is at fault: each by itself, so that the others do not pay for it
                        self._carried(hand, [job])
        finally:
            jobs.extendleft(job for turn in reversed(turns) for job in reversed(turn))

    def _carried(self, hand: Hand, jobs: list[Job]) -> bool:
        """Carries out writes that belong together; whether that went well. A single one has its failure then."""
        hand.mark()
        try:
            waiting = [replace(job.waiting, answer=None, failure=None) for job in jobs if job.waiting is not None]
            if waiting:
                self._turn(hand, jobs[0].tenant, waiting)
            else:
                for job in jobs:
                    if job.steps is not None:
                        driven(job.steps(), hand.perform)
            hand.keep()
        except Unwritten:
            raise
        except Exception as failure:  # noqa: BLE001 -- handed to the one who asked for this write
            hand.back()
            hand.keep()
            if len(jobs) == 1:
                jobs[0].failure = failure
            return False
        for job, write in zip(jobs, waiting, strict=False):
            job.result, job.failure = write.answer, write.failure
        return True

    def _turn(self, hand: Hand, tenant: int, writes: list[Waiting]) -> None:
        """The turn of a tenant, for these of its writes."""
        now = self._now()
        turn = Turn(self._dialect, tenant, now)
        driven(turn.carry_out(writes), hand.perform)
        self._ahead.watch(tenant, turn.stamp - now)


def _turns(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """The writes of each tenant together, in the order they came, as many as are not too heavy for one turn; anything else
    stands alone.
    """
    found: dict[object, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.tenant if job.waiting is not None else job.done, []).append(job)
    for together in found.values():
        turn: list[Job] = []
        weight = 0
        for job in together:
            if turn and weight + job.weight > HEAVY:
                yield turn
                turn, weight = [], 0
            turn.append(job)
            weight += job.weight
        yield turn
