"""The lists of `$orderby`, `$select`, `$expand` and `$compute`: their items, nested options, and what parts them."""

from __future__ import annotations

import pytest

from secgraph.errors import BadOption, Refusal
from secgraph.odata import clauses
from secgraph.odata.ast import Binary, Call, Literal, Node, Path
from secgraph.odata.clauses import LONGEST, MOST, Item, Sort
from secgraph.odata.options import decoded, nested, split

A, B = Path(("a",)), Path(("b",))


# --- orderby ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "keys"), [
    ("", []), ("a", [(A, False)]), (" a ", [(A, False)]), ("a asc", [(A, False)]), ("a desc", [(A, True)]), ("a  DESC ", [(A, True)]), ("a\tAsc", [(A, False)]),
    ("a,b desc", [(A, False), (B, True)]), ("a desc , b", [(A, True), (B, False)]), ("a,,b,", [(A, False), (B, False)]), (",", []),
    ("asc", [(Path(("asc",)), False)]), ("desc desc", [(Path(("desc",)), True)]), ("a/b desc", [(Path(("a", "b")), True)]), ("a/$count", [(Path(("a", "$count")), False)]),
    ("concat(a,b) desc", [(Call("concat", (A, B)), True)]), ("concat(a,', desc')", [(Call("concat", (A, Literal("text", ", desc"))), False)]),
    ("a add b desc,b", [(Binary("add", A, B), True), (B, False)]), ("(a) desc", [(A, True)]),
])  # fmt: skip
def test_orderby(text: str, keys: list[tuple[Node, bool]]) -> None:
    assert [(sort.node, sort.descending) for sort in clauses.orderby(text)] == keys


def test_a_key_keeps_its_text_without_the_direction() -> None:
    assert clauses.orderby("a/b  desc") == [Sort(Path(("a", "b")), "a/b", descending=True)]


@pytest.mark.parametrize(("text", "says"), [
    ("a desc desc", "'a desc desc' is not understood"), ("a descending", "is not understood"), ("a b", "is not understood"), ("'x", "without its closing quote"), ("a eq", "ends where an operand"),
    ("concat(a,b", "is not understood"), ("a;b", "cannot be read"), ("a desc, (b", "'(b' is not understood"), ("desc asc x", "is not understood"),
    (",".join(["a"] * (MOST + 1)), f"more than {MOST} items"), ("a" * (LONGEST + 1), f"has {LONGEST + 1} characters"),
])  # fmt: skip
def test_no_order(text: str, says: str) -> None:
    with pytest.raises(BadOption) as refusal:
        clauses.orderby(text)
    assert refusal.value.option == "$orderby"
    assert says in refusal.value.message


# --- select -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "paths"), [
    ("", []), ("id", [("id",)]), (" id , title ", [("id",), ("title",)]), ("id,,title,", [("id",), ("title",)]), ("*", [("*",)]), ("a/b", [("a", "b")]), ("a / b", [("a", "b")]),
    ("x.y.z/b", [("x.y.z", "b")]), ("x.y.*", [("x.y.*",)]), ("@odata.type", [("@odata.type",)]), ("a@b.c#d", None), ("ünï", [("ünï",)]), ("a/$count", [("a", "$count")]),
    ("x.f(p,q)", [("x.f",)]), ("x.f(p)", [("x.f",)]), ("id,id", [("id",), ("id",)]),
])  # fmt: skip
def test_select(text: str, paths: list[tuple[str, ...]] | None) -> None:
    if paths is None:
        with pytest.raises(BadOption, match="is not understood"):
            clauses.select(text)
    else:
        assert [one.path for one in clauses.select(text)] == paths
        assert all(one.options == {} for one in clauses.select(text))


def test_select_with_options_behind_a_member() -> None:
    [evidence, title] = clauses.select("evidence($filter=a eq 'x,y';$top=2),title")
    assert evidence == Item(("evidence",), {"$filter": "a eq 'x,y'", "$top": "2"}, "evidence($filter=a eq 'x,y';$top=2)")
    assert title == Item(("title",), {}, "title")


