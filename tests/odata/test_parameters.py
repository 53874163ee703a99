"""Parameters beside the options: what stands for what, chains, circles, and how much of it is taken."""

from __future__ import annotations

import pytest

from secgraph.errors import BadFilter, BadOption
from secgraph.model.edm import EntitySet, Model
from secgraph.odata import bind, parse
from secgraph.odata.parameters import MOST_PARAMETERS
from secgraph.odata.query import Query


def asked(of: EntitySet, model: Model, text: str, **parameters: str) -> Query:
    return bind.query(of, {"$filter": text, **{f"@{name}": value for name, value in parameters.items()}}, model)


@pytest.mark.parametrize(("text", "parameters", "plain"), [
    ("severity eq @p", {"p": "'high'"}, "severity eq 'high'"), ("@p eq severity", {"p": "'high'"}, "'high' eq severity"), ("Severity eq @P", {"p": "'HIGH'"}, "severity eq 'high'"),
    ("title eq @p", {"p": "description"}, "title eq description"), ("@p", {"p": "title eq 'a' or status eq 'new'"}, "title eq 'a' or status eq 'new'"),
    ("not @p", {"p": "title eq 'a'"}, "not (title eq 'a')"), ("@p and @p", {"p": "title eq 'a'"}, "title eq 'a' and title eq 'a'"),
    ("createdDateTime gt @p", {"p": "2026-01-31"}, "createdDateTime gt 2026-01-31"), ("createdDateTime gt now() sub @p", {"p": "duration'P1D'"}, "createdDateTime gt now() sub duration'P1D'"),
    ("evidence/any(e: e/verdict eq @p)", {"p": "'malicious'"}, "evidence/any(e: e/verdict eq 'malicious')"), ("evidence/any(e: @p)", {"p": "e/verdict eq 'malicious'"}, "evidence/any(e: e/verdict eq 'malicious')"),
    ("contains(title,@p)", {"p": "'x'"}, "contains(title,'x')"), ("matchesPattern(title,@p)", {"p": "'^x'"}, "matchesPattern(title,'^x')"), ("length(@p) gt @q", {"p": "title", "q": "5"}, "length(title) gt 5"),
    # a chain, and one parameter made of others
    ("title eq @p", {"p": "@q", "q": "@r", "r": "'a'"}, "title eq 'a'"), ("title eq @p", {"p": "concat(@q,@q)", "q": "'a'"}, "title eq 'aa'"),
    # lists
    ("severity in @p", {"p": "['high','low']"}, "severity in ('high','low')"), ("severity in @p", {"p": '["high","low"]'}, "severity in ('high','low')"), ("severity in (@p,@q)", {"p": "'high'", "q": "'low'"}, "severity in ['high','low']"),
    ("severity in @p", {"p": "@q", "q": "[]"}, "severity in ()"), ("title in @p", {"p": "[description,'a']"}, "title in [description,'a']"), ("hassubset(systemTags,@p)", {"p": "['a']"}, "hassubset(systemTags,['a'])"),
    ("hassubset(@p,systemTags)", {"p": "['a']"}, "hassubset(['a'],systemTags)"), ("'x' in @p", {"p": "systemTags"}, "'x' in systemTags"),
])  # fmt: skip
def test_a_parameter_stands_for_its_text(alerts: EntitySet, model: Model, text: str, parameters: dict[str, str], plain: str) -> None:
    assert asked(alerts, model, text, **parameters).where == asked(alerts, model, plain).where


def test_a_parameter_in_an_order(alerts: EntitySet, model: Model) -> None:
    found = bind.query(alerts, {"$orderby": "@p desc", "@p": "length(title)"}, model)
    assert found.order == bind.query(alerts, {"$orderby": "length(title) desc"}, model).order


def test_a_parameter_inside_an_expansion(incidents: EntitySet, model: Model) -> None:
    """One of the whole request, or of the expansion alone, which comes first; a link of what is expanded repeats both."""
    options = {"$expand": "alerts($filter=title eq @p and status eq @q;@q='new')", "@p": "'a'", "@q": "'resolved'"}
    for [one] in (bind.query(incidents, options, model).expand, bind.item(incidents, options).expand):
        [plain] = bind.query(incidents, {"$expand": "alerts($filter=title eq 'a' and status eq 'new')"}, model).expand
        assert one.query.where == plain.query.where
        assert dict(one.options) == {"$filter": "title eq @p and status eq @q", "@p": "'a'", "@q": "'new'"}


