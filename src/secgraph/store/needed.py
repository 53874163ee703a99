"""The words without which no row answers a condition, as FTS5 looks for them, and what of the condition is left to judge."""

from __future__ import annotations

from typing import NamedTuple

from secgraph.model.edm import EntitySet
from secgraph.odata.implied import implied
from secgraph.odata.query import All, Either, Found, Test
from secgraph.store.dialect import phrase

MOST = 200
"""Texts that are looked for at once: as many addresses or hashes as somebody hunts for in one question."""


class Needed(NamedTuple):
    """Words that every answer holds."""

    wanted: str
    many: int
    """How many texts are looked for."""
    rest: tuple[Test, ...]
    """What has to be judged of the rows that hold them."""
    unanswered: tuple[Test, ...]
    """The parts of the condition to which no words lead."""


def conjuncts(test: Test | None) -> tuple[Test, ...]:
    """The conditions that all have to hold, none of them an `and` itself."""
    match test:
        case None:
            return ()
        case All(parts=parts):
            return tuple(one for part in parts for one in conjuncts(part))
    return (test,)


def needed_words(parts: tuple[Test, ...], of: EntitySet) -> Needed | None:
    """The words that these conditions need together; None where none are needed, or too many."""
    words: list[Test] = []
    rest: list[Test] = []
    unanswered: list[Test] = []
    many = 0
    for part in parts:
        needed = implied(part, of)
        if needed is None or many + _many(needed) > MOST:
            rest.append(part)
            unanswered.append(part)
            continue
        many += _many(needed)
        words.append(needed)
        if needed != part:
            rest.append(part)
    return Needed(_expression(All(tuple(words))), many, tuple(rest), tuple(unanswered)) if words else None


def _many(test: Test) -> int:
    return sum(map(_many, test.parts)) if isinstance(test, All | Either) else 1


def _expression(test: Test) -> str:
    match test:
        case Found(words=words):
            return phrase(words)
        case All(parts=parts):
            return " AND ".join(f"({_expression(part)})" for part in parts)
        case Either(parts=parts):
            return " OR ".join(f"({_expression(part)})" for part in parts)
    raise AssertionError(test)
