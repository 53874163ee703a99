"""Every table there is, and how its rows are told apart: read off the schema itself, so that none can be forgotten."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import apsw

from secgraph.errors import Fault
from secgraph.model.edm import load
from secgraph.store.layout import quoted
from secgraph.store.sqlite.file import connect, migrate

OF_ALL = ("facts", "signing_keys")
"""Tables about the installation and no tenant."""

OF_PROCESSES = ("leases",)
"""Tables that mean something only to the processes that wrote them."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, its columns, and those by which its rows have an order in which none is twice."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    set: str = ""
    """The path of the set whose rows it holds."""

    @property
    def quoted(self) -> str:
        """Its name as SQL."""
        return quoted(self.name)

    @property
    def of_tenant(self) -> bool:
        """Whether each of its rows is a tenant's."""
        return self.key[0] == "tenant"


@cache
def tables() -> dict[str, Table]:
    """The tables that hold what is known, by name, `tenants` first. Not those that are worked out from them: words and sums."""
    sets = {one.table: one for one in load().stored()}
    found: dict[str, Table] = {}
    with contextlib.closing(connect(Path(":memory:"), write=True)) as connection:
        migrate(connection, load())
        for name in [str(row[0]) for row in connection.execute(_ALL)]:
            listed, key = _columns(connection, name)
            if name in OF_PROCESSES or name.endswith("_tally"):
                continue
            # The rows of a set in the order of their commits: so those that came together stay together.
            key = ("tenant", sets[name].stamped) if name in sets else key
            if not key or (key[0] != "tenant" and name not in OF_ALL):
                raise Fault(f"The rows of table {name} belong to no tenant, and it is not known what else they belong to.")
            found[name] = Table(name, listed, key, sets[name].path if name in sets else "")
    return found


def _columns(connection: apsw.Connection, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of a table, and those of its primary key in its order."""
    columns: list[Any] = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
    keyed = sorted((place, column) for _, column, _, _, _, place in columns if place)
    return tuple(column for _, column, *_ in columns), tuple(column for _, column in keyed)


_ALL = """
SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name <> 'tenants', name
"""
