"""How audit records of alerts are fetched: windows, lists, each piece of content once, and the subscription."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.sources.web import TENANT, Call, Canned, pulled, reply, told

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import ClientCredentials, Pulls, Reply, Told
from secgraph.sources.mdo import DefenderForOffice

FEED = f"https://manage.office.com/api/v1.0/{TENANT}/activity/feed"
LIST, START = f"GET {FEED}/subscriptions/content", f"POST {FEED}/subscriptions/start"
NOW = clock.ticks("2026-02-10T12:00:00Z") or 0
HOUR = 3600 * clock.SECOND


def office(**options: str) -> Any:
    return told(DefenderForOffice(), options)


def alert(number: int, kind: int = 40) -> dict[str, Any]:
    return {"RecordType": kind, "Id": f"r{number}", "AlertId": f"a{number}", "Name": "t", "CreationTime": "2026-02-10T11:00:00"}


def piece(name: str, created: str = "2026-02-10T11:30:00.000Z") -> dict[str, Any]:
    uri = f"{FEED}/audit/{name}"
    return {"contentType": "Audit.General", "contentId": f"id${name}", "contentUri": uri, "contentCreated": created}


def refused(code: str, status: int = 400) -> Reply:
    return reply({"error": {"code": code, "message": f"because of {code}"}}, status)


def content(name: str) -> str:
    return f"GET {FEED}/audit/{name}"


def test_it_is_told_and_pulls() -> None:
    source = office()
    assert isinstance(source, Told)
    assert isinstance(source, Pulls)
    reach = source.reach()
    assert reach.origins == ("https://manage.office.com",)
    assert isinstance(reach.access, ClientCredentials)
    assert reach.access.scope == "https://manage.office.com/.default"
    stand_in = office(url="https://127.0.0.1:8443/api/v1.0", login_url="https://127.0.0.1:8443").reach()
    assert stand_in.origins == ("https://127.0.0.1:8443",)
    with pytest.raises(UsageError, match=r"content: 'Audit.Exchange' holds no alerts"):
        office(content="Audit.Exchange")
    with pytest.raises(UsageError, match="not told"):
        DefenderForOffice().reach()


async def test_windows_are_a_day_at_most_and_begin_within_the_week() -> None:
    web = Canned({LIST: []})
    found = await pulled(office(since="30d"), web, {}, NOW)
    assert not found.failure
    windows = [(clock.ticks(call.params["startTime"]) or 0, clock.ticks(call.params["endTime"]) or 0) for call in web.calls]
    assert len(windows) == 7
    assert NOW - 7 * clock.DAY < windows[0][0] < NOW - 7 * clock.DAY + HOUR
    assert windows[-1][1] == NOW
    assert all(end - start <= clock.DAY for start, end in windows)
    assert [end for _, end in windows[:-1]] == [start for start, _ in windows[1:]], "none missing between them"
    assert {call.params["PublisherIdentifier"] for call in web.calls} == {TENANT}


async def test_a_fresh_begin_and_a_place_that_goes_on() -> None:
    web = Canned({LIST: [piece("b1")], content("b1"): [alert(1)]})
    found = await pulled(office(overlap="1h"), web, {"since": "2026-02-10T09:00:00Z"}, NOW)
    assert web.asked("startTime")[0] == "2026-02-10T09:00:00"
    assert found.place["Audit.General"] == "2026-02-10T11:30:00.0000000Z", "the highest that was seen, not the time of the call"
    web = Canned({LIST: [piece("b1"), piece("b2")], content("b2"): [alert(2)]})
    found = await pulled(office(overlap="1h"), web, found.place, NOW + HOUR)
    assert web.asked("startTime")[0] == "2026-02-10T10:30:00"
    assert found.ids("Id") == ["r2"], "content that was fetched is not fetched again"


async def test_pages_are_followed_and_content_is_fetched_once() -> None:
    next_page = f"{FEED}/subscriptions/content?contentType=Audit.General&nextPage=2"
    table: dict[str, Any] = {
        LIST: Reply(200, {"nextpageuri": next_page}, json.dumps([piece("b1"), piece("b2")]).encode()),
        f"GET {next_page}": [piece("b2"), piece("b3")],
        content("b1"): b'[ {"RecordType":40, "AlertId":"a1"},{"RecordType":15}, {"RecordType":98} ]',
        content("b2"): [alert(2), alert(3, 64), alert(4, 28)],
        content("b3"): [],
    }
    web = Canned(table)
    found = await pulled(office(since="2h"), web, {}, NOW)
    assert found.records[0] == b'{"RecordType":40, "AlertId":"a1"}', "the bytes as they came"
    assert [value.get("RecordType") for value in found.values] == [40, 98, 40, 64]
    assert [call.url.rpartition("/")[2] for call in web.calls if "/audit/" in call.url] == ["b1", "b2", "b3"]
    assert all(call.params["PublisherIdentifier"] == TENANT for call in web.calls)


async def test_without_a_subscription_it_is_started_and_not_again_at_once() -> None:
    web = Canned({LIST: refused("AF20022"), START: {"status": "enabled"}})
    found = await pulled(office(), web, {}, NOW)
    assert not found.failure
    assert [call.params["contentType"] for call in web.calls if call.method == "POST"] == ["Audit.General"]
    for later, starts in ((5, 1), (14, 1), (16, 2)):
        found = await pulled(office(), web, found.place, NOW + later * 60 * clock.SECOND)
        assert sum(call.method == "POST" for call in web.calls) == starts
    web = Canned({LIST: refused("AF20022"), START: refused("AF20024")})
    assert not (await pulled(office(), web, {}, NOW)).failure, "somebody else has started it"
    web = Canned({LIST: refused("AF20022"), START: refused("AF10001", 401)})
    assert "ActivityFeed.Read" in str((await pulled(office(), web, {}, NOW)).failure)


@pytest.mark.parametrize("code", ["AF20030", "AF20055"])
async def test_a_begin_that_the_product_finds_too_old_is_moved(code: str) -> None:
    oldest = NOW - 7 * clock.DAY + HOUR

    def answer(call: Call) -> Any:
        return refused(code) if (clock.ticks(call.params["startTime"]) or 0) < oldest else []

    web = Canned({LIST: answer})
    assert not (await pulled(office(since="30d"), web, {}, NOW)).failure
    assert len(web.calls) == 8
    found = await pulled(office(since="2h"), Canned({LIST: refused(code)}), {}, NOW)
    assert f"{code}: because of {code}" in str(found.failure), "where that is not the reason, it is told"
    found = await pulled(office(since="30d"), Canned({LIST: refused(code)}), {}, NOW)
    assert "clock" in str(found.failure), "and it does not go on for ever"


async def test_content_that_is_gone_keeps_back_nothing() -> None:
    table: dict[str, Any] = {LIST: [piece("b1"), piece("b2")], content("b1"): refused("AF20051"), content("b2"): [alert(2)]}
    found = await pulled(office(since="2h"), Canned(table), {}, NOW)
    assert (found.ids("Id"), found.failure) == (["r2"], None)


async def test_a_pull_that_is_broken_off_begins_where_the_last_place_was() -> None:
    table: dict[str, Any] = {LIST: [piece("b1"), piece("b2")], content("b1"): [alert(1)], content("b2"): (refused("AF50000", 500), [alert(2)])}
    web = Canned(table)
    first = await pulled(office(since="2h"), web, {}, NOW)
    assert (first.ids("Id"), first.place) == (["r1"], {})
    assert "AF50000" in str(first.failure)
    assert (await pulled(office(since="2h"), web, first.place, NOW)).ids("Id") == ["r1", "r2"]


async def test_a_type_that_may_not_be_read_keeps_back_none_of_the_others() -> None:
    def answer(call: Call) -> Any:
        return refused("AF10001", 403) if call.params["contentType"] == "DLP.All" else [piece("b1")]

    web = Canned({LIST: answer, content("b1"): [alert(1)]})
    found = await pulled(office(content="DLP.All, Audit.General", since="2h"), web, {}, NOW)
    assert found.ids("Id") == ["r1"]
    assert "ActivityFeed.ReadDlp" in str(found.failure)
    assert "Audit.General" in found.place
    assert "DLP.All" not in found.place


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({LIST: b"<html>"}, "no list of content: <html>"),
    ({LIST: {"a": 1}}, "no list of content"),
    ({LIST: b"[" * 100_000}, "no list of content"),
    ({LIST: [{"contentId": 5}]}, "no contentId and contentUri"),
    ({LIST: [piece("b1")], content("b1"): b"<html>"}, "no list of records: <html>"),
    ({LIST: [piece("b1")], content("b1"): {"value": []}}, "no list of records"),
    ({LIST: [{**piece("b1"), "contentUri": "https://evil.example/x"}]}, "no host of this source"),
    ({LIST: Reply(200, {"nextpageuri": "https://evil.example/x"}, b"[]")}, "no host of this source"),
    ({LIST: Reply(200, {"nextpageuri": f"{FEED}/subscriptions/content?p=1"}, b"[]")}, "does not end"),
    ({LIST: Reply(403, {}, b"\xff\xfe")}, "answered 403"),
]


@pytest.mark.parametrize(("table", "words"), HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_answers_are_told(table: dict[str, Any], words: str) -> None:
    found = await pulled(office(since="2h"), Canned(table, origins=("https://manage.office.com",)), {}, NOW)
    assert words in str(found.failure)
    assert found.place == {}


async def test_one_odd_record_keeps_back_none_of_the_others() -> None:
    table: dict[str, Any] = {LIST: [piece("b1")], content("b1"): b'[{"RecordType":40,"AlertId":"\\ud800","n":NaN},{"RecordType":40,"AlertId":"2"},7]'}
    found = await pulled(office(since="2h"), Canned(table), {}, NOW)
    assert len(found.records) == 3
    assert found.values[1]["AlertId"] == "2"


async def test_what_was_fetched_is_remembered_up_to_a_bound() -> None:
    many = [piece(f"b{number}") for number in range(5_200)]
    found = await pulled(office(since="2h"), Canned({LIST: many} | {content(f"b{number}"): b"[]" for number in range(5_200)}), {}, NOW)
    assert len(found.place["fetched Audit.General"]) == 5_000
    later = await pulled(office(since="2h"), Canned({LIST: []}), found.place, NOW + 9 * clock.DAY)
    assert not later.failure
