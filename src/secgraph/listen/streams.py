"""Connections that messages come by: TCP, TLS and RELP. Each is read only as fast as what it sent is stored."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from secgraph.listen.address import BACKLOG
from secgraph.listen.framing import SHOWN, Frames
from secgraph.listen.intake import Intake, What
from secgraph.listen.relp import FAREWELL, Broken, Bye, Relp, Say, Sent, acknowledged

CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What peers may use up."""

    connections: int = 2000
    idle: float = 60.0
    """Seconds without a message after which a connection may have to make room for another one."""
    waiting: int = 2 * 1024 * 1024
    """Bytes of one connection that may wait; it is not read on then."""
    held: int = 64 * 1024 * 1024
    """Bytes of unfinished messages of all connections."""
    unread: int = 256 * 1024
    """Bytes of answers that a peer may leave unread."""
    handshake: float = 15.0
    """Seconds that a TLS handshake may take."""
    handshakes: int = 200
    """Handshakes that may be under way; past that the one that began first is cut off: an honest one is over in no time."""
    quiet: float = 0.3
    """Seconds without a byte after which senders are taken to be done, at the end."""
    last: float = 5.0
    """Seconds that are read on at the end, at most."""


ORDINARY = Limits()


class Peer:
    """A connection: what of it is under way."""

    def __init__(self, writer: asyncio.StreamWriter, limits: Limits, *, answers: bool) -> None:
        self.writer = writer
        self.waiting = 0
        self.outstanding = 0
        self.heard = time.monotonic()
        """When its last message came."""
        self.held = 0
        self._limits = limits
        self._answers = answers
        self._moved = asyncio.Event()

    def committed(self, weight: int, numbers: list[int]) -> None:
        """So much is stored; a sender that waits for it is told."""
        self.waiting -= weight
        self.outstanding -= len(numbers)
        self._moved.set()
        if self._answers:
            self.say(b"".join(map(acknowledged, numbers)))

    def say(self, data: bytes) -> None:
        """Sends something, without waiting: who does not read the answers is cut off."""
        transport = self.writer.transport
        if transport.is_closing() or not data:
            return
        transport.write(data)
        if transport.get_write_buffer_size() > self._limits.unread:
            transport.abort()

    async def room(self) -> None:
        """Waits until it may be read on."""
        await self._until(lambda: self.waiting <= self._limits.waiting)

    async def told(self) -> None:
        """Waits until everything it sent is stored."""
        await self._until(lambda: self.outstanding == 0)

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():
            self._moved.clear()
            await self._moved.wait()


