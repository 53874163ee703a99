"""The feeds that listen and that read files, kept running: each as it is configured at the moment, one in this process at most.

Whoever binds an address first has it; the other processes of the node try again every few seconds. A file is read by the one
process that holds its lease, among those that can read it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from errno import EADDRINUSE
from pathlib import Path
from time import monotonic
from typing import Any

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.ingest.door import Door
from secgraph.ingest.feeds.feed import Feed
from secgraph.ingest.feeds.feeds import Feeds
from secgraph.ingest.feeds.health import Health
from secgraph.listen.address import Certificate, address_of, bound, certificate_of
from secgraph.listen.datagrams import Datagrams
from secgraph.listen.intake import Intake, What, apart, taker
from secgraph.listen.mark import is_marked, marked
from secgraph.listen.place import opened
from secgraph.listen.shown import Shown
from secgraph.listen.streams import ORDINARY, Limits, Streams
from secgraph.listen.tail import Tail
from secgraph.observe import (
    DatagramsDropped,
    HandshakesFailed,
    ListenerFailed,
    ListenerStarted,
    ListenerStopped,
    ListenerWaits,
    observe,
)
from secgraph.store.protocol import Fence

LOOK_SECONDS = 2.0
"""How often it is looked what is configured."""
RETRY_SECONDS = 3.0
"""After which an address that is taken, a file that is not there, and what failed are tried again."""
COUNT_SECONDS = 5.0
"""How often it is looked what the kernel dropped, which handshakes failed, and whether a certificate is another one."""
TAKEN_SECONDS = 60.0
"""How long a stranger may have an address before that is told: who is just being restarted has it soon."""
SAID_SECONDS = 300.0
"""How often the log is told of handshakes that fail, at most."""
LAST_SECONDS = 5.0
"""How long it is read on at the end, at most."""


Held = Callable[[str, Callable[[Fence], Awaitable[None]]], Awaitable[None]]
"""Claims a lease and works under its fence while it is held; returns without any work where another process holds it."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the feeds run in."""

    feeds: Feeds
    door: Callable[[Fence | None], Door]
    """The door, whose writes stand behind a fence if there is one."""
    health: Health
    held: Held
    own: Callable[[], Certificate]
    """The server's own certificate, for those that are told no other. UsageError where it has none."""
    now: clock.Now
    limits: Limits = ORDINARY
    time: Callable[[], float] = monotonic
    """Seconds, from anywhere on."""
    look: float = COUNT_SECONDS
    """How often it is looked what was lost and what was renewed."""


