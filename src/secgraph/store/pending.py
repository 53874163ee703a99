"""What the writes of a turn leave to be written: gathered row by row, carried out table by table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from secgraph.store.layout import combination
from secgraph.store.shape import shape
from secgraph.store.statements import statement
from secgraph.store.steps import Add, Do, Steps, do

EVENT = ("tenant", "seq", "stamp", "kind", "entity", "id", "changed", "cause")
REJECTED = ("tenant", "number", "source", "line", "reason", "received", "data")


@dataclass(slots=True)
class _Rows:
    """The rows of one set, by id: only the last version of each is written."""

    new: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    changed: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    tally: Counter[tuple[int | None, ...]] = field(default_factory=Counter)


class Pending:
    """The rows, entries and events of a turn that are not in the database yet."""

    def __init__(self, tenant: int) -> None:
        self._tenant = tenant
        self._sets: dict[str, _Rows] = {}
        self.events: list[tuple[Any, ...]] = []
        self.entries: dict[tuple[int, str], tuple[Any, ...]] = {}
        self.keys: dict[tuple[str, str], dict[str, Any]] = {}
        self.rejected: list[tuple[Any, ...]] = []

    def rows(self, path: str) -> _Rows:
        """The rows of the set at that path."""
        found = self._sets.get(path)
        if found is None:
            found = self._sets[path] = _Rows()
        return found

    def put(self, path: str, key: str, values: tuple[Any, ...], *, created: bool) -> None:
        """A row to be written; a new one that changes once more before it is written is still new."""
        rows = self.rows(path)
        if created or key in rows.new:
            rows.new[key] = values
        else:
            rows.changed[key] = values

    def steps(self) -> Steps[None]:
        """Everything, in the order in which it can be written; afterwards nothing is pending."""
        for path, rows in self._sets.items():
            yield from self._of_set(path, rows)
        if self.entries:
            yield Do(statement("entry_put")[0], [*self.entries.values()])
        if self.keys:
            yield do("incident_key_put", *self.keys.values())
        if self.rejected:
            yield Add("rejected", REJECTED, [*self.rejected])
        if self.events:
            yield Add("events", EVENT, [*self.events])
        for gathered in (self._sets, self.entries, self.keys, self.rejected, self.events):
            gathered.clear()

    def _of_set(self, path: str, rows: _Rows) -> Steps[None]:
        how = shape(path)
        if rows.new:
            yield Add(how.table, how.names, list(rows.new.values()))
        if rows.changed:
            yield Do(how.change, [tuple(values[place] for place in how.places) for values in rows.changed.values()])
        if rows.words:
            yield Do(how.put_words, [(words, self._tenant, key) for key, words in rows.words.items()])
        grown = [(numbers, many) for numbers, many in rows.tally.items() if many]
        if grown:
            yield Do(how.put_tally, [(self._tenant, combination(numbers), *numbers, many) for numbers, many in grown])
