"""Conditions against one record in Python: every kind of condition and of operand, and null in each place."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph import clock
from secgraph.model.edm import EntitySet, EnumType, Model
from secgraph.odata import bind, match, parse
from secgraph.odata.condition import Binder
from secgraph.odata.query import (
    All,
    Cast,
    Choose,
    Compare,
    Const,
    Either,
    Every,
    Field,
    IsA,
    Not,
    OneOf,
    Operand,
    Ordering,
    Pattern,
    Present,
    Size,
    Some,
    Test,
    TextMatch,
    Truth,
)

SPACE = "microsoft.graph.security"
DEVICE, USER, FILE = f"{SPACE}.deviceEvidence", f"{SPACE}.userEvidence", f"{SPACE}.fileEvidence"
NOON = clock.ticks("2026-11-25T12:00:00Z") or 0
CREATED = clock.ticks("2026-11-25T10:00:00.5Z")
FIVE_DAYS_AGO = clock.ticks("2026-11-20")

FULL: dict[str, Any] = {
    "id": "da1", "title": "Straße One", "description": "Ransom note by O'Brien", "severity": "high", "status": "new", "serviceSource": "microsoftSentinel", "assignedTo": "Ana@contoso.com", "category": "Impact",
    "createdDateTime": "2026-11-25T10:00:00.5000000Z", "lastUpdateDateTime": "2026-11-25T11:00:00.0000000Z", "firstActivityDateTime": "2026-11-24T10:00:00.5000000Z", "mitreTechniques": ["T1486", "t1566"],
    "customDetails": {"ticket": "T-7", "count": 3, "half": 0.5, "urgent": True, "never": None, "list": [1], "object": {"deep": "x"}, "when": "2026-11-25T09:00:00Z"},
    "evidence": [
        {"@odata.type": f"#{DEVICE}", "verdict": "malicious", "hostName": "WS1", "rbacGroupId": 7, "ipInterfaces": ["10.0.0.1", "10.0.0.2"], "roles": ["attacker"], "tags": []},
        {"@odata.type": f"#{USER}", "verdict": "suspicious", "userAccount": {"accountName": "ana", "domainName": None}},
        {"@odata.type": f"#{FILE}", "verdict": None, "fileDetails": {"fileName": "Evil.EXE", "fileSize": 4096}},
    ],
}  # fmt: skip
EMPTY: dict[str, Any] = {"id": "da2", "severity": "unknown", "status": "new", "createdDateTime": "2026-11-20T00:00:00.0000000Z", "lastUpdateDateTime": "2026-11-20T00:00:00.0000000Z",
                         "title": None, "evidence": [], "mitreTechniques": None}  # fmt: skip


def where(of: EntitySet, model: Model, text: str) -> Test:
    found = bind.query(of, {"$filter": text}, model).where
    assert found is not None
    return found


def held(test: Test, record: dict[str, Any], now: int = NOON) -> bool | None:
    """What a condition is for a record: true, false or null."""
    return match.judged(test)({"": record, "now": now})


# --- what each condition is: for a full record, and for one without anything ------------------------------------------


@pytest.mark.parametrize(("text", "full", "empty"), [
    # comparisons: text folded, members by number, instants by time; null is equal to null alone and in no order
    ("title eq 'strasse ONE'", True, False), ("title ne 'strasse one'", False, True), ("title gt 'a'", True, False), ("title le 'a'", False, False), ("title lt 'z'", True, False), ("title ge 'strasse one'", True, False),
    ("title eq null", False, True), ("title ne null", True, False), ("not (title gt 'a')", False, True), ("not (title eq 'x')", True, True), ("title eq category", False, True), ("title gt category", True, False),
    ("severity eq 'HIGH'", True, False), ("severity gt 'low'", True, False), ("severity lt 'low'", False, True), ("severity le 'informational'", False, True), ("serviceSource gt 'unknownFutureValue'", True, False),
    ("serviceSource eq 'microsoftSentinel'", True, False), ("classification eq null", True, True), ("classification lt 'truePositive'", False, False),
    ("createdDateTime gt 2026-11-25", True, False), ("createdDateTime eq 2026-11-25T10:00:00.5Z", True, False), ("createdDateTime eq 2026-11-25T12:00:00.5+02:00", True, False), ("firstActivityDateTime lt createdDateTime", True, False),
    ("firstActivityDateTime eq null", False, True), ("resolvedDateTime le 2030-01-01", False, False), ("customDetails eq null", False, True), ("customDetails ne null", True, False),
    # and, or, not over true, false and null
    ("contains(title,'x') and true", False, None), ("contains(title,'x') and false", False, False), ("contains(title,'one') or false", True, None), ("contains(title,'x') or true", True, True),
    ("not contains(title,'x')", True, None), ("not not contains(title,'one')", True, None), ("contains(title,'x') or title eq null", False, True), ("not (contains(title,'x') and status eq 'resolved')", True, True),
    ("true", True, True), ("false", False, False),
    # lists
    ("date(createdDateTime) gt 2026-11-24T23:59Z", True, False), ("date(createdDateTime) eq 2026-11-25T00:00Z", True, False), ("date(createdDateTime) lt createdDateTime", True, False), ("2026-11-25 lt createdDateTime", True, False),
    ("date(createdDateTime) in (2026-11-25,2026-11-26)", True, False), ("time(createdDateTime) in (10:00:00.5)", True, False), ("createdDateTime sub firstActivityDateTime in (duration'P1D',null)", True, True),
    ("title in ('x','STRASSE one')", True, False), ("title in ('x',null)", False, True), ("not (title in ('x'))", True, True), ("severity in ('low','high')", True, False), ("createdDateTime in (2026-11-20,2026-11-21)", False, True),
    ("customDetails/count in (1,3)", True, False), ("customDetails/count in (1,null)", False, True), ("title in ()", False, False),
    # text matches and patterns: null is null
    ("startswith(title,'STRASSE')", True, None), ("endswith(title,'ONE')", True, None), ("contains(title,'')", True, None), ("startswith(title,'')", True, None), ("endswith(title,'x')", False, None),
    ("contains(description,title)", False, None), ("contains(title,description)", False, None), ("startswith(title,title)", True, None), ("contains(description,'o''BRIEN')", True, None),
    ("matchesPattern(title,'^Stra.e')", True, None), ("matchesPattern(title,'^stra')", False, None), ("matchesPattern(tolower(title),'^stra')", True, None), ("not matchesPattern(title,'^stra')", True, None),
    # collections
    ("evidence/any()", True, False), ("mitreTechniques/any()", True, False), ("not mitreTechniques/any()", False, True), ("mitreTechniques/any(t: t eq 'T1566')", True, False), ("mitreTechniques/any(t: t eq null)", False, False),
    ("mitreTechniques/all(t: startswith(t,'T'))", True, True), ("mitreTechniques/all(t: t eq 't1486')", False, True), ("'t1486' in mitreTechniques", True, False), ("not mitreTechniques/any(t: t eq 'x')", True, True),
    ("evidence/any(e: e/verdict eq 'malicious')", True, False), ("evidence/all(e: e/verdict ne null)", False, True), ("evidence/any(e: e/verdict eq null)", True, False),
    ("evidence/all(e: e/roles/any())", False, True),
    ("evidence/any(e: e/roles/any(r: r eq 'attacker'))", True, False), ("evidence/any(e: e/roles/any(r: r eq 'attacker' and e/verdict eq 'suspicious'))", False, False), ("evidence/any(e: $it/title eq 'strasse one' and e/verdict eq 'malicious')", True, False),
    ("evidence/$count eq 3", True, False), ("evidence/$count eq 0", False, True), ("mitreTechniques/$count gt 1", True, False), ("evidence/$count($filter=verdict ne null) eq 2", True, False), ("evidence/$filter(verdict eq 'malicious')/$count eq 1", True, False),
    ("evidence/$filter(verdict eq 'malicious')/any(e: e/roles/any())", True, False),
    # casts: what is of another type is null, and so is what lies behind it
    (f"evidence/any(e: e/{DEVICE} ne null)", True, False), (f"evidence/any(e: e/{DEVICE} eq null)", True, False), (f"evidence/all(e: cast(e,{DEVICE}) eq null)", False, True),
    (f"evidence/any(e: e/{DEVICE}/hostName eq 'ws1')", True, False), (f"evidence/any(e: e/{DEVICE}/rbacGroupId gt 6)", True, False), (f"evidence/any(e: e/{USER}/userAccount/accountName eq 'ANA')", True, False),
    (f"evidence/all(e: e/{DEVICE}/hostName eq 'ws1')", False, True), (f"evidence/any(e: e/{DEVICE}/ipInterfaces/any(i: i eq '10.0.0.2'))", True, False), (f"evidence/any(e: e/{USER}/userAccount/domainName eq null)", True, False),
    (f"evidence/all(e: e/{USER}/userAccount/domainName eq null)", True, True), (f"evidence/any(e: isof(e,{FILE}))", True, False), (f"evidence/all(e: isof(e,{FILE}))", False, True), (f"evidence/any(e: not isof(e,{FILE}))", True, False),
    (f"evidence/any(e: e/{FILE}/fileDetails/fileSize mod 2 eq 0)", True, False), (f"evidence/any(e: e/{FILE}/fileDetails/fileName eq 'evil.exe')", True, False),
    # members of an open type: what is of another JSON type counts as null
    ("customDetails/ticket eq 't-7'", True, False), ("customDetails/count eq 3", True, False), ("customDetails/count eq '3'", False, False), ("customDetails/ticket eq 3", False, False), ("customDetails/ticket ne 3", True, True),
    ("customDetails/urgent eq true", True, False), ("customDetails/urgent eq 1", False, False), ("customDetails/count eq true", False, False), ("customDetails/urgent", True, False), ("customDetails/count", False, False),
    ("customDetails/never eq null", True, True), ("customDetails/count eq null", False, True), ("customDetails/list eq 1", False, False), ("customDetails/list ne null", True, False), ("customDetails/object/deep eq 'X'", True, False),
    ("customDetails/ticket/deep eq null", True, True), ("customDetails/half lt 1", True, False), ("customDetails/urgent lt 2", False, False), ("contains(customDetails/ticket,'T')", True, None), ("contains(customDetails/count,'3')", None, None),
    ("customDetails/count eq customDetails/count", True, True), ("customDetails/urgent eq customDetails/count", False, True), ("customDetails/when gt 2026-11-25T08:00:00Z", True, False), ("customDetails/ticket lt now()", False, False), ("customDetails/when lt now()", True, False),
    ("length(customDetails/ticket) eq 3", True, False), ("length(customDetails/count) eq null", True, True),
    # two of them: like is compared with like, and nothing else is equal
    ("customDetails/ticket eq customDetails/when", False, True), ("customDetails/ticket ne customDetails/when", True, False), ("customDetails/when lt customDetails/ticket", True, False),
    ("customDetails/half lt customDetails/count", True, False), ("customDetails/count lt customDetails/ticket", False, False), ("customDetails/count ge customDetails/ticket", False, False),
    ("customDetails/urgent ne customDetails/count", True, False), ("customDetails/list eq customDetails/list", False, True), ("customDetails/never eq customDetails/absent", True, True), ("customDetails/never ne customDetails/count", True, False),
    ("not (customDetails/never lt customDetails/count)", True, True), ("customDetails/urgent ge customDetails/urgent", True, False), ("customDetails/count in [customDetails/half,customDetails/count]", True, True),
    # a list: each value by itself, the word null included
    ("customDetails/urgent in (null,5)", False, True), ("customDetails/count in (null,3)", True, True), ("customDetails/list in (null)", False, True), ("not (customDetails/urgent in (null,5))", True, False),
    ("isof(customDetails/count,Edm.Int32)", True, False), ("isof(customDetails/count,Edm.String)", False, False), ("isof(customDetails/when,Edm.String)", True, False), ("isof(customDetails/when,Edm.DateTimeOffset)", False, False),
    ("isof(customDetails/when,Edm.Duration)", False, False), ("isof(customDetails/urgent,Edm.Boolean)", True, False), ("isof(null,Edm.String)", False, False), ("isof(title,Edm.String)", True, False), ("isof(title,Edm.Int32)", False, False),
    ("case(true:customDetails/ticket) eq 't-7'", True, False), ("contains(case(true:customDetails/ticket),'T')", True, None), ("case(true:customDetails/count) eq 't-7'", False, False), ("case(true:customDetails/urgent)", True, False),
    # what is computed with the word null is that word; a null of a known kind decides like any value of it
    ("customDetails/ticket eq (1 add null)", False, True), ("customDetails/never eq (null mul length(title))", True, True), ("customDetails/ticket eq (1 add cast(null,Edm.Int32))", True, True),
    ("customDetails/ticket eq cast(title,Edm.Int32)", True, True), ("customDetails/count eq cast(title,Edm.Int32)", False, True), ("customDetails/ticket eq cast('x',Edm.Int32)", True, True),
    # functions, casts to primitive types, case, conditions as values
    ("length(title) eq 10", True, False), ("length(title) eq null", False, True), ("indexof(title,'one') eq 7", True, False), ("substring(title,0,6) eq 'straße'", True, False), ("concat(title,title) eq null", False, True),
    ("1 div 0 eq null", True, True), ("length(title) div 0 eq null", True, True), ("length(title) div 0 gt 0", False, False), ("year(createdDateTime) eq 2026", True, True), ("hour(createdDateTime) add 1 eq 11", True, False),
    ("createdDateTime sub firstActivityDateTime eq duration'P1D'", True, False), ("date(createdDateTime) eq 2026-11-25", True, False), ("createdDateTime add duration'P3650000D' eq null", True, True), ("cast(severity,Edm.String) eq 'high'", True, False),
    ("cast(customDetails/count,Edm.String) eq '3'", True, False), ("cast(title,Edm.Int32) eq null", True, True), ("case(severity eq 'high':1,true:2) eq 1", True, False), ("case(contains(title,'x'):1,contains(title,'one'):2) eq 2", True, False),
    ("case(title eq 'x':1) eq null", True, True), ("contains(title,'one') eq true", True, False), ("contains(title,'one') eq null", False, True), ("contains(title,'one') ne true", False, True), ("(severity eq 'high') eq (status eq 'new')", True, False),
])  # fmt: skip
def test_a_condition(alerts: EntitySet, model: Model, text: str, full: bool | None, empty: bool | None) -> None:
    test = where(alerts, model, text)
    assert (held(test, FULL), held(test, EMPTY)) == (full, empty)
    predicate = match.predicate(test, lambda: NOON)
    assert (predicate(FULL), predicate(EMPTY)) == (full is True, empty is True)


@pytest.mark.parametrize(("text", "now", "found"), [
    ("createdDateTime lt now()", NOON, True), ("createdDateTime lt now()", NOON - 3 * 3600 * clock.SECOND, False), ("createdDateTime gt now() sub duration'PT2H'", NOON, True),
    ("createdDateTime gt now() sub duration'PT1H'", NOON, False), ("now() eq 2026-11-25T12:00:00Z", NOON, True), ("now() eq 2026-11-25T12:00:00Z", NOON + 1, False), ("hour(now()) eq 12", NOON, True),
    ("evidence/any(e: now() gt 2026-11-25T11:59:59Z)", NOON, True), ("evidence/$filter(now() gt 2030-01-01)/$count eq 0", NOON, True),
])  # fmt: skip
def test_the_present_instant(alerts: EntitySet, model: Model, text: str, now: int, found: bool) -> None:
    assert match.predicate(where(alerts, model, text), lambda: now)(FULL) is found


def test_the_clock_is_read_for_each_record(alerts: EntitySet, model: Model) -> None:
    instants = iter([NOON, NOON + 1])
    predicate = match.predicate(where(alerts, model, "now() eq 2026-11-25T12:00:00Z"), lambda: next(instants))
    assert [predicate(FULL), predicate(FULL)] == [True, False]


def test_words_of_a_search(alerts: EntitySet, model: Model) -> None:
    def found(text: str) -> bool:
        test = bind.query(alerts, {"$search": text, "$filter": "status eq 'new'"}, model).where
        assert test is not None
        return match.predicate(test)(FULL)

    assert [found(text) for text in ("strasse", '"one ransom"', "ransom evil.exe", "NOT evil", "ws1 OR nothing")] == [True, False, True, False, True]


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "full", "empty"), [
    ("title", "Straße One", None), ("severity", "high", "unknown"), ("serviceSource", "microsoftSentinel", None), ("createdDateTime", CREATED, FIVE_DAYS_AGO),
    ("evidence/$count", 3, 0), ("length(title)", 10, None), ("toupper(title)", "STRASSE ONE", None), ("customDetails/count", 3, None), ("customDetails/object/deep", "x", None), ("now()", NOON, NOON),
    ("now() add duration'PT1S'", NOON + clock.SECOND, NOON + clock.SECOND), ("date(now())", NOON - NOON % clock.DAY, NOON - NOON % clock.DAY), ("contains(title,'one')", True, None), ("title eq null", False, True),
    ("case(severity eq 'high':'a',severity eq 'unknown':'b')", "a", "b"), ("case(severity eq 'high':length(title))", 10, None), ("cast(createdDateTime,Edm.String)", "2026-11-25T10:00:00.5000000Z", "2026-11-20T00:00:00.0000000Z"),
    ("-evidence/$count", -3, 0), ("evidence/$count mul 2", 6, 0),
])  # fmt: skip
def test_a_value(alerts: EntitySet, model: Model, text: str, full: Any, empty: Any) -> None:
    operand = Binder(alerts, model).typed(parse.expression(text))
    get = match.value(operand, lambda: NOON)
    assert [get(FULL), get(EMPTY)] == [full, empty]


# --- conditions by themselves -----------------------------------------------------------------------------------------

NULL = Const(None)
UNKNOWN = TextMatch("contains", Field("", ("nothing",), "text"), Const("x", "text"))
YES, NO = All(()), Either(())
LIST = Field("", ("list",), "text", collection=True)
ITEM = Field("v", (), "text")


@pytest.mark.parametrize(("test", "found"), [
    (YES, True), (NO, False), (UNKNOWN, None), (Not(YES), False), (Not(NO), True), (Not(UNKNOWN), None), (Not(Not(UNKNOWN)), None),
    (All((YES, YES)), True), (All((YES, NO)), False), (All((YES, UNKNOWN)), None), (All((UNKNOWN, NO)), False), (All((NO, UNKNOWN)), False), (All((UNKNOWN, UNKNOWN)), None),
    (Either((NO, NO)), False), (Either((NO, YES)), True), (Either((NO, UNKNOWN)), None), (Either((UNKNOWN, YES)), True), (Either((YES, UNKNOWN)), True), (Either((UNKNOWN, UNKNOWN)), None),
    (Some(LIST, "v", UNKNOWN), False), (Every(LIST, "v", UNKNOWN), False), (Every(LIST, "v", YES), True), (Some(LIST, "v", NO), False), (Some(LIST, "", None), True),
    (Compare("eq", Size(LIST, "v", Compare("eq", ITEM, Const("B", "text"), "text")), Const(1, "number"), "number"), True), (Compare("eq", Size(LIST, "v", UNKNOWN), Const(0, "number"), "number"), True),
    (Compare("eq", Truth(UNKNOWN), NULL, "boolean"), True), (Compare("ne", Truth(UNKNOWN), Const(value=True, kind="boolean"), "boolean"), True),
    (Compare("eq", Choose(((UNKNOWN, Const(1, "number")), (YES, Const(2, "number"))), "number"), Const(2, "number"), "number"), True), (Compare("eq", Choose(((UNKNOWN, Const(1, "number")),), "number"), NULL, "number"), True),
    (Compare("gt", Present(-1), Const(NOON - 2, "moment"), "moment"), True), (Compare("eq", Present(5), Const(NOON + 5, "moment"), "moment"), True),
    (IsA(Field("", ("object",), "complex"), ("#a",)), True), (IsA(Field("", ("object",), "complex"), ("#b",)), False), (IsA(Field("", ("nothing",), "complex"), ("#a",)), False), (IsA(Field("", ("text",), "complex"), ("#a",)), False),
    (Compare("eq", Field("", ("object", Cast(("#a",)), "deep"), "text"), Const("X", "text"), "text"), True), (Compare("eq", Field("", ("object", Cast(("#b",)), "deep"), "text"), NULL, "text"), True),
    (Compare("eq", Field("", ("text", "deep"), "text"), NULL, "text"), True), (Compare("eq", Field("", ("object",), "complex"), NULL, "complex"), False), (Compare("ne", Field("", ("object",), "complex"), NULL, "complex"), True),
    (Pattern(Field("", ("nothing",), "text"), "x"), None), (OneOf(Field("", ("nothing",), "text"), ("x", None), "text"), True), (OneOf(Field("", ("nothing",), "text"), ("x",), "text"), False),
])  # fmt: skip
def test_a_condition_by_itself(test: Test, found: bool | None) -> None:
    assert held(test, {"list": ["a", "b"], "object": {"@odata.type": "#a", "deep": "x"}, "text": "t"}) is found


@pytest.mark.parametrize(("op", "one", "other", "found"), [
    ("lt", 1, 2, True), ("lt", 2, 2, False), ("le", 2, 2, True), ("le", 3, 2, False), ("gt", 3, 2, True), ("gt", 2, 2, False), ("ge", 2, 2, True), ("ge", 1, 2, False), ("eq", 2, 2.0, True), ("ne", 2, 2.0, False),
    *((op, one, other, False) for op in ("lt", "le", "gt", "ge") for one, other in ((None, 1), (1, None), (None, None))), ("eq", None, None, True), ("ne", None, None, False), ("eq", None, 1, False), ("ne", 1, None, True),
])  # fmt: skip
def test_the_order_of_numbers_and_null(op: Ordering, one: float | None, other: float | None, found: bool) -> None:
    test = Compare(op, Field("", ("one",), "number"), Field("", ("other",), "number"), "number")
    assert held(test, {"one": one, "other": other}) is found


# --- settled ----------------------------------------------------------------------------------------------------------


def number(value: float | None) -> Const:
    return Const(value, "number")


TITLE: Operand = Field("", ("title",), "text")
COUNT: Operand = Field("", ("count",), "number")
NAN = number(float("nan"))


@pytest.mark.parametrize(("test", "found"), [
    (Compare("eq", number(1), number(1), "number"), YES), (Compare("eq", number(1), number(2), "number"), NO), (Compare("lt", number(1), number(2), "number"), YES), (Compare("gt", number(None), number(2), "number"), NO),
    (Compare("eq", Const("A", "text"), Const("a", "text"), "text"), YES), (Compare("ne", Const("A", "text"), NULL, "text"), YES), (OneOf(number(1), (1, 2), "number"), YES), (OneOf(number(3), (1, 2), "number"), NO),
    (OneOf(number(None), (1, None), "number"), YES), (TextMatch("contains", Const("ABC", "text"), Const("b", "text")), YES), (TextMatch("endswith", Const("ABC", "text"), Const("b", "text")), NO),
    (Pattern(Const("abc", "text"), "^a"), YES), (Pattern(Const("abc", "text"), "^b"), NO),
    # no number is equal to none at all, not even to itself, and has no order
    (Compare("eq", COUNT, NAN, "number"), NO), (Compare("ne", COUNT, NAN, "number"), YES), (Compare("lt", NAN, COUNT, "number"), NO), (Compare("eq", NAN, NAN, "number"), NO), (Compare("ne", NAN, NAN, "number"), YES),
])  # fmt: skip
def test_settled(test: Test, found: Test) -> None:
    assert match.settled(test) == found


@pytest.mark.parametrize("test", [
    Compare("eq", TITLE, Const("x", "text"), "text"), Compare("eq", Const("x", "text"), TITLE, "text"), Compare("lt", Present(), Const(5, "moment"), "moment"), OneOf(TITLE, ("x",), "text"),
    TextMatch("contains", TITLE, Const("x", "text")), TextMatch("contains", Const("x", "text"), TITLE), Pattern(TITLE, "x"), All(()), Not(All(())), Some(LIST, "", None),
    # null stays null: whether it is true cannot be said before it stands in the whole
    TextMatch("contains", NULL, Const("x", "text")), TextMatch("contains", Const("x", "text"), NULL), Pattern(NULL, "x"),
])  # fmt: skip
def test_what_is_not_settled(test: Test) -> None:
    assert match.settled(test) is test


def test_members_are_ranked_by_their_numbers(model: Model) -> None:
    severity = model.types[f"{SPACE}.alertSeverity"]
    assert isinstance(severity, EnumType)
    rank = match.ranking("enum", severity)
    assert rank is not None
    assert sorted(("high", "low", "unknown", "medium", "informational"), key=rank) == ["unknown", "informational", "low", "medium", "high"]
    assert rank(None) is None
    folded, plain = match.ranking("text", None), match.ranking("number", None)
    assert folded is not None
    assert (folded("Straße"), folded(None), folded(5), plain) == ("strasse", None, 5, None)
