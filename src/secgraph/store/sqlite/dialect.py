"""How SQLite says what `store/dialect.py` lists."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from secgraph.store.dialect import Slotted, Sql, Words, phrase

_numbers = msgspec.json.Decoder(list[int])


class Sqlite:
    """SQLite's spelling. JSON paths are bound as values: a name inside an open type comes from a client."""

    document = 'coalesce(t."full", t.doc)'
    false, true = "0", "1"
    counts = False
    head = sys.maxsize
    clock = "SELECT guid, seq, stamp, incidents, terms, NULL FROM tenants WHERE tenant = ?"
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
        """The items of the collection at a path, as rows `alias.value`. What is no collection has none: of a null, or whatever
        else a member of an open type may be, SQLite makes rows that have no number.
        """
        items = f"SELECT value FROM json_each({base}, ?) WHERE typeof(key) = 'integer'"
        return Sql(f"({items}) AS {alias}", (self.path(names),))

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
    def numbers(values: Iterable[int]) -> str:
        """Whole numbers as the one value that `among` takes."""
        return msgspec.json.encode(list(values)).decode()

    @staticmethod
    def near(tenant: int, wanted: Sequence[Slotted], most: int) -> Sql:
        """The question which alerts name what; each is a search of its own in the index, which ends after so many."""
        text = (
            "SELECT (SELECT json_group_array(born) FROM (SELECT p.born FROM postings p WHERE p.tenant = ?"
            " AND p.slot = k.value ->> 0 AND p.key = k.value ->> 1 AND p.last BETWEEN k.value ->> 2 AND k.value ->> 3"
            " ORDER BY p.last DESC, p.born DESC LIMIT ?)) FROM json_each(?) k"
        )
        return Sql(text, (tenant, most, msgspec.json.encode(wanted).decode()))

    @staticmethod
    def numbers_of(listed: Any) -> list[int]:
        """Numbers out of a JSON array."""
        return _numbers.decode(listed)

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
