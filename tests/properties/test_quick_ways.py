"""What is done in a quick way for nearly every value is what the long way does: the same text is sent down both."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secgraph import clock
from secgraph.extend.reading import SHORT, instant_of, techniques
from secgraph.model.choices import ALERTS
from secgraph.odata import search

MANY = settings(max_examples=10 * settings().max_examples)

# --- instants -----------------------------------------------------------------------------------------------------

NEARLY = [
    "2026-02-28T09:00:00.1234567Z", "2024-02-29T09:00:00.1234567Z", "2026-02-29T09:00:00.1234567Z", "2026-02-30T09:00:00.1234567Z",
    "2026-04-31T09:00:00.1234567Z", "2026-00-10T09:00:00.1234567Z", "2026-13-10T09:00:00.1234567Z", "2026-01-00T09:00:00.1234567Z",
    "0000-01-01T00:00:00.0000000Z", "0001-01-01T00:00:00.0000000Z", "9999-12-31T23:59:59.9999999Z", "1900-02-29T00:00:00.0000000Z",
    "2026-01-31T24:00:00.0000000Z", "2026-01-31T23:60:00.0000000Z", "2026-01-31T23:59:60.0000000Z", "2026-01-31T23:59:61.0000000Z",
    "2026-01-31T09:00:00.1234567Z\n", "\n2026-01-31T09:00:00.1234567Z", "2026-01-31T09:00:00.1234567 Z", " 2026-01-31T09:00:00.123456Z",
    "2026-01-31T09:00:00.123456\u0663Z", "\u0662026-01-31T09:00:00.1234567Z", "2026-01-31T09:00:00.123456\u00b2Z",
    "2026-01-31T09:00:00,1234567Z", "2026-01-31 09:00:00.1234567Z", "2026-01-31T09:00:00.1234567\u017a", "2026-W05-6T09:00:00.1234567Z",
    "2026-01-31T09:00:00.123+010Z", "2026-01-31T09:00:00.123+0100", "2026-01-31T09:00:00.1234+0000", "2026-01-31T09:00:00.123+00:00",
    "2026-01-31T09:00:00.12345678Z", "2026-01-31T09:00:00.123456Z", "2026-01-31T09:00:00Z", "2026-01-31T09:00Z", "2026-01-31", "",
]  # fmt: skip

MARKS = st.sampled_from([*"0123456789 -:.,TtZzW+\n", "\u0663", "\u00b2", "\u2212", "\uff10"])


@st.composite
def nearly(draw: st.DrawFn) -> str:
    """An instant in wire form, with up to two characters of it changed, left out or put in."""
    text = clock.text(draw(st.integers(-621_355_968_000_000_000, 2_534_023_007_999_999_990)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(MARKS | st.just("")) + text[at + draw(st.integers(0, 1)) :]
    return text


def same_both_ways(text: str) -> None:
    # In small letters the same text is read the long way: only that knows them.
    long = clock.ticks(text.lower())
    wired = None if long is None else clock.text(long)
    for _ in range(2):  # what passed once is remembered
        assert clock.ticks(text) == long
        assert clock.ticks(text, zone=None) == clock.ticks(text.lower(), zone=None)
        assert clock.wire(text) == wired
    assert clock.ticks(text) == long


@pytest.mark.parametrize("text", NEARLY)
def test_what_nearly_is_an_instant(text: str) -> None:
    same_both_ways(text)


@MANY
@given(nearly() | st.from_regex(r"\A\d{4}-\d\d-[0-3]\dT\d\d:\d\d:\d\d\.\d{7}Z\Z"))
def test_an_instant_is_read_the_same_both_ways(text: str) -> None:
    same_both_ways(text)


@MANY
@given(st.from_regex(r"\A\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,13})?(Z|[+-]00:?00|\+01:?00)\Z", alphabet=st.characters(codec="ascii")))
def test_an_instant_of_any_fineness_is_read_the_same_both_ways(text: str) -> None:
    same_both_ways(text)


@MANY
@given(st.integers(-(2**65), 2**65) | st.integers(1, 10**14) | st.sampled_from([10**11 - 1, 10**11, 10**14 - 1, 10**14]))
def test_a_whole_number_is_the_instant_that_the_same_number_with_a_fraction_is(number: int) -> None:
    whole, other = instant_of(number), instant_of(float(number))
    assert (whole is None) == (other is None)
    if whole is not None and other is not None:
        exact = abs(number) < 4 * 10**12  # a float of more than that many milliseconds has no microseconds left
        assert abs(whole - other) <= (0 if exact else 1000 * clock.MICROSECOND)


@given(st.datetimes().map(lambda moment: moment.isoformat()), st.integers(-14 * 3600, 14 * 3600))
def test_wire_form_of_a_text_without_an_offset(text: str, zone: int) -> None:
    instant = clock.ticks(text, zone=zone)
    assert clock.wire(text, zone=zone) == (None if instant is None else clock.text(instant))


def test_texts_that_passed_are_not_remembered_without_end() -> None:
    def read(first: int) -> None:
        for number in range(first, first + 20_000):
            text = clock.text(number * clock.DAY // 7)
            assert clock.wire(text) == text

    tracemalloc.start()
    try:
        read(0)
        before, _ = tracemalloc.get_traced_memory()
        read(20_000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert before < 3_000_000
    assert after - before < 1_000_000


# --- words --------------------------------------------------------------------------------------------------------

ASCII = st.text(st.characters(max_codepoint=127), max_size=40)
DASH = "\u2014"
"""Parts words and is not ASCII: a text that ends in it is cut the long way, into the same words."""


@MANY
@given(ASCII)
def test_a_text_has_the_same_words_both_ways(text: str) -> None:
    assert search.words(text) == search.words(text + DASH)


def test_every_character_of_ascii_parts_or_joins_the_same_both_ways() -> None:
    for character in map(chr, range(128)):
        text = f"a{character}B {character} {character}0"
        assert search.words(text) == search.words(text + DASH), character


def record(title: str, description: str | None, names: list[str], tags: list[str]) -> dict[str, Any]:
    kind = "#microsoft.graph.security.fileEvidence"
    return {
        "title": title, "description": description,
        "evidence": [{"@odata.type": kind, "tags": tags, "verdict": "none", "fileDetails": {"fileName": name}} for name in names],
    }  # fmt: skip


@MANY
@given(ASCII, st.none() | ASCII, st.lists(ASCII, max_size=3), st.lists(ASCII, max_size=2))
def test_a_record_has_the_same_words_both_ways(title: str, description: str | None, names: list[str], tags: list[str]) -> None:
    plain = search.indexed(record(title or "a", description, names, tags), ALERTS)
    assert plain == search.indexed(record((title or "a") + DASH, description, names, tags), ALERTS)


def test_a_record_without_texts_has_no_words() -> None:
    assert search.indexed({"title": None, "evidence": []}, ALERTS) == ""
    assert search.indexed({"title": "--", "evidence": []}, ALERTS) == ""


# --- techniques ---------------------------------------------------------------------------------------------------


@MANY
@given(st.text("tT0159.-_ x", max_size=SHORT) | st.from_regex(r"\AT\d{4}(\.\d{3})?\Z"))
def test_a_short_text_names_the_same_techniques_as_a_long_one(text: str) -> None:
    assert techniques(text) == techniques(text + " " * SHORT)
