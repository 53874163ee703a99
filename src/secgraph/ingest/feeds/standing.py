"""How each source of a tenant stands: what was seen of it by all processes, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from secgraph import clock
from secgraph.ingest.back import COMMENTS
from secgraph.ingest.feeds.feed import Feed, Road
from secgraph.ingest.feeds.feeds import Feeds
from secgraph.ingest.feeds.health import HOUR
from secgraph.ingest.state import GOOD
from secgraph.observe import SourceHeard, SourceSilent, observe
from secgraph.store.protocol import Store

State = Literal["healthy", "failing", "silent", "paused", "waiting"]

SILENCE: Mapping[Road, int] = {"pull": 3600, "listen": 86_400, "file": 86_400, "webhook": 7 * 86_400, "push": 0}
"""Seconds after which a source of each road is silent where nobody said: one that is asked, without an answer; any other,
without a record. 0 is never.
"""

KEPT_HOURS = 48
"""Hours whose counts are kept."""

_NOTHING: dict[str, Any] = dict.fromkeys(
    ("asked", "succeeded", "failed", "failures", "heard", "newest", "taken", "unchanged", "rejected", "silent"), 0
) | {"reason": ""}


@dataclass(frozen=True, slots=True)
class Back:
    """Changes of alerts on their way to a product, each member and each comment for itself."""

    pending: int = 0
    delay: str = ""
    """Why what waits was not taken at the last attempt; empty where there was none."""
    refused: int = 0
    """What its product did not take, and nothing has taken the place of."""
    refusal: str = ""
    """The reason of the last refusal of these."""
    at: int | None = None
    """When that was."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source stands. Instants are in ticks, and None where there is none."""

    name: str
    state: State
    reason: str
    """Why it fails; empty where it does not."""
    feed: Feed | None
    """None for one that was never configured, and delivered."""
    asked: int | None
    succeeded: int | None
    failed: int | None
    failure: str
    """The reason of the last failure, even if it is over."""
    failures: int
    """In a row."""
    heard: int | None
    newest: int | None
    lag: int | None
    """Seconds between the latest instant that a record was about and now."""
    silent: int | None
    """Since when."""
    taken: int
    unchanged: int
    rejected: int
    last_hour: int
    """Records of the last full hour and this one, as a rate per hour."""
    last_day: int
    """Records of the last 24 hours and this one."""
    back: Back
    """What becomes of changes of alerts that are carried back to its product."""


async def standings(store: Store, feeds: Feeds, tenant: int, now: int) -> list[Standing]:
    """Of all sources of a tenant by name: those that are configured, and those that delivered."""
    configured = {one.name: one for one in await feeds.of(tenant)}
    health = {row["name"]: row for row in await store.fetch("source_healths", tenant=tenant)}
    refused = {row["source"]: row for row in await store.fetch("sources_failing", tenant=tenant)}
    back = _back(
        await store.fetch("write_backs_waiting", tenant=tenant),
        await store.fetch("write_backs_failed", tenant=tenant, comments=COMMENTS),
    )
    hours: dict[str, dict[int, int]] = {}
    for row in await store.fetch("source_rates", tenant=tenant, since=now - 24 * HOUR):
        hours.setdefault(row["name"], {})[row["hour"]] = row["records"]
    delivered = [name for name, row in health.items() if row["heard"]]
    return [
        _standing(name, configured.get(name), health.get(name, _NOTHING), name in refused and refused[name]["status"] != GOOD,
                  hours.get(name, {}), back.get(name, Back()), now)
        for name in sorted({*configured, *delivered})
    ]  # fmt: skip


def _back(waiting: Iterable[Mapping[str, Any]], failed: Iterable[Mapping[str, Any]]) -> dict[str, Back]:
    """By source, out of rows by source and reason of which the last ones come last."""
    found: dict[str, Back] = {}
    for row in waiting:
        former = found.get(row["source"], Back())
        found[row["source"]] = replace(former, pending=former.pending + row["changes"], delay=row["reason"] or former.delay)
    for row in failed:
        former = found.get(row["source"], Back())
        found[row["source"]] = replace(former, refused=former.refused + row["changes"], refusal=row["reason"], at=row["at"])
    return found


