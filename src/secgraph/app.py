"""The composition root: builds everything, and is the only file that knows everyone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from secgraph import clock
from secgraph.edge.act import Actor
from secgraph.edge.authority import Authority
from secgraph.edge.compress import Compressor
from secgraph.edge.cors import Cors
from secgraph.edge.delta import Delta
from secgraph.edge.grants import Grants
from secgraph.edge.http import Edge
from secgraph.edge.keys import KeyRing
from secgraph.edge.legacy import Limits, Older
from secgraph.edge.links import Links
from secgraph.edge.origin import Origins, own_hosts
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
from secgraph.store.views import Views


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
    keys = KeyRing(settings.folder / "keys", now, settings["token_seconds"])
    hosts = own_hosts(settings["public_url"], settings["host"], settings["allowed_hosts"])

    named = bool(settings["public_url"] or settings["allowed_hosts"])
    life, reuse = settings["token_seconds"], settings["assertion_reuse_seconds"]
    grants = Grants(keys, inner.registry, now, hosts, life=life, reuse=reuse)

    shown = Views(inner.store)
    limits = Limits(settings["legacy_skip_limit"], settings["legacy_vendor_required"])

    async def ready() -> bool:
        try:
            await inner.store.fetch("tenants")
        except Refusal:
            return False
        return True

    return Edge(
        model=inner.model,
        tokens=Tokens(keys, inner.registry, now),
        authority=Authority(keys, inner.registry, grants),
        reader=Reader(shown, inner.model, Links(keys.links), settings["page_bytes"]),
        delta=Delta(shown, inner.model, Links(keys.links), now, settings["delta_days"], settings["page_bytes"]),
        writer=Writer(inner.store, settings["body_bytes"]),
        actor=Actor(inner.store, inner.model, inner.door, settings["body_bytes"]),
        older=Older(inner.store, settings["body_bytes"], limits),
        push=Push(inner.door, settings["ingest_bytes"], now),
        origins=Origins(hosts, settings["public_url"], settings["trusted_proxies"], named=named),
        compressor=Compressor(settings["compress"]),
        cors=Cors(settings["cors_origins"]),
        ready=ready,
        now=now,
        most_batch=settings["body_bytes"],
    )
