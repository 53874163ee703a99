"""What a filter on the older alert selects from a real store is what the same filter says of each alert as it is shown.

The two ways of reading `model/legacy.py` are held against each other: a question translated to rows and answered by the
store, and the older objects made from those rows, judged in Python one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.properties.test_meaning import (
    ACCOUNT,
    ALERT,
    EVIDENCE,
    INSTANTS,
    NUMBERS,
    POOL,
    WORDS,
    Record,
    draft,
    item,
    member,
    quoted,
)

from secgraph import clock
from secgraph.model.choices import OLDER_ALERTS
from secgraph.model.edm import EnumType, Primitive, Property, StructType, load
from secgraph.odata import bind, match
from secgraph.odata.query import Order, enum_of, kind_of
from secgraph.odata.translate import translated
from secgraph.odata.view import view

if TYPE_CHECKING:
    from tests.properties.conftest import Ground

MODEL = load()
OLDER = MODEL.sets[OLDER_ALERTS]
VIEW = view(OLDER_ALERTS)

# --- alerts -------------------------------------------------------------------------------------------------------------

PLACE = draft({}, {"countryName": WORDS})
ADDRESS = item("ipEvidence", ipAddress=WORDS, countryLetterCode=WORDS, location=PLACE)
FILE = draft({}, {"fileName": WORDS, "filePath": WORDS, "md5": WORDS, "sha1": WORDS, "sha256": WORDS, "sha256Ac": WORDS})
HIVES = st.sampled_from(["HKEY_LOCAL_MACHINE", "hklm", "HKEY_CURRENT_USER", "HKEY_USERS", "HKEY_CURRENT_CONFIG", "x"])
KEYS = st.sampled_from(["SOFTWARE\\a", "software", "SYSTEM\\b", "SAM", "SECURITY\\x", "SOFTWAREx", ".DEFAULT\\y", "a"]) | WORDS
TYPES = st.sampled_from(["String", "REG_SZ", "Dword", "reg_binary", "MultiString", "None", "x"]) | WORDS
INTEGERS = NUMBERS.map(lambda number: max(-(2**31), min(number, 2**31 - 1)))
STATES = st.one_of(
    EVIDENCE, ADDRESS,
    item("deviceEvidence", deviceDnsName=WORDS, hostName=WORDS, osPlatform=WORDS, lastIpAddress=WORDS, riskScore=member("deviceRiskScore")),
    item("ioTDeviceEvidence", deviceName=WORDS, operatingSystem=WORDS, ipAddress=ADDRESS),
    item("fileEvidence", fileDetails=FILE), item("fileHashEvidence", algorithm=member("fileHashAlgorithm"), value=WORDS),
    item("processEvidence", processId=NUMBERS, parentProcessId=NUMBERS, processCommandLine=WORDS, imageFile=FILE, userAccount=ACCOUNT,
         parentProcessImageFile=FILE, processCreationDateTime=INSTANTS.map(clock.text)),
    item("networkConnectionEvidence", destinationAddress=ADDRESS, sourceAddress=ADDRESS, destinationPort=INTEGERS, sourcePort=INTEGERS,
         protocol=member("protocolType")),
    item("urlEvidence", url=WORDS), item("dnsEvidence", domainName=WORDS, hostIpAddress=ADDRESS),
    item("registryKeyEvidence", registryHive=HIVES, registryKey=KEYS),
    item("registryValueEvidence", registryHive=HIVES, registryKey=KEYS, registryValueType=TYPES, registryValueName=WORDS),
    item("analyzedMessageEvidence", recipientEmailAddress=WORDS, p2Sender=draft({}, {"emailAddress": WORDS}), subject=WORDS,
         receivedDateTime=INSTANTS.map(clock.text)),
    item("mailboxEvidence", upn=WORDS, userAccount=ACCOUNT), item("malwareEvidence", name=WORDS, category=WORDS),
    item("cloudApplicationEvidence", displayName=WORDS), item("amazonResourceEvidence", amazonResourceId=WORDS),
    item("hostLogonSessionEvidence", sessionId=WORDS, startUtcDateTime=INSTANTS.map(clock.text),
         account=item("userEvidence", userAccount=ACCOUNT)),
)  # fmt: skip
ROWS = st.builds(
    lambda one, more: {**one, **more},
    ALERT,
    draft({}, {
        "evidence": st.lists(STATES, max_size=4), "productName": WORDS | st.sampled_from(["ASC", "mcas"]), "recommendedActions": WORDS,
        "alertWebUrl": WORDS, "detectorId": WORDS, "threatDisplayName": WORDS, "actorDisplayName": WORDS, "tenantId": WORDS,
        "comments": st.lists(draft({"createdDateTime": INSTANTS.map(clock.text)}, {"comment": WORDS}), max_size=2),
        "additionalData": draft({}, {"vendor": WORDS | NUMBERS, "userTags": st.lists(WORDS, max_size=2)}),
    }),
)  # fmt: skip

# --- conditions, read off the older type itself --------------------------------------------------------------------------


def constants(kind: Any, words: list[str]) -> st.SearchStrategy[str]:
    """A constant that can be compared with values of a type; `words` are texts the alerts hold, so that some are found."""
    if isinstance(kind, EnumType):
        return st.sampled_from(list(kind.members)).map(quoted)
    assert isinstance(kind, Primitive)
    match kind.name:
        case "Edm.String":
            return (st.sampled_from(words) | WORDS).map(quoted)
        case "Edm.DateTimeOffset":
            return INSTANTS.map(clock.text)
        case "Edm.Boolean":
            return st.sampled_from(["true", "false"])
    return NUMBERS.map(str)


def comparisons(path: str, kind: Any, words: list[str]) -> st.SearchStrategy[str]:
    ops = ["eq", "ne"] if isinstance(kind, Primitive) and kind.name == "Edm.Boolean" else ["eq", "ne", "lt", "le", "gt", "ge"]
    value = constants(kind, words)
    kinds = [
        st.builds(lambda op, one: f"{path} {op} {one}", st.sampled_from(ops), value),
        st.builds(lambda op, one: f"{one} {op} {path}", st.sampled_from(ops), value),
        st.sampled_from([f"{path} eq null", f"{path} ne null"]),
        st.lists(value | st.just("null"), min_size=1, max_size=3).map(lambda items: f"{path} in ({','.join(items)})"),
    ]
    if isinstance(kind, Primitive) and kind.name == "Edm.String":
        needle = st.sampled_from(POOL).map(lambda word: quoted(word[:2]))
        kinds.append(st.builds(lambda op, one: f"{op}({path},{one})", st.sampled_from(["contains", "startswith", "endswith"]), needle))
        kinds.append(st.builds(lambda one: f"length({path}) gt {one}", st.integers(0, 3)))
        kinds.append(st.just(f"matchesPattern({path},'^[a-c]')"))
    if isinstance(kind, EnumType):
        kinds.append(st.builds(lambda one: f"contains(cast({path},Edm.String),{one})", st.sampled_from(["'o'", "'resolved'", "'a'"])))
    return st.one_of(kinds)


def of_members(before: str, struct: StructType, words: list[str]) -> st.SearchStrategy[str]:
    """A condition on a member of an object, or of an object in it."""
    return st.sampled_from([one for one in struct.properties.values() if not one.collection]).flatmap(
        lambda one: st.sampled_from([f"{before}{one.name} eq null", f"{before}{one.name} ne null"])
        | of_members(f"{before}{one.name}/", one.type, words)
        if isinstance(one.type, StructType)
        else comparisons(f"{before}{one.name}", one.type, words)
    )


def of_collection(one: Property, words: list[str]) -> st.SearchStrategy[str]:
    name = one.name
    body = of_members("x/", one.type, words) if isinstance(one.type, StructType) else comparisons("x", one.type, words)
    inside = st.one_of(body, st.builds(lambda left, right: f"({left}) and ({right})", body, body),
                       st.builds(lambda left, right: f"({left}) or not ({right})", body, body))  # fmt: skip
    return st.one_of(
        inside.map(lambda text: f"{name}/any(x:{text})"), inside.map(lambda text: f"{name}/all(x:{text})"),
        st.just(f"{name}/any()"), st.builds(lambda op, number: f"{name}/$count {op} {number}", st.sampled_from(["eq", "gt", "le"]), NUMBERS),
        inside.map(lambda text: f"{name}/$filter({text.replace('x/', '').replace('x ', '$this ')})/$count gt 0")
        if isinstance(one.type, StructType) else st.nothing(),
    )  # fmt: skip


def conditions(words: list[str]) -> st.SearchStrategy[str]:
    members = list(OLDER.type.properties.values())
    lists = st.sampled_from([one for one in members if one.collection]).flatmap(lambda one: of_collection(one, words))
    pairs = st.sampled_from([
        "title eq category", "status eq case(severity eq 'high':microsoft.graph.alertStatus'resolved',true:microsoft.graph.alertStatus'newAlert')", "eventDateTime le lastModifiedDateTime",
        "hostStates/$count lt userStates/$count", "severity gt case(status eq 'newAlert':microsoft.graph.alertSeverity'low',true:microsoft.graph.alertSeverity'medium')",
        "processes/any(p:userStates/any(u:u/accountName eq p/accountName))", "fileStates/any(f:f/name eq title)",
        "networkConnections/any(a:networkConnections/any(b:a/sourceAddress eq b/destinationAddress))",
        "comments/any(c:contains(c,assignedTo))", "'a' in tags", "status eq status", "eventDateTime add duration'PT1H' gt createdDateTime",
        "hasSubset(tags,['a','b'])", "year(eventDateTime) eq 2026", "isof(vendorInformation,microsoft.graph.securityVendorInformation)",
    ])  # fmt: skip
    simple = of_members("", OLDER.type, words) | lists | pairs
    return st.recursive(simple, lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.builds(lambda left, right: f"({left}) and ({right})", inner, inner),
        st.builds(lambda left, right: f"({left}) or ({right})", inner, inner),
    ), max_leaves=3)  # fmt: skip


def texts(value: Any) -> list[str]:
    """Every text inside a value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in texts(one)]


