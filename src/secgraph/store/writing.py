"""SQLite's one writer: of all processes that have a file open, one puts the writes which wait into transactions, one fsync
for many requests.

In each process a thread gathers what waits. In the one that holds the seat (`seat.py`) it writes, and carries out what the
others hand over (`guests.py`); in the others it hands over (`handover.py`), and takes the seat when that becomes free. A write
is answered after the commit. One whose commit is not known is refused as Busy, as if the connection to the server had been
lost; it is never repeated.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections import deque
from pathlib import Path
from typing import Protocol

import apsw

from secgraph import clock
from secgraph.errors import Busy, UsageError
from secgraph.store import seat
from secgraph.store.dialect import Sqlite
from secgraph.store.file import connect
from secgraph.store.frames import Lost
from secgraph.store.group import Group, Job
from secgraph.store.guests import Guest
from secgraph.store.hand import OwnHand, Unwritten
from secgraph.store.handover import FarHand, Gone

ROUND_SECONDS = 0.025
"""After this a transaction takes nobody in any more: many large writes of one must not hold up the commit of others."""

SEAT_SECONDS = 10.0
"""How long the seat, or who holds it, is looked for before the writes that wait are refused."""

AGAIN_SECONDS = 0.005
"""Between two looks for it."""

REPEATS = 3
"""How often a write may be lost, uncommitted, with the process that wrote before it is refused."""

MOST_GUESTS = 256


class Queue:
    """The writes of this process that wait, and the bell that wakes who carries them out."""

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()
        self.stopping = False
        self._asleep = False
        self.alarm, self._bell = os.pipe()

    def put(self, job: Job) -> None:
        """Lets a write wait."""
        self.jobs.append(job)
        # Who is awake looks by itself. A call of the system lets go of the interpreter's lock, and getting it back beside
        # a busy writer takes long: a request is spared that.
        if self._asleep:
            self.ring()

    def ring(self) -> None:
        """Wakes who sleeps."""
        os.write(self._bell, b"!")

    def events(self, selector: selectors.BaseSelector, *, busy: bool) -> list[object]:
        """What happened beside the bell; sleeps until something does, unless there is work."""
        self._asleep = True
        try:
            found = selector.select(0 if busy or self.jobs or self.stopping else None)
        finally:
            self._asleep = False
        if any(key.data is self for key, _ in found):
            os.read(self.alarm, 4096)
        return [key.data for key, _ in found if key.data is not self]

    @property
    def over(self) -> bool:
        """Whether nothing waits, and nothing will."""
        return self.stopping and not self.jobs

    def refuse(self, reason: BaseException) -> None:
        """Refuses what waits."""
        while self.jobs:
            refused([self.jobs.popleft()], reason)

    def close(self) -> None:
        """Lets go of the bell."""
        os.close(self.alarm)
        os.close(self._bell)


class Writer:
    """The thread that writes to a file, or hands over to the process that does. `stop` it."""

    def __init__(self, path: Path, dialect: Sqlite, now: clock.Now) -> None:
        self._path = path
        self._group = Group(dialect, now)
        self._queue = Queue()
        self.put = self._queue.put
        self._thread = threading.Thread(target=self._run, name="secgraph-write", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finishes what waits, and ends the thread."""
        self._queue.stopping = True
        self._queue.ring()
        self._thread.join()
        self._queue.close()

    def _run(self) -> None:
        while not self._queue.over:
            place = self._place()
            if place is not None:
                try:
                    place.work()
                finally:
                    place.close()

    def _place(self) -> _Place | None:
        """Where this process writes: here, or through the one that has the seat. None after what waits was refused."""
        ends = time.monotonic() + SEAT_SECONDS
        while not self._queue.over:
            try:
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

    def __init__(self, path: Path, group: Group, queue: Queue, held: seat.Seat) -> None:
        self._path = path
        self._group = group
        self._queue = queue
        self._seat = held
        try:
            self._connection = connect(path, write=True)
        except BaseException:
            held.leave()
            raise
        self._hand = OwnHand(self._connection)
        self._guests: set[Guest] = set()
        self._order: deque[Guest | Queue] = deque()
        """Who has something to be written, the one who waits longest first."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(queue.alarm, selectors.EVENT_READ, queue)
        self._selector.register(held.listener, selectors.EVENT_READ, held)

    def work(self) -> None:
        while True:
            for event in self._queue.events(self._selector, busy=bool(self._order)):
                if isinstance(event, Guest):
                    self._hear(event)
                else:
                    self._let_in()
            if self._queue.jobs and self._queue not in self._order:
                self._order.append(self._queue)
            if self._order:
                self._round()
            elif self._queue.over:
                return

    def _let_in(self) -> None:
        """Takes those who knock, but for strangers."""
        while True:
            try:
                wire, _ = self._seat.listener.accept()
            except OSError:  # nobody knocks any more
                return
            if len(self._guests) >= MOST_GUESTS or not seat.ours(wire):
                wire.close()
                continue
            guest = Guest(wire, self._path)
            self._guests.add(guest)
            self._selector.register(wire, selectors.EVENT_READ, guest)

    def _hear(self, guest: Guest) -> None:
        """Lets a guest wait for its turn once it has something to be written."""
        if guest in self._order:
            return
        try:
            if guest.arrived():
                self._order.append(guest)
        except (Lost, OSError):
            self._send_away(guest)

    def _send_away(self, guest: Guest) -> None:
        self._guests.discard(guest)
        self._selector.unregister(guest.wire)
        guest.close()

    def _round(self) -> None:
        """One transaction. Everybody is told after the commit."""
        ends = time.monotonic() + ROUND_SECONDS
        taken: list[Job] = []
        served: list[Guest] = []
        try:
            self._hand.begin()
            while self._order and (not (taken or served) or time.monotonic() < ends):
                one = self._order.popleft()
                if isinstance(one, Queue):
                    self._group.carry_out(self._hand, one.jobs, ends, taken)
                else:
                    served.append(one)
                    self._serve(one, served)
            self._hand.commit()
        except Unwritten as broken:
            self._hand.undo()
            if not (taken or served):  # it did not even begin
                taken, served = list(self._queue.jobs), [one for one in self._order if isinstance(one, Guest)]
                self._queue.jobs.clear()
                self._order.clear()
            refused(taken, broken)
            for guest in served:
                guest.broken(str(broken))
                self._send_away(guest)
            return
        for job in taken:
            job.tell()
        for guest in served:
            try:
                guest.committed()
            except Lost:
                self._send_away(guest)

    def _serve(self, guest: Guest, served: list[Guest]) -> None:
        try:
            guest.serve(self._hand)
        except Lost:
            served.remove(guest)
            self._send_away(guest)

    def close(self) -> None:
        for guest in self._guests:
            guest.dismiss()
        self._selector.close()
        self._connection.close()
        self._seat.leave()


class _There:
    """Another process writes, and this one hands over."""

    def __init__(self, path: Path, group: Group, queue: Queue) -> None:
        self._group = group
        self._queue = queue
        self._hand = FarHand(path.parent, path)
        self._selector = selectors.DefaultSelector()
        self._selector.register(queue.alarm, selectors.EVENT_READ, queue)
        self._selector.register(self._hand.channel.wire, selectors.EVENT_READ, self._hand)

    def work(self) -> None:
        # Whoever writes says nothing unasked but that it ends.
        while not self._queue.events(self._selector, busy=False):
            if self._queue.jobs:
                if not self._round():
                    return
            elif self._queue.over:
                return

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
        except Unwritten as broken:
            refused(taken, broken)
            return False
        for job in taken:
            job.tell()
        return True

    def close(self) -> None:
        self._hand.undo()
        self._selector.close()


def refused(jobs: list[Job], reason: BaseException) -> None:
    """Tells those who wait that nothing of theirs was stored, or that it is not known."""
    for job in jobs:
        told: BaseException = reason
        if not isinstance(reason, UsageError):
            told = Busy(f"The change could not be stored: {reason}.", headers={"Retry-After": "10"})
            told.__cause__ = reason
        job.failure = job.failure or told
        job.tell()
