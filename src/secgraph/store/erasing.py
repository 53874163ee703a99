"""What erases a tenant's rows of the sets: statements read off the model, so that a new set is erased like the others."""

from __future__ import annotations

from functools import cache

from secgraph.model.edm import EntitySet, load


def erasing() -> list[str]:
    """The names of the statements that erase the rows of a tenant in every set; words go before the rows they belong to."""
    return [name for name in of_sets() if name.endswith("_erase")]


def optimizing() -> list[str]:
    """Those of the statements that merge the indexes of words: what was erased stays in them until then."""
    return [name for name in of_sets() if name.endswith("_optimize")]


@cache
def of_sets(database: str = "") -> dict[str, str]:
    """The statements by name, in the order in which they can be run."""
    return {name: text for one in load().stored() for name, text in _of_set(one, database).items()}


def _of_set(one: EntitySet, database: str) -> dict[str, str]:
    table, found = one.table, {}
    words = f'"{table}_words"'
    if one.choices.search and database == "postgresql":
        found[f"{table}_words_erase"] = f"DELETE FROM {words} WHERE tenant = :tenant"
        found[f"{table}_words_optimize"] = ""  # VACUUM takes out of an index what was erased, by itself
    elif one.choices.search:
        rows = f'SELECT rowid FROM "{table}" WHERE tenant = :tenant'
        found[f"{table}_words_erase"] = f"DELETE FROM {words} WHERE rowid IN ({rows})"
        found[f"{table}_words_optimize"] = f"INSERT INTO {words} ({words}) VALUES (:what)"
    found[f"{table}_erase"] = f'DELETE FROM "{table}" WHERE tenant = :tenant'
    if one.choices.tally:
        found[f"{table}_tally_erase"] = f'DELETE FROM "{table}_tally" WHERE tenant = :tenant'
    return found
