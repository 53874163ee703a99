"""Whatever comes in: a source yields drafts, or says NotAnAlert or Unusable. Nothing else leaves it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secgraph.extend import Connector, Draft, EvidenceDraft, NotAnAlert, ObjectDraft, Raw, Unusable
from secgraph.sources import graph_identities, graph_objects
from secgraph.sources.cef import CommonEventFormat
from secgraph.sources.crowdstrike import CrowdStrike
from secgraph.sources.entra import EntraIdProtection
from secgraph.sources.falco import Falco
from secgraph.sources.graph import Graph
from secgraph.sources.guardduty import GuardDuty
from secgraph.sources.leef import LogEventExtended
from secgraph.sources.mcas import DefenderForCloudApps
from secgraph.sources.mde import DefenderForEndpoint
from secgraph.sources.mdo import DefenderForOffice
from secgraph.sources.ocsf import Ocsf
from secgraph.sources.prowler import Prowler
from secgraph.sources.securityhub import SecurityHub
from secgraph.sources.suricata import Suricata
from secgraph.sources.wazuh import Wazuh
from secgraph.sources.xdr import DefenderXdr
from secgraph.testing.drafts import shape_faults

HERE = Path(__file__).parent
TYPES = graph_objects.TYPES | graph_identities.TYPES
JSON_SOURCES: tuple[Connector, ...] = (
    Graph(),
    DefenderForEndpoint(),
    EntraIdProtection(),
    DefenderXdr(),
    DefenderForOffice(),
    DefenderForCloudApps(),
    Suricata(),
    Falco(),
    Wazuh(),
    Ocsf(),
    CrowdStrike(),
    GuardDuty(),
    Prowler(),
    SecurityHub(),
)
LINE_SOURCES: tuple[Connector, ...] = (CommonEventFormat(), LogEventExtended())
EVERY_SOURCE = (*JSON_SOURCES, *LINE_SOURCES)


def nested(depth: int) -> Any:
    value: Any = []
    for level in range(depth):
        value = [value] if level % 2 else {"a": value, "ip": value}
    return value


ODD = [
    None, True, False, 0, -1, 1, 2**63, -(2**70), 10**40, 0.0, -1.5, 1e308, float("nan"), float("inf"),
    "", " ", "\x00", "\ud800", "0", "9" * 40, "٣", "²", "null", "T1059", "9999-99-99T99:99:99Z", "x" * 100_000,
    [], [None], [[]], ["T1059", 5, {}], [{}], {}, {"ip": {}}, {"id": []}, nested(5_000),
]  # fmt: skip


def payloads(source: Connector) -> list[Any]:
    paths = sorted((HERE / source.name).iterdir())
    if source.framing == "lines":
        return [line for path in paths if path.suffix == ".log" for line in path.read_text("utf-8").splitlines()]
    return [json.loads(path.read_text("utf-8")) for path in paths if ".expected." not in path.name]


def holds(source: Connector, value: Any, received: int = 17_707_248_000_000_000) -> None:
    drafts: list[Draft] = []
    reason = ""
    try:
        drafts = list(source.normalise(Raw(line=1, data=b"", value=value, received=received)))
    except (NotAnAlert, Unusable) as refusal:
        reason = str(refusal)
    assert bool(drafts) != bool(reason)
    assert len(reason) < 300
    for draft in drafts:
        assert received == 0 or not [*shape_faults(draft)]  # a time of 0 is none
        if isinstance(draft, EvidenceDraft):
            continue
        assert draft.updated is None or isinstance(draft.updated, int)
        if isinstance(draft, ObjectDraft):
            assert draft.set in TYPES
            assert isinstance(draft.id, str)
            assert draft.id
            assert isinstance(draft.record, dict)
            continue
        assert isinstance(draft.product, str)
        assert draft.product
        assert isinstance(draft.native_id, str)
        assert draft.native_id
        assert draft.adds or isinstance(draft.alert["title"], str)
        assert draft.incident is None or all(isinstance(part, str) for part in draft.incident)
        assert all(isinstance(note, str) for note in draft.notes)
        assert all(isinstance(item, dict) for item in draft.alert.get("evidence", []))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to every value inside."""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


def changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    """A copy with the value at that place replaced."""
    made = copy.deepcopy(value)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = to
    return made


@pytest.mark.parametrize("source", EVERY_SOURCE, ids=lambda source: source.name)
@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_odd_values_instead_of_a_record(source: Connector, value: Any) -> None:
    holds(source, value)
    holds(source, [value])
    holds(source, {"id": value, "title": value, "alert": value, "event_type": value, "alerts": [value]})


@pytest.mark.parametrize("source", JSON_SOURCES, ids=lambda source: source.name)
def test_odd_values_in_every_place_of_good_records(source: Connector) -> None:
    for record in payloads(source):
        for path in places(record):
            for odd in ODD:
                holds(source, changed(record, path, odd))


@pytest.mark.parametrize("source", JSON_SOURCES, ids=lambda source: source.name)
def test_good_records_without_one_of_their_members(source: Connector) -> None:
    for record in payloads(source):
        for name in record:
            holds(source, {key: value for key, value in record.items() if key != name}, received=0)


