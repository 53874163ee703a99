"""rsyslog sends to the listeners of a real server: every line is there once, also over kills where it is acknowledged.

SECGRAPH_KILLS=10 kills the server that often, and says with `-s` what was lost of lines that nobody acknowledges.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.ports import free_port
from tests.real.conftest import Run, Server, Start, _ended, _start, until
from tests.real.relay import Relay, needed, relay
from tests.real.test_workers import children

from secgraph import clock
from secgraph.testing import self_signed

KILLS = int(os.environ.get("SECGRAPH_KILLS", "2"))
ROUND = 600
"""Lines of each way between two kills."""

LIST = "/v1.0/security/alerts_v2"
SOURCES = "/v1.0/security/sources"


@pytest.fixture(scope="module", autouse=True)
def _with_rsyslog() -> None:
    needed()


def line(name: str, number: int, more: str = "") -> str:
    """A CEF line; its number is in the title of the alert."""
    return f"CEF:0|Acme|Wall|1.0|100|{name} {number}|5|msg=something was let through {more}"


def lines(name: str, first: int, count: int) -> list[str]:
    return [line(name, number) for number in range(first, first + count)]


def titles(name: str, count: int) -> Counter[str]:
    return Counter(f"{name} {number}" for number in range(count))


@dataclass
class Ground:
    """A server with feeds that listen; it may be killed and started again."""

    start: Start
    server: Server
    ports: dict[str, int]
    flags: tuple[str, ...] = ()

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait(30)
        self.server = self.start(self.server.folder, *self.flags, port=self.server.port).ready()

    def asked(self, work: Callable[[httpx.Client, dict[str, str]], Any]) -> Any:
        with self.server.client() as client:
            return work(client, self.server.token(client))

    def stored(self, name: str) -> Counter[str]:
        """The titles of the alerts of one feed's lines."""
        def work(client: httpx.Client, headers: dict[str, str]) -> Counter[str]:
            found: Counter[str] = Counter()
            url = f"{LIST}?$top=999&$select=title"
            while url:
                page = client.get(url, headers=headers).json()
                found.update(one["title"] for one in page["value"] if one["title"].startswith(f"{name} "))
                url = page.get("@odata.nextLink", "")
            return found

        found: Counter[str] = self.asked(work)
        return found

    def health(self) -> dict[str, dict[str, Any]]:
        """How each feed fares, by name."""
        found = self.asked(lambda client, headers: client.get(SOURCES, headers=headers).json()["value"])
        return {one["id"]: one for one in found}

    def told(self, name: str, true: Callable[[dict[str, Any]], bool], seconds: float = 30) -> dict[str, Any]:
        """The health of a feed once something is true of it."""
        found: dict[str, Any] = {}

        def look() -> bool:
            found.update(self.health().get(name, {}))
            time.sleep(0.3)
            return bool(found) and true(found)

        assert until(look, seconds=seconds), str(found)
        return found

