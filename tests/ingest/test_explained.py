"""Why an alert is where it is, put into words and members: what a client cannot easily bring about."""

from __future__ import annotations

from typing import get_args

import pytest

from secgraph import clock
from secgraph.ingest.correlate.explained import WORDS, explained, thing
from secgraph.ingest.correlate.link import Link, Reason
from secgraph.ingest.correlate.pack import as_data, from_data, number
from secgraph.ingest.correlate.place import Placement, Refused, Why

REASON = Reason("ip.public:203.0.113.9", "ip", "203.0.113.9", ("attacker", "attacker"), 0.9, 1.0, 1.44)


def link(one: str, other: str) -> Link:
    return Link(one, other, "shared", 1.44, (REASON,), None, 0, 7)


PLACED = Placement(
    "5", (link("a", "b"), link("c", "a")), ("6",), (Refused(link("a", "d"), "8", "touched"), Refused(link("a", "e"), "9", "span")), "9", ("5", "6")
)


def test_reasons_come_back_as_they_were_kept() -> None:
    kept = ("5", PLACED, ["ip.public:203.0.113.9"])
    assert from_data(as_data(kept)) == kept


def test_each_link_is_told_with_what_became_of_it() -> None:
    items = explained("a", clock.SECOND, as_data(("5", PLACED, ["user.upn:ana@x"])))
    told = [(one["withAlertId"], one["outcome"], one["incidentId"], one["otherIncidentId"], one["why"], one["continues"]) for one in items]
    assert told == [
        ("b", "joined", "5", None, None, False), ("c", "merged", "5", "6", None, False), ("d", "mergeSuggested", "5", "8", "touched", False),
        ("e", "refused", "5", "9", "span", True),
    ]  # fmt: skip
    assert {(one["alertId"], one["snapshot"], one["createdDateTime"], *one["truncated"]) for one in items} == {("a", 7, "1970-01-01T00:00:01.0000000Z", "user.upn:ana@x")}
    assert all(list(one) == list(items[0]) for one in items)
    assert items[2]["sentence"].endswith(f"which counts 1.44. {WORDS['touched']}")


def test_what_was_not_looked_at_is_told_where_nothing_was_found() -> None:
    [item] = explained("a", 0, as_data(("5", Placement(None), ["user.upn:ana@x", "ip.public:203.0.113.9"])))
    assert (item["outcome"], item["withAlertId"], item["entities"], len(item["truncated"])) == ("notLinked", None, [], 2)
    assert "2 things" in item["sentence"]


@pytest.mark.parametrize("why", get_args(Why))
def test_every_refusal_has_words(why: Why) -> None:
    [item] = explained("a", 0, as_data(("5", Placement(None, refused=(Refused(link("b", "a"), "7", why),)), [])))
    assert (item["why"], item["whyInWords"], item["withAlertId"]) == (why, WORDS[why], "b")


@pytest.mark.parametrize(("key", "text"), [(0, "0" * 16), (-1, "f" * 16), (2**63 - 1, "7" + "f" * 15), (-(2**63), "8" + "0" * 15)])
def test_the_id_of_a_thing_is_its_number(key: int, text: str) -> None:
    assert thing(key) == text
    assert int.from_bytes(bytes.fromhex(text), "big", signed=True) == key
    assert len(thing(number("user.upn:ana@x"))) == 16
