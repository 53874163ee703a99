"""Pulling: nothing lost and nothing twice wherever it is cut off, and whatever a source does, it ends one pull only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from tests.ingest.feeds.conftest import Ground
from tests.ingest.feeds.made_up import Sentry

from secgraph import clock as real_clock
from secgraph.errors import Superseded
from secgraph.extend import CallFailed, Options, Place, Pulled, Reach, Reply, Web
from secgraph.ingest.door import Door
from secgraph.ingest.feeds.feed import Feed
from secgraph.ingest.feeds.feeds import Feeds, Said
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.ingest.feeds.standing import standings
from secgraph.ingest.pull import Puller, not_ahead
from secgraph.model.edm import load
from secgraph.outbound.ways import Ways
from secgraph.seal import Seal
from secgraph.store.leases import Leases
from secgraph.store.protocol import Fence
from secgraph.testing import Clock, graph_alert

Part = Pulled | BaseException
SECRET = "s3cr3t-of-the-sentry"


@dataclass
class Script:
    """What a product gives, by the place from which it is asked."""

    parts: list[Part] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    """How often it calls for each part."""


class Scripted(Sentry):
    """Gives what a script says."""

    script = Script()

    def told(self, options: Options) -> Scripted:
        made = Scripted(options["url"], options["key"])
        made.script = self.script
        return made

    def reach(self) -> Reach:
        return Reach((self.url,))

    async def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        assert now > 0
        self.script.asked.append(dict(place))
        for part in self.script.parts:
            if isinstance(part, BaseException):
                raise part
            for _ in range(self.script.calls):
                await web.call("GET", "https://sentry.example/")
            yield part


class Same:
    """Answers every call in the same way."""

    async def way(self, *_: Any) -> Same:
        return self

    async def forget(self, *_: Any) -> None:
        pass

    async def call(self, *_: Any, **__: Any) -> Reply:
        return Reply(200, {}, b"{}")

    def masked(self, text: str) -> str:
        return text


@dataclass
class Pull:
    """A feed, and pulls of it."""

    ground: Ground
    script: Script
    feeds: Feeds
    feed: Feed
    ways: Any

    def puller(self, feeds: Feeds | None, most: int) -> Puller:
        ground = self.ground
        return Puller(Door(ground.store, load(), ground.clock), feeds or self.feeds, self.ways, ground.clock, most)

    async def once(self, *parts: Part, feeds: Feeds | None = None, fence: Fence | None = None, most: int = 1000) -> bool:
        self.script.parts = list(parts)
        puller = self.puller(feeds, most)
        good = await puller.once(self.feed, fence or await self.fence())
        await puller._health.flush()  # noqa: SLF001 -- what the process would do in a while
        return good

    async def fence(self) -> Fence:
        self.ground.clock.forward(60)
        found = await Leases(self.ground.store, self.ground.clock).claim("pull 1 s")
        assert found is not None
        return found

    async def alerts(self) -> list[str]:
        found = await self.ground.store.fetch("events", tenant=self.feed.tenant, after=0, most=10_000)
        return [one["id"] for one in found if one["id"].startswith("da")]

    async def reason(self) -> str:
        return str((await self.ground.store.fetch("source_healths", tenant=self.feed.tenant))[0]["reason"])


@pytest.fixture
async def pull(ground: Ground) -> Pull:
    script = Script()
    kind = type("Kind", (Scripted,), {"script": script})
    feeds = Feeds(ground.store, lambda _: Seal(b"k" * 32), ground.clock, Kinds({"sentry": kind}))
    said = Said({"url": "https://sentry.example", "key": SECRET})
    return Pull(ground, script, feeds, await feeds.add(ground.tenant, "sentry", "sentry", said), Same())


def alert(number: int) -> bytes:
    return json.dumps(graph_alert(number), indent=1).encode()  # of several lines, as it may come


def of(*numbers: int, place: dict[str, Any] | None = None) -> Pulled:
    return Pulled([alert(number) for number in numbers], place)


async def test_a_pull_goes_on_where_the_last_one_ended(pull: Pull) -> None:
    assert await pull.once(of(1, 2, place={"at": 2}), of(3, place={"at": 3}))
    assert await pull.once(of(4, place={"at": 4}))
    assert pull.script.asked == [{}, {"at": 3}]
    assert [one[:10] for one in await pull.alerts()] == [f"da{number:08d}" for number in (1, 2, 3, 4)]
    assert await pull.feeds.place(pull.feed) == {"at": 4}


async def test_what_comes_again_changes_nothing(pull: Pull) -> None:
    await pull.once(of(1, 2))
    before = await pull.alerts()
    await pull.once(of(2, 1), of(1))
    assert await pull.alerts() == before


async def test_a_large_part_is_taken_in_batches(pull: Pull) -> None:
    assert await pull.once(of(*range(1, 700), place={"at": 1}))
    assert len(set(await pull.alerts())) == 699


async def test_records_that_are_rejected_stop_nothing(pull: Pull) -> None:
    assert await pull.once(Pulled([b"{", alert(1), b"[]", b'"x"', b"", alert(2)], {"at": 2}))
    assert len(await pull.alerts()) == 2
    assert await pull.feeds.place(pull.feed) == {"at": 2}
    [found] = await pull.ground.store.fetch("source_healths", tenant=pull.feed.tenant)
    assert (found["taken"], found["rejected"]) == (2, 4)


async def test_a_note_of_a_source_is_its_last_failure_and_fails_nothing(pull: Pull) -> None:
    noted = Pulled((), {"at": 1}, f"sensors cannot be read with {SECRET}:\nanswered 403")
    for parts, failed in (((of(1), noted, of(2, place={"at": 2})), True), ((of(3, place={"at": 3}),), False)):
        before = pull.ground.clock()
        pull.ground.clock.forward(1)
        assert await pull.once(*parts)
        [found] = await standings(pull.ground.store, pull.feeds, pull.feed.tenant, pull.ground.clock())
        assert (found.state, found.reason, found.failures, found.taken) == ("healthy", "", 0, 2 if failed else 3)
        assert found.failure == "sensors cannot be read with ***: answered 403"
        assert found.failed is not None
        assert (found.failed > before) == failed, "it is said once, and stays to be read"
    assert not await pull.ground.store.fetch("sources_failing", tenant=pull.feed.tenant), "no older client is warned of it"


class Cut(Feeds):
    """Ends the task that would keep a place, as the end of its process does."""

    async def keep_place(self, feed: Feed, place: Place, *, fence: Fence | None = None) -> None:
        if place == {"at": 2}:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)
        await super().keep_place(feed, place, fence=fence)


async def test_cut_between_the_records_and_the_place_nothing_is_lost_and_nothing_twice(pull: Pull) -> None:
    parts = (of(1, place={"at": 1}), of(2, 3, place={"at": 2}), of(4, place={"at": 3}))
    cut = Cut(pull.ground.store, lambda _: Seal(b"k" * 32), pull.ground.clock, pull.feeds.kinds)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(pull.once(*parts, feeds=cut))
    before = await pull.alerts()
    assert len(before) == 3
    assert await pull.once(*parts[1:])
    assert pull.script.asked == [{}, {"at": 1}]
    after = await pull.alerts()
    assert after[:3] == before
    assert len(after) == 4


@pytest.mark.parametrize(("fault", "said"), [
    (CallFailed("it is closed on Sundays."), "it is closed on Sundays."),
    (CallFailed(f"answered 400: {SECRET}\nis no key"), "answered 400: *** is no key"),
    (ValueError("oh"), "The source itself broke: ValueError: oh"), (SystemExit(3), "The source itself broke: SystemExit: 3"),
    (RecursionError(), "The source itself broke: RecursionError:"), (asyncio.CancelledError(), "The source itself broke: CancelledError:"),
    (ExceptionGroup("g", [KeyError("k")]), "The source itself broke: ExceptionGroup: g (1 sub-exception)"), (CallFailed("x" * 9999), "x" * 500),
], ids=str)  # fmt: skip
async def test_a_source_that_fails_ends_its_pull_and_is_told(pull: Pull, fault: BaseException, said: str) -> None:
    assert not await pull.once(of(1, place={"at": 1}), fault)
    assert await pull.reason() == said
    assert await pull.feeds.place(pull.feed) == {"at": 1}
    assert await pull.once(of(2))


@pytest.mark.parametrize("part", [
    cast("Any", None), cast("Any", Pulled(cast("Any", 7))), Pulled([cast("Any", "text")]), Pulled([], {"at": object()}), Pulled([], {"at": "x" * 300_000}),
])  # fmt: skip
async def test_what_is_no_part_of_a_pull(pull: Pull, part: Pulled) -> None:
    assert not await pull.once(part)
    assert await pull.reason()
    assert await pull.feeds.place(pull.feed) == {}


async def test_pages_without_an_end(pull: Pull) -> None:
    assert not await pull.once(*(Pulled([], {"at": number}) for number in range(50)), most=20)
    assert "more than 20 pages" in await pull.reason()
    assert await pull.feeds.place(pull.feed) == {"at": 19}


async def test_a_page_that_leads_back_to_itself(pull: Pull) -> None:
    pull.script.calls = 1
    assert not await pull.once(*(of(number) for number in range(1, 50)))
    assert "led back to one that there was already" in await pull.reason()
    assert len(await pull.alerts()) == 1


async def test_a_call_without_an_end(pull: Pull) -> None:
    pull.script.calls = 101
    assert not await pull.once(of(1))
    assert "100 times" in await pull.reason()


async def test_behind_a_fence_that_fell_nothing_is_taken(pull: Pull) -> None:
    former = await pull.fence()
    await pull.fence()
    with pytest.raises(Superseded):
        await pull.once(of(1, place={"at": 1}), fence=former)
    assert await pull.alerts() == []
    with pytest.raises(Superseded):
        await pull.once(Pulled([], {"at": 1}), fence=former)
    assert await pull.feeds.place(pull.feed) == {}


async def test_a_feed_that_was_changed_meanwhile_keeps_its_place(pull: Pull) -> None:
    await pull.feeds.replay(pull.ground.tenant, "sentry", {"at": 100})
    assert await pull.once(of(1, place={"at": 1}))
    assert await pull.feeds.place(pull.feed) == {"at": 100}


async def test_a_reach_that_is_never_called_is_told(pull: Pull) -> None:
    changed = await pull.feeds.change(pull.ground.tenant, "sentry", Said({"url": "https://user:word@sentry.example"}))
    pull.feed, pull.ways = changed, Ways((), "", cast("Any", None))
    assert not await pull.once(of(1))
    assert "carries a user name or a password" in await pull.reason()


AT: Callable[[int], str] = lambda seconds: real_clock.text(Clock().at + seconds * real_clock.SECOND)  # noqa: E731 -- for a table


@pytest.mark.parametrize(("reached", "former", "kept"), [
    ({"a": AT(-5), "n": 7}, {}, {"a": AT(-5), "n": 7}), ({"a": AT(86_400)}, {}, {"a": AT(0)}), ({"a": AT(86_400)}, {"a": AT(-9)}, {"a": AT(0)}),
    ({"a": AT(9)}, {"a": AT(5)}, {"a": AT(5)}), ({"a": AT(5)}, {"a": AT(9)}, {"a": AT(5)}), ({"a": "9999"}, {}, {"a": "9999"}),
    ({"a": "https://sentry.example/next"}, {}, {"a": "https://sentry.example/next"}), ({"a": None}, {}, {"a": None}),
])  # fmt: skip
def test_a_place_is_never_ahead(reached: dict[str, Any], former: dict[str, Any], kept: dict[str, Any]) -> None:
    assert not_ahead(reached, former, Clock().at) == kept
