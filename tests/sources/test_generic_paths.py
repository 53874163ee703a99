"""JMESPath as it is read here: what the package jmespath finds is found, errors are null, and nothing grows without end."""

from __future__ import annotations

import json
import time
from typing import Any

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from secgraph.sources.generic_lines import line_of, named
from secgraph.sources.generic_meter import STEPS, Meter, TooMuch, rendered
from secgraph.sources.generic_paths import LONGEST, compiled, names_of

RECORD = {
    "a": 1, "b": {"c": "x", "d": [5, 6, 7], "e": None}, "list": [{"n": "p", "v": 3}, {"n": "q", "v": 9, "w": [1, [2]]}, {"v": 2}, 4],
    "words": ["beta", "alfa"], "numbers": [3, 1.5], "empty": {"t": "", "l": [], "o": {}}, "yes": True, "no": False, "deep": [[[1], 2], [], 3],
}  # fmt: skip

EXPRESSIONS = [
    "a", "b.c", "b.c.d", "b.d[0]", "b.d[-1]", "b.d[7]", "b.d[1:]", "b.d[::-1]", "list[*].n", "list[].w[]", "list[?v > `3` && n].n", "list[?n == 'q'] | [0]",
    "list[?n].{name: n, value: v}", "list[*].[n, v]", "b.*", "*.c", "deep[]", "deep[][]", "b.e || a", "b.e && a", "a && b.c", "!b.e", "!a", "!`0`",
    "empty.t || empty.l || empty.o || 'none'", "@", '`{"z": [1]}`', "'raw'", '"b"."c"', "contains(words, 'alfa')", "contains(b.c, 'x')",
    "starts_with(b.c, 'x')", "join(', ', words)", "sort(words)", "sort_by(list[?n], &v)[0].n", "max_by(list[?n], &v).n", "length(list)",
    "keys(b)", "values(empty)", "map(&v, list)", "merge(b, empty)", "not_null(b.e, a)", "reverse(words)", "sum(numbers)", "avg(numbers)",
    "to_array(a)", "to_string(list)", "to_string(b.c)", "to_number('7.5')", "to_number('x')", "type(list)", "abs(`-1`)", "ceil(`1.2`)", "floor(`1.8`)",
    "a == `1`", "a != `1`", "b == b", "b.d == `[5, 6, 7]`", "yes == `1`", "no == `0`", "a < `2`", "a >= `2`", "b.c < 'y'", "b < `1`", "max(numbers)", "min(words)",
    "list[?contains(to_string(@), 'q')]", "[a, b.c]", "{x: a}", "b.[c, d]", "list[:2].v", "ends_with(b.c, 'y')", "missing[*]", "missing.*", "missing[?a]",
]  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_finds_what_jmespath_finds(text: str) -> None:
    assert compiled(text)(RECORD, Meter()) == jmespath.search(text, RECORD)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(2, 9) | st.sampled_from(["", "x", "y", "xy"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcn"), inner, max_size=4),
    max_leaves=20,
)
PIECES = st.sampled_from(
    ["a", "b", "n", "a.b", "[0]", "[*]", "[]", "*", "[?a]", "[?n == 'x']", "[?n > `3`]", "[a, b]", "{a: n, b: a}", "[1:]", "[::-1]", "a || b", "!a", "b && n",
     "a == b", "a < b", "length(@)", "keys(@)", "sort(@)", "to_string(@)", "reverse(@)", "type(@)", "contains(@, 'x')", "map(&a, @)", "not_null(a, b)"]
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(record=JSON, pieces=st.lists(PIECES, min_size=1, max_size=4))
def test_whatever_the_record_is(record: Any, pieces: list[str]) -> None:
    text = " | ".join(pieces)
    try:
        expected = jmespath.search(text, record)
    except (JMESPathError, TypeError):
        expected = None
    assert json.dumps(compiled(text)(record, Meter())) == json.dumps(expected)


@pytest.mark.parametrize(
    "text",
    ["length(a)", "sort(list)", "sum(words)", "join(', ', list)", "sort_by(list, &v)", "abs(b)", "to_number(b) || length(a)", "b.c > `1`"],
)
def test_where_jmespath_raises_there_is_nothing(text: str) -> None:
    assert compiled(text)(RECORD, Meter()) is None


@pytest.mark.parametrize(("text", "says"), [
    ("a.", "no JMESPath expression"), ("", "no JMESPath expression"), ("a[", "no JMESPath expression"), ("frob(a)", "no function frob()"),
    ("length(a, b)", "length() takes 1 arguments, not 2"), ("join(', ')", "join() takes 2 arguments, not 1"), ("not_null()", "1 or more"),
    ("map(a, b)", "an expression &..."), ("length(&a)", "a value"), ("a[::0]", "steps by 0"), ("(" * 500 + "a" + ")" * 500, "nest"),
    ("!" * 60 + "a", "deeper than"), ("a" * (LONGEST + 1), "longer than"),
])  # fmt: skip
def test_what_is_wrong_with_an_expression_is_said(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as fault:
        compiled(text)
    assert says in str(fault.value)
    assert "\n" not in str(fault.value)


GROWING = [
    " | ".join(["[@, @]"] * 38), " | ".join(["[@, @][]"] * 38), " | ".join(["{a: @, b: @}"] * 38) + " | to_string(@)",
    " | ".join(["[@, @]"] * 38) + " | to_string(@)", " | ".join(["to_string([@, @])"] * 38), " | ".join(["join('', [@, @])"] * 38),
    "[" + " | ".join(["[@, @]"] * 36) + ", " + " | ".join(["[@, @]"] * 36) + "] | [0] == [1]", "contains([@], @) | " + " | ".join(["[@, @]"] * 30) + " | contains(@, @[0])",
    " | ".join(["merge({a: @}, {b: @})"] * 36) + " | to_string(@)", "*.*.*.*.*.*", "[][][].[@, @, @, @][]", "list[*].[*][]",
]  # fmt: skip


@pytest.mark.parametrize("text", GROWING, ids=range(len(GROWING)))
@pytest.mark.parametrize("record", ["x", RECORD, [[["y" * 50] * 20] * 20] * 20, {"list": ["z"] * (2 * STEPS)}], ids=range(4))
def test_no_expression_takes_for_ever(text: str, record: Any) -> None:
    begun = time.process_time()
    try:
        found = compiled(text)(record, Meter())
        size = len(rendered(found, Meter()))
    except TooMuch:
        size = 0
    assert size < 100 * STEPS
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(("text", "names"), [("a", ("a",)), ("a.b.c", ("a", "b", "c")), ("a[0]", ()), ("@", ()), ("'a'", ()), ("a || b", ())])
def test_names_alone_are_known(text: str, names: tuple[str, ...]) -> None:
    assert names_of(text) == names


TOML = '''product = "a/b"
take = [
  "x",
]

[alert]
title = "t"
severity = { value = "s", map = { a = "high" } }
"quoted name" = 1
description.value = """
title = "inside"
"""
category = "c"

[[evidence]]
kind = "ip"

[[evidence]]
kind = "user"
members.userAccount.account = "u"
[evidence.members.stream]
name = "n"
'''


@pytest.mark.parametrize(("path", "line", "shown"), [
    (("product",), 1, "product"), (("take", 0), 2, "take[1]"), (("alert", "title"), 7, "alert.title"), (("alert",), 6, "alert"),
    (("alert", "severity", "map", "a"), 8, "alert.severity.map.a"), (("alert", "quoted name"), 9, "alert.quoted name"),
    (("alert", "description", "value"), 10, "alert.description.value"), (("alert", "category"), 13, "alert.category"),
    (("evidence", 0, "kind"), 16, "evidence[1].kind"), (("evidence", 1, "kind"), 19, "evidence[2].kind"),
    (("evidence", 1, "members", "userAccount", "account"), 20, "evidence[2].members.userAccount.account"),
    (("evidence", 1, "members", "stream", "name"), 22, "evidence[2].members.stream.name"), (("nothing",), None, "nothing"),
])  # fmt: skip
def test_a_key_is_found_on_its_line(path: tuple[str | int, ...], line: int | None, shown: str) -> None:
    assert (line_of(TOML, path), named(path)) == (line, shown)
