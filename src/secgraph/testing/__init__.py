"""For authors of connectors, rules and integrations: the whole server in process, a clock in the hand, made-up alerts..

`async with running(folder, clock) as graph:` gives a client; `await graph.hand_in("graph", graph_alert(1))` hands a record
in; `await graph.ids("security/alerts_v2", filter="severity eq 'medium'")` finds it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from secgraph import clock as real_clock
from secgraph.app import Core, core, edge
from secgraph.errors import Fault
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.outbound.waiting import Time
from secgraph.settings import gather
from secgraph.store.registry import Application, Tenant

ORIGIN = "https://localhost:8443"
ALL = "https://graph.microsoft.com/.default"


@dataclass
class Clock:
    """A clock that stands still until it is moved; in ticks."""

    at: int = 17_900_000_000 * real_clock.SECOND

    def __call__(self) -> int:
        """The instant it shows."""
        return self.at

    def forward(self, seconds: float) -> None:
        """Moves it; backward with a negative number."""
        self.at += round(seconds * real_clock.SECOND)


def _expect(answer: httpx.Response, status: int) -> None:
    if answer.status_code != status:
        raise Fault(f"Expected status {status}, got {answer.status_code}: {answer.text[:500]}")


@dataclass
class Graph:
    """The server in process, asked as an application asks it."""

    core: Core
    http: httpx.AsyncClient
    tenant: Tenant
    application: Application
    secret: str
    clock: Clock
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def sign_in(self, application: Application | None = None, secret: str = "", tenant: Tenant | None = None) -> str:
        """Fetches a token and uses it from now on."""
        answer = await self.http.post(f"/{(tenant or self.tenant).id}/oauth2/v2.0/token", data={
            "grant_type": "client_credentials", "scope": ALL,
            "client_id": (application or self.application).id, "client_secret": secret or self.secret,
        })  # fmt: skip
        _expect(answer, 200)
        self.token = str(answer.json()["access_token"])
        self.headers = {"authorization": f"Bearer {self.token}"}
        return self.token

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Any request with the present token; a path without a version is below /v1.0."""
        url = path if path.startswith(("/v1.0", "/beta", "/ingest", "http")) else f"/v1.0/{path}"
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.http.request(method, url, headers=headers, **more)

    async def get(self, path: str, **options: str) -> Any:
        """A GET's JSON; `filter="..."` and the like become query options."""
        params = {f"${name}": value for name, value in options.items()}
        answer = await self.ask("GET", path, params=params or None)
        _expect(answer, 200)
        return answer.json()

    async def ids(self, path: str, **options: str) -> list[str]:
        """The ids of all pages, in order."""
        found = []
        body = await self.get(path, **options)
        while True:
            found += [item["id"] for item in body["value"]]
            if "@odata.nextLink" not in body:
                return found
            body = await self.get(body["@odata.nextLink"])

    async def changes(self, link: str, **more: Any) -> tuple[list[dict[str, Any]], str]:
        """A round of delta(), from its path or a link: the items of all its pages, and the link for the next round."""
        found: list[dict[str, Any]] = []
        while True:
            answer = await self.ask("GET", link, **more)
            _expect(answer, 200)
            body = answer.json()
            found += body["value"]
            if "@odata.deltaLink" in body:
                return found, str(body["@odata.deltaLink"])
            link = body["@odata.nextLink"]

    async def hand_in(self, source: str, *records: dict[str, Any], status: int = 200) -> Any:
        """POSTs records to /ingest and gives the report."""
        answer = await self.ask("POST", f"/ingest/{source}", content=json.dumps(list(records)))
        _expect(answer, status)
        return answer.json()

    async def application_with(self, *permissions: str, name: str = "narrow") -> tuple[Application, str]:
        """A further application of the tenant with these permissions only."""
        return await self.core.registry.create_application(self.tenant, name, list(permissions))


@asynccontextmanager
async def running(folder: Path, clock: Clock, **flags: Any) -> AsyncIterator[Graph]:
    """A server on a data folder, with a tenant `contoso` (made when it is not there yet), an application that holds every
    permission, and a token of it. Flags are settings by name: `delta_days=1`; `kinds=Kinds({"mine": Mine})` adds a source
    that is not installed, `time=Time(...)` is what those wait by who ask products.
    """
    kinds: Kinds | None = flags.pop("kinds", None)
    time: Time | None = flags.pop("time", None)
    settings = gather({"data": folder, **flags}, {})
    async with core(settings, clock, kinds, time) as inner:
        await inner.keys.open()
        found = await inner.registry.tenants()
        tenant = found[0] if found else await inner.registry.create_tenant("contoso")
        name = f"tests {len(await inner.registry.applications(tenant)) + 1}"
        application, secret = await inner.registry.create_application(tenant, name, inner.model.served_permissions())
        transport = httpx.ASGITransport(cast("Any", edge(settings, inner, clock)))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            made = Graph(inner, http, tenant, application, secret, clock)
            await made.sign_in()
            yield made


def graph_alert(number: int = 1, **members: Any) -> dict[str, Any]:
    """An alerts_v2 object as the Microsoft Graph itself sends it, made up."""
    return {
        "id": f"da{number:08d}-aaaa-bbbb-cccc-000000000000_1",
        "providerAlertId": f"{number:08d}-aaaa-bbbb-cccc-000000000000_1",
        "serviceSource": "microsoftDefenderForEndpoint",
        "detectionSource": "microsoftDefenderForEndpoint",
        "productName": "Microsoft Defender for Endpoint",
        "title": f"Made-up alert {number}",
        "description": "Written for a test.",
        "severity": "medium",
        "status": "new",
        "category": "Execution",
        "createdDateTime": real_clock.text((1_789_000_000 + number) * real_clock.SECOND),
        "lastUpdateDateTime": real_clock.text((1_789_000_100 + number) * real_clock.SECOND),
        "evidence": [],
        **members,
    }


def self_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, starts: int, ends: int) -> x509.Certificate:
    """A certificate for a key, valid between two instants (in ticks): what an application proves itself with."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made up")])
    first, last = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=one // real_clock.SECOND) for one in (starts, ends))
    return (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(first).not_valid_after(last)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
