"""What a database can answer by itself is true wherever the condition is, and the same where it says so."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.properties.alerts import ALERT, MODEL, Record
from tests.properties.conditions import SIMPLE, Maker
from tests.properties.searches import searched

from secgraph.errors import Refusal
from secgraph.model import check
from secgraph.model.choices import ALERTS
from secgraph.odata import bind, match
from secgraph.odata.implied import implied
from secgraph.odata.query import All, Compare, Either, Field, Found, Not, OneOf, Test, TextMatch
from secgraph.store.native import native
from secgraph.store.turn import new_record

OF = MODEL.sets[ALERTS]
CONDITIONS = 23


def stored(drafts: list[Record]) -> list[Record]:
    """Alerts as they are kept."""
    records = []
    for number, one in enumerate(drafts):
        record, notes = check.from_source(OF.type, {**one, "id": f"{number:03}"}, one.get("createdDateTime"))
        assert not notes
        record["createdDateTime"] = record["createdDateTime"] or "2026-01-15T00:00:00.0000000Z"
        record["lastUpdateDateTime"] = record["createdDateTime"]
        records.append(new_record(record))
    return records


def leaves(test: Test) -> list[Test]:
    match test:
        case All(parts=parts) | Either(parts=parts):
            return [leaf for part in parts for leaf in leaves(part)]
        case Not(part=part):
            return leaves(part)
    return [test]


def by_columns_and_words(test: Test) -> bool:
    """Whether no leaf reads a document."""
    for leaf in leaves(test):
        sides = {Compare: ("left", "right"), OneOf: ("operand",), TextMatch: ("operand",), Found: ()}[type(leaf)]
        fields = [side for name in sides if isinstance(side := getattr(leaf, name), Field)]
        if not all(field.column for field in fields) or not (fields or isinstance(leaf, Found)):
            return False
    return True


def held_against(records: list[Record], options: dict[str, str]) -> None:
    where = bind.query(OF, options, MODEL).where
    assert where is not None
    found = native(where, OF)
    needed = implied(where, OF)
    expected = [match.predicate(where)(record) for record in records]
    if found.test is not None:
        assert by_columns_and_words(found.test), options
        answered = [match.predicate(found.test)(record) for record in records]
        assert all(answers or not holds for holds, answers in zip(expected, answered, strict=True)), options
        assert answered == expected or not found.exact, options
    if needed is not None:
        assert {type(leaf) for leaf in leaves(needed)} == {Found}
        gathered = [match.predicate(needed)(record) for record in records]
        assert all(answers or not holds for holds, answers in zip(expected, gathered, strict=True)), options
    event("exact" if found.exact else "nothing" if found.test is None else "near")
    event("words" if needed is not None else "no words")


@pytest.mark.parametrize("group", [*SIMPLE, "everything", "searches"])
@given(drafts=st.lists(ALERT, min_size=3, max_size=4), chance=st.randoms(use_true_random=False))
def test_it_is_implied_by_the_condition(group: str, drafts: list[Record], chance: Random) -> None:
    records = stored(drafts)
    maker = Maker(chance, records)
    for _ in range(CONDITIONS):
        if group == "searches":
            held_against(records, {"$search": searched(chance, records).text})
            continue
        text = maker.condition(maker.row, 3 if group == "everything" else 2, "" if group == "everything" else group).text
        if chance.randrange(3) == 0:
            text = f"not ({text})"
        try:
            held_against(records, {"$filter": text})
        except Refusal:
            assert text.startswith("not")  # brackets too deep, or the negation of what is known anyway
