"""Asking Entra ID Protection, whatever it can be asked by."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sources import web
from tests.sources.web import Call, Canned, pulled, reply

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import CallFailed, Pulls, Told, Unwraps, WritesBack
from secgraph.sources.entra import EntraIdProtection

BASE = "https://graph.microsoft.com/v1.0/identityProtection"
DETECTIONS, USERS, APPS = (f"GET {BASE}/{name}" for name in ("riskDetections", "riskyUsers", "servicePrincipalRiskDetections"))
NOW = clock.ticks("2026-02-10T12:00:00Z") or 0
REFUSED = reply({"error": {"code": "BadRequest", "message": "Filter not supported."}}, 400)
EMPTY: dict[str, Any] = {"value": []}


def told(**given: str) -> Any:
    return web.told(EntraIdProtection(), given)


def detection(number: int, updated: str = "2026-02-10T09:00:00Z") -> dict[str, Any]:
    return {"id": f"d{number}", "riskEventType": "generic", "lastUpdatedDateTime": updated, "detectedDateTime": "2026-02-09T00:00:00Z"}


def user(number: int, updated: str = "2026-02-10T08:00:00Z") -> dict[str, Any]:
    return {"id": f"u{number}", "riskLastUpdatedDateTime": updated}


def test_it_asks_once_a_second_and_takes_no_changes() -> None:
    source = EntraIdProtection()
    assert isinstance(source, Told)
    assert isinstance(source, Pulls)
    assert not isinstance(source, WritesBack), "a change of an alert is nothing that is done to a user"
    reach = told().reach()
    assert (reach.origins, reach.calls, reach.seconds) == (("https://graph.microsoft.com",), 1, 1.0)
    with pytest.raises(UsageError, match=r"^parts: "):
        told(parts="people")


async def test_detections_and_users_have_marks_of_their_own() -> None:
    api = Canned({DETECTIONS: {"value": [detection(1)], "@odata.nextLink": f"{BASE}/riskDetections?$skiptoken=2"},
                  f"{DETECTIONS}?$skiptoken=2": {"value": [detection(2, "2026-02-10T10:00:00Z")]}, USERS: {"value": [user(1)]}})  # fmt: skip
    found = await pulled(told(), api, {}, NOW)
    assert found.ids() == ["d1", "d2", "u1"]
    assert found.place == {"detections": "2026-02-10T10:00:00.0000000Z", "users": "2026-02-10T08:00:00.0000000Z"}
    assert api.asked() == ["lastUpdatedDateTime ge 2026-02-03T12:00:00.0000000Z", None, "riskLastUpdatedDateTime ge 2026-02-03T12:00:00.0000000Z"]
    assert {call.params["$top"] for call in api.calls if "$top" in call.params} == {"500"}
    await pulled(told(), api, found.place, NOW)
    assert api.asked()[3] == "lastUpdatedDateTime ge 2026-02-10T09:00:00.0000000Z"


async def test_where_the_update_clock_cannot_be_asked_by_the_time_of_detection_is_with_two_days_more() -> None:
    def answer(call: Call) -> Any:
        return REFUSED if "ast" in call.params.get("$filter", "") else {"value": [detection(1)] if call.place == DETECTIONS else [user(1), user(2)]}

    api = Canned({DETECTIONS: answer, USERS: answer})
    found = await pulled(told(), api, {"detections": "2026-02-10T10:00:00Z"}, NOW)
    assert api.asked() == ["lastUpdatedDateTime ge 2026-02-10T09:00:00.0000000Z", "detectedDateTime ge 2026-02-08T09:00:00.0000000Z",
                           "riskLastUpdatedDateTime ge 2026-02-03T12:00:00.0000000Z", None]  # fmt: skip
    assert (found.failure, found.ids()) == (None, ["d1", "u1", "u2"])
    assert found.place["detections"] == "2026-02-10T10:00:00.0000000Z"


async def test_what_answers_nothing_at_all_is_a_failure_and_keeps_the_marks_before_it() -> None:
    refused = await pulled(told(), Canned({DETECTIONS: REFUSED, USERS: EMPTY}), {}, NOW)
    assert isinstance(refused.failure, CallFailed)
    assert (refused.place, str(refused.failure)) == ({}, "answered 400 BadRequest: Filter not supported.")
    half = await pulled(told(), Canned({DETECTIONS: {"value": [detection(1)]}, USERS: reply(EMPTY, 403)}), {}, NOW)
    assert half.failure is not None
    assert half.place == {"detections": "2026-02-10T09:00:00.0000000Z"}


async def test_a_refusal_of_a_later_page_is_no_reason_to_ask_otherwise() -> None:
    api = Canned({DETECTIONS: {"value": [detection(1)], "@odata.nextLink": f"{BASE}/riskDetections?2"}, f"{DETECTIONS}?2": REFUSED})
    found = await pulled(told(), api, {}, NOW)
    assert (len(api.calls), found.place) == (2, {})
    assert found.failure is not None


async def test_a_fresh_begin_is_kept_until_both_lists_were_read() -> None:
    api = Canned({DETECTIONS: {"value": [detection(1)]}, USERS: (500, EMPTY)})
    broken = await pulled(told(), api, {"since": "2026-01-01T00:00:00Z"}, NOW)
    assert broken.place["since"] == "2026-01-01T00:00:00Z"
    whole = await pulled(told(), api, broken.place, NOW)
    assert api.asked()[-1] == "riskLastUpdatedDateTime ge 2026-01-01T00:00:00.0000000Z"
    assert whole.place == {"detections": "2026-02-10T09:00:00.0000000Z", "users": "2026-01-01T00:00:00.0000000Z"}


async def test_applications_are_asked_for_only_by_name() -> None:
    api = Canned({APPS: {"value": [detection(1)]}})
    assert (await pulled(told(parts="applications"), api, {}, NOW)).place == {"applications": "2026-02-10T09:00:00.0000000Z"}


def test_lines_of_the_diagnostic_log_come_in_messages() -> None:
    source = EntraIdProtection()
    assert isinstance(source, Unwraps)
    assert list(source.unwrap({"records": [1, {}]}) or ()) == [1, {}]
    others: list[Any] = [[], {"records": {}}, {"value": []}, 5]
    assert [source.unwrap(value) for value in others] == [None] * 4
