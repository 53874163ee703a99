"""Query → SQL and values: the meaning of `odata.query` in the words of a database.

Values never meet the text. A page is read in segments: each is a range of one index (the ties of the last row first,
then everything beyond it), so that page one thousand costs what page one costs, with nulls and mixed directions too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from secgraph import clock
from secgraph.model.edm import EnumType
from secgraph.odata.query import (
    All,
    Cast,
    Compare,
    Const,
    Either,
    Field,
    Kind,
    Not,
    OneOf,
    Order,
    Query,
    Size,
    Some,
    Test,
    TextMatch,
    fields,
    fold,
)
from secgraph.store.dialect import Sql, Sqlite, joined
from secgraph.store.layout import quoted
from secgraph.store.protocol import Key

OVERRUNS = 3
"""Overruns in a row after which a plan goes to the threads at once."""

RETRY = 50
"""Runs in the threads after which such a plan is tried on the event loop again."""

_SYMBOL = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT over one tenant's rows. Its values are `before`, the tenant, `after`, and a limit."""

    text: str
    before: tuple[object, ...]
    after: tuple[object, ...]

    def values(self, tenant: int, limit: int) -> tuple[object, ...]:
        """Everything to bind, in order."""
        return (*self.before, tenant, *self.after, limit)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of the order as SQL."""

    sql: Sql
    descending: bool
    nullable: bool


@dataclass(slots=True)
class Plan:
    """A compiled query, and whether it is worth a try on the event loop.

    One that overran what the loop can spare three times in a row goes to the threads at once; it is tried again now and
    then, because what slowed it down may have been the machine.
    """

    table: str
    document: str
    where: Sql | None
    keys: tuple[SortKey, ...]
    unindexed: tuple[str, ...]
    """Paths that the condition or the order reads from the document, for the message when it takes too long."""
    key_values: tuple[object, ...]
    texts: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Statement texts by the conditions of their segment, so that a text is put together once."""
    overruns: int = 0
    apart: int = 0
    """How often it went to the threads at once."""

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

    def tally(self) -> Sql:
        """The statement that counts; the tenant is its first value."""
        condition = self.where or Sql("")
        return Sql(
            f"SELECT count(*) FROM {self.table} t WHERE t.tenant = ?{' AND ' if self.where else ''}{condition.text}",
            condition.values,
        )

    def segments(self, after: Key) -> list[Statement]:
        """The statements that together read what follows a row, in order."""
        uniform = len({key.descending for key in self.keys}) == 1
        if uniform and None not in after and not any(key.nullable for key in self.keys):
            # The usual case, as one range: the index is entered once and nothing else has to be asked.
            sign = "<" if self.keys[0].descending else ">"
            names = joined(", ", [key.sql for key in self.keys])
            return [self._select([Sql(f"({names.text}) {sign} ({', '.join('?' * len(after))})", (*names.values, *after))])]
        found: list[Statement] = []
        for depth in reversed(range(len(self.keys))):
            ties = [_tie(key, value) for key, value in zip(self.keys[:depth], after[:depth], strict=True)]
            found.extend(self._select([*ties, beyond]) for beyond in _beyond(self.keys[depth], after[depth]))
        return found

    def _select(self, conditions: list[Sql]) -> Statement:
        shape = tuple(condition.text for condition in conditions)
        text = self.texts.get(shape)
        if text is None:
            text = self.texts[shape] = self._text(shape)
        values: tuple[object, ...] = ()
        for condition in conditions:
            values += condition.values
        values += self.where.values if self.where else ()
        return Statement(text, self.key_values, values + self.key_values)

    def _text(self, conditions: tuple[str, ...]) -> str:
        order = ", ".join(f"{key.sql.text} {'DESC' if key.descending else 'ASC'}" for key in self.keys)
        keys = ", ".join(key.sql.text for key in self.keys)
        # The place in the order comes first: of two upper bounds on one column the planner seeks by the one it meets
        # first, and a bound of the filter would have it walk over every page before this one.
        parts = ["t.tenant = ?", *conditions, *([self.where.text] if self.where else [])]
        return (
            f"SELECT CAST({self.document} AS BLOB), t.id, {keys} FROM {self.table} t"
            f" WHERE {' AND '.join(parts)} ORDER BY {order} LIMIT ?"
        )


def _tie(key: SortKey, value: Any) -> Sql:
    if value is None:
        return Sql(f"{key.sql.text} IS NULL", key.sql.values)
    return Sql(f"{key.sql.text} = ?", (*key.sql.values, value))


def _beyond(key: SortKey, value: Any) -> list[Sql]:
    """What follows a value of a key: nulls come first ascending and last descending."""
    text, values = key.sql
    if value is None:
        return [] if key.descending else [Sql(f"{text} IS NOT NULL", values)]
    if not key.descending:
        return [Sql(f"{text} > ?", (*values, value))]
    smaller = Sql(f"{text} < ?", (*values, value))
    return [smaller, Sql(f"{text} IS NULL", values)] if key.nullable else [smaller]


