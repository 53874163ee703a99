"""The functions of the query language, one table each: what they give, and what gives null."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secgraph import clock
from secgraph.odata.functions import ARITHMETIC, CASTS, FIRST, FUNCTIONS, LAST, RUN, computed
from secgraph.odata.literal import MOST_TICKS
from secgraph.odata.pattern import refused
from secgraph.odata.query import fold

SECOND, MINUTE, HOUR, DAY = clock.SECOND, 60 * clock.SECOND, 3600 * clock.SECOND, clock.DAY
INFINITE, NAN = float("inf"), float("nan")


def at(text: str) -> int:
    """The ticks of an instant."""
    found = clock.ticks(text)
    assert found is not None
    return found


NOON = at("2026-01-31T12:34:56.7891234Z")
BEFORE_1970 = at("1969-12-31T23:59:58.5Z")


def gives(function: str, arguments: tuple[Any, ...], value: Any) -> None:
    """Holds when the function gives the value, in its kind too: 1, 1.0 and true are three things."""
    found = computed(function, arguments)
    assert (found, type(found)) == (value, type(value))


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "arguments", "value"), [
    ("concat", ("a", "b"), "ab"), ("concat", ("", ""), ""), ("concat", ("ß", "\U0001f600"), "ß\U0001f600"), ("concat", (None, "b"), None),
    ("concat", ("a", None), None), ("concat", ("a" * 500_000, "b" * 500_000), "a" * 500_000 + "b" * 500_000), ("concat", ("a" * 500_000, "b" * 500_001), None),
    ("length", ("abc",), 3), ("length", ("",), 0), ("length", ("Straße",), 6), ("length", ("\U0001f600",), 1), ("length", (None,), None),
    ("tolower", ("ÀB1",), "àb1"), ("tolower", ("",), ""), ("tolower", ("STRASSE",), "strasse"), ("tolower", (None,), None),
    ("toupper", ("àb1",), "ÀB1"), ("toupper", ("",), ""), ("toupper", ("Straße",), "STRASSE"), ("toupper", ("\u0131",), "\u0131"), ("toupper", (None,), None),
    ("trim", ("  a b\t\n",), "a b"), ("trim", ("",), ""), ("trim", ("   ",), ""), ("trim", ("\u2003a\u00a0",), "a"), ("trim", (None,), None),
])  # fmt: skip
def test_text(function: str, arguments: tuple[Any, ...], value: Any) -> None:
    gives(function, arguments, value)


@pytest.mark.parametrize(("text", "needle", "place"), [
    ("Ransomware", "ware", 6), ("Ransomware", "RANSOM", 0), ("abcabc", "c", 2), ("abc", "x", -1), ("", "x", -1), ("abc", "", 0), ("", "", 0),
    ("abc", "abcd", -1), (None, "x", None), ("x", None, None),
    # letters that fold to several: the place is that of the letter in the text as it is
    ("Straße", "SS", 4), ("Straße", "e", 5), ("ßßa", "a", 2), ("ßßa", "sa", 1), ("aß", "s", 1), ("\ufb03x", "x", 1), ("\ufb03x", "fix", 0), ("İx", "x", 1),
    ("ßß", "ss", 0), ("aßß", "sss", 1), ("STRASSE x", "straße", 0), ("\U0001f600a", "A", 1),
])  # fmt: skip
def test_index_of(text: str | None, needle: str | None, place: int | None) -> None:
    gives("indexof", (text, needle), place)


@pytest.mark.parametrize(("arguments", "value"), [
    (("abcdef", 2), "cdef"), (("abcdef", 0), "abcdef"), (("abcdef", 6), ""), (("abcdef", 99), ""), (("abcdef", -3), "abcdef"), (("", 0), ""),
    (("abcdef", 2, 3), "cde"), (("abcdef", 2, 0), ""), (("abcdef", 2, -1), ""), (("abcdef", 2, 99), "cdef"), (("abcdef", -2, 3), "abc"), (("abcdef", 9, 9), ""),
    (("a\U0001f600ßc", 1, 2), "\U0001f600ß"), (("abc", 1.0), "bc"), (("abc", 1.0, 1.0), "b"), (("abc", 0.5), None), (("abc", 0, 1.5), None),
    (("abc", INFINITE), None), (("abc", NAN), None), (("abc", 0, -INFINITE), None), (("abc", 2**63 - 1, 2**63 - 1), ""), (("abc", -(2**63)), "abc"),
    ((None, 1), None), (("abc", None), None), (("abc", 1, None), None),
])  # fmt: skip
def test_substring(arguments: tuple[Any, ...], value: str | None) -> None:
    gives("substring", arguments, value)


def test_a_change_of_case_changes_nothing_that_is_compared() -> None:
    for place in range(sys.maxunicode + 1):
        letter = chr(place)
        assert fold(computed("toupper", (letter,))) == fold(letter) == fold(computed("tolower", (letter,))), hex(place)
    assert fold(computed("tolower", ("ΟΔΟΣ ",))) == fold("ΟΔΟΣ "), "a sigma that ends a word is written in its own way"


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "arguments", "value"), [
    ("add", (2, 3), 5), ("add", (2, 0.5), 2.5), ("add", (-2, -3), -5), ("add", (None, 1), None), ("add", (1, None), None),
    ("add", (2**63 - 1, 0), 2**63 - 1), ("add", (2**63 - 1, 1), float(2**63)), ("add", (INFINITE, 1), INFINITE), ("add", (INFINITE, -INFINITE), None),
    ("sub", (2, 3), -1), ("sub", (0.5, 0.5), 0.0), ("sub", (-(2**63), 0), -(2**63)), ("sub", (-(2**63), 1), float(-(2**63))), ("sub", (1, None), None),
    ("mul", (2, 3), 6), ("mul", (2, -0.5), -1.0), ("mul", (2**32, 2**31), float(2**63)), ("mul", (1e300, 1e300), INFINITE), ("mul", (0, INFINITE), None),
    ("mul", (None, 0), None), ("mul", (10**200, 10**200), None),
    ("div", (7, 2), 3), ("div", (-7, 2), -3), ("div", (7, -2), -3), ("div", (-7, -2), 3), ("div", (0, 5), 0), ("div", (7, 2.0), 3.5), ("div", (7.0, 2), 3.5),
    ("div", (1, 0), None), ("div", (0, 0), None), ("div", (1.0, 0.0), None), ("div", (1, None), None), ("div", (-(2**63), -1), float(2**63)),
    ("div", (9_007_199_254_740_993, 1), 9_007_199_254_740_993),
    ("divby", (7, 2), 3.5), ("divby", (6, 2), 3.0), ("divby", (-7, 2), -3.5), ("divby", (1, 0), None), ("divby", (0.0, 0.0), None), ("divby", (None, 2), None),
    ("mod", (7, 3), 1), ("mod", (-7, 3), -1), ("mod", (7, -3), 1), ("mod", (-7, -3), -1), ("mod", (7.5, 2), 1.5), ("mod", (-7.5, 2), -1.5), ("mod", (7, 0), None),
    ("mod", (7.0, 0.0), None), ("mod", (INFINITE, 2), None), ("mod", (2, INFINITE), 2.0), ("mod", (None, 2), None), ("mod", (-(2**63), -1), 0),
    ("minus", (5,), -5), ("minus", (-0.5,), 0.5), ("minus", (0,), 0), ("minus", (-(2**63),), float(2**63)), ("minus", (None,), None),
    ("floor", (2.7,), 2), ("floor", (-2.1,), -3), ("floor", (5,), 5), ("floor", (1e300,), 1e300), ("floor", (INFINITE,), None), ("floor", (NAN,), None), ("floor", (None,), None),
    ("ceiling", (2.1,), 3), ("ceiling", (-2.7,), -2), ("ceiling", (5,), 5), ("ceiling", (-0.5,), 0), ("ceiling", (-INFINITE,), None), ("ceiling", (None,), None),
    ("round", (2.4,), 2), ("round", (2.5,), 3), ("round", (3.5,), 4), ("round", (-2.4,), -2), ("round", (-2.5,), -3), ("round", (0.5,), 1), ("round", (-0.5,), -1),
    ("round", (0.49999999999999994,), 0), ("round", (-0.49999999999999994,), 0), ("round", (4_503_599_627_370_497.0,), 4_503_599_627_370_497),
    ("round", (4_503_599_627_370_497.5,), 4_503_599_627_370_498), ("round", (9_007_199_254_740_993,), 9_007_199_254_740_993),
    ("round", (1e300,), 1e300), ("round", (INFINITE,), None), ("round", (NAN,), None), ("round", (None,), None),
])  # fmt: skip
def test_numbers(function: str, arguments: tuple[Any, ...], value: Any) -> None:
    gives(function, arguments, value)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1).filter(bool))
def test_what_div_leaves_is_mod(left: int, right: int) -> None:
    quotient, rest = RUN["div"](left, right), RUN["mod"](left, right)
    assert quotient * right + rest == left
    assert abs(rest) < abs(right)
    assert rest == 0 or (rest < 0) == (left < 0)


# --- parts of an instant ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("instant", "values"), [
    (NOON, (2026, 1, 31, 12, 34, 56, 0.7891234)), (BEFORE_1970, (1969, 12, 31, 23, 59, 58, 0.5)), (0, (1970, 1, 1, 0, 0, 0, 0.0)), (-1, (1969, 12, 31, 23, 59, 59, 0.9999999)),
    (FIRST, (1, 1, 1, 0, 0, 0, 0.0)), (LAST, (9999, 12, 31, 23, 59, 59, 0.9999999)), (at("2024-02-29"), (2024, 2, 29, 0, 0, 0, 0.0)), (None, (None,) * 7),
])  # fmt: skip
def test_the_parts_of_an_instant(instant: int | None, values: tuple[Any, ...]) -> None:
    for function, value in zip(("year", "month", "day", "hour", "minute", "second", "fractionalseconds"), values, strict=True):
        gives(function, (instant,), value)


@pytest.mark.parametrize("instant", [FIRST - 1, LAST + 1, 2**63 - 1, -(2**63)])
def test_no_day_is_outside_the_calendar(instant: int) -> None:
    for function in ("year", "month", "day"):
        gives(function, (instant,), None)


@pytest.mark.parametrize(("function", "argument", "value"), [
    ("date", NOON, at("2026-01-31")), ("date", BEFORE_1970, at("1969-12-31")), ("date", FIRST, FIRST), ("date", LAST, LAST - DAY + 1), ("date", None, None),
    ("time", NOON, 12 * HOUR + 34 * MINUTE + 56 * SECOND + 7_891_234), ("time", BEFORE_1970, DAY - 15 * SECOND // 10), ("time", FIRST, 0), ("time", LAST, DAY - 1), ("time", None, None),
    ("totaloffsetminutes", NOON, 0), ("totaloffsetminutes", None, None),
    ("totalseconds", 90 * MINUTE, 5400), ("totalseconds", 15 * SECOND // 10, 1.5), ("totalseconds", -15 * SECOND // 10, -1.5), ("totalseconds", 0, 0), ("totalseconds", 1, 1e-7),
    ("totalseconds", MOST_TICKS, MOST_TICKS / SECOND), ("totalseconds", None, None),
])  # fmt: skip
def test_days_times_and_durations(function: str, argument: int | None, value: Any) -> None:
    gives(function, (argument,), value)


# --- arithmetic of instants and durations -----------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "left", "right", "value"), [
    # moment and duration
    ("later", NOON, HOUR, NOON + HOUR), ("later", NOON, -HOUR, NOON - HOUR), ("later", HOUR, NOON, NOON + HOUR), ("later", LAST - 1, 1, LAST), ("later", LAST, 1, None),
    ("later", FIRST, -1, None), ("later", NOON, MOST_TICKS, None), ("later", None, HOUR, None), ("later", NOON, None, None),
    ("earlier", NOON, HOUR, NOON - HOUR), ("earlier", FIRST + 1, 1, FIRST), ("earlier", FIRST, 1, None), ("earlier", LAST, -1, None), ("earlier", NOON, None, None),
    # date and duration: still a date
    ("later_day", at("2026-01-31"), DAY, at("2026-02-01")), ("later_day", at("2026-01-31"), 23 * HOUR, at("2026-01-31")), ("later_day", at("2026-01-31"), -1, at("2026-01-30")),
    ("later_day", at("9999-12-31"), DAY - 1, at("9999-12-31")), ("later_day", at("9999-12-31"), DAY, None), ("later_day", at("2024-02-28"), DAY, at("2024-02-29")),
    ("earlier_day", at("2026-03-01"), DAY, at("2026-02-28")), ("earlier_day", at("2026-03-01"), 1, at("2026-02-28")), ("earlier_day", FIRST, 1, None), ("earlier_day", None, 1, None),
    # what lies between, durations with each other
    ("between", NOON, NOON - HOUR, HOUR), ("between", NOON - HOUR, NOON, -HOUR), ("between", LAST, FIRST, LAST - FIRST), ("between", HOUR, DAY, -23 * HOUR),
    ("between", -MOST_TICKS, 1, None), ("between", NOON, None, None),
    ("longer", HOUR, MINUTE, 61 * MINUTE), ("longer", MOST_TICKS, 0, MOST_TICKS), ("longer", MOST_TICKS, 1, None), ("longer", -MOST_TICKS, -1, None), ("longer", None, 1, None),
    # durations and numbers
    ("times", HOUR, 3, 3 * HOUR), ("times", 3, HOUR, 3 * HOUR), ("times", HOUR, 0.5, HOUR // 2), ("times", HOUR, -1, -HOUR), ("times", HOUR, 0, 0), ("times", 3, 0.1, 0),
    ("times", MOST_TICKS, 1, MOST_TICKS), ("times", MOST_TICKS - 1, 1.0, MOST_TICKS - 1), ("times", MOST_TICKS, 2, None), ("times", 1, 1e300, None), ("times", HOUR, INFINITE, None),
    ("times", HOUR, NAN, None), ("times", None, 2, None),
    ("parted", HOUR, 2, HOUR // 2), ("parted", HOUR, 0.5, 2 * HOUR), ("parted", 7, 2, 4), ("parted", 5, 2, 2), ("parted", HOUR, -1, -HOUR), ("parted", MOST_TICKS - 1, 1, MOST_TICKS - 1),
    ("parted", HOUR, 0, None), ("parted", HOUR, 0.0, None), ("parted", HOUR, 1e-300, None), ("parted", HOUR, INFINITE, None), ("parted", HOUR, None, None),
])  # fmt: skip
def test_instants_and_durations(word: str, left: int | None, right: float | None, value: int | None) -> None:
    gives(word, (left, right), value)


# --- casts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "argument", "value"), [
    ("text_of_number", 5, "5"), ("text_of_number", -5, "-5"), ("text_of_number", 5.0, "5"), ("text_of_number", 5.25, "5.25"), ("text_of_number", -0.0, "0"), ("text_of_number", 1e300, "1e+300"),
    ("text_of_number", 2**63 - 1, "9223372036854775807"), ("text_of_number", float(2**63), "9.223372036854776e+18"), ("text_of_number", 1e-7, "1e-07"), ("text_of_number", INFINITE, None),
    ("text_of_boolean", True, "true"), ("text_of_boolean", False, "false"), ("text_of_boolean", 1, "true"), ("text_of_boolean", 0, "false"),
    ("text_of_moment", NOON, "2026-01-31T12:34:56.7891234Z"), ("text_of_moment", 0, "1970-01-01T00:00:00.0000000Z"), ("text_of_moment", FIRST, "0001-01-01T00:00:00.0000000Z"),
    ("text_of_moment", LAST, "9999-12-31T23:59:59.9999999Z"), ("text_of_moment", LAST + 1, None), ("text_of_moment", FIRST - 1, None),
    ("text_of_date", at("2026-01-31"), "2026-01-31"), ("text_of_date", FIRST, "0001-01-01"), ("text_of_time", 0, "00:00:00.0000000"), ("text_of_time", DAY - 1, "23:59:59.9999999"),
    ("text_of_duration", 90 * MINUTE, "PT5400S"), ("text_of_duration", 0, "PT0S"), ("text_of_duration", -15 * SECOND // 10, "-PT1.5S"), ("text_of_duration", 1, "PT0.0000001S"),
    ("same", "x", "x"), ("same", 5, 5), ("same", True, True),
    ("boolean_of_text", "true", True), ("boolean_of_text", " FALSE ", False), ("boolean_of_text", "1", None), ("boolean_of_text", "", None), ("boolean_of_text", "yes", None),
    ("moment_of_text", "2026-01-31T12:34:56.7891234Z", NOON), ("moment_of_text", "2026-01-31T13:34:56.7891234+01:00", NOON), ("moment_of_text", " 1970-01-01T00:00Z ", 0),
    ("moment_of_text", "2026-01-31T12:34:56", None), ("moment_of_text", "2026-01-31", None), ("moment_of_text", "2026-02-30T00:00:00Z", None), ("moment_of_text", "", None),
    ("moment_of_text", "9999-12-31T23:59:59.9999999Z", LAST), ("moment_of_text", "9999-12-31T23:59:59-00:01", None), ("moment_of_text", "0001-01-01T00:00:00+00:01", None),
    # what the calendar of the language would read beyond the grammar
    ("moment_of_text", "2026-01-31T09:00+01Z", None), ("moment_of_text", "2026-W05-6T09:00:00Z", None), ("moment_of_text", "2026-01-31T090000.1.5Z", None),
    ("moment_of_text", "2026-01-31 12:00:00Z", at("2026-01-31T12:00:00Z")), ("moment_of_text", "2026-01-31T24:00:00Z", None),
    ("date_of_text", "2026-01-31", at("2026-01-31")), ("date_of_text", "2026-01-31T23:00:00Z", at("2026-01-31")), ("date_of_text", "2026-02-29", None), ("date_of_text", "today", None),
    ("time_of_text", "12:34", 12 * HOUR + 34 * MINUTE), ("time_of_text", " 23:59:59.9999999 ", DAY - 1), ("time_of_text", "00:00:00.00000009", 0), ("time_of_text", "24:00", None),
    ("time_of_text", "12", None), ("time_of_text", "", None),
    ("duration_of_text", "P1DT2H", 26 * HOUR), ("duration_of_text", "-PT0.5S", -SECOND // 2), ("duration_of_text", "pt1m", MINUTE), ("duration_of_text", "PT0.00000019S", 1),
    ("duration_of_text", "P", None), ("duration_of_text", "P1Y", None), ("duration_of_text", "PT", None), ("duration_of_text", "P999999999999D", None), ("duration_of_text", "", None),
    ("number_of_text", "5", 5), ("number_of_text", " -5.5 ", -5.5), ("number_of_text", "+7", 7), ("number_of_text", "1e3", 1000.0), ("number_of_text", "9" * 30, float("9" * 30)),
    ("number_of_text", "INF", INFINITE), ("number_of_text", "-inf", -INFINITE), ("number_of_text", "NaN", None), ("number_of_text", "infinity", None), ("number_of_text", "1_000", None),
    ("number_of_text", "٣", None), ("number_of_text", ".5", None), ("number_of_text", "5.", None), ("number_of_text", "0x10", None), ("number_of_text", "--5", None), ("number_of_text", "", None),
    ("number_of_text", "9" * 5000, None), ("number_of_text", "five", None), ("number_of_number", 5, 5), ("number_of_number", 5.5, 5.5),
    ("double_of_text", "5", 5.0), ("double_of_text", "x", None), ("double_of_text", "1e999", INFINITE), ("double_of_number", 5, 5.0), ("double_of_number", 0.5, 0.5),
    ("int16_of_text", "32767", 32767), ("int16_of_text", "32768", None), ("int16_of_text", "2.9", 2), ("int16_of_text", "x", None), ("int16_of_number", -32768, -32768), ("int16_of_number", -32769, None),
    ("int16_of_number", -2.9, -2), ("int32_of_text", "-2147483648", -(2**31)), ("int32_of_text", "2147483648", None), ("int32_of_number", 2**31 - 1, 2**31 - 1), ("int32_of_number", 2.0**31, None),
    ("int64_of_text", "9223372036854775807", 2**63 - 1), ("int64_of_text", "9223372036854775808", None), ("int64_of_number", -(2**63), -(2**63)), ("int64_of_number", 2.0**63, None),
    ("int64_of_number", INFINITE, None), ("int64_of_number", NAN, None), ("int32_of_text", "INF", None),
    ("moment_ticks", "2026-01-31T12:34:56.7891234Z", NOON), ("moment_ticks", "2026-01-31", at("2026-01-31")), ("moment_ticks", "soon", None), ("moment_ticks", 5, None), ("moment_ticks", ["x"], None),
])  # fmt: skip
def test_a_cast(function: str, argument: Any, value: Any) -> None:
    gives(function, (argument,), value)
    gives(function, (None,), None)


@pytest.mark.parametrize(("pattern", "text", "value"), [
    ("^R.n", "Ransom", True), ("^r", "Ransom", False), ("", "", True), ("x", "", False), ("x", None, None), ("x", "\ud800", None),
])  # fmt: skip
def test_a_pattern(pattern: str, text: str | None, value: bool | None) -> None:
    gives("matches", (pattern, text), value)


@pytest.mark.parametrize("text", ["2026-01-31T09:00+01Z", "2026-W05-6T09:00:00Z", "2026-01-31T090000.1.5Z", "2026-01-31T09:00-01+00:00", "20260131T09:00:00.0Z"])
def test_an_instant_of_the_usual_length_in_another_form_is_none(text: str) -> None:
    assert clock.ticks(text) is None


@given(st.integers(FIRST, LAST), st.integers(-MOST_TICKS, MOST_TICKS))
def test_what_is_cast_to_text_is_cast_back(instant: int, duration: int) -> None:
    assert computed("moment_of_text", (computed("text_of_moment", (instant,)),)) == instant
    day, time = computed("date", (instant,)), computed("time", (instant,))
    assert day + time == instant
    assert computed("date_of_text", (computed("text_of_date", (day,)),)) == day
    assert computed("time_of_text", (computed("text_of_time", (time,)),)) == time
    assert computed("duration_of_text", (computed("text_of_duration", (duration,)),)) == duration


# --- all of them ------------------------------------------------------------------------------------------------------

ANY_NUMBER = st.integers(-(2**63), 2**63 - 1) | st.floats() | st.sampled_from([0, 1, -1, 0.5, 2**63 - 1, -(2**63)])
ANY_TICKS = st.integers(FIRST, LAST) | st.integers(-(2**63), 2**63 - 1)
ANY_TEXT = st.text(st.characters(), max_size=12) | st.sampled_from(["INF", "1e400", "P1D", "2026-01-31T09:00+01Z", "12:00", "true"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": ANY_TEXT, "number": ANY_NUMBER, "boolean": st.booleans() | st.sampled_from([0, 1]), "enum": ANY_TEXT, "moment": ANY_TICKS, "date": ANY_TICKS, "time": st.integers(0, DAY - 1),
    "duration": st.integers(-(2**63), 2**63 - 1),
}  # fmt: skip
TAKES: list[tuple[str, tuple[str, ...]]] = [
    *((name, tuple(kinds[0] for kinds in one.takes[:most])) for name, one in FUNCTIONS.items() for most in range(len(one.takes) - one.optional, len(one.takes) + 1)),
    *((name, (left, right)) for (_, left, right), (name, _) in ARITHMETIC.items()),
    *((function, (kind,)) for (_, kind), function in CASTS.items()), ("minus", ("number",)), ("minus", ("duration",)), ("moment_ticks", ("text",)),
]  # fmt: skip
"""Each function with the kinds that the binder lets through to it."""


def test_every_function_is_tried() -> None:
    assert {name for name, _ in TAKES} | {"matches"} == set(RUN)


def held(value: Any) -> None:
    """A value that a database can hold."""
    if isinstance(value, int):
        assert -(2**63) <= value < 2**63
    assert value is None or isinstance(value, str | int | float)
    assert not (isinstance(value, float) and math.isnan(value))


@pytest.mark.parametrize(("function", "kinds"), sorted(set(TAKES)))
@given(data=st.data())
def test_nothing_is_raised(data: st.DataObject, function: str, kinds: tuple[str, ...]) -> None:
    held(computed(function, tuple(data.draw(VALUES[kind]) for kind in kinds)))


@given(st.sampled_from(sorted(RUN)), st.lists(st.none() | st.booleans() | st.integers(-999, 999) | st.floats() | ANY_TEXT | st.just([]) | st.just({}), max_size=4))
def test_nothing_is_raised_for_values_of_another_kind_and_number(function: str, arguments: list[Any]) -> None:
    if function == "matches" and (not arguments or not isinstance(arguments[0], str) or refused(arguments[0])):
        return  # the binder lets only patterns through that can be read
    computed(function, tuple(arguments))
    assert computed(function, (*arguments, None)) is None


@pytest.mark.parametrize("function", sorted(RUN))
def test_null_gives_null(function: str) -> None:
    assert computed(function, (None,)) is None
    assert computed(function, (1, None)) is None
