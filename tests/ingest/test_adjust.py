"""The settings of a tenant: what holds when, what the log says of it, and that what is decided after goes by it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.ingest.test_counting import told

from secgraph.errors import BadBody
from secgraph.ingest.adjust import adjust, adjusted
from secgraph.ingest.assessment.deadlines import Deadlines, deadlines
from secgraph.ingest.correlate.terms import Keeper
from secgraph.model.edm import load
from secgraph.store.registry import Registry

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake


async def change(intake: Intake, **given: Any) -> dict[str, Any]:
    return await adjust(intake.store, intake.tenant.number, given, "test")


async def number(intake: Intake) -> int:
    return (await Keeper(intake.store, intake.door.assets).terms(intake.tenant.number)).number


async def changes(intake: Intake) -> list[tuple[str, str, list[str], str, dict[str, Any]]]:
    found = await intake.store.fetch("events", tenant=intake.tenant.number, after=0, most=1000)
    return [
        (one["kind"], one["id"], json.loads(one["changed"]), one["cause"].partition(" ")[0], json.loads(one["cause"].partition(" ")[2]))
        for one in found if one["entity"] == "correlation"
    ]  # fmt: skip


async def test_what_was_said_holds_and_the_log_has_both_words(intake: Intake) -> None:
    assert (await change(intake, window="36h", few=20))["window"] == "36h"
    assert (await change(intake, window="2d"))["few"] == 20
    found = await change(intake, window=None)
    assert found == await adjusted(intake.store, intake.tenant.number)
    assert (found["window"], found["few"]) == ("5d", 20)
    hour = 36_000_000_000
    assert await changes(intake) == [
        ("updated", "window", ["window"], "test", {"was": None, "is": 36 * hour}), ("updated", "few", ["few"], "test", {"was": None, "is": 20}),
        ("updated", "window", ["window"], "test", {"was": 36 * hour, "is": 48 * hour}), ("updated", "window", ["window"], "test", {"was": 48 * hour, "is": None}),
    ]  # fmt: skip
    terms = await Keeper(intake.store, intake.door.assets).terms(intake.tenant.number)
    assert (terms.settings.window, terms.settings.few) == (120 * hour, 20)


async def test_saying_the_same_again_changes_nothing(intake: Intake) -> None:
    await change(intake, few=20)
    before = await number(intake)
    await change(intake, few=20, crowd=None)
    assert await number(intake) == before
    assert len(await changes(intake)) == 1


@pytest.mark.parametrize("given", [{"few": 20, "windows": "5d"}, {"few": 20, "window": "1y"}, {"few": 20, "crowd": 20}, {"few": 400}])
async def test_what_is_refused_changes_nothing(intake: Intake, given: dict[str, Any]) -> None:
    before = await number(intake)
    with pytest.raises(BadBody):
        await change(intake, **given)
    assert (await number(intake), await changes(intake)) == (before, [])


async def test_alerts_that_come_then_go_by_it(intake: Intake) -> None:
    await intake.take(told(intake, "a", "x"), told(intake, "b", "x"))
    assert len(await intake.incidents()) == 1
    await change(intake, ignored=["user.upn:x@contoso.com", "user.account:x"])
    await intake.take(told(intake, "c", "x", detector="other"))
    assert len(await intake.incidents()) == 2
    await change(intake, ignored=None)
    await intake.take(told(intake, "d", "x"))
    found = {row["title"]: row["incidentId"] for row in await intake.rows()}
    assert found["d"] == found["a"] == found["b"]
    await change(intake, off=True)
    await intake.take(told(intake, "e", "x"))
    assert (await intake.rows(filter="title eq 'e'"))[0]["incidentId"] not in found.values()


async def test_two_at_once_are_one_after_the_other(intake: Intake) -> None:
    """Each is decided on what the other left: no two that contradict each other both hold."""
    done = await asyncio.gather(change(intake, few=300), change(intake, crowd=200), change(intake, window="1d"), return_exceptions=True)
    assert [isinstance(one, BadBody) for one in done].count(True) == 1
    found = await adjusted(intake.store, intake.tenant.number)
    assert found["few"] < found["crowd"]
    assert found["window"] == "1d"


async def test_of_one_tenant_only(intake: Intake) -> None:
    other = await Registry(intake.store, load(), intake.clock).create_tenant("fabrikam")
    await change(intake, few=20)
    assert (await adjusted(intake.store, other.number))["few"] == 12


async def test_due_times_and_settling_are_set_with_the_rest(intake: Intake) -> None:
    assert (await change(intake, dueHigh=8, quiet="60"))["dueHigh"] == 8
    said = {row["name"]: row["value"] for row in await intake.store.fetch("correlation", tenant=intake.tenant.number)}
    assert deadlines(said) == Deadlines(due_high=8, quiet=60)
