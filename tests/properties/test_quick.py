"""Quick ways beside slow ones: for what is common they must say the same, and for near misses too."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from secgraph import clock
from secgraph.odata.query import fold
from secgraph.odata.search import _WORD, words

DIGITS = "0123456789"
ALMOST = st.lists(st.sampled_from([*DIGITS, "T", "Z", "-", ":", ".", "+", " ", "\n", "٣", "t", "z"]), max_size=3).map("".join)


@st.composite
def instants(draw: st.DrawFn) -> str:
    """Texts in wire form, real days and others, with now and then a character too many or another one in its place."""
    year, month, day = draw(st.sampled_from(["0000", "0001", "1969", "2024", "2026", "9999"])), draw(st.integers(0, 13)), draw(st.integers(0, 32))
    hour, minute, second = draw(st.integers(0, 25)), draw(st.integers(0, 61)), draw(st.integers(0, 61))
    text = f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{draw(st.integers(0, 9_999_999)):07}Z"
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(ALMOST) + text[at + draw(st.integers(0, 2)) :]
    return text


@given(instants())
@example("2026-02-29T00:00:00.0000000Z")
@example("2024-02-29T23:59:59.9999999Z")
@example("2026-01-01T24:00:00.0000000Z")
@example("2026-01-01T00:00:00.0000000Z\n")
def test_the_wire_form_is_that_of_the_instant(text: str) -> None:
    instant = clock.ticks(text)
    expected = None if instant is None else clock.text(instant)
    assert clock.wire(text) == expected
    assert clock.wire(text) == expected, "the second time it may be remembered"
    assert clock.ticks(text) == instant
    if expected == text:
        assert clock.ticks(text.replace("Z", "+00:00")) == instant, "another way of reading comes to the same instant"


@given(st.text(st.sampled_from([*"aZ09_-.\\ \t\x00\x7f", "ß", "İ", "K", "日", "\u0301", "\ue000"])))
def test_the_words_of_a_text_are_the_same_either_way(text: str) -> None:
    assert words(text) == _WORD.findall(fold(text))
