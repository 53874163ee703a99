"""The query language: text and nodes are one to one, and no text at all breaks the reader."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from secgraph.errors import Refusal
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.odata import bind, parse
from secgraph.odata.ast import Binary, Call, Case, Filtered, In, Items, Lambda, Literal, Members, Node, Path, Unary, Within
from secgraph.odata.options import options
from secgraph.odata.query import Field
from secgraph.odata.unparse import text as unparsed

SPACE = "microsoft.graph.security"
WORDS = frozenset({
    "or", "and", "eq", "ne", "lt", "gt", "le", "ge", "in", "has", "add", "sub", "mul", "div", "divby", "mod", "not", "any", "all",
    "true", "false", "null", "duration", "case", "inf", "nan",
})  # fmt: skip
MODEL = load()
MANY = settings(max_examples=12 * settings().max_examples)

# --- (a) parse(unparse(node)) == node ----------------------------------------------------------------------------------

LETTERS = st.sampled_from(string.ascii_letters + "_ßİéдΣ日")
NAMES = st.builds(lambda head, tail: head + tail, LETTERS, st.text(LETTERS | st.sampled_from("0123456789"), max_size=5)).filter(
    lambda name: name.lower() not in WORDS
)
DOTTED = st.lists(NAMES, min_size=2, max_size=3).map(".".join)
STEPS = NAMES | DOTTED | st.sampled_from(["$count", "eq", "not", "null", "And", "true", "in"])
PATHS = st.builds(lambda head, tail: Path((head, *tail)), NAMES, st.lists(STEPS, max_size=3))
DIGITS = st.integers(0, 10**20).map(str)
FREE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
LITERALS = st.one_of(
    FREE.map(lambda value: Literal("text", value)),
    st.sampled_from(["'", "''", "it's", "' or '", "a eq 'b'", ")", " "]).map(lambda value: Literal("text", value)),
    DIGITS.map(lambda value: Literal("number", value)),
    DIGITS.map(lambda value: Literal("number", f"-{value}")),
    st.tuples(DIGITS, DIGITS).map(lambda pair: Literal("number", f"{pair[0]}.{pair[1]}")),
    st.tuples(DIGITS, st.integers(-99, 99)).map(lambda pair: Literal("number", f"{pair[0]}e{pair[1]}")),
    st.sampled_from([Literal("boolean", "true"), Literal("boolean", "false"), Literal("null", "null")]),
    st.dates().map(lambda day: Literal("date", day.isoformat())),
    st.datetimes().map(lambda moment: Literal("moment", f"{moment.isoformat()}Z")),
    st.datetimes().map(lambda moment: Literal("moment", f"{moment.isoformat(timespec='minutes')}+02:30")),
    st.uuids().map(lambda guid: Literal("guid", str(guid))),
    FREE.map(lambda value: Literal("duration", value, "duration")),
    st.builds(lambda name, value: Literal("typed", value, name), DOTTED, FREE),
)
TIMES = st.times().map(lambda time: Literal("time", time.isoformat())) | st.sampled_from(["00:00", "12:30"]).map(lambda value: Literal("time", value))
SPECIAL: st.SearchStrategy[Node] = st.sampled_from([Literal("number", "INF"), Literal("number", "-INF"), Literal("number", "NaN"), Path(("@p",)), Path(("$it",)), Path(("$root", "a")), Path(("a", "@x.y"))])
COLLECTIONS = PATHS.filter(lambda path: path.steps[-1].lower() not in {"any", "all", "$filter", "$count"})
CALLED = (NAMES | DOTTED).filter(lambda name: name.lower() != "case")
ARITHMETIC = ("add", "sub", "mul", "div", "mod", "eq", "ne", "lt", "le", "gt", "ge", "has")


def grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Binary, st.sampled_from(["and", "or"]), inner, inner),
        st.builds(Binary, st.sampled_from(ARITHMETIC), inner, inner),
        st.builds(Unary, st.just("not"), inner),
        # A minus before digits is part of the number.
        st.builds(Unary, st.just("-"), inner),
        st.builds(In, inner, some),
        st.builds(Call, NAMES | DOTTED, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Lambda, PATHS.filter(lambda path: path.steps[-1].lower() not in WORDS), st.sampled_from(["any", "all"]), NAMES, inner),
        st.builds(Lambda, PATHS, st.just("any"), st.none(), st.none()),
        st.builds(Filtered, COLLECTIONS, inner),
        *gone_on(inner),
    )


def gone_on(inner: st.SearchStrategy[Node]) -> list[st.SearchStrategy[Node]]:
    """What goes on behind a collection or a call, lists, objects and case."""
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return [
        st.builds(lambda over, body, name, word: Lambda(Filtered(over, body), word, name, body), COLLECTIONS, inner, NAMES, st.sampled_from(["any", "all"])),
        st.builds(lambda over, body: Within(Filtered(over, body), Path(("$count",))), COLLECTIONS, inner),
        st.builds(lambda name, over, arguments: Call(name, arguments, on=over), CALLED, COLLECTIONS, some),
        st.builds(lambda name, pairs: Call(name, (Members(pairs, named=True),)), CALLED, st.lists(st.tuples(NAMES, inner), min_size=1, max_size=2).map(tuple)),
        st.builds(lambda name, arguments, path: Within(Call(name, arguments), path), CALLED, st.lists(inner | DOTTED.map(lambda name: Path((name,))), max_size=2).map(tuple), PATHS),
        st.builds(Items, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Members, st.lists(st.tuples(FREE, inner), max_size=2).map(tuple)),
        st.builds(Case, st.lists(st.tuples(inner, inner), min_size=1, max_size=3).map(tuple)),
    ]


NODES: st.SearchStrategy[Node] = st.recursive(LITERALS | TIMES | SPECIAL | PATHS, grown, max_leaves=12)


@MANY
@given(NODES)
def test_a_node_written_and_read_again_is_the_node(node: Node) -> None:
    text = unparsed(node)
    try:
        found = parse.expression(text)
    except Refusal as refusal:
        assert "levels inside" in str(refusal)  # noqa: PT017 -- a deep node may be past the bound; nothing else may be refused
        return
    assert found == node


@MANY
@given(NODES)
def test_the_canonical_spelling_is_its_own(node: Node) -> None:
    text = unparsed(node)
    try:
        assert unparsed(parse.expression(text)) == text
    except Refusal as refusal:
        assert "levels inside" in str(refusal)  # noqa: PT017 -- as above


# --- (b) whatever the text ---------------------------------------------------------------------------------------------

PIECES = [
    " ", " ", " ", "'", "(", ")", ",", "/", ":", "-", "=", ".", "$", "@", "+", "%", "&", "\x00", "\n", "not", "and", "or", "in", "any", "all", "eq",
    "ne", "lt", "le", "gt", "ge", "has", "add", "null", "true", "false", "title", "severity", "status", "createdDateTime", "evidence", "categories", "e",
    "verdict", "roles", "additionalData", "id", "$count", "$it", "contains", "startswith", "endswith", "tolower", "'high'", "'x'", "5", "1e5",
    "2026-01-31", "2026-01-31T09:00:00Z", "0a1b2c3d-0000-4000-8000-00000000000f", f"{SPACE}.userEvidence", "userAccount", "accountName",
    f"{SPACE}.alertSeverity'low'", "duration'P1D'", "evidence/any(e:e/", "contains(title,'", "severity eq 'high'", " and ", " or ", "desc", "asc", "*",
    "ß", "İ", "\ud800", "\U0001f600", "²", "٣", "[", "]", "{", "}", '"', '"a"', "@p", "12:30", "INF", "case(", "isof(", "cast(", "length(", "now()", "Edm.String",
    "evidence/$filter(", "$this", "matchesPattern(title,'", "hassubset(", "(a+)+$", "mul", "divby", "mod", "sub", "NOT", "AND", "OR", ";", "alerts", "$expand=", "as",
]  # fmt: skip
SOUP = st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)
TEXTS = st.text(max_size=60) | SOUP


@MANY
@given(TEXTS)
def test_any_text_is_an_expression_or_a_refusal(text: str) -> None:
    try:
        node = parse.expression(text)
    except Refusal as refusal:
        assert len(str(refusal)) < 1_000  # noqa: PT017 -- either outcome is good
    else:
        assert unparsed(node)


@MANY
@given(st.dictionaries(
    st.sampled_from(["$filter", "$orderby", "$select", "$expand", "$search", "$top", "$skip", "$count", "$format", "@p"]), TEXTS, max_size=4
))  # fmt: skip
def test_any_options_are_a_question_or_a_refusal(asked: dict[str, str]) -> None:
    for path in (ALERTS, INCIDENTS):
        try:
            query = bind.query(MODEL.sets[path], asked, MODEL)
        except Refusal as refusal:
            assert refusal.status == 400  # noqa: PT017 -- either outcome is good
        else:
            assert any(isinstance(key.by, Field) and key.by.column == "id" for key in query.order)


@MANY
@given(st.binary(max_size=40) | SOUP.map(lambda text: f"$filter={text}".encode("utf-8", "surrogatepass")))
def test_any_query_string_is_options_or_a_refusal(query: bytes) -> None:
    try:
        found = options(query)
    except Refusal:
        return
    assert all(name.startswith(("$", "@")) and isinstance(text, str) for name, text in found.items())


@MANY
@given(st.lists(st.tuples(st.sampled_from(["$filter", "%24filter", "FILTER", "$top", "x"]), FREE), max_size=4))
def test_the_last_of_several_wins(pairs: list[tuple[str, str]]) -> None:
    written = "&".join(f"{name}={''.join(f'%{byte:02X}' for byte in value.encode())}" for name, value in pairs)
    names = {"$filter": "$filter", "%24filter": "$filter", "FILTER": "$filter", "$top": "$top"}
    assert options(written.encode()) == {names[name]: value for name, value in pairs if name in names}
