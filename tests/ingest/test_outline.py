"""What alerts say together: in whichever order they come, within the bounds, and as it is kept."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import reduce
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secgraph.ingest.assessment.cast import cast, things
from secgraph.ingest.assessment.outline import (
    MOST_DETECTIONS,
    MOST_KEYS,
    MOST_PRODUCTS,
    MOST_THINGS,
    Marked,
    Outline,
    again,
    outline,
    packed,
    together,
    unpacked,
)
from secgraph.ingest.correlate.subject import Subject, subject
from secgraph.ingest.correlate.tactics import STAGES
from secgraph.ingest.entities import Entity
from secgraph.ingest.entities.entity import GRADES, Gathering
from secgraph.ingest.entities.normal import shown
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load

HIGH = SimpleNamespace(criticality="high", tags=frozenset({"vip", "domainController", "scanner"}))


def said(*entities: Entity, title: str = "t", severity: str = "low", tactic: str = "", product: str = "P", first: int = 5, last: int = 9,
         assets: dict[str, Marked] | None = None) -> Outline:  # fmt: skip
    """The outline of an alert."""
    subject = Subject("a", first, last, entities, tactic, product.lower(), severity=severity, label=product, name=shown(title))
    return outline(subject, assets or {})


def entity(*keys: str, role: str = "unknown", name: str = "") -> Entity:
    return Entity(keys[0].partition(".")[0], keys, role, name)


def all_of(outlines: Sequence[Outline]) -> Outline:
    return reduce(together, outlines)


# --- of one alert and of two --------------------------------------------------------------------------------------------


def test_the_outline_of_an_alert() -> None:
    host, user = entity("device.mde:1", "device.host:web", name="WEB"), entity("user.upn:m@x", role="attacker")
    one = said(host, user, title=" Odd\x00 sign-in ", severity="high", tactic="impact", product="Acme", assets={"device.mde:1": HIGH})
    assert (one.severity, one.first, one.last, one.tactics) == ("high", 5, 9, {"impact": 1})
    assert [tuple(each.__getattribute__(name) for name in ("key", "name", "alerts")) for each in (*one.products, *one.detections)] == [
        ("acme", "Acme", 1), ("Odd sign-in", "Odd sign-in", 1),
    ]  # fmt: skip
    attacker, web = one.things
    assert (attacker.type, attacker.keys, attacker.name, attacker.alerts, attacker.grade) == ("user", ("user.upn:m@x",), "m@x", 1, 2)
    assert (web.key, web.name, web.grade, web.criticality, web.tags) == ("device.mde:1", "WEB", 1, 3, ("domainController", "vip"))
    assert web.known_by == ("device.mde:1",)


def test_an_alert_that_says_nothing() -> None:
    one = outline(Subject("a", 5, 5, ()), {})
    assert one == Outline("unknown", 5, 5)
    assert together(one, said()) == together(said(), one) == said()


@pytest.mark.parametrize(("source", "name"), [
    ("microsoftDefenderForEndpoint", "Microsoft Defender for Endpoint"), ("azureAdIdentityProtection", "Azure Ad Identity Protection"),
    ("microsoftSentinel", "Microsoft Sentinel"),
])  # fmt: skip
def test_a_product_without_a_name_is_called_by_its_source(source: str, name: str) -> None:
    record, _ = from_source(load().sets[ALERTS].type, {"serviceSource": source, "title": "t"}, "2026-01-01T00:00:00Z")
    assert [each.name for each in outline(subject("a", record, []), {}).products] == [name]


@pytest.mark.parametrize(("one", "other", "many"), [
    (("device.mde:1",), ("device.mde:1", "device.host:a"), 1), (("device.mde:1",), ("device.mde:2",), 2),
    (("device.mde:1", "device.host:a"), ("device.mde:2", "device.host:a"), 2),  # two devices of one name
    (("device.host:a",), ("device.host:a",), 1), (("device.host:a",), ("device.mde:1", "device.host:a"), 1),
    (("device.mde:1", "device.host:a"), ("device.fqdn:a.x", "device.host:a"), 1),  # no better key says otherwise
    (("user.id:1", "user.upn:m"), ("user.upn:m", "user.account:m"), 1), (("user.upn:m",), ("user.account:m",), 2),
    (("ip.private:10.0.0.1",), ("ip.private:10.0.0.1",), 1), (("file.path:a",), ("file.sha1:b", "file.path:a"), 1),
])  # fmt: skip
def test_what_is_one_thing(one: tuple[str, ...], other: tuple[str, ...], many: int) -> None:
    for pair in ((one, other), (other, one)):
        found = things(all_of([said(entity(*keys)) for keys in pair]))
        assert len(found) == many
        assert sum(each.alerts for each in found) == 2
        assert {key for each in found for key in each.keys} == {*one, *other}


def test_a_key_that_two_things_share_makes_them_one() -> None:
    apart = all_of([said(entity("device.mde:1")), said(entity("device.fqdn:a.x"))])
    assert len(things(apart)) == 2
    [one] = things(together(apart, said(entity("device.mde:1", "device.fqdn:a.x", role="attacked", name="a"))))
    assert (one.keys, one.alerts, one.grade) == (("device.mde:1", "device.fqdn:a.x"), 3, 2)


def test_what_one_alert_names_twice_is_named_once() -> None:
    """Evidence that comes last may tell that two pieces before it are of one thing."""
    names = entity("device.mde:0"), entity("device.mde:1"), entity("device.mde:0", "device.mde:1", role="attacked")
    [one] = said(*names).things
    assert (one.keys, one.alerts, one.grade) == (("device.mde:0", "device.mde:1"), 1, 2)


@pytest.mark.parametrize(("names", "shown"), [
    (("web-07", "0a1b2c3d4e5f60718293"), "web-07"), (("S-1-5-21-1-2-3-500", "ana"), "ana"), (("web", "web.contoso.com"), "web.contoso.com"),
    (("WEB", "web"), "web"), (("0a1b2c3d4e5f60718293", "0a1b2c3d4e5f6071829f"), "0a1b2c3d4e5f6071829f"),
])  # fmt: skip
def test_the_better_name_stays(names: tuple[str, str], shown: str) -> None:
    for pair in (names, names[::-1]):
        [one] = all_of([said(entity("device.mde:1", name=name)) for name in pair]).things
        assert one.name == shown


def test_another_version_of_an_alert_counts_nothing_again() -> None:
    one = said(entity("device.mde:1"), tactic="impact")
    more = said(entity("device.mde:1", role="attacked"), entity("user.upn:m"), title="u", tactic="discovery", severity="high", last=20)
    both = together(one, again(more))
    assert (both.severity, both.last, both.tactics) == ("high", 20, {"discovery": 0, "impact": 1})
    assert [(each.key, each.alerts, each.grade) for each in both.things] == [("device.mde:1", 1, 2), ("user.upn:m", 0, 1)]
    assert [(each.name, each.alerts) for each in both.detections] == [("t", 1), ("u", 0)]
    assert [each.alerts for each in both.products] == [1]


def test_who_takes_part() -> None:
    found = cast(said(
        entity("device.mde:0123456789abcdef01", role="attacked"), entity("device.fqdn:a.x", name="a.x"), entity("device.fqdn:b.x", role="loggedOn"),
        entity("user.upn:m"), entity("mailbox.address:m"), entity("ip.private:10.0.0.1"), entity("ip.public:192.0.2.1", role="attacker"),
        entity("domain.name:x.example"), entity("azureResource.arm:r"), entity("file.sha1:f", role="malicious"),
    ))  # fmt: skip
    assert [each.key for each in found.devices] == ["device.fqdn:a.x", "device.mde:0123456789abcdef01"], "what has a name is told first"
    assert [[each.key for each in part] for part in (found.people, found.resources, found.inside)] == [
        ["user.upn:m"], ["azureResource.arm:r"], ["ip.private:10.0.0.1"],
    ]  # fmt: skip
    assert [each.key for each in found.outside] == ["ip.public:192.0.2.1", "domain.name:x.example"]
    assert len(found.all) == 10
    assert len(found.assets) == 4


# --- whatever comes -----------------------------------------------------------------------------------------------------

KEYS = st.sampled_from([
    *(f"device.mde:{n}" for n in range(3)), *(f"device.fqdn:{n}.x" for n in range(3)), *(f"device.host:{n}" for n in range(2)),
])  # fmt: skip
USERS = st.sampled_from([*(f"user.id:{n}" for n in range(2)), *(f"user.upn:{n}@x" for n in range(3)), "user.account:0", "user.account:1"])
OTHERS = st.sampled_from(["ip.private:10.0.0.1", "ip.public:192.0.2.1", "file.sha256:a", "file.path:a", "url.url:http://a"])


def _entity(keys: Any, role: str, name: str) -> Entity:
    order = {"mde": 0, "id": 0, "fqdn": 1, "upn": 1, "host": 2, "account": 2}
    found = sorted(set(keys), key=lambda key: (order.get(key.partition(":")[0].partition(".")[2], 0), key))
    return entity(*found, role=role, name=name)


NAMES = st.sampled_from(["", "web", "WEB", "web.x", "0a1b2c3d4e5f60718293", "ana"])
ENTITIES = st.one_of(
    st.builds(_entity, st.lists(KEYS, min_size=1, max_size=3), st.sampled_from(sorted(GRADES)), NAMES),
    st.builds(_entity, st.lists(USERS, min_size=1, max_size=3), st.sampled_from(sorted(GRADES)), NAMES),
    st.builds(_entity, st.tuples(OTHERS), st.sampled_from(sorted(GRADES)), NAMES),
)


@st.composite
def alerts(draw: st.DrawFn) -> Outline:
    gathering = Gathering()
    for one in draw(st.lists(ENTITIES, max_size=4)):
        gathering.put(one)
    marked = draw(st.sets(st.sampled_from([one.key for one in gathering.found]))) if gathering.found else set()
    first = draw(st.integers(0, 50))
    return said(
        *gathering.found, title=draw(st.sampled_from(["", "a", "b", "c"])), severity=draw(st.sampled_from(["unknown", "low", "medium", "high"])),
        tactic=draw(st.sampled_from(["", *STAGES])), product=draw(st.sampled_from(["", "P", "Q"])), first=first,
        last=first + draw(st.integers(0, 9)), assets=dict.fromkeys(marked, HIGH),
    )  # fmt: skip


@given(st.lists(alerts(), min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_does_not_matter(outlines: list[Outline], chance: random.Random) -> None:
    wanted = all_of(outlines)
    left = outlines.copy()
    while len(left) > 1:  # any two of them, anywhere
        left.append(together(left.pop(chance.randrange(len(left))), left.pop(chance.randrange(len(left)))))
    assert left == [wanted]
    assert unpacked(packed(wanted)) == wanted
    assert things(unpacked(packed(left[0]))) == things(wanted)


@given(st.lists(alerts(), min_size=1, max_size=6))
@settings(deadline=None)
def test_each_thing_is_named_once(outlines: list[Outline]) -> None:
    found = things(all_of(outlines))
    sure = [key for one in found for key in one.keys[: one.sure]]
    assert len(sure) == len(set(sure))
    for one in outlines:
        for each in one.things:
            assert any(set(each.keys) & set(other.keys) for other in found), "what was named is there"


def test_the_bounds_hold_and_the_weightiest_stay() -> None:
    one = Outline()
    for number in range(100):
        light = [entity(f"user.upn:{number}.{place}@x") for place in range(3)]
        weighty = [entity("device.mde:main", *(f"device.fqdn:{number % 20}.x",), role="attacked")]
        one = together(one, said(*light, *weighty, title=f"t{number}", product=f"P{number}"))
        assert len(one.things) <= MOST_THINGS
        assert len(one.detections) <= MOST_DETECTIONS
        assert len(one.products) <= MOST_PRODUCTS
    assert one.things[0].key == "device.mde:main"
    assert (one.things[0].alerts, len(one.things[0].keys)) == (100, MOST_KEYS)
    assert len(packed(one)) < 20_000
