"""Brings a CSV file of assets in: each row its asset, made or changed; what cannot be taken is told and the rest is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import IO, Literal

from secgraph import clock
from secgraph.errors import BadBody, Conflict, Refusal
from secgraph.ingest.assets.inventory import Asset, Inventory
from secgraph.ingest.assets.known import Assets
from secgraph.ingest.assets.register import Register, called, kind_of_aliases, made, revised
from secgraph.ingest.assets.sheet import Row, Unread, rows
from secgraph.model.choices import ASSETS
from secgraph.store.facts import Facts, Needs, Record

STEP = 200
"""Rows that are written at once."""

LISTED = 1000
"""Most refused rows that are listed one by one."""

CAUSE = "command line import"

Outcome = Literal["created", "changed", "unchanged"]


@dataclass(slots=True)
class Brought:
    """What became of a file."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Unread] = field(default_factory=list)
    more_refused: int = 0
    """Refused rows past the first thousand, which are counted only."""

    def refuse(self, one: Unread) -> None:
        """Takes notice of a row that was not taken."""
        if len(self.refused) < LISTED:
            self.refused.append(one)
        else:
            self.more_refused += 1


async def bring(assets: Assets, tenant: int, stream: IO[bytes], tick: Callable[[int], None] = lambda _: None) -> Brought:
    """Takes a file in, some rows at a time, each time in one commit. UsageError where its first line is no header."""
    report, lines = Brought(), dict[str, int]()
    read = rows(stream)
    while step := await asyncio.to_thread(_some, read):
        # The ids of new assets are made before the turn, which may be decided more than once.
        taken = [(one, one.id or clock.new_id()) for one in step if isinstance(one, Row)]
        refused = [one for one in step if isinstance(one, Unread)]
        if taken:
            decide = partial(_decided, taken=taken, lines=lines)
            outcomes, faults = await assets.write(tenant, partial(_needs, taken=taken), decide)
            for row, outcome, key in outcomes:
                lines[key] = row
                setattr(report, outcome, getattr(report, outcome) + 1)
            refused += faults
        for fault in sorted(refused, key=lambda one: one.line):
            report.refuse(fault)
        tick(len(step))
    return report


def _some(read: Iterator[Row | Unread]) -> list[Row | Unread]:
    return list(islice(read, STEP))


def _needs(inventory: Inventory, taken: Sequence[tuple[Row, str]]) -> Needs:
    """The assets that the rows may be of."""
    register = Register(inventory)
    keys: dict[str, None] = {}
    for row, key in taken:
        keys[key] = None
        with contextlib.suppress(Refusal):  # that of the decision is the one that counts
            keys.update((asset.id, None) for asset in _known(register, row))
    return Needs(rows=tuple((ASSETS, key) for key in keys))


def _decided(
    facts: Facts, register: Register, *, taken: Sequence[tuple[Row, str]], lines: Mapping[str, int]
) -> tuple[list[tuple[int, Outcome, str]], list[Unread]]:
    """The rows that are taken, by their lines, what each does, and the id of its asset; and those that are not."""
    outcomes: list[tuple[int, Outcome, str]] = []
    faults: list[Unread] = []
    here = dict(lines)
    for row, fresh in taken:
        try:
            key = _id(register, row) or fresh
            if key in here:
                raise Conflict(f"it is the same asset as line {here[key]}: {key}.", hint="One row says all of an asset.")
            outcomes.append((row.line, _put(facts, register, row, key), key))
        except Refusal as fault:
            faults.append(Unread(row.line, str(fault)))
        else:
            here[key] = row.line
    return outcomes, faults


def _put(facts: Facts, register: Register, row: Row, key: str) -> Outcome:
    stored = facts.rows.get((ASSETS, key))
    if stored is None:
        register.put(made(key, {**row.plain, "aliases": _aliases(row, ())}, facts.now), None, CAUSE)
        return "created"
    given = {**row.plain, "aliases": _aliases(row, stored.record["aliases"])}
    return "changed" if register.put(revised(stored.record, given), stored, CAUSE) else "unchanged"


def _aliases(row: Row, present: Sequence[Record]) -> list[Record]:
    """The aliases of an asset: as the row says, and of the kinds of which it says nothing those that are there."""
    kept = [alias for alias in present if alias["kind"] not in row.aliases]
    return [*kept, *(alias for kind in row.aliases for alias in row.aliases[kind])]


def _known(register: Register, row: Row) -> list[Asset]:
    """The assets that a row without an id can be of. BadBody where there is nothing to tell it."""
    aliases = _aliases(row, ())
    if row.id is not None:
        return []
    if not aliases:
        raise BadBody("", "The row has neither an id nor an alias to know an asset by.")
    return register.known({"kind": row.plain.get("kind") or kind_of_aliases(aliases), "aliases": aliases})


def _id(register: Register, row: Row) -> str | None:
    """The id of the asset that a row is of; None where it is a new one."""
    found = _known(register, row)
    if len(found) > 1:
        named = " and ".join(called(one.name, one.id) for one in found[:2])
        raise Conflict(f"it has aliases of more than one asset: {named}.", hint="Merge them, or say which one with an id.")
    return found[0].id if found else row.id
