"""Texts of any length in a column that an index searches: every database answers what it answers of short ones."""

from __future__ import annotations

from typing import Any

import pytest
from tests.store.conftest import CREATED, Ground

from secgraph import clock as real_clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.odata import bind, match
from secgraph.odata.query import fold
from secgraph.store.postgres.dialect import HEAD

MODEL = load()
SAME = "é" * HEAD
LARGE = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(100_000))
"""A hundred thousand different letters, which no database packs into little."""

TEXTS = [None, "", "ana", "Ana", SAME[:-1], SAME, f"{SAME}a", f"{SAME}B", f"{SAME}b tail", f"{SAME[:-1]}f", f"{SAME[:-1]}z{SAME}", LARGE, f"{LARGE}x"]


def later(number: int) -> str:
    """The instants of some rows are alike."""
    return real_clock.text((real_clock.ticks(CREATED) or 0) + number % 3 * real_clock.SECOND)


@pytest.fixture
async def records(ground: Ground) -> list[dict[str, Any]]:
    """Each text twice, in a store."""
    made = [ground.alert(number, assignedTo=text, createdDateTime=later(number), title="a") for number, text in enumerate([*TEXTS, *TEXTS])]
    for start in range(0, len(made), 5):
        await ground.write(*map(ground.put, made[start : start + 5]))
    return made


async def found(ground: Ground, **options: str) -> list[str]:
    """The ids on all pages, and as many as are counted."""
    query = bind.query(MODEL.sets[ALERTS], {f"${name}": text for name, text in {"top": "2", **options}.items()}, MODEL)
    scoped = narrow(query, Caller(ground.tenant.number, "", "", "", frozenset()))
    ids, after = list[str](), None
    while True:
        page = await ground.store.find(scoped, after)
        ids += page.ids
        after = page.next
        if after is None:
            break
        assert len(ids) <= 2 * len(TEXTS), "a page went on before its place"
    assert await ground.store.count(scoped) == len(ids)
    return ids


async def test_every_comparison_is_one_of_whole_texts(ground: Ground, records: list[dict[str, Any]]) -> None:
    shorter = [text for text in TEXTS if text is not None and len(text) < 2 * HEAD + 2]
    conditions = [f"{sign}assignedTo {op} '{text}'{end}" for text in shorter for op in ("eq", "ne", "lt", "le", "gt", "ge")
                  for sign, end in (("", ""), ("not (", ")"))]  # fmt: skip
    conditions += [f"{function}(assignedTo,'{text}')" for text in [*shorter, SAME[:7], "tail"] for function in ("contains", "startswith", "endswith")]
    conditions += [f"assignedTo in ('ana','{SAME}b','{SAME[:-1]}')", f"not (assignedTo in ('ana',null,'{SAME}b'))", "assignedTo in ('ana','')"]
    conditions += ["assignedTo eq null", "assignedTo ne null", f"assignedTo eq '{SAME}A' and title eq 'a'", "assignedTo gt incidentId"]
    for condition in conditions:
        where = bind.query(MODEL.sets[ALERTS], {"$filter": condition}, MODEL).where
        assert where is not None
        answers = {record["id"] for record in records if match.predicate(where)(record)}
        ids = await found(ground, filter=condition, orderby="id", top="9")
        assert (ids, condition) == (sorted(answers), condition)


@pytest.mark.parametrize("others", ["", ",createdDateTime", ",createdDateTime desc,id", ",title,createdDateTime"])
@pytest.mark.parametrize("descending", [False, True])
async def test_an_order_is_that_of_whole_texts(ground: Ground, records: list[dict[str, Any]], others: str, descending: bool) -> None:
    keys = [("assignedTo", descending), *((name, bool(word)) for name, _, word in (one.partition(" ") for one in others.split(",") if one))]
    if "id" not in dict(keys):
        keys.append(("id", keys[-1][1]))
    expected = list(records)
    for name, backwards in reversed(keys):
        expected.sort(key=lambda record, name=name: (record[name] is not None, fold(record[name] or "")), reverse=backwards)  # type: ignore[misc]
    ids = await found(ground, orderby=f"assignedTo{' desc' if descending else ''}{others}")
    assert ids == [record["id"] for record in expected]
