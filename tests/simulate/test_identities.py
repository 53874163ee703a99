"""Defender for Identity: lists without an update clock, whose objects change all the same."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulate.conftest import SCENARIO, Caller, Make

from secgraph.clock import DAY
from secgraph.model.edm import EnumType, load
from secgraph.simulate import Faults

BASE = "/graph/v1.0/security/identities"
LISTS = {"identityAccounts": "identityAccounts", "healthIssues": "healthIssue", "sensors": "sensor"}


@pytest.mark.parametrize("name", LISTS)
async def test_pages_hold_every_object_once_and_each_is_there_by_its_id(make: Make, name: str) -> None:
    caller = make(page=3)
    pages = await caller.pages(f"{BASE}/{name}")
    found = [item for page in pages for item in page]
    assert len(pages) > 2
    assert found == await caller.truth(name)
    assert len({one["id"] for one in found}) == len(found)
    one = await caller.get(f"{BASE}/{name}/{found[-1]['id'].upper()}")
    assert {key: value for key, value in one.items() if key != "@odata.context"} == found[-1]
    assert (await caller.call("GET", f"{BASE}/{name}/nobody")).status_code == 404


@pytest.mark.parametrize(("name", "kind"), LISTS.items())
async def test_an_object_has_the_members_and_words_of_the_contract(caller: Caller, name: str, kind: str) -> None:
    type_ = load().struct(f"microsoft.graph.security.{kind}")
    for one in await caller.truth(name):
        assert one.keys() == {member for member, item in type_.properties.items() if not item.navigation}
        for member, value in one.items():
            item = type_.properties[member].type
            assert not isinstance(item, EnumType) or value in item.members, (member, value)


@pytest.mark.parametrize(("name", "changes"), [("identityAccounts", "isEnabled"), ("healthIssues", "status"), ("sensors", "healthStatus")])
async def test_objects_change_over_the_week(make: Make, name: str, changes: str) -> None:
    caller = make()
    seen: dict[str, set[Any]] = {}
    for day in range(8):
        caller.simulator.clock.set(SCENARIO.start + day * DAY)
        for one in await caller.truth(name):
            seen.setdefault(one["id"], set()).add(one[changes])
    assert any(len(values) > 1 for values in seen.values())


@pytest.mark.parametrize(("name", "text", "test"), [
    ("healthIssues", "status eq 'open' and severity eq 'medium'", lambda one: (one["status"], one["severity"]) == ("open", "medium")),
    ("healthIssues", "Status eq 'closed'", lambda one: one["status"] == "closed"),
    ("sensors", "healthStatus ne 'healthy'", lambda one: one["healthStatus"] != "healthy"),
])  # fmt: skip
async def test_a_filter_is_obeyed(caller: Caller, name: str, text: str, test: Any) -> None:
    expected = [one for one in await caller.truth(name) if test(one)]
    assert expected, "the case shows nothing"
    assert (await caller.get(f"{BASE}/{name}?$filter={text}"))["value"] == expected


async def test_a_sensor_is_as_ill_as_its_worst_open_issue(caller: Caller) -> None:
    issues, ill = await caller.truth("healthIssues"), 0
    for sensor in await caller.truth("sensors"):
        [name] = sensor["settings"]["domainControllerDnsNames"]
        mine = [one["severity"] for one in issues if name in one["sensorDNSNames"] and one["status"] == "open"]
        assert sensor["openHealthIssuesCount"] == len(mine)
        worst = next((word for word in ("high", "medium", "low") if word in mine), None)
        assert sensor["healthStatus"] == ("healthy" if worst is None else f"notHealthy{worst.capitalize()}")
        ill += bool(mine)
    assert ill


async def test_a_change_may_be_shown_late_and_is_true_at_once(make: Make) -> None:
    caller, late = make(faults=Faults(late=1, late_seconds=86400)), 0
    for hour in range(0, 7 * 24, 6):
        caller.simulator.clock.set(SCENARIO.start + hour * DAY // 24)
        late += [page for pages in await caller.pages(f"{BASE}/healthIssues") for page in pages] != await caller.truth("healthIssues")
    assert late > 3


async def test_who_has_no_permission_is_refused(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from secgraph.simulate import login  # noqa: PLC0415 -- its table is what is changed

    roles = tuple(role for role in login.ROLES["https://graph.microsoft.com"] if "Sensors" not in role)
    monkeypatch.setitem(login.ROLES, "https://graph.microsoft.com", roles)
    assert (await caller.call("GET", f"{BASE}/sensors")).status_code == 403
    assert (await caller.call("GET", f"{BASE}/healthIssues")).status_code == 200
