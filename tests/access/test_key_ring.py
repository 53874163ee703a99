"""The keys as a running process has them: what it asks of the database, and what it goes on with when that is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from secgraph.edge import keys as ring
from secgraph.edge.keys import KeyRing
from secgraph.edge.signing import Held, SigningKeys, TokenKey
from secgraph.errors import Busy
from secgraph.seal import Seal
from secgraph.testing import Clock

Watch = Any
LIFE = 3599


def token_key(one: Held) -> TokenKey:
    assert isinstance(one.key, TokenKey)
    return one.key


STRANGE = "x" * ring.ID_LENGTH


async def test_the_database_is_read_every_two_seconds_at_most(watched: Watch, clock: Clock) -> None:
    known = watched.ring.signer.id
    for seconds, reads in ((0, 1), (1.9, 1), (0.1, 2), (1.9, 2), (100, 3), (-50, 4), (0, 4)):
        clock.forward(seconds)
        for _ in range(3):
            await watched.ring.fresh()
            assert await watched.ring.find(known) is not None
        assert watched.store.reads == reads
    watched.store.gate = asyncio.Event()
    clock.forward(2)
    waiting = [asyncio.create_task(watched.ring.fresh()) for _ in range(50)]
    await asyncio.sleep(0)
    watched.store.gate.set()
    await asyncio.gather(*waiting)
    assert watched.store.reads == 5, "those that wait share one look"


async def test_strangers_make_no_reads_by_making_up_names(watched: Watch) -> None:
    began = time.monotonic()
    for _ in range(5):
        assert not any(await asyncio.gather(*(watched.ring.find(f"{number:027}") for number in range(200))))
    most = 2 + (time.monotonic() - began) / ring.AGAIN_SECONDS
    assert 2 <= watched.store.reads <= 1 + most
    before = watched.store.reads
    for name in ("", "None", STRANGE[1:], STRANGE + "x", "x" * 10_000):
        assert await watched.ring.find(name) is None
    assert watched.store.reads == before, "no key has such an id"


async def test_a_new_key_is_found_among_many_strangers(watched: Watch) -> None:
    [new, *_] = await watched.elsewhere.rotate("token")
    names = [f"{number:027}" for number in range(100)]
    names.insert(50, token_key(new).id)
    found = await asyncio.gather(*(watched.ring.find(name) for name in names))
    assert [number for number, one in enumerate(found) if one is not None] == [50]
    assert watched.ring.signer.id == token_key(new).id


async def test_a_look_that_began_before_a_key_was_made_is_not_enough(watched: Watch, clock: Clock) -> None:
    watched.store.gate = asyncio.Event()
    clock.forward(2)
    early = asyncio.create_task(watched.ring.fresh())
    await asyncio.sleep(0)
    [new, *_] = await watched.elsewhere.rotate("token")
    late = asyncio.create_task(watched.ring.find(token_key(new).id))
    await asyncio.sleep(0)
    watched.store.gate.set()
    await early
    assert await late is not None


async def test_a_request_given_up_in_the_middle_of_a_look_costs_nobody_else(watched: Watch, clock: Clock) -> None:
    await watched.elsewhere.rotate("token")
    watched.store.gate = asyncio.Event()
    clock.forward(2)
    gone, other = asyncio.create_task(watched.ring.fresh()), asyncio.create_task(watched.ring.fresh())
    await asyncio.sleep(0)
    gone.cancel()
    watched.store.gate.set()
    await other
    assert len(watched.ring.tokens()) == 2


async def test_without_the_database_those_read_before_go_on(
    watched: Watch, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    [new, old] = await watched.elsewhere.rotate("token")
    clock.forward(2)
    await watched.ring.fresh()
    watched.store.away = True
    for _ in range(5):
        clock.forward(2)
        await watched.ring.fresh()
        assert [one.id for one in watched.ring.tokens()] == [token_key(new).id, token_key(old).id]
        assert await watched.ring.find(STRANGE) is None
    assert [record.getMessage() for record in caplog.records].count("KeysFailed") == 1, "said once while it lasts"
    clock.forward(LIFE + 300)
    await watched.ring.fresh()
    assert [one.id for one in watched.ring.tokens()] == [token_key(new).id], "what is over is over all the same"
    watched.store.away = False
    [newest, *_] = await watched.elsewhere.rotate("token")
    clock.forward(2)
    await watched.ring.fresh()
    assert watched.ring.signer.id == token_key(newest).id
    watched.store.away = True
    clock.forward(2)
    await watched.ring.fresh()
    assert [record.getMessage() for record in caplog.records].count("KeysFailed") == 2


async def test_a_ring_that_never_saw_a_key_is_busy(watched: Watch, clock: Clock, keys_of: Callable[..., SigningKeys]) -> None:
    watched.store.away = True
    blind = KeyRing(keys_of(store=watched.store), clock)
    for ask in (blind.fresh(), blind.again(), blind.find(STRANGE)):
        with pytest.raises(Busy, match="cannot be read at the moment"):
            await ask
    for read in (lambda: blind.signer, lambda: blind.links):
        with pytest.raises(Busy):
            read()
    assert (blind.tokens(), blind.public(STRANGE)) == ([], None)
    watched.store.away = False
    await blind.fresh()
    assert blind.signer.id == watched.ring.signer.id


async def test_what_was_read_already_is_not_opened_again(watched: Watch, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    former = Seal.opened

    def watch(self: Seal, data: bytes, about: str) -> bytes:
        opened.append(about)
        return former(self, data, about)

    await watched.elsewhere.rotate("token")
    monkeypatch.setattr(Seal, "opened", watch)
    for _ in range(3):
        clock.forward(2)
        await watched.ring.fresh()
    assert [about.split()[1] for about in opened] == ["token"], "the new one, once"
    assert len(watched.ring.tokens()) == 2
