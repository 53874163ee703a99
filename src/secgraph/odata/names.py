"""Paths + model → fields: names resolved in any letter case, casts checked, each refusal at its place."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from secgraph.errors import BadFilter
from secgraph.model.edm import EntitySet, EnumType, Model, Property, StructType
from secgraph.odata.ast import Node, Path
from secgraph.odata.query import Cast, Choose, Field, Kind, Operand, Size, value_kind

ROW = "$it"
ITEM = "$this"


class Seen(NamedTuple):
    """What a name stands for while a lambda's body is read."""

    root: str
    over: Field
    type: StructType | None


def field_of(of: EntitySet, root: str, before: list[str | Cast], member: Property, name: str) -> Field:
    """The field of a member reached by the steps before it."""
    column = name if not root and not before and (name in of.choices.columns or name == "id") else None
    return Field(
        root=root,
        steps=(*before, name),
        kind=value_kind(member.type),
        enum=member.type if isinstance(member.type, EnumType) else None,
        collection=member.collection,
        nullable=(member.nullable and name not in of.choices.filled) or bool(before) or bool(root),
        column=column,
    )


@lru_cache(maxsize=4096)
def member_field(of: EntitySet, name: str) -> Field | None:
    """The field of a member of the row, its name in any letter case; None where the row has no such value."""
    member = of.type.member(name)
    return None if member is None or member.navigation else field_of(of, "", [], member, member.name)


def read_as(operand: Operand, kind: Kind) -> Operand:
    """A value that may be anything, read as one of that kind; every other value as it is."""
    if not isinstance(operand, Field | Choose) or operand.kind != "dynamic" or kind == "dynamic":
        return operand
    if isinstance(operand, Field):
        return Field(operand.root, operand.steps, kind, open=True)
    return Choose(tuple((test, read_as(value, kind)) for test, value in operand.branches), kind)


