"""The few words on which the databases differ; how each says them stands in `sqlite/dialect.py` and `postgres/dialect.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from secgraph import clock

Slotted = tuple[int, int, int, int]
"""A key in one slot, from one instant to another: slot, key, since, until."""


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
    last stamp, the last incident number, the number of its terms, and the database's own instant (null where it has none to
    offer).
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

    def near(self, tenant: int, wanted: Sequence[Slotted], most: int) -> Sql:
        """The question which alerts name what: for each that is wanted, in order, a list for `numbers_of`."""

    def numbers_of(self, listed: Any) -> list[int]:
        """Numbers out of a list that the database made."""

    # -- conditions and order

    def distinct(self, left: str, right: str) -> str:
        """Not equal, where null equals null and nothing else."""

    def same(self, left: str, right: str) -> str:
        """Equal, where null equals null and nothing else."""

    def among(self, column: str) -> str:
        """Whether a column's value is one of a list, which is bound as one value (`listed`)."""

    def listed(self, values: Iterable[str]) -> object:
        """Texts as the one value that `among` takes."""

    def numbers(self, values: Iterable[int]) -> object:
        """Whole numbers as the one value that `among` takes."""

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
