"""GET and PATCH of /security/correlationSettings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from secgraph.testing import Graph

PLACE = "security/correlationSettings"
READ, WRITE = "SecurityCorrelation.Read.All", "SecurityCorrelation.ReadWrite.All"


async def test_they_are_shown_and_changed(graph: Graph) -> None:
    usual = await graph.get(PLACE)
    assert usual["@odata.context"].endswith(f"/v1.0/$metadata#{PLACE}")
    assert (usual["window"], usual["off"], usual["mostAlerts"], usual["ignored"]) == ("5d", False, 1000, [])
    answer = await graph.ask("PATCH", PLACE, json={"window": "36h", "ignored": ["ip.public:198.51.100.7"], "@odata.context": "x"})
    assert answer.status_code == 200
    assert answer.json() == {**usual, "window": "36h", "ignored": ["ip.public:198.51.100.7"]} == await graph.get(PLACE)
    answer = await graph.ask("PATCH", PLACE, json={name: value for name, value in answer.json().items() if name != "window"} | {"window": None})
    assert answer.json() == {**usual, "ignored": ["ip.public:198.51.100.7"]}


@pytest.mark.parametrize(("method", "path", "body", "status", "said"), [
    ("PATCH", PLACE, {"windows": "5d"}, 400, "windows: is no setting of correlation."), ("PATCH", PLACE, {"window": "5"}, 400, "window: is a time such as 5d"),
    ("PATCH", PLACE, [], 400, "The body must be a JSON object"), ("GET", f"{PLACE}?$filter=off", None, 400, "$filter: cannot be asked of settings."),
    ("DELETE", PLACE, None, 405, "DELETE is not possible here."), ("POST", PLACE, {}, 405, "POST is not possible here."), ("GET", f"{PLACE}/window", None, 404, ""),
])  # fmt: skip
async def test_what_is_refused(graph: Graph, method: str, path: str, body: Any, status: int, said: str) -> None:
    answer = await graph.ask(method, path, json=body)
    assert (answer.status_code, answer.json()["error"]["message"][: len(said)]) == (status, said)


@pytest.mark.parametrize(("permission", "reads", "writes"), [(READ, 200, 403), (WRITE, 200, 200), ("SecurityRecord.Read.All", 403, 403)])
async def test_permissions(graph: Graph, permission: str, reads: int, writes: int) -> None:
    await graph.sign_in(*await graph.application_with(permission, name="narrow"))
    assert (await graph.ask("GET", PLACE)).status_code == reads
    assert (await graph.ask("PATCH", PLACE, json={"few": 20})).status_code == writes


@pytest.mark.parametrize("level", ["none", "minimal", "full"])
async def test_every_level_of_metadata(graph: Graph, level: str) -> None:
    found = await graph.get(f"{PLACE}?$format=application/json;odata.metadata={level}")
    assert ("@odata.context" in found) == (level != "none")
    assert found["few"] == 12


def test_the_page_of_the_reference_has_the_permissions() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "permissions.md").read_text("utf-8")
    assert f"| `{READ}` |" in page
