"""How sources fare: what several processes see adds up, and what that comes to."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import pytest
from tests.ingest.feeds.conftest import Ground
from tests.ingest.feeds.made_up import TOLD

from secgraph import clock as real_clock
from secgraph.errors import Busy
from secgraph.ingest.feeds.feeds import Said
from secgraph.ingest.feeds.health import Health
from secgraph.ingest.feeds.standing import KEPT_HOURS, Standing, standings, watch_silence
from secgraph.ingest.report import Report
from secgraph.observe import SourceHeard, SourceSilent
from secgraph.store.protocol import Store

HOUR = 3600


def report(taken: int = 0, unchanged: int = 0, rejected: int = 0) -> Report:
    return Report(taken=taken, unchanged=unchanged, rejected=rejected)


async def standing(ground: Ground, name: str = "sentry") -> Standing:
    [found] = [one for one in await standings(ground.store, ground.feeds, ground.tenant.number, ground.clock()) if one.name == name]
    return found


async def sentry(ground: Ground, **said: Any) -> int:
    return (await ground.feeds.add(ground.tenant, "sentry", "sentry", Said(TOLD, **said))).tenant


class Shaky:
    """A store whose database is gone now and then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.gone = False

    def __getattr__(self, name: str) -> Any:
        if self.gone:
            raise Busy("The database is gone.")
        return getattr(self._store, name)


# --- adding up -----------------------------------------------------------------------------------------------------------


async def test_several_processes_add_up(ground: Ground) -> None:
    tenant = await sentry(ground)
    here, there = Health(ground.store, ground.clock), Health(ground.store, ground.clock)
    newest = ground.clock() - 90 * real_clock.SECOND
    here.taken(tenant, "sentry", report(2, 1, 0), newest)
    there.taken(tenant, "sentry", report(3, 0, 4), newest - 1)
    await here.flush()
    await there.flush()
    here.taken(tenant, "sentry", report(1))
    await here.flush()
    await there.flush()
    found = await standing(ground)
    assert (found.taken, found.unchanged, found.rejected) == (6, 1, 4)
    assert (found.state, found.newest, found.lag) == ("healthy", newest, 90)
    assert (found.heard, found.succeeded, found.last_hour, found.last_day) == (ground.clock(), ground.clock(), 11, 11)


async def test_a_report_is_counted_once_however_often_it_is_told(ground: Ground) -> None:
    tenant = await sentry(ground)
    health, one = Health(ground.store, ground.clock), report(2)
    health.taken(tenant, "sentry", one)
    health.taken(tenant, "sentry", one)
    one.taken += 1
    health.taken(tenant, "sentry", one)
    await health.flush()
    assert (await standing(ground)).taken == 3


async def test_what_could_not_be_written_is_written_later(ground: Ground) -> None:
    tenant = await sentry(ground)

    store = Shaky(ground.store)
    health = Health(cast("Store", store), ground.clock)
    health.failed(tenant, "sentry", "no route")
    health.taken(tenant, "sentry", report(2))
    store.gone = True
    with pytest.raises(Busy):
        await health.flush()
    health.taken(tenant, "sentry", report(3))
    health.failed(tenant, "sentry", "again")
    store.gone = False
    await health.flush()
    found = await standing(ground)
    assert (found.taken, found.failures, found.reason) == (5, 1, "again")


async def test_of_a_deleted_tenant_nothing_is_written(ground: Ground) -> None:
    health = Health(ground.store, ground.clock)
    health.taken(9999, "sentry", report(1))
    await health.flush()
    assert ground.place.rows("SELECT count(*) FROM source_health") == ground.place.rows("SELECT count(*) FROM source_rates") == [(0,)]


# --- what it comes to ----------------------------------------------------------------------------------------------------


async def test_its_states(ground: Ground) -> None:
    tenant = await sentry(ground)
    health = Health(ground.store, ground.clock)
    assert (await standing(ground)).state == "waiting"
    for count in (1, 2):
        ground.clock.forward(60)
        health.asked(tenant, "sentry")
        health.failed(tenant, "sentry", "answered 401:\n no such key\0")
        await health.flush()
        found = await standing(ground)
        assert (found.state, found.reason, found.failures) == ("failing", "answered 401: no such key", count)
    ground.clock.forward(60)
    health.taken(tenant, "sentry")
    await health.flush()
    found = await standing(ground)
    assert (found.state, found.reason, found.failures, found.failure) == ("healthy", "", 0, "answered 401: no such key")
    assert found.heard is None, "it answered, and had nothing new"
    await ground.feeds.pause(ground.tenant, "sentry")
    assert (await standing(ground)).state == "paused"


async def test_an_older_failure_of_another_process_does_not_count(ground: Ground) -> None:
    tenant = await sentry(ground)
    here, slow = Health(ground.store, ground.clock), Health(ground.store, ground.clock)
    slow.failed(tenant, "sentry", "long ago")
    ground.clock.forward(1)
    here.taken(tenant, "sentry")
    await here.flush()
    await slow.flush()
    assert (await standing(ground)).state == "healthy"


async def test_one_that_was_never_configured_is_there_once_it_delivered(ground: Ground) -> None:
    health = Health(ground.store, ground.clock)
    health.failed(ground.tenant.number, "removed", "no such host")
    health.taken(ground.tenant.number, "mde", report(1))
    await health.flush()
    [found] = await standings(ground.store, ground.feeds, ground.tenant.number, ground.clock())
    assert (found.name, found.state, found.feed) == ("mde", "healthy", None)
    assert await standings(ground.store, ground.feeds, ground.other.number, ground.clock()) == []


