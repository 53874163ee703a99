"""Bad input: whatever comes, it is refused or repaired as promised, the server goes on, and nothing is half-written."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from secgraph.testing import Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
MEGABYTE = 1024 * 1024
DEEP = 10_000

_numbers = itertools.count(1)


def name(number: int) -> str:
    """The id of a made-up alert."""
    return f"da{number:08d}-aaaa-bbbb-cccc-000000000000_1"


async def everything(graph: Graph) -> Any:
    """All that a client can read, and how many events there are."""
    events = await graph.core.store.fetch("events", tenant=graph.tenant.number, after=0, most=100_000)
    return (
        (await graph.get(LIST, top="1000"))["value"],
        (await graph.get("security/incidents", top="1000"))["value"],
        len(events),
    )


async def one(graph: Graph) -> str:
    number = next(_numbers)
    await graph.hand_in("graph", graph_alert(number))
    return name(number)


def refused(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text[:500]
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "innerError"}
    assert len(error["message"]) < 2000
    message: str = error["message"]
    return message


BROKEN = [
    (b"", "empty"),
    (b" \r\n\t ", "empty"),
    (b"{", "not JSON"),
    (b"}", "not JSON"),
    (b'{"status": "resolved"', "not JSON"),
    (b'{"status": "resolved"} trailing', "not JSON"),
    (b'{"status": "resolved",}', "not JSON"),
    (b"{'status': 'resolved'}", "not JSON"),
    (b"status=resolved", "not JSON"),
    (b"<alert/>", "not JSON"),
    (b'{"status": NaN}', "not JSON"),
    (b'{"status": Infinity}', "not JSON"),
    (b'{"status": 01}', "not JSON"),
    (b'{"status": "re\nsolved"}', "not JSON"),
    (b'{"assignedTo": "\xff\xfe"}', "not JSON"),
    (b'\xff\xfe{\x00"\x00', "not JSON"),
    (b'{"assignedTo": "\\ud800"}', ""),
    (b'{"assignedTo": "x\\udc00y"}', ""),
    (b'{"\\ud800": "x"}', ""),
    (b'{"assignedTo": "\\u0000"}', "NUL"),
    (b'{"assignedTo": "a\x00b"}', "not JSON"),
    (b'{"\\u0000": 1}', ""),
    (b"[" * DEEP, ""),
    (b"[" * DEEP + b"]" * DEEP, "deep"),
    (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "deep"),
    (b'{"assignedTo":' + b"[" * DEEP + b"]" * DEEP + b"}", "deep"),
    (b'{"assignedTo": "' + b"x" * (MEGABYTE - 18) + b'"}', None),
    (b'{"status": 1e400}', ""),
    (b'{"status": ' + b"9" * 5000 + b"}", ""),
    (b"[]", "JSON object"),
    (b"null", "JSON object"),
    (b"true", "JSON object"),
    (b'"resolved"', "JSON object"),
    (b'\xef\xbb\xbf{"status": "resolved"', ""),
]


@pytest.mark.parametrize(("body", "said"), BROKEN, ids=[repr(body[:24]) for body, _ in BROKEN])
@pytest.mark.parametrize("form", ["alert", "incident", "comment"])
async def test_a_broken_body_changes_nothing(desk: Graph, form: str, body: bytes, said: str | None) -> None:
    key = await one(desk)
    before = await everything(desk)
    incident = (await desk.get(f"{LIST}/{key}"))["incidentId"]
    method, path = {"alert": ("PATCH", f"{LIST}/{key}"), "incident": ("PATCH", f"security/incidents/{incident}"),
                    "comment": ("POST", f"{LIST}/{key}/comments")}[form]  # fmt: skip
    if form == "comment":
        body = body.replace(b'"assignedTo"', b'"comment"').replace(b'"status"', b'"comment"')
    answer = await desk.ask(method, path, content=body)
    if said is None:
        assert answer.status_code == 200  # large, and as large as may be
        return
    message = refused(answer, 400)
    if form != "comment":
        assert said in message
    assert await everything(desk) == before


@pytest.mark.parametrize("text", [
    "(" * DEEP,
    "(" * DEEP + "true" + ")" * DEEP,
    "not " * 3000 + "true",
    "not(" * 2000 + "true" + ")" * 2000,
    "tolower(" * 1500 + "title" + ")" * 1500 + " eq 'a'",
    "-" * DEEP + "1 eq 1",
    "title eq 'a' and (" * 600 + "true" + ")" * 600,
    "title in (" + "(" * DEEP,
    "evidence/any(e:" * 900 + "true" + ")" * 900,
    "a/" * 5000 + "b eq 1",
    "title" + " eq title" * 1500,
    "'" * 9999,
    "\u202e title eq 'a'",
    "title eq 'a' \U0001f600",
    "title eq '" + "%" * 9000,
])  # fmt: skip
async def test_a_monstrous_filter_is_refused(desk: Graph, text: str) -> None:
    refused(await desk.ask("GET", LIST, params={"$filter": text}), 400)
    assert (await desk.ask("GET", LIST, params={"$top": "1"})).status_code == 200


@pytest.mark.parametrize("option", ["$orderby", "$select", "$expand"])
@pytest.mark.parametrize(
    "text", ["(" * DEEP, "a/" * 5000, "," * 5000 + "nothing", "x" * 50_000, "'", "title,(", "\U0001f600", "-1"]
)
async def test_monstrous_options_are_refused(desk: Graph, option: str, text: str) -> None:
    refused(await desk.ask("GET", LIST, params={option: text}), 400)


# --- size ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", f"{LIST}/{{}}"), ("POST", f"{LIST}/{{}}/comments"), ("POST", "/ingest/graph")]
)
async def test_a_body_announced_as_too_large_is_not_read(desk: Graph, method: str, path: str) -> None:
    key = await one(desk)
    before = await everything(desk)
    answer = await desk.ask(method, path.format(key), content=b"{}", headers={"content-length": str(50 * MEGABYTE)})
    assert "larger than" in refused(answer, 413)
    assert answer.headers["connection"] == "close"
    assert await everything(desk) == before


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", f"{LIST}/{{}}"), ("POST", f"{LIST}/{{}}/comments"), ("POST", "/ingest/graph")]
)
async def test_a_stream_that_does_not_end_is_cut_off(desk: Graph, method: str, path: str) -> None:
    key = await one(desk)
    before = await everything(desk)
    sent = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal sent
        piece = b" " * MEGABYTE
        for _ in range(50):
            sent += 1
            yield piece

    answer = await desk.ask(method, path.format(key), content=stream())
    assert "larger than" in refused(answer, 413)
    assert sent < 40
    assert await everything(desk) == before


async def test_a_body_just_past_the_bound_is_refused(desk: Graph) -> None:
    key = await one(desk)
    body = b'{"assignedTo": "' + b"x" * (MEGABYTE - 17) + b'"}'
    refused(await desk.ask("PATCH", f"{LIST}/{key}", content=body), 413)


# --- deliveries that cannot be read at all --------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [
    b"", b"\n \n", b"not json", b"<alerts/>", b"a,b\n1,2\n", b"{", b"[", b"[{]", b'[{"id": 1}', b'{"id": "x"', b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"\x00" * 100, b"\xff" * 100, b"NaN",
    b"[NaN]", b"{'id': 'x'}", b"PK\x03\x04\x14\x00", b'{"value": [',
])  # fmt: skip
@pytest.mark.parametrize("source", ["entra", "graph", "mde", "suricata", "xdr"])
async def test_a_delivery_that_is_not_json_is_refused_whole(desk: Graph, source: str, body: bytes) -> None:
    before = await everything(desk)
    refused(await desk.ask("POST", f"/ingest/{source}", content=body), 400)
    assert await everything(desk) == before
    assert await desk.core.store.fetch("rejected", tenant=desk.tenant.number, after=0, most=10) == []


# --- bad records among good ones --------------------------------------------------------------------------------------------

REJECTED: list[tuple[str, bytes]] = [
    ("no object", b"7"),
    ("a text", b'"alert"'),
    ("null", b"null"),
    ("empty", b"{}"),
    ("no title", b'{"id": "da00000000-aaaa-bbbb-cccc-000000000000_1", "severity": "high"}'),
    ("no id", b'{"title": "Nameless", "severity": "high"}'),
    ("wrong types", b'{"id": ["x"], "title": {"a": 1}, "severity": 7}'),
]
BROKEN_LINES: list[tuple[str, bytes]] = [
    ("cut off", b'{"id": "da99999999-aaaa-bbbb-cccc-000000000000_1", "title": "Cut'),
    ("words", b"this is no JSON"),
    ("deep", b'{"id": "x", "title": "deep", "additionalData": ' + b"[" * DEEP + b"]" * DEEP + b"}"),
    ("deep objects", b'{"id": "x", "title": "deep", "additionalData": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}"),
]


@pytest.mark.parametrize("record", [record for _, record in REJECTED], ids=[word for word, _ in REJECTED])
@pytest.mark.parametrize("form", ["array", "lines", "wrapped"])
async def test_a_bad_record_does_not_stop_the_good_ones(desk: Graph, form: str, record: bytes) -> None:
    numbers = [next(_numbers) for _ in range(2)]
    good = [json.dumps(graph_alert(number)).encode() for number in numbers]
    three = [good[0], record, good[1]]
    body = {
        "array": b"[" + b",".join(three) + b"]",
        "lines": b"\n".join(three),
        "wrapped": b'{"value": [' + b",".join(three) + b"]}",
    }[form]
    answer = await desk.ask("POST", "/ingest/graph", content=body)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["records"], report["taken"], report["rejected"]) == (3, 2, 1)
    [problem] = report["problems"]
    assert problem["line"] == 2
    assert problem["reason"]
    for number in numbers:
        await desk.get(f"{LIST}/{name(number)}")


@pytest.mark.parametrize("record", [record for _, record in BROKEN_LINES], ids=[word for word, _ in BROKEN_LINES])
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_broken_line_does_not_stop_the_good_ones(desk: Graph, place: int, record: bytes) -> None:
    numbers = [next(_numbers) for _ in range(2)]
    lines = [json.dumps(graph_alert(number)).encode() for number in numbers]
    lines.insert(place, record)
    answer = await desk.ask("POST", "/ingest/graph", content=b"\n".join(lines))
    if place == 0 and not record.startswith(b"{"):
        refused(answer, 400)  # by its first byte this is no JSON delivery
        return
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["taken"], report["rejected"]) == (2, 1)
    [problem] = report["problems"]
    assert problem["line"] == place + 1
    assert problem["reason"]
    assert problem["kept"]


def cluster(depth: int) -> Any:
    """Evidence inside evidence, as the model allows it without end."""
    item: dict[str, Any] = {"@odata.type": "#microsoft.graph.security.ipEvidence", "ipAddress": "10.0.0.1"}
    for _ in range(depth):
        item = {"@odata.type": "#microsoft.graph.security.kubernetesClusterEvidence", "cloudResource": item}
    return item


STRANGE: list[tuple[str, Any]] = [
    (
        "types",
        {
            "severity": 7,
            "status": [],
            "evidence": {"a": 1},
            "comments": "x",
            "createdDateTime": 17,
            "mitreTechniques": {"T1": 1},
        },
    ),
    ("words", {"severity": "ferocious", "status": "lost", "serviceSource": "acme", "classification": "maybe"}),
    ("numbers", {"customDetails": {"a": 10**400, "b": -(2**63) - 1, "c": 1.5e308}}),
    ("evidence type", {"evidence": [{"@odata.type": "#microsoft.graph.security.spoonEvidence", "size": 1}, 7, None, []]}),
    ("nested", {"customDetails": {"a": [[[[[[[[[[{}]]]]]]]]]]}}),
    ("far time", {"createdDateTime": "0000-00-00T00:00:00Z", "firstActivityDateTime": "99999-01-01T00:00:00Z"}),
    ("much text", {"description": "x" * 3_000_000}),
    ("many tags", {"systemTags": [str(n) for n in range(20_000)]}),
    ("evidence in evidence", {"evidence": [cluster(20)]}),
    ("evidence in evidence in evidence", {"evidence": [cluster(300)]}),
    ("evidence without end", {"evidence": [cluster(450)]}),
]


@pytest.mark.parametrize("members", [members for _, members in STRANGE], ids=[word for word, _ in STRANGE])
async def test_a_strange_record_is_taken_or_rejected_by_itself(desk: Graph, members: dict[str, Any]) -> None:
    numbers = [next(_numbers) for _ in range(3)]
    strange = graph_alert(numbers[1], **members)
    answer = await desk.ask(
        "POST", "/ingest/graph", content=json.dumps([graph_alert(numbers[0]), strange, graph_alert(numbers[2])])
    )
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["taken"] + report["rejected"] == 3
    assert all(problem["line"] == 2 and problem["reason"] for problem in report["problems"])
    for number in (numbers[0], numbers[2]):
        await desk.get(f"{LIST}/{name(number)}")
    if report["taken"] == 3:
        found = await desk.ask(
            "GET", LIST, params={"$filter": f"endswith(providerAlertId, '{numbers[1]:08d}-aaaa-bbbb-cccc-000000000000_1')"}
        )
        assert len(found.json()["value"]) == 1


@pytest.mark.parametrize("depth", [100, 400, 600, 900])
async def test_a_repaired_record_may_be_deep(desk: Graph, depth: int) -> None:
    numbers = [next(_numbers) for _ in range(2)]
    deep = (
        json.dumps(graph_alert(numbers[0], title="DEEP"))[:-1]
        + ', "customDetails": {"a": '
        + "[" * depth
        + '"\\u0000"'
        + "]" * depth
        + "}}"
    )
    answer = await desk.ask("POST", "/ingest/graph", content=f"{deep}\n{json.dumps(graph_alert(numbers[1]))}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["taken"] + answer.json()["rejected"] == 2
    await desk.get(f"{LIST}/{name(numbers[1])}")


# --- NUL and lone surrogates inside a source's record -------------------------------------------------------------------------

DAMAGED = {
    "escaped NUL": b"a\\u0000b",
    "NUL": b"a\x00b",
    "lone surrogate": b"a\\ud800b",
    "second half": b"a\\uDC00b",
    "not UTF-8": b"a\xffb",
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=list(DAMAGED))
@pytest.mark.parametrize("form", ["one", "array", "lines", "wrapped"])
async def test_damaged_text_is_repaired_and_the_original_kept(desk: Graph, form: str, damage: bytes) -> None:
    numbers = [next(_numbers) for _ in range(2)]
    record = json.dumps(graph_alert(numbers[0], title="T", customDetails={"K": "V"})).encode()
    for mark in (b'"T"', b'"K"', b'"V"'):
        record = record.replace(mark, b'"' + damage + b'"')
    good = json.dumps(graph_alert(numbers[1])).encode()
    body = {"one": record, "array": b"[" + record + b", " + good + b"]", "lines": record + b"\n" + good,
            "wrapped": b'{"@odata.context": "x", "value": [' + record + b"," + good + b"]}"}[form]  # fmt: skip
    answer = await desk.ask("POST", "/ingest/graph", content=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["taken"] == (1 if form == "one" else 2), answer.text
    shown = await desk.get(f"{LIST}/{name(numbers[0])}")
    assert shown["title"] == "a\ufffdb"
    assert shown["customDetails"] == {"a\ufffdb": "a\ufffdb"}
    [entry] = (await desk.get(f"{LIST}/{name(numbers[0])}/records"))["value"]
    assert entry["repaired"] is True
    kept = entry["content"].encode() if entry["contentEncoding"] == "utf-8" else base64.b64decode(entry["content"])
    assert kept == record
    if form != "one":
        [entry] = (await desk.get(f"{LIST}/{name(numbers[1])}/records"))["value"]
        assert entry["repaired"] is False
        assert entry["content"].encode() == good


@pytest.mark.parametrize("damage", [b"\x00", b"\xff", b"\xed\xa0\x80"])
async def test_damaged_log_lines_are_repaired_too(desk: Graph, damage: bytes) -> None:
    line = b"CEF:0|Acme|Wall|1|100|Bad " + damage + b" thing|8|externalId=%d src=10.0.0.1 rt=1793500000000" % next(_numbers)
    answer = await desk.ask("POST", "/ingest/cef", content=line + b"\r\n")
    assert answer.status_code == 200, answer.text
    assert answer.json()["taken"] == 1, answer.text
    [shown] = (await desk.get(LIST, filter="contains(title, '\ufffd')", orderby="lastUpdateDateTime desc", top="1"))["value"]
    assert "\x00" not in shown["title"]
    [entry] = (await desk.get(f"{LIST}/{shown['id']}/records"))["value"]
    kept = entry["content"].encode() if entry["contentEncoding"] == "utf-8" else base64.b64decode(entry["content"])
    assert kept == line
    assert entry["repaired"] is True


async def test_a_real_replacement_character_is_no_repair(desk: Graph) -> None:
    number = next(_numbers)
    await desk.hand_in("graph", graph_alert(number, title="a\ufffdb \\u0000 \U0001f600"))
    [entry] = (await desk.get(f"{LIST}/{name(number)}/records"))["value"]
    assert (await desk.get(f"{LIST}/{name(number)}"))["title"] == "a\ufffdb \\u0000 \U0001f600"
    assert entry["repaired"] is False
