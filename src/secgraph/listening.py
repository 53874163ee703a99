"""Sources that send to a port or write a file, in a process that does periodic work: what they need is put together here."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from secgraph import tls
from secgraph.app import Core
from secgraph.claimed import once_claimed
from secgraph.edge.origin import own_hosts
from secgraph.errors import Superseded
from secgraph.ingest.door import Door
from secgraph.listen.address import Certificate
from secgraph.listen.running import Around, listening
from secgraph.settings import Settings
from secgraph.store.leases import Leases
from secgraph.store.protocol import Fence


async def listen_for(core: Core, settings: Settings) -> None:
    """Listens, and reads files, as is configured at the moment, until it is cancelled."""
    leases = Leases(core.store, core.now)

    def door(fence: Fence | None) -> Door:
        return core.door if fence is None else core.door.behind(fence)

    async def under(name: str, work: Callable[[Fence], Awaitable[None]]) -> None:
        with contextlib.suppress(Superseded):  # another process has it: this one waits
            await once_claimed(name, work, leases)

    await listening(Around(core.feeds, door, core.health, under, lambda: own_certificate(settings), core.now))


def own_certificate(settings: Settings) -> Certificate:
    """The certificate that the server shows; that of the local authority, made where it is missing, where no other is set."""
    if settings["tls_cert"]:
        return Certificate(Path(settings["tls_cert"]), Path(settings["tls_key"]))
    files = tls.Files(settings.folder)
    tls.ensure(files, own_hosts(settings["public_url"], settings["host"], settings["allowed_hosts"]))
    return Certificate(files.chain, files.key)
