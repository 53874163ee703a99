"""How alerts of Cloud Apps are asked for, closed and read there."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from tests.sources.web import Answer, Call, Canned, pulled, reply

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import CallFailed, ClientCredentials, Headers, OutcomeUnknown, Pulls, Raw, Told, WritesBack
from secgraph.ingest.ready import identity
from secgraph.ingest.split import Piece, pieces
from secgraph.sources.cef import CommonEventFormat
from secgraph.sources.mcas import DefenderForCloudApps
from secgraph.sources.mdo import DefenderForOffice

HERE = Path(__file__).parent
URL = "https://fabrikam.eu2.portal.cloudapps.example"
ALERTS = f"{URL}/api/v1/alerts/"
LIST = f"POST {ALERTS}"
NOW = clock.ticks("2026-02-10T12:00:00Z") or 0
KEY = "65c1d7e2a4b3c2d1e0f9a8b7"


def apps(**options: str) -> Any:
    source = DefenderForCloudApps()
    given = {"url": URL, "token": "t0ken", **options}
    return source.told({option.name: given.get(option.name, option.default or "") for option in source.options})


def alert(number: int, at: int = NOW, **more: Any) -> dict[str, Any]:
    return {"_id": f"{number:024x}", "title": "t", "timestamp": at // 10_000, **more}


def page(*rows: Any, more: bool = False) -> dict[str, Any]:
    return {"data": list(rows), "hasNext": more, "max": 100, "total": len(rows)}


def test_it_is_told_pulls_and_writes_back() -> None:
    source = apps()
    for power in (Told, Pulls, WritesBack):
        assert isinstance(source, power)
    reach = source.reach()
    assert (reach.origins, reach.calls, reach.seconds) == ((URL,), 30, 60.0)
    assert reach.access == Headers({"Authorization": "Token t0ken"})
    reach = apps(token="", tenant_id="fabrikam.example", client_id="a", client_secret="s").reach()
    assert isinstance(reach.access, ClientCredentials)
    assert reach.access.scope.startswith("05a65629-4c1b-48c1-a78b-804c4abdd4af")


@pytest.mark.parametrize(("options", "words"), [
    ({"token": ""}, "tenant_id: it is empty. Give a token"),
    ({"client_id": "a"}, "client_id is given too"),
    ({"url": "fabrikam"}, "url: 'fabrikam' is no address"),
    ({"token": "", "tenant_id": "a b", "client_id": "a", "client_secret": "s"}, "tenant_id: 'a b' is no tenant"),
    ({"since": "soon"}, "since: 'soon'"),
])  # fmt: skip
def test_an_option_that_is_wrong_is_named(options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        apps(**options)


async def test_alerts_are_asked_by_their_raising_and_by_their_closing() -> None:
    closed = alert(3, NOW - 90 * clock.DAY, resolutionStatusValue=5, resolveTime="2026-02-10T11:00:00.5Z")

    def answer(call: Call) -> Any:
        if "resolutionDate" in call.json["filters"]:
            return page(closed)
        return page(alert(1, NOW - 2 * clock.DAY), more=True) if call.json["skip"] == 0 else page(alert(2, NOW - clock.DAY))

    web = Canned({LIST: answer})
    found = await pulled(apps(), web, {"since": "2026-02-01T00:00:00Z"}, NOW)
    assert found.ids("_id") == [f"{number:024x}" for number in (1, 2, 3)]
    assert [(call.json["skip"], call.json["limit"], call.json["sortDirection"]) for call in web.calls] == [
        (0, 100, "asc"), (100, 100, "asc"), (0, 100, "asc"),
    ]  # fmt: skip
    assert web.calls[0].json["filters"] == {"date": {"gte": 1_769_904_000_000}}
    assert found.place == {
        "since": "2026-02-01T00:00:00Z", "raised": "2026-02-09T12:00:00.0000000Z", "closed": "2026-02-10T11:00:00.5000000Z",
    }  # fmt: skip
    web = Canned({LIST: page()})
    again = await pulled(apps(), web, found.place, NOW + clock.DAY)
    assert [call.json["filters"] for call in web.calls] == [
        {"date": {"gte": 1_770_634_800_000}}, {"resolutionDate": {"gte": 1_770_717_600_500}},
    ]  # fmt: skip
    assert again.place == found.place, "no mark moves where nothing was seen"


@pytest.mark.parametrize(("answer", "words"), [
    (b"<html>", "no JSON: <html>"), ({"data": 5}, "no list"), ([], "no list"), (b"[" * 100_000, "no JSON"), (page(more=True), "does not end"),
    (reply({"error": "no"}, 403), "answered 403"), (b"\xff", "no JSON"),
])  # fmt: skip
async def test_hostile_answers_are_told(answer: Answer, words: str) -> None:
    found = await pulled(apps(), Canned({LIST: answer}), {}, NOW)
    assert words in str(found.failure)
    assert found.place == {}


async def test_records_keep_their_bytes_and_one_odd_one_keeps_back_no_other() -> None:
    web = Canned({LIST: (b'{"data":[ {"_id": "1" , "timestamp":1.0e12},5 ]}', b'{"data":[{"_id":"\\ud800","n":NaN},{"_id":"2"}]}')})
    found = await pulled(apps(), web, {}, NOW)
    assert found.records[:2] == [b'{"_id": "1" , "timestamp":1.0e12}', b"5"]
    assert len(found.records) == 4


# --- changes ------------------------------------------------------------------------------------------------------------

ONE = f"GET {ALERTS}{KEY}/"
OPEN, CLOSED = alert(1), alert(1, resolutionStatusValue=5, comment="done")
FALSE, BENIGN, TRUE = (f"POST {ALERTS}close_{name}/" for name in ("false_positive", "benign", "true_positive"))


@pytest.mark.parametrize(("changes", "place", "closed", "reason"), [
    ({"classification": "falsePositive"}, FALSE, "closed_false_positive", 4),
    ({"classification": "informationalExpectedActivity"}, BENIGN, "closed_benign", 4),
    ({"classification": "truePositive", "comments": ["a", "b"]}, TRUE, "closed_true_positive", None),
])  # fmt: skip
async def test_a_resolution_goes_by_its_classification(changes: dict[str, Any], place: str, closed: str, reason: int | None) -> None:
    web = Canned({ONE: OPEN, place: {closed: 1}})
    written = await apps().write(web, KEY, {"status": "resolved", **changes})
    assert (written.accepted, written.why) == (True, "")
    call = web.calls[-1]
    assert call.once
    assert call.json["filters"] == {"id": {"eq": [KEY]}}
    assert call.json["comment"] == "\n".join(changes.get("comments", []))
    assert call.json.get("reasonId") == reason


@pytest.mark.parametrize(("now", "changes", "answers", "words"), [
    (OPEN, {"status": "resolved"}, {}, "resolve it with one of falsePositive"),
    (OPEN, {"classification": "truePositive"}, {}, "only with the resolution"),
    (OPEN, {"comments": ["x"]}, {}, "only with the resolution"),
    (CLOSED, {"status": "new"}, {}, "cannot open"),
    (404, {"status": "resolved"}, {}, "does not know"),
    (OPEN, {"status": "resolved", "classification": "truePositive"}, {TRUE: {"closed_true_positive": 0, "alertsNotFound": [KEY]}}, "does not know"),
    (OPEN, {"status": "resolved", "classification": "truePositive"}, {TRUE: {"closed_true_positive": 0}}, "closed nothing"),
    (OPEN, {"status": "resolved", "classification": "truePositive"}, {TRUE: reply({"detail": "no Investigation.manage"}, 403)}, "Investigation.manage"),
])  # fmt: skip
async def test_what_the_product_does_not_take_is_refused_with_a_reason(now: Any, changes: Any, answers: Any, words: str) -> None:
    written = await apps().write(Canned({ONE: now, **answers}), KEY, changes)
    assert not written.accepted
    assert words in written.why


@pytest.mark.parametrize(("status", "mark"), [("inProgress", "read"), ("new", "unread")])
async def test_an_alert_is_marked_as_read_where_somebody_works_on_it(status: str, mark: str) -> None:
    web = Canned({ONE: OPEN, f"POST {ALERTS}{KEY}/{mark}/": {}})
    assert (await apps().write(web, KEY, {"status": status})).accepted


async def test_what_stands_there_already_is_not_written_again() -> None:
    web = Canned({ONE: CLOSED})
    assert (await apps().write(web, KEY, {"status": "resolved", "classification": "truePositive"})).accepted
    assert [call.method for call in web.calls] == ["GET"]


@pytest.mark.parametrize(("answer", "kind"), [(429, CallFailed), (401, CallFailed), (500, OutcomeUnknown), (b"<html>", OutcomeUnknown),
                                              (OutcomeUnknown("lost"), OutcomeUnknown)])  # fmt: skip
async def test_a_failure_says_whether_it_may_have_been_done(answer: Answer, kind: type[CallFailed]) -> None:
    with pytest.raises(CallFailed) as failure:
        await apps().write(Canned({ONE: OPEN, TRUE: answer}), KEY, {"status": "resolved", "classification": "truePositive"})
    assert type(failure.value) is kind


async def test_what_it_says_now_is_read() -> None:
    assert await apps().read(Canned({ONE: CLOSED}), KEY) == {"status": "resolved", "classification": "truePositive", "comments": ["done"]}
    assert await apps().read(Canned({ONE: 404}), KEY) is None
    web = Canned({f"GET {ALERTS}a%2F..%2Fb%3Fx/": 404})
    assert await apps().read(web, "a/../b?x") is None, "no id leads elsewhere"


# --- the same alert by other roads --------------------------------------------------------------------------------------


def test_one_alert_by_three_roads_is_one() -> None:
    def draft(source: Any, value: Any) -> tuple[str, str]:
        [found] = source.normalise(Raw(1, b"", value, NOW))
        return identity(found.product, found.native_id, found.prefixes), found.alert["providerAlertId"]

    api = json.loads((HERE / "mcas" / "open.json").read_text("utf-8"))
    audit = json.loads((HERE / "mdo" / "cloud_apps.json").read_text("utf-8"))
    line = f"CEF:0|MCAS|SIEM_Agent|1|ALERT_CABINET_EVENT_MATCH_AUDIT|Mass download|3|externalId={KEY} start=1770361080475"
    roads = [draft(DefenderForCloudApps(), api), draft(DefenderForOffice(), audit), draft(CommonEventFormat(), line)]
    assert roads == [roads[0]] * 3
    assert roads[0][1] == KEY


def test_an_answer_of_the_api_can_be_handed_in_as_it_is() -> None:
    answer = page(alert(1), alert(2))
    found = list(pieces(io.BytesIO(json.dumps(answer).encode()), DefenderForCloudApps(), NOW))
    assert [piece.raw.value["_id"] for piece in found if isinstance(piece, Piece)] == [f"{number:024x}" for number in (1, 2)]
