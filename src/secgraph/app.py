"""The composition root: builds everything, and is the only file that knows everyone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from secgraph import clock
from secgraph.edge import keys as key_files
from secgraph.edge.authority import Authority
from secgraph.edge.http import Edge, own_hosts
from secgraph.edge.links import Links
from secgraph.edge.push import Push
from secgraph.edge.read import Reader
from secgraph.edge.tokens import Tokens
from secgraph.edge.write import Writer
from secgraph.errors import Refusal, UsageError
from secgraph.ingest.door import Door
from secgraph.model.edm import Model, load
from secgraph.settings import Settings
from secgraph.store.protocol import Store
from secgraph.store.registry import Registry
from secgraph.store.sqlite import open_store


@dataclass(frozen=True, slots=True)
class Core:
    """What every command needs: the model, the store, the tenants, the door."""

    model: Model
    store: Store
    registry: Registry
    door: Door


@asynccontextmanager
async def core(settings: Settings, now: clock.Now = clock.now) -> AsyncIterator[Core]:
    """Opens the data folder, made when it is not there; closes it at the end."""
    folder = settings.folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise UsageError(f"The data folder {folder} cannot be made: {fault.strerror}.") from None
    model = load()
    store = open_store(folder / "secgraph.db", model, now, deadline=settings["query_seconds"])
    try:
        yield Core(model, store, Registry(store, model, now), Door(store, model, now))
    finally:
        await store.close()


def edge(settings: Settings, inner: Core, now: clock.Now = clock.now) -> Edge:
    """The HTTP application over an open core."""
    keys = key_files.load(settings.folder / "keys")
    hosts = own_hosts(settings["public_url"], settings["host"], settings["allowed_hosts"])

    async def ready() -> bool:
        try:
            await inner.store.fetch("tenants")
        except Refusal:
            return False
        return True

    return Edge(
        model=inner.model,
        tokens=Tokens(keys, inner.registry, now),
        authority=Authority(keys, inner.registry, now, hosts, settings["token_seconds"]),
        reader=Reader(inner.store, inner.model, Links(keys.links)),
        writer=Writer(inner.store, settings["body_bytes"]),
        push=Push(inner.door, settings["ingest_bytes"]),
        hosts=hosts,
        public_url=settings["public_url"],
        ready=ready,
        now=now,
        most_batch=settings["body_bytes"],
    )
