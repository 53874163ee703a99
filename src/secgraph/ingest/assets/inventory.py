"""A tenant's assets as alerts meet them: by key, each alias only for what happened while it was valid.

Plain data that can be sent to another process. An inventory without assets is false, so that whoever asks it does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from secgraph import clock
from secgraph.ingest.assets.alias import keys
from secgraph.ingest.entities import Entity
from secgraph.ingest.entities.entity import WEAK, kind_of, same
from secgraph.model.extensions import CRITICALITY, TYPES

SCANNER = "scanner"
"""The tag of what touches everything: nothing is put together by it."""

BEGINNING, END = -(2**62), 2**62
"""Before and behind every instant."""


class Held(NamedTuple):
    """A key of an asset, and from when until when, both included, it is its."""

    key: str
    first: int
    last: int
    own: bool
    """Whether it is an alias itself, and not only what an alias says besides."""


class Asset(NamedTuple):
    """What is remembered of an asset."""

    id: str
    name: str
    kind: str
    criticality: str
    tags: frozenset[str]
    held: tuple[Held, ...]
    stamp: int
    """Of its last commit."""

    def at(self, first: int, last: int) -> Iterator[Held]:
        """What it held all the time between two instants."""
        return (one for one in self.held if one.first <= first and last <= one.last)


def held(record: dict[str, Any]) -> Iterator[tuple[int, Held]]:
    """Every key of an asset's record, with the place of the alias it comes from."""
    for place, alias in enumerate(record["aliases"]):
        since, until = alias["validFromDateTime"], alias["validUntilDateTime"]
        first = BEGINNING if since is None else clock.ticks(since) or 0
        last = END if until is None else (clock.ticks(until) or 0) - 1
        for number, key in enumerate(keys(record["kind"], alias["kind"], alias["value"])):
            yield place, Held(key, first, last, own=number == 0)


def remembered(record: dict[str, Any], stamp: int) -> Asset:
    """What is remembered of an asset's record."""
    known = tuple(dict.fromkeys(one for _, one in held(record)))
    return Asset(record["id"], record["displayName"] or record["id"], record["kind"], record["criticality"],
                 frozenset(record["tags"]), known, stamp)  # fmt: skip


class Stake(NamedTuple):
    """What is at stake where an alert names assets."""

    criticality: str
    """The highest of the assets'."""
    tags: frozenset[str]
    """Those of all of them."""


class Inventory:
    """The assets of a tenant as they stood at a stamp of its clock."""

    __slots__ = ("_assets", "_by_key", "_ignored", "_passing", "stamp")

    def __init__(self) -> None:
        self.stamp = 0
        self._assets: dict[str, Asset] = {}
        self._by_key: dict[str, tuple[Asset, ...]] = {}
        self._ignored: frozenset[str] | None = None
        self._passing: tuple[Held, ...] = ()

    def __len__(self) -> int:
        return len(self._assets)

    def put(self, asset: Asset) -> None:
        """Takes notice of an asset as it is now."""
        self.drop(asset.id)
        self._ignored = None
        self._assets[asset.id] = asset
        for key in dict.fromkeys(one.key for one in asset.held):
            self._by_key[key] = (*self._by_key.get(key, ()), asset)

    def drop(self, key: str, before: int = END) -> None:
        """Forgets an asset, unless it was written at that stamp or later."""
        gone = self._assets.get(key)
        if gone is None or gone.stamp >= before:
            return
        del self._assets[key]
        for name in dict.fromkeys(one.key for one in gone.held):
            left = tuple(one for one in self._by_key[name] if one.id != key)
            if left:
                self._by_key[name] = left
            else:
                del self._by_key[name]
        self._ignored = None

    def get(self, key: str) -> Asset | None:
        """The asset of that id."""
        return self._assets.get(key)

    def with_key(self, key: str) -> tuple[Asset, ...]:
        """Every asset that a key is of at some time."""
        return self._by_key.get(key, ())

    # -- what an alert asks

    def holder(self, key: str, first: int, last: int) -> Asset | None:
        """The asset whose a key was between two instants. What an alias says besides counts only where nobody has that name as
        an alias, and nobody else says it: two people may be called alike.
        """
        own, said = list[Asset](), list[Asset]()
        for asset in self._by_key.get(key, ()):
            held = False
            for name, since, until, is_alias in asset.held:
                if name == key and since <= first and last <= until:
                    held = True
                    if is_alias:
                        own.append(asset)
                        break
            else:
                if held:
                    said.append(asset)
        found = own or said
        return found[0] if len(found) == 1 else None

    def asset(self, names: Sequence[str], first: int, last: int) -> Asset | None:
        """The asset that a thing with these keys, the strongest first, is. A weak key does not make it one of which better keys
        say otherwise.
        """
        for key in names:
            found = self.holder(key, first, last) if key in self._by_key else None
            if found is not None and (kind_of(key) not in WEAK or same(names, [one.key for one in found.at(first, last)])):
                return found
        return None

    def assets(self, found: Sequence[Entity], first: int, last: int) -> dict[str, Asset]:
        """Which entities of an alert are assets, by their strongest keys. The instants are those of its activity."""
        pairs = ((entity.key, self.asset(entity.keys, first, last)) for entity in found)
        return {key: asset for key, asset in pairs if asset is not None}

    def aliases(self, found: Sequence[Entity], first: int, last: int) -> dict[str, tuple[str, ...]]:
        """The further keys of an alert's entities, by their strongest: what `with_aliases` takes."""
        return {
            key: tuple(
                one.key for one in asset.at(first, last)
                if len(self._by_key[one.key]) == 1 or self.holder(one.key, first, last) is asset
            )
            for key, asset in self.assets(found, first, last).items()
        }  # fmt: skip

    def stake(self, found: Sequence[Entity], first: int, last: int) -> Stake | None:
        """How much the assets matter that an alert names; None where it names none."""
        named = self.assets(found, first, last).values()
        if not named:
            return None
        order = list(TYPES[CRITICALITY]["members"])
        highest = max((one.criticality for one in named), key=order.index)
        return Stake(highest, frozenset[str]().union(*(one.tags for one in named)))

    def ignored(self, first: int, last: int) -> frozenset[str]:
        """The keys of scanners, by which nothing is put together, between two instants."""
        if self._ignored is None:
            scanners = [asset for asset in self._assets.values() if SCANNER in asset.tags]
            names = [one for asset in scanners for one in asset.held if one.own or len(self._by_key[one.key]) == 1]
            always = [one for one in names if (one.first, one.last) == (BEGINNING, END)]
            self._passing = tuple(one for one in names if (one.first, one.last) != (BEGINNING, END))
            self._ignored = frozenset(one.key for one in always)
        if not self._passing:
            return self._ignored
        return self._ignored.union(one.key for one in self._passing if one.first <= first and last <= one.last)
