"""What came of writes, told by the thread that wrote to the loop that waits: all that a commit settles in one call.

Waking a loop from another thread takes a lock and a call of the system for each time; a commit settles sixteen writes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any


class Outcome:
    """What came of one write. Its methods are named as in `concurrent.futures.Future`; one thread calls them."""

    __slots__ = ("_outcomes", "future")

    def __init__(self, outcomes: Outcomes, future: asyncio.Future[Any]) -> None:
        self._outcomes = outcomes
        self.future = future
        """What the loop waits for."""

    def set_running_or_notify_cancel(self) -> bool:
        """Whether somebody still waits."""
        return not self.future.cancelled()

    def set_result(self, result: Any) -> None:
        """Tells the answer."""
        self._outcomes.tell(self.future, result, None)

    def set_exception(self, failure: BaseException) -> None:
        """Tells why there is none."""
        self._outcomes.tell(self.future, None, failure)


class Outcomes:
    """The outcomes that one loop waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._due: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._called = False

    def expected(self) -> Outcome:
        """Another one."""
        return Outcome(self, self.loop.create_future())

    def tell(self, future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
        """Has the loop told; from any one thread."""
        self._due.append((future, result, failure))
        if not self._called:
            self._called = True
            with contextlib.suppress(RuntimeError):  # a loop that was closed waits for nothing
                self.loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._called = False  # before the last look: what is told from here on calls again
        while self._due:
            future, result, failure = self._due.popleft()
            if future.done():
                continue
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)
