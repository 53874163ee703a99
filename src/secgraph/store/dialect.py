"""The few words on which the databases differ. Today: SQLite."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Sql(NamedTuple):
    """A piece of SQL and the values that go beside it, in order."""

    text: str
    values: tuple[object, ...] = ()


def joined(separator: str, parts: list[Sql]) -> Sql:
    """The pieces with a separator between them, their values in order."""
    return Sql(separator.join(part.text for part in parts), tuple(value for part in parts for value in part.values))


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
    def unindexed(column: str) -> str:
        """The column, kept out of the planner's choice of index: a range over a few enum numbers would win it over the
        index that gives the order, and sort everything.
        """
        return f"+{column}"

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
