"""What would differ if alerts were put together once more: what is counted, from when on, and that nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.ingest.test_counting import published, told

from secgraph.errors import BadBody
from secgraph.ingest.adjust import adjust
from secgraph.ingest.differ import Difference, Joined, Split, compared, differing
from secgraph.ingest.prune import prune
from secgraph.ingest.regroup import Call, merge, merge_needs, move, move_needs
from secgraph.model.edm import load
from secgraph.store.retention import retain

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake

DAY = 86_400


async def differ(intake: Intake, since: int = 0, *, now: bool = False, **given: Any) -> Difference:
    return await differing(intake.store, intake.tenant.number, since, given, now=now)


def same(found: Difference) -> bool:
    return found.elsewhere == 0 and not found.joined and not found.split


async def homes(intake: Intake) -> dict[str, str]:
    return {row["title"]: row["incidentId"] for row in await intake.rows()}


def where(text: str) -> dict[str, str]:
    """Alerts and their incidents: `1:ab 2:c` is a and b in 1, c in 2."""
    return {alert: incident for part in text.split() for incident, alerts in [part.split(":")] for alert in alerts}


@pytest.mark.parametrize(("are", "would", "joined", "split", "elsewhere"), [
    ("", "", [], [], 0), ("1:ab 2:c", "1:ab 2:c", [], [], 0), ("1:ab 2:c", "7:ab 9:c", [], [], 0),
    ("1:ab 2:c", "1:abc", [(("1", "2"), 3)], [], 1), ("1:a 2:bc 3:d", "1:abcd", [(("2", "1", "3"), 4)], [], 2),
    ("1:abc", "1:ab 2:c", [], [("1", 3, (2, 1))], 1), ("1:abcd", "1:a 2:b 3:cd", [], [("1", 4, (2, 1, 1))], 2),
    ("1:abc 2:de", "1:ab 2:cde", [(("2", "1"), 3)], [("1", 3, (2, 1))], 1), ("1:ab 2:cd", "1:ac 2:bd", [(("1", "2"), 2), (("1", "2"), 2)], [("1", 2, (1, 1)), ("2", 2, (1, 1))], 2),
])  # fmt: skip
def test_what_is_counted(are: str, would: str, joined: list[Any], split: list[Any], elsewhere: int) -> None:
    found = compared(where(are), where(would))
    assert found.joined == tuple(Joined(*one) for one in joined)
    assert found.split == tuple(Split(*one) for one in split)
    assert (found.alerts, found.elsewhere) == (len(where(are)), elsewhere)
    assert (found.incidents, found.would_be) == (len(are.split()), len(would.split()))


async def test_other_settings_make_other_incidents_and_nothing_is_changed(intake: Intake) -> None:
    await intake.take(told(intake, "a", "x"), told(intake, "b", "x", detector="e"), told(intake, "c", "y", detector="f"))
    before, events = await intake.rows(), await intake.events()
    assert same(await differ(intake))
    found = await differ(intake, off=True)
    assert (found.incidents, found.would_be, found.elsewhere) == (2, 3, 1)
    assert found.split == (Split((await homes(intake))["a"], 2, (1, 1)),)
    assert (await intake.rows(), await intake.events()) == (before, events)
    with pytest.raises(BadBody, match="windows"):
        await differ(intake, windows="5d")
    with pytest.raises(BadBody, match="crowd"):
        await differ(intake, few=400)


async def test_only_from_then_on(intake: Intake) -> None:
    await intake.take(told(intake, "a", "x"), told(intake, "b", "x"))
    intake.clock.forward(60)
    since = intake.clock()
    await intake.take(told(intake, "c", "x"), told(intake, "d", "x"))
    assert (await differ(intake, since, off=True)).split[0].parts == (2, 1, 1)
    assert same(await differ(intake, since + 600_000_000, off=True))


async def test_what_was_said_then_holds_where_nothing_else_is_given(intake: Intake) -> None:
    await intake.take(told(intake, "a", "x"), told(intake, "b", "x"))
    await adjust(intake.store, intake.tenant.number, {"off": True}, "test")
    await intake.take(told(intake, "c", "x"))
    await adjust(intake.store, intake.tenant.number, {"off": None}, "test")
    await intake.take(told(intake, "d", "z"))
    assert same(await differ(intake))
    found = await differ(intake, off=False)
    home = await homes(intake)
    assert found.joined == (Joined((home["a"], home["c"]), 3),)


async def test_as_common_as_things_are_now(intake: Intake) -> None:
    """A name that two alerts shared by chance turned out to be everybody's: by what is known now they would not be one."""
    await intake.take(told(intake, "a", "x", detector="d1"), told(intake, "b", "x", detector="d2"))
    intake.clock.forward(DAY)
    await intake.take(*(told(intake, f"more{place}", "x", detector="noise") for place in range(450)))
    await published(intake)
    assert same(await differ(intake))
    found = await differ(intake, now=True)
    assert found.split


async def test_people_s_word_is_done_again(intake: Intake) -> None:
    await intake.take(told(intake, "a", "x", detector="d1"), told(intake, "b", "x", detector="d2"), told(intake, "c", "y", detector="d3"))
    rows = {row["title"]: row for row in await intake.rows()}
    number, call = intake.tenant.number, ("me", "me")
    alerts, pair = [rows["b"]["id"]], [rows["a"]["incidentId"], rows["c"]["incidentId"]]
    await intake.store.write(number, move_needs(alerts, None), lambda facts: move(facts, alerts, None, Call("moveAlerts", *call)))
    await intake.store.write(number, merge_needs(pair), lambda facts: merge(facts, pair, Call("mergeIncidents", *call)))
    await intake.take(told(intake, "d", "y", detector="d4"))
    home = await homes(intake)
    assert home["a"] == home["c"] == home["d"] != home["b"]
    assert same(await differ(intake))
    found = await differ(intake, off=True)
    assert [one.parts for one in found.split] == [(2, 1)], "what a person put together stays so; only the last alert is alone"


async def test_what_is_no_more_is_said(intake: Intake) -> None:
    await intake.take(told(intake, "a", "x"), told(intake, "b", "x"))
    [one, other] = await intake.rows()
    await intake.take({**told(intake, "a", "x"), "alert": {**told(intake, "a", "x")["alert"], "status": "resolved"}})
    intake.clock.forward(40 * DAY)
    await retain(intake.store, intake.tenant.number, alerts=30)
    await prune(intake.store, load(), intake.tenant.number, intake.clock, rest=0)
    assert len(await intake.rows()) == 1
    found = await differ(intake)
    assert (found.unknown, found.before, found.alerts, found.elsewhere) == (1, 0, 1, 0)
    await retain(intake.store, intake.tenant.number, events=30)
    await prune(intake.store, load(), intake.tenant.number, intake.clock, rest=0)
    intake.clock.forward(60)
    await intake.take(told(intake, "later", "z"))
    found = await differ(intake)
    assert (found.unknown, found.before, found.alerts, found.elsewhere) == (0, 1, 2, 0)
    assert one["incidentId"] == other["incidentId"]