async def test_one_whose_secrets_cannot_be_opened_fails_and_says_why(ground: Ground) -> None:
    tenant = await sentry(ground)
    await ground.store.run(("source_seal", {"tenant": tenant, "name": "sentry", "number": (await ground.feeds.all())[0].number, "sealed": b"x"}))
    found = await standing(ground)
    assert (found.state, "damaged" in found.reason) == ("failing", True)


async def test_the_rate_moves_with_the_hours(ground: Ground) -> None:
    tenant = await sentry(ground)
    ground.clock.forward(HOUR - ground.clock() // real_clock.SECOND % HOUR)
    health = Health(ground.store, ground.clock)
    for hours, last_hour, last_day in ((0, 100, 100), (1, 200, 200), (1.5, 50, 200), (1, 0, 200), (23, 0, 0)):
        ground.clock.forward(hours * HOUR)
        if last_day != 0 and last_hour >= 100:
            health.taken(tenant, "sentry", report(100))
            await health.flush()
        found = await standing(ground)
        assert (found.last_hour, found.last_day) == (last_hour, last_day)
    ground.clock.forward(KEPT_HOURS * HOUR)
    await watch_silence(ground.store, ground.feeds, ground.clock)
    assert ground.place.rows("SELECT count(*) FROM source_rates") == [(0,)]


# --- older clients -------------------------------------------------------------------------------------------------------


async def test_older_clients_are_told_of_one_that_cannot_be_asked_until_it_can(ground: Ground) -> None:
    tenant = await sentry(ground)
    health = Health(ground.store, ground.clock)

    async def failing() -> list[tuple[str, int]]:
        return [(row["source"], row["status"]) for row in await ground.store.fetch("sources_failing", tenant=tenant)]

    health.failed(tenant, "sentry", "no route")
    await health.flush()
    assert await failing() == [("sentry", 502)]
    health.taken(tenant, "sentry")
    await health.flush()
    assert await failing() == []


async def test_an_answer_does_not_make_a_delivery_good_that_was_not(ground: Ground) -> None:
    tenant = await sentry(ground)
    await ground.store.run(("source_state_put", {"tenant": tenant, "source": "sentry", "vendor": "v", "provider": "p", "status": 422,
                                                 "latency": 0, "since": 1}))  # fmt: skip
    health = Health(ground.store, ground.clock)
    health.taken(tenant, "sentry", report(rejected=1))
    await health.flush()
    assert [row["status"] for row in await ground.store.fetch("sources_failing", tenant=tenant)] == [422]
    assert (await standing(ground)).state == "failing"


# --- silence -------------------------------------------------------------------------------------------------------------


def facts(caplog: pytest.LogCaptureFixture) -> list[Any]:
    found = [getattr(record, "fact", None) for record in caplog.records]
    caplog.clear()
    return [one for one in found if isinstance(one, SourceSilent | SourceHeard)]


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "secgraph")


async def test_silence_is_told_once_and_its_end_too(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    tenant = await sentry(ground, silence=600)
    health = Health(ground.store, ground.clock)

    async def after(seconds: float) -> list[Any]:
        ground.clock.forward(seconds)
        await health.flush()
        await watch_silence(ground.store, ground.feeds, ground.clock)
        return [type(one) for one in facts(caplog)]

    assert await after(600) == []
    health.taken(tenant, "sentry")
    assert await after(1) == [SourceSilent], "a person wants records: an answer without any is silence"
    assert (await standing(ground)).state == "silent"
    assert await after(60) == []
    health.taken(tenant, "sentry", report(unchanged=1))
    assert await after(60) == [SourceHeard]
    assert (await standing(ground)).state == "healthy"
    assert await after(601) == [SourceSilent]
    await ground.feeds.pause(ground.tenant, "sentry")
    assert await after(60) == [], "what is paused is not silent"
    await ground.feeds.pause(ground.tenant, "sentry", paused=False)
    assert await after(60) == [], "and has its time when it goes on"


@pytest.mark.parametrize(("said", "silent"), [({}, True), ({"silence": 0}, False), ({"paused": True}, False)])
async def test_what_is_asked_is_silent_after_an_hour_without_an_answer(
    ground: Ground, caplog: pytest.LogCaptureFixture, said: dict[str, Any], silent: bool
) -> None:
    tenant = await sentry(ground, **said)
    health = Health(ground.store, ground.clock)
    ground.clock.forward(3000)
    health.taken(tenant, "sentry")
    await health.flush()
    ground.clock.forward(3000)
    await watch_silence(ground.store, ground.feeds, ground.clock)
    assert facts(caplog) == []
    ground.clock.forward(601)
    await watch_silence(ground.store, ground.feeds, ground.clock)
    assert [type(one) for one in facts(caplog)] == [SourceSilent] * silent


async def test_it_is_written_every_few_seconds_whatever_goes_wrong_in_between(ground: Ground) -> None:
    tenant = await sentry(ground)
    store = Shaky(ground.store)
    health = Health(cast("Store", store), ground.clock)
    store.gone = True
    health.taken(tenant, "sentry", report(2), None)
    keeping = asyncio.create_task(health.keep(0.01))
    await asyncio.sleep(0.05)
    store.gone = False
    async with asyncio.timeout(10):
        while (await standing(ground)).taken < 2:  # noqa: ASYNC110 -- another task's work is waited for
            await asyncio.sleep(0.01)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert (await standing(ground)).taken == 2
