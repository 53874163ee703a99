"""Asking Defender for Endpoint, and carrying changes back to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.sources import web
from tests.sources.web import Call, Canned, pulled, reply

from secgraph import clock
from secgraph.extend import CallFailed, OutcomeUnknown, Pulls, Told, WritesBack, Written
from secgraph.model.edm import EnumType, load
from secgraph.sources import defender, mde
from secgraph.sources.mde import DefenderForEndpoint

HOST = "https://api.securitycenter.microsoft.com"
ALERTS = f"GET {HOST}/api/alerts"
KEY = "da637_-1"
ALERT = f"{HOST}/api/alerts/{KEY}"
NOW = clock.ticks("2026-02-10T12:00:00Z") or 0


def told(**given: str) -> Any:
    return web.told(DefenderForEndpoint(), given)


def alert(number: int, updated: str = "2026-02-10T09:00:00Z", **more: Any) -> dict[str, Any]:
    return {"id": f"da{number:018}_1", "title": "t", "alertCreationTime": "2026-02-10T08:00:00Z", "lastUpdateTime": updated, **more}


class Alerts:
    """The list as the product holds it: newest creation first, filtered by its update time; `moves` change it between calls."""

    def __init__(self, rows: list[dict[str, Any]], moves: Mapping[int, Any] | None = None) -> None:
        self.rows = rows
        self.moves = dict(moves or {})
        self.calls = 0

    def __call__(self, call: Call) -> dict[str, Any]:
        self.moves.get(self.calls, lambda _: None)(self.rows)
        self.calls += 1
        begin = clock.ticks(call.params["$filter"].removeprefix("lastUpdateTime ge ")) or 0
        rows = [row for row in self.rows if (clock.ticks(row["lastUpdateTime"]) or 0) >= begin]
        start, size = int(call.params["$skip"]), int(call.params["$top"])
        assert size <= 10_000
        assert call.params["$expand"] == "evidence"
        return {"value": rows[start : start + size]}


def test_it_has_every_power_and_keeps_both_rates() -> None:
    source = DefenderForEndpoint()
    assert isinstance(source, Told)
    assert isinstance(source, Pulls)
    assert isinstance(source, WritesBack)
    reach = told().reach()
    assert reach.origins == (HOST,)
    assert reach.access.scope == f"{HOST}/.default"
    assert reach.calls <= 100 * reach.seconds / 60
    assert reach.calls <= 1_500 * reach.seconds / 3600
    assert told(url="https://eu.api.security.microsoft.com").reach().origins == ("https://eu.api.security.microsoft.com",)


async def test_several_pages_are_read_and_the_mark_is_moved_behind_them() -> None:
    rows = [alert(number, f"2026-02-10T0{number % 10}:00:00Z") for number in range(2 * mde.PAGE + 10)]
    api = Canned({ALERTS: Alerts(rows)})
    found = await pulled(told(), api, {}, NOW)
    assert found.ids() == [row["id"] for row in rows]
    assert found.place == {"alerts": "2026-02-10T09:00:00.0000000Z"}
    assert api.asked("$skip") == ["0", str(mde.PAGE - 1), str(2 * mde.PAGE - 2)]
    again = await pulled(told(overlap="30m"), api, found.place, NOW)
    assert api.asked()[-1] == "lastUpdateTime ge 2026-02-10T08:30:00.0000000Z"
    assert {row["lastUpdateTime"] for row in again.values} == {"2026-02-10T09:00:00Z"}


async def test_an_alert_that_comes_in_while_pages_are_read_is_found_by_the_next_pull() -> None:
    rows = [alert(number) for number in range(2 * mde.PAGE)]
    late = [alert(9_001, "2026-02-10T12:00:01Z"), alert(9_002, "2026-02-10T12:00:20Z")]

    def first(held: list[dict[str, Any]]) -> None:
        held.insert(0, late[0])  # on a page that was read already

    def last(held: list[dict[str, Any]]) -> None:
        held.append(late[1])

    api = Canned({ALERTS: Alerts(rows, {1: first, 2: last})})
    source = told(overlap="0s")
    found = await pulled(source, api, {}, NOW)
    assert late[1]["id"] in found.ids()
    assert late[0]["id"] not in found.ids()
    assert len(found.ids()) == len(set(found.ids()))
    again = await pulled(source, api, found.place, NOW + clock.DAY)
    assert {one["id"] for one in late} <= set(again.ids()), "a mark is never later than the begin of its pull"


async def test_a_pull_that_is_broken_off_begins_again_where_it_was() -> None:
    rows = [alert(number) for number in range(mde.PAGE + 1)]
    listed = Alerts(rows)
    api = Canned({ALERTS: (listed, CallFailed("no answer"), listed)})
    place = {"since": "2026-02-01T00:00:00Z"}
    broken = await pulled(told(), api, place, NOW)
    assert (len(broken.records), broken.place) == (mde.PAGE, place)
    whole = await pulled(told(), api, broken.place, NOW)
    assert len(whole.records) == mde.PAGE + 1
    assert set(api.asked()) == {"lastUpdateTime ge 2026-02-01T00:00:00.0000000Z"}


async def test_nothing_new_keeps_the_mark() -> None:
    api = Canned({ALERTS: {"value": []}})
    assert (await pulled(told(), api, {"alerts": "2026-02-10T11:00:00.0000000Z"}, NOW)).place == {"alerts": "2026-02-10T11:00:00.0000000Z"}
    assert (await pulled(told(), api, {}, NOW)).place == {"alerts": "2026-02-03T12:00:00.0000000Z"}


@pytest.mark.parametrize("answer", [b"<html>", {"value": 1}, 500, 404, reply({"error": {"code": "Unauthorized", "message": "x"}}, 403)])
async def test_what_is_no_list_is_a_failure(answer: Any) -> None:
    found = await pulled(told(), Canned({ALERTS: answer}), {}, NOW)
    assert isinstance(found.failure, CallFailed)
    assert found.place == {}


# --- changes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changes", "bodies"), [
    ({"status": "inProgress"}, [{"status": "InProgress"}]),
    ({"assignedTo": None, "comments": []}, [{"assignedTo": ""}]),
    ({"classification": None, "determination": "unknown"}, [{"classification": "Unknown", "determination": "NotAvailable"}]),
    ({"status": "resolved", "comments": ["a", "b"]}, [{"status": "Resolved", "comment": "a"}, {"comment": "b"}]),
    ({"comments": ["a"]}, [{"comment": "a"}]),
    ({}, []),
])  # fmt: skip
async def test_a_change_in_its_words(changes: dict[str, Any], bodies: list[dict[str, Any]]) -> None:
    api = Canned({f"PATCH {ALERT}": alert(1)})
    assert await told().write(api, KEY, changes) == Written(accepted=True)
    assert [call.json for call in api.calls] == bodies
    assert all(call.once for call in api.calls)


@pytest.mark.parametrize(("member", "enum", "table"), [
    ("status", "alertStatus", defender.STATUSES), ("classification", "alertClassification", defender.CLASSIFICATIONS), ("determination", "alertDetermination", defender.DETERMINATIONS),
])  # fmt: skip
def test_every_published_word_has_one_of_its_and_comes_back_as_itself(member: str, enum: str, table: dict[str, str]) -> None:
    published = load().types[f"microsoft.graph.security.{enum}"]
    assert isinstance(published, EnumType)
    assert set(mde.WORDS[member]) == set(published.members) - {"unknownFutureValue"}
    assert {ours: defender.word(its, table) for ours, its in mde.WORDS[member].items()} == {ours: ours for ours in mde.WORDS[member]}


async def test_a_word_it_does_not_have_is_refused_without_a_call() -> None:
    written = await told().write(Canned({}), KEY, {"status": "resolved", "determination": "unknownFutureValue"})
    assert written == Written(accepted=False, why="Microsoft Defender for Endpoint has no determination 'unknownFutureValue'")


async def test_a_refusal_and_an_unknown_outcome() -> None:
    missing = reply({"error": {"code": "ResourceNotFound", "message": "Alert was not found", "target": "x"}}, 404)
    assert await told().write(Canned({f"PATCH {ALERT}": missing}), KEY, {"status": "new"}) == Written(accepted=False, why="404 ResourceNotFound: Alert was not found")
    with pytest.raises(OutcomeUnknown, match="1 of 2"):
        await told().write(Canned({f"PATCH {ALERT}": ({}, CallFailed("no answer"))}), KEY, {"comments": ["a", "b"]})


async def test_what_is_there_now_is_read_in_the_words_of_the_contract() -> None:
    said = alert(1, status="InProgress", assignedTo="ana", classification=None, determination="CompromisedUser", comments=[{"comment": "c", "createdBy": "b"}])
    expected = {"status": "inProgress", "assignedTo": "ana", "classification": "unknown", "determination": "compromisedAccount", "comments": ["c"]}
    assert await told().read(Canned({f"GET {ALERT}": said}), KEY) == expected
    assert await told().read(Canned({f"GET {ALERT}": 404}), KEY) is None
