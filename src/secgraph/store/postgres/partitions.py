"""PostgreSQL with its large tables cut into partitions, in each of which the rows of some tenants are.

Whether they are is decided when the tables are made; afterwards the database itself tells. Every key begins with the tenant, so
that a question of one tenant is one of one partition.
"""

from __future__ import annotations

import re
from typing import Any

from secgraph.model.edm import load
from secgraph.store.dialect import Sql, Whose
from secgraph.store.postgres.dialect import Postgres, WordList

FEWEST, MOST = 2, 512
"""How many partitions there may be: each is a dozen tables, and three dozen indexes that a server keeps open."""

LARGE = frozenset({
    "events", "entries", "entries_packed", "removed", "incident_keys", "rejected", "subjects", "postings", "entities", "cases",
    "reasons",
    *(name for one in load().stored() if not one.choices.sourced for name in (one.table, f"{one.table}_words")),
})  # fmt: skip
"""The tables that grow with what is reported; of what products know beside that there is far less. `entries_packed` is what
`entries` is called while it is made.
"""

_MADE = re.compile(r'CREATE TABLE "?(\w+)"? ')
_RENAMED = re.compile(r'ALTER TABLE "?(\w+)"? RENAME TO "?(\w+)"?$')

_COUNT = "SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('events')"


class Partitioned(Postgres):
    """PostgreSQL's spelling where the large tables have so many partitions."""

    def __init__(self, number: int) -> None:
        self.number = number

    def ddl(self, text: str) -> list[str]:
        """The statements that make or change a table, and its partitions with it."""
        [said] = super().ddl(text)
        if (made := _MADE.match(text)) and made[1] in LARGE:
            table = made[1]
            return [f"{said} PARTITION BY HASH (tenant)", *(
                f'CREATE TABLE "{part}" PARTITION OF "{table}" FOR VALUES WITH (MODULUS {self.number}, REMAINDER {place})'
                for place, part in enumerate(self._parts(table))
            )]  # fmt: skip
        if (renamed := _RENAMED.match(text)) and renamed[1] in LARGE:
            names = zip(self._parts(renamed[1]), self._parts(renamed[2]), strict=True)
            return [said, *(f'ALTER TABLE "{old}" RENAME TO "{new}"' for old, new in names)]
        return [said]

    def suited(self, table: str) -> list[str]:
        """The statements that keep documents in their rows: it is the partitions that have rows."""
        if table not in LARGE:
            return super().suited(table)
        return [text for part in self._parts(table) for text in super(Partitioned, self).suited(part)]

    @staticmethod
    def found(table: str, words: tuple[str, ...]) -> Sql:
        """Whether the words of a row hold these, looked for where the tenant's are."""
        text = f't.id IN (SELECT w.id FROM "{table}_words" w WHERE w.tenant = ? AND w.words @> ?)'
        return Sql(text, (Whose(), WordList(words)))

    def _parts(self, table: str) -> list[str]:
        return [f"{table}_p{place}" for place in range(self.number)]


async def dialect_of(connection: Any) -> Postgres:
    """How a database is spoken to, whose tables are there."""
    number: int = await connection.fetchval(_COUNT)
    return Partitioned(number) if number else Postgres()
