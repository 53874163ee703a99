"""The first start: a tenant, an application, and examples that happened in the last days.

It may be cut off anywhere and go on at the next start: what it does is safe to repeat, and `quickstart.env` is written
last, when everything it names is true. Of several servers that start over one database one does it, which holds a lease
meanwhile; the others wait for its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from secgraph import clock
from secgraph.app import Core
from secgraph.errors import Refusal, Superseded, UsageError
from secgraph.extend import source
from secgraph.ingest.controls import seed
from secgraph.ingest.door import Door
from secgraph.private import write_private
from secgraph.store.fence import Fenced
from secgraph.store.leases import Leases
from secgraph.store.protocol import Fence
from secgraph.store.registry import Registry, Tenant

NAME = "quickstart"
FILE = "quickstart.env"
LEASE = "first start"

LIFE = 6 * clock.SECOND
"""How long the lease runs: for so long a start waits that comes after one which was killed in the midst of this."""

LOOK_SECONDS = 1.0
"""How often it is renewed, and looked for by those who wait."""

_ISO = re.compile(rb"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2})(?=(?:\.\d+)?(?:Z|[+-]00:?00))")
_BARE = re.compile(rb"(?m)(?<==)(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})$")
_MILLIS = re.compile(rb"(?<![\w.\-])17\d{11}(?![\w.\-])")
_HEAD = re.compile(rb"(?m)^((?:<\d+>)?)([A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2})(?= )")


def examples_folder() -> Path:
    """Where the examples are: beside the sources, or inside the installed package."""
    for folder in (Path(__file__).resolve().parents[2] / "examples", Path(__file__).resolve().parent / "examples"):
        if (folder / "manifest.json").is_file():
            return folder
    raise UsageError("The examples are not installed. Start with --empty.")


def moved(data: bytes, anchor: datetime, to: datetime) -> bytes:
    """A native payload with all its times moved together, so that what happened at `anchor` happens at `to`."""
    shift = to.replace(microsecond=0) - anchor

    def iso(match: re.Match[bytes]) -> bytes:
        when = datetime.fromisoformat(match[1].decode()) + shift
        return when.strftime(f"%Y-%m-%d{match[1][10:11].decode()}%H:%M:%S").encode()

    def millis(match: re.Match[bytes]) -> bytes:
        return str(int(match[0]) + int(shift.total_seconds()) * 1000).encode()

    def head(match: re.Match[bytes]) -> bytes:
        when = datetime.strptime(f"{anchor.year} {match[2].decode()}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC)
        return match[1] + (when + shift).strftime("%b %e %H:%M:%S").encode()

    return _HEAD.sub(head, _MILLIS.sub(millis, _BARE.sub(iso, _ISO.sub(iso, data))))


async def first_start(
    core: Core, folder: Path, base: str, *, authority_file: Path | None, empty: bool, tick: Callable[[int], None]
) -> bool:
    """Makes what a first start makes; False when there was nothing to do because it was done, or because somebody made
    tenants of their own.
    """
    leases = Leases(core.store, core.now, LIFE)
    while not await core.store.fetch("fact", name=NAME):
        tenants = await core.registry.tenants()
        if tenants and all(one.name != NAME for one in tenants):
            return False
        fence = await leases.claim(LEASE)
        if fence is None:
            await asyncio.sleep(LOOK_SECONDS)
            continue
        renewing = asyncio.create_task(_renewed(leases, fence))
        try:
            if await _make(_fenced(core, fence), folder, base, authority_file=authority_file, empty=empty, tick=tick):
                return True
        except Superseded:
            continue  # it took so long that another server does it now
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with contextlib.suppress(Refusal):
                await leases.release(fence)
    _refresh(folder / FILE, base, authority_file)
    return False


def _fenced(core: Core, fence: Fence) -> Core:
    """The same core; everything that is written through it stands behind a fence."""
    store = Fenced(core.store, fence)
    registry, door = Registry(store, core.model, core.now), Door(store, core.model, core.now, core.door.scorer.limits)
    return replace(core, store=store, registry=registry, door=door)


async def _renewed(leases: Leases, fence: Fence) -> None:
    """Keeps a lease for as long as the work takes."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with contextlib.suppress(Refusal):
            await leases.renew(fence)


async def _make(
    core: Core, folder: Path, base: str, *, authority_file: Path | None, empty: bool, tick: Callable[[int], None]
) -> bool:
    """Makes it, as the only server that does; False when another one did just before."""
    if await core.store.fetch("fact", name=NAME):
        return False
    tenant = next((one for one in await core.registry.tenants() if one.name == NAME), None)
    if tenant is None:
        tenant = await core.registry.create_tenant(NAME)
    await seed(core.store, tenant.number)
    known = {one.name: one for one in await core.registry.applications(tenant)}
    if NAME in known:
        application = known[NAME]
        secret = await core.registry.rotate(tenant, application)
    else:
        application, secret = await core.registry.create_application(tenant, NAME, core.model.served_permissions())
    if not empty:
        await _take_examples(core, tenant, tick)
    _write(folder / FILE, {
        "BASE_URL": base, "AUTHORITY": base, "TENANT": tenant.id, "CLIENT_ID": application.id, "CLIENT_SECRET": secret,
        "CA_FILE": str(authority_file or ""),
    })  # fmt: skip
    await core.store.run(("fact_put", {"name": NAME, "value": "done"}))
    return True


async def _take_examples(core: Core, tenant: Tenant, tick: Callable[[int], None]) -> None:
    folder = examples_folder()
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    anchor = datetime.fromisoformat(manifest["anchor"])
    to = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=tenant.created // clock.SECOND)
    for item in manifest["files"]:
        data = moved((folder / item["file"]).read_bytes(), anchor, to)
        await core.door.take(tenant.number, source(item["source"]), io.BytesIO(data), tick=tick)


def read(folder: Path) -> dict[str, str]:
    """The members of quickstart.env; a UsageError when there is none."""
    try:
        lines = (folder / FILE).read_text("utf-8").splitlines()
    except OSError:
        raise UsageError(f"There is no {folder / FILE}. Start the server once: scripts/serve.") from None
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _write(path: Path, members: dict[str, str]) -> None:
    write_private(path, "".join(f"{name}={value}\n" for name, value in members.items()).encode())


def _refresh(path: Path, base: str, authority_file: Path | None) -> None:
    """Keeps the address right when the server now listens elsewhere; a file that was removed stays removed."""
    if not path.is_file():
        return
    members = read(path.parent)
    wanted = {**members, "BASE_URL": base, "AUTHORITY": base, "CA_FILE": str(authority_file or "")}
    if wanted != members:
        _write(path, wanted)