def test_a_parameter_that_nothing_asks_for_is_not_read(alerts: EntitySet, model: Model) -> None:
    assert asked(alerts, model, "title eq 'a'", p="((").where == asked(alerts, model, "title eq 'a'").where


@pytest.mark.parametrize(("text", "parameters", "says"), [
    ("title eq @p", {}, "'@p' is not given"), ("title in @p", {}, "'@p' is not given"), ("title eq @p", {"p": "@q"}, "'@q' is not given"),
    ("title eq @p", {"p": "@p"}, "made of itself"), ("title eq @p", {"p": "@q", "q": "@p"}, "made of itself"), ("title in @p", {"p": "@q", "q": "@p"}, "made of itself"),
    ("title eq @p", {"p": "concat('a',@p)"}, "made of itself"), ("@p", {"p": "not @p"}, "made of itself"),
    ("title eq @p", {"p": ""}, "ends where an operand"), ("title eq @p", {"p": "'a"}, "without its closing quote"), ("title eq @p", {"p": "nope"}, "not a property"), ("title eq @p", {"p": "5"}, "is text"),
    ("title eq @p", {"p": "['a']"}, "not compared here"), ("title in @p", {"p": "'a'"}, "collection is expected"), ("@p/any()", {"p": "evidence"}, "none is kept"), ("matchesPattern(title,@p)", {"p": "description"}, "pattern in quotes"),
    ("title eq @p/x", {"p": "title"}, "is an annotation"),
])  # fmt: skip
def test_a_parameter_that_cannot_be_meant(alerts: EntitySet, model: Model, text: str, parameters: dict[str, str], says: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        asked(alerts, model, text, **parameters)
    assert says in refusal.value.reason


@pytest.mark.parametrize(("text", "parameter", "near"), [
    ("title eq 'a' and severity eq @p", "'critical'", "(near '@p')"), ("title eq 'a' and @p", "description eq 'x' and nope eq 'y'", "at position 24 (near 'nope eq 'y'')"),
])  # fmt: skip
def test_a_refusal_points_into_the_text_that_holds_the_fault(alerts: EntitySet, model: Model, text: str, parameter: str, near: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        asked(alerts, model, text, p=parameter)
    assert near in refusal.value.message


def test_parameters_do_not_grow_without_bound(alerts: EntitySet, model: Model) -> None:
    doubling = {f"p{number}": f"concat(@p{number + 1},@p{number + 1})" for number in range(30)} | {"p30": "'a'"}
    with pytest.raises(BadFilter, match="Too many or too long"):
        asked(alerts, model, "title eq @p0", **doubling)
    # each use is read again: so many short ones, or so much text, and no more
    asked(alerts, model, " and ".join(["title eq @p"] * MOST_PARAMETERS), p="'a'")
    with pytest.raises(BadFilter, match="Too many or too long"):
        asked(alerts, model, " and ".join(["title eq @p"] * (MOST_PARAMETERS + 1)), p="'a'")
    long = "'" + "a" * (parse.LONGEST // 2) + "'"
    asked(alerts, model, "title eq @p", p=long)
    with pytest.raises(BadFilter, match="Too many or too long"):
        asked(alerts, model, "title eq @p or description eq @p", p=long)


def test_parameters_upon_parameters_are_not_taller_than_one_text(alerts: EntitySet, model: Model) -> None:
    tall = " add ".join(["1"] * 60)
    asked(alerts, model, "evidence/$count eq @p", p=tall)
    with pytest.raises(BadFilter, match="upon each other"):
        asked(alerts, model, "evidence/$count eq @p", p=f"{tall} add (@q)", q=tall)


def test_an_order_refuses_a_parameter_like_a_filter(alerts: EntitySet, model: Model) -> None:
    with pytest.raises(BadOption, match="is not given"):
        bind.query(alerts, {"$orderby": "@p"}, model)
