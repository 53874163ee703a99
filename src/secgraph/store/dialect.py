"""The few words on which the databases differ. Today: SQLite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from secgraph import clock


class Sql(NamedTuple):
    """A piece of SQL and the values that go beside it, in order."""

    text: str
    values: tuple[object, ...] = ()


def joined(separator: str, parts: list[Sql]) -> Sql:
    """The pieces with a separator between them, their values in order."""
    return Sql(separator.join(part.text for part in parts), tuple(value for part in parts for value in part.values))


@dataclass(frozen=True, slots=True)
class Instant:
    """A value known when a statement is run: the present instant, so many ticks later, as ticks or as it is written."""

    later: int
    written: bool = False

    def bound(self, tenant: int, now: int) -> object:
        """The value to bind."""
        del tenant
        return clock.text(now + self.later) if self.written else now + self.later


@dataclass(frozen=True, slots=True)
class Words:
    """A value known when a statement is run: what is looked for in the texts of that tenant, as FTS5 reads it."""

    wanted: str

    def bound(self, tenant: int, now: int) -> object:
        """The value to bind."""
        del now
        return f'tenant:"{tenant}" AND ({self.wanted})'


@dataclass(frozen=True, slots=True)
class Whose:
    """A value known when a statement is run: the tenant whose rows are asked for."""

    def bound(self, tenant: int, now: int) -> object:
        """The value to bind."""
        del now
        return tenant


def phrase(words: tuple[str, ...]) -> str:
    """Words in a row as FTS5 reads them. They hold letters and digits only, so that none can be a mark of its own."""
    return f'words:"{" ".join(words)}"'


Late = (Instant, Words, Whose)
"""The classes of values that are known only when a statement is run."""


def bound(values: tuple[object, ...], tenant: int, now: int) -> tuple[object, ...]:
    """The values as they are at this moment for this tenant."""
    return tuple(value.bound(tenant, now) if isinstance(value, Late) else value for value in values)


class Sqlite:
    """SQLite's spelling. JSON paths are bound as values: a name inside an open type comes from a client."""

    document = 'coalesce(t."full", t.doc)'
    false, true = "0", "1"

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
    def found(table: str) -> str:
        """Whether the words of a row hold those that are bound."""
        return f't.rowid IN (SELECT rowid FROM "{table}_words" WHERE "{table}_words" MATCH ?)'

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
