"""Every spelling that clients use for one question gets the same answer as the plain one."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from secgraph.testing import Graph, graph_alert

PLAIN = "$filter=severity eq 'high' and status eq 'new'&$orderby=title desc&$select=id,title&$top=2&$count=true"
LIST = "security/alerts_v2"
HIGH = [4, 3]
"""The alerts that the plain question finds on its first page, by number."""


@pytest.fixture
async def five(graph: Graph) -> Graph:
    """Five alerts: 1, 3 and 4 are high; 5 is resolved and high; 2 is low."""
    severities = {1: "high", 2: "low", 3: "high", 4: "high", 5: "high"}
    await graph.hand_in("graph", *(
        graph_alert(number, title=f"Title {number}", severity=severity, status="resolved" if number == 5 else "new",
                    createdDateTime=f"2026-01-0{number}T09:00:00.5Z", lastUpdateDateTime=f"2026-01-0{number}T09:00:00Z")
        for number, severity in severities.items()
    ))  # fmt: skip
    return graph


def encoded(text: str) -> str:
    """Percent-encoded as browsers and SDKs do, the marks between options left alone."""
    return quote(text, safe="=&$,'()/:*+%;@")


async def titles(graph: Graph, query: str, path: str = LIST) -> list[str]:
    answer = await graph.http.get(f"/v1.0/{path}?{query}", headers=graph.headers)
    assert answer.status_code == 200, answer.text
    return [str(row["title"]) for row in answer.json()["value"]]


@pytest.mark.parametrize("query", [
    PLAIN,
    PLAIN.replace("$", "%24"),
    PLAIN.replace("$", ""),
    PLAIN.replace("$filter", "$FILTER").replace("$orderby", "$OrderBy").replace("$top", "$Top").replace("$count", "$COUNT"),
    PLAIN.replace("$filter", "FILTER").replace("$select", "%24SELECT"),
    "&".join(reversed(PLAIN.split("&"))),
    "$filter=severity eq 'low'&$top=1&$orderby=id&" + PLAIN,
    "$top=1&" + PLAIN + "&$unknown-without-mark=1".replace("$", ""),
    PLAIN + "&api-version=1.0&_=123&tenant=x",
    PLAIN.replace(" ", "+"),
    PLAIN.replace(" ", "%20"),
    PLAIN.replace(" ", "   ").replace("$filter=", "$filter=  ").replace("&$orderby", "  &$orderby"),
    PLAIN.replace("$top=2", "$top= 2 ").replace("$count=true", "$count= TRUE "),
    PLAIN.replace("=id,title", "= id , title "),
    PLAIN.replace("$filter=severity eq 'high' and status eq 'new'", "$filter=" + quote("severity eq 'high' and status eq 'new'")),
    PLAIN.replace("$filter=severity eq 'high' and status eq 'new'", "$filter=" + quote(quote("severity eq 'high' and status eq 'new'"))),
    PLAIN.replace("severity", "Severity").replace("status", "STATUS").replace("title desc", "TITLE DESC").replace("id,title", "ID,Title"),
    PLAIN.replace("'high'", "'HIGH'").replace("'new'", "'New'"),
    PLAIN.replace("'high'", "high").replace("'new'", "New"),
    PLAIN.replace("'high'", "microsoft.graph.security.alertSeverity'high'"),
    PLAIN.replace("'high'", "Microsoft.Graph.Security.AlertSeverity'High'"),
    PLAIN.replace("severity eq 'high'", "'high' eq severity"),
    PLAIN.replace("severity eq 'high'", "high eq severity"),
    PLAIN.replace(" eq ", " EQ ").replace(" and ", " AND "),
    PLAIN.replace("severity eq 'high'", "(severity eq 'high')"),
    PLAIN.replace("severity eq 'high'", "severity eq'high'"),
    PLAIN.replace("severity eq 'high'", "severity in ('high')"),
    PLAIN.replace("severity eq 'high'", "severity in (high)"),
    PLAIN.replace("severity eq 'high'", "severity in ( 'high' , 'unknown' )"),
    PLAIN.replace("severity eq 'high'", "severity in (high,medium)"),
    PLAIN.replace("severity eq 'high'", "not (severity ne 'high')"),
    PLAIN.replace("severity eq 'high'", "severity eq 'high' and StartsWith( Title , 'title' )"),
    PLAIN.replace("severity eq 'high'", "severity eq 'high' and CONTAINS(toLower(title),'TITLE')"),
    PLAIN.replace("severity eq 'high'", "severity eq @s") + "&@s='high'",
    PLAIN.replace("severity eq 'high'", "severity eq @S") + "&@s='high'",
    PLAIN + "&$skip=0&$search=&$expand=",
    "&" + PLAIN + "&&",
])  # fmt: skip
async def test_one_question_in_every_spelling(five: Graph, query: str) -> None:
    assert await titles(five, encoded(query)) == [f"Title {number}" for number in HIGH]


@pytest.mark.parametrize(("moment", "numbers"), [
    ("2026-01-03T09:00:00.5Z", [4, 5]), ("2026-01-03T09:00:00.5000000Z", [4, 5]), ("2026-01-03T09:00:00.50Z", [4, 5]),
    ("2026-01-03T09:00:00Z", [3, 4, 5]), ("2026-01-03T09:00Z", [3, 4, 5]), ("2026-01-03T09:00:00.4999999Z", [3, 4, 5]),
    ("2026-01-03T10:00:00.5%2B01:00", [4, 5]), ("2026-01-03T10:00:00.5+01:00", [4, 5]), ("2026-01-03T07:00:00.5-02:00", [4, 5]),
    ("2026-01-03T09:00:00.5%2B00:00", [4, 5]), ("'2026-01-03T09:00:00.5Z'", [4, 5]), ("2026-01-03", [3, 4, 5]), ("'2026-01-04'", [4, 5]),
    ("2026-01-03t09:00:00.5z", [4, 5]), ("datetimeoffset'2026-01-03T09:00:00.5Z'", None),
])  # fmt: skip
async def test_instants(five: Graph, moment: str, numbers: list[int] | None) -> None:
    query = f"$filter=createdDateTime%20gt%20{moment}&$orderby=createdDateTime"
    if numbers is None:
        answer = await five.http.get(f"/v1.0/{LIST}?{query}", headers=five.headers)
        assert answer.status_code == 400
    else:
        assert await titles(five, query) == [f"Title {number}" for number in numbers]


async def test_and_binds_tighter_than_or(five: Graph) -> None:
    query = encoded("$filter=severity eq 'low' or severity eq 'high' and status eq 'resolved'&$orderby=id")
    assert await titles(five, query) == ["Title 2", "Title 5"]


async def test_an_empty_filter_is_none(five: Graph) -> None:
    for query in ("$filter=", "$filter=%20", "$filter", "filter=", "$orderby=&$select=&$search="):
        assert len(await titles(five, query)) == 5


async def test_no_rows_asked(five: Graph) -> None:
    answer = await five.http.get(f"/v1.0/{LIST}?$top=0&$count=true", headers=five.headers)
    body = answer.json()
    assert (body["value"], body["@odata.count"], "@odata.nextLink" in body) == ([], 5, False)


@pytest.mark.parametrize("path", ["security/alerts_V2", "Security/Alerts_v2", "SECURITY/ALERTS_V2", "security/alerts_v2/"])
async def test_the_path_in_any_case(five: Graph, path: str) -> None:
    assert len(await titles(five, "", path)) == 5


async def test_keys(five: Graph) -> None:
    listed = await five.http.get(f"/v1.0/{LIST}?$top=1", headers=five.headers)
    key = listed.json()["value"][0]["id"]
    for path in (f"{LIST}/{key}", f"{LIST}('{key}')", f"{LIST}/{key}/", f"{LIST}('{key}')/", f"{LIST}/{key.upper()}", f"{LIST}(%27{key}%27)"):
        answer = await five.http.get(f"/v1.0/{path}", headers=five.headers)
        assert answer.status_code == 200, path
        assert answer.json()["id"] == key


@pytest.mark.parametrize("query", ["$unknown=1", "%24unknown=1", "$filters=x", "$Top=1&$what=2", "$=1"])
async def test_an_unknown_option_with_its_mark_is_refused(five: Graph, query: str) -> None:
    answer = await five.http.get(f"/v1.0/{LIST}?{query}", headers=five.headers)
    assert answer.status_code == 400
    assert "is not an option" in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["unknown=1", "skiptokens=1", "filters=x", "x", "=1", "id=7"])
async def test_an_unknown_parameter_is_ignored(five: Graph, query: str) -> None:
    assert len(await titles(five, query)) == 5
