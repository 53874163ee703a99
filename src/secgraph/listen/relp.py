"""The Reliable Event Logging Protocol as a listener speaks it: bytes in, events out. Pure; nothing is acknowledged by itself.

A frame is `number command length[ data]` and a line feed. A sender keeps what is not acknowledged and sends it once more over
the next connection, so a message is acknowledged when it is committed, and not before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from secgraph.listen.framing import LONGEST, SHOWN, TOO_LONG, Cut, Message

_HEAD = re.compile(rb"([0-9]{1,9}) ([A-Za-z]{1,32}) ([0-9]{1,9})([ \n])")
_LONGEST_HEAD = 9 + 1 + 32 + 1 + 9 + 1
_OFFERS = 8192
"""Most bytes of what a sender says of itself."""

VERSION = b"0"
SOFTWARE = b"secgraph"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, to be acknowledged by its number."""

    number: int
    what: Message | Cut


@dataclass(frozen=True, slots=True)
class Say:
    """Bytes to be sent."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Bye:
    """The sender closes: these bytes are sent once everything is acknowledged, and the connection is closed."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """What came is no RELP, or cannot go on: these bytes are sent, and the connection is closed."""

    data: bytes
    reason: str


Event = Sent | Say | Bye | Broken


def answer(number: int, status: str, more: bytes = b"") -> bytes:
    """The answer to a frame."""
    data = status.encode() + more
    return b"%d rsp %d %s\n" % (number, len(data), data)


def acknowledged(number: int) -> bytes:
    """What says that a message is committed."""
    return answer(number, "200 OK")


FAREWELL = b"0 serverclose 0\n"
"""Says that the listener closes; what it has not acknowledged comes again."""


class Relp:
    """One session."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skip = 0
        """Bytes still to come of data that is too long."""
        self._opened = False
        self._over = False

    @property
    def opened(self) -> bool:
        """Whether the sender has said what it speaks."""
        return self._opened

    @property
    def held(self) -> int:
        """Bytes of an unfinished frame."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Event]:
        """What came whole. Nothing comes any more behind Bye and Broken."""
        found: list[Event] = []
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        self._held += data
        while not self._over and not self._skip and self._one(found):
            pass
        return found

    def _one(self, found: list[Event]) -> bool:
        """Takes the next frame, if it is there."""
        held = self._held
        if held[:1] == b"\n":  # the end of a frame whose data was passed over
            del held[: len(held) - len(held.lstrip(b"\n"))]
        head = _HEAD.match(held)
        if head is None:
            if len(held) > _LONGEST_HEAD or not _may_begin(held):
                self._break(found, b"", f"no frame begins with {bytes(held[:40])!r}")
            return False
        number, command, count = int(head[1]), bytes(head[2]), int(head[3])
        if head[4] == b"\n":
            if count:
                self._break(found, b"", f"a frame without the {count} bytes that it announces")
                return False
            del held[: head.end()]
            return self._frame(number, command, b"", found)
        if command != b"syslog" and count > _OFFERS:
            self._break(found, answer(number, "500 too long"), f"{command.decode()} with {count} bytes")
            return False
        if count > LONGEST:
            return self._long(number, head.end(), count, found)
        end = head.end() + count
        if len(held) <= end:
            return False
        if held[end : end + 1] != b"\n":
            self._break(found, b"", f"a frame does not end behind the {count} bytes that it announces")
            return False
        data = bytes(held[head.end() : end])
        del held[: end + 1]
        return self._frame(number, command, data, found)

    def _frame(self, number: int, command: bytes, data: bytes, found: list[Event]) -> bool:
        match command:
            case b"open":
                return self._open(number, data, found)
            case b"syslog" if self._opened:
                found.append(Sent(number, Message(data.rstrip(b"\r\n\0"))))
            case b"close":
                found.append(Bye(b"%d rsp 0\n" % number + FAREWELL))
                self._over = True
            case b"syslog":
                self._break(found, answer(number, "500 the session is not open"), "a message before the session was opened")
            case b"rsp" | b"abort" | b"serverclose":
                self._break(found, b"", f"a sender says {command.decode()}")
            case _:
                found.append(Say(answer(number, "500 unknown command")))
        return not self._over

    def _open(self, number: int, data: bytes, found: list[Event]) -> bool:
        offers = dict(line.partition(b"=")[::2] for line in data.replace(b"\r", b"").split(b"\n") if line)
        if self._opened:
            self._break(found, answer(number, "500 the session is open already"), "a session that is opened twice")
        elif b"relp_version" not in offers:
            self._break(found, answer(number, "500 relp_version is missing"), "a sender that does not say its version")
        elif b"syslog" not in offers.get(b"commands", b"").split(b","):
            self._break(found, answer(number, "500 the command syslog is needed"), "a sender that offers no syslog")
        else:
            self._opened = True
            mine = b"relp_version=%s\nrelp_software=%s\ncommands=syslog" % (VERSION, SOFTWARE)
            found.append(Say(answer(number, "200 OK", b"\n" + mine)))
        return not self._over

    def _long(self, number: int, begin: int, count: int, found: list[Event]) -> bool:
        """A message that is too long: it is kept as such, and acknowledged, since it would come again for ever."""
        if not self._opened:
            return self._frame(number, b"syslog", b"", found)
        if len(self._held) - begin < SHOWN:
            return False
        found.append(Sent(number, Cut(bytes(self._held[begin : begin + SHOWN]), TOO_LONG)))
        passed = min(count, len(self._held) - begin)
        self._skip = count - passed
        del self._held[: begin + passed]
        return True

    def _break(self, found: list[Event], data: bytes, reason: str) -> None:
        found.append(Broken(data, reason))
        self._held.clear()
        self._over = True


def _may_begin(held: bytearray) -> bool:
    """Whether this can still become the head of a frame."""
    number, blank, rest = bytes(held).partition(b" ")
    if not (number.isdigit() or not number) or len(number) > 9:
        return False
    command, second, count = rest.partition(b" ")
    if not blank or not rest:
        return bool(number) or not held
    return command.isalpha() and len(command) <= 32 and (not second or not count or count.isdigit())
