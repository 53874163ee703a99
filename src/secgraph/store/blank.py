"""A new row as far as it can be written before the turn: its document with holes for what only the turn knows.

So the turn, in which every other write of the tenant waits, neither writes down nor converts anything of a new row.
"""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import msgspec

from secgraph.errors import Fault
from secgraph.store.shape import shape

Record = dict[str, Any]
Texts = tuple[str, ...]
encode = msgspec.json.encode

TAG = "@odata.etag"
_MARK = token_hex(16)
"""Stands in the holes while a record is written down, so that all of it is written at once."""

HOLES = frozenset({"id", "incidentId", "lastUpdateDateTime", "tenantId"})
"""Members that only the turn knows; the entity tag, which leads, is another."""


class Blank(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row of a set without what only the turn knows."""

    holes: tuple[str, ...]
    """The members that are left open, in their order."""
    doc: Texts
    """The document as it goes out, in parts: a hole follows each but the last."""
    full: Texts | None
    """The same with every enum member, where that differs."""
    columns: tuple[Any, ...]
    """The values of the set's own columns; those of holes are null."""
    words: str | None
    """The words that `$search` finds it by."""

    def document(self, values: dict[str, str]) -> tuple[str, str | None]:
        """`doc` and `full` with these values, which are JSON, in the holes."""
        given = [values[name] for name in self.holes]
        return filled(self.doc, given), None if self.full is None else filled(self.full, given)

    def record(self, **values: Any) -> Record:
        """The row's record with these values; the other holes hold null."""
        doc, full = self.document({name: encode(values.get(name)).decode() for name in self.holes})
        found: Record = msgspec.json.decode(full or doc)
        return found


def blank(path: str, record: Record, words: str | None) -> Blank:
    """The row that becomes of a record, without its entity tag, of the set at that path."""
    how = shape(path)
    for name in how.set.choices.filled:
        if record[name] is None and name not in HOLES:
            raise Fault(f"{path}/{name} is null, and an order relies on it.")
    shown = record if how.hide is None else how.hide(record)
    holes = (TAG, *(name for name in record if name in HOLES))
    columns = tuple(None if name in HOLES else convert(record[name]) for name, convert in how.columns)
    return Blank(holes, parts(shown), None if shown is record else parts(record), columns, words)


def parts(record: Record) -> Texts:
    """A record as JSON with its entity tag first, cut open at the holes."""
    holes = [TAG, *(name for name in record if name in HOLES)]
    mark = _MARK
    while True:
        found = encode({TAG: mark, **record, **dict.fromkeys(holes, mark)}).decode().split(f'"{mark}"')
        if len(found) == len(holes) + 1:
            return tuple(found)
        mark = token_hex(16)  # somebody wrote the mark into a text


def filled(texts: Texts, values: list[str]) -> str:
    """The parts with these values in the holes between them."""
    made = [""] * (2 * len(values) + 1)
    made[::2] = texts
    made[1::2] = values
    return "".join(made)
