"""Paging links: absolute, opaque, signed, good after a restart.

The token holds the order keys of the last row and the total that was counted on the first page. Its signature covers
the tenant and the question, so that it cannot be moved to another one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
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


class Links:
    """Writes and reads the tokens of paging links."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"secgraph paging links" + key).digest()

    def token(self, place: Place, tenant: int, question: str) -> str:
        """The opaque text of a place."""
        return self._sealed(msgspec.msgpack.encode((place.after, place.total)), tenant, question)

    def place(self, token: str, tenant: int, question: str) -> Place:
        """The place a token names; BadLink when it was changed or belongs to another question or tenant."""
        payload = self._opened(token, tenant, question)
        if payload is None:
            raise BadLink("$skiptoken: the link was changed or belongs to another request.",
                          hint="Follow @odata.nextLink exactly as given, or start again without $skiptoken.")  # fmt: skip
        after, total = msgspec.msgpack.decode(payload)
        return Place(tuple(after), total)

    def sync_token(self, sync: Sync, tenant: int, question: str) -> str:
        """The opaque text of how far a copy is."""
        return self._sealed(msgspec.msgpack.encode((sync.cursor, sync.start, sync.issued)), tenant, question)

    def sync(self, token: str, tenant: int, question: str) -> Sync:
        """How far a token says that a copy is; BadLink when it was changed or belongs to another question or tenant."""
        payload = self._opened(token, tenant, question)
        if payload is None:
            raise BadLink("$deltatoken: the link was changed or belongs to another request.",
                          hint="Follow a link exactly as given, or start again without $deltatoken.")  # fmt: skip
        cursor, start, issued = msgspec.msgpack.decode(payload)
        return Sync(cursor, start, issued)

    def _sealed(self, payload: bytes, tenant: int, question: str) -> str:
        return base64.urlsafe_b64encode(self._sign(payload, tenant, question) + payload).rstrip(b"=").decode()

    def _opened(self, token: str, tenant: int, question: str) -> bytes | None:
        """What was sealed, or None where the seal is not ours for this tenant and question."""
        try:
            data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        signature, payload = data[:SIGNATURE], data[SIGNATURE:]
        if not payload or not hmac.compare_digest(signature, self._sign(payload, tenant, question)):
            return None
        return payload

    def _sign(self, payload: bytes, tenant: int, question: str) -> bytes:
        return hmac.digest(self._key, f"{tenant}\n{question}\n".encode() + payload, "sha256")[:SIGNATURE]


def encoded(options: dict[str, str]) -> str:
    """Options as a query string; the `$` of their names stays as clients know it, and no `/` stands in it."""
    return "&".join(f"{quote(name, safe='$@')}={quote(value, safe=_SAFE)}" for name, value in options.items())
