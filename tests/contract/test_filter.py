"""`$filter` over HTTP: what each word of the language selects, and what is refused, with the place."""

from __future__ import annotations

import pytest

from secgraph.testing import Graph

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECURITY = "microsoft.graph.security"
DEVICE = f"{SECURITY}.deviceEvidence"
USER = f"{SECURITY}.userEvidence"
FILE = f"{SECURITY}.fileEvidence"


def quoted(text: str) -> str:
    """A text as a constant of the language."""
    return "'" + text.replace("'", "''") + "'"


async def titles(graph: Graph, text: str, path: str = "security/alerts_v2") -> str:
    """The titles of all alerts that the filter selects, oldest first, in one text."""
    body = await graph.get(path, filter=text)
    return " ".join(sorted(item["title"] for item in body["value"]))


@pytest.mark.parametrize(("text", "found"), [
    # equality, of every kind
    ("title eq 'a1'", "a1"),
    ("title ne 'a1'", "a2 a3 a4 a5 a6"),
    ("'a1' eq title", "a1"),
    ("severity eq 'high'", "a1 a6"),
    ("severity ne 'high'", "a2 a3 a4 a5"),
    (f"severity eq {SECURITY}.alertSeverity'high'", "a1 a6"),
    ("assignedTo eq 'bo@contoso.com'", "a2"),
    ("determination eq 'malware'", "a1"),
    ("classification eq 'truePositive'", "a1"),
    ("status eq 'new'", "a1 a4 a5"),
    # null
    ("assignedTo eq null", "a3 a4 a5 a6"),
    ("assignedTo ne null", "a1 a2"),
    ("null eq assignedTo", "a3 a4 a5 a6"),
    ("resolvedDateTime ne null", "a2"),
    ("category eq null", "a4"),
    ("assignedTo ne 'bo@contoso.com'", "a1 a3 a4 a5 a6"),
    ("not (assignedTo eq 'bo@contoso.com')", "a1 a3 a4 a5 a6"),
    # comparison ignores case
    ("title eq 'A1'", "a1"),
    ("assignedTo eq 'ANA@CONTOSO.COM'", "a1"),
    ("severity eq 'HIGH'", "a1 a6"),
    ("serviceSource eq 'MICROSOFTDEFENDERFOROFFICE365'", "a4"),
    ("description eq '100%_SURE \\ STRASSE'", "a3"),
    ("Title eq 'a1'", "a1"),
    ("SEVERITY EQ 'high'", "a1 a6"),
    # order: enums by their numbers, dates by time, text folded by code point
    ("severity gt 'low'", "a1 a3 a6"),
    ("severity ge 'low'", "a1 a2 a3 a6"),
    ("severity lt 'medium'", "a2 a4 a5"),
    ("severity le 'low'", "a2 a4 a5"),
    ("'medium' gt severity", "a2 a4 a5"),
    ("title gt 'a4'", "a5 a6"),
    ("title ge 'A4'", "a4 a5 a6"),
    ("title lt 'a2'", "a1"),
    ("title le 'a2'", "a1 a2"),
    ("assignedTo gt 'a'", "a1 a2"),
    ("not (assignedTo gt 'z')", "a1 a2 a3 a4 a5 a6"),
    ("assignedTo le 'b'", "a1"),
    # dates
    ("createdDateTime ge 2026-11-05T10:00:00Z", "a5 a6"),
    ("createdDateTime gt 2026-11-05T10:00:00Z", "a6"),
    ("createdDateTime eq 2026-11-03T08:00:00Z", "a3"),
    ("createdDateTime eq 2026-11-03T10:00:00+02:00", "a3"),
    ("createdDateTime eq 2026-11-02T10:00:00.5000000Z", "a2"),
    ("createdDateTime lt 2026-11-02T10:00:00.5Z", "a1"),
    ("createdDateTime le 2026-11-02T10:00:00.500Z", "a1 a2"),
    ("createdDateTime lt 2026-11-02", "a1"),
    ("createdDateTime ge 2026-11-02 and createdDateTime lt 2026-11-04", "a2 a3"),
    ("createdDateTime ge '2026-11-06T00:00:00Z'", "a6"),
    ("createdDateTime in (2026-11-01T10:00:00Z, 2026-11-06T10:00:00Z)", "a1 a6"),
    # and, or, not, brackets
    ("severity eq 'high' and status eq 'new'", "a1"),
    ("severity eq 'high' or status eq 'inProgress'", "a1 a3 a6"),
    ("severity eq 'low' or severity eq 'high' and status eq 'new'", "a1 a2"),
    ("(severity eq 'low' or severity eq 'high') and status eq 'new'", "a1"),
    ("not (severity eq 'high')", "a2 a3 a4 a5"),
    ("NOT(severity eq 'high' or status eq 'new')", "a2 a3"),
    ("not contains(title, 'a') or title eq 'a2'", "a2"),
    ("((((title eq 'a1'))))", "a1"),
    ("not (not (title eq 'a1'))", "a1"),
    ("true", "a1 a2 a3 a4 a5 a6"),
    ("false", ""),
    # in
    ("title in ('a1', 'A3','nobody')", "a1 a3"),
    ("severity in ('high','low')", "a1 a2 a6"),
    ("assignedTo in (null, 'bo@contoso.com')", "a2 a3 a4 a5 a6"),
    ("not (severity in ('high', 'low'))", "a3 a4 a5"),
    # functions
    ("startswith(description, 'ransom')", "a1 a2 a6"),
    ("endswith(description, 'STRASSE')", "a3"),
    ("contains(description, 'NOTE')", "a1 a2"),
    ("contains(description,'o''brien')", "a1"),
    ("contains(description, '%')", "a3"),
    ("contains(description, '_')", "a3"),
    ("contains(description, '\\')", "a3"),
    ("startswith(tolower(description), 'ransom note')", "a1 a2"),
    ("tolower(assignedTo) eq 'ana@contoso.com'", "a1"),
    ("toupper(title) eq 'A2'", "a2"),
    ("contains(toupper(description), 'NOTE')", "a1 a2"),
    ("endswith(assignedTo, '@contoso.com')", "a1 a2"),
    ("contains(description, '')", "a1 a2 a3 a4 a6"),
    ("not (contains(description, 'ransom'))", "a3 a4"),
    # enumerations past the sentinel are compared as what they are, whatever the answer shows
    ("serviceSource eq 'microsoftSentinel'", "a3"),
    ("serviceSource gt 'unknownFutureValue'", "a3"),
    ("serviceSource in ('microsoftSentinel','microsoftDefenderForOffice365')", "a3 a4"),
    # collections
    ("mitreTechniques/any(t: t eq 't1486')", "a1 a4"),
    ("mitreTechniques/any(t: startswith(t, 'T15'))", "a4"),
    ("mitreTechniques/any()", "a1 a4"),
    ("not mitreTechniques/any()", "a2 a3 a5 a6"),
    ("not (mitreTechniques/any(t: t eq 'T1486'))", "a2 a3 a5 a6"),
    ("mitreTechniques/$count gt 1", "a4"),
    ("evidence/$count eq 0", "a4 a6"),
    ("evidence/any(e: e/verdict eq 'malicious')", "a1 a5"),
    ("evidence/any(e: e/verdict gt 'unknown')", "a1 a2 a5"),
    (f"evidence/any(e: e/{DEVICE}/deviceDnsName eq 'WS1.contoso.com')", "a1"),
    (f"evidence/any(e: e/{DEVICE.upper()}/hostName eq 'ws1')", "a1"),
    (f"evidence/any(e: endswith(e/{DEVICE}/deviceDnsName, '.contoso.com'))", "a1 a5"),
    (f"evidence/any(e: e/{USER}/userAccount/userPrincipalName eq 'ana@contoso.com')", "a1"),
    (f"evidence/any(e: e/{FILE}/fileDetails/fileSize ge 4096)", "a3"),
    (f"evidence/any(e: e/{FILE}/fileDetails/sha1 eq '{'ab' * 20}')", "a3"),
    (f"evidence/any(e: e/{DEVICE}/rbacGroupId in (7, 9))", "a1 a5"),
    (f"evidence/any(e: e/{DEVICE}/rbacGroupId lt 9)", "a1"),
    (f"evidence/any(e: e/{DEVICE}/rbacGroupId gt -1 and e/verdict eq 'malicious')", "a1"),
    (f"evidence/any(e: e/{DEVICE}/riskScore eq 'high')", "a1"),
    (f"evidence/any(e: e/{DEVICE}/ipInterfaces/any(i: i eq '10.0.0.2'))", "a1"),
    (f"evidence/any(e: e/{DEVICE}/loggedOnUsers/any(u: u/accountName eq 'ANA' and u/domainName eq 'contoso'))", "a1"),
    (f"evidence/any(e: e/{SECURITY}.processEvidence/processId eq 4711)", "a5"),
    (f"evidence/any(e: e/{DEVICE}/deviceDnsName ne null) and severity eq 'high'", "a1"),
    # open types
    ("customDetails/ticket eq 't-7'", "a3"),
    ("customDetails/count gt 3", "a6"),
    ("customDetails/nothing eq null", "a1 a2 a3 a4 a5 a6"),
    # nothing
    ("", "a1 a2 a3 a4 a5 a6"),
    ("   ", "a1 a2 a3 a4 a5 a6"),
])  # fmt: skip
async def test_filter_selects(six: Graph, text: str, found: str) -> None:
    assert await titles(six, text) == found
    assert (await six.ask("GET", "security/alerts_v2/$count", params={"$filter": text})).text == str(len(found.split()))
    if text.strip():
        rest = await titles(six, f"not ({text})")
        assert not set(rest.split()) & set(found.split())


