"""What connections at a port are secured with while it is listened there: files that are renewed, and handshakes that fail."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from secgraph.listen.address import Certificate, secured


class Shown:
    """A certificate in use, and the authorities of clients. UsageError where a file of them cannot be used."""

    def __init__(self, certificate: Certificate, clients: str) -> None:
        self._certificate = certificate
        self._clients = clients
        self._seen = self._stamps()
        self.context = secured(certificate, clients)
        self.failed = 0
        """Handshakes that failed so far."""
        self.reason = ""
        """Why the last one did."""
        self.context.sslobject_class = self._counting()

    def renewed(self) -> bool:
        """Takes files that are others by now into use, for connections from now on; whether there were any. UsageError where
        they cannot be used: what was in use stays, and they are tried again once they change.
        """
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        self._seen = stamps
        secured(self._certificate, self._clients)  # a certificate without its key would spoil what is in use
        self.context.load_cert_chain(self._certificate.chain, self._certificate.key)
        if self._clients:
            self.context.load_verify_locations(self._clients)
        return True

    def _stamps(self) -> list[tuple[int, int, int]]:
        return [
            _stamp(path) for path in (self._certificate.chain, self._certificate.key, *map(Path, filter(None, [self._clients])))
        ]

    def _counting(self) -> type[ssl.SSLObject]:
        shown = self

        class Counted(ssl.SSLObject):
            """A connection whose handshake is counted where it fails: nobody else is told of that."""

            def do_handshake(self) -> None:
                try:
                    super().do_handshake()
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    raise
                except ssl.SSLError as fault:
                    shown.failed += 1
                    shown.reason = _said(fault)
                    raise

        return Counted


def _said(fault: ssl.SSLError) -> str:
    more: Any = getattr(fault, "verify_message", "")
    return more or (fault.reason or "it broke off").replace("_", " ").lower()


def _stamp(path: Path) -> tuple[int, int, int]:
    """What tells a file from the one that had its name before."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns
