"""Who lets in the processes that hand their transactions over, and says when one of them has something to be written.

A thread of its own waits at the door, so that a write of the process itself wakes nobody but the one who writes.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
from collections.abc import Callable
from pathlib import Path

from secgraph.store.sqlite.frames import Lost
from secgraph.store.sqlite.guests import Guest
from secgraph.store.sqlite.seat import Seat, ours

MOST_GUESTS = 256


class Doorman:
    """Waits at the socket of a seat. A guest is handed to `ready` when it has begun a transaction, and is to be given `back`,
    or sent `away`, afterwards. `leave` the door in the end.
    """

    def __init__(self, seat: Seat, file: Path, ready: Callable[[Guest], None]) -> None:
        self._seat = seat
        self._file = file
        self._ready = ready
        self._guests: set[Guest] = set()
        self._selector = selectors.DefaultSelector()
        self._alarm, self._bell = os.pipe()
        self._selector.register(self._alarm, selectors.EVENT_READ, None)
        self._selector.register(seat.listener, selectors.EVENT_READ, seat)
        self._thread = threading.Thread(target=self._wait, name="secgraph-door", daemon=True)
        self._thread.start()

    def back(self, guest: Guest) -> None:
        """Waits for the next transaction of a guest."""
        self._selector.register(guest.wire, selectors.EVENT_READ, guest)

    def away(self, guest: Guest) -> None:
        """Lets go of a guest."""
        self._guests.discard(guest)
        guest.close()

    def leave(self) -> None:
        """Lets nobody in any more, and tells everybody that it is over."""
        os.write(self._bell, b"!")
        self._thread.join()
        for guest in self._guests:
            guest.dismiss()
        self._selector.close()
        os.close(self._alarm)
        os.close(self._bell)

    def _wait(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                if isinstance(key.data, Guest):
                    self._hear(key.data)
                else:
                    self._let_in()

    def _let_in(self) -> None:
        """Takes those who knock, but for strangers."""
        with contextlib.suppress(OSError):  # nobody knocks any more
            while True:
                wire, _ = self._seat.listener.accept()
                if len(self._guests) >= MOST_GUESTS or not ours(wire):
                    wire.close()
                    continue
                guest = Guest(wire, self._file)
                self._guests.add(guest)
                self.back(guest)

    def _hear(self, guest: Guest) -> None:
        """Hands a guest on once it has something to be written. Until it is given back nothing is heard from it here."""
        try:
            if guest.arrived():
                self._selector.unregister(guest.wire)
                self._ready(guest)
        except (Lost, OSError):
            self._selector.unregister(guest.wire)
            self.away(guest)
