"""Bytes of a connection → messages, as RFC 6587 frames them: up to a line feed, or behind a count. Pure, fed piece by piece.

Which of the two it is, is told for each message by itself, since relays mix them. A count is one to eight digits, a blank, and
something that a message begins with: a line that happens to begin with a number is a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 1024 * 1024
"""Most bytes of a message."""

SHOWN = 4096
"""Bytes kept of one that cannot be taken."""

MOST_DIGITS = 8

BLANK = b"\r\n\0 \t"
"""What may stand between messages, and behind one: some senders end theirs with NUL."""

_COUNT = re.compile(rb"([1-9][0-9]*) (?=[<{\[]|\xef\xbb\xbf|CEF:|LEEF:)")
_MAYBE = re.compile(rb"[1-9][0-9]*(?: (?:\xef\xbb?|C|CE|CEF|L|LE|LEE|LEEF)?)?\Z")
_BEGINS = re.compile(rb"[<{\[]|\xef\xbb\xbf|CEF:|LEEF:")
_PERHAPS = re.compile(rb"(?:\xef\xbb?|C|CE|CEF|L|LE|LEE|LEEF)\Z")
_AGAIN = re.compile(rb"\n|(?<![0-9])[1-9][0-9]{0,7} (?=<[0-9]{1,3}>)")
_BLANKS = re.compile(rb"[\r\n\0 \t]*")
_MOST_AGAIN = 16
"""Bytes in which a place to go on at may have begun already: digits, a blank, and a priority."""
_HEAD = 64
"""So many bytes tell what a message begins with."""


@dataclass(frozen=True, slots=True)
class Message:
    """What came whole."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """What cannot be taken: how it begins, and why."""

    data: bytes
    reason: str


TOO_LONG = f"a message longer than {LONGEST} bytes"
BROKE_OFF = "the connection broke off inside it"
MISCOUNTED = "it follows a message whose count was wrong: it begins inside of one"


class Frames:
    """The messages of one connection. What is held of an unfinished one is hardly more than a message may be long."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0
        """Where the next message begins in what is held."""
        self._seen = 0
        """So far it is known to hold no line feed, or no place to go on at: no byte is looked at twice."""
        self._skip = 0
        """Bytes of a message that is too long, still to come."""
        self._line = False
        """Whether the rest of a line that is too long is passed over."""
        self._counted = False
        """Whether the message before came behind a count."""

    @property
    def held(self) -> int:
        """Bytes of an unfinished message."""
        return len(self._held)

    @property
    def amid(self) -> bool:
        """Whether a message is unfinished."""
        return bool(self._skip or self._line or self._held.strip(BLANK))

    def feed(self, data: bytes) -> list[Message | Cut]:
        """What is whole now."""
        found: list[Message | Cut] = []
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        self._held += data
        while self._one(found):
            pass
        del self._held[: self._at]
        self._seen = max(0, self._seen - self._at)
        self._at = 0
        return found

    def end(self, *, broken: bool = False) -> list[Message | Cut]:
        """What is left when the connection ends. A last line may come without its line feed, unless the connection broke; what
        is behind a count is whole by its count only.
        """
        left = bytes(self._held).strip(BLANK)
        if not left or self._line or self._skip:
            return []
        if broken or _COUNT.match(left) or _MAYBE.match(left):
            return [Cut(left[:SHOWN], BROKE_OFF)]
        return [self._told(left)]

    def _one(self, found: list[Message | Cut]) -> bool:
        """Takes the next message, if it is there."""
        held = self._held
        if self._line:
            return self._rest()
        blanks = _BLANKS.match(held, self._at)
        self._at = at = blanks.end() if blanks is not None else self._at
        if at == len(held):
            return False
        head = bytes(held[at : at + _HEAD])
        count = _COUNT.match(head)
        if count is not None and len(count[1]) <= MOST_DIGITS:
            return self._behind(at + count.end(), int(count[1]), found)
        if len(head) < _HEAD and (_MAYBE.match(head) or (self._counted and _PERHAPS.match(head))):
            return False
        if self._counted and not _BEGINS.match(head):
            return self._resume(found)
        end = held.find(b"\n", max(at, self._seen))
        if end < 0:
            self._seen = len(held)
            if len(held) - at <= LONGEST:
                return False
            found.append(Cut(bytes(held[at : at + SHOWN]), TOO_LONG))
            self._line = True
            return True
        whole = bytes(held[at:end]).rstrip(BLANK)
        found.append(Cut(whole[:SHOWN], TOO_LONG) if len(whole) > LONGEST else Message(whole))
        self._counted = False
        self._at = end + 1
        return True

    def _behind(self, at: int, count: int, found: list[Message | Cut]) -> bool:
        """Takes a message of that many bytes."""
        held = self._held
        if count > LONGEST:
            if len(held) - at < SHOWN:
                return False
            found.append(Cut(bytes(held[at : at + SHOWN]), TOO_LONG))
            self._at = min(at + count, len(held))
            self._skip = at + count - self._at
        elif len(held) - at < count:
            return False
        else:
            found.append(Message(bytes(held[at : at + count]).rstrip(BLANK)))
            self._at = at + count
        self._counted = True
        return True

    def _resume(self, found: list[Message | Cut]) -> bool:
        """Goes on at the next line, or the next count: the one before was wrong, and this is a piece of a message."""
        again = _AGAIN.search(self._held, max(self._at, self._seen - _MOST_AGAIN))
        if again is None:
            self._seen = len(self._held)
            if len(self._held) - self._at <= LONGEST:
                return False
            found.append(Cut(bytes(self._held[self._at : self._at + SHOWN]), MISCOUNTED))
            self._line = True
            return True
        found.append(Cut(bytes(self._held[self._at : min(again.start(), self._at + SHOWN)]), MISCOUNTED))
        self._at = again.start()
        self._counted = False
        return True

    def _rest(self) -> bool:
        """Passes over the rest of a line."""
        end = self._held.find(b"\n", self._at)
        self._at = len(self._held) if end < 0 else end + 1
        self._line = end < 0
        self._counted = False
        return not self._line

    def _told(self, line: bytes) -> Message | Cut:
        return Cut(line[:SHOWN], MISCOUNTED) if self._counted and not _BEGINS.match(line) else Message(line)
