"""The generic source: what a mapping makes of a record, and what is said of a mapping that cannot be used."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests.sources.test_hostile import ODD, changed, holds, places
from tests.sources.test_mappings import undeclared

from secgraph.errors import UsageError
from secgraph.extend import AlertDraft, Connector, NotAnAlert, Raw, Unusable
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.ingest.split import Piece, pieces
from secgraph.model.edm import load
from secgraph.sources.generic import Generic
from secgraph.sources.generic_mapping import mapping

RECEIVED = 17_707_248_000_000_000  # 2026-02-10T12:00:00Z
HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples" / "mappings"
MAPPINGS = sorted(EXAMPLES.glob("*.toml"))

HEAD = 'product = "lakeside/gatehouse"\nid = "id"\n'


def of(text: str) -> Connector:
    return Generic().told({"mapping": text})


def sample(path: Path) -> Path:
    (found,) = [one for one in path.parent.glob(f"{path.stem}.*") if one.suffix != ".toml"]
    return found


def taken(source: Connector, data: bytes) -> list[Any]:
    """What becomes of each record: the draft, or the word for why there is none."""
    found: list[Any] = []
    for piece in pieces(io.BytesIO(data), source, RECEIVED):
        assert isinstance(piece, Piece)
        try:
            found += [asdict(draft) for draft in source.normalise(piece.raw)]
        except (NotAnAlert, Unusable) as reason:
            found.append(f"{type(reason).__name__}: {reason}")
    return found


def draft(text: str, record: Any) -> AlertDraft:
    (found,) = of(text).normalise(Raw(1, b"", record, RECEIVED))
    assert isinstance(found, AlertDraft)
    return found


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_an_example_makes_the_drafts_beside_it(path: Path) -> None:
    found = taken(of(path.read_text("utf-8")), sample(path).read_bytes())
    assert json.loads(json.dumps(found)) == json.loads((HERE / "generic" / f"{path.stem}.expected.json").read_text("utf-8"))
    for one in found:
        if isinstance(one, dict):
            assert undeclared(load().struct("microsoft.graph.security.alert"), one["alert"]) == []


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_values_in_every_place_of_an_example(odd: Any) -> None:
    source = of((EXAMPLES / "gatehouse.toml").read_text("utf-8"))
    record = json.loads((EXAMPLES / "gatehouse.json").read_text("utf-8"))["detections"][0]
    holds(source, odd)
    for place in places(record):
        holds(source, changed(record, place, odd))


# --- values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("member", "form", "record", "value"), [
    ("title", '"t"', {"t": 5}, "5"), ("title", '"t"', {"t": 7.5}, "7.5"), ("title", '{ value = "t", default = "d" }', {"t": " "}, "d"),
    ("title", '{ text = "{a} of {b.c}" }', {"a": "x", "b": {"c": 3}}, "x of 3"), ("title", '{ text = "{a}: {b}" }', {"b": "y"}, ": y"),
    ("title", '{ text = "{a}: {b}", default = "none" }', {}, "none"), ("title", '{ value = "t", map = { A = "first" } }', {"t": "a"}, "first"),
    ("title", '{ value = "t", map = { A = "first" } }', {"t": "b"}, "b"), ("title", '{ value = "t", map = { A = "first" }, default = "d" }', {"t": "b"}, "d"),
    ("severity", '"s"', {"s": "HIGH"}, "high"), ("severity", '"s"', {"s": "odd"}, "unknown"), ("severity", '{ value = "s", default = "low" }', {"s": "odd"}, "low"),
    ("severity", '{ value = "s", map = { 1 = "high", true = "low" } }', {"s": 1}, "high"), ("severity", '{ value = "s", map = { 1 = "high", true = "low" } }', {"s": True}, "low"),
    ("severity", '{ is = "medium" }', {}, "medium"), ("severity", '''"(s >= `70` && 'high') || 'low'"''', {"s": 71}, "high"),
    ("category", '"c"', {"c": "lateral_movement"}, "LateralMovement"), ("category", '"c"', {"c": "Odd thing"}, "Odd thing"),
    ("categories", '"c"', {"c": ["a", "", 5, None]}, ["a", "5"]), ("categories", '{ value = "c", split = ";" }', {"c": "a; b"}, ["a", "b"]),
    ("createdDateTime", '"d"', {"d": "2026-01-31T10:00:00+01:00"}, "2026-01-31T09:00:00.0000000Z"),
    ("createdDateTime", '{ value = "d", zone = "-02:30" }', {"d": "2026-01-31 10:00:00"}, "2026-01-31T12:30:00.0000000Z"),
    ("createdDateTime", '{ value = "d", format = "seconds" }', {"d": "1769850000"}, "2026-01-31T09:00:00.0000000Z"),
    ("createdDateTime", '{ value = "d", format = "seconds" }', {"d": "1769850000.5"}, "2026-01-31T09:00:00.5000000Z"),
    ("createdDateTime", '{ value = "d", format = "milliseconds" }', {"d": 1769850000123}, "2026-01-31T09:00:00.1230000Z"),
    ("createdDateTime", '{ value = "d", format = "microseconds" }', {"d": 1769850000123456}, "2026-01-31T09:00:00.1234560Z"),
    ("createdDateTime", '{ value = "d", format = "nanoseconds" }', {"d": 1769850000123456789}, "2026-01-31T09:00:00.1234567Z"),
    ("createdDateTime", '{ value = "d", format = "%d.%m.%Y %H:%M", zone = "+01:00" }', {"d": "31.01.2026 10:00"}, "2026-01-31T09:00:00.0000000Z"),
    ("createdDateTime", '{ value = "d", format = "%d/%b/%Y:%H:%M:%S %z" }', {"d": "31/Jan/2026:10:00:00 +0100"}, "2026-01-31T09:00:00.0000000Z"),
    ("resolvedDateTime", '{ value = "d", format = "iso" }', {"d": 1769850000}, None), ("resolvedDateTime", '{ value = "d", format = "seconds" }', {"d": -1}, None),
    ("resolvedDateTime", '{ value = "d", format = "seconds" }', {"d": 10**30}, None), ("resolvedDateTime", '{ value = "d", format = "%Y%m%d" }', {"d": "20269901"}, None),
    ("customDetails", '{ a = "x", b = { is = "c" } }', {"x": 1}, {"a": "1", "b": "c"}), ("customDetails", '"o"', {"o": {"k": "v", "l": [1]}}, {"k": "v"}),
])  # fmt: skip
def test_a_value(member: str, form: str, record: dict[str, Any], value: Any) -> None:
    title = "" if member == "title" else "title = { is = 't' }\n"
    assert draft(f"{HEAD}[alert]\n{title}{member} = {form}\n", {"id": "1", **record}).alert.get(member) == value


@pytest.mark.parametrize(("template", "record", "evidence"), [
    ('kind = "ip"\nmembers.ipAddress = "ip"', {"ip": "192.0.2.1"}, [{"ipAddress": "192.0.2.1"}]),
    ('kind = "ip"\nmembers.ipAddress = "ip"', {"ip": "nowhere"}, []),
    ('kind = "ip"\neach = "ips"\nmembers.ipAddress = "@"\nmembers.roles.is = ["source"]', {"ips": ["192.0.2.1", "x", "192.0.2.1", "192.0.2.2"]},
     [{"ipAddress": "192.0.2.1", "roles": ["source"]}, {"ipAddress": "192.0.2.2", "roles": ["source"]}]),
    ('kind = "ip"\nwhen = "bad"\nmembers.ipAddress = "ip"', {"ip": "192.0.2.1", "bad": False}, []),
    ('kind = "user"\nmembers.userAccount.account = "u"\nmembers.userAccount.displayName = "n"', {"u": "A\\b", "n": "B"},
     [{"userAccount": {"domainName": "A", "accountName": "b", "displayName": "B"}}]),
    ('kind = "file"\neach = "files[]"\nmembers.fileDetails = { path = "p", hash = "h", fileSize = "s" }\nmembers.mdeDeviceId.record = "host"',
     {"host": "d1", "files": [{"p": "/srv/x", "h": "a" * 32, "s": "7"}]},
     [{"fileDetails": {"fileName": "x", "filePath": "/srv", "md5": "a" * 32, "fileSize": 7}, "mdeDeviceId": "d1"}]),
    ('kind = "device"\nmembers.hostName = "h"\nmembers.loggedOnUsers = { each = "users", accountName = "@" }', {"h": "a", "users": ["x", "y"]},
     [{"hostName": "a", "loggedOnUsers": [{"accountName": "x"}, {"accountName": "y"}]}]),
    ('kind = "kubernetesPod"\nmembers.name = "p"\nmembers.labels = "l"\nmembers.namespace.name = "n"', {"p": "a", "l": {"k": "v"}, "n": "b"},
     [{"name": "a", "labels": {"k": "v"}, "namespace": {"@odata.type": "#microsoft.graph.security.kubernetesNamespaceEvidence", "name": "b"}}]),
    ('kind = "kubernetesCluster"\nmembers.name = "c"\nmembers.cloudResource = { kind = "azureResource", resourceId = "r" }', {"c": "a", "r": "/x"},
     [{"name": "a", "cloudResource": {"@odata.type": "#microsoft.graph.security.azureResourceEvidence", "resourceId": "/x"}}]),
])  # fmt: skip
def test_evidence(template: str, record: dict[str, Any], evidence: list[dict[str, Any]]) -> None:
    found = draft(f"{HEAD}alert.title.is = 't'\n[[evidence]]\n{template}\n", {"id": "1", **record}).alert["evidence"]
    kind = f"#microsoft.graph.security.{template.split(chr(34))[1]}Evidence"

    def bare(value: Any) -> Any:
        return {name: bare(one) for name, one in value.items() if name != "createdDateTime"} if isinstance(value, dict) else value

    assert [bare(one) for one in found] == [{"@odata.type": kind, **one} for one in evidence]
    assert all(one["createdDateTime"] == "2026-02-10T12:00:00.0000000Z" for one in found)


@pytest.mark.parametrize(("more", "record", "word"), [
    ('take = "a"', {}, "NotAnAlert: the mapping takes only what has a"), ('take = ["a", "b"]', {"a": 1}, "NotAnAlert"), ('skip = ["a", "b"]', {"b": 1}, "NotAnAlert"),
    ("", {"id": ""}, "Unusable: no id"), ("", {"id": []}, "Unusable: no id"), ("", "x", "Unusable: not a JSON object"), ("", [1], "Unusable: not a JSON object"),
])  # fmt: skip
def test_a_record_that_is_no_alert(more: str, record: Any, word: str) -> None:
    value = {"id": "1", **record} if isinstance(record, dict) else record
    with pytest.raises((NotAnAlert, Unusable)) as reason:
        draft(f"{HEAD}{more}\nalert.title.is = 't'\n", value)
    assert f"{type(reason.value).__name__}: {reason.value}".startswith(word)


def test_without_a_title_there_is_no_alert() -> None:
    with pytest.raises(Unusable, match="no title"):
        draft(f'{HEAD}alert.title = "t"', {"id": "1"})
    assert "title" not in draft(f'{HEAD}adds = true\nalert.title = "t"', {"id": "1"}).alert


def test_an_id_made_of_parts_tells_them_apart() -> None:
    text = 'product = "a/b"\nid = { hash = ["a", "b"] }\nalert.title.is = "t"\n'
    records: list[dict[str, Any]] = [{"a": "x", "b": "y"}, {"a": "xy"}, {"b": "xy"}, {"a": {"x": 1}}, {"a": [1, 2]}]
    ids = [draft(text, record).native_id for record in records]
    assert len(set(ids)) == len(ids)
    assert draft(text, {"b": "y", "a": "x", "c": 1}).native_id == ids[0]
    with pytest.raises(Unusable, match="nothing of what"):
        draft(text, {"c": 1})


def test_what_stands_beside_the_alert() -> None:
    text = (f'{HEAD}prefix = "gh"\nincident = "case"\ntechniques = ["tags", "more"]\nupdated = {{ value = "u", format = "seconds" }}\n'
            'alert.title.is = "t"\nadditionalData = { a = "x", b = "y" }\n')  # fmt: skip
    found = draft(text, {"id": 5, "case": 7, "tags": ["attack.t1059.001", "x"], "more": "T1204", "u": 1769850000, "x": 1, "y": {"z": 1}})
    assert (found.product, found.native_id, found.prefixes, found.incident) == ("lakeside/gatehouse", "5", ("gh",), ("lakeside/gatehouse", "7"))
    assert found.updated == 17_698_500_000_000_000
    assert found.alert["mitreTechniques"] == ["T1059.001", "T1204"]
    assert found.alert["additionalData"] == {"a": "1"}
    assert found.notes == ("no time of its own: the time of receipt is used",)


def test_a_word_that_is_no_member_is_noted() -> None:
    found = draft(f'{HEAD}alert.title.is = "t"\nalert.severity = "s"\nalert.createdDateTime = "c"', {"id": "1", "s": "odd", "c": "2026-01-31"})
    assert (found.alert["severity"], found.notes) == ("unknown", ("severity has no member 'odd'",))


def test_a_service_of_the_contract_is_named_as_one() -> None:
    found = draft('product = "microsoftSentinel"\nid = "id"\nalert.title.is = "t"', {"id": "1"})
    assert (found.alert["serviceSource"], found.alert["detectionSource"]) == ("microsoftSentinel", "microsoftSentinel")


def test_lines_with_json_in_them() -> None:
    text = 'product = "a/b"\nframing = "lines"\npattern = ["^(?P<host>\\\\w+) app: (?P<json>\\\\{.*)$", "^plain (?P<uid>\\\\w+)"]\nid = "uid"\nalert.title = { text = "{host}{uid}" }\n'
    found = taken(of(text), b'h1 app: {"uid": "7"}\nplain 8\nother\nh2 app: {"uid"\nh3 app: {}\n')
    assert [one["alert"]["title"] if isinstance(one, dict) else one.partition(":")[0] for one in found] == ["h17", "8", "Unusable", "Unusable", "Unusable"]


def test_records_inside_a_document() -> None:
    source = of(f'{HEAD}records = "data.alarms"\nalert.title.is = "t"')
    assert [one["native_id"] for one in taken(source, b'{"data": {"alarms": [{"id": 1}, {"id": 2}]}}')] == ["1", "2"]
    assert [one["native_id"] for one in taken(source, b'{"id": 3}')] == ["3"]


def test_an_expression_that_takes_too_long_keeps_the_record() -> None:
    source = of(f'{HEAD}alert.title.is = "t"\nalert.description = "{" | ".join(["[@, @]"] * 30)} | to_string(@)"')
    assert taken(source, b'{"id": 1}') == ["Unusable: the expressions of the mapping take more than 50000 steps over it"]


# --- mappings that cannot be used -----------------------------------------------------------------------------------------

GOOD: Mapping[str, str] = {"product": '"a/b"', "id": '"id"', "alert.title": '"t"'}


@pytest.mark.parametrize(("changes", "says"), [
    ({"product": '"Lakeside"'}, "line 1, product: must say who raises"), ({"product": "5"}, "vendor/product"), ({"prefix": '"GHX"'}, "two small letters"),
    ({"framing": '"xml"'}, "json or lines"), ({"pattern": '"x"'}, 'say framing = "lines"'), ({"framing": '"lines"'}, "must be a pattern"),
    ({"framing": '"lines"', "pattern": '"(?P<a"'}, "line 5, pattern: is no pattern of RE2"), ({"framing": '"lines"', "pattern": '"(?P<a>x)(?=y)"'}, "no pattern of RE2"),
    ({"framing": '"lines"', "pattern": '"x"'}, "no named group"), ({"framing": '"lines"', "pattern": '"(?P<a>x)"', "records": '"r"'}, "is of JSON"),
    ({"unmatched": '"drop"', "framing": '"lines"', "pattern": '"(?P<a>x)"'}, "skip or reject"), ({"take": '"a["'}, "line 4, take: 'a[' is no JMESPath"), ({"skip": '["a", "frob(b)"]'}, "skip[2]: there is no function frob()"),
    ({"take": "5"}, "must be an expression in quotes, not a number"), ({"adds": '"yes"'}, "true or false"), ({"colour": "1"}, "line 4, colour: there is no such key here"),
    ({"id": "{ is = 'x' }"}, "what tells one alert from another"), ({"id": "{ hash = [] }"}, "list of expressions"), ({"id": "{ hash = ['a'], x = 1 }"}, "id.x"),
    ({"updated": "{ value = 'u', format = '%d.%m' }"}, "year, month and day"), ({"updated": "{ value = 'u', map = {} }"}, "updated.map"),
    ({"techniques": '"a"', "alert.mitreTechniques": '"b"'}, "given by `techniques` already"), ({"alert.sevrity": '"s"'}, "line 4, alert.sevrity: an alert has no member"),
    ({"alert.severity": "{ value = 's', map = { a = 'severe' } }"}, "line 4, alert.severity.map.a: severity 'severe' is not a member"),
    ({"alert.severity": "{ value = 's', map = { a = 'low', A = 'high' } }"}, "stands here twice"), ({"alert.severity": "{ value = 's', default = 'severe' }"}, "Members: unknown, informational"),
    ({"alert.severity": "{ is = 'severe' }"}, "is not a member"), ({"alert.severity": "{ value = 's', is = 'low' }"}, "one of value, record, text and is"),
    ({"alert.severity": "{ map = {} }"}, "one of value"), ({"alert.severity": "5"}, "a constant is { is = ... }"), ({"alert.severity": "{ value = 's', map = 5 }"}, "word = value"),
    ({"alert.severity": "{ value = 's', zone = '+01:00' }"}, "severity is no time"), ({"alert.description": "{ text = 'plain' }"}, "has no {expression}"),
    ({"alert.description": "{ text = 'a {b' }"}, "brace"), ({"alert.description": "{ text = '{b[}' }"}, "no JMESPath"), ({"alert.description": "{ is = 'a', map = { a = 'b' } }"}, "is a constant"),
    ({"alert.description": "{ value = 'a', colour = 'b' }"}, "alert.description.colour"), ({"alert.description": "{ value = 'a', split = ',' }"}, "is no list"),
    ({"alert.createdDateTime": "{ value = 'a', zone = 'CET' }"}, "+01:00"), ({"alert.createdDateTime": "{ value = 'a', format = 'epoch' }"}, "neither one of iso, seconds"),
    ({"alert.createdDateTime": "{ value = 'a', format = '%Q' }"}, "no pattern of a time"), ({"alert.createdDateTime": "{ value = 'a', map = { a = 'b' } }"}, "is a time"),
    ({"alert.createdDateTime": "{ is = 'now' }"}, "date-time"), ({"alert.id": '"x"'}, "made of product and id"), ({"alert.evidence": '"x"'}, "[[evidence]]"), ({"alert.comments": '"x"'}, "people's"),
    ({"evidence": "5"}, "list of tables"), ({"evidence": "[5]"}, "evidence[1]: must be a table"), ({"evidence": "[{ kind = 'ghost', members = { a = 'b' } }]"}, "kind of evidence: activeDirectoryDomain"),
    ({"evidence": "[{ kind = 'ip' }]"}, "evidence[1].members"), ({"evidence": "[{ kind = 'ip', members = { address = 'b' } }]"}, "ipEvidence has no member of this name; it has: countryLetterCode"),
    ({"evidence": "[{ kind = 'ip', where = 'x', members = { ipAddress = 'b' } }]"}, "evidence[1].where"), ({"evidence": "[{ kind = 'ip', each = 'x[', members = { ipAddress = 'b' } }]"}, "evidence[1].each"),
    ({"evidence": "[{ kind = 'user', members = { userAccount = 'u' } }]"}, "userAccount is an object"), ({"evidence": "[{ kind = 'user', members = { userAccount = { name = 'u' } } }]"}, "it has: account, accountName"),
    ({"evidence": "[{ kind = 'ip', members = { ipAddress = 'b', roles = { is = ['x'] } } }]"}, "roles"), ({"evidence": "[{ kind = 'kubernetesCluster', members = { cloudResource = { name = 'x' } } }]"}, "cloudResource.kind"),
    ({"additionalData": "5"}, "table of members"), ({"additionalData": "{ a = 5 }"}, "additionalData.a"), ({"alert.title": None}, "a title at least"), ({"id": None}, "must say what tells"),
])  # fmt: skip
def test_what_is_wrong_with_a_mapping_is_said_where_it_stands(changes: dict[str, str | None], says: str) -> None:
    lines = [f"{name} = {value}" for name, value in {**GOOD, **changes}.items() if value is not None]
    lines.sort(key=lambda line: line.startswith("alert."))
    with pytest.raises(UsageError) as fault:
        mapping("\n".join(f"{line}" for line in lines))
    said = str(fault.value)
    wanted = says.partition(", ")[2] if says.startswith("line ") else says  # where it stands is another test's
    assert wanted in said
    assert said.count("\n") == 1, "one fault is one line"


def test_every_fault_is_told_with_its_line() -> None:
    with pytest.raises(UsageError) as fault:
        mapping('product = "a/b"\nid = "id["\n\n[alert]\ntitle = "t"\nsevrity = "s"\n\n[[evidence]]\nkind = "ip"\nmembers.adress = "a"\n')
    first, *lines = str(fault.value).splitlines()
    assert first == "The mapping cannot be used."
    assert [line.partition(":")[0] for line in lines] == ["line 2, id", "line 6, alert.sevrity", "line 10, evidence[1].members.adress"]


@pytest.mark.parametrize(("text", "says"), [
    ("a = \nb = 1", "no TOML: .*line 1"), ("[" * 5000, "no TOML"), ("#" * 70_000, "longer than"), ("", "product"), ("x = 1\n" * 2, "no TOML"),
    ("\n".join(f"x{number} = 1" for number in range(40)), "And 31 more"),
])  # fmt: skip
def test_what_is_no_mapping(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        mapping(text)


def test_a_source_of_this_kind_needs_a_mapping() -> None:
    with pytest.raises(UsageError, match="need the option mapping"):
        Kinds().told("generic", "push", {})
    with pytest.raises(Unusable, match="no mapping"):
        list(Generic().normalise(Raw(1, b"", {}, RECEIVED)))
    assert Kinds().told("generic", "push", {"mapping": (EXAMPLES / "mailroom.toml").read_text("utf-8")}).framing == "lines"
