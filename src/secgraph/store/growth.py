"""Brings a database's tables up to this version: the sets' tables from the model, then the numbered migrations.

Columns that a newer model wants are filled from the stored documents, a thousand rows at a time. The steps are the same on
every database; who carries them out holds the transaction around them.
"""

from __future__ import annotations

from secgraph.errors import UsageError
from secgraph.model.edm import EntitySet, Model, Property
from secgraph.odata.search import indexed
from secgraph.store.dialect import Dialect
from secgraph.store.layout import create_indexes, create_table, create_tally, definitions, encoder, fill_tally, quoted
from secgraph.store.seen import decode
from secgraph.store.statements import migrations
from secgraph.store.steps import Ask, Do, Rows, Steps

ROWS = 1000
"""Rows whose documents are read at once."""


def version() -> int:
    """The schema that this version knows: the number of its last migration."""
    return max(migrations())


def grown(dialect: Dialect, model: Model, found: int) -> Steps[list[str]]:
    """Makes what the model and the migrations after `found` ask for; what was made or done, in words for a person. UsageError
    when a newer version wrote the database.
    """
    if found > version():
        raise UsageError(
            f"The database was written by a newer version (schema {found}, this version knows {version()})."
            " Start the newer version."
        )
    done: list[str] = []
    for one in model.stored():
        done += yield from _shaped(dialect, one)
    # The sets' tables are there by now, new or grown: a migration may fill what no document tells.
    for number, texts in migrations().items():
        if number > found:
            for text in texts:
                yield from _run(*dialect.ddl(text))
            done.append(f"migration {number}")
    return done


def _run(*texts: str) -> Steps[None]:
    for text in texts:
        yield Do(text, [()])


def _shaped(dialect: Dialect, one: EntitySet) -> Steps[list[str]]:
    """Makes a set's table, or adds the columns that it does not have yet; then its indexes."""
    done: list[str] = []
    present = {row[0] for row in (yield Ask(dialect.columns, (one.table,)))}
    if not present:
        yield from _run(*dialect.ddl(create_table(one)), *dialect.suited(one.table))
        done.append(f"table {one.table}")
    else:
        missing = {name: text for name, text in definitions(one).items() if name not in present}
        for definition in missing.values():
            yield from _run(*dialect.ddl(f"ALTER TABLE {quoted(one.table)} ADD COLUMN {definition}"))
        yield from _filled(one, [item for item in one.columns() if item.name in missing])
        done += [f"column {one.table}.{name}" for name in missing]
    for name, text in create_indexes(one, dialect).items():
        if not (yield from _there(dialect, name)):
            yield from _run(text)
            done.append(f"index {name}")
    if one.choices.search and not (yield from _there(dialect, f"{one.table}_words")):
        yield from _run(*dialect.create_words(one.table))
        yield from _worded(dialect, one)
        done.append(f"words of {one.table}")
    if one.choices.tally and not (yield from _there(dialect, f"{one.table}_tally")):
        yield from _run(*dialect.ddl(create_tally(one)), fill_tally(one))
        done.append(f"tally of {one.table}")
    return done


def _there(dialect: Dialect, name: str) -> Steps[bool]:
    """Whether there is a table or an index of that name."""
    found = yield Ask(dialect.there, (name,))
    return bool(found[0][0])


def _documents(one: EntitySet, last: tuple[int, str] = (-1, "")) -> Ask:
    """Rows behind that key, in the order of their keys: tenant, id, full document."""
    text = (
        f'SELECT tenant, id, coalesce("full", doc) FROM {quoted(one.table)}'
        f" WHERE (tenant, id) > (?, ?) ORDER BY tenant, id LIMIT {ROWS}"
    )
    return Ask(text, last)


def _worded(dialect: Dialect, one: EntitySet) -> Steps[None]:
    """Gives rows that were there before the search was their words."""
    rows: Rows = yield _documents(one)
    while rows:
        kept = [(dialect.worded(tenant, indexed(decode(text), one.path)), tenant, key) for tenant, key, text in rows]
        yield Do(dialect.put_words(one.table), kept)
        rows = yield _documents(one, (rows[-1][0], rows[-1][1]))


def _filled(one: EntitySet, missing: list[Property]) -> Steps[None]:
    """Gives columns that were added their values."""
    if not missing:
        return
    converts = [(item.name, encoder(item)) for item in missing]
    assigned = ", ".join(f"{quoted(item.name)} = ?" for item in missing)
    change = f"UPDATE {quoted(one.table)} SET {assigned} WHERE tenant = ? AND id = ?"
    rows: Rows = yield _documents(one)
    while rows:
        records = [(decode(text), tenant, key) for tenant, key, text in rows]
        values = [(*(convert(record.get(name)) for name, convert in converts), tenant, key) for record, tenant, key in records]
        yield Do(change, values)
        rows = yield _documents(one, (rows[-1][0], rows[-1][1]))
