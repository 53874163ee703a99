"""One request and its answer, bounded in time and size whatever the other side does."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from secgraph.extend import CallFailed, Reply
from secgraph.outbound.guard import Guard

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how large an answer may be."""

    connect: float = 10.0
    """Seconds for a connection, and for TLS on it."""
    idle: float = 30.0
    """Seconds without a byte."""
    total: float = 120.0
    """Seconds for all of it, so that one who sends a byte now and then ends too."""
    body: int = 64 * MIB
    """Most bytes of a body as it is read, unpacked."""
    ratio: int = 200
    """How many times its size a compressed body may grow ..."""
    free: int = 4 * MIB
    """... once it is larger than that."""


class Lost(CallFailed):
    """There is no answer."""

    def __init__(self, why: str, *, sent: bool, again: bool) -> None:
        super().__init__(why)
        self.sent = sent
        """Whether anything of the request may have arrived."""
        self.again = again
        """Whether it may go better the next time."""


class Unread(Exception):
    """A body that is not read, or not to its end."""


class Exchange:
    """Sends requests over connections of its own, which it keeps open for the next one."""

    def __init__(self, guard: Guard, trusted: ssl.SSLContext, bounds: Bounds | None = None) -> None:
        self.guard = guard
        self._bounds = bounds or Bounds()
        self._kept = httpcore.AsyncConnectionPool(trusted, max_connections=4, keepalive_expiry=15, network_backend=guard)
        # A kept connection may be closed on the other side just as it is used: nobody knows then what arrived.
        self._fresh = httpcore.AsyncConnectionPool(trusted, max_keepalive_connections=0, network_backend=guard)

    async def send(self, request: httpx.Request, *, fresh: bool = False) -> Reply:
        """The answer, of whatever status. Lost where there is none; its sentence holds nothing of what was sent."""
        sent = False
        host = request.url.host

        async def trace(event: str, _: dict[str, Any]) -> None:
            nonlocal sent
            sent = sent or event.endswith("send_request_headers.started")

        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port,
                         target=request.url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions={"timeout": self._timeouts(), "trace": trace},
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._bounds.total):
                answer = await (self._fresh if fresh else self._kept).handle_async_request(asked)
                try:
                    body = await self._body(answer)
                finally:
                    # One who is cancelled while it gives its connection back would keep it, and there are four.
                    await asyncio.shield(answer.aclose())
        except TimeoutError:
            # One who takes that long once takes as long again.
            raise Lost(f"{host} took longer than {self._bounds.total:g} s.", sent=sent, again=False) from None
        except Unread as reason:
            raise Lost(f"{host} {reason}.", sent=sent, again=False) from None
        except httpcore.LocalProtocolError:
            raise Lost(f"What was to be sent to {host} is no HTTP.", sent=False, again=False) from None
        except _BROKEN as fault:
            raise Lost(f"{host} {self._why(fault)}.", sent=sent, again=not _is_refusal(fault)) from None
        return Reply(answer.status, {_text(name).lower(): _text(value) for name, value in answer.headers}, body)

    async def close(self) -> None:
        """Closes the connections."""
        await self._kept.aclose()
        await self._fresh.aclose()

    def _timeouts(self) -> dict[str, float]:
        idle = self._bounds.idle
        return {"connect": self._bounds.connect, "read": idle, "write": idle, "pool": idle}

    async def _body(self, answer: httpcore.Response) -> bytes:
        named = {_text(name).lower(): _text(value) for name, value in answer.headers}
        coding = named.get("content-encoding", "").strip().lower()
        if coding not in {"", "identity", "gzip", "x-gzip"}:
            raise Unread(f"answered in the encoding {coding[:40]!r}, which was not asked for")
        body = Body(self._bounds, packed=coding.endswith("gzip"))
        async for chunk in answer.aiter_stream():
            body.add(chunk)
        return body.whole()

    def _why(self, fault: BaseException) -> str:
        match fault:
            case httpcore.ConnectTimeout():
                return f"gave no connection within {self._bounds.connect:g} s"
            case httpcore.ReadTimeout():
                return f"sent nothing for {self._bounds.idle:g} s"
            case httpcore.WriteTimeout() | httpcore.PoolTimeout():
                return f"took nothing for {self._bounds.idle:g} s"
            case httpcore.RemoteProtocolError():
                return f"broke off or sent what is no HTTP: {str(fault)[:200]}"
            case httpcore.ConnectError():
                cause = _tls_fault(fault)
                if isinstance(cause, ssl.SSLCertVerificationError):
                    return f"showed a certificate that is not good for it: {cause.verify_message.rstrip('.')}"
                if isinstance(cause, ssl.SSLError):
                    return f"does not agree on TLS: {cause.reason or 'it broke off'}"
                return f"cannot be reached: {str(fault)[:200] or 'no connection'}"
        return "broke the connection off"


class Body:
    """A body as it comes in, unpacked where it is packed; Unread as soon as it is too large."""

    def __init__(self, bounds: Bounds, *, packed: bool) -> None:
        self._bounds = bounds
        self._packed = packed
        self._parts: list[bytes] = []
        self._size = self._read = 0
        self._unpacking = self._new()

    def add(self, chunk: bytes) -> None:
        """Takes a part of it."""
        self._read += len(chunk)
        if not self._packed:
            self._keep(chunk)
        while self._packed and chunk:
            if self._unpacking.eof:  # a further member, as some send them
                self._unpacking = self._new()
            try:
                made = self._unpacking.decompress(chunk, MIB)
            except zlib.error:
                raise Unread("sent a body that is not the gzip it says it is") from None
            self._keep(made)
            chunk = self._unpacking.unconsumed_tail or self._unpacking.unused_data

    def whole(self) -> bytes:
        """All of it."""
        if self._packed and self._read and not self._unpacking.eof:
            raise Unread("broke its compressed body off")
        return b"".join(self._parts)

    def _keep(self, made: bytes) -> None:
        self._size += len(made)
        if self._size > self._bounds.body:
            raise Unread(f"answered with more than {self._bounds.body / MIB:g} MiB")
        if self._packed and self._size > max(self._bounds.free, self._read * self._bounds.ratio):
            raise Unread(
                f"answered with a body that grows to more than {self._bounds.ratio} times its size when it is unpacked"
            )
        self._parts.append(made)

    @staticmethod
    def _new() -> Any:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)


_BROKEN = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.RemoteProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
)


def _tls_fault(fault: BaseException) -> BaseException | None:
    """The fault of TLS behind another one."""
    found: BaseException | None = fault
    while found is not None and not isinstance(found, ssl.SSLError):
        found = found.__cause__ or found.__context__
    return found


def _is_refusal(fault: BaseException) -> bool:
    """Whether it is a certificate that is not believed: it is not the next time either."""
    return isinstance(_tls_fault(fault), ssl.SSLCertVerificationError)


def _text(value: bytes) -> str:
    return value.decode("latin-1")
