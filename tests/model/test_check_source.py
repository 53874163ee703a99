"""A source is believed as far as it can be, and what comes out is canonical whatever came in."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from secgraph import clock
from secgraph.model import check, value, wire
from secgraph.model.edm import Model, StructType

SPACE = "microsoft.graph.security"
CREATED = "2026-01-31T09:00:00.0000000Z"
USER = f"#{SPACE}.userEvidence"
Filled = Callable[[StructType], dict[str, Any]]


def taken(model: Model, kind: str, value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    record, notes = check.from_source(model.struct(f"{SPACE}.{kind}"), value, CREATED)
    return record, dict(notes)


# kind, member, given, stored, the note that tells of it ("" for none)
TAKEN = [
    ("alert", "title", "Zoë", "Zoë", ""),
    ("alert", "title", 5, "5", ""),
    ("alert", "title", True, "true", ""),
    ("alert", "title", {"a": 1}, None, "not text"),
    ("alert", "title", ["a"], None, "not text"),
    ("alert", "title", None, None, ""),
    ("alert", "severity", "High", "high", ""),
    ("alert", "severity", " high ", "high", ""),
    ("alert", "severity", "critical", "unknown", "alertSeverity has no member 'critical'"),
    ("alert", "severity", 4, "unknown", "alertSeverity has no member of type int"),
    ("alert", "severity", None, "unknown", ""),
    ("alert", "severity", "unknownFutureValue", "unknownFutureValue", ""),
    ("alert", "serviceSource", "microsoftSentinel", "microsoftSentinel", ""),
    ("alert", "classification", None, None, ""),
    ("alert", "determination", "CompromisedUser", "compromisedAccount", ""),
    ("vmMetadata", "cloudProvider", "amazon2", "unknown", "vmCloudProvider has no member 'amazon2'"),
    ("kubernetesServiceEvidence", "serviceType", "nope", "unknown", "kubernetesServiceType has no member 'nope'"),
    ("alert", "createdDateTime", "2026-01-31T09:00:00+01:00", "2026-01-31T08:00:00.0000000Z", ""),
    ("alert", "createdDateTime", "2026-01-31T09:00:00", "2026-01-31T09:00:00.0000000Z", ""),
    ("alert", "createdDateTime", "2026-01-31 09:00", "2026-01-31T09:00:00.0000000Z", ""),
    ("alert", "createdDateTime", "yesterday", None, "not a time"),
    ("alert", "createdDateTime", 1_700_000_000, None, "not a time"),
    ("processEvidence", "processId", "12", 12, ""),
    ("processEvidence", "processId", 12, 12, ""),
    ("processEvidence", "processId", 2**63, None, "not a whole number"),
    ("processEvidence", "processId", "0x12", None, "not a whole number"),
    ("processEvidence", "processId", math.nan, None, "not a whole number"),
    ("processEvidence", "processId", math.inf, None, "not a whole number"),
    ("processEvidence", "processId", [], None, "not a whole number"),
    ("networkConnectionEvidence", "sourcePort", 2**31, None, "not a whole number"),
    ("kubernetesServicePort", "port", "many", 0, "not a whole number"),
    ("geoLocation", "latitude", "1.5", 1.5, ""),
    ("geoLocation", "latitude", 2, 2.0, ""),
    ("geoLocation", "latitude", 10**400, None, "not a number"),
    ("geoLocation", "latitude", "nan", None, "not a number"),
    ("containerEvidence", "isPrivileged", "True", True, ""),
    ("containerEvidence", "isPrivileged", 0, False, ""),
    ("containerEvidence", "isPrivileged", "maybe", False, "not true or false"),
    ("teamsMessageEvidence", "owningTenantId", "{AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE}", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", ""),
    ("teamsMessageEvidence", "owningTenantId", "none", None, "not a GUID"),
    ("alert", "systemTags", ["a", None, {"x": 1}, 5], ["a", "5"], "not text"),
    ("alert", "systemTags", "a", ["a"], ""),
    ("alert", "systemTags", None, [], ""),
    ("alert", "comments", [5], [], "not an object"),
    ("userEvidence", "roles", "compromised, Attacked, odd", ["compromised", "attacked", "unknown"],
     "evidenceRole has no member ' odd'"),
    ("userEvidence", "userAccount", "bob", None, "not an object"),
    ("userEvidence", "userAccount", None, None, ""),
    ("alert", "additionalData", {"a": math.inf, "b": 2**70, "c": [True, None]}, {"a": None, "b": str(2**70), "c": [True, None]}, ""),
    ("alert", "additionalData", "text", None, "not an object"),
    ("alert", "nope", 5, ..., "alert has no member 'nope'"),
    ("alert", "severity@odata.type", "#x", ..., ""),
    ("alert", "@odata.id", "https://x", ..., ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "given", "stored", "note"), TAKEN)
def test_a_value_of_a_source(model: Model, kind: str, name: str, given: Any, stored: Any, note: str) -> None:
    record, notes = taken(model, kind, {name: given})
    if stored is ...:
        assert name not in record
    else:
        assert record[name] == stored
        assert type(record[name]) is type(stored)
    assert notes == ({note: 1} if note else {})


@pytest.mark.parametrize(("name", "given"), [(name, given) for kind, name, given, stored, _ in TAKEN
                                             if kind == "alert" and stored is not ...])  # fmt: skip
def test_a_name_in_another_case_means_the_same(model: Model, name: str, given: Any) -> None:
    exact, notes = taken(model, "alert", {name: given})
    other, other_notes = taken(model, "alert", {name.upper(): given})
    assert other == exact
    assert other_notes == notes


@pytest.mark.parametrize(("kind", "name", "given"), [
    ("kubernetesServicePort", "port", "many"), ("containerEvidence", "isPrivileged", "maybe"),
    ("fileHash", "algorithm", {}), ("alertComment", "createdDateTime", "yesterday"),
])  # fmt: skip
def test_a_required_member_in_another_case_stays_filled(model: Model, kind: str, name: str, given: Any) -> None:
    exact, _ = taken(model, kind, {name: given})
    other, _ = taken(model, kind, {name.upper(): given})
    assert other == exact


# Five texts that are as long as an instant on the wire, and have its marks in its places, without being one.
NEARLY = [
    "2026-W05-6T09:00:00.1234567Z",
    "2026-01-31T09:00:00.123+010Z",
    "2026-01-31T09:00:00.123456\u00b2Z",
    "2026-01-31T09:00:00.123456\u0663Z",
    "2026-01-31T09:00:00.1234-01Z",
]


@pytest.mark.parametrize("given", NEARLY)
def test_a_text_that_only_looks_like_an_instant_is_none(given: str) -> None:
    found = value.instant(given)
    assert found is None or clock.ticks(found) is not None
    assert found != given


@pytest.mark.parametrize("given", [
    "0001-01-01T00:00:00.0000000Z", "9999-12-31T23:59:59.9999999Z", "2026-01-31T09:00:00.1234567Z",
])  # fmt: skip
def test_an_instant_in_wire_form_stays(given: str) -> None:
    assert value.instant(given) == given


# --- the canonical form -------------------------------------------------------------------------------------------


def test_an_empty_record_has_every_member_in_order(model: Model) -> None:
    record, notes = taken(model, "alert", {})
    kind = model.struct(f"{SPACE}.alert")
    assert list(record) == [name for name, item in kind.properties.items() if not item.navigation]
    assert not notes
    assert record["evidence"] == record["systemTags"] == []
    assert record["title"] is None
    assert record["createdDateTime"] is None
    assert (record["severity"], record["status"], record["id"]) == ("unknown", "unknown", "")


def test_members_come_out_in_order_whatever_the_order_they_came_in(model: Model) -> None:
    record, _ = taken(model, "alert", {"title": "t", "TITLE": "last wins", "actorDisplayName": "a"})
    assert list(record) == list(taken(model, "alert", {})[0])
    assert record["title"] == "last wins"


def test_evidence_is_whole_and_says_its_type_first(model: Model) -> None:
    record, _ = taken(model, "alert", {"evidence": [{"userAccount": {"accountName": "bob"}, "@odata.type": USER}]})
    [item] = record["evidence"]
    assert next(iter(item.items())) == ("@odata.type", USER)
    assert list(item)[1:] == list(model.struct(f"{SPACE}.userEvidence").properties)
    assert item["createdDateTime"] == CREATED
    assert (item["verdict"], item["remediationStatus"], item["roles"], item["tags"]) == ("unknown", "none", [], [])
    assert list(item["userAccount"]) == list(model.struct(f"{SPACE}.userAccount").properties)
    assert "@odata.type" not in item["userAccount"]


@pytest.mark.parametrize(("tag", "becomes"), [
    (USER, USER), (USER.lstrip("#"), USER), (USER.upper(), USER), ("#userEvidence", f"#{SPACE}.alertEvidence"),
    (None, f"#{SPACE}.alertEvidence"), (5, f"#{SPACE}.alertEvidence"), (f"#{SPACE}.alert", f"#{SPACE}.alertEvidence"),
])  # fmt: skip
def test_the_type_of_evidence(model: Model, tag: Any, becomes: str) -> None:
    record, notes = taken(model, "alert", {"evidence": [{"@odata.type": tag, "verdict": "malicious"}]})
    [item] = record["evidence"]
    assert (item["@odata.type"], item["verdict"]) == (becomes, "malicious")
    assert notes == ({} if becomes == USER else {f"no evidence type {str(tag)!r}": 1})


def test_canonical_is_canonical_again(model: Model, filled: Filled) -> None:
    alert = model.struct(f"{SPACE}.alert")
    for kind in model.struct(f"{SPACE}.alertEvidence").family():
        whole = {**filled(alert), "evidence": [{"@odata.type": f"#{kind.name}", **filled(kind)}]}
        once, notes = check.from_source(alert, whole, CREATED)
        assert not notes, kind.name
        twice, notes = check.from_source(alert, once, CREATED)
        assert not notes
        assert msgspec.json.encode(once) == msgspec.json.encode(twice), kind.name


def test_every_set_takes_its_own_filled_record(model: Model, filled: Filled) -> None:
    for one in model.sets.values():
        whole = filled(one.type)
        record, notes = check.from_source(one.type, whole, CREATED)
        assert not notes
        assert {name: record[name] for name in whole if name != "evidence"} == {
            name: value for name, value in whole.items() if name != "evidence"
        }


# --- bounds -------------------------------------------------------------------------------------------------------


def test_additional_data_is_cut_to_its_bound(model: Model) -> None:
    record, notes = taken(model, "alert", {"additionalData": {f"member{n}": "x" * 100 for n in range(100)}})
    kept = record["additionalData"]
    assert list(kept) == [f"member{n}" for n in range(len(kept))]
    assert 1800 < len(msgspec.json.encode(kept)) <= check.EXTRA_MOST
    assert notes["additionalData is larger than 2 KiB"] == 100 - len(kept)


def test_one_enormous_member_goes_whole(model: Model) -> None:
    record, notes = taken(model, "alert", {"additionalData": {"a": "x" * 3000}})
    assert record["additionalData"] == {}
    assert notes


def test_additional_data_of_many_members_is_cut_in_no_time(model: Model) -> None:
    began = time.monotonic()
    record, _ = taken(model, "alert", {"additionalData": {f"member{n}": n for n in range(40_000)}})
    assert len(msgspec.json.encode(record["additionalData"])) <= check.EXTRA_MOST
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("depth", [10, 100, 150, 300])
def test_evidence_inside_evidence_at_any_depth(model: Model, depth: int) -> None:
    """A cluster's cloud resource is evidence itself, so evidence can nest without end."""
    inner: Any = {"@odata.type": USER}
    for _ in range(depth):
        inner = {"@odata.type": f"#{SPACE}.kubernetesClusterEvidence", "cloudResource": inner}
    alert = model.struct(f"{SPACE}.alert")
    record, _ = check.from_source(alert, {"title": "deep", "evidence": [inner]}, CREATED)
    assert record["title"] == "deep"
    hide = wire.hider(alert)
    assert hide is not None
    assert hide(record)["title"] == "deep"
    assert msgspec.json.decode(msgspec.json.encode(record)) == record


