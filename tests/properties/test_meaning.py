"""What the store selects and what `match.py` says of each record is what the docstring of `odata/query.py` says.

`conditions.py` makes conditions of the whole language on made-up alerts, each with its meaning (`meaning.py`), which is written
there without any of the program's own query code. Both executors are judged by it.
"""

from __future__ import annotations

from datetime import date
from functools import cmp_to_key
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.properties.alerts import (
    ACCOUNT,
    ALERT,
    EVIDENCE,
    INSTANTS,
    NUMBERS,
    POOL,
    SPACE,
    WORDS,
    Record,
    draft,
    item,
    member,
    quoted,
)
from tests.properties.conditions import KINDS, SIMPLE, Maker
from tests.properties.meaning import DAY, EPOCH, Condition, Operand, rank
from tests.properties.searches import searched

from secgraph.errors import BadOption
from secgraph.odata import bind, match

if TYPE_CHECKING:
    from tests.properties.conftest import Ground

    from secgraph.odata.query import Query
    from secgraph.store.registry import Tenant

__all__ = ["ACCOUNT", "ALERT", "EVIDENCE", "INSTANTS", "NUMBERS", "POOL", "WORDS", "Record", "draft", "item", "member", "quoted"]

CONDITIONS = 23
"""Conditions judged in one example."""

GROUPS = [*SIMPLE, "everything", "searches"]
DRAFTS = st.lists(ALERT, min_size=3, max_size=4)
CHANCE = st.randoms(use_true_random=False)


def test_as_many_conditions_as_promised_are_judged() -> None:
    assert len(GROUPS) * settings().max_examples * CONDITIONS >= 10_000


def judged(ground: Ground, tenant: Tenant, records: list[Record], condition: Condition, options: dict[str, str]) -> None:
    """Holds both executors against what the condition means of each record."""
    expected = [record["id"] for record in records if condition.holds({"": record}) is True]
    query = bind.query(ground.alerts, {**options, "$orderby": "id"}, ground.model)
    assert query.where is not None
    assert ground.page(tenant, query).ids == expected, f"the store: {options}"
    holds = match.predicate(query.where)
    assert [record["id"] for record in records if holds(record)] == expected, f"match: {options}"
    event("none" if not expected else "all" if len(expected) == len(records) else "some")


@pytest.mark.parametrize("group", GROUPS)
@given(drafts=DRAFTS, chance=CHANCE)
def test_a_condition_selects_what_it_means(ground: Ground, group: str, drafts: list[Record], chance: Random) -> None:
    tenant = ground.tenant()
    records = ground.put(tenant, [{**one, "id": f"{number:03}"} for number, one in enumerate(drafts)])
    maker = Maker(chance, records)
    for _ in range(CONDITIONS):
        if group == "searches":
            search = searched(chance, records)
            judged(ground, tenant, records, search, {"$search": search.text})
            continue
        condition = maker.condition(maker.row, 2, "" if group == "everything" else group)
        judged(ground, tenant, records, condition, {"$filter": condition.text})
        if chance.randrange(10) == 9:
            query = bind.query(ground.alerts, {"$filter": f"not ({condition.text})"}, ground.model)
            assert ground.count(tenant, query) == sum(condition.holds({"": record}) is False for record in records)


@given(drafts=DRAFTS, chance=CHANCE)
def test_a_filter_and_a_search_together(ground: Ground, drafts: list[Record], chance: Random) -> None:
    tenant = ground.tenant()
    records = ground.put(tenant, [{**one, "id": f"{number:03}"} for number, one in enumerate(drafts)])
    for _ in range(5):
        maker = Maker(chance, records)
        condition, search = maker.condition(maker.row, 1), searched(chance, records)
        both = Condition("", lambda scope, one=condition, other=search: one.holds(scope) is True and other.holds(scope) is True)  # type: ignore[misc]
        judged(ground, tenant, records, both, {"$filter": "@f", "@f": condition.text, "$search": search.text})


# --- orders -------------------------------------------------------------------------------------------------------------


def before(order: list[tuple[Operand, bool]], one: Record, other: Record) -> int:
    """Negative where one row comes before the other. Null is the smallest."""
    for by, descending in order:
        left, right = rank(by.get({"": one}), by), rank(by.get({"": other}), by)
        if left == right:
            continue
        smaller = left is None or (right is not None and left < right)
        return 1 if smaller is descending else -1
    return 0


