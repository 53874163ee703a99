"""Ten kills while numbered lines come by RELP and TCP: of what is acknowledged nothing is lost, and what comes again is known."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from tests.databases import Databases, settings_of
from tests.ports import free_port
from tests.real.conftest import ENVIRONMENT, Run, Start, until

KILLS = 10
WINDOW = 100
"""Messages that a sender has sent and knows nothing of, at most."""
OPEN = b"relp_version=0\nrelp_software=test\ncommands=syslog"
ANSWER = re.compile(rb"(\d+) (?:rsp|serverclose) (\d+)[ \n]")


def line(name: str, number: int) -> bytes:
    return b"<134>1 2026-02-10T12:00:00Z wall cef - - - CEF:0|Acme|Wall|1.0|100|%s %d|5|msg=something" % (name.encode(), number)


@dataclass
class Sender:
    """Sends numbered lines until it is told to stop, and over a new connection what was not acknowledged on the one before."""

    port: int
    pause: float
    sent: int = 0
    """Lines that there are, from 0 on."""
    acknowledged: int = 0
    again: int = 0
    """Lines that were sent more than once."""
    stop: threading.Event = field(default_factory=threading.Event)
    waiting: deque[tuple[int, int]] = field(default_factory=deque)
    """Numbers of frames and lines, not acknowledged."""

    def run(self) -> None:
        while not (self.stop.is_set() and not self.waiting):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as one:
                self._session(one)
            time.sleep(0.05)

    def _session(self, one: socket.socket) -> None:
        one.settimeout(5)
        one.sendall(b"1 open %d %s\n" % (len(OPEN), OPEN))
        held = bytearray()
        self._read(one, held, 1)
        number = 1
        former, self.waiting = [at for _, at in self.waiting], deque()
        self.again += len(former)
        for at in former:
            number += 1
            self._send(one, number, at)
        one.setblocking(False)
        while not (self.stop.is_set() and not self.waiting):
            if len(self.waiting) < WINDOW and not self.stop.is_set():
                number += 1
                self._send(one, number, self.sent)
                self.sent += 1
                time.sleep(self.pause)
            else:
                time.sleep(0.001)
            self._told(one, held)

    def _send(self, one: socket.socket, number: int, at: int) -> None:
        self.waiting.append((number, at))
        data = line("lasting", at)
        frame = b"%d syslog %d %s\n" % (number, len(data), data)
        one.settimeout(5)
        one.sendall(frame)
        one.setblocking(False)

    def _told(self, one: socket.socket, held: bytearray) -> None:
        with contextlib.suppress(BlockingIOError):
            data = one.recv(65_536)
            if not data:
                raise ConnectionResetError
            held += data
        self._acknowledge(held)

    def _acknowledge(self, held: bytearray) -> None:
        while (found := ANSWER.match(held)) is not None and len(held) >= (end := found.end() + int(found[2])) + bool(int(found[2])):
            number, said = int(found[1]), bytes(held[found.end() : end])
            if number == 0:
                raise ConnectionResetError  # the listener closes
            assert said.startswith(b"200"), said
            del held[: end + 1]
            if number > 1:
                first, _ = self.waiting.popleft()
                assert first == number, "in their order"
                self.acknowledged += 1

    def _read(self, one: socket.socket, held: bytearray, many: int) -> None:
        while held.count(b" rsp ") < many or not held.endswith(b"\n"):
            data = one.recv(65_536)
            if not data:
                raise ConnectionResetError
            held += data
        self._acknowledge(held)


@dataclass
class Plain:
    """Sends numbered lines that nobody acknowledges."""

    port: int
    pause: float
    sent: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stop.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as one:
                while not self.stop.is_set():
                    one.sendall(line("fleeting", self.sent) + b"\n")
                    self.sent += 1
                    time.sleep(self.pause)
            time.sleep(0.05)


def stored(client: httpx.Client, headers: dict[str, str], name: str) -> Counter[str]:
    """How often there is an alert of each line."""
    found: Counter[str] = Counter()
    url = f"/v1.0/security/alerts_v2?$top=999&$select=title&$filter=startswith(title,'{name} ')"
    while url:
        page: dict[str, Any] = client.get(url, headers=headers).json()
        found.update(one["title"] for one in page["value"])
        url = page.get("@odata.nextLink", "")
    return found


@contextlib.contextmanager
def working(*senders: Sender | Plain) -> Iterator[None]:
    threads = [threading.Thread(target=one.run) for one in senders]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        for sender in senders:
            sender.stop.set()
        for one in threads:
            one.join(60)


def test_ten_kills_lose_nothing_that_is_acknowledged(
    tmp_path: Path, start: Start, secgraph: Run, databases: Databases, database_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = time.time_ns()
    chance = Random(seed)  # noqa: S311 -- when a kill comes is no secret
    with databases.one(database_kind) as url:
        flags = ("--database", url) if url else ()
        for name, value in settings_of(url).items():
            monkeypatch.setitem(ENVIRONMENT, f"SECGRAPH_{name.upper()}", value)
        server = start(tmp_path / "data", "--empty", *flags).ready()
        lasting, fleeting = Sender(free_port(), 0.001), Plain(free_port(), 0.001)
        for name, way, port in (("lasting", "relp", lasting.port), ("fleeting", "tcp", fleeting.port)):
            done = secgraph("source", "add", "cef", "--name", name, "--listen", f"{way}://127.0.0.1:{port}", "--data", tmp_path / "data", *flags)
            assert done.returncode == 0, done.stderr
        assert until(lambda: server.said.count("ListenerStarted") == 2, server.process), server.said
        with working(lasting, fleeting):
            for _ in range(KILLS):
                before = lasting.acknowledged
                assert until(lambda before=before: lasting.acknowledged > before + 100), f"seed {seed}: {server.said}"  # type: ignore[misc]
                time.sleep(chance.random() * 0.3)
                server.process.kill()
                server.process.wait(30)
                server = start(tmp_path / "data", "--empty", *flags, port=server.port).ready()
            before = lasting.acknowledged
            assert until(lambda: lasting.acknowledged > before + 100), f"seed {seed}: {server.said}"
        assert not lasting.waiting, f"seed {seed}"
        assert lasting.again, "a kill met what was not acknowledged"
        with server.client() as client:
            headers = server.token(client)
            assert stored(client, headers, "lasting") == Counter(f"lasting {number}" for number in range(lasting.sent)), f"seed {seed}"
            came = stored(client, headers, "fleeting")
        assert max(came.values()) == 1
        lost = fleeting.sent - len(came)
        print(f"\n{database_kind}: {KILLS} kills: {lasting.sent} lines by RELP, {lasting.again} of them again, none lost;"  # noqa: T201 -- for docs/listening.md
              f" of {fleeting.sent} lines by TCP {lost} were lost, {lost / KILLS:.0f} a kill")  # fmt: skip
        server.stop()
