"""The alerts API of CrowdStrike, asked through a stand-in that answers as documented: what is pulled, written, read back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import CallFailed, Place, Pulled, Pulls, Reply, WritesBack
from secgraph.sources.crowdstrike import CrowdStrike

NOW = 17_707_248_000_000_000  # 2026-02-10T12:00:00Z
URL = "https://api.eu-1.crowdstrike.com"


class Falcon:
    """Alerts by id, each with the instant of its last change; what is `spoiled` is answered instead, once."""

    def __init__(self, changed: Mapping[str, int]) -> None:
        self.alerts: dict[str, dict[str, Any]] = {
            name: {"composite_id": name, "name": "n", "created_timestamp": clock.text(at), "updated_timestamp": clock.text(at)}
            for name, at in changed.items()
        }
        self.spoiled: list[Reply] = []
        self.patched: list[Any] = []
        self.moves: dict[str, int] = {}
        """Alerts that change once a page was given."""

    async def call(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Reply:
        assert headers is None
        if self.spoiled:
            return self.spoiled.pop(0)
        if method == "GET":
            assert url == f"{URL}/alerts/queries/alerts/v2"
            assert params is not None
            return self._page(params)
        ids = json["composite_ids"]
        if method == "PATCH":
            assert url == f"{URL}/alerts/entities/alerts/v3"
            assert once
            self.patched.append(json)
            return answer({"meta": {}, "errors": [] if ids[0] in self.alerts else [{"code": 404, "message": "not found"}]})
        assert url == f"{URL}/alerts/entities/alerts/v2"
        return answer({"meta": {}, "resources": [self.alerts[name] for name in ids if name in self.alerts]})

    def _page(self, params: Mapping[str, str]) -> Reply:
        least: dict[str, int] = {}
        for clause in params["filter"].split("+"):
            member, _, quoted = clause.partition(":>=")
            begins = clock.ticks(quoted.strip("'"))
            assert begins is not None
            least[member] = begins
        assert params["sort"] == "created_timestamp|asc"
        found = sorted(
            (alert["created_timestamp"], name)
            for name, alert in self.alerts.items()
            if all((clock.ticks(alert[member]) or 0) >= begins for member, begins in least.items())
        )
        start = int(params["offset"])
        names = [name for _, name in found[start : start + int(params["limit"])]]
        for name, at in self.moves.items():
            self.alerts[name]["updated_timestamp"] = clock.text(at)
        self.moves = {}
        return answer({"meta": {"pagination": {"total": len(found)}}, "resources": names})


def answer(value: Any, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(value).encode())


def source(**options: str) -> CrowdStrike:
    given = {"client_id": "c", "client_secret": "s", "url": URL, **options}
    return CrowdStrike().told({one.name: one.default or "" for one in CrowdStrike.options} | given)


def pulled(falcon: Falcon, place: Place, **options: str) -> tuple[list[str], Place | None]:
    async def everything() -> list[Pulled]:
        return [one async for one in source(**options).pull(falcon, place, NOW)]

    found = asyncio.run(everything())
    names = [msgspec.json.decode(record)["composite_id"] for one in found for record in one.records]
    assert all(one.place is None for one in found[:-1])  # it moves behind the last page only
    return names, found[-1].place


def ago(seconds: float) -> int:
    return NOW - int(seconds * clock.SECOND)


def test_it_has_the_powers_of_an_api() -> None:
    assert isinstance(source(), Pulls)
    assert isinstance(source(), WritesBack)
    reach = source().reach()
    assert reach.origins == (URL,)
    assert "client_secret" not in repr(reach.access)
    with pytest.raises(UsageError, match="client_id"):
        CrowdStrike().reach()


def test_the_first_pull_looks_back_some_days_and_the_next_goes_on_where_it_ended() -> None:
    falcon = Falcon({"old": ago(40 * 86_400), "a": ago(3_600), "b": ago(600)})
    names, place = pulled(falcon, {})
    assert names == ["a", "b"]
    assert place == {"updated": clock.text(ago(600))}
    falcon.alerts["a"]["updated_timestamp"] = clock.text(ago(5))
    again, place = pulled(falcon, place or {})
    assert again == ["a", "b"]  # the overlap gives b once more
    assert place == {"updated": clock.text(ago(5))}
    assert pulled(Falcon({"old": ago(40 * 86_400)}), {}, days="50")[0] == ["old"]


def test_an_alert_that_changes_between_two_pages_takes_no_other_with_it() -> None:
    falcon = Falcon({f"a{number:04}": ago(3_600 - number) for number in range(1_200)})
    falcon.moves = {"a0003": ago(1), "a0499": ago(1), "a0498": ago(1)}
    names, place = pulled(falcon, {})
    assert set(names) == falcon.alerts.keys()
    assert place == {"updated": clock.text(ago(1))}


def test_what_changed_behind_the_page_that_was_read_is_found_by_the_next_pull() -> None:
    falcon = Falcon({"a": ago(900), "b": ago(800)})
    falcon.moves = {"b": NOW + 600 * clock.SECOND}
    _, place = pulled(falcon, {})
    assert place == {"updated": clock.text(NOW)}  # no further than its clock stood at when the pull began
    falcon.alerts["a"]["updated_timestamp"] = clock.text(NOW + 60 * clock.SECOND)
    assert pulled(falcon, place or {})[0] == ["a", "b"]


def test_its_clock_is_the_one_that_dates_the_answer() -> None:
    falcon = Falcon({"a": ago(60)})
    falcon.spoiled = [Reply(200, {"date": "Tue, 10 Feb 2026 11:00:00 GMT"}, b'{"resources": ["a"]}')]
    assert pulled(falcon, {})[1] == {"updated": "2026-02-10T11:00:00.0000000Z"}


def test_alerts_of_one_second_are_paged_through_by_offset() -> None:
    falcon = Falcon({f"a{number:04}": ago(60) for number in range(1_300)})
    assert set(pulled(falcon, {})[0]) == falcon.alerts.keys()


def test_more_alerts_of_one_second_than_can_be_paged_are_said() -> None:
    with pytest.raises(CallFailed, match="in one second"):
        pulled(Falcon({f"a{number:05}": ago(60) for number in range(10_600)}), {})


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        (Reply(200, {}, b"<html>"), "cannot be read"),
        (answer({"resources": 5}), "cannot be read"),
        (answer({"resources": [5]}), "something else"),
        (answer({"errors": [{"message": "denied"}]}, 403), "answered 403"),
    ],
)
def test_an_answer_that_is_none_ends_the_pull(spoiled: Reply, words: str) -> None:
    falcon = Falcon({"a": ago(60)})
    falcon.spoiled = [spoiled]
    with pytest.raises(CallFailed, match=words):
        pulled(falcon, {})


@pytest.mark.parametrize("place", [{}, {"updated": None}, {"updated": 7}, {"updated": []}, {"updated": "yesterday"}])
def test_a_place_that_says_nothing_is_the_beginning(place: Place) -> None:
    assert pulled(Falcon({"a": ago(60)}), place)[0] == ["a"]


def test_changes_go_in_one_call() -> None:
    falcon = Falcon({"a": ago(60)})
    changes = {"status": "resolved", "assignedTo": "ana@contoso.com", "comments": ["One.", "Two."]}
    assert asyncio.run(source().write(falcon, "a", changes)).accepted
    assert falcon.patched == [
        {
            "composite_ids": ["a"],
            "action_parameters": [
                {"name": "update_status", "value": "closed"},
                {"name": "assign_to_user_id", "value": "ana@contoso.com"},
                {"name": "append_comment", "value": "One."},
                {"name": "append_comment", "value": "Two."},
            ],
        }
    ]
    asyncio.run(source().write(falcon, "a", {"assignedTo": None}))
    asyncio.run(source().write(falcon, "a", {"assignedTo": "Ana"}))
    assert [one["action_parameters"][0]["name"] for one in falcon.patched[1:]] == ["unassign", "assign_to_name"]


def test_what_is_refused_says_why_and_what_fails_is_tried_again() -> None:
    falcon = Falcon({})
    written = asyncio.run(source().write(falcon, "gone", {"status": "new"}))
    assert (written.accepted, written.why) == (False, "not found")
    assert not asyncio.run(source().write(falcon, "gone", {"status": "unknown"})).accepted
    falcon.spoiled = [answer({"errors": [{"message": "scope missing"}]}, 403)]
    written = asyncio.run(source().write(falcon, "gone", {"status": "new"}))
    assert (written.accepted, written.why) == (False, "scope missing")
    falcon.spoiled = [answer({}, 500)]
    with pytest.raises(CallFailed):
        asyncio.run(source().write(falcon, "gone", {"status": "new"}))


def test_it_is_read_back_in_the_words_of_the_contract() -> None:
    falcon = Falcon({"a": ago(60)})
    falcon.alerts["a"] |= {"status": "in_progress", "assigned_to_uid": "ana@contoso.com", "comments": [{"value": "One."}, 5]}
    found = asyncio.run(source().read(falcon, "a"))
    assert found == {"status": "inProgress", "assignedTo": "ana@contoso.com", "comments": ["One."]}
    assert asyncio.run(source().read(falcon, "gone")) is None
