"""The first start: what it makes, that it may be cut off anywhere, and that the examples happened lately."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from secgraph import clock as real_clock
from secgraph import quickstart
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.app import Core, core
from secgraph.errors import UsageError
from secgraph.model.choices import ALERTS
from secgraph.odata import bind
from secgraph.settings import gather
from secgraph.testing import Clock

ANCHOR = datetime(2026, 11, 20, 12, tzinfo=UTC)
BASE = "https://localhost:8443"


@pytest.mark.parametrize(
    ("native", "moved"),
    [
        (b'"t": "2026-11-20T11:59:58.1234567Z"', b'"t": "2026-12-20T11:59:58.1234567Z"'),
        (b'"t": "2026-11-18T09:14:22.518204+0000"', b'"t": "2026-12-18T09:14:22.518204+0000"'),
        (b"start=2026-11-20 01:00:00Z", b"start=2026-12-20 01:00:00Z"),
        (b"rt=1763640000000 dpt=443", b"rt=1766232000000 dpt=443"),
        (b"Nov 18 09:14:22 dc01 CEF:0|x", b"Dec 18 09:14:22 dc01 CEF:0|x"),
        (b"<134>Nov  8 09:14:22 dc01", b"<134>Dec  8 09:14:22 dc01"),
        (b'"id": "da638677012345678901_-1234567890"', b'"id": "da638677012345678901_-1234567890"'),
        (b"2026-11-18T09:14:22+0530", b"2026-11-18T09:14:22+0530"),
    ],
)
def test_times_move_together_and_nothing_else(native: bytes, moved: bytes) -> None:
    assert quickstart.moved(native, ANCHOR, datetime(2026, 12, 20, 12, tzinfo=UTC)) == moved


async def start(inner: Core, folder: Path, *, empty: bool = False, base: str = BASE) -> bool:
    return await quickstart.first_start(inner, folder, base, authority_file=folder / "ca.pem", empty=empty, tick=lambda _: None)


async def alerts(inner: Core) -> int:
    caller = Caller(1, "", "", "", frozenset())
    return await inner.store.count(narrow(bind.query(inner.model.sets[ALERTS], {}, inner.model), caller))


async def test_it_happens_once_and_can_be_used(tmp_path: Path, clock: Clock) -> None:
    async with core(gather({"data": tmp_path}, {}), clock) as inner:
        assert await start(inner, tmp_path)
        made = quickstart.read(tmp_path)
        assert (tmp_path / quickstart.FILE).stat().st_mode & 0o777 == 0o600
        tenant = await inner.registry.tenant(None)
        assert made["TENANT"] == tenant.id
        assert await inner.registry.proves(tenant, made["CLIENT_ID"], made["CLIENT_SECRET"])
        application = await inner.registry.application(tenant, quickstart.NAME)
        assert sorted(application.permissions) == inner.model.served_permissions()
        count = await alerts(inner)
        assert count == 65
        assert not await start(inner, tmp_path, base="https://localhost:9443")
        assert quickstart.read(tmp_path) == {
            **made,
            "BASE_URL": "https://localhost:9443",
            "AUTHORITY": "https://localhost:9443",
        }
        assert await alerts(inner) == count


async def test_the_examples_happened_in_the_last_days(tmp_path: Path, clock: Clock) -> None:
    clock.at = real_clock.ticks("2027-03-01T08:00:00Z") or 0
    async with core(gather({"data": tmp_path}, {}), clock) as inner:
        await start(inner, tmp_path)
        one = inner.model.sets[ALERTS]
        caller = Caller(1, "", "", "", frozenset())
        recent = bind.query(
            one, {"$filter": "createdDateTime ge 2027-02-23T00:00:00Z and createdDateTime le 2027-03-01T08:00:00Z"}, inner.model
        )
        assert await inner.store.count(narrow(recent, caller)) == await alerts(inner)


async def test_a_start_that_was_cut_off_is_finished_by_the_next(tmp_path: Path, clock: Clock) -> None:
    async with core(gather({"data": tmp_path}, {}), clock) as inner:
        tenant = await inner.registry.create_tenant(quickstart.NAME)
        _, lost = await inner.registry.create_application(tenant, quickstart.NAME, inner.model.served_permissions())
    clock.forward(3600)
    async with core(gather({"data": tmp_path}, {}), clock) as inner:
        assert await start(inner, tmp_path)
        made = quickstart.read(tmp_path)
        assert await inner.registry.proves(tenant, made["CLIENT_ID"], made["CLIENT_SECRET"])
        assert not await inner.registry.proves(tenant, made["CLIENT_ID"], lost)
        application = await inner.registry.application(tenant, quickstart.NAME)
        assert sorted(application.permissions) == inner.model.served_permissions()
        assert await alerts(inner) == 65


async def test_of_several_that_start_at_once_one_does_it(tmp_path: Path, clock: Clock) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders:
        folder.mkdir()
    async with core(gather({"data": tmp_path}, {}), clock) as inner:
        did = await asyncio.gather(*(start(inner, folder) for folder in folders))
        assert sorted(did) == [False, False, True]
        [tenant] = await inner.registry.tenants()
        [application] = await inner.registry.applications(tenant)
        [folder] = [folder for folder in folders if (folder / quickstart.FILE).exists()]
        made = quickstart.read(folder)
        assert (made["TENANT"], made["CLIENT_ID"]) == (tenant.id, application.id)
        assert await inner.registry.proves(tenant, application.id, made["CLIENT_SECRET"])
        assert await alerts(inner) == 65


async def test_one_that_slept_while_another_did_it_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    """What it would still write stands behind its old fence."""
    (tmp_path / "other").mkdir()
    others: list[asyncio.Future[bool]] = []
    async with core(gather({"data": tmp_path}, {}), clock) as inner:

        def late(_: int) -> None:
            if not others:
                clock.forward(3600)
                others.append(asyncio.ensure_future(start(inner, tmp_path / "other")))

        assert not await quickstart.first_start(inner, tmp_path, BASE, authority_file=None, empty=False, tick=late)
        assert await others[0]
        made = quickstart.read(tmp_path / "other")
        tenant = await inner.registry.tenant(None)
        assert await inner.registry.proves(tenant, made["CLIENT_ID"], made["CLIENT_SECRET"])
        assert not (tmp_path / quickstart.FILE).exists()


async def test_empty_leaves_the_examples_out(tmp_path: Path, clock: Clock) -> None:
    async with core(gather({"data": tmp_path}, {}), clock) as inner:
        assert await start(inner, tmp_path, empty=True)
        assert await alerts(inner) == 0


async def test_tenants_of_ones_own_are_left_alone(tmp_path: Path, clock: Clock) -> None:
    async with core(gather({"data": tmp_path}, {}), clock) as inner:
        await inner.registry.create_tenant("contoso")
        assert not await start(inner, tmp_path)
        assert [one.name for one in await inner.registry.tenants()] == ["contoso"]
        with pytest.raises(UsageError, match="scripts/serve"):
            quickstart.read(tmp_path)


async def test_a_removed_file_stays_removed(tmp_path: Path, clock: Clock) -> None:
    async with core(gather({"data": tmp_path}, {}), clock) as inner:
        await start(inner, tmp_path, empty=True)
        (tmp_path / quickstart.FILE).unlink()
        assert not await start(inner, tmp_path)
        assert not (tmp_path / quickstart.FILE).exists()
