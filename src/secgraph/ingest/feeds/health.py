"""What this process sees of its sources: when each was asked, what came, what failed. Kept in memory, and written every few
seconds in one transaction, so that a delivery costs nothing more for it.

Several processes see parts of one source. What they write adds up, and none takes away what another one wrote.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from secgraph import clock
from secgraph.errors import Refusal
from secgraph.ingest.report import Report
from secgraph.ingest.state import FAILED, GOOD, remember
from secgraph.observe import HealthFailed, observe
from secgraph.store.protocol import Store

FLUSH_SECONDS = 5.0
"""From one writing to the next."""

LONGEST = 500
"""Characters of a reason that are kept."""

HOUR = 3600 * clock.SECOND
COUNTS = ("taken", "unchanged", "rejected")


@dataclass(slots=True)
class _Seen:
    """What was seen of a source since it was written last; instants are 0 where there is none."""

    asked: int = 0
    succeeded: int = 0
    failed: int = 0
    reason: str = ""
    failures: int = 0
    """Since the last success."""
    heard: int = 0
    newest: int = 0
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    """How many records became what, by the hour."""


class Health:
    """Is told how sources fare. The door tells of every delivery by itself; who asks a product tells of that besides."""

    def __init__(self, store: Store, now: clock.Now) -> None:
        self._store = store
        self._now = now
        self._seen: dict[tuple[int, str], _Seen] = {}

    def asked(self, tenant: int, name: str) -> None:
        """A source is being asked."""
        self._of(tenant, name).asked = self._now()

    def taken(self, tenant: int, name: str, report: Report | None = None, newest: int | None = None) -> None:
        """A source answered, or delivered: what became of it, and the latest instant that a record is about, in ticks. What was
        told of a report before is not counted again.
        """
        seen, now = self._of(tenant, name), self._now()
        seen.asked = seen.succeeded = now
        seen.failures = 0
        seen.newest = max(seen.newest, min(newest or 0, now))
        if report is None:
            return
        if report.records > sum(report.told):
            seen.heard = now
        hour = now // HOUR * HOUR
        found = (report.taken, report.unchanged, report.rejected - report.ignored)  # what is no alert is nothing wrong
        for what, count, told in zip(COUNTS, found, report.told, strict=True):
            seen.counts[hour, what] += count - told
        report.told = found

    def failed(self, tenant: int, name: str, reason: str) -> None:
        """A source could not be asked, or what it delivered could not be taken, for a reason that a person can act on."""
        seen = self._of(tenant, name)
        seen.asked = seen.failed = self._now()
        seen.failures += 1
        seen.reason = _line(reason)

    def noted(self, tenant: int, name: str, reason: str) -> None:
        """Something of a source failed, and it goes on all the same: it stands as the last failure, and is none in a row."""
        seen = self._of(tenant, name)
        seen.failed = self._now()
        seen.reason = _line(reason)

    def _of(self, tenant: int, name: str) -> _Seen:
        return self._seen.setdefault((tenant, name), _Seen())

    # -- writing

    async def keep(self, seconds: float = FLUSH_SECONDS) -> None:
        """Writes every few seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.flush()
            except Exception as fault:  # noqa: BLE001 -- whatever it is: deliveries are taken, and it is tried again
                observe(HealthFailed(str(fault)), failure=None if isinstance(fault, Refusal) else fault)

    async def flush(self) -> None:
        """Writes what was seen. Where that fails, it is written the next time."""
        seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            await self._store.run(*(step for key, one in seen.items() for step in _steps(*key, one)))
        except BaseException:
            for key, one in seen.items():
                self._seen[key] = _joined(one, self._seen.get(key))
            raise
        for tenant in sorted({tenant for tenant, _ in seen}):
            await self._tell(tenant, {name: one for (other, name), one in seen.items() if other == tenant})

    async def _tell(self, tenant: int, seen: dict[str, _Seen]) -> None:
        """Has older clients told of sources that cannot be asked, until they can be: by what all processes saw."""
        failing = {row["source"]: row["status"] for row in await self._store.fetch("sources_failing", tenant=tenant)}
        doubtful = [name for name, one in seen.items() if one.failures or failing.get(name) == FAILED]
        if not doubtful:
            return
        failures = {row["name"]: row["failures"] for row in await self._store.fetch("source_healths", tenant=tenant)}
        for name in doubtful:
            status = FAILED if failures.get(name) else GOOD if failing.get(name) == FAILED else None
            if status is not None:
                began = seen[name].asked
                await remember(self._store, tenant, name, status, began=began, now=self._now(), example=None)


def _line(reason: str) -> str:
    return " ".join(reason.replace("\0", "").split())[:LONGEST]


def _steps(tenant: int, name: str, seen: _Seen) -> list[tuple[str, dict[str, Any]]]:
    key = {"tenant": tenant, "name": name}
    totals = {what: sum(count for (_, one), count in seen.counts.items() if one == what) for what in COUNTS}
    found: list[tuple[str, dict[str, Any]]] = [("source_health_add", {
        **key, "asked": seen.asked, "succeeded": seen.succeeded, "failed": seen.failed, "reason": seen.reason,
        "failures": seen.failures, "heard": seen.heard, "newest": seen.newest, **totals,
    })]  # fmt: skip
    for hour in sorted({hour for hour, _ in seen.counts}):
        counts = {what: seen.counts[hour, what] for what in COUNTS}
        if any(counts.values()):
            found.append(("source_rates_add", {**key, "hour": hour, **counts}))
    return found


def _joined(former: _Seen, later: _Seen | None) -> _Seen:
    """What was seen, and what was seen after that."""
    if later is None:
        return former
    failures = later.failures if later.succeeded else former.failures + later.failures
    return _Seen(
        max(former.asked, later.asked), max(former.succeeded, later.succeeded), max(former.failed, later.failed),
        later.reason or former.reason, failures, max(former.heard, later.heard), max(former.newest, later.newest),
        former.counts + later.counts,
    )  # fmt: skip
