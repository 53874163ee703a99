"""Where a feed listens: its address read, its socket bound, and what secures its connections."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from secgraph.errors import UsageError

Way = Literal["udp", "tcp", "tls", "relp", "relp+tls"]
WAYS: tuple[Way, ...] = get_args(Way)

RECEIVE = 8 * 1024 * 1024
"""Bytes that the kernel is asked to keep of datagrams; it gives as many as net.core.rmem_max where the process may not ask."""
BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Address:
    """How and where."""

    way: Way
    host: str
    port: int

    @property
    def secured(self) -> bool:
        """Whether its connections are TLS."""
        return self.way in {"tls", "relp+tls"}

    @property
    def acknowledged(self) -> bool:
        """Whether senders hear what was committed."""
        return self.way in {"relp", "relp+tls"}

    def __str__(self) -> str:
        return f"{self.way}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a certificate and its key, in PEM."""

    chain: Path
    key: Path


def address_of(text: str) -> Address:
    """The address that a text names. UsageError where it is none."""
    shape = f"Write it as udp://0.0.0.0:5514; beside udp there are {', '.join(WAYS[1:])}."
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as fault:
        raise UsageError(f"'{text[:80]}' is no address to listen on: {fault}. {shape}") from None
    for way in WAYS:
        if parts.scheme == way:
            break
    else:
        raise UsageError(f"'{text[:80]}' is no address to listen on. {shape}")
    if not parts.hostname or not port or parts.path.strip("/") or parts.query or parts.username:
        raise UsageError(f"'{text[:80]}' is no address to listen on: it takes a host and a port, and nothing else. {shape}")
    return Address(way, parts.hostname, port)


def bound(address: Address) -> socket.socket:
    """A socket that has the address, and takes connections. OSError where it cannot be had now."""
    kind = socket.SOCK_DGRAM if address.way == "udp" else socket.SOCK_STREAM
    family, _, _, _, place = socket.getaddrinfo(address.host, address.port, type=kind, flags=socket.AI_PASSIVE)[0]
    made = socket.socket(family, kind)
    try:
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address.host == "::" else 1)
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of datagrams it would let two processes have it
        else:
            _widen(made)
        made.bind(place)
        if kind == socket.SOCK_STREAM:
            made.listen(BACKLOG)  # at once: until then another process can bind the same
    except OSError:
        made.close()
        raise
    return made


def _widen(made: socket.socket) -> None:
    """Has the kernel keep many datagrams: beyond its bound, where the process may say that."""
    force: int | None = getattr(socket, "SO_RCVBUFFORCE", 33)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE)
    with contextlib.suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, force or 33, RECEIVE)


def secured(certificate: Certificate, clients: str) -> ssl.SSLContext:
    """What connections are secured with; `clients` names the file of the authorities whose clients alone may connect, if any.
    UsageError where a file cannot be used.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(certificate.chain, certificate.key)
    except (OSError, ssl.SSLError) as fault:
        raise UsageError(
            f"The certificate {certificate.chain} with the key {certificate.key} cannot be used: {fault}."
        ) from None
    if clients:
        try:
            made.load_verify_locations(clients)
        except (OSError, ssl.SSLError) as fault:
            raise UsageError(f"The authorities of clients in {clients} cannot be used: {fault}.") from None
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def certificate_of(options: Mapping[str, str]) -> Certificate | None:
    """The certificate that a feed is told to show; None where it is the server's own. UsageError for half of one."""
    chain, key = options.get("tls_cert", ""), options.get("tls_key", "")
    if bool(chain) != bool(key):
        raise UsageError("A certificate needs its key: give both tls_cert and tls_key, or neither.")
    return Certificate(Path(chain), Path(key)) if chain else None
