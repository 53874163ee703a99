"""Whole tables, a lot of rows at a time: how they are read in the order of their keys, put into another database, and removed.

Every statement is about one tenant, or about a table that is no tenant's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from secgraph.odata.search import indexed
from secgraph.store.copying.tables import Table, tables
from secgraph.store.dialect import Dialect
from secgraph.store.layout import quoted, tally_table
from secgraph.store.pending import Pending
from secgraph.store.registry import erasure
from secgraph.store.seen import decode
from secgraph.store.shape import shape
from secgraph.store.statements import statement
from secgraph.store.steps import Add, Ask, Do, Rows, Steps, Values, do

MARK = "copying"
"""The fact that says of a database that a copy into it is under way."""

OWN = frozenset({MARK, "backed_up", "schema"})
"""Facts about a database and not about what it knows."""


def asked(step: Ask) -> Steps[Rows]:
    """The rows of one question."""
    return (yield step)


def done(*steps: Do) -> Steps[None]:
    """Steps one after the other."""
    for step in steps:  # noqa: UP028 -- what is sent back is for a generator
        yield step


# -- reading


def order(table: Table) -> tuple[str, ...]:
    """The columns that give the order among the rows of a tenant; none where a tenant has one row."""
    return table.key[1:] if table.of_tenant else table.key


def behind(table: Table, tenant: int, after: Values | None, most: int) -> Ask:
    """The rows behind a key, so many at most."""
    columns, values, conditions = order(table), list[Any](), list[str]()
    if table.of_tenant:
        conditions.append("tenant = ?")
        values.append(tenant)
    if after is not None:
        conditions.append(f"({_listed(columns)}) > ({', '.join('?' * len(columns))})")
        values += after
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    by = f" ORDER BY {_listed(columns)}" if columns else ""
    return Ask(f"SELECT {_listed(table.columns)} FROM {table.quoted}{where}{by} LIMIT ?", (*values, most))


def last(table: Table, tenant: int) -> Ask:
    """The key of the last row that is there."""
    columns = order(table) or table.key
    where, values = (" WHERE tenant = ?", (tenant,)) if table.of_tenant else ("", ())
    by = ", ".join(f"{quoted(name)} DESC" for name in columns)
    return Ask(f"SELECT {_listed(columns)} FROM {table.quoted}{where} ORDER BY {by} LIMIT 1", values)


def known(table: Table, rows: Rows) -> Rows:
    """The rows without what a database says about itself."""
    return [row for row in rows if row[0] not in OWN] if table.name == "facts" else rows


def canonical(row: Values) -> list[Any]:
    """A row in the one form that it has on every database."""
    return list(map(_canonical, row))


def _canonical(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


def filled() -> Steps[str | None]:
    """The first table of which there is a row; None in an empty database."""
    for table in tables().values():
        rows = yield Ask(f"SELECT {_listed(table.columns)} FROM {table.quoted} LIMIT {len(OWN) + 1}", ())
        if known(table, rows):
            return table.name
    return None


def tallies(table: Table, tenant: int) -> tuple[Ask, Ask]:
    """How many rows each combination has, as the rows tell and as the sums do; the same rows where all is well."""
    how = shape(table.set)
    listed = _listed([name for name, _ in how.tally])
    return (
        Ask(f"SELECT {listed}, count(*) FROM {table.quoted} WHERE tenant = ? GROUP BY {listed}", (tenant,)),
        Ask(f"SELECT {listed}, many FROM {tally_table(how.set)} WHERE tenant = ? AND many <> 0", (tenant,)),
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))


# -- writing


def put(dialect: Dialect, table: Table, tenant: int, rows: Rows) -> Steps[None]:
    """Rows that are not there yet, and what is worked out from them."""
    if table.name == "facts":
        yield do("fact_put", *({"name": name, "value": value} for name, value in rows))
    elif not table.set:
        yield Add(table.quoted, table.columns, rows)
    else:
        yield from _put_of_set(dialect, table, tenant, rows)


def _put_of_set(dialect: Dialect, table: Table, tenant: int, rows: Rows) -> Steps[None]:
    how, pending = shape(table.set), Pending(dialect, tenant)
    into = pending.rows(table.set)
    for row in rows:
        named = dict(zip(table.columns, row, strict=True))
        key = named["id"]
        into.new[key] = tuple(named[name] for name in how.names)
        if how.searched:
            into.words[key] = indexed(decode(named["full"] or named["doc"]), table.set)
        if how.tally:
            into.tally[tuple(named[name] for name, _ in how.tally)] += 1
    yield from pending.steps()


def emptying(database: str, tenants: Rows, facts: Rows) -> Iterator[Steps[None]]:
    """What removes everything that a copy brought, each to be committed by itself; the mark goes last."""
    for number, *_ in tenants:
        erased = [(*statement(name, database), values) for name, values in erasure(number)]
        yield done(*(Do(text, [tuple(values[one] for one in names)]) for text, names, values in erased))
    of_all = [table for table in tables().values() if not table.of_tenant and table.name != "facts"]
    names = [name for (name,) in facts if name not in OWN]
    yield done(
        *(Do(f"DELETE FROM {table.quoted}", [()]) for table in of_all), *(do("fact_delete", {"name": name}) for name in names)
    )
    yield done(do("fact_delete", {"name": MARK}))
