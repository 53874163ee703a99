"""One truth out of a seed: the same each time, in the words of the contract, and with everything in it that a reader must survive."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.model.edm import EnumType, load
from secgraph.simulate import Faults, Hand, Scenario
from secgraph.simulate.control import truth_of
from secgraph.simulate.detections import DETECTIONS, ENDPOINT
from secgraph.simulate.truth import Change, state
from secgraph.simulate.words import DETERMINATIONS
from secgraph.simulate.world import World


def whole(scenario: Scenario) -> bytes:
    world = World(scenario, Hand(scenario.end, steady=lambda: 0.0), Faults(), lambda: 0.0)
    return msgspec.json.encode([truth_of(world, one, scenario.end) for one in scenario.organisations])


def test_the_same_seed_is_the_same_truth() -> None:
    assert whole(Scenario(3, days=2)) == whole(Scenario(3, days=2))


def test_another_process_has_the_same_truth() -> None:
    program = (
        "import hashlib; from tests.simulate.test_scenario import whole; from secgraph.simulate import Scenario;"
        "print(hashlib.sha256(whole(Scenario(3, days=2))).hexdigest())"
    )
    digests = set()
    for seed in ("1", "2"):
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": "."}
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)  # noqa: S603 -- this Python
        digests.add(done.stdout)
    assert len(digests) == 1


@pytest.mark.parametrize("other", [{"seed": 4}, {"begin": "2026-03-03T00:00:00Z"}, {"stories": 9}])
def test_another_argument_is_another_truth(other: dict[str, object]) -> None:
    scenario = Scenario(3, days=2)
    assert whole(replace(scenario, **other)) != whole(scenario)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"begin": "yesterday"}, {"days": 0}, {"tenants": 0}, {"stories": -1}, {"people": 0}])
def test_a_scenario_of_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Scenario(1, **wrong)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_what_holds_of_every_life(seed: int) -> None:
    scenario = Scenario(seed, days=3)
    assert len({alert.graph_id for alert in scenario.alerts}) == len(scenario.alerts)
    assert len({alert.native_id for alert in scenario.alerts}) == len(scenario.alerts)
    for alert in scenario.alerts:
        times = [change.at for change in alert.changes]
        assert times == sorted(times)
        assert times[0] == alert.created
        assert alert.first < alert.created
        assert scenario.start < times[0]
        assert times[-1] < scenario.end
        assert state(alert.changes, alert.created - 1) is None
    numbers = [(one.organisation.id, one.number) for one in scenario.incidents]
    assert len(set(numbers)) == len(numbers)
    for alert in scenario.alerts:
        last = state(alert.changes, scenario.end)
        assert last is not None
        if alert.unified:
            assert (alert.organisation.id, last.members["incident"]) in numbers


def test_a_week_has_everything_that_a_reader_must_survive() -> None:
    scenario = Scenario(7, days=7)
    ends = [state(alert.changes, scenario.end) for alert in scenario.alerts]
    lives = [[dict(change.members) for change in alert.changes] for alert in scenario.alerts]
    assert {end.members["status"] for end in ends if end} == {"new", "inProgress", "resolved"}
    assert any(end and len(end.comments) > 1 for end in ends)
    assert any(sum("classification" in change for change in life) > 2 for life in lives), "judged again"
    assert any([change["status"] for change in life if "status" in change][-2:] == ["resolved", "inProgress"] for life in lives), "reopened"
    assert any(change.members.get("redirect") for one in scenario.incidents for change in one.changes), "merged"
    assert any(alert.created - alert.first > 3600 * clock.SECOND for alert in scenario.alerts), "found hours later"
    assert any("severity" in change for life in lives for change in life[1:]), "severer"
    assert any(change.get("known", 0) > life[0]["known"] for life in lives for change in life[1:]), "more evidence"


def test_an_endpoint_id_has_all_of_its_forms() -> None:
    mine = [alert for alert in Scenario(7, days=7).alerts if alert.detection.product == ENDPOINT]
    assert {alert.graph_id[:2] for alert in mine} == {"da", "ed"}
    assert any(alert.graph_id == alert.provider_id for alert in mine), "the classic form is the same everywhere"
    assert any(alert.graph_id[2:] == alert.provider_id for alert in mine), "the newer one is not"
    assert all(alert.native_id == alert.graph_id for alert in mine)


def test_the_words_are_those_of_the_contract() -> None:
    properties = load().struct("microsoft.graph.security.alert").properties

    def words(member: str) -> set[str]:
        kind = properties[member].type
        assert isinstance(kind, EnumType)
        return set(kind.members)

    assert {one.product for one in DETECTIONS} <= words("serviceSource")
    assert {one.source for one in DETECTIONS} <= words("detectionSource")
    assert {one.severity for one in DETECTIONS} <= words("severity")
    assert set(DETERMINATIONS) <= words("determination")


def test_a_state_is_what_its_changes_say() -> None:
    changes = (Change(10, {"status": "new", "severity": "low"}), Change(20, {"status": "resolved"}), Change(30, {"status": "resolved"}))
    now = state(changes, 30)
    assert now is not None
    assert (now.members, now.updated, now.steps) == ({"status": "resolved", "severity": "low"}, 30, 3)
    assert now.stamps == {"status": 20, "severity": 10}, "resolved since it first was"
