"""What a source would make of a sample, without a database: alerts as they would be served, evidence for controls, and what of
a record is in none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Literal

import msgspec

from secgraph import clock
from secgraph.extend import Connector, TakesApart
from secgraph.ingest.ready import Ready, Taken, records
from secgraph.ingest.split import Piece, pieces
from secgraph.store.blank import TAG, encode
from secgraph.store.facts import Record
from secgraph.store.found import Found

SHORT = 3
"""A value of so few characters stands somewhere by chance: it has to be a value of the alert, not a part of one."""

MOST_UNPLACED = 500


@dataclass(frozen=True, slots=True)
class Tried:
    """What becomes of one record."""

    line: int
    outcome: Literal["taken", "passed over", "rejected", "unreadable"]
    reason: str = ""
    alerts: list[Record] = field(default_factory=list)
    objects: list[Record] = field(default_factory=list)
    """What it tells beside alerts: each with the set where it would be served."""
    evidence: list[Record] = field(default_factory=list)
    """What it found of controls of the secure score: each with the share that passes, from 0 to 1, or its points; both are None
    where it counts neither way.
    """
    notes: list[str] = field(default_factory=list)
    unplaced: list[tuple[str, str]] = field(default_factory=list)
    """Members of the record whose value stands in nothing that is served, each with its value."""


def trial(connector: Connector, stream: IO[bytes], now: int) -> Iterator[Tried]:
    """What becomes of the records of a sample, one after the other."""
    for piece in pieces(stream, connector, now):
        (taken,) = records(connector, [piece], now)
        yield _tried(_named(connector, piece.raw.value) if isinstance(piece, Piece) else None, taken, now)


def _named(connector: Connector, value: Any) -> Any:
    """A record whose members have names, as far as that can be."""
    return connector.parts(value) if isinstance(value, str) and isinstance(connector, TakesApart) else value


def _tried(value: Any, taken: Taken, now: int) -> Tried:
    if taken.refused is not None:
        return Tried(taken.line, "unreadable" if taken.refused.unreadable else "rejected", taken.refused.reason)
    if taken.ignored:
        return Tried(taken.line, "passed over", taken.ignored)
    alerts = [_served(one, now) for one in taken.ready]
    objects = [{"set": one.set, **msgspec.json.decode(one.record)} for one in taken.objects]
    evidence = [_evidence(one) for one in taken.found]
    told = [one.notes for one in taken.ready] + [one.notes for one in taken.objects] + [taken.notes]
    notes = [*dict.fromkeys(note for several in told for note in several)]
    unplaced = list(_unplaced(value, [*alerts, *objects, *evidence], [(one.product, one.native_id) for one in taken.ready]))
    return Tried(taken.line, "taken", "", alerts, objects, evidence, notes, unplaced)


def _evidence(one: Found) -> Record:
    return {
        "control": one.control, "scanner": one.scanner, "check": one.check, "subject": one.subject, "scope": one.scope,
        "at": clock.text(one.at), "share": one.share, "points": one.points, "details": one.details,
    }  # fmt: skip


def _served(one: Ready, now: int) -> Record:
    """The alert as it would be served; who is asked for it and which incident it joins is known to no sample."""
    values = dict.fromkeys(one.alert.holes, b"null")
    values |= {"id": encode(one.id), "lastUpdateDateTime": encode(clock.text(now))}
    doc, _ = one.alert.document({name: value.decode() for name, value in values.items()})
    found: Record = msgspec.json.decode(doc)
    del found[TAG]
    return found


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text and number in a record under the name of its member; what says nothing is left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{name}[]")
    elif value is not None and value != "" and not isinstance(value, bool):
        yield name, str(value)


def _unplaced(value: Any, served: list[Record], identities: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Members whose value is nowhere."""
    texts = [text.casefold() for one in served for _, text in leaves(one)] + [
        part.casefold() for one in identities for part in one
    ]
    whole, joined = set(texts), "\x1f".join(texts)
    told: set[str] = set()
    for name, text in leaves(value):
        word = text.casefold()
        if not name or name in told or word in whole or (len(word) > SHORT and word in joined) or _is_time_of(text, whole):
            continue
        told.add(name)
        yield name, text
        if len(told) == MOST_UNPLACED:
            return


def _is_time_of(text: str, whole: set[str]) -> bool:
    """Whether a text or a number is an instant that is served, written otherwise."""
    from_text = clock.wire(text) if len(text) < 40 else None
    if from_text is None and text.replace(".", "", 1).isdigit() and len(text) < 25:
        from_text = _instant(float(text))
    return from_text is not None and (
        from_text.casefold() in whole or any(one.startswith(from_text[:23].casefold()) for one in whole)
    )


def _instant(number: float) -> str | None:
    for _ in range(4):
        if number < 1e11:
            break
        number /= 1000
    ticks = clock.from_seconds(number)
    return None if ticks is None else clock.text(ticks)


def shown(one: Tried) -> str:
    """The outcome in a line."""
    return f"record {one.line}: {one.outcome}" + (f": {one.reason}" if one.reason else "")


def evidence_shown(found: Record) -> str:
    """Evidence in a line: the control, the check and on what it was made, how much passes, and what was found."""
    share, points = found["share"], found["points"]
    how = "counts neither way" if points is None else f"{points:g} points"
    if share is not None:
        how = f"{100 * share:g} % passes"
    where = f" of {found['subject']}" if found["subject"] else ""
    said = f": {found['details']}" if found["details"] else ""
    return f"evidence for {found['control']}, {found['scanner']} {found['check']}{where}: {how}{said}"


def as_json(served: Record) -> str:
    """An object as a person reads it: what is null or empty is left out, at any depth."""
    return json.dumps(_said(served), indent=2, ensure_ascii=False)


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: made for name, one in value.items() if (made := _said(one)) not in (None, [], {})}
    return [_said(one) for one in value] if isinstance(value, list) else value
