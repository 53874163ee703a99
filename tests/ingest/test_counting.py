"""Snapshots: what is counted, how often it is published, what is judged by it, and which are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secgraph import clock as real_clock
from secgraph.errors import Superseded
from secgraph.ingest.correlate.pack import number
from secgraph.ingest.correlate.terms import Keeper, Terms
from secgraph.ingest.counting import LEAST, publish, publish_each
from secgraph.ingest.prune import prune
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.store.facts import Facts, Judged, Needs
from secgraph.store.fence import Fenced
from secgraph.store.judgements import packed
from secgraph.store.leases import LIFE, Leases
from secgraph.store.protocol import Decision, PutJudged
from secgraph.store.registry import Registry
from secgraph.store.retention import retain
from secgraph.testing import Clock

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake

DAY = 86_400


def told(intake: Intake, key: str, user: str, *, days: int = 0, detector: str = "d") -> dict[str, Any]:
    at = real_clock.text(intake.clock() - days * real_clock.DAY)
    return {"id": key, "alert": {
        "title": key, "detectorId": detector, "createdDateTime": at, "lastActivityDateTime": at,
        "evidence": [{"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": {"userPrincipalName": f"{user}@contoso.com"}}],
    }}  # fmt: skip


async def published(intake: Intake) -> int | None:
    return await publish(intake.store, intake.tenant.number, intake.clock, rest=0)


async def terms(intake: Intake) -> Terms:
    return await Keeper(intake.store, intake.door.assets).terms(intake.tenant.number)


async def judged(intake: Intake, alert: str) -> Judged:
    needs = Needs(rows=((ALERTS, alert),), subjects=(alert,))
    return await intake.store.write(intake.tenant.number, needs, lambda facts: Decision((), facts.subjects[alert]))


async def test_what_enough_alerts_of_the_last_days_name_is_kept(intake: Intake) -> None:
    await intake.take(*(told(intake, f"often{place}", "often", detector="same") for place in range(LEAST)),
                      *(told(intake, f"less{place}", "less", detector=f"one{place}") for place in range(LEAST - 1)),
                      *(told(intake, f"old{place}", "less", days=31, detector="past") for place in range(LEAST)))  # fmt: skip
    assert await published(intake) == 1
    snapshot = (await terms(intake)).snapshot
    assert (snapshot.v, snapshot.total) == (1, 2 * LEAST - 1)
    assert {key: snapshot.counts.get(f"user.upn:{key}@contoso.com") for key in ("often", "less")} == {"often": LEAST, "less": None}
    one = await judged(intake, (await intake.rows(filter="title eq 'often1'"))[0]["id"])
    assert len(snapshot.counts) == len(one.keys) // 8, "what the alerts of the one user name, and the detection of these"


async def test_every_key_is_in_one_slice(intake: Intake) -> None:
    await intake.take(*(told(intake, f"a{place}", "x") for place in range(LEAST)))
    ends = (-(2**63), -1, 0, 1, 2**63 - 1, *(2**64 // 64 * place - 2**63 + step for place in range(1, 64) for step in (-1, 0)))
    alerts = [row["id"] for row in await intake.rows()]
    changes = [PutJudged(Judged(key, "1", 0, intake.clock(), intake.clock(), packed(ends), b"x")) for key in alerts]
    await intake.store.write(intake.tenant.number, Needs(), lambda _: Decision(changes, None))
    await published(intake)
    counts = (await terms(intake)).snapshot.counts
    assert getattr(counts, "counts", None) == dict.fromkeys(ends, LEAST)


async def test_once_a_day_and_alerts_are_judged_by_it(intake: Intake) -> None:
    await intake.take(told(intake, "first", "x"))
    before = await terms(intake)
    assert await published(intake) == 1
    assert await published(intake) is None
    after = await terms(intake)
    assert after.number > before.number
    await intake.take(told(intake, "second", "x"))
    found = {row["title"]: (await judged(intake, row["id"])).v for row in await intake.rows()}
    assert found == {"first": 0, "second": 1}
    intake.clock.forward(DAY)
    assert await published(intake) == 2
    assert await published(intake) is None
    events = await intake.store.fetch("events", tenant=intake.tenant.number, after=0, most=1000)
    assert [(one["kind"], one["id"], one["cause"]) for one in events if one["entity"] == "snapshots"] == [
        ("created", "1", "counting"), ("created", "2", "counting"),
    ]  # fmt: skip


async def test_a_delivery_that_saw_the_former_snapshot_is_decided_again(intake: Intake) -> None:
    """The door's terms are from before: what it writes is by the new ones all the same."""
    await intake.take(told(intake, "first", "x"))
    other = Terms()
    seen: list[int] = []

    def decide(facts: Facts) -> Decision[None]:
        seen.append(facts.terms)
        return Decision((), None)

    await intake.store.write(intake.tenant.number, Needs(), decide)
    await published(intake)
    await intake.store.write(intake.tenant.number, Needs(), decide)
    assert seen == [other.number, other.number + 1]


async def test_without_alerts_nothing_is_published_until_there_was_something(intake: Intake) -> None:
    assert await published(intake) is None
    await intake.take(told(intake, "a", "x"))
    assert await published(intake) == 1
    intake.clock.forward(40 * DAY)
    assert await published(intake) == 2, "what was common is no more"
    assert (await terms(intake)).snapshot.total == 0


async def test_behind_a_fence_that_fell_nothing_is_published(intake: Intake) -> None:
    await intake.take(told(intake, "a", "x"))
    one, other = Leases(intake.store, intake.clock), Leases(intake.store, intake.clock)
    fence = await one.claim("publish")
    assert fence is not None
    intake.clock.forward(LIFE / real_clock.SECOND)
    assert await other.claim("publish") is not None
    registry = Registry(intake.store, load(), intake.clock)
    with pytest.raises(Superseded):
        await publish_each(Fenced(intake.store, fence), registry, intake.clock)
    assert (await terms(intake)).snapshot.v == 0


async def test_every_tenant_is_counted_by_itself(intake: Intake) -> None:
    registry = Registry(intake.store, load(), intake.clock)
    other = await registry.create_tenant("fabrikam")
    await intake.take(*(told(intake, f"a{place}", "x") for place in range(LEAST)))
    await publish_each(intake.store, registry, intake.clock)
    assert (await terms(intake)).snapshot.counts.get("user.upn:x@contoso.com") == LEAST
    assert (await Keeper(intake.store, intake.door.assets).terms(other.number)).snapshot.v == 0


async def test_snapshots_stay_as_long_as_what_was_judged_by_them_is_in_the_log(intake: Intake, clock: Clock) -> None:
    for day in range(6):
        await intake.take(told(intake, f"a{day}", "x"))
        assert await published(intake) == day + 1
        clock.forward(DAY)
    await retain(intake.store, intake.tenant.number, events=3)
    await prune(intake.store, load(), intake.tenant.number, clock, rest=0)
    left = await intake.store.fetch("snapshots", tenant=intake.tenant.number)
    assert [row["v"] for row in left] == [3, 4, 5, 6], "of the third day all is over but its snapshot, by which the fourth day began"
    assert number("user.upn:x@contoso.com") in getattr((await terms(intake)).snapshot.counts, "counts", {})
