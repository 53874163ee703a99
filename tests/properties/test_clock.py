"""Instants and their texts: one to one, and the order of the texts is the order of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secgraph import clock

FIRST = -621_355_968_000_000_000
LAST = 2_534_023_007_999_999_999 // 10 * 10 + 9
INSTANTS = st.integers(FIRST, LAST) | st.integers(-clock.SECOND, clock.SECOND) | st.integers(17 * 10**15, 18 * 10**15)
MANY = settings(max_examples=10 * settings().max_examples)
WIRE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{7}Z", re.ASCII)


@MANY
@given(INSTANTS)
def test_the_text_of_an_instant_is_the_instant(instant: int) -> None:
    text = clock.text(instant)
    assert WIRE.fullmatch(text)
    assert clock.ticks(text) == instant
    assert clock.ticks(text, zone=None) == instant
    assert clock.ticks(text.lower()) == instant
    assert clock.ticks(text.replace("T", " ")) == instant


@MANY
@given(INSTANTS, INSTANTS)
def test_the_order_of_texts_is_the_order_of_time(one: int, other: int) -> None:
    assert (one < other) == (clock.text(one) < clock.text(other))


@MANY
@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_what_python_writes_is_read(moment: datetime) -> None:
    offset = moment.utcoffset()
    assert offset is not None
    if offset.seconds % 60 or abs(offset) > timedelta(hours=14, minutes=59):
        return
    found = clock.ticks(moment.isoformat())
    whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * clock.MICROSECOND
    assert found == (whole if FIRST <= whole <= LAST else None)


@MANY
@given(st.integers(FIRST + clock.DAY, LAST - clock.DAY), st.integers(-14 * 60, 14 * 60))
def test_an_offset_names_the_same_instant(instant: int, minutes: int) -> None:
    local = clock.text(instant + minutes * 60 * clock.SECOND).removesuffix("Z")
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    assert clock.ticks(f"{local}{sign}{hours:02}:{rest:02}") == instant
    assert clock.ticks(f"{local}{sign}{hours:02}{rest:02}", zone=None) == instant
    assert clock.ticks(local, zone=minutes * 60) == instant
    assert clock.ticks(local, zone=None) is None


@MANY
@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,14})?)?(Z|[+-]\d\d:?\d\d)?"))
def test_any_text_names_an_instant_or_none(text: str) -> None:
    for zone in (0, None, 3600):
        found = clock.ticks(text, zone=zone)
        if found is not None:
            assert FIRST <= found <= LAST
            assert clock.ticks(clock.text(found)) == found


@MANY
@given(st.floats() | st.integers())
def test_seconds_since_1970(seconds: float) -> None:
    found = clock.from_seconds(seconds)
    if found is not None:
        assert FIRST <= found <= LAST
        assert found % clock.MICROSECOND == 0


@pytest.mark.parametrize(("text", "instant"), [
    ("1970-01-01", 0), ("1970-01-01T00:00:00.00000019Z", 1), ("1969-12-31T23:59:59.9999999Z", -1), (" 1970-01-01 ", 0),
    ("2016-12-31T23:59:60Z", 14_832_288_000_000_000 - 1), ("1970-01-01T00:00,5Z", None), ("1970-01-01T00:00:00,5Z", 5_000_000),
    ("1970-01-01T24:00:00Z", None), ("1970-01-01T00:00:61Z", None), ("1970-01-01T00:60:00Z", None), ("1970-02-29", None),
    ("1970-01-01T00:00:00+15:00", None), ("1970-01-01T00:00:00+00:60", None), ("19700101", None), ("", None), ("Z", None),
    ("0000-01-01", None), ("10000-01-01", None), ("0001-01-01T00:00:00+00:01", None), ("9999-12-31T23:59:59-00:01", None),
    ("1970-01-0\u0661", None), ("1970-01-01T00:00:00.Z", None), ("1970-01-01T00:00:00 Z", 0), ("1970-01-01T00:00:00Z\x00", None),
])  # fmt: skip
def test_texts_at_the_edges(text: str, instant: int | None) -> None:
    assert clock.ticks(text) == instant
