"""What products know beside their alerts: an object is made ready before the turn, and decided in it. Pure.

The record of an object is the whole of what is served; nothing else of the original is kept. An object has one version after
the other, told by the product's update clock. What a person changed stands until the source changes that very member
afterwards: beside the row stands what the source said last of the members that a person changed (`Told`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from secgraph import clock
from secgraph.extend import ObjectDraft, Unusable
from secgraph.ingest.merge import added
from secgraph.model.check import from_source
from secgraph.model.edm import EntitySet, StructType, load
from secgraph.model.value import clean
from secgraph.odata.query import fold
from secgraph.store.facts import Facts, Record, Row, Told
from secgraph.store.protocol import Put, PutTold
from secgraph.store.turn import new_record

TENANT = "azureTenantId"
LONGEST_ID = 500
"""Characters of an object's id: it is a key, and a key has to fit into an index."""

_encode, _decode = msgspec.json.encode, msgspec.json.decode


class Known(msgspec.Struct, array_like=True, gc=False):
    """An object that passed the check, as plain data that another process can hand over."""

    set: str
    id: str
    """Its key: the id in small letters."""
    record: bytes
    updated: int | None
    received: int
    notes: tuple[str, ...] = ()
    first: bool = False
    """Whether it stands only where there is none yet."""


def known_of(draft: ObjectDraft, received: int) -> Known:
    """The object of a draft; Unusable where it can be none."""
    one = load().sets.get(draft.set)
    if one is None or not one.choices.sourced:
        raise Unusable(f"{draft.set[:80]!r} is no set that sources fill")
    if not draft.id:
        raise Unusable("it has no id")
    if len(draft.id) > LONGEST_ID:
        raise Unusable(f"its id has more than {LONGEST_ID} characters")
    # Times that have to be there wait for the turn: where the product gives none, what stands in the row is kept.
    record, notes = from_source(one.type, draft.record, None)
    for name, item in one.type.properties.items():
        if isinstance(item.type, StructType) and not item.nullable and not item.navigation and record[name] is None:
            record[name], _ = from_source(item.type, {}, None)
    record["id"] = clean(draft.id)
    return Known(one.path, fold(record["id"]), _encode(record), draft.updated, received, tuple(notes))


def decided(facts: Facts, one: Known, cause: str) -> Put | PutTold | None:
    """What becomes of an object: a new one, another version, a version that changes nothing that is seen, or nothing at all."""
    of, row, new = load().sets[one.set], facts.rows.get((one.set, one.id)), _decode(one.record)
    if new.get(TENANT) == "":
        new[TENANT] = facts.tenant_id  # what is ours, and said of nobody else
    when = one.received if one.updated is None else one.updated
    if row is None:
        record = new_record({**new, **dict.fromkeys(_missing(of, new), clock.text(when))})
        put = Put(of, record, (), created=True, cause=cause, told=Told(one.updated))
        facts.rows[one.set, one.id] = Row(record, 0, told=put.told)
        return put
    if one.first:
        return None
    last = row.told or Told()
    if one.updated is not None and last.updated is not None and one.updated < last.updated:
        return None  # an older version arriving late
    new = {**new, **{name: row.record[name] for name in _missing(of, new)}}
    record, said = _merged(of, row, last, new, when)
    told = Told(last.updated if one.updated is None else one.updated, said)
    row.told = told
    changed = tuple(name for name in {**record, **row.record} if record.get(name) != row.record.get(name))
    if changed:
        row.record = record
        return Put(of, record, changed, touched=row.touched, cause=cause, told=told)
    return PutTold(of, one.id, told) if told != last else None


def _missing(of: EntitySet, record: Record) -> list[str]:
    """The times that every object of the set has, and that are not said."""
    return [name for name in of.choices.filled if record[name] is None]


def _merged(of: EntitySet, row: Row, last: Told, new: Record, when: int) -> tuple[Record, Record]:
    """The row's record after another version, and what its source says otherwise than that."""
    choices, record = of.choices, {**row.record}
    before, said = {**row.record, **last.said}, {**last.said}
    for name, value in new.items():
        if name == "id" or value == before.get(name):
            continue
        if name in choices.grows:
            record[name] = added(record[name], before[name], value, choices.grows[name])
        elif not (name in choices.triage and row.touched.get(name, 0) >= when):
            record[name] = value
        said[name] = value
    # An open type has members that come and go with what its product says.
    for name in [name for name in record if name not in new and name not in of.type.properties and "@" not in name]:
        del record[name]
    return record, {name: value for name, value in said.items() if value != record.get(name)}


def told_before(row: Row, record: Record, changed: tuple[str, ...]) -> Told:
    """What a source said of a row that a person makes into that record: these members stand otherwise from now on."""
    last = row.told or Told()
    said: dict[str, Any] = {**{name: row.record[name] for name in changed}, **last.said}
    return Told(last.updated, {name: value for name, value in said.items() if value != record[name]})
