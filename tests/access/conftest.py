"""What the access tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from secgraph.testing import Clock, Graph, graph_alert, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Graph]:
    """A server with one alert; for tests that leave its application and its token as they are."""
    async with running(tmp_path_factory.mktemp("gate") / "data", Clock()) as graph:
        await graph.hand_in("graph", graph_alert(1))
        yield graph
