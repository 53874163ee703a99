"""The Prefer header: read liberally, and judged by the grammar."""

from __future__ import annotations

import pytest

from secgraph.edge.prefer import applied, page_size, preferences, well_formed


@pytest.mark.parametrize(("text", "found"), [
    ("return=minimal", {"return": "minimal"}),
    ("return = minimal", {"return": "minimal"}),
    ('return="minimal"', {"return": "minimal"}),
    ("Return=Minimal", {"return": "Minimal"}),
    ("odata.maxpagesize=50", {"maxpagesize": "50"}),
    ("OData.MaxPageSize=50", {"maxpagesize": "50"}),
    ("respond-async, wait=10", {"respond-async": "", "wait": "10"}),
    ("respond-async,wait=10,return=representation", {"respond-async": "", "wait": "10", "return": "representation"}),
    ("maxpagesize=1, odata.maxpagesize=2", {"maxpagesize": "1"}),
    ('return=minimal; foo="some parameter"', {"return": "minimal"}),
    ("foo;bar;baz, wait=1", {"foo": "", "wait": "1"}),
    ('odata.include-annotations="a.b,c.*", wait=1', {"include-annotations": "a.b,c.*", "wait": "1"}),
    ('foo="a \\"quoted\\" , word", wait=1', {"foo": 'a "quoted" , word', "wait": "1"}),
    ('foo=""', {"foo": ""}),
    ("foo=", {"foo": ""}),
    (" , ,wait=1,, ", {"wait": "1"}),
    ("a b, wait=1", {"wait": "1"}),
    ("=1, wait=1", {"wait": "1"}),
    ('foo="open, wait=1', {}),
    ("", {}),
    (",", {}),
    ("wät=1, wait=1", {"wait": "1"}),
])  # fmt: skip
def test_preferences_are_read_liberally(text: str, found: dict[str, str]) -> None:
    assert preferences(text) == found


@pytest.mark.parametrize(("text", "size"), [
    ("odata.maxpagesize=50", 50), ("maxpagesize=7", 7), ("maxpagesize=0", 0), ("maxpagesize=-1", 0), ("maxpagesize=x", 0),
    ("maxpagesize=1.5", 0), ("maxpagesize", 0), ("maxpagesize=9999999999", 0), ("maxpagesize=007", 7), ("return=minimal", 0),
])  # fmt: skip
def test_a_page_size_is_a_whole_number_above_zero(text: str, size: int) -> None:
    assert page_size(preferences(text)) == size


@pytest.mark.parametrize(("given", "said"), [
    ("odata.maxpagesize=50", "odata.maxpagesize=20"),
    ("maxpagesize=50", "maxpagesize=20"),
    ("respond-async, ODATA.maxpagesize=50", "odata.maxpagesize=20"),
])  # fmt: skip
def test_what_was_applied_is_told_in_the_clients_spelling(given: str, said: str) -> None:
    assert applied(given, "maxpagesize", 20) == said


@pytest.mark.parametrize("text", [
    "allow-entityreferences", "odata.allow-entityreferences", "ODATA.Allow-EntityReferences",
    'callback;url="http://host/x"', 'odata.callback ; url = "some:/where"', 'callback;\turl="a:b,c?d#e"',
    'callback;url="https://user@[2001:db8::1]:8443/a%20b"', 'callback;url="urn:a"', 'callback;url="x:/"',
    "continue-on-error", "odata.continue-on-error=true", "continue-on-error = false",
    'include-annotations="*"', 'include-annotations="-*"', 'odata.include-annotations="A.*,-A.B.c,D.e#q"',
    'include-annotations = "-A.B"', 'include-annotations="Org_1.Term2"', 'include-annotations="%2A"',
    "maxpagesize=1", "odata.maxpagesize = 100000000000000000000",
    "omit-values=nulls", "omit-values = defaults", "respond-async", "return=representation", "Return = minimal",
    "track-changes", "odata.track-changes", "wait=0", "wait = 00", "wait\t=\t10",
    "allow-entityreferences,maxpagesize=20", " respond-async , wait=1", 'include-annotations="A.b,A.c",wait=1',
])  # fmt: skip
def test_what_the_grammar_takes(text: str) -> None:
    assert well_formed(text)


@pytest.mark.parametrize("text", [
    "", " ", ",", "wait=1,", ",wait=1", "wait=1,,wait=2", "wait=1 ",
    "allow-entityreferences=true", "odata.respond-async", "odata.return=minimal", "odata.wait=1", "odata.omit-values=nulls",
    "callback", 'callback;url=""', 'callback;url="relative/path"', 'callback;url="http://a b"', "callback;url=http://a",
    'callback;uri="http://a"', 'callback;url="http://a%zz"', 'callback;url="http://a/#b#c"', 'callback;url="1a:b"',
    "continue-on-error=yes", "continue-on-error=",
    "include-annotations=*", 'include-annotations=""', 'include-annotations="A"', 'include-annotations="A.b, A.c"',
    'include-annotations="A.b,"', 'include-annotations="--A.b"', 'include-annotations="A.*.b"', 'include-annotations="1A.b"',
    'include-annotations="A.b', "maxpagesize", "maxpagesize=0", "odata.maxpagesize=0", "maxpagesize=01", "maxpagesize=-1",
    'maxpagesize="5"', "maxpagesize=1.5", "omit-values", "omit-values=all", "respond-async=true", "return", "return=Minimal",
    'return="minimal"', "return=all", "track-changes=1", "wait", "wait=", "wait=1s", "wait=-1", "unheard-of",
    f"include-annotations=\"{'a' * 129}.b\"",
])  # fmt: skip
def test_what_the_grammar_refuses(text: str) -> None:
    assert not well_formed(text)
