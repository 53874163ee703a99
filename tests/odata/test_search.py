"""`$search`: from a text to a condition, what a word is, and which texts of a record are looked into."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from secgraph.errors import BadOption
from secgraph.model.choices import ALERTS, INCIDENTS, OLDER_ALERTS
from secgraph.model.edm import EntitySet, Model
from secgraph.odata import bind, search
from secgraph.odata.query import All, Either, Found, Not, Test

SECURITY = "#microsoft.graph.security"


def f(*words: str) -> Found:
    return Found(words, ALERTS)


def asked(text: str) -> Test:
    return search.condition(text, ALERTS)


A, B, C = f("a"), f("b"), f("c")


# --- from a text to a condition ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "test"), [
    # words, and what is made of several
    ("a", A), ("  a  ", A), ("A", A), ("Straße", f("strasse")), ("10.0.0.5", f("10", "0", "0", "5")), ("C:\\Users\\bob", f("c", "users", "bob")), ("bob@contoso.com", f("bob", "contoso", "com")),
    ("a_b", f("a", "b")), ("title:a", f("title", "a")), ("-a", A), ("a*", A), ("日本", f("日", "本")), ("it's", f("it", "s")), ("'a", A), ("\ta\n", A),
    # phrases
    ('"a b"', f("a", "b")), ('"a AND b"', f("a", "and", "b")), ('"NOT a"', f("not", "a")), ('" a, b. "', f("a", "b")), ('"a"', A), ('"(a"', A), ('"say \\"a\\" b"', f("say", "a", "b")), ('"a\\\\b"', f("a", "b")),
    ("'a b'", f("a", "b")), ("'it''s'", f("it", "s")), ("('a b')", f("a", "b")), ("'a' b'", All((A, B))), ('a"b c"', All((A, f("b", "c")))), ('"a""b"', All((A, B))),
    # AND, a blank, OR, NOT, brackets
    ("a b", All((A, B))), ("a AND b", All((A, B))), ("a b AND c", All((A, B, C))), ("a OR b", Either((A, B))), ("a OR b OR c", Either((A, B, C))),
    ("a OR b AND c", Either((A, All((B, C))))), ("a AND b OR c", Either((All((A, B)), C))), ("a OR b c", Either((A, All((B, C))))), ("a b OR c", Either((All((A, B)), C))),
    ("NOT a", Not(A)), ("NOT NOT a", Not(Not(A))), ("a NOT b", All((A, Not(B)))), ("a AND NOT b", All((A, Not(B)))), ("NOT a OR b", Either((Not(A), B))), ("NOT a b", All((Not(A), B))), ("a OR NOT b", Either((A, Not(B)))),
    ("(a)", A), ("((a))", A), ("(a OR b) c", All((Either((A, B)), C))), ("(a OR b) AND c", All((Either((A, B)), C))), ("a(b)", All((A, B))), ("NOT (a OR b)", Not(Either((A, B)))), ("NOT(a)", Not(A)), ("(a)(b)", All((A, B))),
    # words of the language that have nothing to join, and those in other letters, are words
    ("and", f("and")), ("a and b", All((A, f("and"), B))), ("a or b", All((A, f("or"), B))), ("not a", All((f("not"), A))), ("And", f("and")), ("AND", f("and")), ("OR", f("or")), ("NOT", f("not")),
    ("a AND", All((A, f("and")))), ("a OR", All((A, f("or")))), ("a NOT", All((A, f("not")))), ("OR a", All((f("or"), A))), ("AND a", All((f("and"), A))), ("(a OR) b", All((All((A, f("or"))), B))), ("(NOT)", f("not")),
    ("a OR OR b", Either((A, All((f("or"), B))))), ("ANDROID", f("android")), ('"AND"', f("and")), ("a AND AND b", All((A, f("and"), B))),
])  # fmt: skip
def test_a_search(text: str, test: Test) -> None:
    assert asked(text) == test


@pytest.mark.parametrize(("text", "says"), [
    ("", "is empty"), ("   ", "is empty"), ('"a', "cannot be read at position 1"), ('a "b', "cannot be read at position 2"), ('"', "cannot be read at position 1"), ('"a\\"', "cannot be read at position 1"), ('a"', "position 2"),
    ("(a", "lacks a closing bracket"), ("(", "ends where a word"), ("()", "ends where a word"), ("a ()", "ends where a word"), ("a)", "a bracket too many"), (")", "ends where a word"), ("(a))", "a bracket too many"), ("(a OR b", "lacks a closing"),
    ("_", "neither a letter nor a digit"), ("...", "neither a letter nor a digit"), ('""', "neither a letter nor a digit"), ('" , "', "neither a letter nor a digit"), ("a AND *", "looks for '*'"), ("NOT -", "looks for '-'"), ("\ue000", "neither a letter"),
    ("''", "neither a letter"), ("\U0001f600", "neither a letter nor a digit"),
])  # fmt: skip
def test_a_search_that_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadOption) as refusal:
        asked(text)
    assert refusal.value.option == "$search"
    assert says in refusal.value.message
    assert refusal.value.hint == 'Write words or "phrases", joined by AND, OR and NOT.'


@pytest.mark.parametrize(("taken", "refused", "says"), [
    ("a" * search.LONGEST, "a" * (search.LONGEST + 1), f"has {search.LONGEST + 1} characters"),
    ("(" * (search.DEEPEST - 1) + "a" + ")" * (search.DEEPEST - 1), "(" * search.DEEPEST + "a" + ")" * search.DEEPEST, f"more than {search.DEEPEST} levels"),
    ("NOT " * (search.DEEPEST - 1) + "a", "NOT " * search.DEEPEST + "a", f"more than {search.DEEPEST} levels"),
    ("a " * search.MOST, "a " * (search.MOST + 1), f"more than {search.MOST} words"),
    (" OR ".join(["a"] * search.MOST), " OR ".join(["a"] * (search.MOST + 1)), f"more than {search.MOST} words"),
    ("(a) " * search.MOST, "(a) " * (search.MOST + 1), f"more than {search.MOST} words"),
])  # fmt: skip
def test_bounds(taken: str, refused: str, says: str) -> None:
    asked(taken)
    with pytest.raises(BadOption) as refusal:
        asked(refused)
    assert says in refusal.value.message


def test_a_set_without_texts_is_not_searched(alerts: EntitySet, model: Model) -> None:
    silent = replace(alerts, choices=replace(alerts.choices, search=()))
    with pytest.raises(BadOption, match="is not possible on") as refusal:
        bind.query(silent, {"$search": "a"}, model)
    assert refusal.value.hint == "Use $filter with contains(...)."
    assert bind.query(silent, {"$search": " "}, model).where is None
    assert bind.query(alerts, {"$search": "a", "$filter": "true"}, model).where == All((A, All(())))


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "words"), [
    ("", []), ("  .,;-_  ", []), ("One two", ["one", "two"]), ("one-two_three.four", ["one", "two", "three", "four"]), ("T1059.001", ["t1059", "001"]), ("10.0.0.5", ["10", "0", "0", "5"]),
    ("2001:db8::1", ["2001", "db8", "1"]), ("C:\\Temp\\a b.EXE", ["c", "temp", "a", "b", "exe"]), ("CONTOSO\\bob", ["contoso", "bob"]), ("ws1.contoso.com", ["ws1", "contoso", "com"]),
    ("Straße STRASSE", ["strasse", "strasse"]), ("Ärger", ["ärger"]), ("ΟΔΟΣ οδος", ["οδοσ", "οδοσ"]), ("привет мир", ["привет", "мир"]), ("٣٤", ["٣٤"]), ("²", ["²"]),
    ("日本x語", ["日", "本", "x", "語"]), ("カタ", ["カ", "タ"]), ("한국", ["한", "국"]), ("a\U0001f600b", ["a", "b"]), ("a\x00b", ["a", "b"]), ("a\ue000b", ["a", "b"]), ("ﬃ", ["ffi"]),
])  # fmt: skip
def test_words(text: str, words: list[str]) -> None:
    assert search.words(text) == words


# --- what is looked into ----------------------------------------------------------------------------------------------

ALERT: dict[str, Any] = {
    "id": "findme-id", "title": "One two", "description": "three FOUR", "category": "notsearched", "severity": "high", "assignedTo": "nobody@contoso.com", "customDetails": {"a": "hidden"},
    "evidence": [
        {"@odata.type": f"{SECURITY}.userEvidence", "verdict": "malicious", "tags": ["five"], "userAccount": {"accountName": "bob", "domainName": "CONTOSO", "userPrincipalName": None}},
        {"@odata.type": f"{SECURITY}.fileEvidence", "detectionStatus": "blocked", "fileDetails": {"fileName": "evil.exe", "filePath": "C:\\Temp", "sha1": "AB" * 20, "fileSize": 4096}},
        {"@odata.type": f"{SECURITY}.deviceEvidence", "ipInterfaces": ["10.0.0.1", "10.0.0.2"], "loggedOnUsers": [{"accountName": "ana"}], "createdDateTime": "2026-11-01T00:00:00Z"},
        {"@odata.type": f"{SECURITY}.nosuchEvidence", "tags": ["six"], "surprise": "hidden"}, {"tags": ["seven"]},
    ],
}  # fmt: skip


@pytest.mark.parametrize(("text", "found"), [
    ("one", True), ("ONE TWO", True), ('"one two"', True), ('"two one"', False), ('"two three"', False), ("two AND three", True), ("four", True), ("fourt", False), ("fou", False),
    ("bob", True), ("CONTOSO", True), ('"contoso bob"', False), ("evil.exe", True), ("exe", True), ("C:\\Temp", True), ("ab" * 20, True), ("10.0.0.1", True), ('"1 10"', False), ("ana", True), ("five OR nothing", True),
    ("six", True), ("seven", True), ("NOT eight", True), ("NOT one", False), ("hidden", False), ("notsearched", False), ("malicious", False), ("blocked", False), ("userEvidence", False), ("findme", False), ("nobody", False),
    ("2026", False), ("4096", False), ("high", False),
])  # fmt: skip
def test_what_a_record_holds(text: str, found: bool) -> None:
    def judged(test: Test) -> bool:
        match test:
            case All(parts=parts):
                return all(judged(part) for part in parts)
            case Either(parts=parts):
                return any(judged(part) for part in parts)
            case Not(part=part):
                return not judged(part)
        assert isinstance(test, Found)
        kept = f" {search.indexed(ALERT, ALERTS)} "
        assert search.holds(ALERT, ALERTS, test.words) is (f" {' '.join(test.words)} " in kept), "the index says what the record says"
        return search.holds(ALERT, ALERTS, test.words)

    assert judged(asked(text)) is found


@pytest.mark.parametrize("record", [{}, {"title": None, "description": "", "evidence": None}, {"title": " ", "evidence": []}, {"evidence": [{}]}, {"evidence": [None, 5, {"tags": None}]}])
def test_nothing_to_look_into(record: dict[str, Any]) -> None:
    assert search.words(search.indexed(record, ALERTS)) == []
    assert not search.holds(record, ALERTS, ("a",))


def test_an_index_keeps_texts_apart() -> None:
    assert search.indexed({"title": "One, two", "description": "three"}, ALERTS) == f"one two {search.APART} three"
    assert search.indexed({"title": f"One{search.APART}two"}, ALERTS) == "one two", "what stands between texts can stand in one"
    assert not search.holds({"title": "one", "description": "two"}, ALERTS, ("one", "two"))


def test_each_set_has_texts_of_its_own() -> None:
    incident = {"displayName": "one", "description": "two", "summary": "three", "customTags": ["four", "five"], "systemTags": ["six"], "title": "seven", "assignedTo": "eight"}
    assert search.searchable(incident, INCIDENTS) == ["one", "two", "three", "four", "five"]
    older = {"title": "one", "hostStates": [{"fqdn": "two", "isHybridAzureDomainJoined": True}], "userStates": [{"accountName": "three", "emailRole": "recipient"}], "vendorInformation": {"vendor": "four"}}
    assert search.searchable(older, OLDER_ALERTS) == ["one", "two", "three"]
