"""Changes go back to the product that owns the alert: taken, refused, lost on the way, overtaken, and never heard twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.consumers.conftest import ALERTS, Desk, Ground

from secgraph.consumers.writeback import Carrier
from secgraph.errors import Fault
from secgraph.ingest.back import STATES
from secgraph.ingest.feeds.feeds import Said
from secgraph.model.edm import load
from secgraph.outbound.waiting import Time
from secgraph.sourcing import do_pulls
from secgraph.store.facts import Needs
from secgraph.store.fence import Fenced
from secgraph.store.protocol import Decision, Fence, Remove, Store
from secgraph.testing import graph_alert

SAID = {"status": "resolved", "classification": "truePositive", "determination": "malware", "assignedTo": "ana@contoso.com"}


class Dying(Fenced):
    """A store of a process that ends before it writes what became of a change."""

    async def run(self, *steps: tuple[str, dict[str, Any]], fence: Fence | None = None) -> None:
        if any(name == "write_back_told" for name, _ in steps):
            raise Fault("killed")
        await super().run(*steps, fence=fence)


class Cut(Fenced):
    """A store of a process that ends at its n-th write, just before it or just after."""

    def __init__(self, store: Store, fence: Fence, place: int, *, after: bool) -> None:
        super().__init__(store, fence)
        self.left = place
        self._after = after

    async def run(self, *steps: tuple[str, dict[str, Any]], fence: Fence | None = None) -> None:
        self.left -= 1
        if self.left < 0 and not self._after:
            raise Fault("killed")
        await super().run(*steps, fence=fence)
        if self.left < 0:
            raise Fault("killed")


@pytest.mark.parametrize("kind", ["graph", "mde"])
async def test_what_is_accepted_is_there_and_its_echo_is_silent(desk: Desk, kind: str) -> None:
    name = await desk.add(kind)
    await desk.pull(name)
    view = desk.views(kind, status="new")[0]
    key = await desk.alert(kind, view)
    assert await desk.states(key, name) == {}
    await desk.change(key, **SAID)
    await desk.comment(key, "Seen it.", "Closed it.")
    assert await desk.states(key, name) == dict.fromkeys([*SAID, "comments"], "pending")
    assert await desk.carry(name)
    assert await desk.states(key, name) == dict.fromkeys([*SAID, "comments"], "accepted")
    told: dict[str, Any] = {}
    for one in desk.writes():
        told |= one["members"]
    assert told == SAID
    assert [one["comment"] for one in desk.writes() if one["comment"]] == ["Seen it.", "Closed it."]
    assert {one["through"] for one in desk.writes()} == {kind}
    before, shown = await desk.events(), await desk.graph.get(f"{ALERTS}/{key}")
    for _ in range(2):
        await desk.pull(name)
        assert (await desk.events(), await desk.graph.get(f"{ALERTS}/{key}")) == (before, shown)
    count = len(desk.writes())
    assert await desk.carry(name)
    assert len(desk.writes()) == count, "it goes once"


async def reasons(desk: Desk, key: str, name: str) -> dict[str, Any]:
    [one] = [one for one in await desk.sources(key) if one["source"] == name]
    return {part["name"]: part["reason"] for part in one["writeBack"]["members"]}


async def made(desk: Desk, kind: str, **members: Any) -> tuple[str, str]:
    """A source that was pulled, and an alert of it."""
    name = await desk.add(kind)
    await desk.pull(name)
    return name, await desk.alert(kind, desk.views(kind, **{"status": "new", **members})[0])


def again(desk: Desk) -> None:
    """So much later that what failed is tried again."""
    desk.faults()
    desk.simulator.clock.advance(60 * 10_000_000)


async def test_cloud_apps_closes_and_opens_nothing_again(desk: Desk) -> None:
    name, key = await made(desk, "mcas")
    await desk.change(key, status="resolved", classification="falsePositive", assignedTo="ana@contoso.com")
    await desk.comment(key, "A test of ours.", "Told the team.")
    assert await desk.carry(name)
    assert await desk.states(key, name) == {
        "status": "accepted", "classification": "accepted", "assignedTo": "refused", "comments": "accepted",
    }  # fmt: skip
    assert (await reasons(desk, key, name))["assignedTo"] == "sources of the kind mcas carry no assignedTo"
    [told] = desk.writes()
    assert told == {"through": "cloudapps", "members": {"status": "resolved", "classification": "falsePositive"},
                    "comment": "A test of ours.\nTold the team."}  # fmt: skip
    before, shown = await desk.events(), await desk.graph.get(f"{ALERTS}/{key}")
    await desk.pull(name)
    assert (await desk.events(), await desk.graph.get(f"{ALERTS}/{key}")) == (before, shown), "both comments came back as one"
    await desk.change(key, status="new")
    assert await desk.carry(name)
    assert (await desk.states(key, name))["status"] == "refused"
    assert "cannot open an alert again" in (await reasons(desk, key, name))["status"]
    assert (await desk.graph.get(f"{ALERTS}/{key}"))["status"] == "new", "the decision stands"
    assert len(desk.writes()) == 1
    await desk.pull(name)
    assert (await desk.graph.get(f"{ALERTS}/{key}"))["status"] == "new", "the product says nothing new"


async def test_what_was_refused_goes_with_what_it_needs(desk: Desk) -> None:
    name, key = await made(desk, "mcas")
    await desk.change(key, classification="truePositive")
    await desk.comment(key, "It was real.")
    assert await desk.carry(name)
    assert await desk.states(key, name) == {"classification": "refused", "comments": "refused"}
    await desk.change(key, status="resolved")
    assert await desk.carry(name)
    assert await desk.states(key, name) == dict.fromkeys(("classification", "comments", "status"), "accepted")
    [told] = desk.writes()
    assert told["comment"] == "It was real."


@pytest.mark.parametrize("kind", ["graph", "mde"])
async def test_an_answer_that_is_lost_is_asked_for_before_anything_is_sent_again(desk: Desk, kind: str) -> None:
    name, key = await made(desk, kind)
    desk.faults(cut=1)
    await desk.comment(key, "Only once.")
    assert not await desk.carry(name)
    assert await desk.states(key, name) == {"comments": "unknown"}
    assert "not known" in (await reasons(desk, key, name))["comments"]
    assert len(desk.writes()) == 1
    again(desk)
    assert await desk.carry(name)
    assert await desk.states(key, name) == {"comments": "accepted"}
    assert len(desk.writes()) == 1


@pytest.mark.parametrize("kind", ["graph", "mde", "mcas"])
async def test_what_did_not_arrive_is_sent_again(desk: Desk, kind: str) -> None:
    name, key = await made(desk, kind)
    desk.faults(failed=1)
    await desk.change(key, status="resolved", classification="truePositive")
    if kind != "mcas":  # which is asked first how the alert stands
        assert not await desk.carry(name)
        assert set((await desk.states(key, name)).values()) == {"unknown"}
    again(desk)
    assert await desk.carry(name)
    assert await desk.carry(name)
    assert await desk.states(key, name) == {"status": "accepted", "classification": "accepted"}
    assert len(desk.writes()) == 1


@pytest.mark.parametrize("kind", ["graph", "mde", "mcas"])
async def test_a_process_that_is_killed_between_the_answer_and_its_commit_tells_nothing_twice(ground: Ground, kind: str) -> None:
    async with ground.desk() as desk:
        name, key = await made(desk, kind)
        await desk.change(key, status="resolved", classification="truePositive")
        await desk.comment(key, "Only once.")
        inner = desk.graph.core
        dying = Dying(inner.store, await desk.under_lease(name))
        with pytest.raises(Fault, match="killed"):
            await desk.carry(name, Carrier(dying, inner.feeds, inner.ways, Time(inner.now)))
        count = len(desk.writes())
        assert count
        assert set((await desk.states(key, name)).values()) == {"unknown"}
    async with ground.desk() as desk:
        assert set((await desk.states(key, name)).values()) == {"unknown"}
        desk.simulator.clock.advance(10**9)
        assert await desk.carry(name)
        assert set((await desk.states(key, name)).values()) == {"accepted"}
        assert len(desk.writes()) == count


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["graph", "mde", "mcas"])
async def test_wherever_it_is_cut_off_all_of_it_is_told_and_no_comment_twice(desk: Desk, kind: str, *, after: bool) -> None:
    name = await desk.add(kind)
    await desk.pull(name)
    inner = desk.graph.core
    cut = 0
    for place, view in enumerate(desk.views(kind, status="new")[:6]):
        key = await desk.alert(kind, view)
        await desk.change(key, status="inProgress")
        await desk.change(key, status="resolved", classification="truePositive")
        await desk.comment(key, f"First of {place}.", f"Second of {place}.")
        store = Cut(inner.store, await desk.under_lease(name), place, after=after)
        try:
            await desk.carry(name, Carrier(store, inner.feeds, inner.ways, Time(inner.now)))
        except Fault:
            cut += 1
        assert await desk.carry(name)
        assert set((await desk.states(key, name)).values()) == {"accepted"}
        told = [one for one in desk.simulator.world.writes if one["id"] == view.alert.native_id]
        comments = [line for one in told if one["comment"] for line in one["comment"].split("\n")]
        assert comments == [f"First of {place}.", f"Second of {place}."]
        assert {value for one in told for value in one["members"].values()} >= {"resolved", "truePositive"}
        assert "inProgress" not in [one["members"].get("status") for one in told]
    assert cut >= 3


async def test_a_newer_word_of_the_product_wins_and_the_other_is_kept(desk: Desk) -> None:
    name, key = await made(desk, "graph")
    view = next(one for one in desk.views("graph") if key.endswith(one.alert.graph_id))
    await desk.change(key, status="resolved", assignedTo="ana@contoso.com")
    desk.simulator.clock.advance(10_000_000)
    desk.simulator.world.write(view, {"status": "inProgress"}, None, "somebody", "portal")
    await desk.pull(name)
    assert (await desk.graph.get(f"{ALERTS}/{key}"))["status"] == "inProgress"
    assert await desk.states(key, name) == {"status": "superseded", "assignedTo": "pending"}
    [part] = [part for part in (await desk.sources(key))[0]["writeBack"]["members"] if part["name"] == "status"]
    assert (part["value"], part["reason"]) == ("resolved", "changed since by source:graph")
    assert await desk.carry(name)
    assert [one["members"] for one in desk.writes() if one["through"] != "portal"] == [{"assignedTo": "ana@contoso.com"}]
    await desk.pull(name)
    shown = await desk.graph.get(f"{ALERTS}/{key}")
    assert (shown["status"], shown["assignedTo"]) == ("inProgress", "ana@contoso.com")


async def test_what_comes_back_of_an_earlier_decision_does_not_undo_the_later_one(desk: Desk) -> None:
    name, key = await made(desk, "graph")
    await desk.change(key, status="inProgress")
    desk.faults(skew=45)  # the product's clock is ahead: it seems to have said so after what follows
    assert await desk.carry(name)
    await desk.change(key, status="resolved")
    await desk.pull(name)
    assert (await desk.graph.get(f"{ALERTS}/{key}"))["status"] == "resolved"
    assert await desk.states(key, name) == {"status": "pending"}
    assert await desk.carry(name)
    await desk.pull(name)
    assert (await desk.graph.get(f"{ALERTS}/{key}"))["status"] == "resolved"
    view = next(one for one in desk.views("graph") if key.endswith(one.alert.graph_id))
    for status in ("new", "resolved", "inProgress"):  # its own word, though it was told the same before
        desk.simulator.clock.advance(10_000_000)
        desk.simulator.world.write(view, {"status": status}, None, "somebody", "portal")
        await desk.pull(name)
        assert (await desk.graph.get(f"{ALERTS}/{key}"))["status"] == status


async def test_of_several_doors_one_is_used(desk: Desk) -> None:
    for name in ("mde", "graph"):
        await desk.add(name)
        await desk.pull(name)
    view = desk.views("mde", status="new")[0]
    key = await desk.alert("mde", view)
    assert [one["source"] for one in await desk.sources(key)] == ["graph", "mde"]
    await desk.change(key, status="inProgress")
    assert await desk.states(key, "graph") == {"status": "pending"}
    assert await desk.states(key, "mde") == {}
    assert await desk.carry("mde")
    assert await desk.carry("graph")
    assert [one["through"] for one in desk.writes()] == ["graph"]
    before = await desk.events()
    for name in ("mde", "graph"):
        await desk.pull(name)
    assert await desk.events() == before, "both tell of it, and it is no news"
    await desk.change(key, classification="truePositive")
    await desk.graph.core.feeds.change(desk.graph.tenant, "graph", Said({"write_back": "off"}))
    assert await desk.states(key, "graph") == {"status": "accepted", "classification": "refused"}
    await desk.change(key, status="resolved")
    assert await desk.carry("mde")
    assert [(one["through"], one["members"]) for one in desk.writes()][1:] == [("mde", {"status": "resolved"})]


async def test_who_hands_in_is_told_nothing(desk: Desk) -> None:
    await desk.add("mde")
    await desk.graph.core.feeds.add(desk.graph.tenant, "graph", "tickets", Said({}, road="push"))
    for source in ("graph", "tickets"):
        await desk.graph.hand_in(source, graph_alert(1))
    [key] = await desk.graph.ids(ALERTS)
    await desk.change(key, status="resolved")
    assert [(one["source"], one["kind"], one["writeBack"]) for one in await desk.sources(key)] == [
        ("graph", "graph", None), ("tickets", "graph", None),
    ]  # fmt: skip


async def test_what_goes_down_from_an_incident_goes_back_as_well(desk: Desk) -> None:
    name, key = await made(desk, "graph")
    incident = (await desk.graph.get(f"{ALERTS}/{key}"))["incidentId"]
    answer = await desk.graph.ask("PATCH", f"security/incidents/{incident}", json={"status": "resolved", "classification": "truePositive"})
    assert answer.status_code == 200
    assert await desk.states(key, name) == {"status": "pending", "classification": "pending"}
    assert await desk.carry(name)
    assert await desk.states(key, name) == {"status": "accepted", "classification": "accepted"}


async def test_older_alerts_go_back_as_well(desk: Desk) -> None:
    name, key = await made(desk, "graph")
    answer = await desk.graph.ask("PATCH", f"security/alerts/{key}", json={"status": "inProgress", "comments": ["Closed in IPC"]})
    assert answer.status_code == 204, answer.text
    body = {"value": [{"id": key, "assignedTo": "bo@contoso.com"}]}
    answer = await desk.graph.ask("POST", "/beta/security/alerts/updateAlerts", json=body)
    assert answer.status_code == 200, answer.text
    assert await desk.carry(name)
    assert await desk.states(key, name) == dict.fromkeys(("status", "comments", "assignedTo"), "accepted")
    assert desk.writes()[0]["members"] == {"status": "inProgress", "assignedTo": "bo@contoso.com"}


async def test_the_last_value_goes_and_the_ones_before_it_do_not(desk: Desk) -> None:
    name, key = await made(desk, "mde")
    for status in ("inProgress", "new", "resolved"):
        await desk.change(key, status=status)
    assert await desk.carry(name)
    assert [one["members"] for one in desk.writes()] == [{"status": "resolved"}]
    rows = await desk.graph.core.store.fetch("write_backs_of", tenant=desk.tenant, alert=key)
    assert [STATES[row["state"]] for row in rows] == ["superseded", "superseded", "accepted"]


async def test_a_product_that_does_not_answer_is_told_later_and_in_the_end_not_at_all(desk: Desk) -> None:
    name, key = await made(desk, "mde")
    await desk.change(key, status="resolved")
    desk.faults(throttled=1)
    assert not await desk.carry(name)
    assert await desk.states(key, name) == {"status": "pending"}
    calls = desk.simulator.calls["mde 429"]
    assert await desk.carry(name)
    assert desk.simulator.calls["mde 429"] == calls, "it is left alone for a while"
    desk.simulator.clock.advance(4 * 86_400 * 10_000_000)
    await desk.graph.sign_in()
    assert not await desk.carry(name)
    assert await desk.states(key, name) == {"status": "refused"}
    assert "gave up after 3 days" in (await reasons(desk, key, name))["status"]
    desk.faults()
    retry = {"tenant": desk.tenant, "source": name, "now": desk.graph.core.now(), "comments": "comments"}
    await desk.graph.core.store.run(("write_backs_retry", retry))
    assert await desk.carry(name)
    assert await desk.states(key, name) == {"status": "accepted"}


async def test_an_alert_that_the_product_does_not_know_is_refused(desk: Desk) -> None:
    name = await desk.add("graph")
    await desk.graph.hand_in(name, graph_alert(1))
    [key] = await desk.graph.ids(ALERTS)
    await desk.change(key, status="resolved")
    assert await desk.carry(name)
    assert await desk.states(key, name) == {"status": "refused"}
    assert "404" in (await reasons(desk, key, name))["status"]


async def health(desk: Desk, name: str) -> dict[str, Any]:
    """What the health of a source says of changes on their way to it."""
    await desk.graph.sign_in()
    shown = await desk.graph.get(f"security/sources/{name}")
    assert shown["state"] == "healthy", "that it is asked is another matter"
    names = ("pendingChanges", "pendingReason", "refusedChanges", "lastRefusalReason", "lastRefusalDateTime")
    return {one: shown[one] for one in names}


NOTHING = {"pendingChanges": 0, "pendingReason": None, "refusedChanges": 0, "lastRefusalReason": None, "lastRefusalDateTime": None}


@pytest.mark.parametrize("kind", ["graph", "mde", "mcas"])
async def test_what_is_refused_is_seen_in_the_health_of_its_source(desk: Desk, kind: str) -> None:
    org = desk.simulator.scenario.organisations[0]
    name = await desk.add(kind, client_id=org.reader_id, client_secret=org.reader_secret)
    await desk.pull(name)
    key = await desk.alert(kind, desk.views(kind, status="new")[0])
    assert await health(desk, name) == NOTHING
    await desk.change(key, status="resolved", classification="truePositive")
    await desk.comment(key, "Seen.")
    assert await health(desk, name) == {**NOTHING, "pendingChanges": 3}
    assert await desk.carry(name)
    said = await health(desk, name)
    assert (said["pendingChanges"], said["refusedChanges"]) == (0, 3)
    assert "403" in said["lastRefusalReason"]
    assert said["lastRefusalDateTime"] is not None
    assert (await desk.graph.get(f"{ALERTS}/{key}"))["status"] == "resolved", "the decision stands"
    assert desk.writes() == []
    await desk.graph.core.feeds.change(desk.graph.tenant, name, Said({"client_id": org.client_id, "client_secret": org.client_secret}))
    await desk.change(key, status="resolved", classification="falsePositive")
    assert await desk.carry(name)
    assert await health(desk, name) == NOTHING, "what was refused went along, and what was set again is over"


async def test_a_product_that_cannot_be_reached_is_seen_there_too(desk: Desk) -> None:
    name, key = await made(desk, "mde")
    await desk.change(key, status="resolved")
    desk.faults(throttled=1)
    assert not await desk.carry(name)
    said = await health(desk, name)
    assert (said["pendingChanges"], said["refusedChanges"]) == (1, 0)
    assert "answered 429" in said["pendingReason"]
    desk.simulator.clock.advance(4 * 86_400 * 10_000_000)
    assert not await desk.carry(name)
    said = await health(desk, name)
    assert (said["pendingChanges"], said["pendingReason"], said["refusedChanges"]) == (0, None, 1)
    assert "gave up after 3 days" in said["lastRefusalReason"]
    again(desk)
    await desk.graph.sign_in()
    await desk.change(key, status="inProgress")
    assert await desk.carry(name)
    assert await health(desk, name) == NOTHING


async def test_an_alert_that_goes_takes_its_queue_along_and_a_source_that_goes_ends_its(desk: Desk) -> None:
    name, key = await made(desk, "graph")
    others = [one for one in await desk.graph.ids(ALERTS) if one != key]
    await desk.change(key, status="resolved")
    await desk.change(others[0], assignedTo="cy@contoso.com")
    gone = Remove(load().sets[ALERTS], key, cause="retention")
    await desk.graph.core.store.write(desk.tenant, Needs(), lambda _: Decision([gone], None))
    await desk.graph.core.feeds.remove(desk.graph.tenant, name)
    rows = await desk.graph.core.store.fetch("write_backs_by", tenant=desk.tenant, source=name, finished=1, most=10)
    assert [(row["alert"], STATES[row["state"]], row["reason"]) for row in rows] == [
        (others[0], "refused", "the source was removed before it was carried out"),
    ]  # fmt: skip


async def accepted(desk: Desk, key: str, name: str) -> None:
    while (await desk.states(key, name))["status"] != "accepted":  # noqa: ASYNC110 -- what is waited for is in other tasks' hands
        await asyncio.sleep(0.02)


async def test_it_all_happens_by_itself(desk: Desk) -> None:
    name, key = await made(desk, "graph")
    await desk.change(key, status="resolved")

    async def sleep(_: float) -> None:
        await asyncio.sleep(0.02)

    time = Time(desk.graph.core.now, sleep=sleep, chance=lambda: 0.5)
    await desk.give_up(name)
    working = asyncio.create_task(do_pulls(desk.graph.core, renew=0.2, look=0.05, time=time))
    try:
        async with asyncio.timeout(20):
            await accepted(desk, key, name)
            await desk.graph.core.feeds.pause(desk.graph.tenant, name)
            await asyncio.sleep(0.5)
            await desk.change(key, status="new")
            await asyncio.sleep(0.5)
            assert (await desk.states(key, name))["status"] == "pending", "a source that rests tells nothing"
            await desk.graph.core.feeds.pause(desk.graph.tenant, name, paused=False)
            await accepted(desk, key, name)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert [one["members"] for one in desk.writes()] == [{"status": "resolved"}, {"status": "new"}]
