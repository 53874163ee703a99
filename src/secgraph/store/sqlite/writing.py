"""SQLite's one writer: of all processes that have a file open, one puts the writes which wait into transactions, one fsync
for many requests.

In each process a thread gathers what waits. In the one that holds the seat (`seat.py`) it writes, and carries out what the
others hand over (`guests.py`); in the others it hands over (`handover.py`), and takes the seat when that becomes free. A write
is answered after the commit. One whose commit is not known is refused as Busy, as if the connection to the server had been
lost; it is never repeated.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import apsw

from secgraph import clock
from secgraph.errors import Busy, UsageError
from secgraph.store.sqlite import seat
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.sqlite.doorman import Doorman
from secgraph.store.sqlite.file import connect
from secgraph.store.sqlite.frames import Lost
from secgraph.store.sqlite.group import Group, Job
from secgraph.store.sqlite.guests import Guest
from secgraph.store.sqlite.hand import OwnHand
from secgraph.store.sqlite.handover import FarHand, Gone, identity

ROUND_SECONDS = 0.025
"""After this a transaction takes nobody in any more: many large writes of one must not hold up the commit of others."""

SEAT_SECONDS = 10.0
"""How long the seat, or who holds it, is looked for before the writes that wait are refused."""

AGAIN_SECONDS = 0.005
"""Between two looks for it."""

REPEATS = 3
"""How often a write may be lost, uncommitted, with the process that wrote before it is refused."""


class Queue:
    """What waits in this process: its own writes, and guests that have begun a transaction."""

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[Job | Guest | None] = queue.SimpleQueue()
        self.put: Callable[[Job | Guest], None] = self._inbox.put
        self.jobs: deque[Job] = deque()
        self.guests: deque[Guest] = deque()
        self.stopping = False

    def stop(self) -> None:
        """Nothing will come any more."""
        self.stopping = True
        self._inbox.put(None)

    def wait(self) -> bool:
        """Waits until there is something to be written; False when nothing of this process will be any more."""
        while True:
            try:
                while True:
                    self._sort(self._inbox.get_nowait())
            except queue.Empty:
                pass
            if self.jobs:
                return True
            if self.stopping:  # guests would go on for ever; they are told to go elsewhere
                return False
            if self.guests:
                return True
            self._sort(self._inbox.get())

    def _sort(self, one: Job | Guest | None) -> None:
        if isinstance(one, Job):
            self.jobs.append(one)
        elif one is not None:
            self.guests.append(one)

    def refuse(self, reason: BaseException) -> None:
        """Refuses what waits."""
        refused([*self.jobs], reason)
        self.jobs.clear()


class Writer:
    """The thread that writes to a file, or hands over to the process that does. `stop` it."""

    def __init__(self, path: Path, dialect: Sqlite, now: clock.Now) -> None:
        self._path = path
        self._file = identity(path)
        self._group = Group(dialect, now)
        self._queue = Queue()
        self.put = self._queue.put
        self._thread = threading.Thread(target=self._run, name="secgraph-write", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finishes what waits, and ends the thread."""
        self._queue.stop()
        self._thread.join()

    def _run(self) -> None:
        while self._queue.wait():
            place = self._place()
            if place is not None:
                try:
                    place.work()
                finally:
                    place.close()

    def _place(self) -> _Place | None:
        """Where this process writes: here, or through the one that has the seat. None after what waits was refused."""
        ends = time.monotonic() + SEAT_SECONDS
        while self._queue.jobs:
            try:
                self._expect_same_file()
                if (free := seat.taken(self._path.parent)) is not None:
                    return _Here(self._path, self._group, self._queue, free)
                return _There(self._path, self._group, self._queue)
            except UsageError as fault:
                self._queue.refuse(fault)
            except (OSError, Lost, apsw.Error) as fault:
                if time.monotonic() > ends:
                    self._queue.refuse(fault)
                    break
            time.sleep(AGAIN_SECONDS)
        return None

    def _expect_same_file(self) -> None:
        """UsageError where another file has taken the place of the one that this process reads."""
        if identity(self._path) != self._file:
            raise UsageError(f"Another file has taken the place of {self._path} since it was opened. Start again.")