@contextmanager
def listening(folder: Path, secgraph: Run, feeds: dict[str, tuple[str, str]], *flags: str) -> Iterator[Ground]:
    """A server with a CEF feed for each name, which listens in some way, with some options."""
    ports = {name: free_port() for name in feeds}
    servers: list[Server] = []

    def start(folder: Path, *more: str, port: int | None = None) -> Server:
        servers.append(_start(folder, *more, port=port))
        return servers[-1]

    try:
        server = start(folder / "data", "--empty", *flags).ready()
        text = "".join(
            f'[source.{name}]\nkind = "cef"\nroad = "listen"\noptions.listen = "{way}://127.0.0.1:{ports[name]}"\n{options}\n'
            for name, (way, options) in feeds.items()
        )
        (folder / "sources.toml").write_text(text)
        done = secgraph("source", "apply", folder / "sources.toml", "--data", folder / "data")
        assert done.returncode == 0, done.stderr
        assert until(lambda: server.said.count("ListenerStarted") == len(feeds), server.process), server.said
        yield Ground(start, server, ports, flags)
    finally:
        _ended(servers)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder on the disk."""
    with tempfile.TemporaryDirectory(prefix="secgraph-rsyslog-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def ground(folder: Path, secgraph: Run, proof: tuple[Path, Path]) -> Iterator[Ground]:
    """A server with a feed for each test."""
    clients = f'options.tls_client_ca = "{proof[0]}"'
    feeds = {
        "tcp": ("tcp", ""), "tls": ("tls", clients), "relp": ("relp", ""), "sealed": ("relp+tls", clients), "deaf": ("relp", ""),
        "udp": ("udp", ""), "lasting": ("relp", ""), "fleeting": ("tcp", ""),
    }  # fmt: skip
    with listening(folder, secgraph, feeds) as made:
        yield made


@pytest.fixture(scope="module")
def proof(folder: Path) -> tuple[Path, Path]:
    """A certificate of a client, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = clock.now()
    files = folder / "client.pem", folder / "client.key"
    files[0].write_bytes(self_signed(key, starts=now - clock.SECOND * 3600, ends=now + clock.SECOND * 86_400).public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


@contextmanager
def sending(folder: Path, actions: dict[str, str], more: str = "") -> Iterator[Relay]:
    one = relay(folder, actions, more)
    try:
        yield one
    except AssertionError:
        print(one.said)  # noqa: T201 -- what rsyslog says of a failure
        raise
    finally:
        one.stop()


def test_every_line_arrives_once_by_each_way(tmp_path: Path, ground: Ground, proof: tuple[Path, Path]) -> None:
    chain, key = proof
    ports, authority = ground.ports, ground.server.folder / "ca.pem"
    relp = 'type="omrelp" target="localhost" template="line"'
    tls = 'StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost"'
    sends = 'type="omfwd" target="localhost" protocol="tcp" template="line"'
    actions = {
        "lines": f'{sends} port="{ports["tcp"]}"',
        "counted": f'{sends} port="{ports["tcp"]}" TCP_Framing="octet-counted"',
        "tls": f'{sends} port="{ports["tls"]}" TCP_Framing="octet-counted" {tls}',
        "relp": f'{relp} port="{ports["relp"]}"',
        "sealed": f'{relp} port="{ports["sealed"]}" tls="on" tls.cacert="{authority}" tls.mycert="{chain}" tls.myprivkey="{key}"'
                  ' tls.authmode="name" tls.permittedpeer=["localhost"]',
    }  # fmt: skip
    files = f'defaultNetstreamDriverCAFile="{authority}" defaultNetstreamDriverCertFile="{chain}" defaultNetstreamDriverKeyFile="{key}"'
    with sending(tmp_path / "rsyslog", actions, files) as one:
        for name in actions:
            one.write(name, lines(name, 0, 400))
        for name, count in (("tcp", 800), ("tls", 400), ("relp", 400), ("sealed", 400)):
            ground.told(name, lambda seen, count=count: seen["taken"] >= count)  # type: ignore[misc]
        for name in actions:
            assert ground.stored(name) == titles(name, 400)
    seen = ground.health()
    assert [(seen[name]["unchanged"], seen[name]["rejected"]) for name in ("tcp", "tls", "relp", "sealed")] == [(0, 0)] * 4


@dataclass
class Deaf:
    """A way to a port on which acknowledgements are lost, until it is mended; the connections of before break then."""

    taken: socket.socket
    to: int
    mended: bool = False
    carriers: list[threading.Thread] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)

    def run(self) -> None:
        """Carries connections, until the socket that takes them is closed."""
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.taken.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
                both = [threading.Thread(target=self._carry, args=(*way, self.mended)) for way in ((near, far, False), (far, near, not self.mended))]
                self.carriers += both
                for one in both:
                    one.start()
                self.sockets += (near, far)

    def mend(self) -> None:
        self.mended = True
        for one in self.carriers:
            one.join()

    def close(self, runs: threading.Thread) -> None:
        """Ends when rsyslog has let go of its connections."""
        self.taken.shutdown(socket.SHUT_RDWR)
        for one in (runs, *self.carriers):
            one.join()
        for each in self.sockets:
            each.close()

    def _carry(self, one: socket.socket, other: socket.socket, deaf: bool, mended: bool) -> None:
        one.settimeout(0.05)
        with contextlib.suppress(OSError):
            while self.mended is mended:
                try:
                    data = one.recv(65_536)
                except TimeoutError:
                    continue
                if not data:
                    break
                if not deaf or b"relp_version" in data:
                    other.sendall(data)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def test_what_was_committed_and_not_acknowledged_comes_again_and_changes_nothing(tmp_path: Path, ground: Ground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        way = Deaf(taken, ground.ports["deaf"])
        runs = threading.Thread(target=way.run)
        runs.start()
        action = f'type="omrelp" target="127.0.0.1" port="{taken.getsockname()[1]}" template="line"'
        try:
            with sending(tmp_path / "rsyslog", {"deaf": action}) as one:
                one.write("deaf", lines("deaf", 0, 50))
                ground.told("deaf", lambda seen: seen["taken"] == 50)
                way.mend()
                one.write("deaf", lines("deaf", 50, 10))
                ground.told("deaf", lambda seen: (seen["taken"], seen["unchanged"]) == (60, 50))
        finally:
            way.mended = True
            way.close(runs)
    assert ground.stored("deaf") == titles("deaf", 60)


def test_of_a_flood_of_datagrams_it_is_told_how_many_were_lost(ground: Ground) -> None:
    more, sent, dropped = "x" * 60_000, 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        ends = time.monotonic() + 30
        while not dropped and time.monotonic() < ends:
            for _ in range(100):
                sender.sendto(line("udp", sent, more).encode(), ("127.0.0.1", ground.ports["udp"]))
                sent += 1
            dropped = _dropped(ground.ports["udp"])
    dropped = _dropped(ground.ports["udp"])
    assert dropped
    said = f"{dropped} since it is listened here"
    ground.told("udp", lambda one: one["taken"] == sent - dropped and said in (one["lastFailureReason"] or ""))
    assert "DatagramsDropped" in ground.server.said


def _dropped(port: int) -> int:
    """What the kernel dropped of the datagrams to a port."""
    rows = [row.split() for row in Path("/proc/net/udp").read_text("ascii").splitlines()[1:]]
    return sum(int(row[-1]) for row in rows if row[1].endswith(f":{port:04X}"))


def test_kills_lose_nothing_that_is_acknowledged(tmp_path: Path, ground: Ground) -> None:
    said = _under_kills(tmp_path, ground, KILLS, ground.kill)
    print(f"\n{said}")  # noqa: T201 -- what docs/listening.md says
    assert ground.health()["lasting"]["rejected"] == 0


def test_another_process_takes_over_from_one_that_was_killed(tmp_path: Path, secgraph: Run) -> None:
    with listening(tmp_path, secgraph, {"lasting": ("relp", ""), "fleeting": ("tcp", "")}, "--workers", "2") as two:
        _under_kills(tmp_path, two, 1, lambda: _kill_listeners(two))


def _kill_listeners(ground: Ground) -> None:
    """Kills the processes that listen; others have their addresses soon."""
    for name in ("lasting", "fleeting"):
        port = ground.ports[name]
        [one] = [pid for pid in children(ground.server) if _listens(pid, port)]
        os.kill(one, signal.SIGKILL)
        assert until(partial(_another, ground, one, port), seconds=10)


def _another(ground: Ground, former: int, port: int) -> bool:
    return any(_listens(pid, port) for pid in children(ground.server) if pid != former)


def _under_kills(folder: Path, ground: Ground, kills: int, kill: Callable[[], None]) -> str:
    """Numbered lines come by RELP and TCP, and now and then something is killed; says what was lost of those by TCP."""
    actions = {
        "lasting": f'type="omrelp" target="127.0.0.1" port="{ground.ports["lasting"]}" template="line"',
        "fleeting": f'type="omfwd" target="127.0.0.1" protocol="tcp" template="line" port="{ground.ports["fleeting"]}"',
    }
    seed = time.time_ns()
    chance, sent = Random(seed), 0  # noqa: S311 -- when a kill comes is no secret
    with sending(folder / "rsyslog", actions) as one:
        for _ in range(kills):
            cut = chance.randrange(ROUND // 3, ROUND)
            for begin in range(0, ROUND, 25):
                for name in actions:
                    one.write(name, lines(name, sent + begin, 25))
                time.sleep(0.02)
                if begin <= cut < begin + 25:
                    kill()
            sent += ROUND
        for name in actions:
            one.write(name, lines(name, sent, 50))
        sent += 50
        assert until(lambda: ground.stored("lasting") == titles("lasting", sent), seconds=60), f"seed {seed}"
        assert until(lambda: ground.stored("fleeting")[f"fleeting {sent - 1}"] == 1, seconds=60), f"seed {seed}"
    came = ground.stored("fleeting")
    assert came <= titles("fleeting", sent)  # what comes, comes once
    lost = sent - came.total()
    return f"{kills} kills: of {sent} lines by TCP {lost} were lost, {lost / kills:.0f} a kill; by RELP none"


def _listens(pid: int, port: int) -> bool:
    """Whether a process has the socket at which connections to a port are taken."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"}
    found = False
    with contextlib.suppress(FileNotFoundError):
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found |= str(file.readlink()) in inodes
    return found
