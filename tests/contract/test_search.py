"""`$search` over HTTP: what it finds on alerts and incidents, beside the other options, and what it never finds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
import pytest_asyncio
from tests.databases import Apart

from secgraph.testing import Clock, Graph, graph_alert, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
OLDER = "security/alerts"
INCIDENTS = "security/incidents"
SECURITY = "#microsoft.graph.security"
SHA1 = "ab" * 20


def evidence(kind: str, **members: Any) -> dict[str, Any]:
    return {"@odata.type": f"{SECURITY}.{kind}Evidence", "createdDateTime": "2026-11-01T00:00:00Z", **members}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def five(tmp_path_factory: pytest.TempPathFactory, apart: Apart) -> AsyncIterator[Graph]:
    """Five alerts, s1 to s5, and one of another tenant that holds every word that is looked for; for tests that only read."""
    async with running(tmp_path_factory.mktemp("five") / "data", Clock(), **apart()) as graph:
        other = await graph.core.registry.create_tenant("fabrikam")
        theirs, secret = await graph.core.registry.create_application(other, "theirs", ["SecurityAlert.Create.All", "SecurityAlert.Read.All", "SecurityIncident.Read.All"])
        here = graph.token
        await graph.sign_in(theirs, secret, other)
        await graph.hand_in("graph", graph_alert(9, title="secretword ransom", description="Ransom note evil.exe ws1.contoso.com bob 10.0.0.5 6 Straße", incidentId="77"))
        graph.token, graph.headers = here, {"authorization": f"Bearer {here}"}
        await graph.hand_in("graph", *(
            graph_alert(1, title="s1 Ransom note", description="dropped on the desktop", severity="high", incidentId="1", evidence=[
                evidence("device", deviceDnsName="ws1.contoso.com", hostName="WS1", ipInterfaces=["10.0.0.5", "10.0.0.6"], loggedOnUsers=[{"accountName": "carol", "domainName": "CONTOSO"}]),
                evidence("user", userAccount={"accountName": "bob", "domainName": "CONTOSO", "userPrincipalName": "bob@contoso.com"})]),
            graph_alert(2, title="s2 note of a ransom", description=None, severity="low", incidentId="1", evidence=[
                evidence("file", fileDetails={"fileName": "Evil.EXE", "filePath": "C:\\Users\\bob\\Temp", "sha1": SHA1})]),
            graph_alert(3, title="s3 Straße", description="日本語 text, Ärger", severity="high", incidentId="2", evidence=[
                evidence("ip", ipAddress="2001:db8::5"), evidence("url", url="https://bad.example/path?x=1")]),
            graph_alert(4, title="s4", description="AND or NOT", severity="medium", incidentId="2", category="Ransomcategory", evidence=[
                evidence("process", processId=4711, processCommandLine="powershell -enc AAAA", imageFile={"fileName": "powershell.exe"})]),
            graph_alert(5, title="s5", description="", severity="medium", incidentId="3"),
        ))  # fmt: skip
        yield graph


async def found(graph: Graph, path: str = LIST, **options: str) -> str:
    """What the titles of the rows begin with, in the order of the alphabet."""
    body = await graph.get(path, **options)
    return " ".join(sorted(item["title"].split()[0] for item in body["value"]))


@pytest.mark.parametrize(("text", "titles"), [
    # the title, the description
    ("ransom", "s1 s2"), ("RANSOM", "s1 s2"), ("rans", ""), ('"ransom note"', "s1"), ('"note of"', "s2"), ("note ransom", "s1 s2"), ("desktop", "s1"), ("STRASSE", "s3"), ("ärger", "s3"), ('"日本"', "s3"), ("本語", "s3"), ("日語", ""),
    # what the evidence says: accounts, addresses, paths, hashes, hosts, command lines
    ("bob", "s1 s2"), ("bob@contoso.com", "s1"), ("carol", "s1"), ('"CONTOSO"', "s1"), ("10.0.0.5", "s1"), ("10.0.0.6", "s1"), ("10.0.0", "s1"), ("2001:db8::5", "s3"), ("C:\\Users\\bob", "s2"), ("C:\\Users\\Bob\\Temp", "s2"),
    (SHA1, "s2"), (SHA1.upper(), "s2"), (SHA1[:39], ""), ("evil.exe", "s2"), ("ws1.contoso.com", "s1"), ("ws1", "s1"), ("powershell", "s4"), ('"powershell -enc"', "s4"), ("bad.example/path", "s3"),
    # a phrase stays inside one text
    ('"note dropped"', ""), ("note dropped", "s1"), ('"10.0.0.5 10.0.0.6"', ""), ('"5 10"', ""), ('"desktop ws1"', ""), ('"bob contoso"', "s1"), ('"contoso bob"', ""),
    # AND, OR, NOT, brackets
    ("ransom AND desktop", "s1"), ("desktop OR powershell", "s1 s4"), ("NOT ransom", "s3 s4 s5"), ("ransom NOT desktop", "s2"), ("desktop OR note of", "s1 s2"), ("(desktop OR powershell) AND ws1", "s1"),
    ("powershell OR ransom AND evil", "s2 s4"), ("NOT (ransom OR powershell)", "s3 s5"), ("or", "s4"), ("and not", "s4"), ('"AND or NOT"', "s4"), ("NOT nosuchword", "s1 s2 s3 s4 s5"),
    # what is not looked into: other members, enum members, type names, and another tenant's rows
    ("Ransomcategory", ""), ("high", ""), ("deviceEvidence", ""), ("medium", ""), ("secretword", ""), ("secretword OR ransom", "s1 s2"), ("NOT secretword", "s1 s2 s3 s4 s5"), ("fabrikam", ""),
])  # fmt: skip
async def test_what_is_found(five: Graph, text: str, titles: str) -> None:
    assert await found(five, search=text) == titles


@pytest.mark.parametrize("text", ["tenant:2", "words:ransom", '"tenant:\\"2\\""', "ransom*", "^ransom", "ransom + note", "NEAR(ransom note)", "{tenant}: 2", "ransom -note", 'a" OR tenant:"2'])
async def test_no_word_is_a_mark_of_the_index(five: Graph, text: str) -> None:
    answer = await five.ask("GET", LIST, params={"$search": text})
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert {item["title"].split()[0] for item in answer.json()["value"]} <= {"s1", "s2"}


async def test_the_longest_searches(five: Graph) -> None:
    for text in ("a " * 50, " OR ".join(["ransom"] * 50), '"' + "a " * 510 + '"', "日" * 1024, "NOT " * 19 + "a", "(" * 19 + "ransom" + ")" * 19, "x" * 1024):
        assert (await five.ask("GET", LIST, params={"$search": text})).status_code == 200, text[:40]


@pytest.mark.parametrize("text", ['"', '"a', "()", "(a", "a)", "-", '""', "a " * 51, "x" * 1025, "NOT " * 20 + "a"])
async def test_a_search_that_says_nothing(five: Graph, text: str) -> None:
    answer = await five.ask("GET", LIST, params={"$search": text})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("$search: ")


async def test_nothing_searched_finds_all(five: Graph) -> None:
    assert await found(five, search="  ") == "s1 s2 s3 s4 s5"


# --- beside the other options -----------------------------------------------------------------------------------------


async def test_with_the_other_options(five: Graph) -> None:
    assert await found(five, search="ransom OR strasse", filter="severity eq 'high'") == "s1 s3"
    assert await found(five, search="ransom", filter="severity eq 'high' or severity eq 'low'") == "s1 s2"
    assert await found(five, search="ransom", filter="contains(description,'desktop')") == "s1"
    assert await found(five, search="NOT ransom", filter="evidence/any()") == "s3 s4"
    body = await five.get(LIST, search="ransom OR strasse", orderby="severity desc,title desc", select="title", count="true")
    assert [item["title"] for item in body["value"]] == ["s3 Straße", "s1 Ransom note", "s2 note of a ransom"]
    assert body["@odata.count"] == 3
    assert [set(item) for item in body["value"]] == [{"title", "@odata.etag"}] * 3


async def test_pages_of_a_search(five: Graph) -> None:
    titles, counts = [], set()
    body = await five.get(LIST, search="ransom OR strasse OR powershell", orderby="title", top="2", count="true")
    while True:
        assert len(body["value"]) <= 2
        titles += [item["title"].split()[0] for item in body["value"]]
        counts.add(body.get("@odata.count"))
        if "@odata.nextLink" not in body:
            break
        body = await five.get(body["@odata.nextLink"])
    assert titles == ["s1", "s2", "s3", "s4"]
    assert counts - {None} == {4}
    assert await found(five, search="ransom OR strasse OR powershell", orderby="title", skip="3") == "s4"


@pytest.mark.parametrize(("options", "count"), [
    ({"$search": "ransom"}, "2"), ({"$search": "secretword"}, "0"), ({"$search": "NOT secretword"}, "5"), ({"$search": "ransom", "$filter": "severity eq 'high'"}, "1"),
])  # fmt: skip
async def test_a_count_of_a_search(five: Graph, options: dict[str, str], count: str) -> None:
    answer = await five.ask("GET", f"{LIST}/$count", params=options)
    assert answer.text.lstrip("\ufeff") == count


async def test_incidents(five: Graph) -> None:
    rows = (await five.get(INCIDENTS))["value"]
    assert len(rows) == 3
    changed = rows[0]["id"]
    answer = await five.ask("PATCH", f"{INCIDENTS}/{changed}", json={"displayName": "Quokka case", "description": "seen in Perth", "customTags": ["blue flag"]})
    assert answer.status_code == 200, answer.text
    for text in ("quokka", '"quokka case"', "perth", '"blue flag"', "quokka perth blue"):
        assert await five.ids(INCIDENTS, search=text) == [changed], text
    for text in ('"case seen"', '"flag blue"', "secretword"):
        assert await five.ids(INCIDENTS, search=text) == []
    assert sorted(await five.ids(INCIDENTS, search="NOT quokka")) == sorted(row["id"] for row in rows[1:])
    assert (await five.ask("GET", f"{INCIDENTS}/$count", params={"$search": "quokka"})).text.lstrip("\ufeff") == "1"


async def test_alerts_of_an_incident_are_searched(five: Graph) -> None:
    [one] = (await five.get(LIST, search="desktop"))["value"]
    inside = (await five.get(INCIDENTS, filter=f"id eq '{one['incidentId']}'", expand="alerts($search=evil;$select=title)"))["value"]
    assert [item["title"] for item in inside[0]["alerts"]] == ["s2 note of a ransom"]
    assert await found(five, f"{INCIDENTS}/{one['incidentId']}/alerts", search="ransom") == "s1 s2"
    assert await found(five, f"{INCIDENTS}/{one['incidentId']}/alerts", search="strasse OR evil") == "s2"


async def test_the_older_view_is_searched(five: Graph) -> None:
    assert await found(five, OLDER, search="ransom") == "s1 s2"
    assert await found(five, OLDER, search='"ransom note"') == "s1"
    assert await found(five, OLDER, search="evil.exe") == "s2"
    assert await found(five, OLDER, search="secretword") == ""
    assert await found(five, OLDER, search="ransom", filter="severity eq 'high'") == "s1"


@pytest.mark.parametrize("path", [f"{LIST}/delta()", f"{LIST}/delta"])
async def test_where_nothing_is_searched(five: Graph, path: str) -> None:
    answer = await five.ask("GET", path, params={"$search": "ransom"})
    assert answer.status_code == 400
    assert "$search" in answer.json()["error"]["message"]


async def test_a_single_object_is_not_searched(five: Graph) -> None:
    [key] = await five.ids(LIST, search="desktop")
    answer = await five.ask("GET", f"{LIST}/{key}", params={"$search": "ransom"})
    assert answer.status_code == 400
    assert "$search" in answer.json()["error"]["message"]


# --- rows that change, and an upgrade ---------------------------------------------------------------------------------


async def test_the_words_follow_a_product_update(desk: Graph) -> None:
    await desk.hand_in("graph", graph_alert(1, title="old", description="first", evidence=[evidence("ip", ipAddress="10.9.9.1")]))
    [key] = await desk.ids(LIST, search="old first 10.9.9.1")
    later = {"lastUpdateDateTime": "2026-11-24T00:00:00Z"}
    await desk.hand_in("graph", graph_alert(1, title="new", description="second", evidence=[evidence("ip", ipAddress="10.9.9.2")], **later))
    for text in ("new", "second", "10.9.9.2", '"9.9.2"'):
        assert await desk.ids(LIST, search=text) == [key], text
    for text in ("old", "first"):
        assert await desk.ids(LIST, search=text) == [], text
    # What changes nothing that is looked into leaves the words where they are.
    answer = await desk.ask("PATCH", f"{LIST}/{key}", json={"status": "resolved"})
    assert answer.status_code == 200, answer.text
    assert await desk.ids(LIST, search="second") == [key]


@pytest.mark.parametrize("dropped", [("alerts_v2_words", "incidents_words"), ("alerts_v2_words",)])
async def test_rows_from_before_the_search_are_found_after_an_upgrade(tmp_path: Path, dropped: tuple[str, ...]) -> None:
    clock = Clock()
    async with running(tmp_path / "data", clock) as graph:
        await graph.hand_in("graph", *(graph_alert(number, title=f"Made {number}", incidentId=str(number % 2), serviceSource="microsoftSentinel") for number in range(1200)))
        incident = (await graph.ids(INCIDENTS))[0]
        await graph.ask("PATCH", f"{INCIDENTS}/{incident}", json={"displayName": "Quokka"})
        before = [await graph.ids(LIST, search=text) for text in ("made", "1199", "7 OR 1000")]
    assert [len(ids) for ids in before] == [1200, 1, 2]
    [path] = [one for one in (tmp_path / "data").rglob("*") if one.is_file() and one.read_bytes()[:15] == b"SQLite format 3"]
    with closing(apsw.Connection(str(path))) as connection:
        for name in dropped:
            connection.execute(f'DROP TABLE "{name}"')
    async with running(tmp_path / "data", clock) as graph:
        assert [await graph.ids(LIST, search=text) for text in ("made", "1199", "7 OR 1000")] == before
        assert await graph.ids(INCIDENTS, search="quokka") == [incident]
        await graph.hand_in("graph", graph_alert(5000, title="Afterwards"))
        assert len(await graph.ids(LIST, search="afterwards")) == 1
