"""Who is at the other end, and what we are called from there: host names, and what trusted proxies say of both.

Every link starts with the origin that is found here, so a name that nobody vouched for is refused and never written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from secgraph.errors import BadHost

KEPT = 1024
"""Origins that are kept, by peer and name."""

PORTS = {"http": "80", "https": "443"}

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._\-]+)(?::(?P<port>\d{1,5}))?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~\-]+)*")
_HINT = "Use a name it knows, or add this one to the setting allowed_hosts."

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from."""

    base: str
    """The origin that every link is written with, and the path in front of ours when a proxy takes one away."""
    local: bool
    """Whether the client is on this machine."""


class Origins:
    """Finds the origin of requests."""

    def __init__(self, hosts: frozenset[str], public_url: str, proxies: Iterable[str] = (), *, named: bool = True) -> None:
        """`named`: whether somebody said which names are ours. Where nobody did, a trusted proxy is taken at its word."""
        self._hosts = hosts
        self._public_url = public_url
        self._proxies = tuple(ip_network(text, strict=False) for text in proxies)
        self._named = named
        self._kept: dict[tuple[str, str, bytes], Origin] = {}

    def of(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Origin:
        """The origin of a request. BadHost for a name that is not ours, and for what no proxy would say."""
        client = scope.get("client")
        key = (client[0] if client else "", scope["scheme"], headers.get(b"host", b""))
        origin = self._kept.get(key)
        if origin is None:
            peer = _address(key[0])
            local = peer is None or peer.is_loopback  # without an address it is a socket of this machine
            if peer is not None and self._trusts(peer):
                return self._forwarded(scope["scheme"], headers, local=local)
            origin = Origin(self._base(scope["scheme"], key[2]), local)
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = origin
        return origin

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)

    def _base(self, scheme: str, host: bytes) -> str:
        """The public origin, or what the client called us, when that is a name of ours."""
        text = host.decode("latin-1").lower()
        match = _HOST.fullmatch(text)
        if match is None or match["name"].strip("[]") not in self._hosts:
            raise BadHost(f"This server does not answer for the host '{text[:80]}'.", hint=_HINT)
        return self._public_url or f"{scheme}://{text}"

    # -- behind a proxy

    def _forwarded(self, scheme: str, headers: Mapping[bytes, bytes], *, local: bool) -> Origin:
        proxies, local = self._passed(_values(headers, b"x-forwarded-for"), local=local)

        def said(name: bytes) -> str:
            """What the outermost of the trusted proxies says: each adds its own word behind those before it."""
            values = _values(headers, name)
            return values[max(len(values) - 1 - proxies, 0)] if values else ""

        scheme = said(b"x-forwarded-proto").lower() or scheme
        host, port = said(b"x-forwarded-host").lower(), said(b"x-forwarded-port")
        prefix = said(b"x-forwarded-prefix").rstrip("/")
        if scheme not in PORTS or (port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
            raise BadHost("X-Forwarded-Proto is neither http nor https, or X-Forwarded-Port is no port.",
                          hint="Look at what the proxy sets.")  # fmt: skip
        if not _PREFIX.fullmatch(prefix) or ".." in prefix.split("/"):
            raise BadHost(f"X-Forwarded-Prefix is no path: '{prefix[:80]}'.", hint="Look at what the proxy sets.")
        base = self._base(scheme, headers.get(b"host", b"")) if not host else self._called(scheme, host)
        if port and not self._public_url:
            name = base.partition("://")[2]
            name = name[: name.rindex(":")] if re.search(r":\d+$", name) else name
            base = f"{scheme}://{name}" + ("" if port == PORTS[scheme] else f":{port}")
        return Origin(base + prefix, local)

    def _called(self, scheme: str, host: str) -> str:
        """The origin by the name that a trusted proxy was called."""
        match = _HOST.fullmatch(host)
        if match is None or (self._named and match["name"].strip("[]") not in self._hosts):
            raise BadHost(f"This server does not answer for the host '{host[:80]}', which the proxy was called.", hint=_HINT)
        return self._public_url or f"{scheme}://{host}"

    def _passed(self, path: list[str], *, local: bool) -> tuple[int, bool]:
        """How many trusted proxies stand in front of the nearest one, and whether the client behind them is on this machine;
        the nearest one itself is the client where none is named.
        """
        client = None
        for passed, text in enumerate(reversed(path)):
            client = _address(text)
            if client is None or not self._trusts(client) or passed == len(path) - 1:
                return passed, client is not None and client.is_loopback
        return 0, local


def own_hosts(public_url: str, host: str, allowed: tuple[str, ...]) -> frozenset[str]:
    """Every name this server answers for."""
    names = {"localhost", "127.0.0.1", "::1", *allowed}
    if public_url:
        names.add(urlsplit(public_url).hostname or "")
    if host not in {"", "0.0.0.0", "::"}:  # noqa: S104 -- compared, not bound
        names.add(host.lower())
    return frozenset(names - {""})


def _values(headers: Mapping[bytes, bytes], name: bytes) -> list[str]:
    given = headers.get(name)
    return [] if given is None else [part.strip() for part in given.decode("latin-1").split(",") if part.strip()]


def _address(text: str) -> Address | None:
    """An address, with or without a port and brackets; one of IPv4 inside IPv6 as what it is."""
    bare = text.partition("]")[0][1:] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