@pytest.mark.parametrize("query", [
    "$filter=severity%20eq%20%27low%27",
    "$filter=severity+eq+%27low%27",
    "%24filter=severity%20eq%20'low'",
    "filter=severity eq 'low'".replace(" ", "%20"),
    "$Filter=severity%20eq%20'low'",
    "$filter=%28severity%20eq%20%27low%27%29%20and%20%28createdDateTime%20ge%202026-01-01T00%3A00%3A00%2B00%3A00%29",
    "$filter=createdDateTime%20eq%202026-11-02T11:00:00.5+01:00",
])  # fmt: skip
async def test_a_filter_is_read_in_every_encoding_that_clients_use(six: Graph, query: str) -> None:
    answer = await six.http.get(f"/v1.0/security/alerts_v2?{query}", headers=six.headers)
    assert answer.status_code == 200, answer.text
    assert [item["title"] for item in answer.json()["value"]] == ["a2"]


@pytest.mark.parametrize(("text", "said"), [
    ("severity", "severity"),
    ("severity eq", "ends where an operand is expected"),
    ("eq 'high'", "'eq' where an operand is expected"),
    ("severity eq 'high", "closing quote at position 13"),
    ("severity eq 'high' status eq 'new'", "position 20"),
    ("severity eq 'high' and", "ends"),
    ("(severity eq 'high'", "')'"),
    ("severity eq 'high')", "position 19"),
    ("severity eq 'ferocious'", "Members: unknown, informational, low, medium, high"),
    ("severity eq hihg", "Did you mean high?"),
    ("severity eq 3", "severity"),
    ("sevrity eq 'high'", "Did you mean severity?"),
    ("title eq 7", "'7'"),
    ("createdDateTime gt 'yesterday'", "'yesterday' is not a date-time"),
    ("createdDateTime gt 2026-11-01T10:00:00", "no time zone"),
    ("createdDateTime gt 2026-13-01T10:00:00Z", "not a date-time"),
    ("createdDateTime gt 'a' and title eq 'x'", "position 20"),
    ("title regex 'a'", "position 7"),
    ("title add 'x' eq 'ax'", "add"),
    ("lenght(title) eq 2", "Did you mean length?"),
    ("contains(title)", "contains takes a property and a text"),
    ("contains(title, 7)", "text in quotes"),
    ("contains(severity, 'hi')", "'severity' is not text"),
    ("substring(title) eq 'x'", "2 to 3 arguments"),
    ("title eq severity", "different types"),
    ("evidence eq null", "'evidence' is a collection"),
    ("evidence/verdict eq 'malicious'", "evidence/any("),
    ("evidence/any(e: e/deviceDnsName eq 'x')", f"{DEVICE}/deviceDnsName"),
    ("evidence/any(e: e/microsoft.graph.security.spoonEvidence/size eq 1)", "spoonEvidence"),
    (f"evidence/any(e: e/{SECURITY}.alertComment/comment eq 'x')", "alertComment"),
    ("evidence/any(e/verdict eq 'malicious')", "needs a variable"),
    ("evidence/all()", "all() needs a condition"),
    ("evidence/any(e: e/verdict eq 'malicious'", "to close any("),
    ("title/any(t: t eq 'a')", "'title' is not a collection"),
    ("title/length eq 2", "'title' has no members"),
    ("severity in 'high'", "'('"),
    ("severity in ('high' 'low')", "')'"),
    ("severity in ('high', title)", "different types"),
    ("title has 'high'", "'has' takes an enumeration"),
    ("comments/any(c: c/nothing eq 'x')", "'nothing'"),
    ("title eq 'a1' & severity", "position 15"),
    ("title = 'a1'", "position 7"),
    ("title == 'a1'", "position 7"),
    (f"severity eq {SECURITY}.alertStatus'new'", f"{SECURITY}.alertSeverity"),
    ("x" * 20_000, "16384"),
    (" or ".join(["title eq 'a'"] * 450), "400 comparisons"),
    (f"title in ({','.join(quoted(str(n)) for n in range(2001))})", "2000 values"),
])  # fmt: skip
async def test_what_is_not_understood_is_refused_with_the_place(six: Graph, text: str, said: str) -> None:
    for path in ("security/alerts_v2", "security/alerts_v2/$count"):
        answer = await six.ask("GET", path, params={"$filter": text})
        assert answer.status_code == 400, answer.text
        error = answer.json()["error"]
        assert error["code"] == "BadRequest"
        assert said in error["message"]


