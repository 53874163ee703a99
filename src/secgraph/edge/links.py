"""Paging links: absolute, opaque, signed, good after a restart.

The token holds the order keys of the last row and the total that was counted on the first page. Its signature covers
the tenant and the question, so that it cannot be moved to another one. The newest key signs, and all that there are verify.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import msgspec

from secgraph.errors import BadLink
from secgraph.store.protocol import Key

SIGNATURE = 16
_SAFE = "!*(),;:@-._~'"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on, and how many rows it has in all (None when nobody asked)."""

    after: Key
    total: int | None


@dataclass(frozen=True, slots=True)
class Sync:
    """How far a client's copy is, in the tenant's stamps (ticks), and when that was said."""

    cursor: int
    """Everything up to here was told."""
    start: int
    """Where the tenant stood when the round began that told it."""
    issued: int


def link_key(secret: bytes) -> bytes:
    """What links are signed with, of a secret that may sign other things too."""
    return hashlib.sha256(b"secgraph paging links" + secret).digest()


class LinkKeys(Protocol):
    """Where the keys of links are."""

    @property
    def links(self) -> tuple[bytes, ...]:
        """Those that verify; the first signs."""
        ...

    async def again(self) -> None:
        """Waits for a look at what there is, for a link that none of them signed."""
        ...


class Links:
    """Writes and reads the tokens of paging links."""

    def __init__(self, keys: LinkKeys) -> None:
        self._keys = keys

    def token(self, place: Place, tenant: int, question: str) -> str:
        """The opaque text of a place."""
        return self._sealed(msgspec.msgpack.encode((place.after, place.total)), tenant, question)

    async def place(self, token: str, tenant: int, question: str) -> Place:
        """The place a token names; BadLink when it was changed or belongs to another question or tenant."""
        payload = await self._opened(token, tenant, question)
        if payload is None:
            raise BadLink("$skiptoken: the link was changed or belongs to another request.",
                          hint="Follow @odata.nextLink exactly as given, or start again without $skiptoken.")  # fmt: skip
        after, total = msgspec.msgpack.decode(payload)
        return Place(tuple(after), total)

    def sync_token(self, sync: Sync, tenant: int, question: str) -> str:
        """The opaque text of how far a copy is."""
        return self._sealed(msgspec.msgpack.encode((sync.cursor, sync.start, sync.issued)), tenant, question)

    async def sync(self, token: str, tenant: int, question: str) -> Sync:
        """How far a token says that a copy is; BadLink when it was changed or belongs to another question or tenant."""
        payload = await self._opened(token, tenant, question)
        if payload is None:
            raise BadLink("$deltatoken: the link was changed or belongs to another request.",
                          hint="Follow a link exactly as given, or start again without $deltatoken.")  # fmt: skip
        cursor, start, issued = msgspec.msgpack.decode(payload)
        return Sync(cursor, start, issued)

    def _sealed(self, payload: bytes, tenant: int, question: str) -> str:
        signature = _signature(self._keys.links[0], payload, tenant, question)
        return base64.urlsafe_b64encode(signature + payload).rstrip(b"=").decode()

    async def _opened(self, token: str, tenant: int, question: str) -> bytes | None:
        """What was sealed, or None where the seal is not ours for this tenant and question."""
        try:
            data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        signature, payload = data[:SIGNATURE], data[SIGNATURE:]
        if not payload:
            return None
        known = self._keys.links
        if _signed(known, signature, payload, tenant, question):
            return payload
        await self._keys.again()  # another process may have signed it with a key made a moment ago
        newer = tuple(key for key in self._keys.links if key not in known)
        return payload if _signed(newer, signature, payload, tenant, question) else None


def _signed(keys: tuple[bytes, ...], signature: bytes, payload: bytes, tenant: int, question: str) -> bool:
    return any(hmac.compare_digest(signature, _signature(key, payload, tenant, question)) for key in keys)


def _signature(key: bytes, payload: bytes, tenant: int, question: str) -> bytes:
    return hmac.digest(key, f"{tenant}\n{question}\n".encode() + payload, "sha256")[:SIGNATURE]


def encoded(options: dict[str, str]) -> str:
    """Options as a query string; the `$` of their names stays as clients know it, and no `/` stands in it."""
    return "&".join(f"{quote(name, safe='$@')}={quote(value, safe=_SAFE)}" for name, value in options.items())
