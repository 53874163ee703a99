"""What the contract tests share: servers that many read-only rows of a table ask, made once per module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cache
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
from tests.contract.telling import one, tell
from tests.databases import Apart

from secgraph.app import edge
from secgraph.model.choices import SETS
from secgraph.settings import gather
from secgraph.testing import ORIGIN, Clock, Graph, graph_alert, running

SECURITY = "#microsoft.graph.security"


def _evidence(kind: str, **members: Any) -> dict[str, Any]:
    return {"@odata.type": f"{SECURITY}.{kind}Evidence", "createdDateTime": "2026-11-01T00:00:00Z", **members}


def _six() -> list[dict[str, Any]]:
    """Six alerts, titled a1 to a6, that differ in everything a condition can ask for."""
    return [
        graph_alert(
            1,
            title="a1",
            description="Ransom note dropped by O'Brien",
            severity="high",
            status="new",
            classification="truePositive",
            determination="malware",
            assignedTo="Ana@contoso.com",
            category="Impact",
            createdDateTime="2026-11-01T10:00:00Z",
            mitreTechniques=["T1486"],
            evidence=[
                _evidence(
                    "device",
                    deviceDnsName="ws1.contoso.com",
                    hostName="WS1",
                    rbacGroupId=7,
                    riskScore="high",
                    verdict="malicious",
                    ipInterfaces=["10.0.0.1", "10.0.0.2"],
                    loggedOnUsers=[{"accountName": "ana", "domainName": "CONTOSO"}],
                ),
                _evidence(
                    "user", userAccount={"userPrincipalName": "ana@contoso.com", "accountName": "ana"}, verdict="suspicious"
                ),
            ],
        ),
        graph_alert(
            2,
            title="a2",
            description="RANSOM note again",
            severity="low",
            status="resolved",
            classification="falsePositive",
            determination="securityTesting",
            assignedTo="bo@contoso.com",
            category="Impact",
            createdDateTime="2026-11-02T10:00:00.5Z",
            resolvedDateTime="2026-11-03T00:00:00Z",
            evidence=[_evidence("ip", ipAddress="10.0.0.1", countryLetterCode="SE", verdict="suspicious")],
        ),
        graph_alert(
            3,
            title="a3",
            description="100%_sure \\ Straße",
            severity="medium",
            status="inProgress",
            serviceSource="microsoftSentinel",
            detectionSource="microsoftSentinel",
            category="Discovery",
            createdDateTime="2026-11-03T10:00:00+02:00",
            customDetails={"ticket": "T-7", "count": 3},
            evidence=[_evidence("file", fileDetails={"fileName": "Evil.EXE", "fileSize": 4096, "sha1": "AB" * 20})],
        ),
        graph_alert(
            4,
            title="a4",
            description="",
            severity="informational",
            status="new",
            serviceSource="microsoftDefenderForOffice365",
            detectionSource="microsoftDefenderForOffice365",
            category=None,
            createdDateTime="2026-11-04T10:00:00Z",
            mitreTechniques=["T1566", "T1486"],
        ),
        graph_alert(
            5,
            title="a5",
            description=None,
            severity="unknown",
            status="new",
            category="Execution",
            createdDateTime="2026-11-05T10:00:00Z",
            evidence=[
                _evidence(
                    "device",
                    deviceDnsName="srv5.contoso.com",
                    hostName="srv5",
                    rbacGroupId=9,
                    riskScore="low",
                    verdict="unknown",
                ),
                _evidence("process", processId=4711, processCommandLine="powershell -enc AAAA", verdict="malicious"),
            ],
        ),
        graph_alert(
            6,
            title="a6",
            description="Ransom? No.",
            severity="high",
            status="resolved",
            assignedTo=None,
            category="Execution",
            createdDateTime="2026-11-06T10:00:00Z",
            customDetails={"ticket": "T-8", "count": 12},
        ),
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def six(tmp_path_factory: pytest.TempPathFactory, apart: Apart) -> AsyncIterator[Graph]:
    """A server with six different alerts, an asset, and an object of each set that sources fill; for tests that only read."""
    async with running(tmp_path_factory.mktemp("six") / "data", Clock(), **apart()) as graph:
        await graph.hand_in("graph", *_six())
        await graph.ask("POST", "security/assets", json={"id": "ws1", "tags": ["vip"], "aliases": [{"kind": "fqdn", "value": "ws1.contoso.com"}]})
        await tell(graph, *(one(path, "x1", "2026-11-01T00:00:00Z") for path, choices in SETS.items() if choices.sourced))
        yield graph


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def many(tmp_path_factory: pytest.TempPathFactory, apart: Apart) -> AsyncIterator[Graph]:
    """A server with 60 alerts in 20 incidents, many of them alike; for tests that only read."""
    severities = ("high", "low", "medium", "low", "informational")
    owners = ("ana", None, "Bo", "bo", None, "cleo", "ANA")
    async with running(tmp_path_factory.mktemp("many") / "data", Clock(), **apart()) as graph:
        await graph.hand_in("graph", *(
            graph_alert(
                number,
                severity=severities[number % 5],
                assignedTo=owners[number % 7],
                category=None if number % 3 else f"c{number % 4}",
                createdDateTime=f"2026-11-{1 + number % 9:02d}T00:00:00Z",
                incidentId=str(900 + number % 20),
            )
            for number in range(60)
        ))  # fmt: skip
        yield graph


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, apart: Apart) -> AsyncIterator[Graph]:
    """A server for tests that write to rows of their own and look at nobody else's."""
    async with running(tmp_path_factory.mktemp("desk") / "data", Clock(), **apart()) as graph:
        yield graph


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory, apart: Apart) -> AsyncIterator[Callable[..., Graph]]:
    """One server with 60 alerts of 4 KB in six incidents, asked from any address and under any settings:
    `front("203.0.113.7", compress="on")`.
    """
    folder = tmp_path_factory.mktemp("front") / "data"
    async with running(folder, Clock(), **apart()) as graph, AsyncExitStack() as clients:
        await graph.hand_in("graph", *(
            graph_alert(number, description=f"{number} {'long ' * 500}", incidentId=str(number % 6), severity="high",
                        evidence=[_evidence("ip", ipAddress=f"10.0.0.{number}"), _evidence("mailCluster", urlCount=number)])
            for number in range(60)
        ))  # fmt: skip

        @cache
        def asked_from(address: str = "127.0.0.1", **flags: Any) -> Graph:
            app = cast("Any", edge(gather({"data": folder, **flags}, {}), graph.core, graph.clock))
            http = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 40000)), base_url=ORIGIN)
            clients.push_async_callback(http.aclose)
            return replace(graph, http=http)

        yield asked_from