@pytest.mark.parametrize(("text", "count"), [
    ("status eq 'active'", 4),
    ("status eq 'resolved'", 2),
    ("severity eq 'high'", 2),
    ("displayName eq 'A3'", 1),
    ("createdDateTime ge 2026-11-05T00:00:00Z", 2),
    ("customTags/any(t: t eq 'x')", 0),
    ("lastModifiedBy eq null", 6),
])  # fmt: skip
async def test_incidents_are_filtered_like_alerts(six: Graph, text: str, count: int) -> None:
    assert len(await six.ids("security/incidents", filter=text)) == count
    assert (await six.ask("GET", "security/incidents/$count", params={"$filter": text})).text == str(count)


async def test_a_relationship_cannot_be_filtered_by(six: Graph) -> None:
    answer = await six.ask("GET", "security/incidents", params={"$filter": "alerts/any(a: a/severity eq 'high')"})
    assert answer.status_code == 400
    assert "'alerts' is a relationship" in answer.json()["error"]["message"]


async def test_every_property_of_an_alert_can_be_filtered(six: Graph) -> None:
    [alert] = (await six.get("security/alerts_v2", filter="title eq 'a1'"))["value"]
    for name, value in alert.items():
        if "@" in name or name in {"additionalData", "customDetails"}:
            continue  # objects: their members are what is compared
        if isinstance(value, list):
            found = await titles(six, f"{name}/$count eq {len(value)}")
        elif value is None:
            found = await titles(six, f"{name} eq null")
        else:
            found = await titles(six, f"{name} eq {quoted(value)}")
        assert "a1" in found.split(), name
