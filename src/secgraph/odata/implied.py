"""Words that a row must hold so that it can answer a condition: by them an index of words finds the few it may be true of.

What is equal to a text has the words of that text, one behind the other: words are cut from the folded form, and texts are
compared by nothing else. So `evidence/any(e: e/ipAddress eq '10.0.0.5')` is true of no row in whose texts `$search` would not
find "10.0.0.5". That holds for members whose texts `search.py` gathers, and for no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from secgraph.model.edm import EntitySet, Property, StructType
from secgraph.odata.query import (
    All,
    Cast,
    Compare,
    Const,
    Either,
    Field,
    Found,
    IsA,
    OneOf,
    Operand,
    Some,
    Test,
    TextMatch,
    fold,
)
from secgraph.odata.search import UNSPACED, WORD, words

MOST = 32
"""Words of a text that are looked for: so many in a row stand in few other texts, and a text may have thousands."""

Place = tuple[StructType, ...] | Property | None
"""What is reached by a path: an object of one of these types, a text that is gathered, or anything else."""
Places = dict[str, Place]
"""The row under "", each lambda's item under its variable."""

_ALONE = re.compile(f"[{UNSPACED}]")


def implied(test: Test | None, of: EntitySet) -> Test | None:
    """A condition made of words alone that is true wherever this one is; None where no words follow from it."""
    return None if test is None else _implied(test, of, {"": (of.type,)})


def _implied(test: Test, of: EntitySet, places: Places) -> Test | None:
    match test:
        case Found():
            return test
        case All(parts=parts):
            places = _narrowed(parts, places)
            return _both(_implied(part, of, places) for part in parts)
        case Either(parts=parts):
            return _either([_implied(part, of, places) for part in parts])
        case Compare(op="eq", left=left, right=Const(value=str(value)), kind="text") if _gathered(left, of, places):
            return _found(words(value), of)
        case Compare(op="eq", left=Const(value=str(value)), right=right, kind="text") if _gathered(right, of, places):
            return _found(words(value), of)
        case OneOf(operand=operand, values=values, kind="text") if _gathered(operand, of, places):
            return _either([_found(words(value), of) if isinstance(value, str) else None for value in values])
        case TextMatch(op=op, operand=operand, needle=Const(value=str(needle))) if _gathered(operand, of, places):
            return _found(_whole(fold(needle), op), of)
        case Some(over=over, variable=variable, body=body) if body is not None:
            return _implied(body, of, {**places, variable: _reached(over, of, places)})
    return None


def _both(parts: Iterable[Test | None]) -> Test | None:
    """What follows from all of them together."""
    found = tuple(dict.fromkeys(part for part in parts if part is not None))
    return All(found) if len(found) > 1 else next(iter(found), None)


def _either(parts: list[Test | None]) -> Test | None:
    """What follows from any of them: nothing, where nothing follows from one."""
    if not parts or None in parts:
        return None
    found = tuple(dict.fromkeys(part for part in parts if part is not None))
    return Either(found) if len(found) > 1 else found[0]


def _found(wanted: list[str], of: EntitySet) -> Test | None:
    return Found(tuple(wanted[:MOST]), of.path) if wanted else None


def _whole(needle: str, op: str) -> list[str]:
    """The words of a folded text that stay whole words wherever a text holds it (or begins with it, or ends in it)."""
    found = list(WORD.finditer(needle))
    if found and found[0].start() == 0 and op != "startswith" and not _ALONE.match(found[0][0]):
        found = found[1:]
    if found and found[-1].end() == len(needle) and op != "endswith" and not _ALONE.match(found[-1][0]):
        found = found[:-1]
    return [one[0] for one in found]


# -- what a path leads to


def _narrowed(parts: tuple[Test, ...], places: Places) -> Places:
    """The places where all these conditions hold: some say of which types an item is, as views do instead of a cast."""
    for part in parts:
        if isinstance(part, IsA) and not part.field.steps:
            place = places.get(part.field.root)
            if isinstance(place, tuple):
                places = {**places, part.field.root: _of(place, part.tags)}
    return places


def _of(among: tuple[StructType, ...], tags: tuple[str, ...]) -> tuple[StructType, ...]:
    return tuple(one for one in among if f"#{one.name}" in tags)


def _gathered(operand: Operand, of: EntitySet, places: Places) -> bool:
    """Whether an operand's value is a text of the row that the words are taken from."""
    return isinstance(operand, Field) and not operand.open and isinstance(_reached(operand, of, places), Property)


def _reached(field: Field, of: EntitySet, places: Places) -> Place:
    place = places.get(field.root)
    for number, step in enumerate(field.steps):
        if not isinstance(place, tuple):
            return None
        if not field.root and number == 0 and step not in of.choices.search:
            return None
        place = _of(place, step.tags) if isinstance(step, Cast) else _member(place, step)
    return place


def _member(among: tuple[StructType, ...], name: str) -> Place:
    """A member of an object that is of one of these types, where it is gathered whichever of them it is."""
    found = {one.properties.get(name) for one in among}
    member = found.pop() if len(found) == 1 else None
    if member is None or member.navigation:
        return None
    if isinstance(member.type, StructType):
        return tuple(member.type.family())
    return member if member.type.name == "Edm.String" else None
