"""Which addresses may be called, checked on the very address that is connected to.

A name is resolved here and nowhere else. What it leads to is judged, and the connection is made to that address and not to the
name: whoever answers for the name cannot give one address to the check and another to the connection.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import httpcore
import httpx

from secgraph.errors import UsageError
from secgraph.extend import CallFailed

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, as text."""

MOST_ADDRESSES = 4
"""How many addresses of one name are tried."""

PORTS = {"https": 443, "http": 80}

_NEVER = tuple(map(ip_network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "168.63.129.16/32",  # looks public, and is the host under a machine of one cloud
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
    "2001::/23", "2001:db8::/32", "3fff::/20",
)))  # fmt: skip
"""Networks that no product answers from: private, shared, local, of documentation and measurement, multicast, reserved."""

_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")


def public(address: str) -> bool:
    """Whether an address is one of the public network. One that carries another inside is as good as that one."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inside = _inside(ip)
        if inside is not None:
            return public(str(inside))
        if ip not in _UNICAST:
            return False
    return not any(ip in network for network in _NEVER)


def _inside(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is reached by this one."""
    return IPv4Address(ip.packed[12:]) if ip in _NAT64 else ip.ipv4_mapped or ip.sixtofour


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host as this machine resolves names."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def origin(url: httpx.URL) -> str:
    """`https://host:port`, in the form in which two of them can be compared."""
    return f"{url.scheme}://{url.raw_host.decode('ascii')}:{url.port or PORTS.get(url.scheme, 0)}"


def trust(file: str) -> ssl.SSLContext:
    """What TLS believes: the public authorities, those of this machine, and those of a further file (PEM), if one is named."""
    made = httpx.create_ssl_context(trust_env=False)
    made.load_default_certs()
    if file:
        try:
            made.load_verify_locations(cafile=Path(file).expanduser())
        except OSError as fault:  # an SSLError is one
            reason = "it holds no certificate in PEM" if isinstance(fault, ssl.SSLError) else fault.strerror
            raise UsageError(f"The file {file} of the setting outbound_ca cannot be used: {reason}.") from None
    return made


class Guard(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only, and to whatever stands behind the hosts that are named as private."""

    def __init__(
        self,
        private: Collection[str] = (),
        resolve: Resolve = resolved,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._private = frozenset(one.strip("[]").lower() for one in private)
        self._resolve = resolve
        self._network = network or httpcore.AnyIOBackend()

    def expect(self, url: str) -> httpx.URL:
        """The URL, if it may be called as it is written. CallFailed says what is wrong with it."""
        try:
            found = httpx.URL(url)
            host = found.raw_host.decode("ascii").lower()
            port = found.port
        except (httpx.InvalidURL, UnicodeError, TypeError):
            raise CallFailed("A URL that cannot be read was to be called.") from None
        if port is not None and not 0 < port < 65_536:
            raise CallFailed(f"Port {port} of {host} was to be called, and there is none of that number.")
        if not host:
            raise CallFailed("A URL without a host was to be called.")
        if found.userinfo:
            raise CallFailed(f"A URL of {host} carries a user name or a password, and is not called.")
        if found.scheme != "https" and not (found.scheme == "http" and host in self._private):
            raise CallFailed(
                f"{host} is called by https only, not by {found.scheme[:20] or 'a URL without a scheme'}."
                " Plain http is for hosts that the setting outbound_private names."
            )
        return found

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the protocol that this answers to
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to an address of the host that was checked. CallFailed where it has none that may be called."""
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError(f"the name {host} cannot be resolved") from None
        allowed = [one for one in found if host.lower() in self._private or public(one)]
        if not allowed:
            raise CallFailed(
                f"{host} leads to {', '.join(found[:MOST_ADDRESSES]) or 'no address'}, which is not public, and was not called."
                " If that is meant, name the host in the setting outbound_private."
            )
        failure: Exception | None = None
        for address in allowed[:MOST_ADDRESSES]:
            try:
                return _Closing(await self._network.connect_tcp(address, port, timeout, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                failure = fault
        raise failure or httpcore.ConnectError("no address")

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 -- the protocol that this answers to
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 -- the same
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 -- the same
    ) -> httpcore.AsyncNetworkStream:
        """Nothing: no product is behind a socket of this machine."""
        raise CallFailed("A socket of this machine is not called.")

    async def sleep(self, seconds: float) -> None:
        """Waits; the pool of connections asks for it."""
        await self._network.sleep(seconds)


class _Closing(httpcore.AsyncNetworkStream):
    """A connection that is closed where becoming a secure one was cancelled; the one inside closes only for failures."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- the protocol that this answers to
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- the same
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- the same
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await asyncio.shield(self._inner.aclose())
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
