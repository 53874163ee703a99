"""The query string taken apart: every spelling that clients use."""

from __future__ import annotations

import pytest

from secgraph.errors import BadOption
from secgraph.odata.options import KNOWN, options, truth, whole


@pytest.mark.parametrize(("query", "found"), [
    (b"", {}), (b"&", {}), (b"&&&", {}), (b"=", {}), (b"=x", {}),
    (b"$top=5", {"$top": "5"}), (b"%24top=5", {"$top": "5"}), (b"top=5", {"$top": "5"}), (b"$Top=5", {"$top": "5"}),
    (b"%24TOP=5", {"$top": "5"}), (b"TOP=5", {"$top": "5"}), (b"%74op=5", {"$top": "5"}), (b"+$top=5", {"$top": "5"}),
    (b"$top=5&$top=6", {"$top": "6"}), (b"$top=5&top=6", {"$top": "6"}), (b"top=5&%24TOP=6", {"$top": "6"}),
    (b"$top", {"$top": ""}), (b"$top=", {"$top": ""}), (b"$top==5", {"$top": "=5"}),
    (b"$filter=a+eq+1", {"$filter": "a eq 1"}), (b"$filter=a%20eq%201", {"$filter": "a eq 1"}),
    (b"$filter=a eq 1", {"$filter": "a eq 1"}), (b"$filter=a%2Bb", {"$filter": "a+b"}),
    (b"$filter=a%26b", {"$filter": "a&b"}), (b"$filter=%2541", {"$filter": "A"}), (b"$filter='%2541'", {"$filter": "'%41'"}), (b"@p=%27x%27", {"@p": "'x'"}), (b"$filter=%", {"$filter": "%"}),
    (b"$filter=%zz", {"$filter": "%zz"}), (b"$filter=x%27%27", {"$filter": "x''"}), (b"$filter=a;b", {"$filter": "a;b"}),
    (b"$filter=Z%C3%B6e", {"$filter": "Zöe"}), ("$filter=Zöe".encode(), {"$filter": "Zöe"}),
    (b"$orderby=a&$select=b&$expand=c&$skip=1&$count=true&$format=json&$skiptoken=x&$filter=d",
     {"$orderby": "a", "$select": "b", "$expand": "c", "$skip": "1", "$count": "true", "$format": "json", "$skiptoken": "x",
      "$filter": "d"}),
    (b"unknown=1", {}), (b"api-version=2&$top=5", {"$top": "5"}), (b"_=123", {}), (b"fil%74er=a", {"$filter": "a"}),
])  # fmt: skip
def test_options(query: bytes, found: dict[str, str]) -> None:
    assert options(query) == found


@pytest.mark.parametrize("name", KNOWN)
def test_every_option_in_every_spelling(name: str) -> None:
    bare = () if name == "$id" else (name[1:],)  # `id` without its mark is a client's own
    for spelled in (name, *bare, f"%24{name[1:]}", name.upper(), f"%24{name[1:].title()}"):
        assert options(f"{spelled}=x".encode()) == {name: "x"}


@pytest.mark.parametrize(("query", "option"), [
    (b"$nope=1", "$nope"), (b"%24nope=1", "$nope"), (b"$=1", "$"), (b"$apply=x", "$apply"),
    (b"$filter=a%2520eq%2520'%2500'", "$filter"), (b"@p=%2541%2500", "@p"), (b"$filter=a%00b", "$filter"), (b"$filter=%00%00", "$filter"), (b"$filter=\x00", "$filter"), (b"%00=1", "name"),
    (b"x%00=1", "name"), (b"$filter=%ff", "$filter"), (b"$filter=%ed%a0%80", "$filter"), (b"%ff=1", "name"), (b"$filter=\xc3", "$filter"),
    (b"$" + b"x" * 5_000 + b"=1", "$" + "x" * 39),
])  # fmt: skip
def test_a_refused_option(query: bytes, option: str) -> None:
    with pytest.raises(BadOption) as refusal:
        options(query)
    assert refusal.value.option == option
    assert refusal.value.hint
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("1", 1), (" 50 ", 50), ("007", 7), ("999999999", 999_999_999)])
def test_a_whole_number(text: str, number: int) -> None:
    assert whole({"$top": text}, "$top") == number


def test_an_absent_number() -> None:
    assert whole({}, "$top") is None


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1e3", "0x1", "five", "1 000", "1_000", "\u0663", "\u00b2", "9" * 10, "9" * 5_000])
def test_no_whole_number(text: str) -> None:
    with pytest.raises(BadOption) as refusal:
        whole({"$top": text}, "$top")
    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize(("text", "value"), [("true", True), ("TRUE", True), (" true ", True), ("false", False), ("", False)])
def test_a_truth(text: str, value: bool) -> None:
    assert truth({"$count": text}, "$count") is value
    assert truth({}, "$count") is False


@pytest.mark.parametrize("text", ["1", "yes", "tru", "true false", "null"])
def test_no_truth(text: str) -> None:
    with pytest.raises(BadOption):
        truth({"$count": text}, "$count")
