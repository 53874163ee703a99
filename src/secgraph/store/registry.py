"""Tenants and their applications: who may ask for tokens, and with which permissions.

A secret is 256 random bits, shown once; what is kept is its salted SHA-256. An application may prove itself by
certificates instead, several at a time, so that they can be rolled over. Its generation is counted up when its permissions
shrink, its secret changes or a certificate is removed: a token of an older generation is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from secgraph import clock
from secgraph.errors import Conflict, UsageError
from secgraph.model.edm import Model
from secgraph.store import certificate
from secgraph.store.certificate import Certificate
from secgraph.store.erasing import erasing, optimizing
from secgraph.store.protocol import Store

FRESH_SECONDS = 2
"""How long a process may go on with what it last read about an application."""

MOST_CERTIFICATES = 20
"""Most certificates of one application."""

SHORTEST_WORD = 8
"""Fewest digits of a thumbprint that name a certificate."""

ERASED = ("events", "entries", "incident_keys", "rejected", "source_states", "removed", "retention", "subjects", "postings",
          "entities", "cases", "apart", "reasons", "snapshots", "correlation", "sources", "source_places",
          "source_health", "source_rates", "write_backs", "findings", "score_entries")  # fmt: skip
"""What is erased with a tenant beside the rows of the sets."""


def erasure(tenant: int) -> list[tuple[str, dict[str, Any]]]:
    """The statements that remove everything of a tenant, itself first: a write that was before them is waited for, and one
    that waits for them finds no tenant.
    """
    kinds = ("secrets", "certificates", "assertions", "applications", *ERASED)
    named = [*erasing(), *(f"{what}_erase" for what in kinds)]
    return [("tenant_delete", {"tenant": tenant}), *((name, {"tenant": tenant}) for name in named)]


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
        steps = erasure(tenant.number)
        steps += [(name, {"what": "optimize"}) for name in optimizing()]
        last = max(one.number for one in await self.tenants())
        kept = await self._store.fetch("fact", name="last_tenant")
        last = max(last, *(int(row["value"]) for row in kept)) if kept else last
        steps.append(("fact_put", {"name": "last_tenant", "value": str(last)}))
        await self._store.run(*steps)
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
            ("application_end_tokens", key),
        )
        self._kept.pop((tenant.number, application.id), None)
        return secret

    async def delete_application(self, tenant: Tenant, application: Application) -> None:
        """Removes the application; its tokens end."""
        key = {"tenant": tenant.number, "client": application.id}
        kinds = ("secrets", "certificates", "assertions", "application")
        await self._store.run(*((f"{what}_delete", key) for what in kinds))
        self._kept.pop((tenant.number, application.id), None)

    async def proves(self, tenant: Tenant, client: str, secret: str) -> bool:
        """Whether the secret is one of the application's; takes the same time whether or not it is."""
        found = await self._store.fetch("secrets", tenant=tenant.number, client=client)
        good = False
        for row in found or [{"salt": b"-" * 16, "hash": b"-" * 32}]:
            good |= hmac.compare_digest(_hash(bytes(row["salt"]), secret), bytes(row["hash"]))
        return good and bool(found)

    # -- certificates

    async def certificates(self, tenant: Tenant, client: str) -> list[Certificate]:
        """The application's certificates; the one that ends last comes last."""
        return [Certificate(**row) for row in await self._store.fetch("certificates", tenant=tenant.number, client=client)]

    async def add_certificate(self, tenant: Tenant, application: Application, data: bytes) -> Certificate:
        """Registers the certificate in a PEM or DER file. Tokens already issued stay good."""
        made = certificate.read(data, self._now())
        held = await self.certificates(tenant, application.id)
        if any(one.sha256 == made.sha256 for one in held):
            raise UsageError(f"'{application.name}' has the certificate {made.sha1} already.")
        if len(held) >= MOST_CERTIFICATES:
            raise UsageError(f"'{application.name}' has {len(held)} certificates, and more are not kept."
                             " Remove one: secgraph app certificate remove APPLICATION THUMBPRINT.")  # fmt: skip
        await self._store.run(("certificate_add", {"tenant": tenant.number, "client": application.id, **asdict(made)}))
        if made not in await self.certificates(tenant, application.id):
            raise UsageError(f"'{application.name}' was deleted meanwhile.")
        return made

    async def remove_certificate(self, tenant: Tenant, application: Application, word: str) -> Certificate:
        """Removes the certificate of that thumbprint; every token of the application issued so far ends."""
        held = await self.certificates(tenant, application.id)
        digits = word.replace(":", "").replace(" ", "").lower()
        found = [one for one in held if one.sha1.startswith(digits) or one.sha256.startswith(digits)]
        if len(digits) < SHORTEST_WORD or not found:
            raise UsageError(f"'{application.name}' has no certificate '{word}'. Give its thumbprint, or the first"
                             f" {SHORTEST_WORD} digits of it or more: secgraph app certificate list APPLICATION.")  # fmt: skip
        if len(found) > 1:
            raise UsageError(f"'{word}' is the beginning of {len(found)} thumbprints. Give more of it.")
        key = {"tenant": tenant.number, "client": application.id, "sha256": found[0].sha256}
        await self._store.run(("certificate_end_tokens", key), ("certificate_delete", key))
        self._kept.pop((tenant.number, application.id), None)
        return found[0]

    async def admits(self, tenant: Tenant, client: str, jti: str, content: bytes, *, ends: int, reuse: int) -> bool:
        """Whether an assertion may be used: it is new, or its first use lies less than `reuse` ticks back. Its id is
        remembered until it `ends`; with other content the same id is refused at once.
        """
        now, digest = self._now(), hashlib.sha256(content).hexdigest()
        key = {"tenant": tenant.number, "client": client}
        key["jti"] = hashlib.sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()
        if not await self._store.fetch("assertion", **key):
            # Another one may come in between: then this insert is refused, and what stands there counts.
            with contextlib.suppress(Conflict):
                await self._store.run(
                    ("assertions_over", {"tenant": tenant.number, "now": now}),
                    ("assertion_add", {**key, "content": digest, "first": now, "ends": ends}),
                )
                return True
        found = await self._store.fetch("assertion", **key)
        return bool(found) and found[0]["content"] == digest and abs(now - found[0]["first"]) < reuse

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
