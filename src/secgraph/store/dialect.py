"""The few words on which the databases differ, and how SQLite says them; PostgreSQL's are in `dialect_postgres.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import msgspec

from secgraph import clock


class Sql(NamedTuple):
    """A piece of SQL and the values that go beside it, in order."""

    text: str
    values: tuple[object, ...] = ()


def joined(separator: str, parts: list[Sql]) -> Sql:
    """The pieces with a separator between them, their values in order."""
    return Sql(separator.join(part.text for part in parts), tuple(value for part in parts for value in part.values))


class Late:
    """A value that is known only when a statement is run."""

    __slots__ = ()

    def bound(self, tenant: int, now: int) -> object:
        """The value to bind."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Instant(Late):
    """The present instant, so many ticks later, as ticks or as it is written."""

    later: int
    written: bool = False

    def bound(self, tenant: int, now: int) -> object:
        """The value to bind."""
        del tenant
        return clock.text(now + self.later) if self.written else now + self.later


def bound(values: tuple[object, ...], tenant: int, now: int) -> tuple[object, ...]:
    """The values as they are at this moment for this tenant."""
    return tuple(value.bound(tenant, now) if isinstance(value, Late) else value for value in values)


class Dialect(Protocol):
    """A database's spelling of what this program asks."""

    document: str
    """The full document of the row `t`."""
    false: str
    true: str
    counts: bool
    """Whether its planner chooses an index by how many rows that would give."""
    head: int
    """How many characters an index holds of a text of any length."""
    clock: str
    """The statement that takes a tenant's clock, for the rest of the transaction: its GUID, the last sequence number, the
    last stamp, the last incident number, and the database's own instant (null where it has none to offer).
    """
    columns: str
    """The statement that names the columns of the table whose name is bound."""
    there: str
    """The statement that counts the tables and indexes of the name that is bound."""

    # -- values

    def member(self, base: str, names: tuple[str, ...]) -> Sql:
        """The value at a path; a JSON null is NULL."""

    def member_of(self, kind: Literal["text", "number", "boolean"], base: str, names: tuple[str, ...]) -> Sql:
        """The value at a path where it is of that JSON type, else NULL: a member of an open type may be anything."""

    def each(self, base: str, names: tuple[str, ...], alias: str) -> Sql:
        """The items of the collection at a path, as rows `alias.value`."""

    def size(self, base: str, names: tuple[str, ...]) -> Sql:
        """How many items the collection at a path has; 0 for none and for null."""

    def function(self, name: str) -> str:
        """How a function of the query language is called in SQL."""

    def bytes_of(self, document: str) -> str:
        """A document as the bytes that are sent."""

    # -- conditions and order

    def distinct(self, left: str, right: str) -> str:
        """Not equal, where null equals null and nothing else."""

    def same(self, left: str, right: str) -> str:
        """Equal, where null equals null and nothing else."""

    def among(self, column: str) -> str:
        """Whether a column's value is one of a list, which is bound as one value (`listed`)."""

    def listed(self, values: Iterable[str]) -> object:
        """Texts as the one value that `among` takes."""

    def headed(self, column: str) -> str:
        """What an index holds of a column whose texts may have any length: the whole or their first `head` characters."""

    def unindexed(self, column: str) -> str:
        """The column, kept out of the planner's choice of index where it would choose badly."""

    def found(self, table: str, words: tuple[str, ...]) -> Sql:
        """Whether the words of a row hold these, one behind the other as far as the database can tell."""

    def holds(self, op: str, operand: Sql, needle: Sql) -> Sql:
        """A text match of two folded texts of the row; null where one of them is."""

    def contains(self, operand: Sql, needle: str) -> Sql:
        """Whether a folded text holds a folded needle."""

    def startswith(self, operand: Sql, needle: str) -> Sql:
        """Whether a folded text begins with a folded needle."""

    def endswith(self, operand: Sql, needle: str) -> Sql:
        """Whether a folded text ends with a folded needle."""

    def sortable(self, key: Sql) -> Sql:
        """A key of the order that cannot be taken for the number of a column."""

    def ordered(self, key: str, *, descending: bool, nullable: bool) -> str:
        """A key of the order and its direction: nulls come first ascending and last descending."""

    # -- tables

    def ddl(self, text: str) -> list[str]:
        """The statements that make or change a table, out of one in the common spelling."""

    def indexed(self, column: str, *, nullable: bool) -> str:
        """A column as a part of an index that is read in the set's orders."""

    def suited(self, table: str) -> list[str]:
        """The statements that make a table keep documents of some kilobytes well."""

    def create_words(self, table: str) -> list[str]:
        """The statements that make a set's index of words."""

    def put_words(self, table: str) -> str:
        """The statement that keeps a row's words; its values are the words (`worded`), the tenant, and the id."""

    def remove_words(self, table: str) -> str:
        """The statement that forgets a row's words, while the row is still there; its values are the tenant and the id."""

    def worded(self, tenant: int, words: str) -> object:
        """The words of a row as they are kept."""


