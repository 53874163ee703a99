"""Leases: one holder at a time, and nothing written behind a fence that fell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from secgraph import clock as real_clock
from secgraph.errors import Superseded
from secgraph.store.facts import Needs
from secgraph.store.leases import LIFE, Leases
from secgraph.store.protocol import Decision, Fence, Store
from secgraph.testing import Clock

if TYPE_CHECKING:
    from tests.store.conftest import Ground

SECONDS = LIFE / real_clock.SECOND
FACT = ("fact_put", {"name": "word", "value": "written"})


@pytest.fixture(params=["one process", "another one writes"])
async def store(ground: Ground, clock: Clock, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """The store that the leases are in, which writes by itself or hands over."""
    if request.param == "one process":
        yield ground.store
        return
    await ground.add(999)
    made = await ground.place.open(clock)
    yield made
    await made.close()


async def test_one_of_many_gets_it(store: Store, clock: Clock) -> None:
    all_of_them = [Leases(store, clock) for _ in range(10)]
    found = await asyncio.gather(*(one.claim("a") for one in all_of_them))
    assert [fence for fence in found if fence is not None] == [Fence("a", 1)]
    assert len({one.holder for one in all_of_them}) == 10


async def test_leases_of_other_names_are_others(store: Store, clock: Clock) -> None:
    one, two = Leases(store, clock), Leases(store, clock)
    assert await one.claim("a") == Fence("a", 1)
    assert await two.claim("b") == Fence("b", 1)
    assert await two.claim("a") is None


async def test_it_runs_as_long_as_it_is_renewed(store: Store, clock: Clock) -> None:
    one, two = Leases(store, clock), Leases(store, clock)
    fence = await one.claim("a")
    assert fence is not None
    for _ in range(10):
        clock.forward(SECONDS - 1)
        assert await one.renew(fence)
        assert await two.claim("a") is None
    clock.forward(SECONDS)
    assert await two.claim("a") == Fence("a", 2)
    assert not await one.renew(fence)
    assert await one.claim("a") is None


async def test_what_was_released_is_free_at_once(store: Store, clock: Clock) -> None:
    one, two = Leases(store, clock), Leases(store, clock)
    fence = await one.claim("a")
    assert fence is not None
    await one.release(fence)
    assert await two.claim("a") == Fence("a", 2)
    await one.release(fence)  # of what is not its own any more it releases nothing
    assert await one.claim("a") is None


async def test_behind_a_fence_that_fell_nothing_is_written(ground: Ground, store: Store, clock: Clock) -> None:
    one, two = Leases(store, clock), Leases(store, clock)
    former = await one.claim("a")
    assert former is not None
    await store.run(FACT, fence=former)
    clock.forward(SECONDS)
    fence = await two.claim("a")
    assert fence is not None
    before = len(await ground.events())
    with pytest.raises(Superseded, match="'a'"):
        await store.run(("fact_put", {"name": "word", "value": "late"}), fence=former)
    called: list[int] = []

    def decide(number: int) -> Decision[int]:
        called.append(number)
        return Decision([ground.put(ground.alert(number))], number)

    number = ground.tenant.number
    results = await asyncio.gather(
        store.write(number, Needs(), lambda _: decide(1), fence=former), store.write(number, Needs(), lambda _: decide(2), fence=fence),
        store.write(number, Needs(), lambda _: decide(3)), store.write(number, Needs(), lambda _: decide(4), fence=Fence("none", 1)),
        return_exceptions=True,
    )  # fmt: skip
    assert [type(one) for one in results] == [Superseded, int, int, Superseded]
    assert called == [2, 3]
    assert len(await ground.events()) == before + 2
    assert (await store.fetch("fact", name="word"))[0]["value"] == "written"