class Streams:
    """The connections at a bound socket."""

    def __init__(
        self, one: socket.socket, intake: Intake, failed: Callable[[str], None], *,
        relp: bool = False, context: ssl.SSLContext | None = None, limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self._socket = one
        self._intake = intake
        self._failed = failed
        self._relp = relp
        self._context = context
        self._limits = limits or ORDINARY
        # Half of the files that the process may open: the others are the database's and its clients'.
        self._most = min(self._limits.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        self._shaking: dict[asyncio.Task[None], socket.socket] = {}
        """Connections whose handshake is under way."""
        self._serving: set[asyncio.Task[None]] = set()
        self._held = 0
        """Bytes of unfinished messages of all of them."""
        self._peers: dict[Peer, asyncio.Task[None]] = {}
        self._accepting: asyncio.Task[None] | None = None
        self._came = 0.0
        """When a byte came last."""

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._peers)

    async def start(self) -> None:
        """Takes connections from now on."""
        self._socket.setblocking(False)
        self._socket.listen(BACKLOG)
        self._accepting = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        """Takes no more connections, reads those that are there to quiet, stores what came, tells the senders, and closes."""
        assert self._accepting is not None  # noqa: S101 -- it was started
        self._accepting.cancel()
        await asyncio.gather(self._accepting, return_exceptions=True)
        self._socket.close()
        await self._cut(list(self._shaking))
        ends = time.monotonic() + self._limits.last
        began = time.monotonic()
        while self._peers and time.monotonic() < ends:
            if time.monotonic() - max(began, self._came) > self._limits.quiet and not self._intake.full:
                break
            await asyncio.sleep(0.02)
        reading = list(self._peers.items())
        for _, task in reading:
            task.cancel()
        await asyncio.gather(*(task for _, task in reading), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._intake.empty(), max(ends - time.monotonic(), 1.0))
        for peer, _ in reading:
            if self._relp:
                peer.say(FAREWELL)
            peer.writer.close()
        closing = [asyncio.create_task(_closed(peer.writer)) for peer, _ in reading]
        if closing:
            await asyncio.wait(closing, timeout=1.0)
        for peer, _ in reading:
            peer.writer.transport.abort()
        for one in closing:
            one.cancel()
        await asyncio.gather(*closing, return_exceptions=True)

    # -- new connections

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        most = min(self._limits.handshakes, self._most)
        while True:
            try:
                one, _ = await loop.sock_accept(self._socket)
            except OSError as fault:  # no more files, or the peer has gone already
                if fault.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                    self._failed(f"no connection can be taken now: {fault.strerror}.")
                    await asyncio.sleep(1.0)
                continue
            if len(self._shaking) >= most:
                await self._cut([next(iter(self._shaking))])
            task = asyncio.create_task(self._admit(one))
            self._shaking[task] = one
            task.add_done_callback(self._shaking.pop)
            await asyncio.sleep(0)  # those that are there have their turn, however many come

    async def _cut(self, shaking: list[asyncio.Task[None]]) -> None:
        """Ends handshakes that are under way."""
        for task in shaking:
            with contextlib.suppress(OSError, KeyError):
                self._shaking[task].shutdown(socket.SHUT_RDWR)
            task.cancel()
        await asyncio.gather(*shaking, return_exceptions=True)

    async def _admit(self, one: socket.socket) -> None:
        """Brings a new connection to where it is read."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(CHUNK // 2, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        more: dict[str, float] = {"ssl_handshake_timeout": self._limits.handshake, "ssl_shutdown_timeout": 1.0}
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, one, ssl=self._context, **(more if self._context else {})
            )
        except (OSError, EOFError):  # whoever counts failed handshakes was told of it
            one.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    # -- one connection

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or not self._has_room():
            writer.transport.abort()
            return
        peer = Peer(writer, self._limits, answers=self._relp)
        _keep_alive(writer)
        self._peers[peer] = task
        stopped = False
        try:
            await (self._read_relp(peer, reader) if self._relp else self._read_lines(peer, reader))
        except asyncio.CancelledError:
            stopped = True  # the listener's end: it says the rest
        except (OSError, EOFError, ssl.SSLError):
            pass  # the peer is gone
        finally:
            self._holds(peer, 0)
            self._peers.pop(peer, None)
            if not stopped:
                writer.close()
                await _bounded(_closed(writer), writer)

    def _has_room(self) -> bool:
        """Whether another connection may stay. Where there are too many, the one that was quiet for the longest has to go."""
        if len(self._peers) < self._most:
            return True
        quiet = min(self._peers, key=lambda peer: peer.heard)
        if time.monotonic() - quiet.heard < self._limits.idle:
            self._failed(f"a connection was refused: there are {self._most} already, none of them idle.")
            return False
        quiet.writer.transport.abort()
        return True

    async def _more(self, peer: Peer, reader: asyncio.StreamReader) -> bytes:
        """What comes next, once there is room for it; nothing at the end."""
        await peer.room()
        await self._intake.room()
        data = await reader.read(CHUNK)
        self._came = time.monotonic()
        return data

    def _hand(self, peer: Peer, what: What, number: int = 0) -> None:
        peer.heard = time.monotonic()
        peer.outstanding += 1
        peer.waiting += self._intake.add(what, peer, number)

    async def _read_lines(self, peer: Peer, reader: asyncio.StreamReader) -> None:
        frames = Frames()
        broken = True
        try:
            while data := await self._more(peer, reader):
                for what in frames.feed(data):
                    self._hand(peer, what)
                if not self._may_hold(peer, frames.held):
                    return
            broken = False
        finally:
            for what in frames.end(broken=broken):
                self._hand(peer, what)

    async def _read_relp(self, peer: Peer, reader: asyncio.StreamReader) -> None:
        session = Relp()
        while data := await self._more(peer, reader):
            for event in session.feed(data):
                match event:
                    case Sent(number, what):
                        self._hand(peer, what, number)
                    case Say(said):
                        peer.say(said)
                    case Bye(said):
                        await peer.told()
                        peer.say(said)
                        return
                    case Broken(said, reason):
                        await peer.told()
                        peer.say(said)
                        self._hand_broken(reason)
                        return
            if not self._may_hold(peer, session.held):
                return

    def _hand_broken(self, reason: str) -> None:
        self._failed(f"a connection was closed: {reason}")

    def _may_hold(self, peer: Peer, held: int) -> bool:
        """Whether a connection may go on with an unfinished message of that size."""
        self._holds(peer, held)
        if held <= SHOWN or self._held <= self._limits.held:
            return True
        self._failed("a connection was closed: unfinished messages take up too much.")
        return False

    def _holds(self, peer: Peer, held: int) -> None:
        self._held += held - peer.held
        peer.held = held


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Has the kernel find out when a peer is gone that did not say so."""
    one = writer.get_extra_info("socket")
    if one is None:
        return
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                one.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _closed(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError, EOFError):
        await writer.wait_closed()


async def _bounded(closing: Awaitable[None], writer: asyncio.StreamWriter) -> None:
    """Waits for a goodbye, for a second: who does not answer it is cut off."""
    try:
        await asyncio.wait_for(closing, 1.0)
    except TimeoutError:
        writer.transport.abort()
