"""Where a pull begins and what it keeps; and the pages of Microsoft's APIs, however they come."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.sources.web import Call, Canned, reply

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import CallFailed, Mark, OutcomeUnknown, Place, Written, span
from secgraph.sources import microsoft_api

NOW = clock.ticks("2026-02-10T12:00:00Z") or 0
HOUR = 3600 * clock.SECOND
URL = "https://api.example/list"
READER = microsoft_api.stamps("id", "at")


@pytest.mark.parametrize(("words", "seconds"), [("90s", 90), ("15m", 900), ("48h", 172_800), (" 7d ", 604_800), ("0s", 0)])
def test_a_length_of_time(words: str, seconds: int) -> None:
    assert span("since", words) == seconds * clock.SECOND


@pytest.mark.parametrize("words", ["", "7", "d", "7 d", "-1h", "1.5h", "1w", "\u0663d", "999999d"])
def test_what_is_no_length_of_time_is_refused_by_name(words: str) -> None:
    with pytest.raises(UsageError, match=r"overlap: .* 7d"):
        span("overlap", words)


@pytest.mark.parametrize(("place", "seen", "asked", "told"), [
    ({}, [], "2026-02-03T12", "2026-02-03T12"),
    ({}, ["2026-02-09T10"], "2026-02-03T12", "2026-02-09T10"),
    ({"since": "2026-01-01T00:00:00Z"}, [], "2026-01-01T00", "2026-01-01T00"),
    ({"since": "2027-01-01T00:00:00Z"}, [], "2026-02-10T12", "2026-02-10T12"),
    ({"list": "2026-02-10T09:00:00Z"}, [], "2026-02-10T08", "2026-02-10T09"),
    ({"list": "2026-02-10T09:00:00Z"}, ["2026-02-10T08"], "2026-02-10T08", "2026-02-10T09"),
    ({"list": "2026-02-10T09:00:00Z", "since": "2026-01-01T00:00:00Z"}, ["2026-02-10T11"], "2026-02-10T08", "2026-02-10T11"),
    ({"list": "2026-02-10T09:00:00Z"}, ["2026-02-10T13"], "2026-02-10T08", "2026-02-10T12"),
    ({"list": "2026-03-10T09:00:00Z"}, [], "2026-02-10T11", "2026-02-10T12"),
    ({"list": "yesterday", "other": "2026-02-10T09:00:00Z"}, [], "2026-02-03T12", "2026-02-03T12"),
    ({"list": 5}, [], "2026-02-03T12", "2026-02-03T12"),
])  # fmt: skip
def test_where_a_list_stands(place: Place, seen: list[str], asked: str, told: str) -> None:
    mark = Mark.of(place, "list", NOW, first=7 * clock.DAY, overlap=HOUR)
    for one in [*seen, None]:
        mark.see(None if one is None else clock.ticks(f"{one}:00:00Z"))
    assert (mark.asked, mark.told) == (f"{asked}:00:00.0000000Z", f"{told}:00:00.0000000Z")


# --- pages ----------------------------------------------------------------------------------------------------------------


BROKEN = [b"", b"<html><body>Sign in</body></html>", b"[]", b"7", b'{"value": {}}', b'{"value": null}', b'{"error": {"code": "x"}}',
          b'{"value": [], "@odata.nextLink": 5}', b'{"value": [1', b"[" * 100_000, b'{"value":' * 5_000, b"\xff\xfe"]  # fmt: skip


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_list_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(CallFailed, match="answered with") as failure:
        microsoft_api.page_of(body)
    assert len(str(failure.value)) < 600


def test_records_keep_their_bytes() -> None:
    page = microsoft_api.page_of(b'{"@odata.count": 2, "value": [ {"b" : 1.0 ,"a":"\\u00e4"}, 7 ], "@odata.nextLink": "https://x/?a=%20b"}')
    assert [bytes(row) for row in page.value] == [b'{"b" : 1.0 ,"a":"\\u00e4"}', b"7"]
    assert page.next == "https://x/?a=%20b"


def test_a_record_that_is_not_quite_json_does_not_keep_back_the_others() -> None:
    page = microsoft_api.page_of(b'{"value": [{"id": 1}, {"id": "\\ud800"}, {"id": NaN}], "@odata.nextLink": null}')
    assert [bytes(row) for row in page.value] == [b'{"id": 1}', b'{"id": "\\ud800"}', b'{"id": NaN}']


async def test_links_are_followed_as_they_are() -> None:
    web = Canned({f"GET {URL}": {"value": [1], "@odata.nextLink": f"{URL}?$skiptoken=a%2Bb+c"},
                  f"GET {URL}?$skiptoken=a%2Bb+c": {"value": [], "@odata.nextLink": f"{URL}?3"}, f"GET {URL}?3": {"value": [2]}})  # fmt: skip
    assert [page async for page in microsoft_api.linked(web, URL, {"$top": "1"})] == [[b"1"], [], [b"2"]]
    assert [call.url for call in web.calls] == [URL, f"{URL}?$skiptoken=a%2Bb+c", f"{URL}?3"]
    assert web.asked("$top") == ["1", None, None]


@pytest.mark.parametrize(("table", "words"), [
    ({f"GET {URL}": {"value": [], "@odata.nextLink": f"{URL}?2"}, f"GET {URL}?2": {"value": [], "@odata.nextLink": f"{URL}?2"}}, "does not end"),
    ({f"GET {URL}": {"value": [], "@odata.nextLink": URL.replace("https", "http")}}, "no host"),
    ({f"GET {URL}": {"value": [], "@odata.nextLink": "https://evil.example/list"}}, "no host"),
    ({f"GET {URL}": reply({"error": {"code": "Forbidden", "message": "no consent"}}, 403)}, "answered 403 Forbidden: no consent"),
    ({f"GET {URL}": reply(b"<html>")}, "no JSON: <html>"),
])  # fmt: skip
async def test_a_list_that_cannot_be_read_ends_the_pull(table: Any, words: str) -> None:
    web = Canned(table, origins=("https://api.example",))
    with pytest.raises(CallFailed, match=words):
        _ = [page async for page in microsoft_api.linked(web, URL, {})]


async def test_pages_without_end_end() -> None:
    numbers = count()
    web = Canned({f"GET {URL}": lambda _: {"value": [1], "@odata.nextLink": f"{URL}?{next(numbers)}"}})
    with pytest.raises(CallFailed, match="does not end"):
        _ = [page async for page in microsoft_api.linked(web, URL, {})]
    assert len(web.calls) == microsoft_api.MOST_PAGES + 1


class Moving:
    """A list that changes between the calls for its pages, as `moves` says: by the number of the call, what it becomes."""

    def __init__(self, rows: list[dict[str, Any]], moves: dict[int, Any]) -> None:
        self.rows = rows
        self.moves = moves
        self.calls = 0

    def __call__(self, call: Call) -> dict[str, Any]:
        if self.calls in self.moves:
            self.rows = self.moves[self.calls](self.rows)
        self.calls += 1
        start, size = int(call.params["$skip"]), int(call.params["$top"])
        return {"value": self.rows[start : start + size]}


def row(number: int, at: int = 0) -> dict[str, Any]:
    return {"id": number, "at": at or number}


async def skipped(rows: list[dict[str, Any]], moves: dict[int, Any], size: int = 4) -> tuple[list[int], int]:
    moving = Moving(rows, moves)
    found = [json.loads(one) async for page in microsoft_api.skipping(Canned({f"GET {URL}": moving}), URL, {}, size, READER) for one in page]
    assert len({(one["id"], one["at"]) for one in found}) == len(found), "nothing is given twice"
    return [one["id"] for one in found], moving.calls


TEN = [row(number) for number in range(1, 11)]


def updated(numbers: set[int], *, first: bool) -> Any:
    """Those rows are updated and go to one end of the list; a number that is not there is a new row."""

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rest, news = [one for one in rows if one["id"] not in numbers], [row(number, 900 + number) for number in sorted(numbers)]
        return [*news, *rest] if first else [*rest, *news]

    return change


MOVES = st.dictionaries(st.integers(1, 8), st.sets(st.integers(1, 16), max_size=9), max_size=4)


@settings(max_examples=200, deadline=None)
@given(moves=MOVES, size=st.integers(2, 5), first=st.booleans())
@example(moves={1: {1, 2, 3, 4}}, size=4, first=False)
@example(moves={1: {11, 12, 13, 14, 15}}, size=4, first=True)
@example(moves={2: {1, 2, 3, 4, 5, 6, 7, 8, 9}}, size=4, first=False)
async def test_no_row_that_stays_is_missed_when_pages_shift(moves: dict[int, set[int]], size: int, first: bool) -> None:
    found, _ = await skipped(TEN, {call: updated(numbers, first=first) for call, numbers in moves.items()}, size)
    touched = {number for numbers in moves.values() for number in numbers}
    assert set(found) >= set(range(1, 11)) - touched


async def test_rows_that_go_up_cost_a_step_back_and_rows_that_come_in_cost_nothing() -> None:
    assert (await skipped(TEN, {}))[1] == 4
    assert (await skipped(TEN, {1: updated({11}, first=True)}))[1] == 4
    assert (await skipped(TEN, {1: updated({2}, first=False)})) == ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2], 6)


@pytest.mark.parametrize(("length", "calls"), [(0, 1), (3, 1), (4, 2), (7, 3), (8, 3), (10, 4)])
async def test_a_list_at_rest_is_read_once(length: int, calls: int) -> None:
    assert await skipped(TEN[:length], {}) == (list(range(1, length + 1)), calls)


async def test_a_page_shorter_than_was_asked_is_not_the_last_where_it_says_so() -> None:
    def capped(call: Call) -> dict[str, Any]:
        rows = TEN[int(call.params["$skip"]) :][:3]
        return {"value": rows, **({"@odata.nextLink": "https://elsewhere/"} if rows[-1]["id"] < 10 else {})}

    found = [one async for page in microsoft_api.skipping(Canned({f"GET {URL}": capped}), URL, {}, 4, READER) for one in page]
    assert len(found) == 10


async def test_a_list_that_never_holds_still_ends_in_a_sentence() -> None:
    numbers = count()
    web = Canned({f"GET {URL}": lambda _: {"value": [row(next(numbers)) for _ in range(4)]}})
    with pytest.raises(CallFailed, match=r"does not end|faster than"):
        _ = [page async for page in microsoft_api.skipping(web, URL, {}, 4, READER)]
    assert len(web.calls) <= microsoft_api.MOST_PAGES


async def test_records_without_an_id_are_all_handed_on() -> None:
    web = Canned({f"GET {URL}": {"value": [{"a": 1}, {"a": 2}, 5]}})
    assert [page async for page in microsoft_api.skipping(web, URL, {}, 4, READER)] == [[b'{"a": 1}', b'{"a": 2}', b"5"]]


# --- changes --------------------------------------------------------------------------------------------------------------

PATCH, POST = ("PATCH", f"{URL}/1", {"status": "new"}), ("POST", f"{URL}/1/comments", {"comment": "c"})
ERROR = {"error": {"code": "InvalidRequest", "message": "No such\nuser.", "target": "x"}}


@pytest.mark.parametrize(("answers", "written"), [
    (({}, {}), Written(accepted=True)),
    ((204, reply({"value": []})), Written(accepted=True)),
    ((reply(ERROR, 400), {}), Written(accepted=False, why="400 InvalidRequest: No such user.")),
    ((reply(b"gone", 404), {}), Written(accepted=False, why="404 : gone")),
    (({}, reply(ERROR, 403)), Written(accepted=False, why="1 of 2 calls were carried out; then 403 InvalidRequest: No such user.")),
])  # fmt: skip
async def test_a_product_says_what_it_makes_of_a_change(answers: tuple[Any, Any], written: Written) -> None:
    web = Canned({"PATCH " + PATCH[1]: answers[0], "POST " + POST[1]: answers[1]})
    assert await microsoft_api.carry(web, [PATCH, POST]) == written
    assert all(call.once for call in web.calls)


@pytest.mark.parametrize(("answers", "kind"), [
    ((503, {}), CallFailed), ((429, {}), CallFailed), ((401, {}), CallFailed), ((CallFailed("no answer"), {}), CallFailed),
    ((500, {}), OutcomeUnknown), ((b"<html>", {}), OutcomeUnknown), (({}, b" <html>"), OutcomeUnknown), ((OutcomeUnknown("lost"), {}), OutcomeUnknown),
    (({}, 503), OutcomeUnknown), (({}, 502), OutcomeUnknown), (({}, CallFailed("no answer")), OutcomeUnknown),
])  # fmt: skip
async def test_a_change_that_may_have_been_done_is_told_from_one_that_was_not(answers: tuple[Any, Any], kind: type[Exception]) -> None:
    web = Canned({"PATCH " + PATCH[1]: answers[0], "POST " + POST[1]: answers[1]})
    with pytest.raises(CallFailed) as failure:
        await microsoft_api.carry(web, [PATCH, POST])
    assert type(failure.value) is kind
