"""Strangers do what they like to the ports of a real server; an honest sender beside them loses nothing, and clients are answered."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ports import free_port
from tests.real.conftest import Run, Server, _ended, _start, until

MIB = 1024 * 1024
WAYS = ("udp", "tcp", "tls", "relp")
OFFERS = b"relp_version=0\nrelp_software=t\ncommands=syslog"
OPEN = b"1 open %d %s\n" % (len(OFFERS), OFFERS)
MEMORY = 400 * MIB
"""What the server may grow by, whatever strangers send."""


def line(name: str, number: int) -> bytes:
    return b"<134>1 2026-02-10T12:00:00Z wall cef - - - CEF:0|Acme|Wall|1.0|100|%s %d|5|msg=something" % (name.encode(), number)


@dataclass
class Ground:
    """The server, its ports by name, and the address of a webhook."""

    server: Server
    ports: dict[str, int]
    hook: str
    secret: str

    def connect(self, way: str) -> socket.socket:
        """A connection of a stranger, in clear."""
        return socket.create_connection(("127.0.0.1", self.ports[way]), 10)

    def secured(self, way: str = "tls") -> socket.socket:
        """One over TLS."""
        trust = ssl.create_default_context(cafile=str(self.server.folder / "ca.pem"))
        return trust.wrap_socket(self.connect(way), server_hostname="localhost")

    def memory(self) -> int:
        """Bytes that the server has."""
        return int(Path(f"/proc/{self.server.process.pid}/statm").read_text("ascii").split()[1]) * 4096

    def files(self) -> int:
        """Files that it has open."""
        return len(list(Path(f"/proc/{self.server.process.pid}/fd").iterdir()))

    def stored(self) -> Counter[str]:
        """The titles of the alerts."""
        found: Counter[str] = Counter()
        with self.server.client() as client:
            headers, url = self.server.token(client), "/v1.0/security/alerts_v2?$top=999&$select=title&$filter=startswith(title,'honest')"
            while url:
                page: dict[str, Any] = client.get(url, headers=headers).json()
                found.update(one["title"] for one in page["value"])
                url = page.get("@odata.nextLink", "")
        return found


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, secgraph: Run) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("attacked") / "data"
    servers = [_start(folder, "--empty")]
    try:
        server = servers[0].ready()
        ports = {way: free_port() for way in WAYS}
        for way, port in ports.items():
            done = secgraph("source", "add", "cef", "--name", way, "--listen", f"{way}://127.0.0.1:{port}", "--data", folder)
            assert done.returncode == 0, done.stderr
        done = secgraph("source", "add", "cef", "--name", "hook", "--webhook", "--json", "--data", folder)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert until(lambda: server.said.count("ListenerStarted") == len(WAYS), server.process), server.said
        yield Ground(server, ports, said["hook"], said["secret"])
    finally:
        _ended(servers)


# --- what strangers do --------------------------------------------------------------------------------------------------


def sent(one: socket.socket, *parts: bytes, pause: float = 0.0) -> None:
    """Sends as long as somebody listens."""
    with contextlib.suppress(OSError):
        for part in parts:
            one.sendall(part)
            time.sleep(pause)


@contextlib.contextmanager
def many(ground: Ground, way: str, count: int, first: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that have begun to say something."""
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            with contextlib.suppress(OSError):
                held.append(ground.connect(way))
                held[-1].setblocking(False)
                held[-1].send(first)
        yield held
    finally:
        for one in held:
            one.close()


def slow(ground: Ground) -> None:
    with many(ground, "tcp", 300, b"<1>slo") as lines, many(ground, "relp", 300, b"1 op") as frames:
        for _ in range(20):
            for one in (*lines, *frames):
                with contextlib.suppress(OSError):
                    one.send(b"w")
            time.sleep(0.05)


def half_open(ground: Ground) -> None:
    before = ground.files()
    with many(ground, "tls", 1500, b"\x16\x03\x01"):
        assert until(lambda: ground.files() < before + 300, seconds=5), ground.files() - before


def too_many(ground: Ground) -> None:
    before = ground.files()
    with many(ground, "tcp", 2600, b"<1>mine\n"):
        time.sleep(1)
        assert ground.files() < before + 2100


