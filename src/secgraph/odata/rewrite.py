"""A query walked from end to end, with other operands in the places of its fields."""

from __future__ import annotations

from dataclasses import replace

from secgraph.odata.match import settled
from secgraph.odata.query import (
    All,
    Apply,
    Choose,
    Compare,
    Either,
    Every,
    Field,
    IsA,
    Not,
    OneOf,
    Operand,
    Pattern,
    Size,
    Some,
    Test,
    TextMatch,
    Truth,
)
from secgraph.odata.simplify import both, compared, either, negated, one_of
from secgraph.odata.values import folded


class Rewriter:
    """Gives a condition or an operand back as it is; what follows from it changes some part on the way."""

    def field(self, field: Field) -> Operand:
        """What stands for a field."""
        return field

    def over(self, field: Field) -> Field:
        """What stands for a collection, or for an object of which the type is asked."""
        return field

    def operand(self, operand: Operand) -> Operand:
        """What stands for an operand."""
        match operand:
            case Field():
                return self.field(operand)
            case Size():
                return self.size(operand)
            case Apply(arguments=arguments):
                return folded(replace(operand, arguments=tuple(map(self.operand, arguments))))
            case Choose(branches=branches):
                return replace(operand, branches=tuple((self.test(test), self.operand(value)) for test, value in branches))
            case Truth(test=test):
                return Truth(self.test(test))
        return operand

    def test(self, test: Test) -> Test:
        """What stands for a condition."""
        match test:
            case Compare():
                return self.compare(test)
            case OneOf(operand=operand, values=values, kind=kind, enum=enum):
                return one_of(self.operand(operand), values, kind, enum)
            case TextMatch(op=op, operand=operand, needle=needle):
                return settled(TextMatch(op, self.operand(operand), self.operand(needle)))
            case Pattern(operand=operand, pattern=pattern):
                return settled(Pattern(self.operand(operand), pattern))
            case IsA(field=field, tags=tags):
                return IsA(self.over(field), tags)
            case Some():
                return self.some(test)
            case Every():
                return self.every(test)
            case All(parts=parts):
                return both(map(self.test, parts))
            case Either(parts=parts):
                return either(map(self.test, parts))
            case Not(part=part):
                return negated(self.test(part))
        return test

    def compare(self, test: Compare) -> Test:
        """What stands for a comparison."""
        if test.kind == "complex" and isinstance(test.left, Field):
            return replace(test, left=self.over(test.left))
        return compared(test.op, self.operand(test.left), self.operand(test.right), test.kind, test.enum)

    def size(self, size: Size) -> Operand:
        """What stands for the size of a collection."""
        return Size(self.over(size.of), size.variable, None if size.body is None else self.test(size.body))

    def some(self, some: Some) -> Test:
        """What stands for `any`."""
        return Some(self.over(some.over), some.variable, None if some.body is None else self.test(some.body))

    def every(self, every: Every) -> Test:
        """What stands for `all`."""
        return Every(self.over(every.over), every.variable, self.test(every.body))


class Renamed(Rewriter):
    """The same of another variable."""

    def __init__(self, old: str, new: str) -> None:
        self._old = old
        self._new = new

    def field(self, field: Field) -> Field:
        """The field under the new name."""
        return replace(field, root=self._new) if field.root == self._old else field

    over = field
