"""Whether two alerts belong together, why, and where an alert goes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secgraph import clock
from secgraph.ingest.correlate.link import Link, judge
from secgraph.ingest.correlate.partition import Partition
from secgraph.ingest.correlate.place import Standing, place
from secgraph.ingest.correlate.rarity import EMPTY, Snapshot
from secgraph.ingest.correlate.sentence import ORDER, flags, sentence
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.strength import TABLE, sort_of
from secgraph.ingest.correlate.subject import GRAVITY, Subject, main, subject
from secgraph.ingest.correlate.tactics import STAGES, follows, tactic
from secgraph.ingest.entities import Entity, entities
from secgraph.ingest.entities.entity import GRADES, KINDS, WEAK
from secgraph.model.check import from_source
from secgraph.model.edm import EnumType, load

HOUR = 3_600 * clock.SECOND
PLAIN = Settings(window=clock.DAY, fresh=1.0, stale=1.0)
"""Settings under which time does not count, so that a case can be added up in the head."""


def thing(key: str, role: str = "attacker", name: str = "") -> Entity:
    return Entity(key.partition(".")[0], (key,), role, name or key.partition(":")[2])


def alert(key: str, *things: Entity | str, at: int = 0, tactic: str = "", lasts: int = 0, **more: Any) -> Subject:
    named = [thing(one) if isinstance(one, str) else one for one in things]
    return Subject(key, at, at + lasts, named, tactic, more.pop("product", "p"), more.pop("detector", key), **more)


USER, DEVICE, IP, MAIL = "user.id:u", "device.mde:d", "ip.public:203.0.113.9", "mail.message:m"

# --- the table ----------------------------------------------------------------------------------------------------------


def test_every_kind_of_key_has_a_line() -> None:
    assert {sort_of(f"{kind}.{word}:x") for kind, words in KINDS.items() for word in words} <= TABLE.keys()
    assert set(WEAK.values()) <= TABLE.keys()
    assert all(line.reason for line in TABLE.values())


@pytest.mark.parametrize("sort", sorted(TABLE))
def test_no_weak_thing_is_enough_by_itself(sort: str) -> None:
    line = TABLE[sort]
    assert line.central >= line.involved >= line.aside >= 0
    most = max(line.central, line.involved, line.aside)
    if line.alone != "yes":
        assert most < PLAIN.threshold
    if sort in WEAK.values():
        assert line.alone != "yes"


@pytest.mark.parametrize("key", sorted(f"{kind}.{word}:x" for kind, words in KINDS.items() for word in words))
def test_one_shared_thing_links_only_where_the_table_says_so(key: str) -> None:
    most = Settings(fresh=9.0, bonus=9.0)
    common = Snapshot(1, 1_000, {"a": 30})
    for role in GRADES:
        one, other = alert("a", thing(key, role), tactic="execution"), alert("b", thing(key, role), tactic="impact")
        bare = judge(alert("a", thing(key, role)), alert("b", thing(key, role)), EMPTY, PLAIN)
        assert bare is None or TABLE[sort_of(key)].alone == "yes"
        assert judge(one, other, common, most) is None or TABLE[sort_of(key)].alone == "yes"
        assert judge(one, other, EMPTY, most) is None or TABLE[sort_of(key)].alone != "never"


@pytest.mark.parametrize(("beside", "linked"), [(thing("file.sha256:y", "parent"), False), (thing(IP, "contextual"), True)])
def test_a_trifle_beside_a_weak_thing_leaves_it_alone(beside: Entity, linked: bool) -> None:
    one, other = (alert(key, "process.line:x", beside, tactic=tactic) for key, tactic in (("a", "execution"), ("b", "impact")))
    assert (judge(one, other, EMPTY, PLAIN) is not None) == linked


# --- a link -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other", "score"), [
    ((IP,), (IP,), None),
    ((USER, DEVICE), (USER, DEVICE), 2.2),
    ((IP, DEVICE), (IP,), None),
    ((MAIL,), (MAIL,), 1.2),
    ((USER, "user.id:v"), (USER, "user.id:v"), 2.025),
    ((thing(USER, "contextual"), thing(DEVICE)), (USER, DEVICE), 1.15),
    ((thing(USER, "contextual"), thing(DEVICE, "contextual")), (USER, DEVICE), None),
    ((thing(USER, "unknown"),), (USER,), 1.1),
    ((DEVICE,), (DEVICE,), None),
    ((USER, DEVICE, thing("ip.private:10.0.0.5", "address")), (USER, DEVICE, thing("ip.private:10.0.0.5", "address")), 2.2),
    ((USER, DEVICE, thing("ip.private:10.0.0.5", "address")), (USER, DEVICE, thing("ip.private:10.0.0.5", "source")), 2.2),
    ((USER, thing("ip.private:10.0.0.5", "address")), (USER, thing("ip.private:10.0.0.5", "source")), 2.1),
])  # fmt: skip
def test_what_two_alerts_share_has_to_weigh_enough(one: tuple[Any, ...], other: tuple[Any, ...], score: float | None) -> None:
    link = judge(alert("a", *one), alert("b", *other), EMPTY, PLAIN)
    assert (link.score if link else None) == pytest.approx(score)


@pytest.mark.parametrize(("gap", "linked"), [(0, True), (clock.DAY, True), (clock.DAY + 1, False)])
def test_alerts_link_within_the_window_only(gap: int, linked: bool) -> None:
    assert (judge(alert("a", MAIL, lasts=HOUR), alert("b", MAIL, at=HOUR + gap), EMPTY, PLAIN) is not None) == linked


@pytest.mark.parametrize(("first", "second", "gap", "bonus"), [
    ("initialaccess", "lateralmovement", HOUR, True), ("lateralmovement", "initialaccess", HOUR, False),
    ("lateralmovement", "initialaccess", 0, True), ("impact", "impact", 0, False), ("", "impact", 0, False),
])  # fmt: skip
def test_tactics_in_the_order_of_an_attack_weigh_more(first: str, second: str, gap: int, bonus: bool) -> None:
    link = judge(alert("a", IP, tactic=first), alert("b", IP, tactic=second, at=gap), EMPTY, PLAIN)
    assert (link is not None) == bonus
    if link is not None:
        assert link.score == pytest.approx(0.9 * 1.35)


@pytest.mark.parametrize(("count", "rarity"), [(0, 1.0), (12, 1.0), (69, 0.5), (400, 0.0), (10_000, 0.0)])
def test_a_thing_that_many_alerts_name_weighs_less(count: int, rarity: float) -> None:
    assert Snapshot(1, 20_000, {USER: count}).rarity(USER, PLAIN) == pytest.approx(rarity, abs=0.01)


def test_a_crowd_does_not_hold_alerts_together() -> None:
    one, other = alert("a", MAIL), alert("b", MAIL)
    assert judge(one, other, Snapshot(1, 9_000, {MAIL: 400}), PLAIN) is None
    assert judge(one, other, EMPTY, Settings(ignored=frozenset({MAIL}))) is None


def test_the_most_common_name_of_a_thing_says_how_rare_it_is() -> None:
    both = Entity("user", ("user.id:u", "user.upn:u@b.example", "user.account:u"), "attacker", "u")
    known = {"user.upn:u@b.example": 400, "user.account:u": 9_999}
    assert judge(alert("a", both, MAIL), alert("b", both), Snapshot(1, 1, known), PLAIN) is None
    assert judge(alert("a", both), alert("b", both), Snapshot(1, 1, {"user.account:u": 9_999}), PLAIN)


@pytest.mark.parametrize(("count", "total", "worth"), [
    (0, 100, 1.0), (0, 10_000, 1.6), (4, 10_000, 1.6), (60, 10_000, 1.306), (110, 10_000, 1.0), (800, 10_000, 0.0), (5, 5, 0.586),
])  # fmt: skip
def test_what_a_common_detection_says_of_people_and_devices_is_little(count: int, total: int, worth: float) -> None:
    snapshot = Snapshot(1, total, {"x": count})
    assert snapshot.worth("x", PLAIN) == pytest.approx(worth, abs=0.001)
    link = judge(alert("a", USER, DEVICE, detector="x"), alert("b", USER, DEVICE), snapshot, PLAIN)
    assert (link.score if link else 0.0) == pytest.approx(2.2 * worth, abs=0.01)


def test_a_message_is_the_same_message_however_common_the_detection() -> None:
    assert judge(alert("a", MAIL, detector="x"), alert("b", MAIL), Snapshot(1, 10_000, {"x": 5_000}), PLAIN) is not None


@pytest.mark.parametrize(("hours", "score"), [(0, 1.35 * 1.35), (1 / 12, 1.35 * 1.35), (8, 1.017), (24, None), (120, None)])
def test_the_longer_ago_the_less_it_says_that_the_same_person_is_concerned(hours: float, score: float | None) -> None:
    link = judge(alert("a", USER), alert("b", USER, at=int(hours * HOUR)), EMPTY, Settings())
    assert (link.score if link else None) == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize(("first", "second", "hours", "linked"), [
    ("exfiltration", "collection", 24, True), ("collection", "collection", 24, True), ("exfiltration", "collection", 49, False),
    ("exfiltration", "execution", 24, False), ("", "", 24, False),
])  # fmt: skip
def test_who_carries_data_away_twice_is_one_story_however_common_the_detections(first: str, second: str, hours: int, linked: bool) -> None:
    often = Snapshot(1, 10_000, {"x": 700, "y": 700})
    for things in (USER,), (DEVICE,):
        partition = Partition()
        partition.publish(often)
        partition.take(alert("a", *things, tactic=first, detector="x", gravity=0.8))
        partition.take(alert("b", *things, tactic=second, detector="y", at=hours * HOUR))
        assert (len(partition.incidents()) == 1) == (linked and things == (USER,))


@pytest.mark.parametrize(("first", "second", "product", "count", "linked"), [
    ("credentialaccess", "credentialaccess", "q", 250, True), ("credentialaccess", "initialaccess", "q", 250, True),
    ("credentialaccess", "initialaccess", "p", 250, False), ("initialaccess", "credentialaccess", "q", 700, False),
    ("credentialaccess", "initialaccess", "q", 700, False),
])  # fmt: skip
def test_stolen_credentials_are_followed_to_where_another_product_sees_them_used(
    first: str, second: str, product: str, count: int, linked: bool
) -> None:
    partition = Partition()
    partition.publish(Snapshot(1, 10_000, {"x": count}))
    partition.take(alert("a", USER, tactic=first, detector="x"))
    partition.take(alert("b", USER, tactic=second, at=24 * HOUR, product=product))
    assert (len(partition.incidents()) == 1) == linked


def test_the_use_of_stolen_credentials_is_told() -> None:
    link = linked(alert("a", USER, tactic="credentialaccess"), alert("b", USER, tactic="initialaccess", product="q", at=HOUR))
    assert sentence(link).endswith("which counts 1.35; stolen credentials may be used here, which makes it 1.82.")


def test_what_its_product_calls_low_counts_less() -> None:
    def scored(severity: float) -> float:
        link = judge(alert("a", USER, DEVICE, gravity=severity), alert("b", USER, DEVICE), EMPTY, PLAIN)
        return link.score if link else 0.0

    assert scored(GRAVITY["low"]) == pytest.approx(0.8 * scored(GRAVITY["high"]))


def test_one_detection_repeated_is_a_series() -> None:
    one = alert("a", thing(USER, "source"), detector="x")
    link = judge(one, alert("b", thing(USER, "source"), detector="x", at=HOUR), Snapshot(1, 9_999, {"x": 5_000}), PLAIN)
    assert link is not None
    assert (link.kind, flags(link)) == ("series", ["repeatedAlertOccurrence", "timeFrame", "sameActor", "temporalProximity"])
    elsewhere = alert("b", thing(USER, "source"), "device.mde:e", detector="x")
    assert judge(alert("a", thing(USER, "source"), DEVICE, detector="x"), elsewhere, Snapshot(1, 9_999, {"x": 5_000}), PLAIN) is None


@pytest.mark.parametrize(("days", "kind"), [(3, "series"), (4, None)])
def test_a_series_that_paused_for_days_has_to_weigh_enough(days: int, kind: str | None) -> None:
    often = Snapshot(1, 9_999, {"x": 5_000})
    link = judge(alert("a", DEVICE, detector="x"), alert("b", DEVICE, at=days * clock.DAY, detector="x"), often, Settings())
    assert (link.kind if link else None) == kind


def test_one_seldom_detection_repeated_counts_more_but_not_for_the_place_alone() -> None:
    rare = Snapshot(1, 10_000, {})
    one, other = alert("a", USER, detector="x"), alert("b", USER, "device.mde:e", detector="x", at=HOUR)
    link = judge(one, other, rare, PLAIN)
    assert link is not None
    assert link.score == pytest.approx(1.35 * 1.6 * 1.35)
    one, other = alert("a", DEVICE, detector="x"), alert("b", DEVICE, IP, detector="x", at=HOUR)
    link = judge(one, other, rare, PLAIN)
    assert link is not None
    assert link.score == pytest.approx(0.85 * 1.6)


def test_one_detection_told_by_two_products_is_tied() -> None:
    def told(product: str, at: int = 0) -> Subject:
        return alert(product, thing(DEVICE, "source"), product=product, title="miner found", at=at)

    link = judge(told("p"), told("q", HOUR // 60), EMPTY, PLAIN)
    assert link is not None
    assert link.kind == "twin"
    assert sentence(link) == "Two products report the same detection within one minute, for the device d."
    assert judge(told("p"), told("q", HOUR), EMPTY, PLAIN) is None


def test_a_weak_name_does_not_outweigh_a_better_one_that_differs() -> None:
    one = Entity("user", ("user.upn:ann@b.example", "user.account:ann"), "attacker", "ann")
    other = Entity("user", ("user.upn:ann@c.example", "user.account:ann"), "attacker", "ann")
    bare = Entity("user", ("user.account:ann",), "attacker", "ann")
    assert judge(alert("a", one, IP), alert("b", other, IP), EMPTY, PLAIN) is None
    assert judge(alert("a", one, IP), alert("b", bare, IP), EMPTY, PLAIN) is not None


# --- why ----------------------------------------------------------------------------------------------------------------


def linked(one: Subject, other: Subject) -> Link:
    link = judge(one, other, EMPTY, PLAIN)
    assert link is not None
    return link


def test_a_link_is_told_in_one_sentence_and_in_flags_of_the_contract() -> None:
    one = alert("a", thing(USER, "compromised", "ann@b.example"), thing(IP), tactic="initialaccess")
    other = alert("b", thing(USER, "compromised", "ann@b.example"), thing(IP), tactic="lateralmovement", at=2 * HOUR + 1)
    link = linked(one, other)
    assert sentence(link) == (
        "Both alerts name the user ann@b.example and the address 203.0.113.9 within 3 hours, which count together 2.25; "
        "lateral movement follows initial access, which makes it 3.04."
    )
    assert flags(link) == ["eventSequence", "timeFrame", "sameThreatSource", "sameActor", "lateralMovementPath"]


def test_the_flags_are_those_of_the_contract() -> None:
    reasons = load().types["microsoft.graph.security.correlationReason"]
    assert isinstance(reasons, EnumType)
    assert list(ORDER) == [name for name in reasons.members if name != "unknownFutureValue"]


# --- reading an alert ---------------------------------------------------------------------------------------------------


def test_what_is_judged_is_read_off_the_record() -> None:
    evidence = [{"@odata.type": "#microsoft.graph.security.deviceEvidence", "hostName": "w", "roles": ["contextual"]},
                {"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": {"userPrincipalName": "ann@b.example"}}]  # fmt: skip
    record, _ = from_source(load().struct("microsoft.graph.security.alert"), {
        "title": "T", "category": "SuspiciousActivity", "mitreTechniques": ["T1021.002"], "serviceSource": "microsoftDefenderForIdentity",
        "createdDateTime": "2026-11-20T12:00:00Z", "lastActivityDateTime": "2026-11-20T11:00:00Z", "evidence": evidence,
    }, None)  # fmt: skip
    seen = subject("a1", record, entities(record), 7)
    at = clock.ticks("2026-11-20T11:00:00Z")
    assert (seen.first, seen.last, seen.tactic, seen.product, seen.v) == (at, at, "lateralmovement", "microsoftdefenderforidentity", 7)
    assert seen.main == "user.upn:ann@b.example"
    record["lastActivityDateTime"] = None
    assert subject("a1", record, []).first == clock.ticks("2026-11-20T12:00:00Z")
    assert main([]) == []


@pytest.mark.parametrize(("category", "techniques", "found"), [
    ("CredentialAccess", [], "credentialaccess"), ("Credential access", [], "credentialaccess"), ("SuspiciousActivity", ["T1486"], "impact"),
    (None, ["t1566.002"], "initialaccess"), (None, ["T9999", "x"], ""), ("x" * 100_000, [], ""),
])  # fmt: skip
def test_the_tactic_of_an_alert(category: str | None, techniques: list[str], found: str) -> None:
    assert tactic(category, techniques) == found


def test_no_tactic_follows_itself_and_a_later_stage_is_followed_by_no_earlier_one() -> None:
    for one, other in itertools.product(STAGES, STAGES):
        assert follows(one, other) == (one != other and STAGES[one] <= STAGES[other])


# --- where it goes ------------------------------------------------------------------------------------------------------


def standing(key: str, alerts: int = 1, **more: Any) -> Standing:
    return Standing(key, int(key), alerts, more.pop("first", 0), more.pop("last", 0), **more)


def goes(*standings: Standing, home: str | None = None, settings: Settings = PLAIN, one: Subject | None = None) -> Any:
    one = one or alert("z", MAIL)
    links = {known.id: linked(one, alert("a", MAIL)) for known in standings if known.id != home}
    placement = place(one, links, {known.id: known for known in standings}, settings, home)
    return placement.incident, placement.merged, [(refused.incident, refused.why) for refused in placement.refused], placement.continues


@pytest.mark.parametrize(("standings", "expected"), [
    ([], (None, (), [], None)),
    ([standing("2"), standing("1")], ("1", ("2",), [], None)),
    ([standing("1"), standing("2", touched=True)], ("2", ("1",), [], None)),
    ([standing("1", touched=True), standing("2", touched=True)], ("1", (), [("2", "touched")], None)),
    ([standing("1", resolved=True)], (None, (), [("1", "resolved")], "1")),
    ([standing("1", resolved=True), standing("2")], ("2", (), [("1", "resolved")], None)),
    ([standing("1", apart=frozenset({"2"})), standing("2")], ("1", (), [("2", "apart")], None)),
    ([standing("1", 999), standing("2", 1)], ("1", (), [("2", "alerts")], None)),
    ([standing("1", 1_000)], (None, (), [("1", "alerts")], "1")),
    ([standing("1", first=-14 * clock.DAY)], ("1", (), [], None)),
    ([standing("1", first=-14 * clock.DAY - 1)], (None, (), [("1", "span")], "1")),
    ([standing("1", 150, series="z/mail.message:m")], (None, (), [("1", "series")], "1")),
    ([standing("1", 150, series="y/mail.message:m")], ("1", (), [], None)),
])  # fmt: skip
def test_where_an_alert_goes(standings: list[Standing], expected: Any) -> None:
    assert goes(*standings) == expected


def test_an_alert_stays_where_its_source_puts_it() -> None:
    assert goes(standing("2", 1_000), home="2") == ("2", (), [], None)
    assert goes(standing("2"), standing("1"), home="2") == ("1", ("2",), [], None)
    assert goes(standing("2", resolved=True), standing("1"), home="2") == ("2", (), [("1", "resolved")], None)


# --- all of them --------------------------------------------------------------------------------------------------------

KEYS = ["user.id:a", "user.id:b", "device.mde:a", "device.mde:b", "ip.public:198.51.100.1", "mail.message:a", "user.account:a", "file.path:a"]
NAMED = st.lists(st.builds(thing, st.sampled_from(KEYS), st.sampled_from(["attacker", "unknown", "contextual"])), max_size=3, unique_by=lambda one: one.keys)
SNAPSHOT = st.dictionaries(st.sampled_from([*KEYS, "x", "y"]), st.sampled_from([1, 60, 399, 400])).map(lambda counts: Snapshot(1, 1_000, counts))
UNDER = st.sampled_from([PLAIN, Settings(), Settings(threshold=0.3)])


@st.composite
def alerts(draw: st.DrawFn) -> list[Subject]:
    return [
        alert(
            f"a{number}", *draw(NAMED), at=draw(st.integers(0, 40)) * HOUR, lasts=draw(st.integers(0, 3)) * HOUR,
            tactic=draw(st.sampled_from(["", "initialaccess", "credentialaccess", "impact", "discovery"])), product=draw(st.sampled_from("pq")),
            detector=draw(st.sampled_from("xyz")), title=draw(st.sampled_from("st")),
        )
        for number in range(draw(st.integers(2, 9)))
    ]  # fmt: skip


def parts(partition: Partition) -> set[frozenset[str]]:
    return {frozenset(one) for one in partition.incidents()}


def taken(order: list[Subject], snapshot: Snapshot, under: Settings = PLAIN) -> Partition:
    partition = Partition(under)
    partition.publish(snapshot)
    for one in order:
        partition.take(one)
    return partition


@settings(max_examples=150, deadline=None)
@given(made=alerts(), snapshot=SNAPSHOT, under=UNDER)
def test_a_link_is_the_same_from_both_sides(made: list[Subject], snapshot: Snapshot, under: Settings) -> None:
    for one, other in itertools.combinations(made, 2):
        assert judge(one, other, snapshot, under) == judge(other, one, snapshot, under)


@settings(max_examples=150, deadline=None)
@given(made=alerts(), snapshot=SNAPSHOT, under=UNDER, data=st.data())
def test_every_order_of_arrival_gives_the_same_incidents(
    made: list[Subject], snapshot: Snapshot, under: Settings, data: st.DataObject
) -> None:
    expected = parts(taken(made, snapshot, under))
    assert parts(taken(data.draw(st.permutations(made)), snapshot, under)) == expected
    ids = {one.id: {one.id} for one in made}
    for one, other in itertools.combinations(made, 2):
        if judge(one, other, snapshot, under) is not None:
            both = ids[one.id] | ids[other.id]
            ids.update(dict.fromkeys(both, both))
    assert expected == {frozenset(one) for one in ids.values()}


@settings(max_examples=50, deadline=None)
@given(made=alerts(), snapshot=SNAPSHOT, data=st.data())
def test_the_same_alert_twice_changes_nothing(made: list[Subject], snapshot: Snapshot, data: st.DataObject) -> None:
    partition = taken(made, snapshot)
    before, cases = parts(partition), {key: case.standing for key, case in partition.cases.items()}
    for one in data.draw(st.lists(st.sampled_from(made), max_size=5)):
        again = alert(one.id, *one.entities, at=one.first, lasts=one.last - one.first, tactic=one.tactic, product=one.product,
                      detector=one.detector, title=one.title)  # fmt: skip
        assert partition.take(again).incident == partition.incident(one.id)
    assert parts(partition) == before
    assert {key: case.standing for key, case in partition.cases.items()} == cases


@settings(max_examples=50, deadline=None)
@given(made=alerts(), snapshot=SNAPSHOT)
def test_an_incident_knows_how_many_alerts_it_holds_and_since_when(made: list[Subject], snapshot: Snapshot) -> None:
    partition = taken(made, snapshot)
    by_id = {one.id: one for one in made}
    for case in partition.cases.values():
        held = [by_id[key] for key in case.alerts]
        assert case.standing.alerts == len(held)
        if held:
            assert case.standing.first == min(one.first for one in held)
            assert case.standing.last == max(one.last for one in held)
            assert all(partition.incident(one.id) == case.standing.id for one in held)


def test_evidence_that_comes_later_joins_what_it_shows_to_be_one() -> None:
    partition = Partition()
    partition.take(alert("a", MAIL))
    partition.take(alert("b", USER))
    assert parts(partition) == {frozenset("a"), frozenset("b")}
    partition.take(alert("b", USER, MAIL))
    assert parts(partition) == {frozenset("ab")}
    partition.take(alert("c", MAIL))
    assert parts(partition) == {frozenset("abc")}


def test_what_a_person_took_out_stays_out() -> None:
    partition = Partition()
    for key in "abc":
        partition.take(alert(key, MAIL))
    partition.move(["b"])
    partition.take(alert("d", MAIL))
    partition.take(alert("e", MAIL))
    assert parts(partition) == {frozenset("acde"), frozenset("b")}


def test_what_a_person_made_one_stays_one_and_keeps_what_it_was_apart_from() -> None:
    partition = Partition()
    for key in "ab":
        partition.take(alert(key, MAIL))
    apart = partition.move(["b"])
    partition.take(alert("x", "mail.message:other"))
    partition.join(partition.incident("x"), [apart])
    partition.take(alert("c", MAIL))
    assert partition.incident("a") != partition.incident("x") == partition.incident("b")
    partition.join(partition.incident("a"), [partition.incident("x")])
    assert parts(partition) == {frozenset("abcx")}


def test_a_closed_incident_is_gone_on_from_and_not_opened_again() -> None:
    partition = Partition()
    partition.take(alert("a", MAIL))
    closed = partition.incident("a")
    partition.resolve(closed)
    assert partition.take(alert("b", MAIL)).continues == closed
    assert partition.cases[partition.incident("b")].continues == closed
    partition.take(alert("c", MAIL))
    assert partition.incident("c") == partition.incident("b")


def test_an_incident_at_its_cap_is_gone_on_from() -> None:
    partition = Partition(Settings(most_alerts=3))
    for number in range(8):
        partition.take(alert(f"a{number}", MAIL, at=number))
    assert sorted(map(len, partition.incidents())) == [2, 3, 3]
    assert [case.continues for case in partition.cases.values()][1:] != [None, None]


def test_a_detection_that_repeats_itself_without_end_fills_no_incident() -> None:
    partition = Partition(Settings(most_series=5))
    for number in range(12):
        partition.take(alert(f"a{number}", USER, detector="x", at=number))
    assert sorted(map(len, partition.incidents())) == [2, 5, 5]


def test_of_a_thing_that_very_many_name_only_the_latest_are_read() -> None:
    partition = Partition(Settings(most_postings=4))
    for number in range(50):
        partition.take(alert(f"a{number}", DEVICE, at=number * HOUR))
    assert len(list(partition.candidates(alert("b", DEVICE)))) == 4


def test_off_means_that_nothing_is_put_together() -> None:
    partition = Partition(Settings(off=True))
    for key in "ab":
        partition.take(alert(key, MAIL))
    home = partition.open()
    partition.take(alert("c", MAIL), home)
    assert len(partition.incidents()) == 3
    assert partition.incident("c") == home
