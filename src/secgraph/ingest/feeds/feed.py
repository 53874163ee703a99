"""A feed: one source as one tenant configured it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from secgraph.extend import Option

Road = Literal["pull", "listen", "file", "webhook", "push"]
"""How its records come: it is asked, it sends to a port, it writes a file, it calls an address of its own, or somebody hands
them in with a token.
"""

ROADS: tuple[Road, ...] = get_args(Road)

HOOK = "hook-"
"""What the unguessable part of a webhook's address begins with; no feed is called so."""

OF_ROADS: Mapping[Road, tuple[Option, ...]] = {
    "pull": (),
    "listen": (
        Option("listen", "Where it listens, such as udp://0.0.0.0:5514, tcp://, tls://, relp:// or relp+tls://."),
        Option("tls_cert", "File with the certificate it shows, in PEM.", ""),
        Option("tls_key", "File with the key of that certificate, in PEM.", ""),
        Option("tls_client_ca", "File with the authorities whose clients alone may send, in PEM.", ""),
    ),
    "file": (Option("file", "The file that is read as it grows."),),
    "webhook": (
        Option("hook_secret", "What proves that it is the product that calls.", secret=True),
        Option("hook_proof", "How it proves that: bearer, basic, header or hmac.", "bearer"),
        Option("hook_header", "The header that holds it; of an hmac X-Hub-Signature-256 where none is named.", ""),
        Option("hook_timestamp", "The header with the time of the call, which is signed before the body: TIME.BODY.", ""),
        Option("hook_window", "How many seconds old that time may be.", "300"),
    ),
    "push": (),
}
"""What a feed is told by the way its records come, beside the options of its kind."""

WRITE_BACK = "write_back"
OF_WRITERS = (Option(WRITE_BACK, "Whether changes of its alerts are carried back to its product: on or off.", "on"),)
"""What a feed is told whose kind carries changes back."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A configured source. Its name is what its records are of, as with a kind's own: `source:{name}`."""

    tenant: int
    name: str
    kind: str
    road: Road
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What it was told, of its kind and of its road; secrets are opened."""
    paused: bool = False
    every: int | None = None
    """Seconds from one pull to the next; None where it is as its kind has it."""
    silence: int | None = None
    """Seconds without a record after which it is told to be silent; None where it is as its road has it, 0 for never."""
    number: int = 0
    """Another one after every change."""
    guid: str = ""
    """The tenant's id."""
    hook: str = ""
    """Of a webhook the last part of its address."""
    secrets: frozenset[str] = frozenset()
    """Which options are secret."""
    fault: str = ""
    """Why its secrets cannot be opened; then they are not among its options, and it has no connector."""

    def masked(self) -> dict[str, str]:
        """What it was told, as it may be shown."""
        shown = {name: value for name, value in self.options.items() if name not in self.secrets}
        return dict(sorted({**shown, **dict.fromkeys(self.secrets, "***")}.items()))
