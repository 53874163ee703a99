"""Each rule of the score, and what holds whatever is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.score.made import LIMITS, NOW, control, held

from secgraph import clock
from secgraph.score.catalogue import catalogue
from secgraph.score.scoring import Entry, as_record, judged, scored
from secgraph.score.standing import Held, Profile, Stated, profile_of

MADE = "aws-root-mfa"

SHARES: dict[str, tuple[list[Held], float | None, str]] = {
    "nothing was found": ([], None, ""),
    "it passes": ([held(MADE, "prowler", 1.0)], 1.0, "prowler"),
    "it fails": ([held(MADE, "prowler", 0.0)], 0.0, "prowler"),
    "one of four fails": ([held(MADE, "prowler", 1, 1, 1, 0)], 0.75, "prowler"),
    "two scanners, one finds less in order": ([held(MADE, "prowler", 1.0), held(MADE, "lynis", 0.5)], 0.5, "lynis"),
    "two say the same, the newer one counts": ([held(MADE, "lynis", 0.5, days=2), held(MADE, "prowler", 0.5, days=1)], 0.5, "prowler"),
    "points": ([held(MADE, "graph", points=4.0)], 0.4, "graph"),
    "more points than there are": ([held(MADE, "graph", points=40.0)], 1.0, "graph"),
    "what is too old does not count": ([held(MADE, "prowler", 1.0, days=90)], None, ""),
    "the older of two does not count, though it found less": ([held(MADE, "prowler", 0.0, days=91), held(MADE, "lynis", 1.0)], 1.0, "lynis"),
    "a day before it is too old": ([held(MADE, "prowler", 1.0, days=89)], 1.0, "prowler"),
    "a group of no findings": ([held(MADE, "prowler")], None, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", SHARES)
def test_a_share(case: str) -> None:
    found, share, source = SHARES[case]
    entry = judged(control(), None, found, NOW, LIMITS)
    assert (None if entry is None else (entry.share, entry.source)) == (None if share is None else (share, source))
    if entry is not None:
        assert entry.score == 10 * entry.share


@pytest.mark.parametrize(("days", "stale"), [(0, False), (29.9, False), (30, True), (60, True)])
def test_what_is_not_seen_for_long_is_stale(days: float, stale: bool) -> None:
    entry = judged(control(), None, [held(MADE, "prowler", 1.0, days=days)], NOW, LIMITS)
    assert entry is not None
    assert entry.stale is stale


def at(days: float) -> int:
    return NOW - round(days * clock.DAY)


STATES: dict[str, tuple[Stated | None, str, list[Held], float | None]] = {
    "none": (None, "Config", [held(MADE, "prowler", 0.5)], 0.5),
    "the usual one": (Stated("Default", at(1)), "Config", [held(MADE, "prowler", 0.5)], 0.5),
    "ignored": (Stated("Ignored", at(1)), "Config", [held(MADE, "prowler", 0.5)], None),
    "ignored without evidence": (Stated("Ignored", at(1)), "Config", [], None),
    "third party": (Stated("ThirdParty", at(400)), "Config", [held(MADE, "prowler", 0.0)], 1.0),
    "third party without evidence": (Stated("ThirdParty", at(1)), "Config", [], 1.0),
    "reviewed, which it asks for": (Stated("Reviewed", at(5)), "Review", [], 1.0),
    "reviewed too long ago": (Stated("Reviewed", at(90)), "Review", [], None),
    "reviewed too long ago, and found": (Stated("Reviewed", at(90)), "Review", [held(MADE, "prowler", 0.5)], 0.5),
    "reviewed, which does not help a setting": (Stated("Reviewed", at(5)), "Config", [held(MADE, "prowler", 0.5)], 0.5),
    "a state of another time": (Stated("SomethingElse", at(5)), "Config", [held(MADE, "prowler", 0.5)], 0.5),
}


@pytest.mark.parametrize("case", STATES)
def test_a_state(case: str) -> None:
    said, action, found, share = STATES[case]
    entry = judged(control(action_type=action), said, found, NOW, LIMITS)
    assert (None if entry is None else entry.share) == share


def test_what_is_stated_of_microsofts_own_profile_is_stated_of_the_control() -> None:
    listed = next(one for one in catalogue().values() if one.checks.get("graph"))
    theirs = listed.checks["graph"][0]
    ours = control(listed.id, state=Stated("Default", at(3)))
    upstream = control(theirs, state=Stated("ThirdParty", at(1)))
    found = [held(listed.id, "scubagear", 0.0)]
    score = scored([ours, upstream], found, NOW, LIMITS)
    assert {one.control.id: one.share for one in score.entries} == {listed.id: 1.0, theirs: 1.0}
    score = scored([ours, replace(upstream, state=Stated("ThirdParty", at(5)))], found, NOW, LIMITS)
    assert {one.control.id: one.share for one in score.entries}[listed.id] == 0.0, "the later word counts"


def test_points_of_microsofts_are_points_of_its_own_maximum() -> None:
    listed = next(one for one in catalogue().values() if one.checks.get("graph"))
    upstream = control(listed.checks["graph"][0], 5.0)
    found = [held(listed.id, "graph", points=4.0)]
    [entry] = scored([control(listed.id, 10.0), upstream], found, NOW, LIMITS).entries
    assert (entry.control.id, entry.share, entry.score) == (listed.id, 0.8, 8.0)
    [alone] = scored([control(listed.id, 10.0)], found, NOW, LIMITS).entries
    assert alone.share == 0.4


def test_a_control_without_points_does_not_count() -> None:
    assert scored([control(points=0.0)], [held(MADE, "prowler", 1.0)], NOW, LIMITS).entries == ()


def test_a_finding_of_no_known_control_counts_nowhere() -> None:
    assert scored([control()], [held("another", "prowler", 1.0)], NOW, LIMITS).most == 0


def test_a_score_in_the_words_of_the_contract() -> None:
    score = scored(
        [control("aws-b", 6.0, service="S3", category="Data"), control("aws-a", 3.0, state=Stated("ThirdParty", at(2), "ana"))],
        [held("aws-b", "prowler", 1, 1, 0, days=40)], NOW, LIMITS, average=50.0, users=(7, 9),
    )  # fmt: skip
    assert as_record(score, "t") == {
        "id": "t_2026-11-20", "azureTenantId": "t", "createdDateTime": "2026-11-20T12:00:00.0000000Z",
        "currentScore": 7.0, "maxScore": 9.0, "averageComparativeScores": [{"basis": "AllTenants", "averageScore": 4.5}],
        "controlScores": [
            {"controlCategory": "Identity", "controlName": "aws-a", "description": "Do aws-a", "score": 3.0,
             "scoreInPercentage": 100.0, "maxScore": 3.0, "source": "ana", "lastSynced": clock.text(at(2)),
             "implementationStatus": "Taken care of by a third party.", "state": "ThirdParty"},
            {"controlCategory": "Data", "controlName": "aws-b", "description": "Do aws-b", "score": 4.0,
             "scoreInPercentage": 66.67, "maxScore": 6.0, "source": "prowler", "lastSynced": clock.text(at(40)),
             "implementationStatus": "2 of 3 resources pass. Not seen since 2026-10-11.", "stale": True},
        ],
        "activeUserCount": 7, "licensedUserCount": 9, "enabledServices": ["AWS", "S3"],
        "vendorInformation": {"vendor": "secgraph", "provider": "SecureScore", "providerVersion": None, "subProvider": None},
    }  # fmt: skip


SAID = (
    b'{"id":"A","title":"T","maxScore":5,"other":[1],"controlStateUpdates":['
    b'{"state":"Ignored","updatedDateTime":"2026-02-01T00:00:00Z","updatedBy":"ana","comment":"c"},'
    b'{"state":"Default","updatedDateTime":"2026-01-01T00:00:00Z"},{"state":"Reviewed","updatedDateTime":null}]}'
)
PROFILES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "nothing in it": (b'{"id":"A"}', {"id": "A", "title": "A", "max_score": 0.0, "state": None}),
    "nulls": (b'{"id":"A","title":null,"maxScore":null,"rank":null,"controlStateUpdates":null}', {"title": "A", "state": None}),
    "the last statement counts, wherever it stands": (
        SAID, {"title": "T", "max_score": 5.0, "state": Stated("Ignored", clock.ticks("2026-02-01T00:00:00Z") or 0, "ana", "c")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PROFILES)
def test_what_is_read_of_a_profile(case: str) -> None:
    document, wanted = PROFILES[case]
    found = profile_of(document)
    assert {name: getattr(found, name) for name in wanted} == wanted


# --- whatever is found -------------------------------------------------------------------------------------------------

names = st.sampled_from(("aws-a", "aws-b", "aws-c"))
shares = st.lists(st.floats(0, 1), min_size=0, max_size=4)
groups = st.builds(
    lambda name, scanner, given, days: held(name, scanner, *given, days=days),
    names, st.sampled_from(("prowler", "lynis", "xccdf")), shares, st.integers(0, 120),
)  # fmt: skip
states = st.none() | st.builds(Stated, st.sampled_from(("Default", "Ignored", "ThirdParty", "Reviewed")), st.integers(at(200), NOW))
profiles = st.lists(
    st.builds(lambda name, points, state, action: control(name, points, state=state, action_type=action), names,
              st.floats(0.5, 20), states, st.sampled_from(("Config", "Review"))),
    unique_by=lambda one: one.id, max_size=3,
)  # fmt: skip


def share(entries: tuple[Entry, ...], name: str) -> float | None:
    return next((one.share for one in entries if one.control.id == name), None)


@given(profiles, st.lists(groups, max_size=6, unique_by=lambda one: (one.control, one.scanner)), st.randoms(use_true_random=False))
def test_a_score_is_between_nothing_and_all_and_knows_no_order(known: list[Profile], found: list[Held], random: Any) -> None:
    score = scored(known, found, NOW, LIMITS)
    assert 0 <= score.current <= score.most + 1e-9
    assert all(one.found and one.newest > NOW - LIMITS.over for entry in score.entries if (one := entry.held) is not None)
    again = (list(known), list(found))
    for each in again:
        random.shuffle(each)
    assert as_record(scored(*again, NOW, LIMITS), "t") == as_record(score, "t")


@given(profiles, st.lists(groups, max_size=6, unique_by=lambda one: (one.control, one.scanner)), names)
def test_passing_more_never_lowers_a_score(known: list[Profile], found: list[Held], name: str) -> None:
    better = [
        replace(one, passed=float(one.found), failing=0) if one.control == name else one for one in found
    ]
    assert scored(known, better, NOW, LIMITS).current >= scored(known, found, NOW, LIMITS).current - 1e-9


@given(profiles, st.lists(groups, max_size=6, unique_by=lambda one: (one.control, one.scanner)), names)
def test_what_is_ignored_takes_away_just_its_points(known: list[Profile], found: list[Held], name: str) -> None:
    before = scored(known, found, NOW, LIMITS)
    ignored = [replace(one, state=Stated("Ignored", NOW)) if one.id == name else one for one in known]
    after = scored(ignored, found, NOW, LIMITS)
    gone = [one for one in before.entries if one.control.id == name]
    assert after.most == pytest.approx(before.most - sum(one.control.max_score for one in gone))
    assert after.current == pytest.approx(before.current - sum(one.score for one in gone))