HOSTILE_LINES = [
    "", "CEF:0|", "CEF:0||||||||", "CEF:0|||||||", "CEF:0|\\", "CEF:0|" + "\\|" * 50_000, "CEF:0|" + "a\\" * 50_000,
    "CEF:0|v|p|1|s|n|5|" + " a" * 50_000, "CEF:0|v|p|1|s|n|5|" + " a=" * 50_000, "CEF:0|v|p|1|s|n|5|" + " " * 100_000,
    "CEF:0|v|p|1|s|n|5|msg=" + "\\" * 100_001, "CEF " * 25_000, "CEF a b" + " " * 100_000, "0" * 100_000,
    "|Microsoft|Azure ATP|" * 5_000, "Jan 1 " * 20_000 + "CEF:0|v|p|1|s|n|5|",
    "CEF:0|v|p|1|s|n|\u00b2|cnt=\u0663 spt=\u0663 dst=192.0.2.1 src=192.0.2.2 proto=6",
    "CEF:0|v|p|1|s|n|5|rt=99999999999999999999 start=9999999999999999999 end=0 spt=" + "9" * 5_000,
    "CEF:0|v|p|1|s|n|5|rt=Feb 30 2026 25:61:61 start=0000-00-00T00:00:00Z end=Jan 01 0000 00:00:00 +99:99",
    'CEF:0|v|p|1|s|n|5|c6a2Label=Source IPv6 Address c6a2= cs1Label= cs1=x cs2Label=" cs2=x fname=/ filePath=\\',
    "CEF:0|Microsoft|Azure ATP|1|\x00|\ud800|5|cs1Label=url cs1=/alerts/\ud800 externalId=" + "9" * 5_000,
    "LEEF:2.0|", "LEEF:1.0|||||", "LEEF:2.0|v|p|1|e|x|", "LEEF:2.0|v|p|1|e|xFFFF|a=1\uffffb=2", "LEEF:2.0|v|p|1|e|^|" + "=" * 100_000,
    "LEEF:2.0|v|p|1|e|^|" + "^" * 100_000, "LEEF:1.0|v|p|1|e|" + "\t=" * 50_000, "LEEF:1.0|v|p|1|e|" + " a" * 50_000,
    "LEEF:2.0|v|p|1|e|^|devTime=" + "9" * 80 + "^devTimeFormat=" + "y" * 60,
    "LEEF:2.0|v|p|1|e|^|devTime=1^devTimeFormat=" + "(" * 60,
    "LEEF:2.0|v|p|1|e|^|devTime=99/99/9999 99:99^devTimeFormat=dd/MM/yyyy HH:mm",
    "LEEF:2.0|v|p|1|\ud800|^|sev=\u0663^src=\x00^proto=6^dst=::",
    "CEF:0|MCAS|SIEM_Agent|1|ALERT_X|t|5|externalId=\ud800 suser=\\ duser=a\\b\\c", "\ufeffCEF:0|v|p|1|s|n|5|",
]  # fmt: skip


@pytest.mark.parametrize("source", LINE_SOURCES, ids=lambda source: source.name)
@pytest.mark.parametrize("line", HOSTILE_LINES, ids=range(len(HOSTILE_LINES)))
def test_hostile_lines(source: Connector, line: str) -> None:
    holds(source, line)
    holds(source, line, received=0)


SIZE = 10_000_000
LARGE = ["x" * SIZE, "\x00" * SIZE, "9" * SIZE, "/" * SIZE, "a,b=" * (SIZE // 4), nested(1_000)]


@pytest.mark.parametrize("source", JSON_SOURCES, ids=lambda source: source.name)
@pytest.mark.parametrize("large", LARGE, ids=range(len(LARGE)))
def test_values_of_ten_megabytes_in_a_good_record(source: Connector, large: Any) -> None:
    record = max(payloads(source), key=lambda one: len(json.dumps(one)))
    for path in places(record):
        if len(path) < 3:
            holds(source, changed(record, path, large))


@pytest.mark.parametrize("piece", ["x", "\x00", "\\", " a=", "|", "\t", "^"])
def test_lines_of_ten_megabytes(piece: str) -> None:
    holds(LINE_SOURCES[0], "CEF:0|v|p|1|s|n|5|msg=" + piece * (SIZE // len(piece)))
    holds(LINE_SOURCES[1], "LEEF:1.0|v|p|1|e|devTime=" + piece * (SIZE // len(piece)))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(value=JSON_VALUES)
def test_arbitrary_json(value: Any) -> None:
    for source in EVERY_SOURCE:
        holds(source, value)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_arbitrary_changes_of_good_records(data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(JSON_SOURCES))
    record = data.draw(st.sampled_from(payloads(source)))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(list(places(record))))
        record = changed(record, path, data.draw(JSON_VALUES | st.sampled_from(ODD[:-1])))
        if not isinstance(record, dict) or not record:
            break
    holds(source, record, received=data.draw(st.integers(0, 2**62)))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_arbitrary_lines_and_changes_of_good_lines(data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(LINE_SOURCES))
    holds(source, data.draw(st.text()))
    line = data.draw(st.sampled_from(payloads(source)))
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    middle = data.draw(st.text(max_size=30) | st.sampled_from(["|", "\\", "=", " ", "\\|", " a=", "CEF:0|", "LEEF:2.0|", "^", "\t", "\n"]))
    holds(source, line[:start] + middle + line[end:], received=data.draw(st.integers(0, 2**62)))