async def listening(around: Around, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Runs what is configured until it is cancelled; what has come by then is read, stored and acknowledged."""
    running: dict[tuple[int, str], tuple[int, asyncio.Task[None]]] = {}
    try:
        while True:
            wanted = await _wanted(around)
            if wanted is not None:
                over = [key for key, (number, _) in running.items() if key not in wanted or wanted[key].number != number]
                await _ended([running.pop(key)[1] for key in over])
                for key, feed in wanted.items():
                    if key not in running:
                        running[key] = feed.number, asyncio.create_task(_kept(around, feed, sleep))
            await sleep(LOOK_SECONDS)
    finally:
        await _ended([task for _, task in running.values()])


async def _wanted(around: Around) -> dict[tuple[int, str], Feed] | None:
    """What should run; None while nobody can say."""
    try:
        found = await around.feeds.all()
    except Exception:  # noqa: BLE001 -- what runs goes on, and it is asked again
        return None
    return {(one.tenant, one.name): one for one in found if one.road in {"listen", "file"} and not one.paused}


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _kept(around: Around, feed: Feed, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Runs one feed, again and again, until it is cancelled."""
    told = _Told(around, feed)
    while True:
        try:
            if feed.road == "file":
                await _follow(around, feed, told)
            else:
                await _listen(around, feed, told)
        except Exception as fault:  # noqa: BLE001 -- whatever it is: the others go on, and it is tried again
            told.failed(str(fault) or type(fault).__name__)
        await sleep(RETRY_SECONDS)


class _Told:
    """Says how a feed fares: the same thing not every few seconds."""

    def __init__(self, around: Around, feed: Feed) -> None:
        self._around = around
        self._feed = feed
        self._waits = ""
        self._since = around.time()
        """Since when it waits."""
        self._failed = ""
        self._said = -SAID_SECONDS

    def failed(self, reason: str) -> None:
        """It does not work now. Its health hears of it each time, so that it is seen that it still does not."""
        if reason != self._failed:
            self._failed = reason
            observe(ListenerFailed(self._feed.name, reason))
        self._around.health.failed(self._feed.tenant, self._feed.name, reason)

    def waits(self, address: str, reason: str) -> None:
        """Somebody else has what it needs."""
        if reason != self._waits:
            self._waits = reason
            self._since = self._around.time()
            observe(ListenerWaits(self._feed.name, address, reason))

    def taken(self, address: str) -> None:
        """A stranger has the address, or another source: that is a failure once it lasts."""
        self.waits(address, "another process listens there, and not for this source")
        seconds = self._around.time() - self._since
        if seconds >= TAKEN_SECONDS:
            self.failed(
                f"{address} is taken: for a minute at least something else has listened there, and not for this source."
            )

    def handshakes(self, failed: int, total: int, reason: str) -> None:
        """Handshakes failed. The log hears of it now and then only: anybody can have one fail."""
        said = f"TLS handshakes failed: {failed}, the last one for {reason}; {total} since it is listened here"
        self._around.health.failed(self._feed.tenant, self._feed.name, said)
        if self._around.time() - self._said >= SAID_SECONDS:
            self._said = self._around.time()
            observe(HandshakesFailed(self._feed.name, total, reason))

    def works(self) -> None:
        """It works again."""
        self._waits = self._failed = ""


# --- ports ------------------------------------------------------------------------------------------------------------


async def _listen(around: Around, feed: Feed, told: _Told) -> None:
    """Listens until it is cancelled; returns where somebody else has the address."""
    source, address = around.feeds.connector(feed), address_of(feed.options["listen"])
    shown = None
    if address.secured:
        certificate = certificate_of(feed.options)
        if certificate is None:
            certificate = await asyncio.to_thread(around.own)
        shown = Shown(certificate, feed.options.get("tls_client_ca", ""))
    try:
        one = await asyncio.to_thread(bound, address)
    except OSError as fault:
        if fault.errno == EADDRINUSE:
            if is_marked(feed):
                told.waits(str(address), "another process listens there")
            else:
                told.taken(str(address))
            return
        raise UsageError(f"{address} cannot be bound: {fault.strerror or fault}.") from None
    told.works()
    mark = marked(feed)
    intake = Intake(taker(around.door(None), feed.tenant, source, around.now), told.failed)
    storing = asyncio.create_task(intake.run())
    observe(ListenerStarted(feed.name, str(address)))
    try:
        if address.way == "udp":
            await _read_datagrams(feed, told, Datagrams(one, intake), storing, around.look)
        else:
            context = None if shown is None else shown.context
            made = Streams(one, intake, told.failed, relp=address.acknowledged, context=context, limits=around.limits)
            await _take_connections(made, told, shown, storing, around.look)
    finally:
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)
        one.close()
        if mark is not None:
            mark.close()
        observe(ListenerStopped(feed.name, str(address)))


async def _take_connections(made: Streams, told: _Told, shown: Shown | None, storing: asyncio.Task[None], look: float) -> None:
    await made.start()
    known = 0
    try:
        while not storing.done():
            await asyncio.wait([storing], timeout=look)
            if shown is None:
                continue
            try:
                await asyncio.to_thread(shown.renewed)
            except (UsageError, OSError) as fault:  # what is in use stays
                told.failed(str(fault))
            if shown.failed > known:
                told.handshakes(shown.failed - known, shown.failed, shown.reason)
                known = shown.failed
        await storing
    finally:
        await made.stop()


async def _read_datagrams(feed: Feed, told: _Told, made: Datagrams, storing: asyncio.Task[None], look: float) -> None:
    made.start()
    known = 0
    try:
        while not storing.done():
            await asyncio.wait([storing], timeout=look)
            count = made.dropped or 0
            if count > known:
                observe(DatagramsDropped(feed.name, count - known, count))
                lost = f"the kernel dropped {count - known} datagrams that came faster than they were stored"
                told.failed(f"{lost}; {count} since it is listened here")
                known = count
    finally:
        await made.stop(LAST_SECONDS)


# --- files ------------------------------------------------------------------------------------------------------------


async def _follow(around: Around, feed: Feed, told: _Told) -> None:
    """Reads a file under its lease until it is cancelled or the lease is lost; returns where it cannot be read here."""
    path = Path(feed.options["file"])
    handle = await asyncio.to_thread(opened, path)
    if handle is None:
        told.waits(str(path), "there is no file that can be read")
        return
    os.close(handle)
    told.works()
    source = around.feeds.connector(feed)

    async def work(fence: Fence) -> None:
        take = taker(around.door(fence), feed.tenant, source, around.now)

        async def store(batch: list[What], place: Mapping[str, Any]) -> None:
            if batch:
                await apart(take, batch, told.failed)
            await around.feeds.keep_place(feed, place, fence=fence)

        observe(ListenerStarted(feed.name, str(path)))
        try:
            await Tail(path, await around.feeds.place(feed), store).run()
        finally:
            observe(ListenerStopped(feed.name, str(path)))

    await around.held(f"tail {feed.tenant} {feed.name}", work)
