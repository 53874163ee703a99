"""The words that a condition implies: exactly where the texts it names are gathered, and where they stand as whole words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secgraph.model.choices import ALERTS, INCIDENTS, OLDER_ALERTS
from secgraph.model.edm import load
from secgraph.odata import bind, match, search
from secgraph.odata.implied import MOST, implied
from secgraph.odata.query import All, Either, Found, Test, fold
from secgraph.odata.translate import translated
from secgraph.odata.view import view

MODEL = load()
SPACE = "microsoft.graph.security"


def spelled(test: Test | None) -> str:
    match test:
        case Found(words=words):
            return " ".join(words)
        case All(parts=parts):
            return " & ".join(map(spelled, parts))
        case Either(parts=parts):
            return "(" + " | ".join(map(spelled, parts)) + ")"
    assert test is None
    return ""


def asked(text: str, of: str = ALERTS) -> str:
    one = MODEL.sets[of]
    return spelled(implied(bind.query(one, {"$filter": text}, MODEL).where, one))


@pytest.mark.parametrize(("text", "expected"), [
    ("ipEvidence/ipAddress eq '10.0.0.5'", "10 0 0 5"), ("'10.0.0.5' eq {}ipEvidence/ipAddress", "10 0 0 5"),
    ("userEvidence/userAccount/userPrincipalName eq 'Bob.Smith@contoso.example'", "bob smith contoso example"),
    ("userEvidence/userAccount/domainName eq 'CONTOSO'", "contoso"), ("deviceEvidence/deviceDnsName eq 'pc-7.contoso.example'", "pc 7 contoso example"),
    ("deviceEvidence/hostName eq 'Straße'", "strasse"), ("fileEvidence/fileDetails/sha256 eq '0aFF'", "0aff"), ("urlEvidence/url eq 'https://a.b/c?d=e'", "https a b c d e"),
    ("ipEvidence/ipAddress in ('10.0.0.5','::1')", "(10 0 0 5 | 1)"), ("ipEvidence/ipAddress in ('10.0.0.5',null)", ""), ("ipEvidence/ipAddress in ('10.0.0.5','::')", ""),
    ("ipEvidence/ipAddress eq 'a' or e/remediationStatusDetails eq 'b'", "(a | b)"), ("ipEvidence/ipAddress eq 'a' or e/verdict eq 'suspicious'", ""),
    ("ipEvidence/ipAddress eq 'a' and e/verdict eq 'suspicious' and e/remediationStatusDetails eq 'b'", "a & b"),
    ("ipEvidence/ipAddress ne 'a'", ""), ("ipEvidence/ipAddress ge 'a'", ""), ("ipEvidence/ipAddress eq null", ""), ("ipEvidence/ipAddress eq '--'", ""),
    ("ipEvidence/ipAddress eq e/remediationStatusDetails", ""), ("deviceEvidence/loggedOnUsers/any(u: u/accountName eq 'bob' and e/remediationStatusDetails eq 'b')", "bob & b"),
    ("deviceEvidence/loggedOnUsers/all(u: u/accountName eq 'bob')", ""), ("ipEvidence/location/countryName eq 'de'", "de"), ("ipEvidence/ipAddress eq '日本'", "日 本"),
    ("processEvidence/imageFile/fileName eq 'a.exe' and not (e/remediationStatusDetails eq 'x')", "a exe"),
])  # fmt: skip
def test_what_equality_with_a_text_of_the_evidence_implies(text: str, expected: str) -> None:
    text = text.format(f"e/{SPACE}.") if "{}" in text else f"e/{SPACE}.{text}"
    assert asked(f"evidence/any(e: {text})") == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("title eq 'Word by word'", "word by word"), ("tolower(title) eq 'word'", "word"), ("toupper(title) eq 'WORD'", "word"), ("trim(title) eq 'word'", ""),
    ("title in ('a','b') and severity eq 'high'", "(a | b)"), ("not (title eq 'a')", ""), ("title eq 'a' or severity eq 'high'", ""),
    ("evidence/any(e: e/tags/any(t: t eq 'x-y'))", "x y"), ("evidence/any(e: 'x' in e/tags)", "x"), ("evidence/any(e: title eq 'x')", "x"), ("evidence/any()", ""),
    ("evidence/all(e: e/remediationStatusDetails eq 'x')", ""), ("evidence/any(e: e/roles/any(r: r eq 'attacked'))", ""), ("evidence/any(e: e/verdict eq 'suspicious')", ""),
    ("category eq 'x'", ""), ("assignedTo eq 'x'", ""), ("additionalData/title eq 'x'", ""), ("systemTags/any(t: t eq 'x')", ""), ("comments/any(c: c/comment eq 'x')", ""),
])  # fmt: skip
def test_which_members_imply_words(text: str, expected: str) -> None:
    assert asked(text) == expected


def test_incidents_have_texts_of_their_own() -> None:
    assert asked("displayName eq 'a b' and customTags/any(t: t eq 'c')", INCIDENTS) == "a b & c"
    assert asked("systemTags/any(t: t eq 'c') or displayName eq 'a'", INCIDENTS) == ""


@pytest.mark.parametrize(("text", "expected"), [
    ("hostStates/any(h: h/fqdn eq 'pc1.x')", "pc1 x"), ("fileStates/any(f: f/name eq 'a.exe')", "a exe"), ("title eq 'x'", "x"), ("userStates/any(u: u/domainName eq 'x')", "x"),
    ("hostStates/any(h: h/fqdn ne 'pc1.x')", ""), ("category eq 'x'", ""), ("fileStates/any(f: f/fileHash/hashValue eq 'aa')", "aa"),
])  # fmt: skip
def test_what_is_asked_of_older_alerts_implies_words_too(text: str, expected: str) -> None:
    """An item's type is another condition there, not a cast."""
    older = bind.query(MODEL.sets[OLDER_ALERTS], {"$filter": text}, MODEL)
    found = spelled(implied(translated(older, view(OLDER_ALERTS)).where, MODEL.sets[ALERTS]))
    assert set(found.strip("()").split(" | ")) == {expected}


