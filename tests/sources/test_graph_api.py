"""Asking Microsoft Graph: what is asked, where the next pull goes on, and changes that are carried back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from tests.sources import web
from tests.sources.web import TENANT, Answer, Call, Canned, pulled, reply

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import CallFailed, ClientCredentials, OutcomeUnknown, Pulls, Reach, Told, WritesBack, Written
from secgraph.sources.graph import Graph

BASE = "https://graph.microsoft.com/v1.0/security"
ALERTS, INCIDENTS = f"GET {BASE}/alerts_v2", f"GET {BASE}/incidents"
SCORES, PROFILES = f"GET {BASE}/secureScores", f"GET {BASE}/secureScoreControlProfiles"
ACCOUNTS, ISSUES, SENSORS = (f"GET {BASE}/identities/{name}" for name in ("identityAccounts", "healthIssues", "sensors"))
NOW = clock.ticks("2026-02-10T12:00:00Z") or 0
EMPTY: dict[str, Any] = {"value": []}
KNOWN: dict[str, Any] = dict.fromkeys((ACCOUNTS, ISSUES, SENSORS), EMPTY)
HERE = "2026-02-10T12:00:00.0000000Z"


def told(**given: str) -> Any:
    return web.told(Graph(), given)


def alert(number: int, updated: str = "2026-02-10T09:00:00Z") -> dict[str, Any]:
    return {"id": f"da{number:036}", "title": "t", "lastUpdateDateTime": updated}


def test_it_has_every_power_and_needs_what_has_no_default() -> None:
    source = Graph()
    assert isinstance(source, Told)
    assert isinstance(source, Pulls)
    assert isinstance(source, WritesBack)
    assert [option.name for option in source.options if option.default is None] == ["tenant_id", "client_id", "client_secret"]
    assert [option.name for option in source.options if option.secret] == ["client_secret"]
    with pytest.raises(UsageError, match="not told"):
        source.reach()


def test_what_it_reaches_is_one_host_as_one_application() -> None:
    login = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    scope = "https://graph.microsoft.com/.default"
    assert told().reach() == Reach(("https://graph.microsoft.com",), ClientCredentials(login, "app", "s3cret", scope), 150, 60.0)
    other = told(url="https://Graph.Example:8443/v1.0/", login_url="https://login.example/", tenant_id="contoso.com").reach()
    assert other.origins == ("https://graph.example:8443",)
    assert cast("ClientCredentials", other.access).token_url == "https://login.example/contoso.com/oauth2/v2.0/token"
    assert "s3cret" not in repr(other)


@pytest.mark.parametrize(("name", "value"), [
    ("tenant_id", ""), ("tenant_id", "a/../b"), ("tenant_id", "a b"), ("client_id", " "), ("client_secret", ""), ("scope", ""), ("url", "http://graph.microsoft.com"),
    ("url", "https://user@graph.microsoft.com"), ("url", "https://graph.microsoft.com?x"), ("url", "graph"), ("login_url", "https://"), ("since", "week"), ("overlap", ""),
    ("parts", ""), ("parts", "alerts,mail"),
])  # fmt: skip
def test_a_wrong_option_is_named(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"^{name}: "):
        told(**{name: value})


async def test_a_first_pull_goes_back_a_week_and_keeps_the_highest_update_time_of_each_list() -> None:
    incident = {"id": "1", "displayName": "i", "lastUpdateDateTime": "2026-02-10T10:00:00Z", "alerts": [alert(4)]}
    api = Canned({
        ALERTS: {"value": [alert(1, "2026-02-10T11:00:00Z"), alert(2)], "@odata.nextLink": f"{BASE}/alerts_v2?$skiptoken=a%20b"},
        f"{ALERTS}?$skiptoken=a%20b": {"value": [alert(3)]}, INCIDENTS: {"value": [incident]},
        SCORES: {"value": [{"id": "s2", "createdDateTime": "2026-02-09T00:00:00Z", "currentScore": 1}, {"id": "s1", "createdDateTime": "2026-01-09T00:00:00Z", "currentScore": 1}],
                 "@odata.nextLink": f"{BASE}/secureScores?older"}, PROFILES: {"value": [{"id": "p", "controlCategory": "Data"}]},
        ACCOUNTS: {"value": [{"id": "i1"}], "@odata.nextLink": f"{BASE}/identities/identityAccounts?2"}, f"{ACCOUNTS}?2": {"value": [{"id": "i2"}]},
        ISSUES: {"value": [{"id": "h"}]}, SENSORS: {"value": [{"id": "n"}]},
    })  # fmt: skip
    found = await pulled(told(), api, {}, NOW)
    assert found.failure is None
    assert [one.get("id") for one in found.values][3:] == ["1", "s2", "s1", "p", "i1", "i2", "h", "n"]
    assert api.calls[0].params == {"$filter": "lastUpdateDateTime ge 2026-02-03T12:00:00.0000000Z", "$top": "200"}
    assert api.calls[1].url == f"{BASE}/alerts_v2?$skiptoken=a%20b"
    assert api.calls[2].params["$expand"] == "alerts"
    assert all(call.headers == {"Prefer": "include-unknown-enum-members"} for call in api.calls[:3])
    assert [call.place for call in api.calls[3:]] == [SCORES, PROFILES, ACCOUNTS, ACCOUNTS, ISSUES, SENSORS], "no older score than is asked for"
    assert found.place == {"alerts": "2026-02-10T11:00:00.0000000Z", "incidents": "2026-02-10T10:00:00.0000000Z",
                           "scores": "2026-02-09T00:00:00.0000000Z", "asked": HERE,
                           "identityAccounts": HERE, "healthIssues": HERE, "sensors": HERE}  # fmt: skip


async def test_the_next_pull_begins_an_overlap_before_and_asks_for_no_score_so_soon() -> None:
    api = Canned({ALERTS: {"value": [alert(1)]}, INCIDENTS: EMPTY, **KNOWN})
    place = {"alerts": "2026-02-10T11:00:00Z", "incidents": "2026-02-10T10:00:00Z", "scores": "2026-02-09T00:00:00Z", "asked": "2026-02-10T11:00:00Z"}
    found = await pulled(told(overlap="1h"), api, place, NOW)
    assert api.asked()[:2] == ["lastUpdateDateTime ge 2026-02-10T10:00:00.0000000Z", "lastUpdateDateTime ge 2026-02-10T09:00:00.0000000Z"]
    assert found.place["alerts"] == "2026-02-10T11:00:00.0000000Z", "an older record takes no mark back"
    assert found.place["asked"] == "2026-02-10T11:00:00Z"


async def test_a_fresh_begin_is_exactly_there_and_is_over_when_every_list_was_read() -> None:
    api = Canned({ALERTS: EMPTY, INCIDENTS: (503, EMPTY)})
    source = told(parts="incidents, alerts")
    broken = await pulled(source, api, {"since": "2026-01-01T00:00:00Z"}, NOW)
    assert broken.failure is not None
    assert broken.place == {"since": "2026-01-01T00:00:00Z", "alerts": "2026-01-01T00:00:00.0000000Z"}
    whole = await pulled(source, api, broken.place, NOW)
    assert api.asked()[-1] == "lastUpdateDateTime ge 2026-01-01T00:00:00.0000000Z"
    assert whole.place == dict.fromkeys(("alerts", "incidents"), "2026-01-01T00:00:00.0000000Z")


async def test_issues_and_sensors_are_read_whole_each_time_and_accounts_some_times_a_day() -> None:
    source, api = told(parts="sensors,healthIssues,identityAccounts"), Canned(KNOWN)
    place: Mapping[str, Any] = {}
    for hours in (0, 1, 5, 6):
        place = (await pulled(source, api, place, NOW + hours * 3600 * clock.SECOND)).place
    assert [api.calls.count(call) for call in {call.place: call for call in api.calls}.values()] == [2, 4, 4]
    assert all(not call.params for call in api.calls)


@pytest.mark.parametrize("answer", [reply({"error": {"code": "Forbidden", "message": "no consent"}}, 403), reply({}, 404), reply({}, 400)])
async def test_a_list_of_identities_that_may_not_be_read_keeps_back_nothing_and_is_said_once_a_day(answer: Any) -> None:
    api = Canned({ALERTS: {"value": [alert(1)]}, ACCOUNTS: {"value": [{"id": "i"}]}, ISSUES: answer, SENSORS: {"value": [{"id": "n"}]}})
    source = told(parts="alerts,identityAccounts,healthIssues,sensors")
    first = await pulled(source, api, {}, NOW)
    assert first.failure is None
    assert first.ids() == [alert(1)["id"], "i", "n"]
    [note] = first.notes
    assert "SecurityIdentitiesHealth.Read.All" in note
    assert f"answered {answer.status}" in note
    soon = await pulled(source, api, first.place, NOW + 23 * 3600 * clock.SECOND)
    assert (soon.failure, soon.notes) == (None, [])
    late = await pulled(source, api, soon.place, NOW + 25 * 3600 * clock.SECOND)
    assert len(late.notes) == 1
    granted = await pulled(source, Canned({ALERTS: EMPTY, **KNOWN, ISSUES: {"value": [{"id": "h"}]}}), late.place, NOW + 50 * 3600 * clock.SECOND)
    assert (granted.ids(), granted.notes) == (["h"], [])
    assert granted.place["healthIssuesRefused"] is None


async def test_an_empty_first_pull_leaves_no_gap_behind_it() -> None:
    source = told(parts="alerts")
    first = await pulled(source, Canned({ALERTS: EMPTY}), {}, NOW)
    api = Canned({ALERTS: EMPTY})
    await pulled(source, api, first.place, NOW + 30 * clock.DAY)
    assert api.asked() == ["lastUpdateDateTime ge 2026-02-03T11:50:00.0000000Z"]


async def test_a_pull_that_is_broken_off_gives_what_it_read_and_moves_nothing() -> None:
    api = Canned({ALERTS: {"value": [alert(1)], "@odata.nextLink": f"{BASE}/alerts_v2?2"}, f"{ALERTS}?2": (CallFailed("no answer"), {"value": [alert(2)]})})
    source = told(parts="alerts")
    broken = await pulled(source, api, {"alerts": "2026-02-09T00:00:00Z"}, NOW)
    assert (len(broken.records), broken.place) == (1, {"alerts": "2026-02-09T00:00:00Z"})
    whole = await pulled(source, api, broken.place, NOW)
    assert (len(whole.records), whole.place) == (2, {"alerts": "2026-02-10T09:00:00.0000000Z"})


async def test_a_clock_that_is_ahead_takes_the_mark_no_further_than_the_begin_of_the_pull() -> None:
    source = told(parts="alerts")
    found = await pulled(source, Canned({ALERTS: {"value": [alert(1, "2026-02-10T12:30:00Z")]}}), {}, NOW)
    assert found.place == {"alerts": "2026-02-10T12:00:00.0000000Z"}


async def test_alerts_of_one_instant_are_all_read_again_with_it() -> None:
    rows = [alert(number) for number in range(5)]

    def since(call: Call) -> dict[str, Any]:
        begin = call.params["$filter"].rpartition(" ")[2]
        return {"value": [row for row in rows if (clock.ticks(row["lastUpdateDateTime"]) or 0) >= (clock.ticks(begin) or 0)]}

    source, api = told(parts="alerts", overlap="0s"), Canned({ALERTS: since})
    first = await pulled(source, api, {}, NOW)
    rows.append(alert(9))
    again = await pulled(source, api, first.place, NOW)
    assert (len(first.records), len(again.records)) == (5, 6)


@pytest.mark.parametrize("answer", [b"<html>", {"value": {"id": 1}}, reply({"error": {"code": "Authorization_RequestDenied"}}, 403), {"value": [], "@odata.nextLink": "https://evil.example/"}])
async def test_a_list_that_cannot_be_read_keeps_back_none_before_it(answer: Any) -> None:
    api = Canned({ALERTS: {"value": [alert(1)]}, INCIDENTS: EMPTY, SCORES: answer}, origins=("https://graph.microsoft.com",))
    found = await pulled(told(), api, {}, NOW)
    assert isinstance(found.failure, CallFailed)
    assert (len(found.records), sorted(found.place)) == (1, ["alerts", "incidents"])


async def test_records_that_are_no_alerts_are_handed_on_as_they_came() -> None:
    found = await pulled(told(parts="alerts"), Canned({ALERTS: b'{"value": [ 5, null , {"lastUpdateDateTime" : 7} ]}'}), {}, NOW)
    assert found.records == [b"5", b"null", b'{"lastUpdateDateTime" : 7}']


# --- changes --------------------------------------------------------------------------------------------------------------

KEY = "da637_-1"
ALERT = f"{BASE}/alerts_v2/{KEY}"


async def write(api: Canned, changes: Mapping[str, Any], key: str = KEY) -> Written:
    written: Written = await told().write(api, key, changes)
    return written


async def test_members_go_by_patch_and_each_comment_by_post() -> None:
    api = Canned({f"PATCH {ALERT}": alert(1), f"POST {ALERT}/comments": EMPTY})
    changes = {"status": "resolved", "assignedTo": None, "classification": "falsePositive", "determination": "notMalicious", "comments": ["one", "two"]}
    assert await write(api, changes) == Written(accepted=True)
    assert [(call.method, call.json, call.once) for call in api.calls] == [
        ("PATCH", {"status": "resolved", "assignedTo": None, "classification": "falsePositive", "determination": "notMalicious"}, True),
        ("POST", {"@odata.type": "microsoft.graph.security.alertComment", "comment": "one"}, True),
        ("POST", {"@odata.type": "microsoft.graph.security.alertComment", "comment": "two"}, True),
    ]


async def test_a_comment_alone_is_no_patch_and_an_id_stays_one_segment() -> None:
    api = Canned({f"POST {BASE}/alerts_v2/a%2F..%3Fb/comments": EMPTY})
    assert (await write(api, {"comments": ["c"]}, "a/..?b")).accepted


async def test_a_refusal_says_why() -> None:
    api = Canned({f"PATCH {ALERT}": reply({"error": {"code": "BadRequest", "message": "No such user."}}, 400)})
    assert await write(api, {"assignedTo": "nobody"}) == Written(accepted=False, why="400 BadRequest: No such user.")


async def test_what_is_there_now_is_read_in_the_words_of_the_contract() -> None:
    said = alert(1) | {"status": "InProgress", "assignedTo": "ana", "classification": None, "determination": "clean", "comments": [{"comment": "c"}, {"comment": ""}, 5]}
    expected = {"status": "inProgress", "assignedTo": "ana", "classification": "unknown", "determination": "notMalicious", "comments": ["c"]}
    assert await told().read(Canned({f"GET {ALERT}": said}), KEY) == expected
    assert await told().read(Canned({f"GET {ALERT}": 404}), KEY) is None
    answers: list[Answer] = [b"<html>", [], 500]
    for answer in answers:
        with pytest.raises(CallFailed):
            await told().read(Canned({f"GET {ALERT}": answer}), KEY)


async def test_an_outcome_that_is_not_known_is_told_as_that_and_nothing_goes_on() -> None:
    api = Canned({f"PATCH {ALERT}": OutcomeUnknown("lost"), f"POST {ALERT}/comments": EMPTY})
    with pytest.raises(OutcomeUnknown):
        await write(api, {"status": "new", "comments": ["c"]})
    assert len(api.calls) == 1
