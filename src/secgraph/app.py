"""The composition root: builds everything, and is the only file that knows everyone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from secgraph import clock
from secgraph.consumers.writeback import Carrier
from secgraph.disk import Disk
from secgraph.edge.act import Actor
from secgraph.edge.assessment import Assessor
from secgraph.edge.assets import AssetWriter
from secgraph.edge.authority import Authority
from secgraph.edge.compress import Compressor
from secgraph.edge.correlation import Correlation
from secgraph.edge.cors import Cors
from secgraph.edge.delta import Delta
from secgraph.edge.doors import AlertSources
from secgraph.edge.entities import Entities
from secgraph.edge.evidence import Evidence
from secgraph.edge.explain import Explainer
from secgraph.edge.grants import Grants
from secgraph.edge.http import Edge
from secgraph.edge.keys import KeyRing
from secgraph.edge.legacy import Limits, Older
from secgraph.edge.links import Links
from secgraph.edge.listing import Lists
from secgraph.edge.origin import Origins, own_hosts
from secgraph.edge.push import Push
from secgraph.edge.read import Reader
from secgraph.edge.signing import SigningKeys
from secgraph.edge.sources import Sources
from secgraph.edge.tokens import Tokens
from secgraph.edge.write import Writer
from secgraph.errors import Refusal, UsageError
from secgraph.ingest.assets.known import Assets
from secgraph.ingest.door import Door
from secgraph.ingest.feeds.feeds import Feeds
from secgraph.ingest.feeds.health import Health
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.ingest.pull import Puller
from secgraph.ingest.scored import Periodic
from secgraph.model.edm import Model, load
from secgraph.outbound.waiting import Time
from secgraph.outbound.ways import Ways
from secgraph.private import made_once
from secgraph.score.scoring import Limits as Ages
from secgraph.seal import Seal, key_of, new_key
from secgraph.settings import Settings
from secgraph.store.protocol import Store
from secgraph.store.registry import Registry
from secgraph.store.sqlite.store import migrated_file, open_store
from secgraph.store.views import Views
from secgraph.store.weaving import Weaving


@dataclass(frozen=True, slots=True)
class Core:
    """What every command needs: the model, the store, the tenants, the door, the inventories of assets, the keys (not opened
    yet), the feeds and how they fare, the ways to their products, who asks these and who
    carries changes back to them, the clock, the disk.
    """

    model: Model
    store: Store
    registry: Registry
    door: Door
    assets: Assets
    keys: SigningKeys
    feeds: Feeds
    health: Health
    ways: Ways
    puller: Puller
    carrier: Carrier
    scores: Periodic
    now: clock.Now
    disk: Disk


FILE = "secgraph.db"
"""SQLite's file in the data folder."""

SEAL = "seal.key"
"""The file of the data folder with the key that seals, where no setting gives one."""


def seal_of(settings: Settings, *, first: bool) -> Seal:
    """The seal of an installation. Its key may be made where nothing is sealed yet (`first`), but not for a database that
    several nodes share. UsageError when there is none, or it is none.
    """
    file, text, shared = settings.folder / SEAL, settings["seal_key"], bool(settings.values.get("database"))
    origin = f"the setting seal_key, {settings.origins['seal_key']}" if text else str(file)
    try:
        if not text and first and not shared:
            text = made_once(file, f"{new_key()}\n".encode()).decode()
        return Seal(key_of(text or file.read_text("utf-8")))
    except FileNotFoundError:
        if shared and first:
            raise UsageError(
                "The nodes that share a database share the key that seals what is secret in it. Make one with"
                " secgraph keys seal-key > seal.key, and set SECGRAPH_SEAL_KEY=@seal.key on every node."
            ) from None
        raise UsageError(
            f"What is secret in the database is sealed, and {file} with the key to it is not there. Put it back from your"
            " backup, or give the key in the setting seal_key (SECGRAPH_SEAL_KEY=@file). If it is lost: secgraph keys discard."
            " The next start then makes new keys, and every token and link handed out is over."
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"The key that seals ({origin}) is not text.") from None
    except ValueError as fault:
        raise UsageError(f"The key that seals ({origin}) {fault}.") from None
    except OSError as fault:
        raise UsageError(f"The key that seals ({origin}) cannot be read or made: {fault.strerror}.") from None


FILE = "secgraph.db"
"""SQLite's file in the data folder."""


async def opened(settings: Settings, model: Model, now: clock.Now) -> Store:
    """The store that the settings name, its tables of this version. UsageError when it cannot be used."""
    _make(settings.folder)
    if not settings["database"]:
        return open_store(settings.folder / FILE, model, now, deadline=settings["query_seconds"])
    # Nodes that share a database go by its clock, not by theirs.
    own = None if now is clock.now else now
    with driver():
        from secgraph.store.postgres.store import open_postgres  # noqa: PLC0415 -- its driver is an extra
    return await open_postgres(settings["database"], model, own, deadline=settings["query_seconds"])