def stored(ground: Ground, drafts: list[Record]) -> tuple[Any, list[Record]]:
    """A tenant that holds these alerts, and how they are shown."""
    tenant = ground.tenant()
    records = ground.put(tenant, [{**one, "id": f"{number:03}"} for number, one in enumerate(drafts)])
    return tenant, [VIEW.project(record) for record in records]


@given(data=st.data())
def test_a_filter_selects_what_shows_it(ground: Ground, data: st.DataObject) -> None:
    tenant, shown = stored(ground, data.draw(st.lists(ROWS, min_size=1, max_size=5), "alerts"))
    words = sorted({text for one in shown for text in texts(one) if len(text) < 40}) or ["a"]
    for text in data.draw(st.lists(conditions(words), min_size=1, max_size=8), "filters"):
        query = bind.query(OLDER, {"$filter": text, "$orderby": "id"}, MODEL)
        holds = match.predicate(query.where) if query.where is not None else lambda _: True
        expected = [one["id"] for one in shown if holds(one)]
        rows = translated(query, VIEW)
        assert ground.page(tenant, rows).ids == expected, text
        assert ground.count(tenant, rows) == len(expected)
        event("none" if not expected else "all" if len(expected) == len(shown) else "some")


def placed(shown: list[Record], order: tuple[Order, ...]) -> list[str]:
    """The ids in an order: null first ascending and last descending."""
    found = list(shown)
    for key in reversed(order):
        rank = match.ranked(key.by, kind_of(key.by), enum_of(key.by))
        values = {one["id"]: rank({"": one, "now": 0}) for one in shown}
        found.sort(key=lambda one: (values[one["id"]] is not None, values[one["id"]] if values[one["id"]] is not None else 0),
                   reverse=key.descending)  # fmt: skip
    return [one["id"] for one in found]


