"""Walking a list page by page gives the full order: nothing twice, nothing left out, whatever is added on the way."""

from __future__ import annotations

from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from secgraph import clock
from secgraph.model.edm import EnumType, load
from secgraph.odata import bind

if TYPE_CHECKING:
    from tests.properties.conftest import Ground

    from secgraph.odata.query import Query
    from secgraph.store.registry import Tenant

Record = dict[str, Any]
SPACE = "microsoft.graph.security"
ALERT_TYPE = load().struct(f"{SPACE}.alert")
WORDS = st.sampled_from(["", "a", "A", "b", "B", "ab", "ß", "ss", "SS", "é", "Z", "İ", "\U0001f600", "\uffff", "10", "9"])
INSTANTS = st.integers(-2, 2).map(lambda ticks: clock.text(17_698_932_000_000_000 + ticks))
KEYS = {
    "createdDateTime": INSTANTS, "severity": st.sampled_from(["unknown", "low", "medium", "high", "unknownFutureValue"]),
    "classification": st.sampled_from(["unknown", "falsePositive", "truePositive"]), "assignedTo": WORDS, "title": WORDS,
    "serviceSource": st.sampled_from(["microsoftSentinel", "dataLossPrevention", "unknownFutureValue"]),
    "detectionSource": st.sampled_from(["manual", "microsoftSentinel", "antivirus"]), "resolvedDateTime": INSTANTS, "incidentId": WORDS,
    "additionalData/word": WORDS, "additionalData/number": st.sampled_from([0, -1, 1, 0.5, 2**53, 10]),
}  # fmt: skip


@st.composite
def alerts(draw: st.DrawFn) -> Record:
    record: Record = {"additionalData": {}}
    for name, values in KEYS.items():
        value = draw(st.none() | values)
        if "/" in name:
            record["additionalData"][name.partition("/")[2]] = value
        elif value is not None:
            record[name] = value
    return record


ORDERS = st.lists(st.tuples(st.sampled_from([*KEYS, "id", "lastUpdateDateTime"]), st.booleans()), max_size=4, unique_by=lambda key: key[0])


def full_order(order: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """The order with what the server adds: newest first where nothing is asked, and the key at the end."""
    keys = order or [("createdDateTime", True)]
    return keys if any(name == "id" for name, _ in keys) else [*keys, ("id", keys[-1][1])]


def rank(record: Record, name: str) -> Any:
    value: Any = record
    for step in name.split("/"):
        value = None if value is None else value.get(step)
    kind = ALERT_TYPE.properties[name].type if "/" not in name else None
    if isinstance(kind, EnumType) and value is not None:
        return kind.members[value]
    return value.casefold() if isinstance(value, str) and "DateTime" not in name else value


def before(order: list[tuple[str, bool]], one: Record, other: Record) -> int:
    """Negative where one row comes before the other. Null is the smallest."""
    for name, descending in order:
        left, right = rank(one, name), rank(other, name)
        if left == right:
            continue
        smaller = left is None or (right is not None and left < right)
        return 1 if smaller is descending else -1
    return 0


def ids(records: list[Record], order: list[tuple[str, bool]]) -> list[str]:
    def compare(one: Record, other: Record) -> int:
        return before(order, one, other)

    return [record["id"] for record in sorted(records, key=cmp_to_key(compare))]


def asked(ground: Ground, order: list[tuple[str, bool]], top: int, **more: str) -> Query:
    text = ", ".join(f"{name} {'desc' if descending else 'asc'}" for name, descending in order)
    return bind.query(ground.alerts, {"$orderby": text, "$top": str(top), **{f"${key}": value for key, value in more.items()}}, ground.model)


def walked(ground: Ground, tenant: Tenant, query: Query) -> list[str]:
    found, after = [], None
    while True:
        page = ground.page(tenant, query, after)
        assert len(page.ids) <= query.top
        found += page.ids
        if page.next is None:
            return found
        assert len(page.ids) == query.top
        after = page.next


@given(drafts=st.lists(alerts(), max_size=9), order=ORDERS, top=st.integers(1, 4))
def test_pages_together_are_the_full_order(ground: Ground, drafts: list[Record], order: list[tuple[str, bool]], top: int) -> None:
    tenant = ground.tenant()
    records = ground.put(tenant, [{**one, "id": f"{number:02}"} for number, one in enumerate(drafts)])
    expected = ids(records, full_order(order))
    assert walked(ground, tenant, asked(ground, order, 1000)) == expected
    assert walked(ground, tenant, asked(ground, order, top)) == expected


@given(drafts=st.lists(alerts(), max_size=9), order=ORDERS, top=st.integers(1, 4))
def test_pages_of_a_filtered_list(ground: Ground, drafts: list[Record], order: list[tuple[str, bool]], top: int) -> None:
    tenant = ground.tenant()
    records = ground.put(tenant, [{**one, "id": f"{number:02}"} for number, one in enumerate(drafts)])
    expected = ids([one for one in records if (one["title"] or "").casefold() != "a"], full_order(order))
    assert walked(ground, tenant, asked(ground, order, top, filter="title ne 'A'")) == expected


@given(drafts=st.lists(alerts(), max_size=9), order=ORDERS, top=st.integers(1, 4), skip=st.integers(0, 10))
def test_pages_after_a_skip(ground: Ground, drafts: list[Record], order: list[tuple[str, bool]], top: int, skip: int) -> None:
    tenant = ground.tenant()
    records = ground.put(tenant, [{**one, "id": f"{number:02}"} for number, one in enumerate(drafts)])
    assert walked(ground, tenant, asked(ground, order, top, skip=str(skip))) == ids(records, full_order(order))[skip:]


@given(
    drafts=st.lists(alerts(), min_size=1, max_size=7), late=st.lists(alerts(), min_size=1, max_size=5), order=ORDERS, top=st.integers(1, 3),
    numbers=st.permutations(range(12)),
)  # fmt: skip
def test_what_is_added_beyond_the_page_is_met_and_what_is_added_before_is_not(
    ground: Ground, drafts: list[Record], late: list[Record], order: list[tuple[str, bool]], top: int, numbers: list[int]
) -> None:
    tenant = ground.tenant()
    keys, query = full_order(order), asked(ground, order, top)
    waiting = [{**one, "id": f"{number:02}"} for one, number in zip([*drafts, *late], numbers, strict=False)]
    standing = ground.put(tenant, waiting[: len(drafts)])
    waiting = waiting[len(drafts) :]
    expected, found, after = ids(standing, keys), list[str](), None
    while True:
        page = ground.page(tenant, query, after)
        found += page.ids
        assert found == expected[: len(found)]
        if page.next is None:
            break
        after = page.next
        if waiting:
            last = next(one for one in standing if one["id"] == found[-1])
            [added] = ground.put(tenant, [waiting.pop()])
            standing.append(added)
            beyond = [one for one in standing if before(keys, last, one) < 0]
            expected = found + ids(beyond, keys)
    assert found == expected