@pytest.mark.parametrize(("text", "says"), [
    ("a b", "'a b' is not understood"), ("a/", "is not understood"), ("/a", "is not understood"), ("a//b", "is not understood"), ("'a'", "is not understood"), ("1a", "is not understood"),
    ("a)", "is not understood"), ("a(b=c", "is not understood"), ("(a)", "is not understood"), ("a(b)c", "is not understood"), ("a/$ref", "is no property"), ("a/$value", "is no property"), ("$ref", "is no property"),
    ("a/$top", "is not understood"), ("a;b", "is not understood"), ("a-b", "is not understood"), ("a(top)(x=y)", "no option of an item"), ("a(1)", "no option of an item"), ("a(top=5;x)", "no option of an item"),
    ("/".join(["a"] * 33), "more than 32 names in a row"), (",".join(["a"] * (MOST + 1)), f"more than {MOST} items"), ("a" * (LONGEST + 1), f"has {LONGEST + 1} characters"),
])  # fmt: skip
def test_nothing_to_select(text: str, says: str) -> None:
    with pytest.raises(BadOption) as refusal:
        clauses.select(text)
    assert refusal.value.option == "$select"
    assert says in refusal.value.message


def test_the_bounds_of_a_list() -> None:
    assert len(clauses.select(",".join(["a"] * MOST))) == MOST
    assert clauses.select("/".join(["a"] * 32))[0].path == ("a",) * 32
    assert clauses.select("a" * LONGEST)[0].path == ("a" * LONGEST,)


# --- expand -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "items"), [
    ("", []), ("alerts", [(("alerts",), {})]), (" alerts , owner ", [(("alerts",), {}), (("owner",), {})]), ("*", [(("*",), {})]), ("*/$ref", [(("*", "$ref"), {})]),
    ("alerts/$ref", [(("alerts", "$ref"), {})]), ("alerts/$count", [(("alerts", "$count"), {})]), ("x.y.z/alerts", [(("x.y.z", "alerts"), {})]),
    ("alerts($top=2)", [(("alerts",), {"$top": "2"})]), ("alerts(top=2;select=id,title)", [(("alerts",), {"$top": "2", "$select": "id,title"})]),
    ("alerts( $Top = 2 ; $ORDERBY = a desc )", [(("alerts",), {"$top": " 2 ", "$orderby": " a desc "})]),
    ("alerts($filter=title eq 'a;b)' and (x eq 1);$count=true)", [(("alerts",), {"$filter": "title eq 'a;b)' and (x eq 1)", "$count": "true"})]),
    ('alerts($search="a;b,c";$top=1),owner', [(("alerts",), {"$search": '"a;b,c"', "$top": "1"}), (("owner",), {})]),
    ("alerts($expand=owner($select=id;$top=1);$skip=3)", [(("alerts",), {"$expand": "owner($select=id;$top=1)", "$skip": "3"})]),
    ("alerts($levels=3)", [(("alerts",), {"$levels": "3"})]), ("alerts(levels=MAX)", [(("alerts",), {"$levels": "MAX"})]), ("alerts(levels=9999)", [(("alerts",), {"$levels": "9999"})]),
    ("alerts($filter=a eq @p;@p='x')", [(("alerts",), {"$filter": "a eq @p", "@p": "'x'"})]), ("alerts($top=1;$top=2)", [(("alerts",), {"$top": "2"})]),
    ("alerts($filter=a eq b=c)", [(("alerts",), {"$filter": "a eq b=c"})]), ("alerts/$ref($filter=a eq 1;$top=1)", [(("alerts", "$ref"), {"$filter": "a eq 1", "$top": "1"})]),
    ("alerts/$count($search=x)", [(("alerts", "$count"), {"$search": "x"})]),
])  # fmt: skip
def test_expand(text: str, items: list[tuple[tuple[str, ...], dict[str, str]]]) -> None:
    assert [(one.path, one.options) for one in clauses.expand(text)] == items


@pytest.mark.parametrize(("text", "says"), [
    ("alerts(", "is not understood"), ("alerts)", "is not understood"), ("alerts($top=2", "is not understood"), ("a b", "is not understood"), ("alerts()", "no option of an item"),
    ("alerts(x=1)", "'x=1' is no option"), ("alerts($top)", "'$top' is no option"), ("alerts($nope=1)", "is no option"), ("alerts(id=1)", "is no option"), ("alerts($top=1;)", "'' is no option"),
    ("alerts($levels=0)", "levels=0 is neither"), ("alerts($levels=-1)", "is neither"), ("alerts($levels=10000)", "is neither"), ("alerts($levels=)", "levels= is neither"), ("alerts(levels=all)", "is neither"),
    ("alerts/$ref($select=id)", "$select cannot stand behind $ref"), ("alerts/$ref($expand=a)", "$expand cannot stand"), ("alerts/$count($top=1)", "$top cannot stand behind $count"),
    ("alerts/$count($levels=1)", "$levels cannot stand"), (",".join(["a"] * (MOST + 1)), f"more than {MOST} items"), ("a" * (LONGEST + 1), f"has {LONGEST + 1} characters"),
])  # fmt: skip
def test_nothing_to_expand(text: str, says: str) -> None:
    with pytest.raises(BadOption) as refusal:
        clauses.expand(text)
    assert refusal.value.option == "$expand"
    assert says in refusal.value.message


