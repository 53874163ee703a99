"""Text to nodes: what a filter says, and where one that says nothing goes wrong."""

from __future__ import annotations

import time

import pytest

from secgraph.errors import BadFilter
from secgraph.odata import parse
from secgraph.odata.ast import Binary, Call, Case, Filtered, In, Items, Lambda, Literal, Members, Node, Path, Unary, Within
from secgraph.odata.unparse import text as unparsed


def p(*steps: str) -> Path:
    return Path(steps)


def t(value: str) -> Literal:
    return Literal("text", value)


def n(value: str) -> Literal:
    return Literal("number", value)


A, B, C, D = p("a"), p("b"), p("c"), p("d")
TRUE, FALSE, NULL = Literal("boolean", "true"), Literal("boolean", "false"), Literal("null", "null")
GUID = "0a1b2c3d-0000-4000-8000-00000000000F"


# --- operands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "node"), [
    ("'x'", t("x")), ("''", t("")), ("''''", t("'")), ("'it''s'", t("it's")), ("'a''''b'", t("a''b")),
    ("'(a, b) eq or'", t("(a, b) eq or")), ("'ß\U0001f600\u2028'", t("ß\U0001f600\u2028")), ("' '", t(" ")),
    ("0", n("0")), ("007", n("007")), ("-1", n("-1")), ("- 1", n("-1")), ("4.5", n("4.5")), ("1e6", n("1e6")),
    ("-2.5E-3", n("-2.5E-3")), ("1e+2", n("1e+2")),
    ("true", TRUE), ("FALSE", FALSE), ("tRuE", TRUE), ("null", NULL), ("NULL", NULL),
    ("2026-01-31", Literal("date", "2026-01-31")),
    ("2026-01-31T09:00Z", Literal("moment", "2026-01-31T09:00Z")),
    ("2026-01-31t09:00:00z", Literal("moment", "2026-01-31t09:00:00z")),
    ("2026-01-31T09:00:00.1234567+02:00", Literal("moment", "2026-01-31T09:00:00.1234567+02:00")),
    ("2026-01-31T09:00:00 02:00", Literal("moment", "2026-01-31T09:00:00 02:00")),
    ("2026-01-31T09:00:00", Literal("moment", "2026-01-31T09:00:00")),
    (GUID, Literal("guid", GUID)),
    ("duration'P1D'", Literal("duration", "P1D", "duration")),
    ("microsoft.graph.security.alertSeverity'high'", Literal("typed", "high", "microsoft.graph.security.alertSeverity")),
    ("a", A), ("a/b/c", p("a", "b", "c")), ("a/$count", p("a", "$count")), ("a/x.y.z/b", p("a", "x.y.z", "b")),
    ("$it/a", p("$it", "a")), ("_a1", p("_a1")), ("naïve", p("naïve")), (" a ", A), ("\ta\n", A),
    ("f()", Call("f", ())), ("f(a)", Call("f", (A,))), ("f(a,'x')", Call("f", (A, t("x")))),
    ("f ( a , 'x' )", Call("f", (A, t("x")))), ("f(g(a))", Call("f", (Call("g", (A,)),))),
    ("contains(tolower(a),'x')", Call("contains", (Call("tolower", (A,)), t("x")))),
    ("((a))", A), ("-a", Unary("-", A)), ("--1", Unary("-", n("-1"))),
    # Words of the grammar are names too, where only a name can stand.
    ("a/eq", p("a", "eq")), ("a/not", p("a", "not")), ("a/null", p("a", "null")), ("not/a", p("not", "a")),
    ("true/a", p("true", "a")), ("eq/a", p("eq", "a")), ("nothing", p("nothing")), ("orange", p("orange")), ("any", p("any")),
    ("a/any", p("a", "any")), ("inside", p("inside")),
])  # fmt: skip
def test_an_operand(text: str, node: Node) -> None:
    assert parse.expression(text) == node


