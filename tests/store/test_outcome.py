"""What came of writes is told to the loop once for all that were settled together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from secgraph.store.sqlite.outcome import Outcomes


def elsewhere(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


async def test_all_that_is_settled_together_is_told_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, calls = asyncio.get_running_loop(), []
    real = loop.call_soon_threadsafe

    def counted(callback: Callable[..., object], *given: Any) -> asyncio.Handle:
        calls.append(callback)
        return real(callback, *given)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    outcomes = Outcomes(loop)
    some = [outcomes.expected() for _ in range(5)]

    def settle() -> None:
        for number, one in enumerate(some):
            assert one.set_running_or_notify_cancel()
            if number == 3:
                one.set_exception(KeyError("three"))
            else:
                one.set_result(number)

    elsewhere(settle)
    assert [await some[number].future for number in (0, 1, 2, 4)] == [0, 1, 2, 4]
    with pytest.raises(KeyError, match="three"):
        await some[3].future
    assert len(calls) == 1
    later = outcomes.expected()
    elsewhere(lambda: later.set_result("later"))
    assert await later.future == "later"


async def test_who_went_away_is_told_nothing() -> None:
    one = Outcomes(asyncio.get_running_loop()).expected()
    one.future.cancel()
    assert not one.set_running_or_notify_cancel()
    elsewhere(lambda: one.set_result(1))
    await asyncio.sleep(0)
    assert one.future.cancelled()


def test_a_loop_that_was_closed_is_told_nothing() -> None:
    loop = asyncio.new_event_loop()
    one = Outcomes(loop).expected()
    loop.close()
    elsewhere(lambda: one.set_result(1))
    assert not one.future.done()
