"""Tenants and their applications: who may ask for tokens, and with which permissions.

A secret is 256 random bits, shown once; what is kept is its salted SHA-256. An application's generation is counted up
when its permissions shrink or its secret changes: a token of an older generation is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.model.edm import Model
from secgraph.store.protocol import Store

FRESH_SECONDS = 2
"""How long a process may go on with what it last read about an application."""

ERASED = ("alerts", "incidents", "events", "entries", "originals", "incident_keys", "rejected")


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation. Nothing of one is ever seen by another."""

    number: int
    id: str
    name: str
    created: int


@dataclass(frozen=True, slots=True)
class Application:
    """A client of a tenant."""

    tenant: int
    id: str
    name: str
    created: int
    generation: int
    permissions: frozenset[str]


class Registry:
    """Reads and changes tenants and applications. UsageError says what the person at the command line can do."""

    def __init__(self, store: Store, model: Model, now: clock.Now) -> None:
        self._store = store
        self._model = model
        self._now = now
        self._tenants: dict[str, tuple[int, Tenant]] = {}
        self._kept: dict[tuple[int, str], tuple[int, Application | None]] = {}

    # -- tenants

    async def tenants(self) -> list[Tenant]:
        """All of them, oldest first."""
        return [_tenant(row) for row in await self._store.fetch("tenants")]

    async def tenant(self, word: str | None) -> Tenant:
        """The tenant of that id or name; without a word the only one there is."""
        if word is None:
            known = await self.tenants()
            if len(known) == 1:
                return known[0]
            names = ", ".join(one.name for one in known)
            raise UsageError(f"Say which tenant: --tenant NAME. There are: {names}." if known
                             else "There is no tenant yet. Make one: secgraph tenant create NAME.")  # fmt: skip
        found = await self._store.fetch("tenant_called", word=word)
        if not found:
            raise UsageError(f"There is no tenant '{word}'. See: secgraph tenant list.")
        return _tenant(found[0])

    async def known_tenant(self, guid: str) -> Tenant | None:
        """The tenant of that id as it was at most two seconds ago, or None when there is none."""
        now = self._now()
        kept = self._tenants.get(guid)
        if kept is not None and 0 <= now - kept[0] < FRESH_SECONDS * clock.SECOND:
            return kept[1]
        found = await self._store.fetch("tenant_called", word=guid)
        if not found or found[0]["guid"] != guid:
            self._tenants.pop(guid, None)
            return None
        tenant = _tenant(found[0])
        self._tenants[guid] = (now, tenant)
        return tenant

    async def create_tenant(self, name: str) -> Tenant:
        """A new tenant. UsageError when the name is taken or empty."""
        name = name.strip()
        if not name or len(name) > 100 or not name.isprintable():
            raise UsageError("A tenant's name has 1 to 100 printable characters.")
        if await self._store.fetch("tenant_called", word=name):
            raise UsageError(f"There is a tenant '{name}' already.")
        await self._store.run(("tenant_add", {"guid": clock.new_id(), "name": name, "created": self._now()}))
        return await self.tenant(name)

    async def delete_tenant(self, tenant: Tenant) -> None:
        """Removes the tenant with everything it has."""
        steps: list[tuple[str, dict[str, Any]]] = [("secrets_erase", {"tenant": tenant.number})]
        steps += [(f"{what}_erase", {"tenant": tenant.number}) for what in ("applications", *ERASED)]
        last = max(one.number for one in await self.tenants())
        kept = await self._store.fetch("fact", name="last_tenant")
        last = max(last, *(int(row["value"]) for row in kept)) if kept else last
        steps.append(("fact_put", {"name": "last_tenant", "value": str(last)}))
        await self._store.run(*steps, ("tenant_delete", {"tenant": tenant.number}))
        self._tenants.clear()

    # -- applications

    async def applications(self, tenant: Tenant) -> list[Application]:
        """The tenant's applications by name."""
        return [_application(tenant.number, row) for row in await self._store.fetch("applications", tenant=tenant.number)]

    async def application(self, tenant: Tenant, word: str) -> Application:
        """The application of that id or name."""
        found = await self._store.fetch("application_called", tenant=tenant.number, word=word)
        if not found:
            raise UsageError(f"Tenant '{tenant.name}' has no application '{word}'. See: secgraph app list.")
        return _application(tenant.number, found[0])

    async def known_application(self, tenant: int, client: str, *, fresh: bool = False) -> Application | None:
        """The application as it was at most two seconds ago (`fresh`: as it is now), or None when it is gone."""
        kept = None if fresh else self._kept.get((tenant, client))
        now = self._now()
        # A clock set back would otherwise keep an old reading for as long as it was set back.
        if kept is not None and 0 <= now - kept[0] < FRESH_SECONDS * clock.SECOND:
            return kept[1]
        found = await self._store.fetch("application", tenant=tenant, client=client)
        application = _application(tenant, found[0]) if found else None
        if len(self._kept) > 10_000:
            self._kept.clear()
        self._kept[tenant, client] = (now, application)
        return application

    async def create_application(self, tenant: Tenant, name: str, permissions: list[str]) -> tuple[Application, str]:
        """A new application and its secret, which is shown here and never again."""
        name = name.strip()
        if not name or len(name) > 100 or not name.isprintable():
            raise UsageError("An application's name has 1 to 100 printable characters.")
        if await self._store.fetch("application_called", tenant=tenant.number, word=name):
            raise UsageError(f"Tenant '{tenant.name}' has an application '{name}' already.")
        client, secret, kept = clock.new_id(), *_new_secret()
        await self._store.run(
            ("application_add", {"tenant": tenant.number, "client": client, "name": name, "created": self._now(),
                                 "permissions": json.dumps(sorted(self._checked(permissions)))}),
            ("secret_add", {"tenant": tenant.number, "client": client, "created": self._now(), **kept}),
        )  # fmt: skip
        return await self.application(tenant, client), secret

    async def grant(self, tenant: Tenant, application: Application, permissions: list[str]) -> Application:
        """Adds permissions. Tokens already issued stay good; the next one carries more."""
        return await self._permit(tenant, application, application.permissions | self._checked(permissions), 0)

    async def revoke(self, tenant: Tenant, application: Application, permissions: list[str]) -> Application:
        """Takes permissions away. Tokens already issued end."""
        missing = self._checked(permissions) - application.permissions
        if missing:
            raise UsageError(f"'{application.name}' does not hold {', '.join(sorted(missing))}.")
        return await self._permit(tenant, application, application.permissions - frozenset(permissions), 1)

    async def _permit(self, tenant: Tenant, application: Application, permissions: frozenset[str], step: int) -> Application:
        values = {"tenant": tenant.number, "client": application.id, "step": step,
                  "permissions": json.dumps(sorted(permissions))}  # fmt: skip
        await self._store.run(("application_permit", values))
        self._kept.pop((tenant.number, application.id), None)
        return await self.application(tenant, application.id)

    async def rotate(self, tenant: Tenant, application: Application) -> str:
        """A new secret; the old one and every token issued so far end."""
        secret, kept = _new_secret()
        key = {"tenant": tenant.number, "client": application.id}
        await self._store.run(
            ("secrets_delete", key),
            ("secret_add", {**key, "created": self._now(), **kept}),
            ("application_permit", {**key, "step": 1, "permissions": json.dumps(sorted(application.permissions))}),
        )
        self._kept.pop((tenant.number, application.id), None)
        return secret

    async def delete_application(self, tenant: Tenant, application: Application) -> None:
        """Removes the application; its tokens end."""
        key = {"tenant": tenant.number, "client": application.id}
        await self._store.run(("secrets_delete", key), ("application_delete", key))
        self._kept.pop((tenant.number, application.id), None)

    async def proves(self, tenant: Tenant, client: str, secret: str) -> bool:
        """Whether the secret is one of the application's; takes the same time whether or not it is."""
        found = await self._store.fetch("secrets", tenant=tenant.number, client=client)
        good = False
        for row in found or [{"salt": b"-" * 16, "hash": b"-" * 32}]:
            good |= hmac.compare_digest(_hash(bytes(row["salt"]), secret), bytes(row["hash"]))
        return good and bool(found)

    def _checked(self, permissions: list[str]) -> frozenset[str]:
        served = self._model.served_permissions()
        for name in permissions:
            if name not in self._model.permissions:
                raise UsageError(f"There is no permission '{name}'. This server serves: {', '.join(served)}.")
        return frozenset(permissions)


def _tenant(row: dict[str, Any]) -> Tenant:
    return Tenant(row["tenant"], row["guid"], row["name"], row["created"])


def _application(tenant: int, row: dict[str, Any]) -> Application:
    permissions = frozenset(json.loads(row["permissions"]))
    return Application(tenant, row["client"], row["name"], row["created"], row["generation"], permissions)


def _hash(salt: bytes, secret: str) -> bytes:
    return hashlib.sha256(salt + secret.encode("utf-8", "surrogatepass")).digest()


def _new_secret() -> tuple[str, dict[str, Any]]:
    """A secret of 256 random bits and the row that recognises it."""
    secret, salt = secrets.token_urlsafe(32), secrets.token_bytes(16)
    return secret, {"id": clock.new_id(), "salt": salt, "hash": _hash(salt, secret)}
