"""Query → SQL and values: a page or a count of one tenant's rows.

Values never meet the text. A page is read in segments: each is a range of one index (the ties of the last row first,
then everything beyond it), so that page one thousand costs what page one costs, with nulls and mixed directions too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from secgraph import clock
from secgraph.model.edm import EntitySet
from secgraph.odata.query import All, Compare, Const, Either, Field, Naming, Not, OneOf, Operand, Present, Query, Test, fields
from secgraph.store.dialect import Dialect, Late, Sql, Whose, Words, bound, joined
from secgraph.store.expression import Writer
from secgraph.store.heads import alike, compared
from secgraph.store.judgements import SLOT
from secgraph.store.layout import quoted, tally_table
from secgraph.store.needed import Needed, conjuncts, needed_words
from secgraph.store.protocol import Key
from secgraph.store.slow import unindexed

OVERRUNS = 3
"""Overruns in a row after which a plan goes to the threads at once."""

STAMP = "lastUpdateDateTime"

RETRY = 50
"""Runs in the threads after which such a plan is tried on the event loop again."""

FULL = 't."full"'

FEW = 500
"""Rows that can answer at all, up to which they are gathered and sorted; of more, the order's index finds enough by itself."""

SEVERAL = 20_000
"""Rows that hold the words asked for, up to which it is worth knowing them all before the order's index is walked."""


