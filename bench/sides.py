"""The sides as servers on 127.0.0.1, and a client that asks them one thing at a time.

`ours` is `secgraph serve`; `small` the same over a hundred thousand alerts where `ours` has more; `bare` the handler in
bare.py; `peer` the program in peer.py. What stands behind them is a `Place`.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import ssl
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from bench.processes import HOST, ROOT, Failed, free_port, running

SECGRAPH = ROOT / ".venv" / "bin" / "secgraph"
PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
PEER_WORKERS = 2
ALERTS = "/v1.0/security/alerts_v2"
OURS = ("ours", "small")

SEAL = "00" * 32
"""The key that seals what is secret in a database that is gone after the run."""

SDK = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "python-httpx/0.28.1 kiota-python/1.16.0",
}
"""The headers of the Graph SDK for Python, besides the token."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the sides' data is: in files of a folder, or in databases of a server."""

    folder: Path
    addresses: Mapping[str, str]
    """The URL of each side's database; empty for SQLite."""

    def settings(self, name: str) -> dict[str, str]:
        """What our program is told besides its data folder."""
        return {"SECGRAPH_DATABASE": self.addresses[name], "SECGRAPH_SEAL_KEY": SEAL} if self.addresses else {}

    @property
    def bare(self) -> str:
        """What the bare handler opens."""
        return self.addresses["bare"] if self.addresses else str(self.folder / "bare.db")

    @property
    def peer(self) -> str:
        """What the peer opens, as SQLAlchemy spells it."""
        if self.addresses:
            return self.addresses["peer"].replace("postgresql:", "postgresql+psycopg:", 1)
        return f"sqlite:///{self.folder / 'peer.db'}"


@dataclass(slots=True)
class Side:
    """One server: its port, and what every request to it carries."""

    name: str
    port: int
    pid: int
    log: Path
    headers: dict[str, str] = field(default_factory=dict)
    trusts: Path | None = None
    """The certificate of its authority, when it speaks TLS."""

    @property
    def origin(self) -> str:
        """What its addresses start with."""
        return f"{'https' if self.trusts else 'http'}://{HOST}:{self.port}"

    def client(self) -> Client:
        """A connection of one's own."""
        return Client(self)

    def said(self) -> str:
        """The end of what its process wrote."""
        return self.log.read_text("utf-8", "replace")[-2000:].strip() or "nothing was logged"


class Client:
    """A keep-alive connection; every answer must be a success."""

    def __init__(self, side: Side) -> None:
        self._side = side
        if side.trusts is None:
            self._connection = http.client.HTTPConnection(HOST, side.port, timeout=120)
        else:
            context = ssl.create_default_context(cafile=side.trusts)
            self._connection = http.client.HTTPSConnection(HOST, side.port, timeout=120, context=context)

    def ask(self, method: str, path: str, body: str = "", kind: str = "application/json", also: Sequence[int] = ()) -> bytes:
        """The answer's body. Failed when it is no success and has none of the other statuses either."""
        headers = {**self._side.headers, **({"Content-Type": kind} if body else {})}
        try:
            self._connection.request(method, path, body or None, headers)
            answer = self._connection.getresponse()
            data = answer.read()
            if answer.getheader("Content-Encoding") == "gzip":
                data = gzip.decompress(data)
        except (OSError, http.client.HTTPException) as fault:
            raise Failed(f"{self._side.name} gave no answer to {method} {path[:200]}: {fault!r}; {self._side.said()}") from None
        if answer.status // 100 != 2 and answer.status not in also:
            raise Failed(f"{self._side.name} answered {answer.status} to {method} {path[:200]}: {data[:300]!r}")
        return data

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def form(credentials: Mapping[str, str]) -> tuple[str, str]:
    """Path and body of a request for a token."""
    values = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default",
              "client_id": credentials["client"], "client_secret": credentials["secret"]}  # fmt: skip
    return f"/{credentials['tenant']}/oauth2/v2.0/token", urlencode(values)


def command(folder: Path, port: int, *, workers: int, tls: bool = False) -> list[str]:
    """What starts ours."""
    more = [*(() if tls else ("--allow-plain-http",)), *(("--workers", str(workers)) if workers > 1 else ())]
    return [str(SECGRAPH), "serve", "--data", str(folder), "--port", str(port), "--empty", "--log-level", "warning", *more]


@contextlib.contextmanager
def ours(
    name: str, place: Place, credentials: Mapping[str, str], *, workers: int, tls: bool = False, compress: bool = False
) -> Iterator[Side]:
    """`secgraph serve` over a data folder, with a token fetched once. With `compress` it compresses for everybody, and is asked
    with the SDK's headers.
    """
    folder, log, port = place.folder / name, place.folder / f"{name}.log", free_port()
    settings = {**place.settings(name), **({"SECGRAPH_COMPRESS": "on"} if compress else {})}
    with running(command(folder, port, workers=workers, tls=tls), port, log, settings) as pid:
        side = Side(name, port, pid, log, trusts=folder / "ca.pem" if tls else None)
        path, body = form(credentials)
        client = side.client()
        answer = client.ask("POST", path, body, "application/x-www-form-urlencoded")
        client.close()
        side.headers["Authorization"] = f"Bearer {msgspec.json.decode(answer)['access_token']}"
        side.headers |= SDK if compress else {}
        yield side


@contextlib.contextmanager
def bare(place: Place, heads: Mapping[str, str], *, workers: int) -> Iterator[Side]:
    """The bare handler over its own table."""
    log, port = place.folder / "bare.log", free_port()
    words = [sys.executable, "-m", "bench.bare", "--port", str(port), "--workers", str(workers)]
    given = {"BENCH_BARE": json.dumps({"database": place.bare, "heads": dict(heads)})}
    with running(words, port, log, given) as pid:
        yield Side("bare", port, pid, log)


@contextlib.contextmanager
def peer(place: Place) -> Iterator[Side]:
    """The peer over its own table."""
    log, port = place.folder / "peer.log", free_port()
    words = [str(PEER_PYTHON), str(ROOT / "bench" / "peer.py"), "serve", place.peer, "--port", str(port),
             "--workers", str(PEER_WORKERS)]  # fmt: skip
    with running(words, port, log) as pid:
        yield Side("peer", port, pid, log)
