"""Every kind that is built in keeps to what is asked of an outside author's."""

# ruff: noqa: ARG001, ARG002, ARG005 -- what is broken here answers to the protocols of a source

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, cast
from xml.etree import ElementTree as ET

import pytest
from tests.sources.test_crowdstrike import Falcon
from tests.sources.web import GIVEN, TENANT, Call, Canned, reply, told

from secgraph import clock
from secgraph.extend import (
    AlertDraft,
    CallFailed,
    Connector,
    ControlDraft,
    EvidenceDraft,
    Framing,
    Mark,
    Option,
    OutcomeUnknown,
    Place,
    Pulled,
    Pulls,
    Raw,
    Reach,
    Reply,
    Told,
    Unusable,
    Web,
    WritesBack,
    Written,
    moment,
    source,
    sources,
    text,
)
from secgraph.testing.conformance import Suite, faults_of, pull_faults, write_faults

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples" / "mappings"
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "generic": {"mapping": (EXAMPLES / "gatehouse.toml").read_text("utf-8")},
    "mcas": {"url": "https://contoso.portal.cloudappsecurity.com"},
    "scubagear": {"tenant": ""},
    "crowdstrike": {"client_id": "app", "client_secret": "s3cret"},
}


def payloads(name: str) -> list[Any]:
    if name == "generic":
        found: list[Any] = json.loads((EXAMPLES / "gatehouse.json").read_text("utf-8"))["detections"]
        return found
    paths = sorted(path for path in (HERE / name).iterdir() if ".expected." not in path.name)
    if source(name).framing == "lines":
        return [line for path in paths for line in path.read_text("utf-8").splitlines()]
    if source(name).framing == "whole":
        return [path.read_bytes() for path in paths]
    return [json.loads(path.read_text("utf-8")) for path in paths]


@pytest.mark.parametrize("name", list(sources()))
def test_a_built_in_kind_keeps_to_the_rules(name: str) -> None:
    kind = source(name)
    given = None
    if isinstance(kind, Told):
        known = {one.name for one in kind.options}
        given = {option: value for option, value in {**GIVEN, **OPTIONS.get(name, {})}.items() if option in known}
    assert faults_of(kind, payloads(name), given) == []


# --- asking -----------------------------------------------------------------------------------------------------------------

NOW = 17_707_248_000_000_000  # 2026-02-10T12:00:00Z
DAY = "2026-02-10T{hour:02}:00:00Z"


def linked(url: str, *more: str) -> Canned:
    """A list of six rows in three pages at each address, linked to each other."""
    table: dict[str, Any] = {}
    for each in (url, *more):
        rows = [{"id": f"{each[-9:]}{number}", "lastUpdateDateTime": DAY.format(hour=number), "createdDateTime": DAY.format(hour=number)} for number in range(6)]
        for page in range(3):
            link = {"@odata.nextLink": f"{each}?page={page + 1}"} if page < 2 else {}
            table[f"GET {each}?page={page}" if page else f"GET {each}"] = {"value": rows[2 * page : 2 * page + 2], **link}
    return Canned(table)


