"""What the tests' own way to an API does, so that what is said of sources by it holds."""

from __future__ import annotations

import pytest
from tests.sources.web import Canned, reply

from secgraph.errors import Fault
from secgraph.extend import CallFailed, OutcomeUnknown, Web


async def test_answers_come_in_turn_and_the_last_one_stays() -> None:
    web: Web = Canned({"GET https://a/x": (1, {"n": 2}), "GET https://a/x?p=2": b"three"})
    assert [(await web.call("GET", "https://a/x")).status for _ in range(3)] == [1, 200, 200]
    assert (await web.call("GET", "https://a/x", params={"q": "1"})).good() == b'{"n": 2}'
    assert (await web.call("GET", "https://a/x?p=2")).body == b"three"


async def test_what_was_asked_is_kept_and_what_nobody_answers_is_a_fault() -> None:
    web = Canned({"GET https://a/x": lambda call: reply(call.params, 201), "POST https://a/x": OutcomeUnknown("lost")}, origins=("https://a",))
    assert (await web.call("GET", "https://a/x?a=1%202", params={"$filter": "f"})).body == b'{"a": "1 2", "$filter": "f"}'
    with pytest.raises(OutcomeUnknown):
        await web.call("POST", "https://a/x", json={"b": 1}, once=True)
    assert web.asked() == ["f", None]
    assert (web.calls[1].json, web.calls[1].once) == ({"b": 1}, True)
    with pytest.raises(CallFailed, match="no host"):
        await web.call("GET", "https://b/x")
    with pytest.raises(Fault, match="Nobody answers"):
        await web.call("GET", "https://a/y")