FEW_WORDS = 10
"""Texts that may be looked for on the event loop: nothing breaks a search off before it finds its first row."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT over one tenant's rows. Its values are `before`, the tenant, `after`, and a limit."""

    text: str
    before: tuple[object, ...]
    after: tuple[object, ...]
    late: bool
    """Whether some values are known only when the statement is run."""

    def values(self, tenant: int, limit: int, now: clock.Now) -> tuple[object, ...]:
        """Everything to bind, in order."""
        values = (*self.before, tenant, *self.after, limit)
        return bound(values, tenant, now()) if self.late else values


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of the order as SQL."""

    sql: Sql
    nullable: bool
    descending: bool
    head: str = ""
    """What an index holds of it, where that is not the whole."""


@dataclass(slots=True)
class Plan:
    """A compiled query, and whether it is worth a try on the event loop.

    One that overran what the loop can spare three times in a row goes to the threads at once; it is tried again now and
    then, because what slowed it down may have been the machine.
    """

    dialect: Dialect
    table: str
    document: str
    where: Sql | None
    keys: tuple[SortKey, ...]
    unindexed: tuple[str, ...]
    """Paths that the condition or the order reads from the document, for the message when it takes too long."""
    key_values: tuple[object, ...]
    late: bool
    """Whether some values are known only when a statement is run."""
    judged: bool = False
    """Whether what rows are judged by comes behind the keys: the full document, where that is another, and the first stamp."""
    tallied: str = ""
    """The table that knows how many rows have each combination of values, where the condition asks for nothing else."""
    tenant: str = "t.tenant = ?"
    """The condition that the rows are the tenant's."""
    ways: tuple[Way, ...] = ()
    """Other ways to the same rows, in the order in which they are tried."""
    counting: Plan | None = None
    """The way to count them all, where it is another than walking along the order."""
    searches: bool = False
    """Whether words are looked for: nothing breaks that off before a row is found."""
    texts: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Statement texts by the conditions of their segment, so that a text is put together once."""
    overruns: int = 0
    apart: int = 0
    """How often it went to the threads at once."""
    straight: Sql | None = field(init=False, default=None)
    """What follows a row as one range of the index, which is entered once; the row's keys are bound behind these values. None
    where directions are mixed, or a key may be null or is not wholly in the index.
    """

    def __post_init__(self) -> None:
        if len({key.descending for key in self.keys}) == 1 and not any(key.nullable or key.head for key in self.keys):
            names, sign = joined(", ", [key.sql for key in self.keys]), "<" if self.keys[0].descending else ">"
            self.straight = Sql(f"({names.text}) {sign} ({', '.join('?' * len(self.keys))})", names.values)

    def worth_a_try(self) -> bool:
        """Whether to run it on the event loop this time."""
        if self.overruns < OVERRUNS:
            return True
        self.apart += 1
        return self.apart % RETRY == 0

    def overran(self) -> None:
        """It did not finish within the budget."""
        self.overruns += 1

    def fitted(self) -> None:
        """It finished within the budget."""
        self.overruns = 0

    def first(self) -> Statement:
        """The statement that reads from the start."""
        return self._select([])

    def tally(self, tenant: int, now: clock.Now) -> Sql:
        """The statement that counts, with everything to bind."""
        condition = self.where or Sql("")
        many = f"coalesce(sum(t.many), 0) FROM {self.tallied}" if self.tallied else f"count(*) FROM {self.table}"
        return Sql(
            f"SELECT {many} t WHERE {self.tenant}{' AND ' if self.where else ''}{condition.text}",
            (tenant, *(bound(condition.values, tenant, now()) if self.late else condition.values)),
        )

    def statements(self, after: Key | None) -> list[Statement]:
        """The statements that together read what follows a row, or everything, in order. They have to see the same commit."""
        return [self.first()] if after is None else self.segments(after)

    def segments(self, after: Key) -> list[Statement]:
        """The statements that together read what follows a row, in order."""
        if self.straight is not None and None not in after:
            text, values = self.straight
            return [self._select([Sql(text, (*values, *after))])]
        found: list[Statement] = []
        for depth in reversed(range(len(self.keys))):
            ties = [_tie(key, value, self.dialect) for key, value in zip(self.keys[:depth], after[:depth], strict=True)]
            rest = _beyond(self.keys[depth], after[depth], self.dialect)
            found.extend(self._select([*ties, beyond], depth) for beyond in rest)
        return found

    def _select(self, conditions: list[Sql], tied: int = 0) -> Statement:
        """The statement that reads what answers these too, which have so many of the keys alike."""
        shape = tuple(condition.text for condition in conditions)
        text = self.texts.get(shape)
        if text is None:
            text = self.texts[shape] = self._text(shape, tied)
        values: tuple[object, ...] = ()
        for condition in conditions:
            values += condition.values
        values += self.where.values if self.where else ()
        return Statement(text, self.key_values, values + self.key_values, self.late)

    def _text(self, conditions: tuple[str, ...], tied: int) -> str:
        order = ", ".join(
            part for place, key in enumerate(self.keys) for part in _ordered(key, self.dialect, tied=place < tied)
        )
        keys = ", ".join(key.sql.text for key in self.keys)
        if self.judged:
            keys = f"{keys}, {self.dialect.bytes_of(FULL)}, t.born"
        # The place in the order comes first: of two upper bounds on one column the planner seeks by the one it meets
        # first, and a bound of the filter would have it walk over every page before this one.
        parts = [self.tenant, *conditions, *([self.where.text] if self.where else [])]
        return (
            f"SELECT {self.dialect.bytes_of(self.document)}, t.id, {keys} FROM {self.table} t"
            f" WHERE {' AND '.join(parts)} ORDER BY {order} LIMIT ?"
        )


@dataclass(frozen=True, slots=True)
class Way:
    """Another way to the rows of a question, for when only so many can answer at all."""

    plan: Plan
    possible: Sql
    """The statement that says of which rows this is; its values are bound for the tenant."""
    most: int
    apart: bool = False
    """Whether counting so many takes more than the event loop can spare."""

    def probe(self, tenant: int, now: clock.Now) -> Sql:
        """The statement that counts them, up to one more than the most."""
        values = bound((*self.possible.values, self.most + 1), tenant, now())
        return Sql(f"SELECT count(*) FROM ({self.possible.text} LIMIT ?)", values)


def _ordered(key: SortKey, dialect: Dialect, *, tied: bool) -> list[str]:
    """A key in the order: what an index holds of it leads, and is enough among rows that have it alike."""
    parts = [key.head] if key.head and tied else [part for part in (key.head, key.sql.text) if part]
    return [dialect.ordered(part, descending=key.descending, nullable=key.nullable) for part in parts]


def _tie(key: SortKey, value: Any, dialect: Dialect) -> Sql:
    if value is None:
        return Sql(f"{key.head or key.sql.text} IS NULL", key.sql.values)
    if key.head:
        return alike(dialect, key.sql.text, value)
    return Sql(f"{key.sql.text} = ?", (*key.sql.values, value))


def _beyond(key: SortKey, value: Any, dialect: Dialect) -> list[Sql]:
    """What follows a value of a key: nulls come first ascending and last descending."""
    text, values = key.sql
    if value is None:
        return [] if key.descending else [Sql(f"{key.head or text} IS NOT NULL", values)]
    if key.head:
        smaller = compared(dialect, text, "<" if key.descending else ">", value)
        return [smaller, Sql(f"{key.head} IS NULL")] if key.descending else [smaller]
    if not key.descending:
        return [Sql(f"{text} > ?", (*values, value))]
    smaller = Sql(f"{text} < ?", (*values, value))
    return [smaller, Sql(f"{text} IS NULL", values)] if key.nullable else [smaller]


def compiled(query: Query, dialect: Dialect, *, judged: bool = False) -> Plan:
    """The plan of a query; the same for every tenant. `judged`: for rows that are to be judged by their documents."""
    parts = conjuncts(query.where)
    since = _since(query, parts)
    writer = Writer(dialect, since, query.of.choices.free)
    where = _where(writer, parts)
    needed = None if dialect.counts else needed_words(parts, query.of)
    keys = tuple(SortKey(*writer.key(order.by), order.descending, _head(order.by, query.of, dialect)) for order in query.order)
    key_values = tuple(value for key in keys for value in key.sql.values)
    plan = Plan(
        dialect=dialect,
        table=quoted(query.of.table),
        document=dialect.document if query.unknown_members else "t.doc",
        where=where,
        keys=keys,
        key_values=key_values,
        tallied=tally_table(query.of) if query.of.choices.tally and _of_tally(query.where, query.of) else "",
        late=any(isinstance(value, Late) for value in (*key_values, *(where.values if where else ()))),
        unindexed=unindexed(query),
        judged=judged,
        searches=needed is not None or any(isinstance(value, Words) for value in (where.values if where else ())),
    )
    if needed is not None:
        _by_words(plan, query.of, needed, writer)
    if since is not None and not dialect.counts:
        _by_change(plan, since, parts, dialect)
    return plan if query.naming is None else _named(plan, query.naming)


_SLOTS = (
    "WITH RECURSIVE slots (slot) AS (SELECT min(slot) FROM postings WHERE tenant = ? UNION ALL"
    " SELECT (SELECT min(n.slot) FROM postings n WHERE n.tenant = ? AND n.slot > slots.slot)"
    " FROM slots WHERE slots.slot IS NOT NULL) SELECT slot FROM slots"
)
"""The slots in which a tenant has postings."""


def _named(plan: Plan, naming: Naming) -> Plan:
    """The plan for those of the rows that name a thing. The few that do are gathered by what names it; where many do, each row
    along the way is looked at by itself, which is two searches by a whole key.
    """
    postings = Sql(f"{{0}}.tenant = ? AND {{0}}.slot IN ({_SLOTS}) AND {{0}}.key = ?", (*(Whose(),) * 3, naming.thing))
    own = Sql(f"{postings.text.format('p')} AND s.tenant = p.tenant AND s.born = p.born AND t.id = s.alert", postings.values)
    gathered = f"postings p CROSS JOIN subjects s CROSS JOIN {plan.table}"
    few = replace(_both(plan, own), table=gathered, keys=_sorted(plan, plan.dialect), late=True, ways=())
    # An alert names a thing once: with no other condition it is counted by that.
    few.counting = few
    if plan.where is None:
        own = Sql(postings.text.format("t"), postings.values)
        few.counting = replace(plan, table="postings", where=own, late=True, tallied="")
    if naming.few:
        return few
    each = Sql(
        "EXISTS (SELECT 1 FROM subjects s JOIN postings p ON p.tenant = s.tenant"
        " AND p.slot = (s.last - (s.last % ? + ?) % ?) / ? AND p.key = ? AND p.last = s.last AND p.born = s.born"
        " WHERE s.tenant = t.tenant AND s.born = t.born)",
        (SLOT, SLOT, SLOT, SLOT, naming.thing),
    )
    ways = tuple(replace(way, plan=_both(way.plan, each)) for way in plan.ways)
    return replace(_both(plan, each), ways=ways, counting=few.counting)


def _both(plan: Plan, more: Sql) -> Plan:
    """The plan for those of its rows for which this holds too."""
    where = more if plan.where is None else joined(" AND ", [more, plan.where])
    return replace(plan, where=where, tallied="", texts={})


def _head(by: Operand, of: EntitySet, dialect: Dialect) -> str:
    """What an index holds of a key of the order, where that is not the whole."""
    if not isinstance(by, Field) or by.column not in of.choices.free:
        return ""
    column = f"t.{quoted(by.column)}"
    return "" if (head := dialect.headed(column)) == column else head


def _by_words(plan: Plan, of: EntitySet, needed: Needed, writer: Writer) -> None:
    """Adds the ways for questions that only rows with certain words can answer."""
    table = quoted(f"{of.table}_words")
    wanted = Sql(f"SELECT rowid FROM {table} WHERE {table} MATCH ?", (Words(needed.wanted),))
    rest = _where(writer, needed.rest)
    where = joined(" AND ", [Sql(f"t.rowid IN ({wanted.text})", wanted.values), *([rest] if rest else [])])
    # Every index begins with the tenant: without it, the numbers of the rows are what is left to enter by.
    own = writer.dialect.unindexed(plan.tenant)
    few = replace(plan, where=where, keys=_sorted(plan, writer.dialect), late=True, tenant=own, texts={})
    plan.ways += (Way(few, wanted, FEW, apart=needed.many > FEW_WORDS),)
    if any(field.column is None for part in needed.rest for field in fields(part)):
        # Along the order's index, so that the documents of those rows alone are read.
        plan.ways += (Way(replace(plan, where=where, late=True, ways=(), texts={}), wanted, SEVERAL, apart=True),)


def _by_change(plan: Plan, since: Test, parts: tuple[Test, ...], dialect: Dialect) -> None:
    """Adds the way for questions about what changed since some instant, where the order goes by something else."""
    writer = Writer(dialect)
    few = replace(plan, where=_where(writer, parts), keys=_sorted(plan, dialect), ways=(), texts={})
    changed = writer.test(since, negated=False)
    possible = Sql(f"SELECT 1 FROM {plan.table} t WHERE {plan.tenant} AND {changed.text}", (Whose(), *changed.values))
    plan.ways += (Way(few, possible, FEW),)
    plan.counting = few


def _sorted(plan: Plan, dialect: Dialect) -> tuple[SortKey, ...]:
    """The keys of the order for rows that are gathered by something else than its index."""
    return tuple(replace(key, sql=Sql(dialect.unindexed(key.sql.text), key.sql.values)) for key in plan.keys)


def _where(writer: Writer, parts: tuple[Test, ...]) -> Sql | None:
    if not parts:
        return None
    text, values = writer.test(All(parts), negated=False)
    return Sql(f"({text})", values)


def _of_tally(test: Test | None, one: EntitySet) -> bool:
    """Whether a condition asks for nothing but columns of the set's tally."""
    match test:
        case None:
            return True
        case All(parts=parts) | Either(parts=parts):
            return all(_of_tally(part, one) for part in parts)
        case Not(part=part):
            return _of_tally(part, one)
        case Compare(left=Field(column=column), right=Const()) | OneOf(operand=Field(column=column)):
            return column in one.choices.tally
    return False


def _since(query: Query, parts: tuple[Test, ...]) -> Test | None:
    """The condition by which a poller asks for what changed. The order's index would lead over every row there is, to find
    the few that changed since the last time.
    """
    leading = query.order[0].by
    if isinstance(leading, Field) and leading.column == STAMP:
        return None
    for part in parts:
        match part:
            case Compare(op="gt" | "ge", left=Field(column=column), right=Const() | Present()) if column == STAMP:
                return part
    return None