# --- operators --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "node"), [
    ("a eq 1", Binary("eq", A, n("1"))), ("a EQ 1", Binary("eq", A, n("1"))), ("1 eq a", Binary("eq", n("1"), A)),
    ("a eq -1", Binary("eq", A, n("-1"))), ("a eq(1)", Binary("eq", A, n("1"))), ("(a)eq(1)", Binary("eq", A, n("1"))),
    ("not a", Unary("not", A)), ("NOT a", Unary("not", A)), ("not(a)", Unary("not", A)),
    ("not not a", Unary("not", Unary("not", A))),
    ("a in (1)", In(A, (n("1"),))), ("a IN(1,2)", In(A, (n("1"), n("2")))), ("a in ( 'x' , null )", In(A, (t("x"), NULL))),
    # and binds tighter than or, and both lean left
    ("a or b and c", Binary("or", A, Binary("and", B, C))), ("a and b or c", Binary("or", Binary("and", A, B), C)),
    ("a and b and c", Binary("and", Binary("and", A, B), C)), ("a or b or c", Binary("or", Binary("or", A, B), C)),
    ("a and (b or c)", Binary("and", A, Binary("or", B, C))), ("a and (b and c)", Binary("and", A, Binary("and", B, C))),
    ("a or b and c or d", Binary("or", Binary("or", A, Binary("and", B, C)), D)),
    # not binds tighter than any comparison
    ("not a eq b", Binary("eq", Unary("not", A), B)), ("not a and b", Binary("and", Unary("not", A), B)),
    ("not (a eq b) and c", Binary("and", Unary("not", Binary("eq", A, B)), C)),
    ("a eq b and c eq d", Binary("and", Binary("eq", A, B), Binary("eq", C, D))),
    ("a eq b or c in (1) and d", Binary("or", Binary("eq", A, B), Binary("and", In(C, (n("1"),)), D))),
    # equality is looser than order, order looser than arithmetic
    ("a eq b lt c", Binary("eq", A, Binary("lt", B, C))), ("a lt b eq c", Binary("eq", Binary("lt", A, B), C)),
    ("a eq b add c", Binary("eq", A, Binary("add", B, C))), ("a add b mul c", Binary("add", A, Binary("mul", B, C))),
    ("a sub b sub c", Binary("sub", Binary("sub", A, B), C)), ("a mul -b", Binary("mul", A, Unary("-", B))),
    ("a lt b add c", Binary("lt", A, Binary("add", B, C))), ("a has b eq c", Binary("eq", Binary("has", A, B), C)),
])  # fmt: skip
def test_operators(text: str, node: Node) -> None:
    assert parse.expression(text) == node


@pytest.mark.parametrize(("text", "node"), [
    ("a/any()", Lambda(A, "any", None, None)), ("a/ANY( )", Lambda(A, "any", None, None)),
    ("a/any(x:x)", Lambda(A, "any", "x", p("x"))), ("a/any( x : x/b eq 1 )", Lambda(A, "any", "x", Binary("eq", p("x", "b"), n("1")))),
    ("a/b/all(x:x/c)", Lambda(p("a", "b"), "all", "x", p("x", "c"))),
    ("a/any(x:x/b/any(y:y eq x/c))",
     Lambda(A, "any", "x", Lambda(p("x", "b"), "any", "y", Binary("eq", p("y"), p("x", "c"))))),
    ("a/any(x:x) and b", Binary("and", Lambda(A, "any", "x", p("x")), B)),
    ("not a/any(x:x)", Unary("not", Lambda(A, "any", "x", p("x")))),
    ("a/any(x:x eq 1 or x eq 2)",
     Lambda(A, "any", "x", Binary("or", Binary("eq", p("x"), n("1")), Binary("eq", p("x"), n("2"))))),
    ("a/s.t/any(x:x)", Lambda(p("a", "s.t"), "any", "x", p("x"))),
])  # fmt: skip
def test_lambdas(text: str, node: Node) -> None:
    assert parse.expression(text) == node