@pytest.mark.parametrize(("text", "expected"), [
    ("contains(title,'a b c')", "b"), ("contains(title,' a b')", "a"), ("contains(title,'a b ')", "b"), ("contains(title,'a b')", ""), ("contains(title,'abc')", ""),
    ("startswith(title,'a b c')", "a b"), ("startswith(title,'a')", ""), ("startswith(title,'a.')", "a"), ("endswith(title,'a b c')", "b c"), ("endswith(title,'c')", ""),
    ("endswith(title,'.c')", "c"), ("contains(title,'日本')", "日 本"), ("contains(title,'x日y')", "日"), ("contains(title,'.ß.')", "ss"), ("contains(title,'')", ""),
    ("startswith(title,'日')", "日"), ("contains(title,category)", ""), ("not contains(title,'a b c')", ""),
])  # fmt: skip
def test_parts_of_a_text_imply_the_words_that_are_whole_in_it(text: str, expected: str) -> None:
    assert asked(text) == expected


def test_a_text_of_very_many_words_implies_the_first_of_them() -> None:
    assert asked(f"title eq '{'a ' * 5000}'") == " ".join("a" * MOST)


# --- and nothing else ---------------------------------------------------------------------------------------------------

LETTERS = [*"aAbszkßẞİiI\u0131é\ufb01\ufb03ŉǰΐΣς\u03c3\u0391ᾳ\u212a\u212b日本かカ한\uff101٣²½_-. '@/\\\t\n\u00a0\u0301\u0307\u02bc\u200d\ue000\uac00\ud7af\u3040\U0001d4b3\U0001f600", "fi", "ss", "i\u0307", "a b"]
TEXT = st.lists(st.sampled_from(LETTERS) | st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8).map("".join)


def other_spellings(text: str) -> list[str]:
    """Texts that are equal to it."""
    made = [text, fold(text), text.upper(), text.lower(), text.swapcase(), text.replace("ss", "ß"), text.replace("fi", "\ufb01"), text.replace("k", "\u212a")]
    return [one for one in made if fold(one) == fold(text)]


@given(TEXT, st.data())
def test_what_is_equal_has_the_same_words(text: str, data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(other_spellings(text)))
    assert search.words(value) == search.words(text)
    record = {"title": "other", "evidence": [{"@odata.type": f"#{SPACE}.ipEvidence", "ipAddress": text, "tags": ["more"]}]}
    literal = value.replace("'", "''")
    for asked_for in (f"evidence/any(e: e/{SPACE}.ipEvidence/ipAddress eq '{literal}')", f"evidence/any(e: tolower(e/{SPACE}.ipEvidence/ipAddress) in ('{literal}','x'))"):
        where = bind.query(MODEL.sets[ALERTS], {"$filter": asked_for}, MODEL).where
        assert where is not None
        assert match.predicate(where)(record)
        needed = implied(where, MODEL.sets[ALERTS])
        assert (needed is None) is (not search.words(value))
        if isinstance(needed, Found):
            assert match.predicate(needed)(record)
            # What the database keeps, a text beside the other, holds them in a row too.
            assert f" {' '.join(needed.words)} " in f" {search.indexed(record, ALERTS)} "


@given(TEXT, TEXT, TEXT, st.sampled_from(["contains", "startswith", "endswith"]))
def test_what_holds_a_text_has_its_whole_words(before: str, inside: str, behind: str, op: str) -> None:
    title = (before if op != "startswith" else "") + inside + (behind if op != "endswith" else "")
    literal = inside.replace("'", "''")
    where = bind.query(MODEL.sets[ALERTS], {"$filter": f"{op}(title,'{literal}')"}, MODEL).where
    assert where is not None
    needed = implied(where, MODEL.sets[ALERTS])
    if match.predicate(where)({"title": title}) and needed is not None:
        assert match.predicate(needed)({"title": title})
