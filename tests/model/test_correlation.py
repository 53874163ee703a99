"""What a tenant can say about correlation: names, values as people write them, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from secgraph import clock
from secgraph.errors import BadBody
from secgraph.ingest.adjust import known, values_of
from secgraph.ingest.assessment.deadlines import MOST_HOURS, MOST_MINUTES, Deadlines
from secgraph.ingest.correlate.settings import Settings
from secgraph.model.correlation import HOUR, MINUTE, WORDS, bounds, chosen, expect_in_order, named, outward, shown

USUAL = values_of({})


def test_every_setting_has_its_words() -> None:
    assert list(WORDS) == [one.name for kind in (Settings, Deadlines) for one in fields(kind)]
    assert (WORDS["due_high"].most, WORDS["quiet"].most) == (MOST_HOURS, MOST_MINUTES)
    assert {outward(name) for name in WORDS} >= {"off", "window", "mostWorth", "mostPostings"}


@pytest.mark.parametrize("name", WORDS)
def test_the_default_can_be_said(name: str) -> None:
    written = shown(USUAL)[outward(name)]
    assert chosen({name: written}) == {name: USUAL[name] if name != "ignored" else []}
    assert chosen({name: None}) == {name: None}
    assert bounds(name)


@pytest.mark.parametrize(("given", "name"), [
    ("window", "window"), ("WINDOW", "window"), ("mostAlerts", "most_alerts"), ("most_alerts", "most_alerts"), ("most-alerts", "most_alerts"),
])  # fmt: skip
def test_names(given: str, name: str) -> None:
    assert named(given) == name


@pytest.mark.parametrize(("name", "given", "value", "again"), [
    ("window", "36h", 36 * HOUR, "36h"), ("window", "48h", 2 * clock.DAY, "2d"), ("window", " 1d 12H ", 36 * HOUR, "36h"), ("window", "90m", 90 * MINUTE, "90m"),
    ("due_high", 0, 0, 0), ("dueInformational", "48", 48, 48), ("quiet", 5, 5, 5), ("most_span", "30d", 30 * clock.DAY, "30d"), ("few", 5, 5, 5), ("few", "20", 20, 20), ("threshold", "1.5", 1.5, 1.5), ("threshold", 2, 2.0, 2.0),
    ("off", True, True, True), ("off", "yes", True, True), ("off", "False", False, False),
    ("ignored", "ip.public:198.51.100.7", ["ip.public:198.51.100.7"], ["ip.public:198.51.100.7"]),
    ("ignored", ["user.upn:b@x", "user.upn:a@x", "user.upn:b@x"], ["user.upn:a@x", "user.upn:b@x"], ["user.upn:a@x", "user.upn:b@x"]),
])  # fmt: skip
def test_values(name: str, given: Any, value: Any, again: Any) -> None:
    assert chosen({name: given}) == {named(name): value}
    assert shown({**USUAL, named(name): value})[outward(named(name))] == again


@pytest.mark.parametrize(("given", "said"), [
    ({"windows": "5d"}, "windows: is no setting of correlation. Settings: off, window, threshold"),
    ({"mostAlerts": 10, "most_alerts": 10}, "mostAlerts: is said twice."),
    ({"window": "5"}, "window: is a time such as 5d, 36h, 90m or 1d12h. It may be 10m to 30d."),
    ({"window": 5}, "window: is a time"), ({"window": ""}, "window: is a time"), ({"window": "-5d"}, "window: is a time"), ({"window": "5w"}, "window: is a time"),
    ({"window": "31d"}, "window: cannot be 31d. It may be 10m to 30d."), ({"window": "9m"}, "window: cannot be 9m."), ({"most_span": "0d"}, "mostSpan: cannot be 0d."),
    ({"quiet": 0}, "quiet: cannot be 0. It may be 1 to 10000."), ({"few": 4}, "few: cannot be 4. It may be 5 to 100000."), ({"few": "five"}, "few: is a whole number."), ({"few": True}, "few: is a whole number."),
    ({"few": 5.5}, "few: is a whole number."), ({"few": "\u0665"}, "few: is a whole number."), ({"mostPostings": 257}, "mostPostings: cannot be 257."),
    ({"threshold": "nan"}, "threshold: cannot be nan."), ({"threshold": 0}, "threshold: cannot be 0."), ({"threshold": "inf"}, "threshold: cannot be inf."),
    ({"threshold": True}, "threshold: is a number."), ({"threshold": []}, "threshold: is a number."), ({"threshold": 10**400}, "threshold: is a number."),
    ({"off": "perhaps"}, "off: is true or false."), ({"off": 1}, "off: is true or false."),
    ({"ignored": {}}, "ignored: is a list of up to 500 keys."), ({"ignored": [1]}, "ignored/0: is not the key of a thing."),
    ({"ignored": ["198.51.100.7"]}, "ignored/0: is not the key of a thing. A key is written as type.kind:value"),
    ({"ignored": ["ip.public:" + "1" * 200]}, "ignored/0: is not"), ({"ignored": [f"user.upn:{place}" for place in range(501)]}, "ignored: is a list of up to 500 keys."),
    ({"ignored": ["user.nickname:bob"]}, "ignored: user.nickname:bob is not the key of a thing: nothing is named by user.nickname."),
])  # fmt: skip
def test_what_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadBody) as refused:
        known(given)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(("values", "said"), [
    ({"few": 400}, "few: is 400, which is not less than crowd, 400. Set both so that few is the smaller one."),
    ({"crowd": 12}, "few: is 12, which is not less than crowd, 12."), ({"seldom": 0.1}, "seldom: is 0.1, which is not less than always, 0.08."),
])  # fmt: skip
def test_what_contradicts(values: dict[str, Any], said: str) -> None:
    expect_in_order(USUAL)
    with pytest.raises(BadBody) as refused:
        expect_in_order({**USUAL, **values})
    assert str(refused.value).startswith(said)