class Names:
    """Resolves the paths of one request; `variables` holds the lambdas around the present place."""

    def __init__(self, of: EntitySet, model: Model) -> None:
        self.of = of
        self.model = model
        self.text = ""
        self.variables: dict[str, Seen] = {}
        self.item: Seen | None = None
        """Inside `$filter(...)` behind a collection: the item whose members are named without a variable."""

    def refuse(self, reason: str, node: Node, hint: str = "") -> BadFilter:
        """The refusal that points at a node."""
        return BadFilter(reason, at=node.at, text=self.text, hint=hint)

    def path(self, node: Path) -> Field | Size:
        """The field, or the size of a collection, at a path."""
        if len(node.steps) == 1 and not self.variables and self.item is None:
            plain = member_field(self.of, node.steps[0])
            if plain is not None:
                return plain
        steps, root, kind, over = self._start(node)
        if not steps and over is not None:
            return Field(root, (), over.kind, over.enum)
        before: list[str | Cast] = []
        field: Field | None = None
        for place, name in enumerate(steps):
            if field is not None and field.collection and name.lower() != "$count" and "." not in name:
                raise self.refuse(f"'{field.spelled()}' is a collection", node, f"Use {field.spelled()}/any(x: x/{name} ...).")
            if name.lower() == "$count":
                if field is None or not field.collection or place < len(steps) - 1:
                    raise self.refuse("'$count' is not possible here", node, "Put it behind a collection: evidence/$count.")
                return Size(field)
            if "." in name and not name.startswith(("$", "@")):
                cast_to = self.cast(name, kind, node)
                if cast_to is kind:
                    continue  # to the type it has anyway
                if field is not None and field.collection:
                    raise self.refuse(f"'{field.spelled()}' is a collection", node,
                                      f"Cast its items: {field.spelled()}/any(x: x/{name}/...).")  # fmt: skip
                before.append(Cast(tuple(f"#{child.name}" for child in cast_to.family())))
                kind = cast_to
                continue
            if name.startswith("@"):
                raise self.refuse(f"'{name}' is an annotation, and none is kept", node)
            if name.startswith("$"):
                raise self.refuse(f"'{name}' is not possible here", node)
            if kind is None:  # inside an open type
                before.append(name)
                field = Field(root, tuple(before), "dynamic", open=True)
                continue
            member = self._member(kind, name, node)
            if member is None:
                before.append(name)
                field, kind = Field(root, tuple(before), "dynamic", open=True), None
                continue
            field = field_of(self.of, root, before, member, member.name)
            before.append(member.name)
            kind = member.type if isinstance(member.type, StructType) else None
            if kind is None and place < len(steps) - 1 and steps[place + 1].lower() != "$count":
                raise self.refuse(f"'{field.spelled()}' has no members", node)
        if before and isinstance(before[-1], Cast):
            return Field(root, tuple(before), "complex")
        if field is None:
            raise self.refuse(f"'{'/'.join(node.steps)}' names no property", node)
        return field

    def _start(self, node: Path) -> tuple[list[str], str, StructType | None, Field | None]:
        """The steps that are left, and what they start from: the row, a lambda's variable, or the item of a `$filter`."""
        steps = list(node.steps)
        first = steps[0].lower()
        seen = self.variables.get(first)
        if seen is None and self.item is not None and first != ROW:
            seen = self.item
            if first != ITEM:
                steps.insert(0, ITEM)
        if seen is not None:
            steps.pop(0)
            if steps and seen.type is None:
                raise self.refuse(f"'{node.steps[0]}' has no members" if first != ITEM else "The items have no members", node)
            return steps, seen.root, seen.type, seen.over
        if first == ROW and len(steps) > 1:
            steps.pop(0)
        elif first in {ROW, ITEM}:
            raise self.refuse(f"'{steps[0]}' is the whole object", node, "Compare one of its members.")
        elif first == "$root":
            raise self.refuse("A filter sees only the object it is asked about", node, "Ask the other collection by itself.")
        return steps, "", self.of.type, None

    def struct(self, field: Field) -> StructType | None:
        """The structured type of a field's values, walked again from the model."""
        kind: StructType | None = self.of.type
        if field.root:
            among = [*self.variables.values(), *([self.item] if self.item else [])]
            kind = next(seen.type for seen in among if seen.root == field.root)
        for step in field.steps:
            if kind is None:
                return None
            if isinstance(step, Cast):
                kind = self.model.cast(step.tags[0])
            else:
                member = kind.member(step)
                kind = member.type if member is not None and isinstance(member.type, StructType) else None
        return kind

    def cast(self, name: str, kind: StructType | None, node: Node) -> StructType:
        """The type of that name where it can stand behind the other."""
        found = self.model.cast(name)
        if found is None or kind is None or found not in set(kind.family()):
            among = [child.name for child in kind.family()] if kind is not None else []
            raise self.refuse(f"'{name}' is not a type that can stand here", node, meant(name, among))
        return found

    def _member(self, kind: StructType, name: str, node: Path) -> Property | None:
        """The member of that name; None inside an open type, where any name may be."""
        member = kind.member(name)
        if member is not None:
            if member.navigation:
                raise self.refuse(f"'{name}' is a relationship and cannot be filtered or sorted by", node)
            return member
        if kind.open:
            return None
        hint = meant(name, list(kind.properties))
        owners = sorted(child.name for child in kind.family() if child.member(name) is not None)
        if owners:
            hint = f"It is a member of {owners[0]}: write {owners[0]}/{name}."
        raise self.refuse(f"'{name}' is not a property of {kind.name}", node, hint)


def meant(name: str, among: list[str]) -> str:
    """A hint for a name that is nearly one of those; empty when none is near."""
    by_fold = {one.casefold(): one for one in among}
    close = get_close_matches(name.casefold(), list(by_fold), n=1, cutoff=0.6)
    return f"Did you mean {by_fold[close[0]]}?" if close else ""
