"""The sentences about a control, and what is worth doing next."""

from __future__ import annotations

import pytest
from tests.score.made import LIMITS, NOW, control, held

from secgraph.errors import UsageError
from secgraph.score.explained import as_data, explained, lines, named
from secgraph.score.improvements import improvements
from secgraph.score.scoring import scored
from secgraph.score.simulated import changes, simulated
from secgraph.score.standing import Held, Stated
from secgraph.score.telling import number, passed

SAID: dict[str, tuple[Held, str]] = {
    "one that passes": (held("a", "prowler", 1.0), "Passed."),
    "one that fails": (held("a", "prowler", 0.0), "Failed."),
    "one in part": (held("a", "manual", 0.25), "Passed by 25 %."),
    "all": (held("a", "xccdf", 1, 1), "All 2 hosts pass."),
    "none": (held("a", "prowler", 0, 0, 0), "None of 3 resources passes."),
    "one of several": (held("a", "securityhub", 1, 0, 0), "1 of 3 resources passes."),
    "most of several": (held("a", "lynis", 1, 1, 0), "2 of 3 hosts pass."),
    "parts of several": (held("a", "scubagear", 1, 0.5), "1 of 2 checks pass, others in part: 75 % of all."),
    "points": (held("a", "graph", points=4.5), "4.5 of 10 points upstream."),
}


@pytest.mark.parametrize("case", SAID)
def test_what_was_found_in_a_sentence(case: str) -> None:
    found, sentence = SAID[case]
    assert passed(control(), found) == sentence


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (10.0, "10"), (2.5, "2.5"), (1 / 3, "0.33"), (100.0, "100")])
def test_a_number_in_words(value: float, text: str) -> None:
    assert number(value) == text


KNOWN = {
    one.id: one
    for one in (
        control("aws-dear", 10.0, rank=1, implementation_cost="High", user_impact="High"),
        control("aws-cheap", 8.0, rank=2),
        control("aws-cheaper", 8.0, rank=1),
        control("aws-done", 9.0, rank=1),
        control("aws-small", 1.0, rank=1),
    )
}
FOUND = [held(name, "prowler", 1.0 if name == "aws-done" else 0.0) for name in KNOWN]


def test_what_gains_most_for_least_cost_comes_first() -> None:
    score = scored(KNOWN.values(), FOUND, NOW, LIMITS)
    found = improvements(score, 10)
    assert [one.entry.control.id for one in found] == ["aws-cheaper", "aws-cheap", "aws-dear", "aws-small"]
    assert [(one.gain, one.cost) for one in found] == [(8.0, 2), (8.0, 2), (10.0, 6), (1.0, 2)]
    assert [one.why for one in found] == ["Failed."] * 4
    assert len(improvements(score, 2)) == 2


def test_why_a_control_stands_as_it_does() -> None:
    known = {"a": control("a", state=Stated("Default", NOW, "ana", "looked at"))}
    found = [held("a", "prowler", 1, 0, days=3), held("a", "lynis", 1.0)]
    one = explained(known["a"], known, found, NOW, LIMITS)
    text = "\n".join(lines(one, ["check on web-1 (prowler)"]))
    for part in (
        "Do a (a)", "It has 5 of 10 points. 1 of 2 resources passes.", "Default was stated by ana on 2026-11-20: looked at.",
        "This counts until 2027-02-15", "prowler, 2026-11-17: 1 of 2 resources passes. This one counts.",
        "lynis, 2026-11-20: Passed.", "the one that finds least in order counts", "check on web-1 (prowler)", "Do it.",
    ):  # fmt: skip
        assert part in text
    data = as_data(one, [])
    assert [(word["scanner"], word["decides"]) for word in data["scanners"]] == [("prowler", True), ("lynis", False)]
    assert data["score"] == 5.0


def test_why_a_control_does_not_count() -> None:
    known = {"a": control("a")}
    one = explained(known["a"], known, [], NOW, LIMITS)
    assert "its 10 points are in no sum" in "\n".join(lines(one, []))
    assert as_data(one, [])["counts"] is False
    ignored = {"a": control("a", state=Stated("Ignored", NOW))}
    one = explained(ignored["a"], ignored, [held("a", "prowler", 1.0)], NOW, LIMITS)
    assert "counts neither way" in "\n".join(lines(one, []))


def test_a_name_that_is_none_is_told_what_is_near() -> None:
    assert named(KNOWN, " AWS-Done ").id == "aws-done"
    with pytest.raises(UsageError, match="Did you mean aws-cheap"):
        named(KNOWN, "aws-cheep")
    with pytest.raises(UsageError, match="lists them"):
        named(KNOWN, "zzzzzzzz")


def test_what_changes_would_bring() -> None:
    brought = simulated(KNOWN, FOUND, changes(KNOWN, ["aws-cheap=pass", "AWS-DEAR=50 %", "aws-done=ignored"]), NOW, LIMITS)
    assert (brought.before.current, brought.before.most) == (9.0, 36.0)
    assert (brought.after.current, brought.after.most) == (13.0, 27.0)
    assert [(one.control.id, gained, more) for one, gained, more in brought.changes] == [
        ("aws-cheap", 8.0, 0.0), ("aws-dear", 5.0, 0.0), ("aws-done", -9.0, -9.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("aws-cheap", "says nothing of a control"), ("aws-cheap=good", "nothing that a control can be"),
        ("aws-cheap=101%", "nothing that a control can be"), ("zzzz=pass", "There is no control"),
    ],
)  # fmt: skip
def test_a_change_that_is_none(given: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        changes(KNOWN, [given])
    with pytest.raises(UsageError, match="given twice"):
        changes(KNOWN, ["aws-cheap=pass", "AWS-cheap=fail"])
