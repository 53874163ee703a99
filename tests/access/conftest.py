"""What the access tests share."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.databases import Apart

from secgraph import clock as times
from secgraph.edge.keys import KeyRing
from secgraph.edge.signing import Kept, SigningKeys
from secgraph.errors import Busy
from secgraph.seal import Seal
from secgraph.store.protocol import Store
from secgraph.store.registry import Application, Tenant
from secgraph.testing import ALL, Clock, Graph, graph_alert, running, self_signed

SEAL = Seal(bytes(range(32)))
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SIGNATURES = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size),
}


def encoded(data: bytes, *, padded: bool = False) -> str:
    text = base64.urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


@dataclass
class Holder:
    """An application's side: a key, its certificate, and assertions signed with it."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def sha1(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303 -- as clients send it

    def thumbprint(self, kind: str, *, padded: bool = True) -> str:
        """The header's value of that name."""
        digest = hashes.SHA1() if kind == "x5t" else hashes.SHA256()  # noqa: S303 -- as clients send it
        return encoded(self.certificate.fingerprint(digest), padded=padded)

    def signed(self, head: dict[str, Any], payload: Any, *, padded: bool = False) -> str:
        """A JWT of that head and payload, which may be bytes already; signed over the segments as they are sent."""
        parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (head, payload)]
        body = ".".join(encoded(part, padded=padded) for part in parts)
        scheme = SIGNATURES.get(str(head.get("alg")), SIGNATURES["PS256"])
        return f"{body}.{encoded(self.key.sign(body.encode(), scheme, hashes.SHA256()), padded=padded)}"

    def claims(self, graph: Graph, application: Application | None = None, **changed: Any) -> dict[str, Any]:
        """Good claims with some changed; None leaves one out."""
        client = (application or graph.application).id
        now = graph.clock() // times.SECOND
        good = {"aud": f"https://localhost:8443/{graph.tenant.id}/oauth2/v2.0/token", "iss": client, "sub": client,
                "jti": str(uuid4()), "nbf": now, "iat": now, "exp": now + 600}  # fmt: skip
        return {name: value for name, value in {**good, **changed}.items() if value is not None}

    def assertion(
        self, graph: Graph, application: Application | None = None, *, head: dict[str, Any] | None = None, **changed: Any
    ) -> str:
        """An assertion in the documented form."""
        good = {"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint("x5t#S256")}
        return self.signed(good if head is None else head, self.claims(graph, application, **changed))


def assertion_form(graph: Graph, assertion: str, application: Application | None = None) -> dict[str, str]:
    return {"grant_type": "client_credentials", "client_id": (application or graph.application).id, "scope": ALL,
            "client_assertion_type": JWT_BEARER, "client_assertion": assertion}  # fmt: skip


Present = Callable[..., Any]


@pytest.fixture(scope="session")
def present() -> Present:
    """Presents an assertion at the token endpoint."""

    async def send(
        graph: Graph, assertion: str, application: Application | None = None, *, tenant: Tenant | None = None, **more: Any
    ) -> httpx.Response:
        path = more.pop("path", f"/{(tenant or graph.tenant).id}/oauth2/v2.0/token")
        return await graph.http.post(path, data=assertion_form(graph, assertion, application), **more)

    return send


Holders = Callable[..., Holder]


@pytest.fixture(scope="session")
def holders() -> Holders:
    """Makes holders: the same number has the same key, for a key takes long to make."""
    keys: dict[tuple[int, int], rsa.RSAPrivateKey] = {}

    def made(
        number: int = 0, *, starts: int = -times.DAY, ends: int = 365 * times.DAY, at: int = Clock().at, bits: int = 2048
    ) -> Holder:
        if (number, bits) not in keys:
            keys[number, bits] = rsa.generate_private_key(65537, bits)
        key = keys[number, bits]
        return Holder(key, self_signed(key, starts=at + starts, ends=at + ends))

    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate(tmp_path_factory: pytest.TempPathFactory, apart: Apart) -> AsyncIterator[Graph]:
    """A server with one alert; for tests that leave its application and its token as they are."""
    async with running(tmp_path_factory.mktemp("gate") / "data", Clock(), **apart()) as graph:
        await graph.hand_in("graph", graph_alert(1))
        yield graph


# --- the keys of the server


@pytest.fixture
async def keys_of(graph: Graph, clock: Clock, tmp_path: Path) -> Callable[..., SigningKeys]:
    """Keys in a database without any, as another process has them."""
    await graph.core.keys.discard()

    def made(seal: Seal = SEAL, *, store: Any = None) -> SigningKeys:
        return SigningKeys(store or graph.core.store, lambda _: seal, tmp_path / "none", clock, 3599)

    return made


@pytest.fixture
def tamper(graph: Graph) -> Callable[..., Any]:
    """Changes a row by hand."""

    async def put(one: Kept, changed: Kept) -> None:
        values = {"kind": changed.kind, "name": changed.name, "starts": changed.starts, "sealed": changed.sealed}
        await graph.core.store.run(
            ("signing_key_delete", {"kind": one.kind, "name": one.name}), ("signing_key_add", values)
        )

    return put


class Watched:
    """A store that counts how often the keys were read, and can be away, slow, or do something before it writes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reads = 0
        self.away = False
        self.gate: asyncio.Event | None = None
        self.before: Callable[[], Any] | None = None

    async def fetch(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        self.reads += 1
        if self.away:
            raise Busy("The database is gone.")
        found = await self.store.fetch(statement, **values)
        if self.gate is not None:
            await self.gate.wait()
        return found

    async def run(self, *steps: tuple[str, dict[str, Any]]) -> None:
        before, self.before = self.before, None
        if before is not None:
            await before()
        await self.store.run(*steps)


@dataclass
class Watch:
    """A ring that has looked once, the store behind it, and the same keys as another process has them."""

    ring: KeyRing
    store: Watched
    keys: SigningKeys
    elsewhere: SigningKeys


@pytest.fixture
async def watched(graph: Graph, keys_of: Callable[..., SigningKeys], clock: Clock) -> Watch:
    """A ring under watch."""
    store = Watched(graph.core.store)
    keys = keys_of(store=store)
    made = KeyRing(keys, clock)
    await keys_of().open()
    await made.fresh()
    assert store.reads == 1
    return Watch(made, store, keys, keys_of())
