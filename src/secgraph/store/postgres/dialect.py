"""How PostgreSQL says what `dialect.py` lists.

Documents are not looked into by the database: what a condition reads from them is judged outside of it, and asking for it
here is `Unsaid`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from secgraph.model.value import UNSTORABLE
from secgraph.odata.search import APART
from secgraph.store.dialect import Late, Slotted, Sql

LONGEST_WORD = 200
"""Longest word, in characters, that is kept as it is: an entry of a GIN index has 2,700 bytes at most."""

HEAD = 500
"""Characters of a text that an index holds: an entry of a B-tree has 2,700 bytes at most, and holds an id beside it."""

_TYPES = {"BLOB": "BYTEA", "TEXT": 'TEXT COLLATE "C"', "TEXT[]": 'TEXT[] COLLATE "C"'}
_TYPE = re.compile(r"\b(BLOB\b|TEXT\b(?:\[\])?)")
_CAST = re.compile(r"\bAS BLOB\b")
_ROWID = re.compile(r"\)\s*WITHOUT ROWID\s*$")


class Unsaid(Exception):
    """What is asked cannot be said in SQL here."""


@lru_cache(4096)
def numbered(text: str) -> str:
    """A statement with `$1`, `$2` and so on in place of its question marks."""
    head, *parts = text.split("?")
    return head + "".join(f"${number}{part}" for number, part in enumerate(parts, 1))


def kept_word(tenant: int, word: str) -> str:
    """A word as the index holds it: the tenant leads, so that no entry is shared by two."""
    if len(word) > LONGEST_WORD:
        word = f"#{hashlib.blake2b(word.encode(), digest_size=16).hexdigest()}"
    return f"{tenant}:{word}"


@dataclass(frozen=True, slots=True)
class WordList(Late):
    """Words in the texts of a tenant's row, as an array is asked for them: it does not know in which order they stand."""

    words: tuple[str, ...]

    def bound(self, tenant: int, now: int) -> object:
        """The value to bind."""
        del now
        return [kept_word(tenant, word) for word in self.words]


def _unsaid(*_: Any) -> NoReturn:
    raise Unsaid


def _typed(found: re.Match[str]) -> str:
    return _TYPES[found[0]]