@given(drafts=DRAFTS, chance=CHANCE)
def test_an_order_by_anything(ground: Ground, drafts: list[Record], chance: Random) -> None:
    """Expressions and paths, page by page; and the value that an order is by, in Python."""
    tenant = ground.tenant()
    records = ground.put(tenant, [{**one, "id": f"{number:03}"} for number, one in enumerate(drafts)])
    maker = Maker(chance, records)
    key = Operand("id", "text", lambda scope: scope[""]["id"])
    for _ in range(8):
        order = [(sorted_by(maker), chance.randrange(2) == 1) for _ in range(maker.one([1, 2]))]
        text = ", ".join(f"{by.text} {'desc' if descending else 'asc'}" for by, descending in order)
        try:
            query = bind.query(ground.alerts, {"$orderby": text, "$top": "2"}, ground.model)
        except BadOption as refusal:
            if "now()" not in text:  # else it reads nothing of a row
                assert refusal.message.endswith(("is the same for all.", "has no order."))  # noqa: PT017 -- as just said
                assert any(len({rank(by.get({"": record}), by) for record in records}) == 1 for by, _ in order)
            continue
        full = [*order, (key, query.order[-1].descending)]

        def compare(one: Record, other: Record, full: list[tuple[Operand, bool]] = full) -> int:
            return before(full, one, other)

        assert walked(ground, tenant, query) == [record["id"] for record in sorted(records, key=cmp_to_key(compare))], text
        for by, _ in order:
            read = match.value(bind.query(ground.alerts, {"$orderby": by.text}, ground.model).order[0].by)
            assert [read(record) for record in records] == [plain(by.get({"": record})) for record in records], by.text


def walked(ground: Ground, tenant: Tenant, query: Query) -> list[str]:
    page = ground.page(tenant, query)
    found = page.ids
    while page.next is not None:
        page = ground.page(tenant, query, page.next)
        found = found + page.ids
    return found


def plain(value: Any) -> Any:
    """A day as the program keeps it: its midnight."""
    return (value.toordinal() - EPOCH) * DAY if isinstance(value, date) else value


def sorted_by(maker: Maker) -> Operand:
    """What an order can be by; a member of an open type may be anything, and has a test of its own."""
    found = maker.operand(maker.one(KINDS), maker.row, maker.one([0, 1, 2]))
    return found if found.raw is None else sorted_by(maker)


# --- places where the meaning is easily missed --------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["title le null", "title ge null", "null le title", "not (title gt null)", "title le description"])
def test_null_in_an_order_comparison(ground: Ground, text: str) -> None:
    """An order comparison with null is false, whether the null is written or stored; its negation is true."""
    drafts: list[Record] = [{"id": "000"}, {"id": "001", "title": "a", "description": None}]
    tenant = ground.tenant()
    ground.put(tenant, drafts)
    query = bind.query(ground.alerts, {"$filter": text, "$orderby": "id"}, ground.model)
    assert ground.page(tenant, query).ids == (["000", "001"] if text.startswith("not") else [])


@pytest.mark.parametrize(("text", "ids"), [
    ("additionalData/a eq 5", ["number"]), ("additionalData/a ge 5", ["number"]), ("additionalData/a lt 6", ["number"]),
    ("additionalData/a eq '5'", ["text"]), ("additionalData/a ge '5'", ["text"]), ("additionalData/a lt '6'", ["text"]),
    ("additionalData/a eq true", ["truth"]), ("additionalData/a", ["truth"]), ("additionalData/a eq 1", []),
    ("contains(additionalData/a,'5')", ["text"]), ("startswith(additionalData/a,'[')", []), ("additionalData/a eq '[5]'", []),
    ("additionalData/a eq null", ["absent"]), ("additionalData/a in ('5')", ["text"]),
])  # fmt: skip
def test_the_other_side_decides_what_an_open_member_is(ground: Ground, text: str, ids: list[str]) -> None:
    """A member of another type than the constant is neither equal to it, nor before it, nor after it."""
    values: dict[str, Any] = {"absent": None, "list": [5], "number": 5, "text": "5", "truth": True}
    tenant = ground.tenant()
    ground.put(tenant, [{"id": name, "additionalData": {"a": value}} for name, value in values.items()])
    query = bind.query(ground.alerts, {"$filter": text, "$orderby": "id"}, ground.model)
    assert ground.page(tenant, query).ids == ids


def test_a_cast_of_the_row_to_its_own_type_selects_the_same(ground: Ground) -> None:
    tenant = ground.tenant()
    ground.put(tenant, [{"id": "000", "severity": "high"}])
    for text in ("severity eq 'high'", f"{SPACE}.alert/severity eq 'high'"):
        assert ground.page(tenant, bind.query(ground.alerts, {"$filter": text}, ground.model)).ids == ["000"]


def test_a_cast_to_the_type_that_is_declared_anyway_selects_the_same(ground: Ground) -> None:
    tenant = ground.tenant()
    user = {"@odata.type": f"#{SPACE}.userEvidence", "userAccount": {"accountName": "bob"}}
    ground.put(tenant, [{"id": "000", "evidence": [user]}])
    for step in ("", f"{SPACE}.userAccount/"):
        text = f"evidence/any(e: e/{SPACE}.userEvidence/userAccount/{step}accountName eq 'bob')"
        assert ground.page(tenant, bind.query(ground.alerts, {"$filter": text}, ground.model)).ids == ["000"]


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 1_234_567_890_123_456_789, -999_999_999_999_999_999])
def test_large_whole_numbers_are_compared_exactly(ground: Ground, number: int) -> None:
    tenant = ground.tenant()
    process = {"@odata.type": f"#{SPACE}.processEvidence"}
    ground.put(tenant, [{"id": "000", "evidence": [{**process, "processId": number}]}])
    text = f"evidence/any(e: e/{SPACE}.processEvidence/processId eq {number})"
    assert ground.page(tenant, bind.query(ground.alerts, {"$filter": text}, ground.model)).ids == ["000"]