# --- compute ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "items"), [
    ("", []), ("a as b", [(A, "b")]), ("a AS b", [(A, "b")]), ("  a  as  b  ", [(A, "b")]), ("a add b as c,b as d", [(Binary("add", A, B), "c"), (B, "d")]),
    ("concat(a,' as b') as c", [(Call("concat", (A, Literal("text", " as b"))), "c")]), ("concat(a,b) as ünï", [(Call("concat", (A, B)), "ünï")]), ("' as ' as c", [(Literal("text", " as "), "c")]),
])  # fmt: skip
def test_compute(text: str, items: list[tuple[Node, str]]) -> None:
    assert clauses.compute(text) == items


@pytest.mark.parametrize(("text", "says"), [
    ("a", "'a' has no name"), ("a as", "has no name"), ("as b", "has no name"), ("a as 1", "has no name"), ("a as b c", "has no name"), ("a as 'b'", "has no name"), ("a as b, c", "'c' has no name"),
    ('["\\ud800"] as b', "half a character"), ('{"a":"x\\udfff"} as b', "half a character"), ("a b as c", "Something follows"), ("a as b as c", "Something follows"), ("a as b," * (MOST + 1), f"more than {MOST} items"), ("a" * (LONGEST + 1), f"has {LONGEST + 1} characters"),
])  # fmt: skip
def test_nothing_to_compute(text: str, says: str) -> None:
    with pytest.raises(Refusal, match=says.replace("'", ".")):
        clauses.compute(text)


# --- taken apart ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "parts"), [
    ("", [""]), ("a", ["a"]), ("a,b", ["a", "b"]), (",a,", ["", "a", ""]), ("'a,b',c", ["'a,b'", "c"]), ('"a,b",c', ['"a,b"', "c"]), ("'it''s, so',c", ["'it''s, so'", "c"]),
    ("'a\",b',c\"", ["'a\",b'", 'c"']), ("\"it's,\",b", ["\"it's,\"", "b"]), ("f(a,b),c", ["f(a,b)", "c"]), ("f((a,b),c),d", ["f((a,b),c)", "d"]), ("[a,b],c", ["[a,b]", "c"]), ('{"a":1,"b":2},c', ['{"a":1,"b":2}', "c"]),
    ("f(')',a),b", ["f(')',a)", "b"]), ("f(a,b", ["f(a,b"]), ("'a,b", ["'a,b"]), ("a),b", ["a)", "b"]), ("a)),b", ["a))", "b"]),
])  # fmt: skip
def test_split(text: str, parts: list[str]) -> None:
    assert split(text, ",") == parts
    assert ",".join(parts) == text


@pytest.mark.parametrize(("text", "found"), [
    ("top=5", {"$top": "5"}), ("$top=5", {"$top": "5"}), ("TOP=5;$Skip=1", {"$top": "5", "$skip": "1"}), ("filter=a eq 'x;y'", {"$filter": "a eq 'x;y'"}), ("levels=2", {"$levels": "2"}), ("$levels=max", {"$levels": "max"}),
    ("@p='a;b';filter=a eq @p", {"@p": "'a;b'", "$filter": "a eq @p"}), ("select=", {"$select": ""}), ("expand=a(b=c;d=e)", {"$expand": "a(b=c;d=e)"}), ("$ID=5", {"$id": "5"}),
])  # fmt: skip
def test_nested(text: str, found: dict[str, str]) -> None:
    assert nested(text, "$expand") == found


@pytest.mark.parametrize(("text", "found"), [
    ("", ""), ("a eq 'x'", "a eq 'x'"), ("a%20eq%20'x'", "a eq 'x'"), ("a%20eq%20%27x%27", "a eq 'x'"), ("a eq '100%20'", "a eq '100%20'"), ('"50%25 off"', '"50%25 off"'), ("a eq '%41' and b%20eq 1", "a eq 'A' and b eq 1"),
    ("100%", "100%"), ("5 %zz", "5 %zz"), ("ü%20eq", "ü eq"), ("%C3%BC", "ü"), ("%ff", "\ufffd"), ("a%2Bb", "a+b"), ("a+b", "a+b"),
])  # fmt: skip
def test_decoded_once_more(text: str, found: str) -> None:
    assert decoded(text) == found