def skipped(url: str) -> Canned:
    """A list of twelve rows, with as many to a page as are asked for but five at most."""
    rows = [{"id": f"r{number}", "incidentId": number, "lastUpdateTime": DAY.format(hour=number // 2)} for number in range(12)]

    def page(call: Call) -> dict[str, Any]:
        start = int(call.params["$skip"])
        some = rows[start : start + min(5, int(call.params["$top"]))]
        return {"value": some, **({"@odata.nextLink": f"{url}?more"} if start + 5 < len(rows) else {})}

    return Canned({f"GET {url}": page})


def fed(feed: str) -> Canned:
    """An audit feed whose list has two pages, with three pieces of content."""
    pieces = [{"contentId": f"c{number}", "contentUri": f"{feed}/audit/c{number}", "contentCreated": DAY.format(hour=number)} for number in range(1, 4)]
    listed = f"{feed}/subscriptions/content"
    more = reply(pieces[:2], NextPageUri=f"{listed}?nextPage=2")
    table: dict[str, Any] = {f"GET {listed}": Reply(more.status, {"nextpageuri": f"{listed}?nextPage=2"}, more.body), f"GET {listed}?nextPage=2": pieces[2:]}
    records = {one["contentUri"]: [{"RecordType": 40, "Id": f"{one['contentId']}{number}"} for number in range(2)] for one in pieces}
    return Canned({**table, **{f"GET {uri}": found for uri, found in records.items()}})


def closing(url: str) -> Canned:
    """Cloud Apps with five alerts in pages of two, and the one that is closed."""
    rows = [{"_id": f"a{number}", "timestamp": (NOW - number * clock.SECOND) // 10_000} for number in range(5)]

    def page(call: Call) -> dict[str, Any]:
        start = call.json["skip"] // call.json["limit"] * 2
        return {"data": rows[start : start + 2], "hasNext": start + 2 < len(rows)}

    return Canned({f"POST {url}": page, f"GET {url}a1/": {**rows[1], "comment": "c"}, f"POST {url}close_true_positive/": {"closed_true_positive": 1}, f"POST {url}a1/read/": {}})


MCAS = "https://contoso.portal.cloudappsecurity.com/api/v1/alerts/"
OFFICE = f"https://manage.office.com/api/v1.0/{TENANT}/activity/feed"
MDE = "https://api.securitycenter.microsoft.com/api/alerts"
FALCON = {**OPTIONS["crowdstrike"], "url": "https://api.eu-1.crowdstrike.com"}
GRAPH = "https://graph.microsoft.com/v1.0"
EMPTY: dict[str, Any] = {"value": []}
ASKED: Mapping[str, tuple[Mapping[str, str], Any]] = {
    "graph": (
        {},
        lambda: linked(*(f"{GRAPH}/security/{name}" for name in ("alerts_v2", "incidents", "secureScores", "secureScoreControlProfiles", "identities/identityAccounts", "identities/healthIssues", "identities/sensors"))),
    ),
    "entra": ({}, lambda: linked(f"{GRAPH}/identityProtection/riskDetections", f"{GRAPH}/identityProtection/riskyUsers")),
    "mdo": ({}, lambda: fed(OFFICE)),
    "mcas": ({**OPTIONS["mcas"]}, lambda: closing(MCAS)),
    "mde": ({}, lambda: skipped(MDE)),
    "xdr": ({}, lambda: skipped("https://api.security.microsoft.com/api/incidents")),
    "crowdstrike": (FALCON, lambda: Falcon({f"a{number}": NOW - number * clock.SECOND for number in range(5)})),
}


@pytest.mark.parametrize("name", list(ASKED))
async def test_a_built_in_kind_pulls_as_it_has_to(name: str) -> None:
    options, api = ASKED[name]
    kind: Any = source(name)
    assert await pull_faults(told(kind, options), api, NOW) == []


def test_every_kind_that_is_asked_or_told_of_changes_is_here() -> None:
    assert {name for name in sources() if isinstance(source(name), Pulls)} == set(ASKED)
    assert {name for name in sources() if isinstance(source(name), WritesBack)} == {name for name, _, _, _, _ in WRITTEN}


SAID = {"id": "da1", "status": "Resolved", "classification": None, "determination": None, "assignedTo": "nina", "comments": [{"comment": "c"}]}
CHANGES = {"status": "resolved", "assignedTo": "nina", "comments": ["c", "d"]}
WRITTEN: Sequence[tuple[str, Mapping[str, str], Any, str, Mapping[str, Any]]] = (
    ("graph", {}, lambda: Canned({f"PATCH {GRAPH}/security/alerts_v2/da1": 204, f"POST {GRAPH}/security/alerts_v2/da1/comments": EMPTY, f"GET {GRAPH}/security/alerts_v2/da1": SAID}), "da1", CHANGES),
    ("mde", {}, lambda: Canned({f"PATCH {MDE}/da1": SAID, f"GET {MDE}/da1": SAID}), "da1", CHANGES),
    ("mcas", OPTIONS["mcas"], lambda: closing(MCAS), "a1", {"status": "resolved", "classification": "truePositive", "comments": ["c", "d"]}),
    ("mcas", OPTIONS["mcas"], lambda: closing(MCAS), "a1", {"status": "inProgress"}),
    ("crowdstrike", FALCON, lambda: Falcon({"a": NOW}), "a", CHANGES),
)


@pytest.mark.parametrize(("name", "options", "api", "key", "changes"), WRITTEN)
async def test_a_built_in_kind_writes_as_it_has_to(name: str, options: Mapping[str, str], api: Any, key: str, changes: Mapping[str, Any]) -> None:
    kind: Any = source(name)
    assert await write_faults(told(kind, options), api, key, changes) == []


# --- what is wrong is found -------------------------------------------------------------------------------------------------


class Good:
    """A source that pulls two pages, and keeps to everything; the ones below each break one rule."""

    name = "good"
    framing: Framing = "json"
    options = (Option("key", "what proves who asks", secret=True), Option("since", "how far back", "7d"))
    every = 60.0

    def told(self, options: Mapping[str, str]) -> Any:
        return type(self)()

    def normalise(self, raw: Raw) -> Any:
        record = raw.value if isinstance(raw.value, dict) else {}
        native_id = text(record.get("id"))
        if native_id is None:
            raise Unusable("no id")
        return [self.draft(native_id, moment(record.get("at")), record, raw)]

    def draft(self, native_id: str, at: str | None, record: Mapping[str, Any], raw: Raw) -> AlertDraft:
        return AlertDraft("a/b", native_id, {"title": "t", "createdDateTime": at, "severity": "low"}, ("ab",))

    def reach(self) -> Reach:
        return Reach(("https://a.example",))

    async def pull(self, web: Web, place: Place, now: int) -> Any:
        mark = Mark.of(place, "list", now, first=clock.DAY, overlap=clock.SECOND)
        for page in (1, 2):
            for record in json.loads(await self.asked(web, page)):
                yield Pulled([json.dumps(record).encode()])
        yield Pulled((), {"list": mark.told})

    async def asked(self, web: Web, page: int) -> bytes:
        body = (await web.call("GET", f"https://a.example/{page}")).good()
        try:
            if not isinstance(json.loads(body), list):
                raise CallFailed("no list")
        except (ValueError, RecursionError):
            raise CallFailed("no JSON") from None
        return body

    writes = frozenset({"status"})

    async def write(self, web: Web, native_id: str, changes: Mapping[str, Any]) -> Any:
        reply = await web.call("PATCH", f"https://a.example/{native_id}", json=dict(changes), once=True)
        if reply.status != 204:
            raise OutcomeUnknown(f"answered {reply.status}")
        return Written(accepted=True)

    async def read(self, web: Web, native_id: str) -> Any:
        return {"status": "new"}


RECORDS = [{"id": "1", "at": "2026-02-10T09:00:00Z"}, {"id": "2", "at": "2026-02-10T09:00:00Z"}]


def answers() -> Canned:
    return Canned({"GET https://a.example/1": [RECORDS[0]], "GET https://a.example/2": [RECORDS[1]], "PATCH https://a.example/1": 204, "GET https://b.example/1": []})


class TestGood(Suite):
    """The suite as an author runs it."""

    connector: ClassVar[Connector] = Good()
    records: ClassVar[Sequence[Any]] = RECORDS
    options: ClassVar[Mapping[str, str] | None] = {"key": "k"}
    native_id = "1"
    changes: ClassVar[Mapping[str, Any]] = {"status": "resolved"}

    def product(self) -> Canned:
        return answers()


def alert(**members: Any) -> Any:
    return lambda self, native_id, at, record, raw: AlertDraft("a/b", native_id, {"title": "t", "createdDateTime": at, **members})


@pytest.mark.parametrize(("broken", "says"), [
    ({"name": "Bad Name"}, "its name is"), ({"framing": "xml"}, "its framing"), ({"options": (Option("a", ""),)}, "says nothing"),
    ({"options": (Option("a", "x"), Option("a", "y"))}, "have one name"), ({"options": (Option("a", "x", "secret", secret=True),)}, "default that everybody knows"),
    ({"told": lambda self, options: self}, "told changes the source itself"), ({"told": lambda self, options: int(options["since"])}, "ValueError leaves told"),
    ({"draft": alert(severity="severe")}, "has no member 'severe'"), ({"draft": alert(colour="red")}, "no member 'colour'"), ({"draft": alert(incidentId="1")}, "the server's to give"),
    ({"draft": alert(resolvedDateTime="2026-02-10 09:00")}, "a time has an offset"), ({"draft": alert(additionalData={"a": "x" * 3000})}, "of the 2048 that fit"),
    ({"draft": alert(title=5)}, "no title"), ({"draft": alert(evidence=[{"@odata.type": "#microsoft.graph.security.ipEvidence", "ipAdress": "x"}])}, "no member 'ipAdress'"),
    ({"draft": lambda self, native_id, at, record, raw: AlertDraft("b", native_id, {"title": "t"})}, "its product is 'b'"),
    ({"draft": lambda self, native_id, at, record, raw: AlertDraft("a/b", cast("str", 5), {"title": "t"})}, "its native id is 5"),
    ({"draft": lambda self, native_id, at, record, raw: AlertDraft("a/b", str(raw.received), {"title": "t"})}, "identity changes"),
    ({"draft": lambda self, native_id, at, record, raw: AlertDraft("a/b", native_id, {"title": "t", "description": str(id(raw))})}, "another draft"),
    ({"draft": lambda self, native_id, at, record, raw: AlertDraft("a/b", native_id, {"title": record["at"].upper()})}, "leaves normalise"),
    ({"draft": lambda self, native_id, at, record, raw: raw.value.clear() or AlertDraft("a/b", native_id, {"title": "t"})}, "changes the record"),
])  # fmt: skip
def test_what_a_source_does_wrong_is_found(broken: dict[str, Any], says: str) -> None:
    faults = faults_of(type("Bad", (Good,), broken)(), copy.deepcopy(RECORDS), {"key": "k"} if "options" not in broken else None)
    assert any(says in one for one in faults), faults


class Report:
    """A source of reports that keeps to everything."""

    name = "report"
    framing: Framing = "whole"

    def normalise(self, raw: Raw) -> Any:
        return [EvidenceDraft("report", check, raw.received, 1.0) for check in self.checks(raw.data)]

    def checks(self, data: bytes) -> list[str]:
        try:
            found = text(json.loads(data.decode("utf-8-sig"))["check"])
        except (ValueError, RecursionError, TypeError, KeyError, IndexError):
            raise Unusable("no report") from None
        if found is None:
            raise Unusable("no check")
        return [found]


def unguarded(self: Report, data: bytes) -> list[str]:
    with suppress(ValueError, TypeError, KeyError, IndexError):
        return [text(json.loads(data.decode("utf-8-sig"))["check"]) or "none"]
    raise Unusable("no report")


@pytest.mark.parametrize(("broken", "says"), [
    ({"checks": unguarded}, "RecursionError leaves normalise"), ({"checks": lambda self, data: [data[data.index(b"c") :].decode()]}, "ValueError leaves normalise"),
    ({"checks": lambda self, data: [data.decode("utf-8")]}, "UnicodeDecodeError leaves normalise"),
    ({"checks": lambda self, data: [json.loads(data.decode("utf-8-sig", "replace") or "0")]}, "JSONDecodeError leaves normalise"),
])  # fmt: skip
def test_what_a_source_of_reports_does_wrong_is_found(broken: dict[str, Any], says: str) -> None:
    reports = [b'{"check": "one", "more": [1, 2]}']
    assert faults_of(Report(), reports) == []
    faults = faults_of(type("Bad", (Report,), broken)(), reports)
    assert any(says in one for one in faults), faults


class Scanner:
    """A source of reports that keeps to everything."""

    name = "scanner"
    framing: Framing = "whole"

    def normalise(self, raw: Raw) -> Any:
        head, _, rest = raw.data.decode("utf-8", "replace").partition("\n")
        if head.strip() != "report":
            raise Unusable("no report")
        checks = dict(line.split("=", 1) for line in rest.splitlines() if line.count("=") == 1 and 0 < len(line.partition("=")[0].strip()) < 50)
        if not checks:
            raise Unusable("a report without checks")
        return [self.draft(check, word, raw) for check, word in checks.items()]

    def draft(self, check: str, word: str, raw: Raw) -> EvidenceDraft:
        return EvidenceDraft("scanner", check, raw.received, float(word == "passed"), "web-1", "web-1", "a sentence", None, ControlDraft(check, "Device"))


REPORT = b"report\nC-1=passed\nC-2=failed\n"


def test_a_scanner_that_keeps_to_everything() -> None:
    assert faults_of(Scanner(), [REPORT]) == []


def finding(**members: Any) -> Any:
    return lambda self, check, word, raw: EvidenceDraft(**{"scanner": "s", "check": check, "at": raw.received, "share": 1.0, **members})


def control(**members: Any) -> Any:
    return finding(control=ControlDraft(**{"title": "t", "category": "Device", **members}))


def expanded(self: Scanner, raw: Raw) -> Any:
    try:
        found = ET.fromstring(raw.data.decode("utf-8")).text  # noqa: S314 -- what is wrong with it
    except (ValueError, ET.ParseError, LookupError):
        raise Unusable("no XML") from None
    yield EvidenceDraft("s", "c", raw.received, 1.0, details=found or "")


@pytest.mark.parametrize(("broken", "says"), [
    ({"draft": finding(scanner="")}, "its scanner is ''"), ({"draft": finding(check="")}, "its check is ''"), ({"draft": finding(check="x" * 201)}, "201 of the 200 characters that fit"), ({"draft": finding(check=5)}, "its check is 5"),
    ({"draft": finding(share=1.5)}, "its share is 1.5"), ({"draft": finding(share=True)}, "its share is True"), ({"draft": finding(share=float("nan"))}, "its share is nan"), ({"draft": finding(points=2.0)}, "beside a share of 1.0"),
    ({"draft": finding(share=None, points=-1.0)}, "its points are -1.0"), ({"draft": finding(at="2026-02-10T09:00:00Z")}, "its time is"), ({"draft": finding(at=0)}, "its time is 0"), ({"draft": finding(subject=None)}, "its subject is None"),
    ({"draft": finding(details=5)}, "its details is 5"), ({"draft": finding(control={})}, "it is a dict: a ControlDraft"), ({"draft": control(title=" ")}, "it has no title"), ({"draft": control(category="Linux")}, "category is 'Linux'"),
    ({"draft": control(max_score=0)}, "its points are 0"), ({"draft": control(max_score=101)}, "its points are 101"), ({"draft": control(tier="Best")}, "tier is 'Best'"), ({"draft": control(user_impact="None")}, "user_impact is 'None'"),
    ({"draft": control(threats=("Fire",))}, "its threats are"), ({"draft": control(compliance=(("CIS", ""),))}, "its compliance"), ({"draft": finding(check="one")}, "tells twice of the check 'one'"),
    ({"draft": lambda self, check, word, raw: EvidenceDraft("s", check, 1, 1.0, str(raw.received))}, "identity changes"), ({"normalise": lambda self, raw: [int(raw.data)]}, "ValueError leaves normalise"),
    ({"normalise": lambda self, raw: [raw]}, "it is a Raw"), ({"draft": lambda self, check, word, raw: None}, "it is a NoneType"),
])  # fmt: skip
def test_what_a_scanner_does_wrong_is_found(broken: dict[str, Any], says: str) -> None:
    faults = faults_of(type("Bad", (Scanner,), broken)(), [REPORT])
    assert any(says in one for one in faults), faults


def test_entities_of_a_report_that_are_read_are_found() -> None:
    faults = faults_of(type("Bad", (Scanner,), {"normalise": expanded})(), [b"<report>passed</report>"])
    assert any("an entity that the report declares" in one for one in faults), faults


async def early(self: Good, web: Web, place: Place, now: int) -> Any:
    for page in (1, 2):
        body = await self.asked(web, page)
        if page == 1 or not place:
            yield Pulled([body], {"list": "x"})


async def careless(self: Good, web: Web, place: Place, now: int) -> Any:
    yield Pulled([(await web.call("GET", "https://a.example/1")).good()], {"list": {"at": now}})
    json.loads((await web.call("GET", "https://a.example/2")).good())


async def straying(self: Good, web: Web, place: Place, now: int) -> Any:
    yield Pulled([await self.asked(web, 1)], {"list": "x"})
    await web.call("GET", "https://b.example/1")


async def forgetful(self: Good, web: Web, place: Place, now: int) -> Any:
    yield Pulled([await self.asked(web, 1)])


async def deaf(self: Good, web: Web, place: Place, now: int) -> Any:
    if not place or set(place) == {"nobody"}:
        yield Pulled([await self.asked(web, 1)], {"list": "x"})


@pytest.mark.parametrize(("broken", "says"), [
    ({"pull": early}, "records are lost"), ({"pull": careless}, "leaves pull"), ({"pull": straying}, "none of its origins"), ({"pull": forgetful}, "tells no place"),
    ({"pull": deaf}, "from {'since'"), ({"reach": lambda self: Reach(("http://a.example",))}, "an origin is https"), ({"every": 0}, "every 0 seconds"),
])  # fmt: skip
async def test_what_a_pull_does_wrong_is_found(broken: dict[str, Any], says: str) -> None:
    made: Any = type("Bad", (Good,), broken)()
    assert isinstance(made, Pulls)
    faults = await pull_faults(made, answers, NOW)
    assert any(says in one for one in faults), faults


async def repeated(self: Good, web: Web, native_id: str, changes: Mapping[str, Any]) -> Any:
    await web.call("PATCH", f"https://a.example/{native_id}")
    return Written(accepted=True)


async def optimist(self: Good, web: Web, native_id: str, changes: Mapping[str, Any]) -> Any:
    with suppress(CallFailed):
        await web.call("PATCH", f"https://a.example/{native_id}", once=True)
    return Written(accepted=True)


async def hopeful(self: Good, web: Web, native_id: str, changes: Mapping[str, Any]) -> Any:
    (await web.call("PATCH", f"https://a.example/{native_id}", once=True)).good()
    return Written(accepted=True)


async def wordless(self: Good, web: Web, native_id: str) -> Any:
    return {"status": "odd", "title": "x"}


@pytest.mark.parametrize(("broken", "says"), [
    ({"write": repeated}, "not told to be made once"), ({"write": optimist}, "said to be accepted"), ({"read": wordless}, "no word of the contract"),
    ({"read": wordless}, "title, which it does not write"), ({"writes": frozenset({"title"})}, "it writes title"),
])  # fmt: skip
async def test_what_a_write_does_wrong_is_found(broken: dict[str, Any], says: str) -> None:
    made: Any = type("Bad", (Good,), broken)()
    faults = await write_faults(made, answers, "1", {"status": "resolved"})
    assert any(says in one for one in faults), faults
