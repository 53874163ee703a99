"""How alerts are judged, which of them name what, and what is kept of incidents: as decisions see it, in a turn and after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.store.test_removal import in_one_turn

from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.store.facts import NEAR, Case, Facts, Judged, Near, Needs
from secgraph.store.judgements import SLOT, numbers, packed
from secgraph.store.protocol import Change, Decision, Put, PutCase, PutJudged, Remove

if TYPE_CHECKING:
    from tests.store.conftest import Ground

LATE = 10**13


def judged(number: int, *keys: int, last: int = 100, incident: str = "1", data: bytes = b"x") -> Judged:
    return Judged(f"da{number:04}", incident, 3, last - 10, last, packed(keys), data)


async def near(ground: Ground, key: int, since: int = 0, until: int = LATE) -> list[str]:
    wanted = Near(key, since, until)
    facts = await ground.store.write(ground.tenant.number, Needs(near=(wanted,)), lambda facts: Decision((), facts))
    return [one.alert for one in facts.near[wanted]]


async def case(ground: Ground, incident: str) -> Case:
    facts = await ground.store.write(ground.tenant.number, Needs(cases=(incident,)), lambda facts: Decision((), facts))
    return facts.cases[incident]


async def subject(ground: Ground, number: int) -> Judged | None:
    key = f"da{number:04}"
    needs = Needs(rows=((ALERTS, key),), subjects=(key,))
    return await ground.store.write(ground.tenant.number, needs, lambda facts: Decision((), facts.subjects.get(key)))


async def test_an_alert_comes_back_as_it_was_judged(ground: Ground) -> None:
    record = await ground.add(1)
    await ground.write(PutJudged(judged(1, -(2**63), 7, data=b"\0\xff")))
    found = await subject(ground, 1)
    assert found is not None
    assert (found.alert, found.incident, found.v, found.first, found.last) == ("da0001", "1", 3, 90, 100)
    assert (numbers(found.keys), found.data, found.born > 0, record["id"]) == ((-(2**63), 7), b"\0\xff", True, "da0001")
    await ground.add(2)
    assert await subject(ground, 2) is None, "there, and not judged"


async def test_who_names_a_thing_the_latest_first_and_only_in_that_time(ground: Ground) -> None:
    for number, last in ((1, 50), (2, 70), (3, 60), (4, 70)):
        await ground.add(number)
        await ground.write(PutJudged(judged(number, 7, number, last=last)))
    assert await near(ground, 7) == ["da0004", "da0002", "da0003", "da0001"], "of two that ended at once the later one first"
    assert await near(ground, 7, 51, 69) == ["da0003"]
    assert await near(ground, 7, 50, 60) == ["da0003", "da0001"], "both ends count"
    assert await near(ground, 3) == ["da0003"]
    assert await near(ground, 99) == []


async def test_another_tenant_s_things_are_nobody_s_here(ground: Ground) -> None:
    other = await ground.registry.create_tenant("fabrikam")
    await ground.add(1, other)
    await ground.write(PutJudged(judged(1, 7)), PutCase(Case("1", 5, apart=frozenset({"2"}))), tenant=other)
    assert await near(ground, 7) == []
    assert await case(ground, "1") == Case("1")


async def test_of_a_crowd_none_is_read(ground: Ground) -> None:
    changes: list[Change] = []
    for number in range(NEAR - 1):
        changes += [ground.put(ground.alert(number)), PutJudged(judged(number, 7, last=1000 + number))]
    await ground.write(*changes)
    assert len(await near(ground, 7)) == NEAR - 1
    wanted = Near(7, 0, LATE)
    await ground.write(ground.put(ground.alert(NEAR)), PutJudged(judged(NEAR, 7)))
    facts = await ground.store.write(ground.tenant.number, Needs(near=(wanted,)), lambda facts: Decision((), facts))
    assert (facts.near[wanted], facts.crowds) == ([], {wanted})


async def test_names_of_one_number_are_found_by_it_once(ground: Ground) -> None:
    await ground.add(1)
    await ground.write(PutJudged(judged(1, 7, 8, 7)))
    await ground.write(PutJudged(judged(1, 7, 7, last=200)))
    assert [await near(ground, key) for key in (7, 8)] == [["da0001"], []]
    await ground.write(Remove(ground.model.sets[ALERTS], "da0001"))
    assert await near(ground, 7) == []


async def test_another_version_is_found_by_what_it_names_now(ground: Ground) -> None:
    await ground.add(1)
    await ground.write(PutJudged(judged(1, 7, 8)))
    await ground.write(PutJudged(judged(1, 8, 9, last=200)))
    assert [await near(ground, key) for key in (7, 8, 9)] == [[], ["da0001"], ["da0001"]]
    assert await near(ground, 8, 0, 150) == []


@pytest.mark.parametrize("steps", [
    (judged(1, 7), judged(1, 8)), (judged(1, 7), judged(1, 7)), (judged(1, 8), judged(1, 7), judged(1, 8)), (judged(1, 7, 8), judged(1, 8, last=120)),
])  # fmt: skip
async def test_several_versions_in_one_turn_leave_the_last(ground: Ground, steps: tuple[Judged, ...]) -> None:
    await ground.write(ground.put(ground.alert(1)), *(PutJudged(replace(one)) for one in steps))
    for key in (7, 8):
        assert await near(ground, key) == (["da0001"] if key in numbers(steps[-1].keys) else []), key
    again = [PutJudged(replace(one)) for one in steps]
    await ground.write(*again)
    for key in (7, 8):
        assert await near(ground, key) == (["da0001"] if key in numbers(steps[-1].keys) else []), key


async def test_a_write_sees_what_those_before_it_in_the_turn_judged(ground: Ground) -> None:
    seen: list[Any] = []
    key, wanted = (ALERTS, "da0001"), Near(7, 0, LATE)

    def take(facts: Facts) -> Decision[None]:
        del facts
        case = Case("1", 2, apart=frozenset({"2"}))
        return Decision([ground.put(ground.alert(1)), PutJudged(judged(1, 7)), PutCase(case)], None)

    def look(facts: Facts) -> Decision[None]:
        seen.append(([one.alert for one in facts.near[wanted]], facts.cases["1"].alerts, facts.cases["2"].apart))
        return Decision((), None)

    def gone(facts: Facts) -> Decision[None]:
        del facts
        return Decision([Remove(ground.model.sets[ALERTS], "da0001")], None)

    needs = Needs(rows=(key,), near=(wanted,), cases=("1", "2"))
    await in_one_turn(ground, (Needs(), take), (needs, look), (Needs(), gone), (needs, look))
    assert seen == [(["da0001"], 2, {"1"}), ([], 1, {"1"})]


async def test_an_alert_that_moves_is_judged_where_it_is(ground: Ground) -> None:
    record = await ground.add(1, incidentId="1")
    await ground.write(PutJudged(judged(1, 7)))
    await ground.write(ground.put({**record, "incidentId": "4"}, "incidentId"))
    found = await subject(ground, 1)
    assert found is not None
    assert found.incident == "4"
    await ground.write(ground.put({**record, "incidentId": "5"}, "incidentId"), PutJudged(judged(1, 7, incident="5", data=b"y")))
    found = await subject(ground, 1)
    assert found is not None
    assert (found.incident, found.data) == ("5", b"y")


async def test_of_an_alert_taken_away_nothing_is_left(ground: Ground) -> None:
    for number, last in ((1, 100), (2, 3 * SLOT)):
        await ground.add(number)
        named = ((7, "user.upn:x", "x"), (8, "user.upn:y", "y")) if number == 1 else ((7, "user.upn:x", "x"),)
        await ground.write(PutJudged(judged(number, *(key for key, *_ in named), last=last), named, b"why"))
    await ground.write(PutCase(Case("1", 2)))
    await ground.write(Remove(ground.model.sets[ALERTS], "da0001"))
    await ground.add(1)
    assert (await near(ground, 8), await subject(ground, 1), (await case(ground, "1")).alerts) == ([], None, 1)
    assert await named_there(ground) == ["user.upn:x"], "another alert names it still"
    await ground.write(Remove(ground.model.sets[ALERTS], "da0002"))
    assert await named_there(ground) == []
    assert await ground.store.fetch("reasons", tenant=ground.tenant.number) == []


async def named_there(ground: Ground) -> list[str]:
    return [row["text"] for row in await ground.store.fetch("entities", tenant=ground.tenant.number, after="", before="~", most=10)]


async def test_a_case_comes_back_and_keeps_its_pairs_both_ways(ground: Ground) -> None:
    one = Case("1", 3, -5, 9, "s", "2", 17, True, b"\0o", frozenset({"3", "4"}))
    await ground.write(PutCase(one))
    assert await case(ground, "1") == one
    assert [(await case(ground, key)).apart for key in ("3", "4", "5")] == [{"1"}, {"1"}, frozenset()]
    await ground.write(PutCase(replace(one, apart=frozenset({"4", "5"}))))
    assert [(await case(ground, key)).apart for key in ("3", "4", "5")] == [frozenset(), {"1"}, {"1"}]


async def test_of_an_incident_taken_away_nothing_is_left(ground: Ground) -> None:
    one = ground.model.sets[INCIDENTS]
    record: dict[str, Any] = {"@odata.etag": "", **{name: [] if item.collection else None for name, item in one.type.properties.items() if not item.navigation}}
    record |= {"id": "1", "createdDateTime": "2026-01-01T00:00:00.0000000Z", "severity": "low", "status": "active"}
    await ground.write(Put(one, record, (), created=True), PutCase(Case("1", 3, apart=frozenset({"2"}))))
    await ground.write(Remove(one, "1"))
    assert await case(ground, "1") == Case("1")
    assert await case(ground, "2") == Case("2")


async def test_what_was_named_keeps_its_first_name(ground: Ground) -> None:
    for number, name in ((1, "Ana"), (2, "Ana Ruiz")):
        await ground.add(number)
        await ground.write(PutJudged(judged(number, 7), ((7, "user.upn:ana@x", name),)))
    assert [row["name"] for row in await ground.store.fetch("entities", tenant=ground.tenant.number, after="", before="~", most=10)] == ["Ana"]


async def test_what_is_found_does_not_end_at_a_slot(ground: Ground) -> None:
    for number, last in ((1, SLOT - 1), (2, SLOT), (3, 3 * SLOT + 5), (4, -1)):
        await ground.add(number)
        await ground.write(PutJudged(judged(number, 7, last=last)))
    assert await near(ground, 7, -10, 4 * SLOT) == ["da0003", "da0002", "da0001", "da0004"]
    assert await near(ground, 7, SLOT - 1, SLOT) == ["da0002", "da0001"]


async def test_two_versions_in_one_decision_are_both_explained(ground: Ground) -> None:
    one = judged(1, 7)
    await ground.write(ground.put(ground.alert(1)), PutJudged(one, reasons=b"a"), PutJudged(replace(one, data=b"y"), reasons=b"b"))
    await ground.write(ground.put(ground.alert(1), "title"), PutJudged(replace(one, data=b"z"), reasons=b"c"))
    rows = await ground.store.fetch("correlations", tenant=ground.tenant.number, incident=1, born=0, stamp=0, most=10)
    assert [row["data"] for row in rows] == [b"a", b"b", b"c"]


async def test_why_the_alerts_of_an_incident_are_there_is_read_on_from_any_place(ground: Ground) -> None:
    for number, incident in ((1, "1"), (2, "2"), (3, "1")):
        await ground.write(ground.put(ground.alert(number)), PutJudged(judged(number, 7, incident=incident), reasons=b"%d" % number))
    await ground.write(PutJudged(judged(1, 8), reasons=b"1 again"))
    rows = await ground.store.fetch("correlations", tenant=ground.tenant.number, incident=1, born=0, stamp=0, most=10)
    assert [row["data"] for row in rows] == [b"1", b"1 again", b"3"]
    for place, row in enumerate(rows):
        further = await ground.store.fetch("correlations", tenant=ground.tenant.number, incident=1, born=row["born"], stamp=row["stamp"], most=2)
        assert further == rows[place : place + 2]