SORTED = ["title", "severity", "status", "feedback", "eventDateTime", "lastEventDateTime", "vendorInformation/provider", "confidence",
          "hostStates/$count", "assignedTo", "createdDateTime", "id", "length(title)"]  # fmt: skip


@given(data=st.data())
def test_an_order_is_that_of_what_is_shown(ground: Ground, data: st.DataObject) -> None:
    tenant, shown = stored(ground, data.draw(st.lists(ROWS, min_size=1, max_size=6), "alerts"))
    one = st.builds(lambda name, way: f"{name} {way}", st.sampled_from(SORTED), st.sampled_from(["asc", "desc"]))
    text = ",".join(data.draw(st.lists(one, min_size=1, max_size=3), "order"))
    query = bind.query(OLDER, {"$orderby": text, "$top": "2"}, MODEL)
    rows, after, found = translated(query, VIEW), None, []
    while True:
        page = ground.page(tenant, rows, after)
        found += page.ids
        if page.next is None:
            break
        after = page.next
    assert found == placed(shown, query.order), text


@pytest.mark.parametrize("text", ["status eq 'dismissed'", "triggers/any()", "confidence eq 3", "hostStates/any(h:h/isAzureAdJoined)"])
def test_what_is_never_shown_is_found_nowhere(ground: Ground, text: str) -> None:
    tenant, _ = stored(ground, [{}])
    assert ground.page(tenant, translated(bind.query(OLDER, {"$filter": text}, MODEL), VIEW)).ids == []
