"""How the rows of a set are written, worked out once from the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from secgraph.model import wire
from secgraph.model.edm import EntitySet, load
from secgraph.store.layout import Encode, encoder, fixed, put_tally, quoted

_KEPT = frozenset({"tenant", "id", "born"})
"""Columns that stay as the first write of a row left them."""


class Shape:
    """A set's statements, and how a record becomes the values of its columns."""

    def __init__(self, one: EntitySet) -> None:
        self.set = one
        self.table = quoted(one.table)
        self.hide: Callable[[Any], Any] | None = wire.hider(one.type)
        self.columns: list[tuple[str, Encode]] = [(item.name, encoder(item)) for item in one.columns()]
        self.tally: list[tuple[str, Encode]] = [(name, dict(self.columns)[name]) for name in one.choices.tally]
        places = {name: place for place, (name, _) in enumerate(self.columns)}
        self.tally_places = [places[name] for name in one.choices.tally]
        """Where among the set's own columns those of the tally are."""
        self.stamp = one.choices.stamp
        """The member that carries the tenant's stamp; empty where a column beside the document does."""
        self.sourced = one.choices.sourced
        self.woven = one.choices.woven
        self.updated_place, self.incident_place = places.get(one.stamped), places.get("incidentId")
        """And those whose values only a turn knows."""
        self.searched = frozenset(one.choices.search)
        self.put_tally = put_tally(one) if self.tally else ""
        self.names = (*fixed(one), *(name for name, _ in self.columns))
        replaced = [name for name in self.names if name not in _KEPT]
        self.places = [self.names.index(name) for name in (*replaced, "tenant", "id")]
        """Which values of a whole row `change` takes, in its order."""
        self.change = (
            f"UPDATE {self.table} SET {', '.join(f'{quoted(name)} = ?' for name in replaced)} WHERE tenant = ? AND id = ?"
        )
        self.tell = f"UPDATE {self.table} SET told = ? WHERE tenant = ? AND id = ?"
        self.remove = f"DELETE FROM {self.table} WHERE tenant = ? AND id = ?"
        self.later = ""
        if self.woven is not None:
            day = quoted(self.woven.day)
            series = quoted(self.woven.series)
            self.later = f"SELECT min({day}) FROM {self.table} WHERE tenant = ? AND {series} = ? AND {day} >= ?"
        self.newest = f"SELECT coalesce(max({quoted(one.stamped)}), 0) FROM {self.table} WHERE tenant = ?"
        told = "told" if self.sourced else "NULL"
        self.read = f'SELECT id, coalesce("full", doc), seq, touched, born, {told} FROM {self.table} WHERE tenant = ? AND '


@cache
def shape(path: str) -> Shape:
    """The shape of the set at that path."""
    return Shape(load().sets[path])
