"""A query that no index answers ends at its deadline, says why, and holds up nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.errors import TooSlow
from secgraph.model.choices import ALERTS
from secgraph.odata import bind

if TYPE_CHECKING:
    from tests.store.conftest import Ground

SLOW = "evidence/any(e: e/tags/any(t: contains(t,'nowhere'))) and contains(description,'nowhere')"


async def crowded(open_ground: Callable[..., Any], deadline: float) -> Ground:
    ground: Ground = await open_ground(deadline=deadline)
    evidence = [{"@odata.type": "#microsoft.graph.security.userEvidence", "tags": ["a", "b", "c"] * 5}] * 5
    await ground.write(*(ground.put(ground.alert(number, description="x" * 500, evidence=evidence)) for number in range(1_500)))
    return ground


async def test_a_slow_query_is_refused_with_the_names_that_no_index_answers(open_ground: Callable[..., Any]) -> None:
    ground = await crowded(open_ground, 0.002)
    for _ in range(5):  # the first few start on the event loop, the rest go to a thread at once
        with pytest.raises(TooSlow) as refusal:
            await ground.ids(filter=SLOW, orderby="title")
        assert refusal.value.status == 503
        assert refusal.value.headers["Retry-After"] == "30"
        for name in ("evidence", "description", "title"):
            assert name in refusal.value.message
        for name in ("createdDateTime", "severity"):
            assert name in refusal.value.hint
            assert name not in refusal.value.message
    patient: Ground = await open_ground()
    assert len(await patient.ids(filter="severity eq 'unknown'", top="5")) == 5


async def test_a_count_is_under_the_same_deadline(open_ground: Callable[..., Any]) -> None:
    ground = await crowded(open_ground, 0.002)
    query = bind.query(ground.model.sets[ALERTS], {"$filter": SLOW}, ground.model)
    with pytest.raises(TooSlow):
        await ground.store.count(narrow(query, Caller(ground.tenant.number, "", "", "", frozenset())))


async def test_with_time_enough_it_is_answered(open_ground: Callable[..., Any]) -> None:
    ground = await crowded(open_ground, 30.0)
    for _ in range(5):
        assert await ground.ids(filter=SLOW) == []
    assert len(await ground.ids(filter=f"not ({SLOW})", top="1000")) == 1000


async def test_a_slow_query_does_not_hold_up_others(open_ground: Callable[..., Any]) -> None:
    ground = await crowded(open_ground, 30.0)
    slow = [asyncio.ensure_future(ground.ids(filter=f"{SLOW} and title ne '{number}'")) for number in range(6)]
    await asyncio.sleep(0)
    quick = asyncio.ensure_future(ground.ids(top="1"))
    done, _ = await asyncio.wait([*slow, quick], return_when=asyncio.FIRST_COMPLETED)
    assert quick in done
    assert await asyncio.gather(*slow) == [[]] * 6
    await ground.store.close()
