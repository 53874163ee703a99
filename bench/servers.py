"""The two servers as processes of their own on 127.0.0.1, and a client that asks them one thing at a time."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import msgspec

ROOT = Path(__file__).resolve().parents[1]
SECGRAPH = ROOT / ".venv" / "bin" / "secgraph"
HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 20


class Failed(Exception):
    """The measurement cannot be trusted or cannot go on; the text says why."""


@dataclass(slots=True)
class Side:
    """One of the two: its port, and what every request to it carries."""

    name: str
    port: int
    pid: int
    log: Path
    headers: dict[str, str] = field(default_factory=dict)

    def client(self) -> Client:
        """A connection of one's own."""
        return Client(self)

    def said(self) -> str:
        """The end of what its process wrote."""
        return self.log.read_text("utf-8", "replace")[-2000:].strip() or "nothing was logged"

    def busy(self) -> float:
        """The seconds of processor time its process has used so far."""
        stat = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """A keep-alive connection; every answer must be a 200."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._connection = http.client.HTTPConnection(HOST, side.port, timeout=60)

    def ask(self, method: str, path: str, body: str = "", kind: str = "application/json") -> bytes:
        """The answer's body."""
        headers = {**self._side.headers, **({"Content-Type": kind} if body else {})}
        try:
            self._connection.request(method, path, body or None, headers)
            answer = self._connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as fault:
            raise Failed(f"{self._side.name} gave no answer to {method} {path[:200]}: {fault!r}; {self._side.said()}") from None
        if answer.status != http.client.OK:
            raise Failed(f"{self._side.name} answered {answer.status} to {method} {path[:200]}: {data[:300]!r}")
        return data

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def environment() -> dict[str, str]:
    """Ours without settings of the server that would change what is measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SECGRAPH_")}


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[int]:
    """Runs a server until the end of the block; gives its process id once it listens."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=out, stderr=subprocess.STDOUT)  # noqa: S603 -- our own commands
    try:
        _listening(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.05)
    raise Failed(f"{process.args!r} does not listen on port {port}: {log.read_text('utf-8', 'replace')[-1000:]}")


@contextlib.contextmanager
def ours(folder: Path, credentials: Mapping[str, str], log: Path) -> Iterator[Side]:
    """`secgraph serve` over a data folder, with a token fetched once."""
    port = free_port()
    command = [str(SECGRAPH), "serve", "--data", str(folder), "--port", str(port), "--allow-plain-http", "--empty",
               "--log-level", "warning"]  # fmt: skip
    with running(command, port, log) as pid:
        side = Side("secgraph", port, pid, log)
        client = side.client()
        form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default",
                "client_id": credentials["client"], "client_secret": credentials["secret"]}  # fmt: skip
        path = f"/{credentials['tenant']}/oauth2/v2.0/token"
        answer = client.ask("POST", path, urlencode(form), "application/x-www-form-urlencoded")
        client.close()
        side.headers["Authorization"] = f"Bearer {msgspec.json.decode(answer)['access_token']}"
        yield side


@contextlib.contextmanager
def bare(file: Path, heads: Path, log: Path) -> Iterator[Side]:
    """The bare handler over its own file."""
    port = free_port()
    command = [sys.executable, "-m", "bench.bare", "--file", str(file), "--heads", str(heads), "--port", str(port)]
    with running(command, port, log) as pid:
        yield Side("bare", port, pid, log)
