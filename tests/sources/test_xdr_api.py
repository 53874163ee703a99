"""Asking Defender XDR for incidents, and putting streamed rows of one alert together."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sources import web
from tests.sources.web import Call, Canned, pulled, reply

from secgraph import clock
from secgraph.extend import AlertDraft, CallFailed, Pulls, Raw, Told, Unwraps, WritesBack
from secgraph.sources import xdr
from secgraph.sources.xdr import DefenderXdr

HOST = "https://api.security.microsoft.com"
INCIDENTS = f"GET {HOST}/api/incidents"
NOW = clock.ticks("2026-02-10T12:00:00Z") or 0


def told(**given: str) -> Any:
    return web.told(DefenderXdr(), given)


def incident(number: int, updated: str = "2026-02-10T09:00:00Z") -> dict[str, Any]:
    return {"incidentId": number, "lastUpdateTime": updated, "alerts": [{"alertId": f"da{number}", "title": "t"}]}


def test_it_asks_for_incidents_and_takes_no_changes_of_alerts() -> None:
    source = DefenderXdr()
    assert isinstance(source, Told)
    assert isinstance(source, Pulls)
    assert isinstance(source, Unwraps)
    assert not isinstance(source, WritesBack)
    reach = told().reach()
    assert reach.origins == (HOST,)
    assert reach.access.scope == f"{HOST}/.default"
    assert reach.calls <= 50 * reach.seconds / 60
    assert reach.calls <= 1_500 * reach.seconds / 3600


async def test_incidents_are_read_page_by_page_while_they_move() -> None:
    held = [incident(number) for number in range(250)]

    def answer(call: Call) -> dict[str, Any]:
        assert int(call.params["$top"]) <= 100
        start = int(call.params["$skip"])
        if start:
            # One that was read is updated and goes to the end, so that all behind it move up.
            number = held.pop(0)["incidentId"]
            held.append(incident(number, "2026-02-10T12:00:05Z"))
        return {"value": held[start : start + int(call.params["$top"])]}

    found = await pulled(told(), Canned({INCIDENTS: answer}), {}, NOW)
    assert found.failure is None
    assert set(found.ids("incidentId")) == set(range(250))
    assert found.place == {"incidents": "2026-02-10T12:00:00.0000000Z"}, "what moved meanwhile is asked for once more"


async def test_a_pull_goes_on_an_overlap_before_its_mark_and_moves_only_when_it_is_whole() -> None:
    place = {"incidents": "2026-02-10T10:00:00Z"}
    full = {"value": [incident(number) for number in range(xdr.PAGE)]}
    broken = await pulled(told(overlap="2h"), Canned({INCIDENTS: (full, CallFailed("no answer"))}), place, NOW)
    assert (len(broken.records), broken.place) == (xdr.PAGE, place)
    api = Canned({INCIDENTS: {"value": [incident(1, "2026-02-10T11:00:00Z")]}})
    whole = await pulled(told(overlap="2h"), api, broken.place, NOW)
    assert api.asked() == ["lastUpdateTime ge 2026-02-10T08:00:00.0000000Z"]
    assert whole.place == {"incidents": "2026-02-10T11:00:00.0000000Z"}
    api = Canned({INCIDENTS: {"value": []}})
    assert (await pulled(told(), api, {"since": "2026-01-01T00:00:00Z"}, NOW)).place == {"incidents": "2026-01-01T00:00:00.0000000Z"}
    assert api.asked() == ["lastUpdateTime ge 2026-01-01T00:00:00.0000000Z"]


@pytest.mark.parametrize("answer", [b"<html>", {"value": "x"}, 500, reply({"error": {"code": "Forbidden"}}, 403)])
async def test_what_is_no_list_is_a_failure(answer: Any) -> None:
    found = await pulled(told(), Canned({INCIDENTS: answer}), {}, NOW)
    assert isinstance(found.failure, CallFailed)
    assert found.place == {}


# --- streamed rows ----------------------------------------------------------------------------------------------------------


def row(table: str, key: str | None, **more: Any) -> dict[str, Any]:
    return {"category": f"AdvancedHunting-{table}", "properties": {"AlertId": key, **more}}


def test_the_rows_of_one_alert_in_one_message_are_one_record_in_any_order() -> None:
    rows = [row("AlertEvidence", "a", EntityType="Ip", RemoteIP="192.0.2.1"), row("AlertInfo", "b", Title="other"), row("AlertInfo", "a", Title="t"),
            row("AlertEvidence", "a", EntityType="User", AccountName="jo"), row("DeviceEvents", None), 7]  # fmt: skip
    found = list(DefenderXdr().unwrap({"records": rows}) or ())
    assert found == [{"AlertRows": [rows[0], rows[2], rows[3]]}, rows[1], rows[4], 7]
    [draft] = DefenderXdr().normalise(Raw(1, b"", found[0], NOW))
    assert isinstance(draft, AlertDraft)
    assert (draft.native_id, draft.alert["title"], draft.adds) == ("a", "t", True)
    assert [item["@odata.type"].rpartition(".")[2] for item in draft.alert["evidence"]] == ["ipEvidence", "userEvidence"]


@pytest.mark.parametrize("value", [[], 5, {"records": 5}, {"value": []}, None])
def test_what_is_no_message_is_left_alone(value: Any) -> None:
    assert DefenderXdr().unwrap(value) is None