class _Place(Protocol):
    """Where a process writes."""

    def work(self) -> None:
        """Carries out what waits, until there will be no more, or this is the place no longer."""
        ...

    def close(self) -> None:
        """Lets go of it."""
        ...


class _Here:
    """This process writes, for itself and for others."""

    def __init__(self, path: Path, group: Group, waiting: Queue, held: seat.Seat) -> None:
        self._group = group
        self._queue = waiting
        self._seat = held
        try:
            self._connection = connect(path, write=True)
        except BaseException:
            held.leave()
            raise
        self._hand = OwnHand(self._connection)
        self._doorman = Doorman(held, path, waiting.put)
        self._guest_next = False
        """Whether a guest is served before own writes: they take turns, over the ends of transactions too."""

    def work(self) -> None:
        while self._queue.wait():
            self._round()

    def _round(self) -> None:
        """One transaction. Everybody is told after the commit."""
        ends = time.monotonic() + ROUND_SECONDS
        jobs, guests = self._queue.jobs, self._queue.guests
        taken: list[Job] = []
        served: list[Guest] = []
        try:
            self._hand.begin()
            while (jobs or guests) and (not (taken or served) or time.monotonic() < ends):
                self._guest_next = bool(guests) and (self._guest_next or not jobs)
                if self._guest_next:
                    served.append(guests.popleft())
                    self._serve(served[-1], served)
                else:
                    self._group.carry_out(self._hand, jobs, ends, taken)
                self._guest_next = not self._guest_next
            self._hand.commit()
        except Exception as broken:  # noqa: BLE001 -- nothing of the transaction is on the disk: all of them are told so
            self._hand.undo()
            if not (taken or served):  # it did not even begin
                taken, served = [*jobs], [*guests]
                jobs.clear()
                guests.clear()
            refused(taken, broken)
            for guest in served:
                guest.broken(str(broken))
                self._doorman.away(guest)
            return
        for job in taken:
            job.tell()
        for guest in served:
            self._tell(guest)

    def _serve(self, guest: Guest, served: list[Guest]) -> None:
        try:
            guest.serve(self._hand)
        except Lost:
            served.remove(guest)
            self._doorman.away(guest)

    def _tell(self, guest: Guest) -> None:
        try:
            guest.committed()
        except Lost:
            self._doorman.away(guest)
        else:
            self._doorman.back(guest)

    def close(self) -> None:
        self._doorman.leave()
        self._connection.close()
        self._seat.leave()


class _There:
    """Another process writes, and this one hands over."""

    def __init__(self, path: Path, group: Group, waiting: Queue) -> None:
        self._group = group
        self._queue = waiting
        self._hand = FarHand(path.parent, path)

    def work(self) -> None:
        # That the process which writes has ended shows at the next write, which is repeated then.
        while self._queue.wait() and self._round():
            pass

    def _round(self) -> bool:
        """One transaction; whether another one can follow on this connection."""
        taken: list[Job] = []
        try:
            self._hand.begin()
            self._group.carry_out(self._hand, self._queue.jobs, time.monotonic() + ROUND_SECONDS, taken)
            self._hand.commit()
        except Gone as gone:
            for job in reversed(taken):
                job.lost, job.result, job.failure = job.lost + 1, None, None
                if job.lost < REPEATS:
                    self._queue.jobs.appendleft(job)
                else:
                    refused([job], gone)
            return False
        except Exception as broken:  # noqa: BLE001 -- nothing is known to be stored: all of them are told so
            refused(taken, broken)
            return False
        for job in taken:
            job.tell()
        return True

    def close(self) -> None:
        self._hand.undo()


def refused(jobs: list[Job], reason: BaseException) -> None:
    """Tells those who wait that nothing of theirs was stored, or that it is not known."""
    for job in jobs:
        told: BaseException = reason
        if not isinstance(reason, UsageError):
            told = Busy(f"The change could not be stored: {reason}.", headers={"Retry-After": "10"})
            told.__cause__ = reason
        job.failure = job.failure or told
        job.tell()
