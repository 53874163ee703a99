"""Stores that a measurement fills: a door into them, settings of their tenants, and the processor time of what writes."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec

from bench import postgres
from bench.processes import Failed, busy, family
from bench.sides import Place
from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.ingest.adjust import adjust
from secgraph.ingest.counting import publish
from secgraph.ingest.door import Door
from secgraph.ingest.split import pieces
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.sources.graph import Graph
from secgraph.store.postgres.store import open_postgres
from secgraph.store.protocol import Store
from secgraph.store.registry import Registry
from secgraph.store.sqlite.store import open_store

Alert = dict[str, Any]

WRITER = "secgraph-write"
"""The thread that writes to SQLite's file."""

SOURCE = Graph()


@dataclass(frozen=True, slots=True)
class Bed:
    """An open store."""

    store: Store
    door: Door
    spent: Callable[[], float]
    """Seconds of processor time so far: on SQLite of the thread that writes, on PostgreSQL of this process and the server."""

    async def tenant(self, name: str = "bench") -> int:
        """A new tenant."""
        return (await Registry(self.store, load(), clock.now).create_tenant(name)).number

    async def count(self, tenant: int, path: str, condition: str) -> int:
        """How many objects of a set that is true of."""
        model = load()
        query = bind.query(model.sets[path], {"$filter": condition}, model)
        return await self.store.count(narrow(query, Caller(tenant, "", "", "", frozenset())))

    async def objects(self, tenant: int, path: str, condition: str) -> list[Alert]:
        """The first objects of a set that this is true of."""
        model = load()
        query = bind.query(model.sets[path], {"$filter": condition}, model)
        page = await self.store.find(narrow(query, Caller(tenant, "", "", "", frozenset())))
        return [msgspec.json.decode(one) for one in page.documents]

    async def off(self, tenant: int, *, off: bool = True) -> None:
        """Puts nothing together any more, or does again."""
        await adjust(self.store, tenant, {"off": off}, "bench")

    async def publish(self, tenant: int, at: int) -> None:
        """Counts, as if it were that instant, how common things are. Failed when there is nothing new to tell."""
        if await publish(self.store, tenant, lambda: at, rest=0) is None:
            raise Failed("How common things are was not published.")

    async def take(self, tenant: int, alerts: Iterable[Alert]) -> None:
        """Takes alerts in as one delivery. Failed when not all are new."""
        lines = [msgspec.json.encode(one) for one in alerts]
        report = await self.door.take(tenant, SOURCE, BytesIO(b"\n".join(lines)))
        if report.taken != len(lines):
            raise Failed(f"Of {len(lines)} alerts {report.taken} were taken: {report.problems[:3]}")

    async def take_file(self, tenant: int, file: Path, size: int) -> None:
        """Takes a file in, in which there are so many records. Failed when not all of them change something."""
        with file.open("rb") as stream:
            report = await self.door.take(tenant, SOURCE, stream)
        if report.taken != size:
            raise Failed(f"Of {size} records {report.taken} were taken: {report.problems[:3]}")

    async def take_one(self, tenant: int, alert: Alert) -> None:
        """Takes one alert in as the server does that is handed one."""
        found = list(pieces(BytesIO(msgspec.json.encode(alert)), SOURCE, clock.now()))
        report = await self.door.take_few(tenant, SOURCE, found, clock.now())
        if report.taken != 1:
            raise Failed(f"An alert was not taken: {report.problems}")


def path(place: Place, name: str) -> Path:
    """SQLite's file of a side."""
    return place.folder / name / "secgraph.db"


def cleared(place: Place, name: str) -> None:
    """Removes what is there of a side."""
    shutil.rmtree(place.folder / name, ignore_errors=True)
    if place.addresses:
        postgres.empty(place.addresses[name])


@contextlib.asynccontextmanager
async def opened(place: Place, name: str, now: clock.Now = clock.now) -> AsyncIterator[Bed]:
    """The store of a side, as it is."""
    model = load()
    before = {*threading.enumerate()}
    if place.addresses:
        store: Store = await open_postgres(place.addresses[name], model, now)
        spent = _processes(place.folder / "postgres" / "postmaster.pid")
    else:
        path(place, name).parent.mkdir(parents=True, exist_ok=True)
        store = open_store(path(place, name), model, now)
        spent = _thread(next(one for one in threading.enumerate() if one not in before and one.name == WRITER))
    try:
        yield Bed(store, Door(store, model, now), spent)
    finally:
        await store.close()


def _thread(writer: threading.Thread) -> Callable[[], float]:
    at = time.pthread_getcpuclockid(writer.ident or 0)
    return lambda: time.clock_gettime(at)


def _processes(file: Path) -> Callable[[], float]:
    """Of a server that others run nothing is known: this process alone counts then."""
    pid = int(file.read_text("ascii").split()[0]) if file.exists() else None
    return lambda: time.process_time() + (busy(family(pid)) if pid is not None else 0.0)