class Postgres:
    """PostgreSQL's spelling."""

    document = 'coalesce(t."full", t.doc)'
    false, true = "false", "true"
    counts = True
    head = HEAD
    # The clock is read outside of what waits for the row: an instant from before the wait would be an earlier one.
    clock = (
        "SELECT c.guid, c.seq, c.stamp, c.incidents, c.terms,"
        " floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 10"
        " FROM (SELECT guid, seq, stamp, incidents, terms FROM tenants WHERE tenant = ? FOR UPDATE) c"
    )
    columns = (
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(?)) AND attnum > 0 AND NOT attisdropped"
    )
    there = "SELECT count(to_regclass(quote_ident(?)))"

    member = member_of = each = size = function = sortable = staticmethod(_unsaid)
    """What is in a document."""

    @staticmethod
    def bytes_of(document: str) -> str:
        """A document as the bytes that are sent."""
        return f"convert_to({document}, 'UTF8')"

    @staticmethod
    def distinct(left: str, right: str) -> str:
        """Not equal, where null equals null and nothing else."""
        return f"{left} IS DISTINCT FROM {right}"

    @staticmethod
    def same(left: str, right: str) -> str:
        """Equal, where null equals null and nothing else."""
        return f"{left} IS NOT DISTINCT FROM {right}"

    @staticmethod
    def among(column: str) -> str:
        """Whether a column's value is one of a list, which is bound as one value (`listed`)."""
        return f"{column} = ANY(?)"

    @staticmethod
    def listed(values: Iterable[str]) -> object:
        """Texts as the one value that `among` takes. What no row can hold would be refused, and is left out."""
        return [value for value in values if not UNSTORABLE.search(value)]

    @staticmethod
    def numbers(values: Iterable[int]) -> object:
        """Whole numbers as the one value that `among` takes."""
        return list(values)

    @staticmethod
    def near(tenant: int, wanted: Sequence[Slotted], most: int) -> Sql:
        """The question which alerts name what; each is a search of its own in the index, which ends after so many."""
        text = (
            "SELECT ARRAY(SELECT p.born FROM postings p WHERE p.tenant = ? AND p.slot = k.slot AND p.key = k.key"
            " AND p.last BETWEEN k.since AND k.until ORDER BY p.last DESC, p.born DESC LIMIT ?)"
            " FROM unnest(?::int[], ?::bigint[], ?::bigint[], ?::bigint[]) WITH ORDINALITY k (slot, key, since, until, place)"
            " ORDER BY k.place"
        )
        columns = [list(column) for column in zip(*wanted, strict=True)]
        return Sql(text, (tenant, most, *columns))

    @staticmethod
    def numbers_of(listed: Any) -> list[int]:
        """Numbers out of an array."""
        found: list[int] = listed
        return found

    @staticmethod
    def headed(column: str) -> str:
        """What an index holds of a column whose texts may have any length: their first characters."""
        return f"left({column}, {HEAD})"

    @staticmethod
    def unindexed(column: str) -> str:
        """The column as it is: this planner knows from its statistics how many rows each index would give."""
        return column

    @staticmethod
    def found(table: str, words: tuple[str, ...]) -> Sql:
        """Whether the words of a row hold these, in whatever order."""
        return Sql(f't.id IN (SELECT w.id FROM "{table}_words" w WHERE w.words @> ?)', (WordList(words),))

    @staticmethod
    def holds(op: str, operand: Sql, needle: Sql) -> Sql:
        """A text match of two folded texts of the row; null where one of them is."""
        values = (*operand.values, *needle.values)
        match op:
            case "contains":
                return Sql(f"strpos({operand.text}, {needle.text}) > 0", values)
            case "startswith":
                return Sql(f"starts_with({operand.text}, {needle.text})", values)
        return Sql(f"right({operand.text}, length({needle.text})) = {needle.text}", (*values, *needle.values))

    def contains(self, operand: Sql, needle: str) -> Sql:
        """Whether a folded text holds a folded needle."""
        return self.holds("contains", operand, Sql("?", (needle,)))

    def startswith(self, operand: Sql, needle: str) -> Sql:
        """Whether a folded text begins with a folded needle."""
        return self.holds("startswith", operand, Sql("?", (needle,)))

    @staticmethod
    def endswith(operand: Sql, needle: str) -> Sql:
        """Whether a folded text ends with a folded needle."""
        return Sql(f"right({operand.text}, ?) = ?", (*operand.values, len(needle), needle))

    @staticmethod
    def ordered(key: str, *, descending: bool, nullable: bool) -> str:
        """A key of the order and its direction. Nulls are more than everything here where nothing else is said."""
        nulls = f" NULLS {'LAST' if descending else 'FIRST'}" if nullable else ""
        return f"{key} {'DESC' if descending else 'ASC'}{nulls}"

    # -- tables

    def ddl(self, text: str) -> list[str]:
        """The statement that makes or changes a table, out of the common spelling. Texts are sorted by code point."""
        if text.startswith(("CREATE TABLE", "ALTER TABLE")):
            return [_ROWID.sub(")", _TYPE.sub(_typed, text))]
        return [_CAST.sub("AS BYTEA", text)]

    @staticmethod
    def indexed(column: str, *, nullable: bool) -> str:
        """A column as a part of an index that is read in the set's orders, forward or backward."""
        return f"{column} NULLS FIRST" if nullable else column

    def suited(self, table: str) -> list[str]:
        """The statements that keep a document of some kilobytes in its row, as it is: half of a page's length may one have."""
        return [f'ALTER TABLE "{table}" SET (toast_tuple_target = 8160)']

    def create_words(self, table: str) -> list[str]:
        """The statements that make a set's index of words."""
        columns = "tenant INTEGER NOT NULL, id TEXT NOT NULL, words TEXT[] NOT NULL, PRIMARY KEY (tenant, id)"
        return [
            *self.ddl(f'CREATE TABLE "{table}_words" ({columns})'),
            f'CREATE INDEX "{table}_words_found" ON "{table}_words" USING gin (words)',
        ]

    @staticmethod
    def put_words(table: str) -> str:
        """The statement that keeps a row's words; its values are the words, the tenant, and the id."""
        return (
            f'INSERT INTO "{table}_words" (words, tenant, id) VALUES (?, ?, ?)'
            " ON CONFLICT (tenant, id) DO UPDATE SET words = excluded.words"
        )

    @staticmethod
    def remove_words(table: str) -> str:
        """The statement that forgets a row's words; its values are the tenant and the id."""
        return f'DELETE FROM "{table}_words" WHERE tenant = ? AND id = ?'

    @staticmethod
    def worded(tenant: int, words: str) -> object:
        """The words of a row as they are kept: each once."""
        return [kept_word(tenant, word) for word in dict.fromkeys(words.split()) if word != APART]
