"""What alerts are judged by in a tenant: settings, published counts and assets, kept in each process until they change.

The tenant's clock holds a number that grows with every such change, so that a turn knows whether what is kept here is still
what holds; the decision of one that finds another number is made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import msgspec

from secgraph.ingest.assets.inventory import Inventory
from secgraph.ingest.assets.known import Assets
from secgraph.ingest.correlate.pack import number
from secgraph.ingest.correlate.rarity import EMPTY, Snapshot
from secgraph.ingest.correlate.settings import Settings
from secgraph.store.protocol import Store

KEPT = 64
"""Tenants whose terms a process keeps."""

_counts = msgspec.msgpack.Decoder(dict[int, int])


@dataclass(frozen=True, slots=True)
class Terms:
    """By what alerts are judged."""

    number: int = 0
    settings: Settings = field(default_factory=Settings)
    snapshot: Snapshot = EMPTY
    assets: Inventory = field(default_factory=Inventory)


class Numbered(Mapping[str, int]):
    """Counts of keys that are known by their numbers."""

    def __init__(self, counts: dict[int, int]) -> None:
        self.counts = counts

    def get(self, key: str, default: Any = None) -> Any:
        """How often a key was counted."""
        return self.counts.get(number(key), default)

    def __getitem__(self, key: str) -> int:
        return self.counts[number(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return len(self.counts)


class Keeper:
    """The terms of tenants, as they were read last."""

    def __init__(self, store: Store, assets: Assets) -> None:
        self._store = store
        self._assets = assets
        self._kept: dict[int, Terms] = {}

    async def terms(self, tenant: int, *, known: Terms | None = None) -> Terms:
        """What is kept of a tenant, or read where nothing is, or where that is no longer what holds."""
        kept = self._kept.get(tenant)
        if kept is None or kept is known:
            kept = await self._read(tenant)
            if len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[tenant] = kept
        return kept

    async def _read(self, tenant: int) -> Terms:
        """The terms of a tenant. The number is read first: what changes meanwhile is read again."""
        found = await self._store.fetch("terms", tenant=tenant)
        said = await self._store.fetch("correlation", tenant=tenant)
        counted = await self._store.fetch("snapshot", tenant=tenant)
        assets = await self._assets.fresh(tenant)
        snapshot = EMPTY
        if counted:
            [row] = counted
            snapshot = Snapshot(row["v"], row["total"], Numbered(_counts.decode(row["counts"])))
        return Terms(found[0]["terms"] if found else 0, settings({row["name"]: row["value"] for row in said}), snapshot, assets)


def settings(said: Mapping[str, str]) -> Settings:
    """The settings that a tenant's words make, which are JSON; a word that this version does not know is passed over."""
    known = {one.name for one in fields(Settings)}
    values = {name: msgspec.json.decode(value) for name, value in said.items() if name in known}
    if "ignored" in values:
        values["ignored"] = frozenset(values["ignored"])
    return replace(Settings(), **values)