def long_lines(ground: Ground) -> None:
    for way in ("tcp", "tls"):
        with ground.connect(way) if way == "tcp" else ground.secured() as one:
            sent(one, *[b"x" * MIB] * 10, b"\n")
    with ground.connect("relp") as one:
        sent(one, OPEN, b"2 syslog %d " % (10 * MIB), *[b"x" * MIB] * 10, b"\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        for size in (0, 1, 65_000, 65_507):
            one.sendto(b"\xff" * size, ("127.0.0.1", ground.ports["udp"]))


LIES = (
    b"999999999 <1>x", b"99999999 <1>x", b"5 <1>more than five\n", b"0 <1>\n", b"-1 <1>\n", b"1 <1>\n2 <1>\n", b"9" * 100_000, b"10 <1>short", b"1048577 <1>" + b"z" * 5000,
    b"5 <1>ab" + b"z" * 100_000, b"\0" * 100_000, b"\n" * 100_000, b"4 <1>\xff\xfe\xfd" * 1000, b"3 CEF:0|" * 5000,
)  # fmt: skip


def lies(ground: Ground) -> None:
    for lie in LIES:
        with ground.connect("tcp") as one:
            sent(one, lie)
    with ground.connect("tcp") as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent(one, b"5 <1>ab" + b"z" * 900_000, *[b"z"] * 300, pause=0.005)


FRAMES = (
    b"2 syslog 5 abcde\n", OPEN + OPEN, OPEN + b"0 syslog 1 a\n" * 50, OPEN + b"7 syslog 1 a\n" * 50, OPEN + b"-1 syslog 1 a\n", OPEN + b"2 syslog 99999999999 a\n",
    OPEN + b"2 syslog 999999999 a\n", OPEN + b"2 syslog 3 abcdef\n", OPEN + b"2 syslog 10 abc\n", OPEN + b"2 syslog 0\n", OPEN + b"2 syslog 5\n", OPEN + b"2 \xff\xff 1 a\n",
    OPEN + b"2 rsp 6 200 OK\n", OPEN + b"2 close 0\n3 syslog 1 a\n", OPEN + b"2 starttls 0\n" * 2000, b"1 open 99999 " + b"x" * 99_999, b"\n" * 500_000, b"1" * 1000,
    b"GET / HTTP/1.1\r\n\r\n", OPEN + b"999999999 syslog 1 a\n1 syslog 1 a\n",
)  # fmt: skip


def frames(ground: Ground) -> None:
    for some in FRAMES:
        with ground.connect("relp") as one:
            sent(one, some)
            one.settimeout(0.2)
            with contextlib.suppress(OSError):
                while one.recv(65_536):
                    pass


def not_tls(ground: Ground) -> None:
    for some in (b"<1>in clear\n" * 100, b"\x16\x03\x01\xff\xff" + b"\0" * 70_000, b""):
        with ground.connect("tls") as one:
            sent(one, some)
    with contextlib.suppress(OSError), ground.secured() as one:
        sent(one, b"<1>cut")
        one.shutdown(socket.SHUT_RDWR)


def bombs(ground: Ground) -> None:
    bomb = gzip.compress(bytes(300 * MIB))
    with ground.server.client() as client:
        packed = {"content-encoding": "gzip", "authorization": f"Bearer {ground.secret}"}
        assert client.post(ground.hook, content=bomb, headers=packed, timeout=60).status_code == 413
        assert client.post(ground.hook, content=gzip.compress(b"x" * 99)[:-9], headers=packed).status_code == 400
        assert client.post(ground.hook, content=gzip.compress(b"") * 5000, headers=packed).status_code in {400, 413}
        for _ in range(20):
            assert client.post(ground.hook, content=bomb, headers={**packed, "authorization": "Bearer wrong-one"}).status_code == 401


def slow_calls(ground: Ground) -> None:
    address = httpx.URL(ground.hook)
    trust = ssl.create_default_context(cafile=str(ground.server.folder / "ca.pem"))
    held: list[socket.socket] = []
    try:
        for number in range(100):
            held.append(trust.wrap_socket(socket.create_connection(("127.0.0.1", ground.server.port), 10), server_hostname="localhost"))
            head = b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\nauthorization: Bearer %s\r\n" % (address.raw_path, ground.secret.encode())
            held[-1].sendall(head if number % 2 else head + b"\r\n{")
        for one in held:
            sent(one, b"x: y\r\n")
    finally:
        for one in held:
            one.close()


ATTACKS: tuple[Callable[[Ground], None], ...] = (slow, half_open, too_many, long_lines, lies, frames, not_tls, bombs, slow_calls)


# --- and an honest sender -----------------------------------------------------------------------------------------------


def honest(ground: Ground, name: str, over: threading.Event, count: list[int]) -> None:
    """Sends lines by TLS and RELP all the while, over connections that were there before."""
    with ground.secured() as plain, ground.connect("relp") as told:
        told.sendall(OPEN)
        told.recv(4096)
        while not over.is_set():
            text = line(f"honest {name} tls", count[0])
            plain.sendall(b"%d %s" % (len(text), text))
            text = line(f"honest {name} relp", count[0])
            told.sendall(b"%d syslog %d %s\n" % (count[0] + 2, len(text), text))
            count[0] += 1
            time.sleep(0.02)
        told.settimeout(20)
        acknowledged = 0
        while acknowledged < count[0]:
            data = told.recv(65_536)
            acknowledged += data.count(b" rsp ")
            assert data, "what was sent is acknowledged"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_honest_sender_loses_nothing_and_clients_are_answered(ground: Ground, attack: Callable[[Ground], None]) -> None:
    name, over, count = attack.__name__.replace("_", ""), threading.Event(), [0]
    sender = threading.Thread(target=honest, args=(ground, name, over, count))
    before, waits = ground.memory(), [0.0]
    sender.start()

    def ask() -> None:
        with ground.server.client() as client:
            while not over.is_set():
                began = time.monotonic()
                assert client.get("/readyz").status_code == 200
                waits.append(time.monotonic() - began)
                time.sleep(0.05)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        attack(ground)
        time.sleep(0.3)
    finally:
        over.set()
        sender.join(30)
        asking.join(30)
    wanted = Counter(f"honest {name} {way} {number}" for way in ("tls", "relp") for number in range(count[0]))
    assert count[0] > 5
    assert until(lambda: Counter({one: many for one, many in ground.stored().items() if f" {name} " in one}) == wanted, seconds=20)
    assert ground.server.process.poll() is None
    assert ground.memory() - before < MEMORY
    assert len(waits) > 3
    assert max(waits) < 5, "everybody waits for that"
    print(f"\n{name}: {count[0]} lines each way; a client waited {max(waits):.2f} s at most; {(ground.memory() - before) // MIB} MiB more")  # noqa: T201 -- for whoever looks
