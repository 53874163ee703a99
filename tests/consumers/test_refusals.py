"""What was refused goes along with a later change, and nothing of it is told twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from secgraph.extend import Draft, Framing, Headers, Option, Options, Raw, Reach, Web, Written
from secgraph.ingest.back import STATES
from secgraph.ingest.feeds.feeds import Said
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.sources.graph import Graph as Reading
from secgraph.store.leases import Leases
from secgraph.testing import Clock, Graph, graph_alert, running


class Product:
    """Takes comments one by one, and stops at the first that it does not like."""

    name = "shy"
    framing: Framing = "json"
    options = (Option("key", "The key of its API."),)
    writes = frozenset({"comments"})
    dislikes: set[str] = set()  # noqa: RUF012 -- one product, whoever is told of it
    comments: list[str] = []  # noqa: RUF012 -- as above

    def told(self, options: Options) -> Product:
        assert options
        return Product()

    def reach(self) -> Reach:
        return Reach(("https://shy.example",), Headers({"authorization": "key"}))

    def normalise(self, raw: Raw) -> Iterable[Draft]:
        return Reading().normalise(raw)

    async def write(self, web: Web, native_id: str, changes: Mapping[str, Any]) -> Written:
        assert web
        assert native_id
        for words in changes["comments"]:
            if words in self.dislikes:
                return Written(accepted=False, why=f"no {words}")
            self.comments.append(words)
        return Written(accepted=True)

    async def read(self, web: Web, native_id: str) -> Mapping[str, Any]:
        assert web
        assert native_id
        return {"comments": self.comments}


@pytest.fixture
async def graph(tmp_path: Path, clock: Clock, on: dict[str, str]) -> AsyncIterator[Graph]:
    Product.dislikes, Product.comments = set(), []
    async with running(tmp_path / "data", clock, kinds=Kinds({"shy": Product}), **on) as made:
        yield made


@pytest.mark.parametrize(("rounds", "told", "states"), [
    ([("a", "b")], "ab", "accepted accepted"),
    ([("a!", "b")], "", "refused refused"),  # it stopped at the first
    ([("a", "b!")], "a", "accepted refused"),
    ([("a!",), ("b",)], "b", "refused accepted"),  # goes alone where it cannot go along
    ([("a!",), ("b",), ("c",)], "bc", "refused accepted accepted"),
    ([("a!",), ("like a", "b!")], "a", "accepted refused"),  # what went along was taken, though what came after it was not
    ([("a!",), ("like a", "b!"), ("c",)], "ac", "accepted refused accepted"),
    ([("a!",), ("like a", "b")], "ab", "accepted accepted"),
])  # fmt: skip
async def test_a_product_that_dislikes_words(graph: Graph, rounds: list[tuple[str, ...]], told: str, states: str) -> None:
    feed = await graph.core.feeds.add(graph.tenant, "shy", "shy", Said({"key": "k"}, road="push"))
    await graph.hand_in("shy", graph_alert(1))
    [key] = await graph.ids("security/alerts_v2")
    fence = await Leases(graph.core.store, graph.clock).claim("x")
    assert fence is not None
    for words in rounds:
        for word in words:
            if word.startswith("like "):
                Product.dislikes.discard(word[-1])
                continue
            Product.dislikes |= {word[0]} if word.endswith("!") else set()
            answer = await graph.ask("POST", f"security/alerts_v2/{key}/comments", json={"comment": word[0]})
            assert answer.status_code == 200, answer.text
        graph.clock.forward(60)
        assert await graph.core.carrier.once(feed, fence)
    assert "".join(Product.comments) == told
    rows = await graph.core.store.fetch("write_backs_of", tenant=graph.tenant.number, alert=key)
    assert " ".join(STATES[row["state"]] for row in rows) == states
