"""Names resolved and literals typed: what a filter means about alerts, and what cannot be meant about them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from secgraph import clock
from secgraph.errors import BadFilter, BadOption, Refusal
from secgraph.model.edm import EntitySet, Model
from secgraph.odata import bind, match
from secgraph.odata.query import (
    All,
    Cast,
    Chosen,
    Compare,
    Const,
    Either,
    Field,
    Not,
    OneOf,
    Query,
    Size,
    Some,
    Test,
    TextMatch,
)

SPACE = "microsoft.graph.security"
NINE = 17_698_932_000_000_000
"""2026-01-31T21:00:00Z in ticks."""


def asked(of: EntitySet, model: Model, **options: str) -> Query:
    return bind.query(of, {f"${name}": text for name, text in options.items()}, model)


def where(of: EntitySet, model: Model, text: str) -> Test:
    found = asked(of, model, filter=text).where
    assert found is not None
    return found


def field(test: Test) -> Field:
    assert isinstance(test, Compare | OneOf | TextMatch)
    found = test.left if isinstance(test, Compare) else test.operand
    assert isinstance(found, Field)
    return found


def value(test: Test) -> Any:
    """The constant that a field is compared with."""
    assert isinstance(test, Compare)
    assert isinstance(test.right, Const)
    return test.right.value


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "severity eq 'high'", "Severity eq 'high'", "SEVERITY eq 'HIGH'", "severity eq 'High'", "'high' eq severity",
    "$it/severity eq 'high'", "$IT/severity eq 'high'", f"severity eq {SPACE}.alertSeverity'high'",
    f"severity eq {SPACE}.ALERTSEVERITY'High'", "severity eq ' high '", "(severity) eq ('high')",
])  # fmt: skip
def test_one_question_in_many_spellings(alerts: EntitySet, model: Model, text: str) -> None:
    plain = where(alerts, model, "severity eq 'high'")
    assert where(alerts, model, text) == plain
    assert isinstance(plain, Compare)
    assert (plain.op, value(plain), plain.kind) == ("eq", "high", "enum")
    assert field(plain).column == "severity"


@pytest.mark.parametrize(("text", "steps", "column", "kind"), [
    ("title eq 'a'", ("title",), None, "text"), ("TITLE eq 'a'", ("title",), None, "text"), ("id eq 'a'", ("id",), "id", "text"),
    ("incidentID eq '1'", ("incidentId",), "incidentId", "text"), ("tolower(title) eq 'a'", ("title",), None, "text"),
    ("toUpper(assignedTo) eq 'A'", ("assignedTo",), "assignedTo", "text"),
    ("createdDateTime gt 2026-01-31T21:00:00Z", ("createdDateTime",), "createdDateTime", "moment"),
    ("resolvedDateTime gt 2026-01-31T21:00:00Z", ("resolvedDateTime",), None, "moment"),
    ("additionalData/any/Thing eq 5", ("additionalData", "any", "Thing"), None, "number"),
    ("additionalData/a eq true", ("additionalData", "a"), None, "boolean"),
    ("additionalData/a eq 'x'", ("additionalData", "a"), None, "text"),
    ("customDetails/ünï eq null", ("customDetails", "ünï"), None, "dynamic"),
    ("additionalData eq null", ("additionalData",), None, "complex"),
])  # fmt: skip
def test_a_field(alerts: EntitySet, model: Model, text: str, steps: tuple[str, ...], column: str | None, kind: str) -> None:
    test = where(alerts, model, text)
    assert isinstance(test, Compare)
    assert (field(test).steps, field(test).column, test.kind) == (steps, column, kind)


@pytest.mark.parametrize(("text", "hint"), [
    ("severty eq 'high'", "Did you mean severity?"), ("createdDate eq 2026-01-31", "Did you mean createdDateTime?"),
    ("assigned_to eq 'x'", "Did you mean assignedTo?"), ("TITEL eq 'x'", "Did you mean title?"), ("zzz eq 'x'", ""),
    ("evidence/any(e: e/verdicct eq 'malicious')", "Did you mean verdict?"),
    ("evidence/any(e: e/processCommandLine eq 'x')",
     f"It is a member of {SPACE}.processEvidence: write {SPACE}.processEvidence/processCommandLine."),
    (f"evidence/any(e: e/{SPACE}.userEvidense/tags/any())", f"Did you mean {SPACE}.userEvidence?"),
    (f"evidence/any(e: e/{SPACE}.userEvidence/userAccount/accountNam eq 'x')", "Did you mean accountName?"),
    ("comments/any(c: c/coment eq 'x')", "Did you mean comment?"),
])  # fmt: skip
def test_a_hint_for_a_name(alerts: EntitySet, model: Model, text: str, hint: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        where(alerts, model, text)
    assert refusal.value.hint == hint


# --- literals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("literal", "instant"), [
    ("2026-01-31T21:00:00Z", NINE), ("2026-01-31T21:00Z", NINE), ("2026-01-31t21:00:00z", NINE),
    ("2026-01-31T21:00:00.0000001Z", NINE + 1), ("2026-01-31T21:00:00.00000019Z", NINE + 1),
    ("2026-01-31T23:00:00+02:00", NINE), ("2026-01-31T23:00:00 02:00", NINE), ("2026-01-31T19:30:00-01:30", NINE),
    ("2026-01-31", NINE - 21 * 3600 * clock.SECOND), ("'2026-01-31T21:00:00Z'", NINE),
])  # fmt: skip
def test_an_instant(alerts: EntitySet, model: Model, literal: str, instant: int) -> None:
    for name in ("createdDateTime", "resolvedDateTime"):
        test = where(alerts, model, f"{name} ge {literal}")
        assert isinstance(test, Compare)
        assert value(test) == instant


@pytest.mark.parametrize("literal", [
    "2026-01-31T21:00:00", "2026-01-31T21:00", "2026-02-30", "2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z", "2026-13-01",
    "0000-01-01", "2026-01-31T21:00:00+15:00", "5", "true", "'yesterday'", "''", "duration'PT5M'",
    "0a1b2c3d-0000-4000-8000-00000000000f", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00",
])  # fmt: skip
def test_no_instant(alerts: EntitySet, model: Model, literal: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        where(alerts, model, f"createdDateTime ge {literal}")
    assert refusal.value.hint
    assert refusal.value.at == len("createdDateTime ge ")


@pytest.mark.parametrize(("text", "word"), [
    ("determination eq 'compromisedUser'", "compromisedAccount"), ("determination eq 'Clean'", "notMalicious"),
    ("serviceSource eq 'MICROSOFTSENTINEL'", "microsoftSentinel"), ("severity eq 'unknownFutureValue'", "unknownFutureValue"),
])  # fmt: skip
def test_enum_words(alerts: EntitySet, model: Model, text: str, word: str) -> None:
    test = where(alerts, model, text)
    assert isinstance(test, Compare)
    assert value(test) == word


@pytest.mark.parametrize(("text", "says"), [
    ("severity eq 'critical'", "not a member"), ("severity eq ''", "not a member"), ("severity eq 4", "is one of"),
    ("severity eq hihg", "neither a property nor a member"), ("severity eq true", "is one of"), (f"severity eq {SPACE}.alertStatus'new'", "is of type"),
    ("severity in ('high','critical')", "not a member"), ("title eq 5", "is text"), ("title eq true", "is text"),
    ("title eq 2026-01-31", "is text"), ("title gt -5", "is text"), ("evidence/$count eq 'x'", "is a number"),
    ("evidence/$count eq true", "is a number"),
    (f"evidence/any(e: e/{SPACE}.processEvidence/processId eq '5')", "is a number"),
    (f"evidence/any(e: e/{SPACE}.containerEvidence/isPrivileged eq 1)", "is true or false"),
    (f"evidence/any(e: e/{SPACE}.containerEvidence/isPrivileged eq 'true')", "is true or false"),
    ("additionalData/a eq duration'P1D'", "cannot be compared"), ("additionalData/a in (1,'x')", "is a number"),
])  # fmt: skip
def test_a_literal_that_does_not_fit(alerts: EntitySet, model: Model, text: str, says: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        where(alerts, model, text)
    assert says in refusal.value.reason


def test_a_guid_is_text(alerts: EntitySet, model: Model) -> None:
    guid = "0a1b2c3d-0000-4000-8000-00000000000f"
    assert where(alerts, model, f"tenantId eq {guid}") == where(alerts, model, f"tenantId eq '{guid}'")


@pytest.mark.parametrize(("literal", "number"), [
    ("5", 5), ("-5", -5), ("999999999999999999", 999_999_999_999_999_999), ("9223372036854775807", 9_223_372_036_854_775_807),
    ("5.5", 5.5), ("1e2", 100.0), ("1" * 30, float("1" * 30)), ("1e400", float("inf")),
])  # fmt: skip
def test_a_number(alerts: EntitySet, model: Model, literal: str, number: float) -> None:
    test = where(alerts, model, f"additionalData/n eq {literal}")
    assert value(test) == number


# --- comparisons ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "op"), [
    ("'m' eq title", "eq"), ("'m' ne title", "ne"), ("'m' lt title", "gt"), ("'m' le title", "ge"), ("'m' gt title", "lt"),
    ("'m' ge title", "le"),
])  # fmt: skip
def test_a_constant_on_the_left_is_turned_round(alerts: EntitySet, model: Model, text: str, op: str) -> None:
    test = where(alerts, model, text)
    assert isinstance(test, Compare)
    assert (test.op, value(test)) == (op, "m")
    assert isinstance(test.left, Field)


def test_the_shape_of_a_condition(alerts: EntitySet, model: Model) -> None:
    high, new = where(alerts, model, "severity eq 'high'"), where(alerts, model, "status eq 'new'")
    assert where(alerts, model, "severity eq 'high' and status eq 'new'") == All((high, new))
    assert where(alerts, model, "severity eq 'high' or status eq 'new' or true") == Either((high, new, All(())))
    assert where(alerts, model, "not (status eq 'new') and false") == All((Not(new), Either(())))
    assert where(alerts, model, "true") == All(())


def test_in(alerts: EntitySet, model: Model) -> None:
    test = where(alerts, model, "Severity in ('HIGH', null, 'low')")
    assert isinstance(test, OneOf)
    assert test.values == ("high", None, "low")


@pytest.mark.parametrize(("text", "op", "needle"), [
    ("contains(title,'Ransom')", "contains", "Ransom"), ("STARTSWITH(Title, '')", "startswith", ""),
    ("endsWith(tolower(title),'x')", "endswith", "x"), ("contains(additionalData/a,'x')", "contains", "x"),
])  # fmt: skip
def test_text_functions(alerts: EntitySet, model: Model, text: str, op: str, needle: str) -> None:
    test = where(alerts, model, text)
    assert isinstance(test, TextMatch)
    assert (test.op, test.needle) == (op, Const(needle, "text"))


# --- paths, casts, lambdas --------------------------------------------------------------------------------------------


def test_a_lambda_over_evidence(alerts: EntitySet, model: Model) -> None:
    test = where(alerts, model, "Evidence/ANY(E: E/Verdict eq 'Malicious' and e/roles/any(r: r eq 'Attacker'))")
    assert isinstance(test, Some)
    assert test.over.steps == ("evidence",)
    assert isinstance(test.body, All)
    verdict, roles = test.body.parts
    assert isinstance(verdict, Compare)
    assert (field(verdict).root, field(verdict).steps, value(verdict)) == (test.variable, ("verdict",), "malicious")
    assert isinstance(roles, Some)
    assert (roles.over.root, roles.over.steps) == (test.variable, ("roles",))
    assert isinstance(roles.body, Compare)
    assert value(roles.body) == "attacker"


def test_a_cast_lets_through_a_type_and_what_is_derived_from_it(alerts: EntitySet, model: Model) -> None:
    test = where(alerts, model, f"evidence/any(e: e/{SPACE.upper()}.USEREVIDENCE/userAccount/AccountName eq 'bob')")
    assert isinstance(test, Some)
    assert test.body is not None
    assert field(test.body).steps == (Cast((f"#{SPACE}.userEvidence",)), "userAccount", "accountName")
    test = where(alerts, model, f"evidence/any(e: e/{SPACE}.alertEvidence/verdict eq 'malicious')")
    assert isinstance(test, Some)
    assert test.body is not None
    assert field(test.body).steps == ("verdict",), "a cast to the declared type lets everything through"


def test_any_without_a_body(alerts: EntitySet, model: Model) -> None:
    test = where(alerts, model, "evidence/any()")
    assert isinstance(test, Some)
    assert test.body is None


def test_a_count(alerts: EntitySet, model: Model) -> None:
    test = where(alerts, model, "2 le Evidence/$COUNT")
    assert isinstance(test, Compare)
    assert isinstance(test.left, Size)
    assert (test.op, value(test), test.kind) == ("ge", 2, "number")


def test_a_cast_of_the_row_to_its_own_type_changes_nothing(alerts: EntitySet, model: Model) -> None:
    test = where(alerts, model, f"{SPACE}.alert/severity eq 'high'")
    assert test == where(alerts, model, "severity eq 'high'")


@pytest.mark.parametrize(("text", "says"), [
    ("severity", "not a condition"), ("title", "not a condition"), ("evidence", "not a condition"), ("'x'", "condition is expected"),
    ("5", "condition is expected"), ("null", "condition is expected"), ("tolower(title)", "not a condition"),
    ("1 eq 'x'", "is a number"), ("title add 'x' eq 'y'", "is not possible between"), ("length(title) eq 'x'", "is a number"), ("now() gt 5", "is a date-time"),
    ("title has 'x'", "takes an enumeration"), ("title add 1", "is not possible between"), ("matchesPattern(title,description)", "pattern in quotes"),
    ("matchesPattern(title,'(')", "cannot be read"), ("matchesPattern(title,'\\b')", "every database"), ("severity add 1 eq 2", "is not possible between"),
    ("substring(title) eq 'x'", "2 to 3 arguments"), ("length(severity) eq 1", "takes text"), ("year(title) eq 1", "takes a date-time or a date"),
    ("nosuch(title) eq 1", "not a function"), ("cast(title) eq 'x'", ""), ("cast(title,Edm.Nope) eq 'x'", "cannot be cast"), ("cast(severity,Edm.Int32) eq 1", "cannot be cast"),
    ("isof(title,no.type)", "never of the type"), ("case(severity eq 'high':1,true:'x') eq 1", "is a number"), ("title eq @nope", "is not given"),
    ("$root/x eq 1", "sees only the object"), ("title/@x.y eq 1", ""), ("@x.y/z eq 1", "is an annotation"), ("-title eq 'x'", "is not possible before"),
    ("'x' in title", "is not a collection"), ("hassubset(['a'],['b'])", "takes a collection"), ("evidence/$filter(true)/x eq 1", "cannot stand behind"),
    ("contains(title)", "takes a property and a text"), ("contains(title,'a','b')", "takes a property"),
    ("contains(title,5)", "text in quotes"), ("contains(5,title)", "text in quotes"),
    ("contains(severity,'h')", "is not text"), ("contains(createdDateTime,'2')", "is not text"), ("contains(evidence,'x')", "is a collection"),
    ("contains(additionalData,'x')", "is an object"), ("tolower(severity) eq 'high'", "tolower takes text"),
    ("evidence eq null", "is a collection"), ("evidence/verdict eq 'malicious'", "is a collection"), ("categories eq 'x'", "is a collection"),
    ("additionalData eq 'x'", "is an object"), ("title/x eq 'y'", "has no members"), ("severity/x eq 'y'", "has no members"),
    ("title/any(t: t eq 'x')", "is not a collection"), ("additionalData/any(a: a/b eq 1)", "is not a collection"),
    ("evidence/any(e: verdict eq 'malicious')", "not a property"),
    ("evidence/any(e: f/verdict eq 'malicious')", "not a property"), ("evidence/any(e: e)", "not a condition"),
    ("evidence/any(e: e eq 'x')", "is an object"), ("categories/any(c: c)", "not a condition"),
    ("evidence/any(e: e/roles/any(E: E eq 'attacker'))", "is taken"), ("e/verdict eq 'malicious'", "not a property"),
    (f"evidence/any(e: e/{SPACE}.alert/title eq 'x')", "not a type that can stand here"), (f"{SPACE}.incident/displayName eq 'x'", "not a type"),
    (f"{SPACE}.alert eq null", "nothing follows it"),
    (f"evidence/{SPACE}.userEvidence/userAccount eq null", "is a collection"), ("$it eq null", "is the whole object"),
    ("$count eq 1", "not possible here"), ("evidence/$count/x eq 1", ""), ("severity eq status", "different types"),
    ("title eq createdDateTime", "different types"), ("title eq evidence/$count", "different types"),
    ("evidence in ('x')", "is a collection"),
    # Each of these names something that is not there: none may pass as an unknown member that is always null.
    ("title/$count eq 0", ""), ("severity/$count gt 0", ""), ("createdDateTime/$count/x eq 0", ""), ("categories/$count/x eq 'y'", ""),
    ("categories/any(c: c/x eq 'y')", ""), ("categories/any(c: c/$count eq 1)", ""), ("additionalData/a/$count gt 0", ""),
    ("evidence/any(e: e/roles/any(r: r/x eq 'y'))", ""), ("evidence/any(e: e/tags/any(t: contains(t/x,'y')))", ""),
])  # fmt: skip
def test_what_cannot_be_meant(alerts: EntitySet, model: Model, text: str, says: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        where(alerts, model, text)
    assert says in refusal.value.reason
    assert refusal.value.at is not None


def test_a_relationship_is_no_value(incidents: EntitySet, model: Model) -> None:
    for text in ("alerts/any(a: a/severity eq 'high')", "alerts/$count gt 1", "alerts eq null"):
        with pytest.raises(BadFilter, match="relationship"):
            where(incidents, model, text)


# --- how much ---------------------------------------------------------------------------------------------------------


def test_as_many_terms_as_allowed(alerts: EntitySet, model: Model) -> None:
    term = "severity eq 'high'"
    where(alerts, model, " or ".join([term] * 400))
    with pytest.raises(BadFilter, match="More than 400 comparisons"):
        where(alerts, model, " or ".join([term] * 401))
    where(alerts, model, "id in (" + ",".join(["''"] * 2000) + ")")
    with pytest.raises(BadFilter, match="More than 2000 values"):
        where(alerts, model, "id in (" + ",".join(["''"] * 2001) + ")")


@pytest.mark.parametrize("text", [" and ".join(["true"] * 1_700), " or ".join(["evidence/any()"] * 900)])
def test_chains_that_compare_nothing(alerts: EntitySet, model: Model, text: str) -> None:
    with contextlib.suppress(Refusal):  # either is good; anything else is not
        where(alerts, model, text)


# --- the other options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "keys"), [
    ("", [("createdDateTime", True), ("id", True)]), (" , ", [("createdDateTime", True), ("id", True)]),
    ("title", [("title", False), ("id", False)]), ("Title DESC", [("title", True), ("id", True)]),
    ("severity desc,title asc", [("severity", True), ("title", False), ("id", False)]),
    (" severity   desc , title ", [("severity", True), ("title", False), ("id", False)]),
    ("id desc", [("id", True)]), ("id,title desc", [("id", False), ("title", True)]),
    ("title,title desc", [("title", False), ("id", False)]), ("$it/title", [("title", False), ("id", False)]),
    ("additionalData/a/b desc", [("additionalData/a/b", True), ("id", True)]),
])  # fmt: skip
def test_an_order_ends_in_the_key(alerts: EntitySet, model: Model, text: str, keys: list[tuple[str, bool]]) -> None:
    order = asked(alerts, model, orderby=text).order
    assert [(key.by.spelled(), key.descending) for key in order if isinstance(key.by, Field)] == keys


@pytest.mark.parametrize("text", [
    "nope", "title up", "title desc desc", "title desc status", "evidence", "additionalData", "evidence/verdict",
    "'x'", "5", "title;status", "alerts", "title/x", "title/$count", "(title", "desc desc",
    "id,title,status,severity,category,description,assignedTo,productName,tenantId",
])  # fmt: skip
def test_no_order(alerts: EntitySet, model: Model, text: str) -> None:
    with pytest.raises(Refusal):
        asked(alerts, model, orderby=text)


@pytest.mark.parametrize(("text", "members"), [
    ("", None), (",", None), ("*", None), ("title,*", None), ("title", ("title",)), ("TITLE, id,Title", ("id", "title")),
    ("evidence/verdict,evidence/roles", ("evidence/verdict", "evidence/roles")), ("evidence/verdict,evidence", ("evidence",)),
    (f"evidence/{SPACE}.ipEvidence/ipAddress", (f"evidence/{SPACE}.ipEvidence/ipAddress",)), ("additionalData/a/b", ("additionalData/a/b",)),
    (f"{SPACE}.alert/title", ("title",)),
])  # fmt: skip
def test_select(alerts: EntitySet, model: Model, text: str, members: tuple[str, ...] | None) -> None:
    chosen = asked(alerts, model, select=text).select
    assert (None if chosen is None else tuple(path for one in chosen for path in one.spelled())) == members


def test_select_refuses_with_a_hint(alerts: EntitySet, model: Model) -> None:
    with pytest.raises(BadOption) as refusal:
        asked(alerts, model, select="title,severty")
    assert refusal.value.hint == "Did you mean severity?"


def test_expand(alerts: EntitySet, incidents: EntitySet, model: Model) -> None:
    [one] = asked(incidents, model, expand="Alerts, alerts").expand
    assert (one.name, one.query.of, one.form, one.query.where) == ("alerts", alerts, "items", None)
    assert asked(incidents, model, expand="").expand == ()
    for of, text in ((incidents, "nope"), (alerts, "alerts"), (incidents, "alerts($levels=2)"), (incidents, "alerts($top=x)"),
                     (incidents, "alerts/title")):
        with pytest.raises(BadOption):
            asked(of, model, expand=text)


@pytest.mark.parametrize(("text", "top", "clamped"), [("0", 0, False), ("1", 1, False), ("1000", 1000, False), ("1001", 1000, True)])
def test_top(alerts: EntitySet, model: Model, text: str, top: int, clamped: bool) -> None:
    query = asked(alerts, model, top=text)
    assert (query.top, query.clamped) == (top, clamped)


def test_what_is_not_asked(alerts: EntitySet, incidents: EntitySet, model: Model) -> None:
    query = asked(alerts, model)
    assert (query.where, query.select, query.expand, query.top, query.clamped, query.skip, query.count) == (
        None, None, (), 100, False, 0, False,
    )  # fmt: skip
    assert asked(incidents, model).top == 50
    assert asked(alerts, model, filter="  ").where is None


@pytest.mark.parametrize(("option", "text"), [
    ("top", "x"), ("skip", "-1"), ("count", "maybe"), ("format", "xml"), ("format", ""), ("filter", "nope"),
])  # fmt: skip
def test_refused_options(alerts: EntitySet, model: Model, option: str, text: str) -> None:
    with pytest.raises(Refusal):
        asked(alerts, model, **{option: text})


@pytest.mark.parametrize("option", ["$filter", "$orderby", "$top", "$skip", "$count", "$skiptoken"])
def test_what_cannot_be_asked_of_one_object(alerts: EntitySet, option: str) -> None:
    with pytest.raises(BadOption) as refusal:
        bind.item(alerts, {option: "1"})
    assert refusal.value.option == option


def test_what_can_be_asked_of_one_object(incidents: EntitySet) -> None:
    query = bind.item(incidents, {"$select": "id", "$expand": "alerts", "$format": "json"})
    assert (query.select, [one.name for one in query.expand], query.where) == ((Chosen("id"),), ["alerts"], None)


@pytest.mark.parametrize(("text", "form", "top", "count"), [
    ("alerts/$ref", "references", 100, False), ("alerts/$count", "count", 100, False), ("*", "items", 100, False),
    ("alerts($top=5;count=true)", "items", 5, True), ("alerts(select=id,title;$filter=title eq ';)';orderby=title)", "items", 100, False),
])  # fmt: skip
def test_what_an_expansion_asks(incidents: EntitySet, model: Model, text: str, form: str, top: int, count: bool) -> None:
    [one] = asked(incidents, model, expand=text).expand
    assert (one.name, one.form, one.query.top, one.query.count) == ("alerts", form, top, count)


@pytest.mark.parametrize("text", ["evidence/$count desc", "length(title)", "contains(title,'x') desc", "title eq 'x'", "case(severity eq 'high':1,true:0)"])
def test_an_order_by_an_expression(alerts: EntitySet, model: Model, text: str) -> None:
    first, last = asked(alerts, model, orderby=text).order
    assert first.descending is text.endswith("desc")
    assert isinstance(last.by, Field)
    assert last.by.column == "id"


@pytest.mark.parametrize("option", ["$compute", "$index", "$id", "$schemaversion", "$deltatoken"])
def test_options_that_nothing_answers(alerts: EntitySet, model: Model, option: str) -> None:
    with pytest.raises(BadOption) as refusal:
        bind.query(alerts, {option: "title as t"}, model)
    assert refusal.value.hint


@pytest.mark.parametrize(("text", "says"), [
    ("1 eq 1", "is the same for all"), ("case(true:1)", "is the same for all"), ("concat('a','b')", "is the same for all"), ("now()", "is the same for all"),
    ("length('abc') desc", "is the same for all"), ("5", "has no order"), ("null desc", "has no order"), ("title add null", "is not possible with text"),
    ("createdDateTime lt now()", "changes between pages"), ("now() sub createdDateTime desc", "changes between pages"),
])  # fmt: skip
def test_what_gives_no_lasting_order(alerts: EntitySet, model: Model, text: str, says: str) -> None:
    with pytest.raises(BadOption, match=says) as refusal:
        asked(alerts, model, orderby=f"title,{text}")
    assert str(refusal.value).count(refusal.value.hint or "no hint") <= 1


# --- what is null for every row, and members that may be anything -------------------------------------------------------


@pytest.mark.parametrize("text", [
    "(null add 1) eq null", "(length(title) mul null) eq null", "(createdDateTime sub null) eq null", "(null sub null) eq null", "-(null) eq null",
    "cast(null,Edm.Int32) eq null", "case(title eq 'x':null,true:null) eq null", "length(null) eq null", "(1 div 0) eq null", "null in (null)",
    "not (title lt (1 div 0))", "not ((null add 1) ge duration'PT1S')", "null in [title,null]", "null eq null", "'a' lt 'b'", "2026-01-31 le 2026-01-31T00:00Z",
    "createdDateTime in [null] or true", "hassubset(systemTags,[])", "not (title in ())", "INF gt 1e308", "NaN ne 1", "not (NaN eq 1)",
])  # fmt: skip
def test_what_is_true_of_every_row(alerts: EntitySet, model: Model, text: str) -> None:
    assert match.judged(where(alerts, model, text))({"": {"title": None, "createdDateTime": None}}) is True


@pytest.mark.parametrize(("text", "says"), [
    ("title in () and nope in ()", "not a property"), ("evidence in ()", "is a collection"), ("additionalData in [title]", "is an object"), ("hassubset(title,[])", "is not a collection"), ("severity add null eq null", "is not possible with an enum member"),
    ("-title eq null", "is not possible before text"), ("null mod duration'P1D' eq null", "is not possible with a duration"), ("cast(null,Edm.Nope) eq null", "cannot be cast"),
])  # fmt: skip
def test_null_is_no_way_round_a_refusal(alerts: EntitySet, model: Model, text: str, says: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        where(alerts, model, text)
    assert says in refusal.value.reason


def test_as_many_patterns_as_allowed(alerts: EntitySet, model: Model) -> None:
    term = "matchesPattern(title,'a')"
    where(alerts, model, " or ".join([term] * 10))
    with pytest.raises(BadFilter, match="More than 10 patterns"):
        where(alerts, model, " or ".join([term] * 11))
