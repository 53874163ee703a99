"""Which pages of other origins a browser lets call us (CORS, as the Fetch standard has it). None unless a setting says so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from secgraph.edge.exchange import Header

ANY = "*"
METHODS = b"GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS"
SECONDS = b"3600"
"""How long a browser may remember a preflight's answer."""

EXPOSED = (
    b"request-id, client-request-id, ETag, Location, Retry-After, Preference-Applied, Warning, WWW-Authenticate, RateLimit,"
    b" RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)

_NAMES = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z, \t]{1,4096}")
_VARY = (b"vary", b"Origin")


class Cors:
    """Answers browsers, for exact origins or for any."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._any = ANY in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    @property
    def on(self) -> bool:
        """Whether any page may call."""
        return bool(self._origins)

    def headers(self, headers: Mapping[bytes, bytes]) -> list[Header]:
        """What every answer says. Who may be anybody gets no credentials: any page could use those of its reader."""
        if self._any:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED)]
        origin = headers.get(b"origin", b"")
        if origin not in self._origins:
            return [_VARY]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", EXPOSED),
            _VARY,
        ]

    def preflight(self, headers: Mapping[bytes, bytes]) -> list[Header] | None:
        """What the answer to a preflight says besides; None where a request is none, or its origin may not call."""
        origin = headers.get(b"origin")
        if origin is None or b"access-control-request-method" not in headers or not (self._any or origin in self._origins):
            return None
        said = [(b"access-control-allow-methods", METHODS), (b"access-control-max-age", SECONDS)]
        # By name and not as `*`, which leaves Authorization out.
        if _NAMES.fullmatch(wanted := headers.get(b"access-control-request-headers", b"")):
            said.append((b"access-control-allow-headers", wanted))
        return said
