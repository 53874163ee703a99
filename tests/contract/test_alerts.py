"""Alerts over HTTP: list, get, change, comment, as a client sees them."""

from __future__ import annotations

from secgraph.testing import Graph, graph_alert


async def test_an_alert_goes_in_and_comes_out(graph: Graph) -> None:
    report = await graph.hand_in("graph", graph_alert(1))
    assert (report["taken"], report["unchanged"], report["rejected"]) == (1, 0, 0)
    body = await graph.get("security/alerts_v2")
    assert [item["title"] for item in body["value"]] == ["Made-up alert 1"]


async def test_a_patch_answers_with_the_committed_row(graph: Graph) -> None:
    await graph.hand_in("graph", graph_alert(1))
    [key] = await graph.ids("security/alerts_v2")
    body = {"status": "resolved", "classification": "TruePositive"}
    answer = await graph.ask("PATCH", f"security/alerts_v2/{key}", json=body)
    assert answer.status_code == 200
    assert answer.json()["status"] == "resolved"
    again = await graph.get(f"security/alerts_v2/{key}")
    assert {name: value for name, value in again.items() if name != "@odata.context"} == {
        name: value for name, value in answer.json().items() if name != "@odata.context"
    }
    assert again["resolvedDateTime"] == again["lastUpdateDateTime"]
