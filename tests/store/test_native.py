"""What a database can answer of a condition by its columns and words, and what it cannot bind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.odata.query import All, Compare, Const, Either, Field, Found, Not, OneOf, Present, Test, TextMatch
from secgraph.store.native import native

MODEL = load()
OF = MODEL.sets[ALERTS]
IP = "evidence/any(e: e/microsoft.graph.security.ipEvidence/ipAddress eq '10.0.0.5')"
SYMBOLS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def said(test: Test | None) -> str:
    """A condition, short."""
    match test:
        case None:
            return ""
        case All(parts=parts):
            return f"({' & '.join(map(said, parts))})"
        case Either(parts=parts):
            return f"({' | '.join(map(said, parts))})"
        case Not(part=part):
            return f"!{said(part)}"
        case Compare(op=op, left=left, right=right):
            return f"{value(left)}{SYMBOLS[op]}{value(right)}"
        case OneOf(operand=operand, values=values):
            return f"{value(operand)}:{','.join(map(str, values))}"
        case TextMatch(op=op, operand=operand, needle=needle):
            return f"{op}({value(operand)},{value(needle)})"
        case Found(words=words):
            return f"<{' '.join(words)}>"
    raise AssertionError(test)


def value(operand: Any) -> str:
    match operand:
        case Field(column=str(column)):
            return column
        case Const(value=held):
            return str(held)
        case Present():
            return "now"
    raise AssertionError(operand)


def condition(text: str, option: str = "$filter") -> Test:
    where = bind.query(OF, {option: text}, MODEL).where
    assert where is not None
    return where


@pytest.mark.parametrize(("text", "expected"), [
    ("severity eq 'high'", "severity=high"), ("severity gt 'low'", "severity>low"), ("severity in ('low','high')", "severity:low,high"), ("assignedTo eq null", "assignedTo=None"),
    ("classification in ('truePositive',null)", "classification:truePositive,None"), ("lastUpdateDateTime gt now()", "lastUpdateDateTime>now"),
    ("createdDateTime ge firstActivityDateTime", "createdDateTime>=firstActivityDateTime"), ("assignedTo eq incidentId", "assignedTo=incidentId"),
    ("startswith(assignedTo,'a') and contains(incidentId,'1')", "(startswith(assignedTo,a) & contains(incidentId,1))"), ("id eq 'X'", "id=X"),
    ("not (severity eq 'low' or contains(assignedTo,'a'))", "!(severity=low | contains(assignedTo,a))"), ("severity eq 'low' or status eq 'new'", "(severity=low | status=new)"),
])  # fmt: skip
def test_what_columns_answer_is_the_same(text: str, expected: str) -> None:
    assert native(condition(text), OF) == native(condition(text), OF)._replace(exact=True)
    assert said(native(condition(text), OF).test) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("contains(title,'x')", ""), ("severity eq 'high' and contains(title,'x')", "severity=high"), ("severity eq 'high' or contains(title,'x')", ""),
    ("(severity eq 'high' or contains(title,'x')) and status eq 'new'", "status=new"), ("severity eq 'low' and not contains(title,'x')", "severity=low"),
    # Of a negated `or` every part must be false, of a negated `and` only one.
    ("not (severity eq 'high' or contains(title,'x'))", "!severity=high"), ("not (severity eq 'high' and contains(title,'x'))", ""),
    ("not (assignedTo gt 'a' or contains(title,'x'))", "!assignedTo>a"), ("not (status eq 'new' and not (assignedTo gt 'a' and contains(title,'x')))", "!(status=new & !assignedTo>a)"),
    (IP, "<10 0 0 5>"), (f"{IP} and severity eq 'high'", "(<10 0 0 5> & severity=high)"), (f"{IP} or severity eq 'high'", "(<10 0 0 5> | severity=high)"),
    (f"{IP} or contains(title,'x')", ""), (f"not ({IP})", ""), (f"not ({IP}) and severity eq 'high'", "severity=high"), ("title eq 'a b'", "<a b>"),
    ("tolower(assignedTo) gt category", ""), ("year(createdDateTime) eq 2026", ""),
])  # fmt: skip
def test_what_is_left_of_a_condition_on_documents(text: str, expected: str) -> None:
    found = native(condition(text), OF)
    assert (said(found.test), found.exact) == (expected, False)


def test_words_never_make_it_exact_and_never_stand_below_a_not() -> None:
    assert native(condition("a b", "$search"), OF) == (All((Found(("a",), ALERTS), Found(("b",), ALERTS))), False)
    assert native(condition("NOT a", "$search"), OF) == (None, False)


def test_without_a_condition_every_row_answers() -> None:
    assert native(None, OF) == (None, True)


FIELD = Field("", ("createdDateTime",), "moment", column="createdDateTime", nullable=False)
TEXT = Field("", ("assignedTo",), "text", column="assignedTo")


@pytest.mark.parametrize("test", [
    Compare("eq", TEXT, Const("a\x00", "text"), "text"), Compare("eq", TEXT, Const("\ud800", "text"), "text"), OneOf(TEXT, ("a", "b\x00"), "text"), OneOf(TEXT, (), "text"),
    TextMatch("contains", TEXT, Const("\x00", "text")), TextMatch("contains", TEXT, Const(None)), Compare("gt", TEXT, Const(None), "text"),
    Compare("lt", FIELD, Const(2**63, "moment"), "moment"), Compare("lt", FIELD, Const(-(2**63) - 1, "moment"), "moment"), Compare("lt", FIELD, Present(2**62), "moment"),
    *(Compare("lt", replace(FIELD, kind="number"), Const(number, "number"), "number") for number in (0.5, 1.0, float("nan"), float("inf"), 2**63, True)),
    Compare("eq", TEXT, Const("5", "text"), "dynamic"), Compare("eq", replace(TEXT, column=None), Const("5", "text"), "text"), Compare("eq", FIELD, TEXT, "text"),
])  # fmt: skip
def test_what_cannot_be_bound_beside_a_column_is_left_out(test: Test) -> None:
    assert native(test, OF) == (None, False)
    assert native(Not(test), OF) == (None, False)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0])
def test_the_largest_numbers_are_bound(number: int) -> None:
    test = Compare("lt", replace(FIELD, kind="number"), Const(number, "number"), "number")
    assert native(test, OF) == (test, True)