async def migrated(settings: Settings, *, partitions: int = 0) -> list[str]:
    """Brings the tables of the database that the settings name up to this version; what was done. In an empty PostgreSQL
    database the large ones may be made with so many partitions.
    """
    if partitions and not settings["database"]:
        raise UsageError("SQLite has no partitions. Leave out --partitions, or name a PostgreSQL database with --database.")
    _make(settings.folder)
    if not settings["database"]:
        return migrated_file(settings.folder / FILE, load())
    with driver():
        from secgraph.store.postgres.founding import founded  # noqa: PLC0415 -- its driver is an extra
    return await founded(settings["database"], load(), partitions=partitions)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise UsageError(f"The data folder {folder} cannot be made: {fault.strerror}.") from None


@contextmanager
def driver() -> Iterator[None]:
    """Says what is to be installed where the driver for PostgreSQL is not."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"The setting database names a PostgreSQL database, and {missing.name}, which speaks to it, is not installed:"
            " pip install 'secgraph[postgres]'."
        ) from None


def limits_of(settings: Settings) -> Ages:
    """How long evidence is fresh, and how long it counts."""
    return Ages(settings["score_stale_days"] * clock.DAY, settings["score_evidence_days"] * clock.DAY)


@asynccontextmanager
async def core(
    settings: Settings, now: clock.Now = clock.now, kinds: Kinds | None = None, time: Time | None = None
) -> AsyncIterator[Core]:
    """Opens the data folder, made when it is not there, and the database; closes them at the end. Sources are of the kinds that
    are installed, where no others are given, and whoever asks their products waits by `time`.
    """
    model = load()
    ways = Ways(settings["outbound_private"], settings["outbound_ca"], time or Time(now))
    store = await opened(settings, model, now)
    try:
        keys = SigningKeys(
            store, lambda first: seal_of(settings, first=first), settings.folder / "keys", now, settings["token_seconds"]
        )
        disk = Disk(settings.folder, now, settings["disk_free_percent"])
        door = Door(store, model, now, limits_of(settings))
        feeds = Feeds(store, lambda first: keys.seal(first=first), now, kinds)
        puller, carrier = Puller(door, feeds, ways, now), Carrier(store, feeds, ways, Time(now))
        try:
            registry = Registry(store, model, now)
            yield Core(
                model, store, registry, door, door.assets, keys, feeds, door.health, ways, puller, carrier,
                Periodic(door.scorer, model, settings["score_days"] * clock.DAY), now, disk,
            )  # fmt: skip
        finally:
            with suppress(Refusal):  # where the database is gone, so is what was seen last
                await door.health.flush()
    finally:
        await ways.close()
        await store.close()


def edge(settings: Settings, inner: Core, now: clock.Now = clock.now) -> Edge:
    """The HTTP application over an open core."""
    keys = KeyRing(inner.keys, now)
    links = Links(keys)
    hosts = own_hosts(settings["public_url"], settings["host"], settings["allowed_hosts"])

    named = bool(settings["public_url"] or settings["allowed_hosts"])
    life, reuse = settings["token_seconds"], settings["assertion_reuse_seconds"]
    grants = Grants(keys, inner.registry, now, hosts, life=life, reuse=reuse)

    woven = Weaving(inner.store, now, enough=settings["page_bytes"], deadline=settings["query_seconds"])
    shown = Views(woven)
    reader = Reader(shown, inner.model, links, settings["page_bytes"])
    lists = Lists(links, settings["page_bytes"])
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
        reader=reader,
        delta=Delta(shown, inner.model, links, now, settings["delta_days"], settings["page_bytes"]),
        assessor=Assessor(inner.store, now),
        explainer=Explainer(inner.store, lists),
        evidence=Evidence(inner.store, lists, inner.door.scorer, now, settings["body_bytes"]),
        entities=Entities(inner.store, inner.model, lists, reader),
        sources=Sources(inner.store, inner.feeds, inner.model, lists, now),
        alert_sources=AlertSources(inner.store, inner.feeds),
        writer=Writer(inner.store, settings["body_bytes"], inner.feeds.doors, inner.door.scorer),
        actor=Actor(inner.store, inner.model, inner.door, settings["body_bytes"]),
        older=Older(inner.store, settings["body_bytes"], limits, inner.feeds.doors),
        assets=AssetWriter(inner.assets, settings["body_bytes"]),
        correlation=Correlation(inner.store, settings["body_bytes"]),
        push=Push(inner.door, inner.feeds, settings["ingest_bytes"], now),
        origins=Origins(hosts, settings["public_url"], settings["trusted_proxies"], named=named),
        compressor=Compressor(settings["compress"]),
        cors=Cors(settings["cors_origins"]),
        ready=ready,
        note=lambda: "the disk fills up" if inner.disk.fills else "",
        now=now,
        most_batch=settings["body_bytes"],
    )
