"""What would differ: the incidents of a tenant as they are, beside those that a replay of its log comes to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from secgraph import clock
from secgraph.ingest.adjust import known, values_of
from secgraph.ingest.assets.known import Assets
from secgraph.ingest.history import history
from secgraph.ingest.replay import Otherwise, Replay
from secgraph.model.correlation import expect_in_order
from secgraph.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Joined:
    """Incidents that would be one."""

    incidents: tuple[str, ...]
    """Those of most alerts first."""
    alerts: int


@dataclass(frozen=True, slots=True)
class Split:
    """An incident that would be several."""

    incident: str
    alerts: int
    parts: tuple[int, ...]
    """How many alerts each would hold, the largest first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What would differ; the largest first."""

    alerts: int
    incidents: int
    would_be: int
    """How many incidents there would be."""
    joined: tuple[Joined, ...]
    split: tuple[Split, ...]
    elsewhere: int
    """Alerts that would be in another incident, where each incident is taken for the one it shares most alerts with."""
    unknown: int = 0
    """Alerts of the log that are there no more: nobody knows what they named."""
    before: int = 0
    """Alerts from before the log: they are taken to be where they are now."""


async def differing(
    store: Store, tenant: int, since: int = 0, given: Mapping[str, Any] | None = None, *, now: bool = False
) -> Difference:
    """What a replay of a tenant's whole log would make otherwise. From `since` on the alerts are judged by the settings that
    are given, each as people write it, over those recorded, and `now` by the last snapshot. BadBody for what cannot be set.
    """
    wanted = known(given or {})
    found = await history(store, tenant)
    snapshot = found.snapshots[max(found.snapshots)] if now and found.snapshots else None
    words = {name: None if value is None else msgspec.json.encode(value).decode() for name, value in wanted.items()}
    said = {**found.said, **{name: word for name, word in words.items() if word is not None}}
    expect_in_order(values_of(said))
    assets = await Assets(store, clock.now).fresh(tenant)
    again = Replay(found, Otherwise(since, words, snapshot) if words or snapshot is not None else None, assets)
    would = again.run()
    return compared(
        {key: found.alerts[key].incident for key in would if key in found.alerts}, would, again.unknown, again.before
    )


def compared(are: Mapping[str, str], would: Mapping[str, str], unknown: int = 0, before: int = 0) -> Difference:
    """The difference between where alerts are and where they would be."""
    shares = Counter((incident, would[alert]) for alert, incident in are.items())
    into, of = defaultdict[str, Counter[str]](Counter), defaultdict[str, Counter[str]](Counter)
    for (incident, group), many in shares.items():
        into[incident][group] += many
        of[group][incident] += many
    joined = [Joined(_most_first(held), held.total()) for held in of.values() if len(held) > 1]
    split = [
        Split(key, parts.total(), tuple(sorted(parts.values(), reverse=True))) for key, parts in into.items() if len(parts) > 1
    ]
    same = sum(shares[pair] for pair in _matched(shares))
    return Difference(
        len(are), len(into), len(of), tuple(sorted(joined, key=lambda one: (-one.alerts, one.incidents))),
        tuple(sorted(split, key=lambda one: (-one.alerts, one.incident))), len(are) - same, unknown, before,
    )  # fmt: skip


def _most_first(held: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(held, key=lambda key: (-held[key], len(key), key)))


def _matched(shares: Counter[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each incident with the one it shares most alerts with, none twice."""
    taken, given = set[str](), set[str]()
    for incident, group in sorted(shares, key=lambda pair: (-shares[pair], pair)):
        if incident not in taken and group not in given:
            taken.add(incident)
            given.add(group)
            yield incident, group
