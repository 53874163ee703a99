"""A large delivery: read by other processes it is what it is when it is read here, and one that ends ends the delivery."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from secgraph.errors import Busy
from secgraph.extend import source
from secgraph.ingest import batches as reading
from secgraph.ingest import crew as processes
from secgraph.ingest.batches import batches
from secgraph.ingest.crew import Crew
from secgraph.ingest.feeds.feeds import Feeds, Said
from secgraph.ingest.ready import Taken, records
from secgraph.ingest.split import pieces, units
from secgraph.seal import Seal

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake

RECEIVED = 17_900_000_000_000_000
GRAPH = source("graph")
ENTRY = pytest.param("[%s]", ",", id="array"), pytest.param("%s", "\n", id="lines")


def alert(number: int, **members: Any) -> str:
    return json.dumps({"id": f"n{number}", "title": f"alert {number}", "createdDateTime": "2026-01-31T09:00:00Z", **members})


def delivery(many: int) -> list[str]:
    """Alerts, and what is none: broken text, another kind, a NUL, an incident that several name."""
    odd = ['{"id": "broken" "title": 1}', '{"controlScores": []}', '{"id": "z\\u0000", "title": "t"}', '{"title": "no id"}']
    return [*(alert(number, incidentId=str(number // 7), severity="high") for number in range(many)), *odd]


@contextlib.contextmanager
def crew(many: int = 1) -> Iterator[Crew]:
    made = Crew(many)
    try:
        yield made
    finally:
        made.close()


async def there(one: Crew) -> None:
    async with asyncio.timeout(60):
        while not one.up:  # noqa: ASYNC110 -- set by a thread
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("whole", "between"), ENTRY)
async def test_others_read_what_is_read_here(whole: str, between: str) -> None:
    data = (whole % between.join(delivery(30))).encode()
    here = list(records(GRAPH, pieces(io.BytesIO(data), GRAPH, RECEIVED), RECEIVED))
    with crew() as one:
        await there(one)
        found = await one.ready(GRAPH, RECEIVED, list(units(io.BytesIO(data), GRAPH)))
    assert found == here
    assert len(here) == 34


GATEHOUSE = Path(__file__).parents[2] / "examples" / "mappings"
FEEDS = [
    pytest.param("generic", {"mapping": (GATEHOUSE / "gatehouse.toml").read_text("utf-8")}, "push", True, id="a mapping"),
    pytest.param("suricata", {}, "push", True, id="told nothing"),
    pytest.param("graph", {"hook_secret": "of the road, which reads nothing"}, "webhook", True, id="a secret of its road"),
    pytest.param("graph", {"tenant_id": "t", "client_id": "c", "client_secret": "s3cret-of-the-kind"}, "push", False, id="a secret of its kind"),
]


@pytest.mark.parametrize(("kind", "options", "road", "served"), FEEDS)
async def test_what_a_configured_source_is_sent_is_read_by_others_too(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, kind: str, options: dict[str, str], road: str, *, served: bool
) -> None:
    feeds = Feeds(intake.store, lambda _: Seal(b"k" * 32), intake.clock)
    connector = feeds.connector(await feeds.add(intake.tenant, kind, "gate", Said(options, road=road)))
    assert processes.serves(connector) == served
    sent: list[bytes] = []
    send = processes._send  # noqa: SLF001 -- what goes to another process

    def keep(pipe: Any, data: bytes) -> None:
        sent.append(data)
        send(pipe, data)

    monkeypatch.setattr(processes, "_send", keep)
    if not served:
        return
    found = json.loads((GATEHOUSE / "gatehouse.json").read_text("utf-8"))["detections"] if kind == "generic" else [json.loads(alert(1))]
    data = "\n".join(json.dumps(one) for one in found * 20).encode()
    here = list(records(connector, pieces(io.BytesIO(data), connector, RECEIVED), RECEIVED))
    with crew() as one:
        await there(one)
        for _ in range(2):
            assert await one.ready(connector, RECEIVED, list(units(io.BytesIO(data), connector))) == here
    assert len(here) == 20 * len(found)
    assert len(sent) == 2
    assert not any(b"of the road" in data for data in sent)


async def test_a_large_delivery_of_a_configured_source_is_helped(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 10)
    monkeypatch.setattr(reading, "ALONE", 1)
    monkeypatch.setattr(reading, "size", lambda: 2)
    feeds = Feeds(intake.store, lambda _: Seal(b"k" * 32), intake.clock)
    options = {"mapping": (GATEHOUSE / "gatehouse.toml").read_text("utf-8")}
    connector = feeds.connector(await feeds.add(intake.tenant, "generic", "gate", Said(options, road="push")))
    seen: list[bool] = []
    lines = "\n".join(json.dumps(one) for one in json.loads((GATEHOUSE / "gatehouse.json").read_text("utf-8"))["detections"] * 100).encode()
    report = await intake.door.take(intake.tenant.number, connector, io.BytesIO(lines), tick=lambda _: seen.append(reading.helped()))
    assert (report.taken, report.unchanged, report.rejected) == (2, 198, 100), "one of the three is none of its alerts"
    assert seen[-1], "others help"
    assert not reading.helped()


async def test_a_large_delivery_is_taken_with_the_help_of_others(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 10)
    monkeypatch.setattr(reading, "ALONE", 1)
    asked: list[int] = []

    class Punctual(Crew):
        def __init__(self, many: int) -> None:
            super().__init__(many)
            ends = time.monotonic() + 60
            while not self.up and time.monotonic() < ends:
                time.sleep(0.01)

        async def ready(self, *given: Any) -> list[Taken]:
            asked.append(1)
            return await super().ready(*given)

    monkeypatch.setattr(reading, "Crew", Punctual)
    monkeypatch.setattr(reading, "size", lambda: 2)
    many = 200
    lines = "\n".join(delivery(many)).encode()
    report = await intake.door.take(intake.tenant.number, GRAPH, io.BytesIO(lines))
    assert len(asked) > 10
    assert report.records == many + 4
    assert report.rejected == 3
    taken = [one["providerAlertId"] for one in await intake.rows()]
    assert taken == [*(f"n{number}" for number in range(many)), "z\ufffd"]
    again = await intake.door.take(intake.tenant.number, GRAPH, io.BytesIO(lines))
    assert (again.taken, again.unchanged) == (0, many + 1)


async def test_a_process_that_ends_ends_the_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 10)
    monkeypatch.setattr(reading, "ALONE", 1)
    monkeypatch.setattr(reading, "size", lambda: 1)
    made: list[Crew] = []

    class Known(Crew):
        def __init__(self, many: int) -> None:
            super().__init__(many)
            made.append(self)

    monkeypatch.setattr(reading, "Crew", Known)
    lines = "\n".join(delivery(200)).encode()
    count = 0

    async def taken() -> None:
        nonlocal count
        async with contextlib.aclosing(batches(GRAPH, io.BytesIO(lines), RECEIVED)) as found:
            async for batch in found:
                count += len(batch)
                if made and count < 50:
                    await there(made[0])
                    for member in made[0].members:
                        os.kill(member.pid, signal.SIGKILL)

    with pytest.raises(Busy, match="Hand it in again"):
        await taken()
    assert 0 < count < 204
    assert all(member.returncode is not None for member in made[0].members), "a process is left behind"
    assert not reading.helped(), "the next delivery may have others help it"


def test_a_source_of_no_known_name_is_read_here(product: type[Any]) -> None:
    assert processes.serves(GRAPH)
    assert not processes.serves(product("graph"))
    assert not processes.serves(product())


async def test_a_process_ends_when_the_one_it_helps_is_gone() -> None:
    with crew() as one:
        await there(one)
        [member] = one.members
        assert member.poll() is None
        assert member.stdin is not None
        member.stdin.close()
        assert member.wait(20) == 0
