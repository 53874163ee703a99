"""What is configured listens and is read, in one process or several, for as long as it is as it is."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.listen.near import until

from secgraph import clock, tls
from secgraph.app import Core, core
from secgraph.claimed import once_claimed
from secgraph.errors import Superseded
from secgraph.ingest.feeds.feeds import Said
from secgraph.ingest.feeds.standing import Standing, standings
from secgraph.listen import running
from secgraph.listen.address import Certificate
from secgraph.listen.running import Around, listening
from secgraph.settings import gather
from secgraph.store.leases import Leases
from secgraph.store.protocol import Fence
from secgraph.store.registry import Tenant
from secgraph.testing import Clock


def line(number: int) -> bytes:
    return b"CEF:0|Acme|Wall|1.0|100|line %d|5|msg=something\n" % number


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """One of the processes: it listens until it ends."""

    core: Core
    clock: Clock
    seconds: float = 0.0
    """How late it is for whoever measures."""
    fences: list[Fence] = field(default_factory=list)

    async def tenant(self) -> Tenant:
        found = await self.core.registry.tenants()
        return found[0] if found else await self.core.registry.create_tenant("contoso")

    async def add(self, name: str, address: str, **options: str) -> Tenant:
        tenant = await self.tenant()
        road = "file" if address.startswith("/") else "listen"
        await self.core.feeds.add(tenant, "cef", name, Said({road: address, **options}, road))
        return tenant

    async def standing(self, name: str) -> Standing:
        await self.core.health.flush()
        found = await standings(self.core.store, self.core.feeds, (await self.tenant()).number, clock.now())
        return next(one for one in found if one.name == name)

    async def taken(self, name: str, count: int) -> None:
        """Waits until so many records of a source were taken."""
        async with asyncio.timeout(15):
            while (await self.standing(name)).taken < count:  # noqa: ASYNC110 -- what it waits for sets no event
                await asyncio.sleep(0.02)

    async def failing(self, name: str, words: str) -> None:
        """Waits until a source fails for a reason with these words."""
        ends, said = time.monotonic() + 15, ""
        while words not in (said := (await self.standing(name)).failure):
            assert time.monotonic() < ends, said
            await asyncio.sleep(0.02)


Start = Callable[[], Any]


@pytest.fixture
def process(tmp_path: Path, on: dict[str, str]) -> Start:
    (tmp_path / "data").mkdir()
    own = tls.Files(tmp_path / "data")
    tls.ensure(own, frozenset({"localhost"}))

    @asynccontextmanager
    async def made() -> AsyncIterator[Process]:
        async with core(gather({"data": tmp_path / "data", **on}, {}), clock.now) as inner:
            here = Process(inner, Clock())
            leases = Leases(inner.store, clock.now)

            async def under(name: str, work: Callable[[Fence], Awaitable[None]]) -> None:
                async def seen(fence: Fence) -> None:
                    here.fences.append(fence)
                    await work(fence)

                with contextlib.suppress(Superseded):
                    await once_claimed(name, seen, leases, 0.1)

            async def soon(_: float) -> None:
                await asyncio.sleep(0.02)

            around = Around(
                inner.feeds, lambda fence: inner.door if fence is None else inner.door.behind(fence), inner.health, under,
                lambda: Certificate(own.chain, own.key), clock.now, time=lambda: here.seconds, look=0.05,
            )  # fmt: skip
            task = asyncio.create_task(listening(around, soon))
            try:
                yield here
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    return made


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def turns(port: int, *, there: bool) -> None:
    async with asyncio.timeout(15):
        while await listens(port) is not there:  # noqa: ASYNC110 -- what it waits for sets no event
            await asyncio.sleep(0.02)


async def send(port: int, *numbers: int, context: ssl.SSLContext | None = None) -> None:
    name = None if context is None else "localhost"
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    writer.write(b"".join(map(line, numbers)))
    await writer.drain()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def refuses(port: int, context: ssl.SSLContext) -> None:
    """Connects, and tells the listener that its certificate is not trusted."""
    with socket.create_connection(("127.0.0.1", port)) as one:
        context.wrap_socket(one, server_hostname="localhost").close()


async def test_a_feed_listens_as_it_is_configured_at_the_moment(process: Start) -> None:
    first, second = a_port(), a_port()
    async with process() as here:
        tenant = await here.add("wall", f"tcp://127.0.0.1:{first}")
        await turns(first, there=True)
        await send(first, 1)
        await here.taken("wall", 1)
        await here.core.feeds.change(tenant, "wall", Said({"listen": f"tcp://127.0.0.1:{second}"}))
        await turns(second, there=True)
        await turns(first, there=False)
        await send(second, 2)
        await here.taken("wall", 2)
        await here.core.feeds.pause(tenant, "wall")
        await turns(second, there=False)
        await here.core.feeds.pause(tenant, "wall", paused=False)
        await turns(second, there=True)
        await here.core.feeds.remove(tenant, "wall")
        await turns(second, there=False)


async def test_of_two_processes_one_has_the_address_and_the_other_one_after_it(process: Start) -> None:
    port = a_port()
    async with AsyncExitStack() as later:
        async with process() as one:
            await one.add("wall", f"tcp://127.0.0.1:{port}")
            await turns(port, there=True)
            two = await later.enter_async_context(process())
            two.seconds = 1000.0
            await asyncio.sleep(0.3)
            two.seconds = 2000.0
            await asyncio.sleep(0.3)
            assert (await two.standing("wall")).failure == ""  # it waits for one of ours, however long
            await send(port, 1)
            await one.taken("wall", 1)
        await turns(port, there=True)
        await send(port, 2)
        await two.taken("wall", 2)


async def test_an_address_that_something_else_has_for_a_minute_is_told(process: Start) -> None:
    port = a_port()
    with socket.create_server(("127.0.0.1", port)):
        async with process() as here:
            await here.add("wall", f"udp://127.0.0.1:{a_port()}")
            await here.add("door", f"tcp://127.0.0.1:{port}")
            await asyncio.sleep(0.4)
            here.seconds += running.TAKEN_SECONDS - 1
            await asyncio.sleep(0.2)
            assert (await here.standing("door")).failure == ""
            here.seconds += 2
            await here.failing("door", f"tcp://127.0.0.1:{port} is taken")
            assert (await here.standing("wall")).failure == ""


async def test_two_feeds_at_one_address_are_told(process: Start) -> None:
    port = a_port()
    async with process() as here:
        await here.add("wall", f"tcp://127.0.0.1:{port}")
        await turns(port, there=True)
        await here.add("door", f"tcp://127.0.0.1:{port}")
        await asyncio.sleep(0.4)
        here.seconds += running.TAKEN_SECONDS + 1
        await here.failing("door", "is taken")


async def test_a_certificate_that_was_renewed_and_handshakes_that_fail(process: Start, tmp_path: Path) -> None:
    port = a_port()
    files = [tls.Files(tmp_path / name) for name in ("first", "second")]
    for one in files:
        one.chain.parent.mkdir(parents=True)
        tls.ensure(one, frozenset({"localhost"}))
    trust = [ssl.create_default_context(cafile=str(one.authority)) for one in files]
    shown = tls.Files(tmp_path / "shown")
    shown.chain.parent.mkdir(parents=True)

    def show(one: tls.Files) -> None:
        shown.key.write_bytes(one.key.read_bytes())
        shown.chain.write_bytes(one.chain.read_bytes())

    show(files[0])
    async with process() as here:
        await here.add("wall", f"tls://127.0.0.1:{port}", tls_cert=str(shown.chain), tls_key=str(shown.key))
        await turns(port, there=True)
        await send(port, 1, context=trust[0])
        await here.taken("wall", 1)
        for _ in range(3):
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.to_thread(refuses, port, trust[1])
        await here.failing("wall", "; 3 since it is listened here")
        shown.key.write_text("no key")
        await here.failing("wall", "cannot be used")
        await send(port, 2, context=trust[0])  # what was in use is in use
        await here.taken("wall", 2)
        show(files[1])
        async with asyncio.timeout(15):
            while True:
                with contextlib.suppress(ssl.SSLError):
                    await send(port, 3, context=trust[1])
                    break
                await asyncio.sleep(0.05)
        await here.taken("wall", 3)


async def test_a_file_is_read_by_one_process_which_may_lose_it(process: Start, tmp_path: Path) -> None:
    path = tmp_path / "wall.log"
    path.write_bytes(line(1))
    async with process() as one, process() as two:
        await one.add("wall", str(path))
        await until(lambda: bool(one.fences or two.fences))
        has, other = (one, two) if one.fences else (two, one)
        await has.taken("wall", 1)
        assert other.fences == []
        # A process whose clock is ahead takes the lease away, as from one that slept: what that one writes from now on is refused.
        stranger = Leases(has.core.store, lambda: clock.now() + 600 * clock.SECOND)
        taken = await stranger.claim(has.fences[0].name)
        assert taken is not None
        with path.open("ab") as file:
            file.write(line(2))
        await asyncio.sleep(0.5)
        assert (await has.standing("wall")).taken == 1
        assert (len(has.fences), len(other.fences)) == (1, 0)
        await stranger.release(taken)
        await until(lambda: len(one.fences) + len(two.fences) == 2)
        await max((one, two), key=lambda process: max((fence.number for fence in process.fences), default=0)).taken("wall", 2)
        assert len(one.fences) + len(two.fences) == 2
        assert (await one.standing("wall")).unchanged + (await two.standing("wall")).unchanged == 0