def compiled(query: Query, dialect: Sqlite) -> Plan:
    """The plan of a query; the same for every tenant."""
    writer = _Writer(dialect)
    where = None if query.where is None else writer.test(query.where, negated=False)
    read = [*fields(query.where), *(order.field for order in query.order)]
    keys = tuple(writer.key(order) for order in query.order)
    return Plan(
        table=quoted(query.of.table),
        document=dialect.document if query.unknown_members else "t.doc",
        where=None if where is None else Sql(f"({where.text})", where.values),
        keys=keys,
        key_values=tuple(value for key in keys for value in key.sql.values),
        unindexed=tuple(dict.fromkeys(one.spelled() for one in read if one.column is None and not one.root)),
    )


def joined_base(base: Sql, made: Callable[[str], Sql]) -> Sql:
    """What is made over a base, with the base's own values before each place it stands in."""
    mark = "\x00"
    over = made(mark)
    parts = over.text.split(mark)
    if not base.values:
        return Sql(base.text.join(parts), over.values)
    values: list[object] = []
    rest = list(over.values)
    for place, part in enumerate(parts):
        if place:
            values += base.values
        taken = part.count("?")
        values += rest[:taken]
        rest = rest[taken:]
    return Sql(base.text.join(parts), tuple(values))


class _Writer:
    def __init__(self, dialect: Sqlite) -> None:
        self.dialect = dialect

    # -- values

    def key(self, order: Order) -> SortKey:
        """A key of the order. What has no column is sorted by its value in the document."""
        field = order.field
        if field.column is not None:
            return SortKey(Sql(f"t.{quoted(field.column)}"), order.descending, field.nullable)
        sql = self.operand(field, field.kind)
        return SortKey(sql if field.enum is None else self._rank(sql, field.enum), order.descending, nullable=True)

    def operand(self, of: Field | Size, kind: Kind) -> Sql:
        """The SQL value of an operand: folded for text, the canonical text for an instant inside the document."""
        if isinstance(of, Size):
            base, names = self._place(of.of)
            return joined_base(base, lambda text: self.dialect.size(text, names))
        if of.column is not None:
            return Sql(f"t.{quoted(of.column)}")
        value = self._value(of, kind)
        return Sql(f"fold({value.text})", value.values) if kind in {"text", "dynamic"} else value

    def _place(self, field: Field) -> tuple[Sql, tuple[str, ...]]:
        """Where a path starts and the names it goes through; NULL where a cast on the way does not fit."""
        base = Sql(f"{field.root}.value" if field.root else self.dialect.document)
        start = base.text
        names: list[str] = []
        for step in field.steps:
            if isinstance(step, Cast):
                tag = self.dialect.member(start, (*names, "@odata.type"))
                marks = ", ".join("?" * len(step.tags))
                base = Sql(f"CASE WHEN {tag.text} IN ({marks}) THEN {base.text} END", (*tag.values, *step.tags, *base.values))
            else:
                names.append(step)
        return base, tuple(names)

    def _value(self, field: Field, kind: Kind) -> Sql:
        base, names = self._place(field)
        if field.kind != "dynamic":
            return joined_base(base, lambda text: self.dialect.member(text, names))
        match kind:
            case "text" | "number" | "boolean":
                return joined_base(base, lambda text: self.dialect.member_of(kind, text, names))
        return joined_base(base, lambda text: self.dialect.member(text, names))

    @staticmethod
    def constant(value: Any, kind: Kind, enum: EnumType | None, *, column: bool) -> Any:
        """A constant as the database holds such values."""
        match kind:
            case "text":
                return fold(str(value))
            case "moment":
                return value if column else clock.text(value)
            case "enum":
                return enum.members[value] if column and enum is not None else value
            case "boolean":
                return int(value)
        return value

    # -- conditions

    def test(self, test: Test, *, negated: bool) -> Sql:
        """The condition as SQL. Inside a `not`, what must be true or false may not become NULL."""
        match test:
            case All(parts=parts):
                return self._several(" AND ", parts, self.dialect.true, negated=negated)
            case Either(parts=parts):
                return self._several(" OR ", parts, self.dialect.false, negated=negated)
            case Not(part=part):
                inner = self.test(part, negated=True)
                return Sql(f"NOT ({inner.text})", inner.values)
            case Compare():
                return self._compare(test, negated=negated)
            case OneOf():
                return self._one_of(test, negated=negated)
            case TextMatch(op=op, operand=operand, needle=needle):
                found = getattr(self.dialect, op)(self.operand(operand, "text"), fold(needle))
                return Sql(f"({found.text})", found.values)
            case Some(over=over, variable=variable, body=body):
                base, names = self._place(over)
                if body is None:
                    size = joined_base(base, lambda text: self.dialect.size(text, names))
                    return Sql(f"{size.text} > 0", size.values)
                items = joined_base(base, lambda text: self.dialect.each(text, names, variable))
                inner = self.test(body, negated=False)
                return Sql(f"EXISTS (SELECT 1 FROM {items.text} WHERE {inner.text})", (*items.values, *inner.values))

    def _several(self, word: str, parts: tuple[Test, ...], empty: str, *, negated: bool) -> Sql:
        if not parts:
            return Sql(empty)
        written = [self.test(part, negated=negated) for part in parts]
        if len(written) == 1:
            return written[0]
        # Balanced, so that a chain of hundreds stays flat enough for the database's parser.
        while len(written) > 1:
            pairs = [written[at : at + 8] for at in range(0, len(written), 8)]
            written = [Sql(f"({text})", values) for text, values in (joined(word, pair) for pair in pairs)]
        return written[0]

    def _compare(self, test: Compare, *, negated: bool) -> Sql:
        left, right, op = test.left, test.right, test.op
        assert not isinstance(left, Const)  # noqa: S101 -- the binder puts the constant on the right
        column = isinstance(left, Field) and left.column is not None
        if not isinstance(right, Const):
            return self._both(test, negated=negated)
        operand = self.operand(left, test.kind)
        if right.value is None:
            return Sql(f"{operand.text} IS {'NOT ' if op == 'ne' else ''}NULL", operand.values)
        if test.kind == "enum" and op not in {"eq", "ne"} and test.enum is not None:
            return self._ranked(test, operand, right.value, column=column, negated=negated)
        value = self.constant(right.value, test.kind, test.enum, column=column)
        if op == "ne":
            return Sql(self.dialect.distinct(operand.text, "?"), (*operand.values, value))
        return self._definite(Sql(f"{operand.text} {_SYMBOL[op]} ?", (*operand.values, value)), left, negated=negated)

    def _ranked(self, test: Compare, operand: Sql, word: str, *, column: bool, negated: bool) -> Sql:
        """An order comparison of enum members: by number in a column, else by the members that pass."""
        assert test.enum is not None and isinstance(test.left, Field)  # noqa: S101, PT018 -- enums are never sizes
        number = test.enum.members[word]
        if column:
            sql = Sql(f"{self.dialect.unindexed(operand.text)} {_SYMBOL[test.op]} ?", (*operand.values, number))
            return self._definite(sql, test.left, negated=negated)
        passes = {"lt": number.__gt__, "le": number.__ge__, "gt": number.__lt__, "ge": number.__le__}[test.op]
        members = tuple(name for name, value in test.enum.members.items() if passes(value))
        if not members:
            return Sql(self.dialect.false)
        sql = Sql(f"{operand.text} IN ({', '.join('?' * len(members))})", (*operand.values, *members))
        return self._definite(sql, test.left, negated=negated)

    def _both(self, test: Compare, *, negated: bool) -> Sql:
        """Two operands of the row: both from columns, or both from the document, where they are written alike."""
        left, right = (self._alike(test, side) for side in (test.left, test.right))
        values = (*left.values, *right.values)
        if test.op in {"eq", "ne"}:
            word = self.dialect.same if test.op == "eq" else self.dialect.distinct
            return Sql(word(left.text, right.text), values)
        sql = Sql(f"{left.text} {_SYMBOL[test.op]} {right.text}", values)
        return Sql(f"coalesce({sql.text}, {self.dialect.false})", values) if negated else sql

    def _alike(self, test: Compare, side: Field | Size | Const) -> Sql:
        assert not isinstance(side, Const)  # noqa: S101 -- both sides are read from the row here
        columns = all(isinstance(one, Field) and one.column is not None for one in (test.left, test.right))
        if columns or isinstance(side, Size) or test.kind not in {"moment", "enum"}:
            return self.operand(side, test.kind)
        value = self._value(side, test.kind)
        return value if test.enum is None else self._rank(value, test.enum)

    def _rank(self, value: Sql, enum: EnumType) -> Sql:
        """The number of an enum member's name."""
        whens = " ".join(f"WHEN ? THEN {number}" for number in enum.members.values())
        return Sql(f"CASE {value.text} {whens} END", (*value.values, *enum.members))

    def _definite(self, sql: Sql, of: Field | Size | Const, *, negated: bool) -> Sql:
        """True or false: an unknown counts as false. Only a `not` around can tell the difference."""
        if negated and not (isinstance(of, Size) or (isinstance(of, Field) and not of.nullable)):
            return Sql(f"coalesce({sql.text}, {self.dialect.false})", sql.values)
        return sql

    def _one_of(self, test: OneOf, *, negated: bool) -> Sql:
        column = isinstance(test.operand, Field) and test.operand.column is not None
        operand = self.operand(test.operand, test.kind)
        values = tuple(
            dict.fromkeys(
                self.constant(value, test.kind, test.enum, column=column) for value in test.values if value is not None
            )
        )
        parts = []
        if values:
            text = operand.text
            if column and test.kind == "enum" and len(values) > 1:
                text = self.dialect.unindexed(text)
            sql = Sql(f"{text} IN ({', '.join('?' * len(values))})", (*operand.values, *values))
            parts.append(self._definite(sql, test.operand, negated=negated))
        if None in test.values:
            parts.append(Sql(f"{operand.text} IS NULL", operand.values))
        return Sql(f"({joined(' OR ', parts).text})", joined(" OR ", parts).values)