# --- refusals: the place is counted from 0 ----------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "at", "says"), [
    ("", 0, "ends where an operand"), ("   ", 0, "ends where an operand"), ("(", 1, "ends where an operand"),
    ("(a", 2, "')' to close the bracket"), ("a)", 1, "Something follows"), ("a b", 2, "Something follows"),
    ("a eq", 4, "ends where an operand"), ("a eq ", 4, "ends where an operand"), ("eq a", 0, "'eq' where an operand"),
    ("a eq eq b", 5, "'eq' where an operand"), ("a eq and b", 5, "'and' where an operand"), ("and", 0, "'and' where"),
    ("a and", 5, "ends where an operand"), ("not", 3, "ends where an operand"), ("a or or b", 5, "'or' where"),
    ("a eq 'x", 5, "without its closing quote"), ("a eq 'it's'", 10, "without its closing quote"), ("'", 0, "closing quote"),
    ("a = 1", 2, "Something follows"), ('a eq "x"', 5, "single quotes"), ("a eq 1;", 6, "cannot be read"),
    ("a && b", 2, "cannot be read"), ("a eq @", 5, "cannot be read"), ("a eq $", 5, "cannot be read"), ("\x00", 0, "cannot be read"),
    ("a eq 1.", 5, "cannot be read"), ("a eq 1x", 5, "cannot be read"), ("a eq .5", 5, "cannot be read"),
    ("a eq 2026-01-31T", 5, "cannot be read"),
    ("a.", 1, "cannot be read"), ("a..b", 1, "cannot be read"), ("a eq 0a1b2c3d-0000-4000-8000-00000000000g", 5, "cannot be read"),
    ("a/", 2, "name is expected after '/'"), ("a//b", 2, "name is expected"), ("a/'x'", 2, "name is expected"),
    ("a/1", 2, "name is expected"), ("/a", 0, "'/' where an operand"), ("a/(b)", 2, "name is expected"),
    ("f(", 2, "ends where an operand"), ("f(a", 3, "to close f("), ("f(a,", 4, "ends where an operand"), ("f(,a)", 2, "',' where"),
    ("f(a b)", 4, "to close f("), ("f(a)b", 4, "Something follows"),
    ("a in", 4, "'(' before the list"), ("a in 1", 5, "'(' before the list"),
    ("a in (1", 7, "')' after the list"), ("a in (1,)", 8, "')' where an operand"), ("a in (1 2)", 8, "')' after the list"),
    ("a/any(", 6, "needs a variable"), ("a/any(x)", 6, "needs a variable"), ("a/any(x:", 8, "ends where an operand"),
    ("a/any(x:)", 8, "')' where an operand"), ("a/any(x:x", 9, "to close any("), ("a/any('x':x)", 6, "needs a variable"),
    ("a/all()", 2, "all() needs a condition"), ("a/any(x:x)/b", 10, "Something follows"), ("a,b", 1, "Something follows"),
    ("a eq 1 and (b eq 2", 18, "to close the bracket"),
])  # fmt: skip
def test_a_refusal_names_the_place(text: str, at: int, says: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        parse.expression(text)
    assert says in refusal.value.reason
    assert refusal.value.at == at
    assert f"at position {at + 1}" in refusal.value.message


@pytest.mark.parametrize(("text", "near"), [
    ("a eq eq b", "'eq b'"), ("a eq 1 2 3", "'2 3'"), ("x" * 40 + " " + "y" * 40, f"'{'y' * 24}'"), ("a eq", ""),
])  # fmt: skip
def test_a_refusal_quotes_what_stands_there(text: str, near: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        parse.expression(text)
    assert (f"(near {near})" in refusal.value.message) if near else ("near" not in refusal.value.message)


# --- depth and length -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "(" * 10_000 + "a" + ")" * 10_000, "(" * 10_000, "not " * 5_000 + "a", "-" * 10_000 + "a", "f(" * 5_000 + "a", ")" * 10_000,
    "a/any(x:" * 2_000 + "x" + ")" * 2_000, " add ".join(["a"] * 3_000), " eq ".join(["a"] * 3_000), "a/" * 8_000,
    "'" * 16_383, "a'" * 8_000, " " * 16_000 + "(", "(" + " " * 16_000 + ";", "1" * 16_000 + "x", "a in (" * 2_500, "a." * 8_000,
    "2026-01-31T" * 1_400, "x" * 1_000_000, "a eq 1 and " * 5_000 + "a eq 1",
], ids=range(20))  # fmt: skip
def test_what_is_too_much_is_refused_at_once(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(BadFilter):
        parse.expression(text)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(("text", "terms"), [
    (" and ".join(["a eq 1"] * 1_400), 1_400), (" or ".join(["a"] * 3_000), 3_000), ("a or b and " * 1_400 + "a", 1_401),
])  # fmt: skip
def test_a_long_chain_within_the_length_is_read(text: str, terms: int) -> None:
    began = time.monotonic()
    node: Node = parse.expression(text)
    found = 1
    while isinstance(node, Binary) and node.word in {"and", "or"}:
        node, found = node.left, found + 1
    assert found == terms
    assert time.monotonic() - began < 2


def test_an_in_list_may_be_as_long_as_the_text() -> None:
    node = parse.expression(f"a in ({','.join(['1'] * 5_000)})")
    assert isinstance(node, In)
    assert len(node.items) == 5_000


def test_brackets_to_the_bound() -> None:
    depth = parse.DEEPEST - 1
    assert parse.expression("(" * depth + "a" + ")" * depth) == A


@pytest.mark.parametrize(("text", "tall"), [
    ("a", 1), (" a", 1), ("a eq 1", 3), ("(((a)))", 4), ("a eq 1 and b eq 2 or c eq 3", 4), (" and ".join(["a eq 1"] * 300), 4), ("f(a,g(b))", 3), ("a add b add c", 4),
    (" add ".join(["a"] * 99), 100), ("(" * 40 + "a" + " add b)" * 40, 82),
])  # fmt: skip
def test_how_tall_a_node_is(text: str, tall: int) -> None:
    """Operators upon operators count, chains of and and or do not: every reader of nodes goes as deep as that."""
    assert parse.measured(text)[1] == tall


@pytest.mark.parametrize("text", [
    " add ".join(["a"] * 102), "(" * 45 + "a" + (" add 1" * 50 + ")") * 45, "(" * 40 + "a" + (" eq 1" * 30 + ")") * 40, " in [a]".join(["a", *[""] * 102]),
    "/".join(["a"] * 52), "f()/" + "/".join(["a"] * 52),
])  # fmt: skip
def test_what_is_too_tall_for_its_readers(text: str) -> None:
    with pytest.raises(BadFilter, match=r"upon each other|names in a row"):
        parse.expression(text)


# --- lists, objects, case, and what goes on behind something -----------------------------------------------------------


@pytest.mark.parametrize(("text", "node"), [
    ("a in ()", In(A, ())), ("a in []", In(A, ())), ("a in [1,2]", In(A, (n("1"), n("2")))), ('a in ["x"]', In(A, (t("x"),))),
    ("a in (b)", In(A, (B,))), ("a in (high,low)", In(A, (p("high"), p("low")))), ("a in [b,c add 1]", In(A, (B, Binary("add", C, n("1"))))),
    ("'x' in a", Binary("in", t("x"), A)), ("'x' in a/b and c", Binary("and", Binary("in", t("x"), p("a", "b")), C)),
    ("[]", Items(())), ("[1,'x',null]", Items((n("1"), t("x"), NULL))), (r'["a\"b"]', Items((t('a"b'),))), ("{}", Members(())),
    ('{"a":1,"b":[true]}', Members((("a", n("1")), ("b", Items((TRUE,)))))),
    ("case(a:1)", Case(((A, n("1")),))), ("case(a eq 1:2,true:b)", Case(((Binary("eq", A, n("1")), n("2")), (TRUE, B)))),
    ("CASE(a gt 10:20,true:30)", Case(((Binary("gt", A, n("10")), n("20")), (TRUE, n("30"))))),
    # A colon behind what looks like a time parts the condition from its value; without one it is in there.
    ("case(a gt 10:20:30)", Case(((Binary("gt", A, Literal("time", "10:20")), n("30")),))), ("case(a gt 10:20 add 5)", Case(((Binary("gt", A, n("10")), Binary("add", n("20"), n("5"))),))),
    ("case(a gt 10:20:'x')", Case(((Binary("gt", A, Literal("time", "10:20")), t("x")),))), ("case(a gt 10:20 : b)", Case(((Binary("gt", A, Literal("time", "10:20")), B),))),
    ("case(a gt 10:20:30:b,true:c)", Case(((Binary("gt", A, Literal("time", "10:20:30")), B), (TRUE, C)))), ("case(a:10:20,true:10:20:30)", Case(((A, Literal("time", "10:20")), (TRUE, Literal("time", "10:20:30"))))),
    ("case(a in (10:20):b)", Case(((In(A, (Literal("time", "10:20"),)), B),))), ("case(10:20 in [a]:b)", Case(((In(Literal("time", "10:20"), (A,)), B),))),
    ("case(a gt 2026-01-31:b)", Case(((Binary("gt", A, Literal("date", "2026-01-31")), B),))), ("case(a gt 2026-01-31T10:20Z:b)", Case(((Binary("gt", A, Literal("moment", "2026-01-31T10:20Z")), B),))),
    ("case(a/any(x:x eq 10:20):b)", Case(((Lambda(A, "any", "x", Binary("eq", p("x"), Literal("time", "10:20"))), B),))),
    ("case(case(a:b):c,true:d)", Case(((Case(((A, B),)), C), (TRUE, D)))), ("a eq 10:20", Binary("eq", A, Literal("time", "10:20"))),
    ("a/$filter(b)/$count", Within(Filtered(A, B), p("$count"))), ("a/$filter(b)/any(x:x)", Lambda(Filtered(A, B), "any", "x", p("x"))),
    ("a/$count($filter=b)", Within(Filtered(A, B), p("$count"))), ("a/$filter(b)/$filter(c)/any()", Lambda(Filtered(Filtered(A, B), C), "any", None, None)),
    ("cast(a,x.y)/b", Within(Call("cast", (A, p("x.y"))), B)), ("isof(x.y)", Call("isof", (p("x.y"),))),
    ("a/f()", Call("f", (), on=A)), ("a/x.f(b='c')/d", Within(Call("x.f", (Members((("b", t("c")),), named=True),), on=A), D)),
    ("Items(1)/a", Within(Call("Items", (n("1"),)), A)), ("@p", p("@p")), ("a/@x.y", p("a", "@x.y")), ("$root/a", p("$root", "a")),
    ("INF", n("INF")), ("-INF", n("-INF")), ("NaN", n("NaN")), ("+42", n("42")), ("12:30", Literal("time", "12:30")),
    ("12:30:15.5", Literal("time", "12:30:15.5")), ("a eq b has 'c'", Binary("eq", A, Binary("has", B, t("c")))),
])  # fmt: skip
def test_lists_objects_and_what_goes_on(text: str, node: Node) -> None:
    assert parse.expression(text) == node


@pytest.mark.parametrize(("text", "says"), [
    (f"f({','.join(['a'] * 51)})", "More than 50 arguments"), ("x.y", "nothing follows it"), ("a in (b/c,d/e)", "constant is expected"), ("a in (b,c add 1)", "constant is expected"),
    ("[1", "to close the list"), ("[1,]", "operand"), ('{"a"}', "behind a member's name"), ("{a:1}", "in double quotes"),
    ('{"a":1,}', "in double quotes"), ("case()", "operand"), ("case(a)", "between a condition and its value"), ("case(a:1", "to close case("),
    ("a/$filter()", "operand"), ("a/$count($top=1)", "$count takes a $filter"), ("+a", "number is expected"), ("2026-13-01", "is not a date"),
    ("2026-01-31T25:00Z", "is not a date-time"), ("25:00", "is not a time of day"), (r'["\x"]', "not JSON"), ("a eq (1,2)", "close the bracket"),
])  # fmt: skip
def test_what_cannot_stand_there(text: str, says: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        parse.expression(text)
    assert says in refusal.value.reason


# --- nodes to text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "canonical"), [
    ("A EQ 'x'", "A eq 'x'"), ("a eq 'it''s'", "a eq 'it''s'"), ("not a", "not (a)"), ("a and b or c", "(a and b) or c"),
    ("a in(1 , 2)", "a in (1,2)"), ("f( a,'x' )", "f(a,'x')"), ("a/any( x : x eq TRUE )", "a/any(x:x eq true)"),
    ("a/any()", "a/any()"), ("- a", "-(a)"), ("x.y'z'", "x.y'z'"), ("a eq b lt c", "a eq (b lt c)"), ("duration'P1D'", "duration'P1D'"),
])  # fmt: skip
def test_the_canonical_spelling(text: str, canonical: str) -> None:
    assert unparsed(parse.expression(text)) == canonical
    assert parse.expression(canonical) == parse.expression(text)


@pytest.mark.parametrize("text", [
    " and ".join(["a eq 1"] * 60), " or ".join(["a"] * 200), "a in [(b and c),(d or a)]", "(a and b) and (c and d)",
    " or ".join(["a and b and c"] * 60), "a and (b and (c and d))",
])  # fmt: skip
def test_the_canonical_spelling_can_be_read_again(text: str) -> None:
    node = parse.expression(text)
    assert parse.expression(unparsed(node)) == node
