"""Who asks: one of all processes, for as long as a feed is there and as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.feeds.made_up import Sentry

from secgraph import clock as real_clock
from secgraph.app import Core, core
from secgraph.extend import CallFailed, Options, Place, Pulled, Reach, Web
from secgraph.ingest.feeds.feeds import Said
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.outbound.waiting import Time
from secgraph.settings import gather
from secgraph.sourcing import do_pulls
from secgraph.store.registry import Tenant

SAID = {"url": "https://sentry.example", "key": "k"}


@dataclass
class Seen:
    """What is seen of the pulls of one process."""

    url: list[str] = field(default_factory=list)
    under_way: int = 0
    waited: list[float] = field(default_factory=list)
    fail: bool = False
    hang: bool = False
    stubborn: bool = False


def kind(seen: Seen) -> type[Any]:
    class Kind(Sentry):
        def told(self, options: Options) -> Kind:
            return Kind(options["url"], options["key"])

        def reach(self) -> Reach:
            return Reach((self.url,))

        async def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
            assert web
            assert now
            seen.url.append(self.url)
            seen.under_way += 1
            try:
                if seen.fail:
                    raise CallFailed("it is closed.")
                while seen.hang:
                    try:
                        await asyncio.sleep(60)
                    except asyncio.CancelledError:
                        if not seen.stubborn:
                            raise
            finally:
                seen.under_way -= 1
            yield Pulled([], {"n": place.get("n", 0) + 1})

    return Kind


Process = Callable[[Seen], Any]


@pytest.fixture
def process(tmp_path: Path, on: dict[str, str]) -> Process:
    @asynccontextmanager
    async def made(seen: Seen) -> AsyncIterator[Core]:
        async def sleep(seconds: float) -> None:
            seen.waited.append(seconds)
            await asyncio.sleep(0.01)

        settings = gather({"data": tmp_path, **on}, {})
        async with core(settings, real_clock.now, Kinds({"sentry": kind(seen)})) as inner:
            time = Time(real_clock.now, sleep=sleep, chance=lambda: 0.5)
            task = asyncio.create_task(do_pulls(inner, renew=0.2, look=0.05, time=time))
            try:
                yield inner
            finally:
                task.cancel()
                async with asyncio.timeout(4.5):
                    await asyncio.gather(task, return_exceptions=True)

    return made


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 -- what is waited for is in other tasks' hands
            await asyncio.sleep(0.01)


async def quiet(seen: Seen) -> None:
    """Nothing is asked any more."""
    await until(lambda: not seen.under_way)
    await asyncio.sleep(0.2)
    count = len(seen.url)
    await asyncio.sleep(0.2)
    assert (len(seen.url), seen.under_way) == (count, 0)


async def add(inner: Core, name: str = "sentry", **said: Any) -> Tenant:
    found = await inner.registry.tenants()
    tenant = found[0] if found else await inner.registry.create_tenant("contoso")
    await inner.feeds.add(tenant, "sentry", name, Said({**SAID, **said}))
    return tenant


async def test_a_feed_is_asked_as_long_as_it_is_there(process: Process) -> None:
    seen = Seen()
    async with process(seen) as inner:
        tenant = await add(inner)
        await until(lambda: len(seen.url) > 3)
        assert set(seen.waited) == {60.0}
        await inner.feeds.pause(tenant, "sentry")
        await quiet(seen)
        await inner.feeds.pause(tenant, "sentry", paused=False)
        await inner.feeds.change(tenant, "sentry", Said({"url": "https://other.example"}, every=5))
        await until(lambda: "https://other.example" in seen.url and seen.waited[-1] == 5.0)
        await inner.feeds.remove(tenant, "sentry")
        await quiet(seen)


async def test_a_feed_that_is_paused_in_the_middle_stops_at_once(process: Process) -> None:
    seen = Seen(hang=True)
    async with process(seen) as inner:
        tenant = await add(inner)
        await until(lambda: seen.under_way == 1)
        await inner.feeds.pause(tenant, "sentry")
        await until(lambda: seen.under_way == 0)


async def test_a_feed_that_fails_is_asked_later_each_time_and_others_go_on(process: Process) -> None:
    seen = Seen(fail=True)
    async with process(seen) as inner:
        await add(inner)
        await until(lambda: len(seen.waited) > 11)
        assert seen.waited[:11] == [3.75, 7.5, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 675.0, 675.0, 675.0]
        seen.fail = False
        await until(lambda: seen.waited[-1] == 60.0)


async def test_of_two_processes_one_asks_and_the_other_takes_over(process: Process) -> None:
    one, two = Seen(), Seen()
    async with AsyncExitStack() as later:
        async with process(one) as inner:
            tenant = await add(inner)
            await until(lambda: len(one.url) > 2)
            await later.enter_async_context(process(two))
            await asyncio.sleep(0.6)
            assert two.url == []
        await until(lambda: len(two.url) > 2)
        await quiet(one)
        assert tenant.number


async def test_a_source_that_does_not_want_to_end_does_not_hold_up_the_end(process: Process) -> None:
    seen = Seen(hang=True, stubborn=True)
    async with process(seen) as inner:
        await add(inner)
        await until(lambda: seen.under_way == 1)
    seen.hang = False
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await until(lambda: not seen.under_way)
