"""A server that does what it should not, over TLS on this machine, and a way to it under names that lead here."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from secgraph.extend import ClientCredentials, Reach
from secgraph.outbound.exchange import Bounds, Exchange
from secgraph.outbound.guard import Guard, trust
from secgraph.outbound.waiting import Time
from secgraph.outbound.web import Outside
from secgraph.testing import Clock

API, LOGIN = "api.example", "login.example"


@dataclass
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Act = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, body: bytes = b"", **headers: str) -> Act:
    """Answers so."""

    async def act(_: Asked, writer: asyncio.StreamWriter) -> None:
        named = {"content-length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in named.items() if value)]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return act


@dataclass
class Hostile:
    """The server: what it does by path, the last act again and again; and what it was asked."""

    acts: dict[str, list[Act]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    authority: Path = Path()

    def on(self, path: str, *acts: Act) -> None:
        self.acts[path] = list(acts)

    def targets(self) -> list[str]:
        return [one.target for one in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if name}
                asked = Asked(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
                self.asked.append(asked)
                acts = self.acts[target.partition("?")[0]]
                await (acts.pop(0) if len(acts) > 1 else acts[0])(asked, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, issuer: str, *names: str
) -> x509.Certificate:
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(start).not_valid_after(start + timedelta(days=10))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )  # fmt: skip
    if names:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
    return made.sign(signer, hashes.SHA256())


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An authority's certificate, and a chain with its key for the names of the server."""
    folder = tmp_path_factory.mktemp("authority")
    top, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority, chain = folder / "authority.pem", folder / "server.pem"
    authority.write_bytes(_certificate("made up", top, top, "made up").public_bytes(Encoding.PEM))
    chain.write_bytes(
        _certificate("server", key, top, "made up", API, LOGIN, "rebound.example").public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return authority, chain


@pytest.fixture
async def hostile(certificates: tuple[Path, Path]) -> AsyncIterator[Hostile]:
    """The server, under way."""
    made = Hostile(authority=certificates[0])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates[1])
    serving: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await writer.start_tls(context)
        except (ConnectionError, ssl.SSLError):
            writer.close()
        else:
            await made.serve(reader, writer)

    def began(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Before the handshake, so that none is left behind whose caller went away in it.
        serving.append((asyncio.create_task(serve(reader, writer)), writer))

    server = await asyncio.start_server(began, "127.0.0.1", 0)
    made.port = int(server.sockets[0].getsockname()[1])
    yield made
    server.close()
    for task, writer in serving:
        task.cancel()
        writer.transport.abort()
    await asyncio.gather(*(task for task, _ in serving), return_exceptions=True)
    await asyncio.sleep(0)  # what was aborted lets go of its socket


@dataclass
class Passing:
    """Time that passes by being waited for."""

    clock: Clock
    at: float = 1000.0
    waited: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.at += seconds
        self.clock.forward(seconds)
        await asyncio.sleep(0)

    def time(self) -> Time:
        return Time(self.clock, lambda: self.at, self.sleep, lambda: 0.5)


@pytest.fixture
def passing(clock: Clock) -> Passing:
    return Passing(clock)


Names = dict[str, list[list[str]]]


@dataclass
class Out:
    """Makes ways to the server. `names` says where a name leads, the last word again and again."""

    hostile: Hostile
    passing: Passing
    made: list[Outside] = field(default_factory=list)
    bounds: Bounds = field(default_factory=lambda: Bounds(connect=2, idle=0.3, total=1.0, body=2 * 1024 * 1024, free=256 * 1024))
    private: tuple[str, ...] = (API, LOGIN)
    names: Names = field(default_factory=lambda: {API: [["127.0.0.1"]], LOGIN: [["127.0.0.1"]]})
    network: Any = None
    trusted: bool = True

    async def resolve(self, host: str, _: int) -> list[str]:
        if host not in self.names:
            raise OSError(host)
        found = self.names[host]
        return found.pop(0) if len(found) > 1 else found[0]

    def origin(self, host: str = API) -> str:
        return f"https://{host}:{self.hostile.port}"

    def web(self, *hosts: str, access: Any = None, calls: int = 1000, seconds: float = 1.0) -> Outside:
        guard = Guard(self.private, self.resolve, self.network)
        exchange = Exchange(guard, trust(str(self.hostile.authority) if self.trusted else ""), self.bounds)
        reach = Reach(tuple(self.origin(one) for one in hosts or (API,)), access, calls, seconds)
        made = Outside(reach, exchange, self.passing.time())
        self.made.append(made)
        return made

    def credentials(self, **more: Any) -> ClientCredentials:
        return ClientCredentials(f"{self.origin(LOGIN)}/token", "client", "s3cret-of-the-client", **more)


@pytest.fixture
async def out(hostile: Hostile, passing: Passing) -> AsyncIterator[Out]:
    made = Out(hostile, passing)
    yield made
    for one in made.made:
        await one.close()