def test_open_values_nest_to_their_bound(model: Model) -> None:
    value: Any = "deepest"
    for _ in range(200):
        value = [value]
    record, notes = taken(model, "alert", {"customDetails": {"a": value}})
    depth = 0
    found = record["customDetails"]["a"]
    while isinstance(found, list):
        depth, found = depth + 1, found[0]
    assert depth == check.DEEPEST
    assert notes["nested too deep"] == 1


@pytest.mark.parametrize(("given", "clean"), [
    ("plain", "plain"), ("a\x00b", "a\ufffdb"), ("\ud800", "\ufffd"), ("\udfff\x00", "\ufffd\ufffd"), ("\U0001f600", "\U0001f600"),
])  # fmt: skip
def test_what_no_store_can_hold_is_replaced(given: str, clean: str) -> None:
    assert value.clean(given) == clean
    clean.encode()


# --- many threads ----------------------------------------------------------------------------------------------------------

FIRST_USE = """
import sys, threading
from secgraph.model.check import from_source
from secgraph.model.edm import load

kind = load().struct("microsoft.graph.security.alert")
pod = {"@odata.type": "#microsoft.graph.security.kubernetesPodEvidence", "controller": {"namespace": {"cluster": {}}}}
value = {"severity": "high", "evidence": [{"@odata.type": "#microsoft.graph.security.urlEvidence", "url": "x"}, pod]}
start, found = threading.Barrier(8), []

def read():
    start.wait()
    found.append(repr(from_source(kind, value, None)))

sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=read) for _ in range(8)]
for one in threads:
    one.start()
for one in threads:
    one.join()
print(len(found), len(set(found)))
"""


def test_readers_are_whole_for_every_thread_that_is_first() -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", FIRST_USE], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 -- our own words
        assert done.stdout == "8 1\n", done.stderr