def _standing(
    name: str, feed: Feed | None, seen: Mapping[str, Any], refused: bool, hours: Mapping[int, int], back: Back, now: int
) -> Standing:  # fmt: skip
    fault = feed.fault if feed is not None else ""
    reason = fault or (seen["reason"] if seen["failures"] else "nothing of the last delivery could be taken" if refused else "")
    state: State = (
        "paused" if feed is not None and feed.paused
        else "failing" if reason or seen["failures"] or refused
        else "silent" if seen["silent"]
        else "healthy" if seen["succeeded"]
        else "waiting"
    )  # fmt: skip
    begun = now % HOUR
    former = hours.get(now // HOUR * HOUR - HOUR, 0)
    rate = hours.get(now // HOUR * HOUR, 0) + former * (HOUR - begun) // HOUR
    return Standing(
        name, state, reason, feed, seen["asked"] or None, seen["succeeded"] or None, seen["failed"] or None, seen["reason"],
        seen["failures"], seen["heard"] or None, seen["newest"] or None,
        max(now - seen["newest"], 0) // clock.SECOND if seen["newest"] else None, seen["silent"] or None,
        seen["taken"], seen["unchanged"], seen["rejected"], rate, sum(hours.values()), back,
    )  # fmt: skip


def as_data(one: Standing) -> dict[str, Any]:
    """The same in the words in which it is told outside."""
    times = {"lastAttemptDateTime": one.asked, "lastSuccessDateTime": one.succeeded, "lastFailureDateTime": one.failed,
             "lastRecordDateTime": one.heard, "newestEventDateTime": one.newest, "silentSinceDateTime": one.silent}  # fmt: skip
    feed = one.feed
    return {
        "id": one.name, "kind": feed.kind if feed else None, "road": feed.road if feed else None, "state": one.state,
        "reason": one.reason or None, "lastFailureReason": one.failure or None, "failures": one.failures,
        **{name: None if at is None else clock.text(at) for name, at in times.items()}, "lagSeconds": one.lag,
        "taken": one.taken, "unchanged": one.unchanged, "rejected": one.rejected, "recordsPerHour": one.last_hour,
        "recordsLastDay": one.last_day, "pendingChanges": one.back.pending,
        "pendingReason": one.back.delay or None, "refusedChanges": one.back.refused,
        "lastRefusalReason": one.back.refusal or None,
        "lastRefusalDateTime": None if one.back.at is None else clock.text(one.back.at),
    }  # fmt: skip


async def watch_silence(store: Store, feeds: Feeds, now: clock.Now) -> None:
    """Tells once of each configured source that is silent for too long, and once when it is heard again; forgets old counts."""
    health = {(row["tenant"], row["name"]): row for row in await store.fetch("source_healths_all")}
    instant = now()
    for feed in await feeds.all():
        seen = health.get((feed.tenant, feed.name), _NOTHING)
        heard = _heard(feed, seen)
        patience = SILENCE[feed.road] if feed.silence is None else feed.silence
        # From its last change on, too: what was paused for a week, or just added, had no chance to be heard.
        silent = bool(patience) and not feed.paused and instant - max(heard, feed.number) > patience * clock.SECOND
        if silent == bool(seen["silent"]):
            continue
        since = max(heard, feed.number) if silent else 0
        await store.run(("source_silent", {"tenant": feed.tenant, "name": feed.name, "reason": "", "silent": since}))
        if silent:
            observe(SourceSilent(feed.tenant, feed.name, clock.text(since)))
        elif not feed.paused:
            observe(SourceHeard(feed.tenant, feed.name, (instant - seen["silent"]) // clock.SECOND))
    before = instant // HOUR * HOUR - KEPT_HOURS * HOUR
    for tenant in sorted({tenant for tenant, _ in health}):
        await store.run(("source_rates_prune", {"tenant": tenant, "before": before}))


def _heard(feed: Feed, seen: Mapping[str, Any]) -> int:
    """When it was heard. One that is asked is so by any good answer, unless a person said how long it may bring nothing."""
    return int(seen["succeeded"] if feed.road == "pull" and feed.silence is None else seen["heard"])
