"""Conditions and operands → SQL: the meaning of `odata.query` in the words of a database.

An operand has two forms: its value, which functions are called with (the text as it is, an instant in ticks, an enum
member's name), and its rank, which is compared and sorted by (the text folded, the member's number, the typed column).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from secgraph import clock
from secgraph.model.edm import EnumType
from secgraph.odata.query import (
    All,
    Apply,
    Cast,
    Choose,
    Compare,
    Const,
    Either,
    Every,
    Field,
    Found,
    IsA,
    Kind,
    Not,
    OneOf,
    Operand,
    Pattern,
    Present,
    Size,
    Some,
    Test,
    TextMatch,
    Truth,
    enum_of,
    fold,
    kind_of,
)
from secgraph.store.dialect import Dialect, Instant, Sql, joined
from secgraph.store.heads import compared, one_of
from secgraph.store.layout import quoted

_SYMBOL = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


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


class Writer:
    """Writes the SQL of one query."""

    def __init__(self, dialect: Dialect, aside: Test | None = None, free: Sequence[str] = ()) -> None:
        self.dialect = dialect
        self.aside = aside
        """A comparison that is to be judged row by row, though an index could answer it."""
        self.free = free
        """Columns whose texts may have any length (`heads.py`)."""

    def key(self, by: Operand) -> tuple[Sql, bool]:
        """A key of the order, and whether it can be null. What has no column is sorted by its value in the document."""
        if isinstance(by, Field) and by.column is not None:
            return Sql(f"t.{quoted(by.column)}"), by.nullable
        if isinstance(by, Field) and by.kind == "moment" and not by.open:
            return self._member(by), True  # the order of the text is the order of time
        sql = self.rank(by, kind_of(by), enum_of(by))
        if isinstance(by, Truth | Choose):
            sql = self.dialect.sortable(sql)
        return sql, not isinstance(by, Size)

    # -- values

    def value(self, of: Operand, kind: Kind) -> Sql:
        """An operand as functions take it."""
        match of:
            case Const(value=constant):
                return Sql("NULL") if constant is None else Sql("?", (int(constant) if constant is True or constant is False
                                                                      else constant,))  # fmt: skip
            case Present(later=later):
                return Sql("?", (Instant(later),))
            case Field():
                return self._field_value(of, kind)
            case Size(of=over, variable=variable, body=body):
                base, names = self._place(over)
                if body is None:
                    return joined_base(base, lambda text: self.dialect.size(text, names))
                return self._each("count(*)", over, variable, self.test(body, negated=False))
            case Apply(function=function, arguments=arguments):
                given = joined(", ", [self.value(argument, kind_of(argument)) for argument in arguments])
                return Sql(f"{self.dialect.function(function)}({given.text})", given.values)
            case Choose(branches=branches):
                whens = []
                for condition, result in branches:
                    when, then = self.test(condition, negated=False), self.value(result, of.kind)
                    whens.append(Sql(f"WHEN {when.text} THEN {then.text}", (*when.values, *then.values)))
                chosen = joined(" ", whens)
                return Sql(f"CASE {chosen.text} END", chosen.values)
            case Truth(test=test):
                held = self.test(test, negated=True)
                return Sql(f"({held.text})", held.values)

    def _field_value(self, field: Field, kind: Kind) -> Sql:
        if field.column is not None and kind in {"moment", "number", "boolean"}:
            return Sql(f"t.{quoted(field.column)}")
        member = self._member(field, kind)
        if kind not in {"moment", "date"}:
            return member
        return Sql(f"{self.dialect.function('moment_ticks')}({member.text})", member.values)

    def _member(self, field: Field, kind: Kind | None = None) -> Sql:
        """The JSON value at a path, null where a cast on the way does not fit or an open member is of another type."""
        base, names = self._place(field)
        if field.open and kind in {"text", "number", "boolean"}:
            return joined_base(base, lambda text: self.dialect.member_of(kind, text, names))
        return joined_base(base, lambda text: self.dialect.member(text, names))

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

    def _each(self, what: str, over: Field, variable: str, where: Sql) -> Sql:
        """A question over the items of a collection."""
        base, names = self._place(over)
        items = joined_base(base, lambda text: self.dialect.each(text, names, variable))
        return Sql(f"(SELECT {what} FROM {items.text} WHERE {where.text})", (*items.values, *where.values))

    def rank(self, of: Operand, kind: Kind, enum: EnumType | None) -> Sql:
        """An operand as it is compared and sorted."""
        if isinstance(of, Const):
            return Sql("NULL") if of.value is None else Sql("?", (self.constant(of.value, kind, enum, column=True),))
        if isinstance(of, Field) and of.column is not None and kind == of.kind and of.enum is enum:
            return Sql(f"t.{quoted(of.column)}")
        value = self.value(of, kind)
        if kind in {"text", "dynamic"} or (enum is not None and enum.flags):
            return Sql(f"fold({value.text})", value.values)
        if enum is not None:
            whens = " ".join(f"WHEN ? THEN {number}" for number in enum.members.values())
            return Sql(f"CASE {value.text} {whens} END", (*value.values, *enum.members))
        return value

    @staticmethod
    def constant(value: Any, kind: Kind, enum: EnumType | None, *, column: bool) -> Any:
        """A constant as it is compared: with a column or a rank, or with the JSON value itself."""
        match kind:
            case "text" | "dynamic":
                return fold(value) if isinstance(value, str) else value
            case "moment":
                return value if column else clock.text(value)
            case "enum":
                if enum is not None and enum.flags:
                    return fold(value)
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
                text = self.rank(operand, "text", None)
                if isinstance(needle, Const) and needle.value is not None:
                    found = getattr(self.dialect, op)(text, fold(needle.value))
                else:
                    found = self.dialect.holds(op, text, self.rank(needle, "text", None))
                return Sql(f"({found.text})", found.values)
            case Pattern(operand=operand, pattern=pattern):
                text = self.value(operand, "text")
                return Sql(f"{self.dialect.function('matches')}(?, {text.text})", (pattern, *text.values))
            case IsA(field=field, tags=tags):
                base, names = self._place(field)
                tag = joined_base(base, lambda text: self.dialect.member(text, (*names, "@odata.type")))
                marks = ", ".join("?" * len(tags))
                return Sql(f"coalesce({tag.text} IN ({marks}), {self.dialect.false})", (*tag.values, *tags))
            case Found(words=words, of=of):
                return self.dialect.found(of.rpartition("/")[2], words)
            case Some(over=over, body=None):
                base, names = self._place(over)
                size = joined_base(base, lambda text: self.dialect.size(text, names))
                return Sql(f"{size.text} > 0", size.values)
            case Some(over=over, variable=variable, body=body) if body is not None:
                some = self._each("1", over, variable, self.test(body, negated=False))
                return Sql(f"EXISTS {some.text}", some.values)
            case Every(over=over, variable=variable, body=body):
                inner = self.test(body, negated=False)
                other = self._each("1", over, variable, Sql(f"NOT coalesce({inner.text}, {self.dialect.false})", inner.values))
                return Sql(f"NOT EXISTS {other.text}", other.values)
        raise AssertionError(test)

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
        if test.kind == "complex":
            there = self._member(left) if isinstance(left, Field) else Sql("NULL")
            return Sql(f"{there.text} IS {'NOT ' if op == 'ne' else ''}NULL", there.values)
        if isinstance(left, Field) and (isinstance(right, Const) or isinstance(right, Present)):  # noqa: SIM101 -- a quick path
            return self._with_constant(test, left, right, negated=negated)
        one, other = self.rank(left, test.kind, test.enum), self.rank(right, test.kind, test.enum)
        values = (*one.values, *other.values)
        if op in {"eq", "ne"}:
            return Sql((self.dialect.same if op == "eq" else self.dialect.distinct)(one.text, other.text), values)
        sql = Sql(f"{one.text} {_SYMBOL[op]} {other.text}", values)
        return Sql(f"coalesce({sql.text}, {self.dialect.false})", values) if negated else sql

    def _with_constant(self, test: Compare, left: Field, right: Const | Present, *, negated: bool) -> Sql:
        """A value of the row and a constant: by an index, or by the JSON value as it is written."""
        op, kind, column = test.op, test.kind, left.column is not None
        written = kind == "moment" and not column and not left.open
        plain = kind == "enum" and not column and op in {"eq", "ne"} and left.enum is test.enum and not left.enum.flags  # type: ignore[union-attr]
        operand = self._member(left) if written or plain else self.rank(left, kind, test.enum)
        free = kind == "text" and left.column in self.free
        if isinstance(right, Const) and right.value is None:
            if free:
                operand = Sql(self.dialect.headed(operand.text), operand.values)
            return Sql(f"{operand.text} IS {'NOT ' if op == 'ne' else ''}NULL", operand.values)
        value: Any
        if isinstance(right, Present):
            value = Instant(right.later, written=written)
        else:
            value = self.constant(right.value, kind, test.enum, column=not (written or plain))
        if op == "ne":
            return Sql(self.dialect.distinct(operand.text, "?"), (*operand.values, value))
        if free:
            return self._definite(compared(self.dialect, operand.text, _SYMBOL[op], value), left, negated=negated)
        text = operand.text
        if test is self.aside or (column and kind == "enum" and op != "eq"):
            text = self.dialect.unindexed(text)
        return self._definite(Sql(f"{text} {_SYMBOL[op]} ?", (*operand.values, value)), left, negated=negated)

    def _definite(self, sql: Sql, of: Operand, *, negated: bool) -> Sql:
        """True or false: an unknown counts as false. Only a `not` around can tell the difference."""
        if negated and not (isinstance(of, Size | Present) or (isinstance(of, Field) and not of.nullable)):
            return Sql(f"coalesce({sql.text}, {self.dialect.false})", sql.values)
        return sql

    def _one_of(self, test: OneOf, *, negated: bool) -> Sql:
        of, kind = test.operand, test.kind
        column = isinstance(of, Field) and of.column is not None
        written = isinstance(of, Field) and not column and not of.open and kind in {"moment", "enum"} and not (
            test.enum is not None and (test.enum.flags or of.enum is not test.enum))  # fmt: skip
        operand = self._member(of) if written and isinstance(of, Field) else self.rank(of, kind, test.enum)
        values = tuple(
            dict.fromkeys(
                self.constant(value, kind, test.enum, column=not written) for value in test.values if value is not None
            )
        )
        free = kind == "text" and isinstance(of, Field) and of.column in self.free
        parts = []
        if values:
            text = operand.text
            if column and kind == "enum" and len(values) > 1:
                text = self.dialect.unindexed(text)
            marks = ", ".join("?" * len(values))
            sql = one_of(self.dialect, text, values) if free else Sql(f"{text} IN ({marks})", (*operand.values, *values))
            parts.append(self._definite(sql, of, negated=negated))
        if None in test.values:
            text = self.dialect.headed(operand.text) if free else operand.text
            parts.append(Sql(f"{text} IS NULL", operand.values))
        either = joined(" OR ", parts)
        return Sql(f"({either.text})", either.values)