@dataclass(frozen=True, slots=True)
class Words(Late):
    """What is looked for in the texts of that tenant, as FTS5 reads it."""

    wanted: str

    def bound(self, tenant: int, now: int) -> object:
        """The value to bind."""
        del now
        return f'tenant:"{tenant}" AND ({self.wanted})'


@dataclass(frozen=True, slots=True)
class Whose(Late):
    """The tenant whose rows are asked for."""

    def bound(self, tenant: int, now: int) -> object:
        """The value to bind."""
        del now
        return tenant


def phrase(words: tuple[str, ...]) -> str:
    """Words in a row as FTS5 reads them. They hold letters and digits only, so that none can be a mark of its own."""
    return f'words:"{" ".join(words)}"'


class Sqlite:
    """SQLite's spelling. JSON paths are bound as values: a name inside an open type comes from a client."""

    document = 'coalesce(t."full", t.doc)'
    false, true = "0", "1"
    counts = False
    head = sys.maxsize
    clock = "SELECT guid, seq, stamp, incidents, NULL FROM tenants WHERE tenant = ?"
    columns = "SELECT name FROM pragma_table_info(?)"
    there = "SELECT count(*) FROM sqlite_master WHERE name = ?"

    @staticmethod
    def path(names: tuple[str, ...]) -> str:
        """A JSON path; names hold letters, digits, `_` and `.`, `@` at most (the grammar sees to that)."""
        return "$" + "".join(f'."{name}"' for name in names)

    def member(self, base: str, names: tuple[str, ...]) -> Sql:
        """The value at a path; a JSON null is NULL."""
        return Sql(f"json_extract({base}, ?)", (self.path(names),)) if names else Sql(base)

    def member_of(self, kind: Literal["text", "number", "boolean"], base: str, names: tuple[str, ...]) -> Sql:
        """The value at a path where it is of that JSON type, else NULL: a member of an open type may be anything."""
        types = {"text": "('text')", "number": "('integer', 'real')", "boolean": "('true', 'false')"}[kind]
        path = self.path(names)
        return Sql(f"CASE WHEN json_type({base}, ?) IN {types} THEN json_extract({base}, ?) END", (path, path))

    def each(self, base: str, names: tuple[str, ...], alias: str) -> Sql:
        """The items of the collection at a path, as rows `alias.value`."""
        return Sql(f"json_each({base}, ?) AS {alias}", (self.path(names),))

    def size(self, base: str, names: tuple[str, ...]) -> Sql:
        """How many items the collection at a path has; 0 for none and for null."""
        return Sql(f"coalesce(json_array_length({base}, ?), 0)", (self.path(names),))

    @staticmethod
    def distinct(left: str, right: str) -> str:
        """Not equal, where null equals null and nothing else."""
        return f"{left} IS NOT {right}"

    @staticmethod
    def same(left: str, right: str) -> str:
        """Equal, where null equals null and nothing else."""
        return f"{left} IS {right}"

    @staticmethod
    def among(column: str) -> str:
        """Whether a column's value is one of a list, which is bound as one value (`listed`)."""
        return f"{column} IN (SELECT value FROM json_each(?))"

    @staticmethod
    def listed(values: Iterable[str]) -> str:
        """Texts as the one value that `among` takes."""
        return msgspec.json.encode(list(values)).decode()

    @staticmethod
    def headed(column: str) -> str:
        """What an index holds of a column whose texts may have any length: the whole."""
        return column

    @staticmethod
    def unindexed(column: str) -> str:
        """The column, kept out of the planner's choice of index: a range over a few enum numbers would win it over the
        index that gives the order, and sort everything.
        """
        return f"+{column}"

    @staticmethod
    def function(name: str) -> str:
        """How a function of the query language is called in SQL: every one of them is ours (`file.connect`)."""
        return f"q_{name}"

    @staticmethod
    def bytes_of(document: str) -> str:
        """A document as the bytes that are sent."""
        return f"CAST({document} AS BLOB)"

    @staticmethod
    def found(table: str, words: tuple[str, ...]) -> Sql:
        """Whether the words of a row hold these, one behind the other."""
        return Sql(f't.rowid IN (SELECT rowid FROM "{table}_words" WHERE "{table}_words" MATCH ?)', (Words(phrase(words)),))

    @staticmethod
    def holds(op: str, operand: Sql, needle: Sql) -> Sql:
        """A text match of two folded texts of the row; null where one of them is."""
        text, inner = operand.text, needle.text
        (one, two) = (operand.values, needle.values)
        match op:
            case "contains":
                return Sql(f"instr({text}, {inner}) > 0", (*one, *two))
            case "startswith":
                return Sql(f"substr({text}, 1, length({inner})) = {inner}", (*one, *two, *two))
        # A text that ends in nothing: of an empty needle there is no tail to cut off.
        return Sql(f"CASE WHEN {text} IS NULL THEN NULL WHEN length({inner}) = 0 THEN 1"
                   f" ELSE substr({text}, -length({inner})) = {inner} END", (*one, *two, *one, *two, *two))  # fmt: skip

    @staticmethod
    def sortable(key: Sql) -> Sql:
        """A key of the order that cannot be taken for the number of a column: a condition may come down to 0 or 1 while the
        statement is read.
        """
        return Sql(f"coalesce({key.text}, NULL)", key.values)

    @staticmethod
    def contains(operand: Sql, needle: str) -> Sql:
        """Whether a folded text holds a folded needle."""
        return Sql(f"instr({operand.text}, ?) > 0", (*operand.values, needle))

    @staticmethod
    def startswith(operand: Sql, needle: str) -> Sql:
        """Whether a folded text begins with a folded needle."""
        return Sql(f"substr({operand.text}, 1, ?) = ?", (*operand.values, len(needle), needle))

    @staticmethod
    def endswith(operand: Sql, needle: str) -> Sql:
        """Whether a folded text ends with a folded needle."""
        if not needle:
            return Sql(f"{operand.text} IS NOT NULL OR NULL", operand.values)
        return Sql(f"substr({operand.text}, ?) = ?", (*operand.values, -len(needle), needle))

    @staticmethod
    def ordered(key: str, *, descending: bool, nullable: bool) -> str:
        """A key of the order and its direction: nulls are less than everything here by themselves."""
        del nullable
        return f"{key} {'DESC' if descending else 'ASC'}"

    @staticmethod
    def ddl(text: str) -> list[str]:
        """The statement that makes or changes a table: the common spelling is SQLite's."""
        return [text]

    @staticmethod
    def indexed(column: str, *, nullable: bool) -> str:
        """A column as a part of an index that is read in the set's orders."""
        del nullable
        return column

    @staticmethod
    def suited(table: str) -> list[str]:
        """The statements that make a table keep documents of some kilobytes well: the size of a page does (`file.py`)."""
        del table
        return []

    @staticmethod
    def create_words(table: str) -> list[str]:
        """The statement that makes a set's index of words: of words alone, the tenant among them so that no search walks over
        others. Its rows have the numbers of the set's own rows.
        """
        columns = "tenant, words, content='', contentless_delete=1, tokenize='ascii'"
        return [f'CREATE VIRTUAL TABLE "{table}_words" USING fts5({columns})']

    @staticmethod
    def put_words(table: str) -> str:
        """The statement that keeps the words of a row that is there; its values are the words, the tenant, and the id.

        A single row of VALUES: what inserts rows out of a SELECT could fail halfway, so SQLite has the index write down what it
        holds before each of them, which costs three times the inserting.
        """
        return (
            f'INSERT OR REPLACE INTO "{table}_words" (rowid, tenant, words)'
            f' VALUES ((SELECT rowid FROM "{table}" WHERE tenant = ?2 AND id = ?3), ?2, ?1)'
        )

    @staticmethod
    def remove_words(table: str) -> str:
        """The statement that forgets a row's words, while the row is still there; its values are the tenant and the id."""
        return f'DELETE FROM "{table}_words" WHERE rowid IN (SELECT rowid FROM "{table}" WHERE tenant = ? AND id = ?)'

    @staticmethod
    def worded(tenant: int, words: str) -> object:
        """The words of a row as they are kept."""
        del tenant
        return words
