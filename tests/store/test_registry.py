"""Tenants and applications: who there is, what is kept of a secret, and what remains of one that is gone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from secgraph.errors import Fault, UsageError
from secgraph.ingest.assets.register import made as made_asset
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS, ASSETS
from secgraph.store.facts import Case, Judged
from secgraph.store.found import Found
from secgraph.store.judgements import packed
from secgraph.store.kept import kept
from secgraph.store.protocol import Back, Put, PutCase, PutEntry, PutFound, PutIncidentKey, PutJudged, Reject, Remove
from secgraph.store.registry import FRESH_SECONDS, Registry
from secgraph.store.retention import retain
from secgraph.testing import Clock, self_signed

if TYPE_CHECKING:
    from tests.databases import Place
    from tests.store.conftest import Ground

READ, WRITE = "SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"


def everything(path: Path) -> bytes:
    """The bytes of the database and of what stands beside it."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()) if file.is_file())


TABLES = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"


def rows_of(place: Place, tenant: int) -> dict[str, int]:
    """How many rows of a tenant each table has; a table of words is asked by its own means, and stands for what is behind it."""
    listed = "SELECT name FROM sqlite_schema WHERE type = 'table'" if place.kind == "sqlite" else TABLES
    found: dict[str, int] = {}
    for (name,) in place.rows(listed):
        if "_words_" in name or name in {"facts", "leases", "signing_keys"}:
            continue
        words = name.endswith("_words") and place.kind == "sqlite"
        condition = f'"{name}" MATCH ?' if words else "tenant = ?"
        [(count,)] = place.rows(f'SELECT count(*) FROM "{name}" WHERE {condition}', f'tenant:"{tenant}"' if words else tenant)
        found[name] = count
    return found


# --- tenants -------------------------------------------------------------------------------------------------------------


async def test_a_tenant_is_found_by_its_name_and_its_id(ground: Ground) -> None:
    made = await ground.registry.create_tenant(" fabrikam ")
    assert made.name == "fabrikam"
    assert await ground.registry.tenant("fabrikam") == await ground.registry.tenant(made.id) == made
    assert await ground.registry.known_tenant(made.id) == made
    assert await ground.registry.known_tenant("fabrikam") is None
    assert await ground.registry.tenants() == [ground.tenant, made]


async def test_the_only_tenant_needs_no_name(ground: Ground) -> None:
    assert await ground.registry.tenant(None) == ground.tenant
    await ground.registry.create_tenant("fabrikam")
    with pytest.raises(UsageError, match="contoso, fabrikam"):
        await ground.registry.tenant(None)


async def test_without_any_tenant_it_says_how_to_make_one(ground: Ground) -> None:
    await ground.registry.delete_tenant(ground.tenant)
    with pytest.raises(UsageError, match="secgraph tenant create"):
        await ground.registry.tenant(None)


@pytest.mark.parametrize("name", ["", "  ", "a" * 101, "a\nb", "a\x00b", "contoso", " contoso "])
async def test_names_that_a_tenant_cannot_have(ground: Ground, name: str) -> None:
    with pytest.raises(UsageError):
        await ground.registry.create_tenant(name)
    assert len(await ground.registry.tenants()) == 1


async def test_a_deleted_tenant_leaves_nothing_and_its_number_is_never_used_again(ground: Ground, clock: Clock) -> None:
    other = await ground.registry.create_tenant("fabrikam")
    last = await ground.registry.create_tenant("tailspin")
    for tenant in (ground.tenant, other, last):
        application, _ = await ground.registry.create_application(tenant, "app", [READ])
        await ground.add(1, tenant, title=f"secret of {tenant.name}")
        made = self_signed(rsa.generate_private_key(65537, 2048), starts=0, ends=2 * clock()).public_bytes(Encoding.PEM)
        await ground.registry.add_certificate(tenant, application, made)
        assert await ground.registry.admits(tenant, application.id, "jti", b"content", ends=2 * clock(), reuse=0)
        await ground.write(
            PutEntry("da0001", "s", "p", "n", None, 0, repaired=False, kept=kept({}, b"x")), PutIncidentKey("a", "b", "1"),
            Reject("s", 1, "r", 0, b"x"),
            Put(ground.model.sets[ASSETS], made_asset("a", {"kind": "device", "displayName": "x"}, 0), (), created=True),
            *(Put(one, from_source(one.type, {"id": "a", "displayName": "x"}, "2026-11-01T00:00:00Z")[0], (), created=True)
              for one in ground.model.stored() if one.choices.sourced), tenant=tenant,
        )  # fmt: skip
        await ground.store.run(("source_state_put", {"tenant": tenant.number, "source": "s", "vendor": "v", "provider": "p",
                                                     "status": 400, "latency": 1, "since": 0}))  # fmt: skip
        key = {"tenant": tenant.number, "name": "s"}
        await ground.store.run(
            ("source_add", {**key, "guid": tenant.id, "kind": "k", "road": "push", "options": "{}", "sealed": None, "hook": None, "paused": 0,
                            "every": None, "silence": None, "number": 1}),
            ("source_place_put", {**key, "number": 1, "place": "{}"}),
            ("source_health_add", {**key, "asked": 1, "succeeded": 1, "failed": 0, "reason": "", "failures": 0, "heard": 1, "newest": 1, "taken": 1,
                                   "unchanged": 0, "rejected": 0}),
            ("source_rates_add", {**key, "hour": 1, "taken": 1, "unchanged": 0, "rejected": 0}),
        )  # fmt: skip
        await ground.add(2, tenant)
        scores = ground.model.sets["security/secureScores"]
        back = Back("s", "n", {"status": "resolved"})
        await ground.write(replace(ground.put(ground.alert(1, title=f"secret of {tenant.name}"), "status"), back=back), tenant=tenant)
        await ground.write(Remove(ground.model.sets[ALERTS], "da0002"), tenant=tenant)
        await retain(ground.store, tenant.number, alerts=30)
        await ground.write(
            PutJudged(Judged("da0001", "1", 1, 1, 1, packed((1,)), b"x"), ((1, "user.upn:x", "x"),), b"why"), PutCase(Case("1", apart=frozenset({"2"}))),
            PutFound([Found("0a", "c", "s", "", "c", "", 1, 1.0, None, "")]),
            Put(scores, {**dict.fromkeys(scores.type.properties), "id": "t_2026-11-01", "azureTenantId": "t", "createdDateTime": "2026-11-01T00:00:00Z",
                         "controlScores": [{"controlName": "c"}]}, (), created=True), tenant=tenant,
        )  # fmt: skip
        await ground.store.run(
            ("correlation_put", {"tenant": tenant.number, "name": "window", "value": "1"}),
            ("snapshot_put", {"tenant": tenant.number, "v": 1, "stamp": 2, "total": 3, "counts": b"x"}),
        )
        assert application.tenant == tenant.number
    filled = rows_of(ground.place, other.number)
    assert all(count > 0 for name, count in filled.items() if not name.startswith("incidents")), filled
    await ground.registry.delete_tenant(last)
    left = rows_of(ground.place, last.number)
    assert set(left.values()) == {0}, left
    assert rows_of(ground.place, other.number) == filled
    assert await ground.registry.known_tenant(last.id) is None
    with pytest.raises(UsageError):
        await ground.registry.tenant("tailspin")
    again = await ground.registry.create_tenant("tailspin")
    assert again.number > last.number
    assert again.id != last.id
    assert await ground.ids(again) == []
    await ground.registry.delete_tenant(other)
    await ground.registry.delete_tenant(again)
    newest = await ground.registry.create_tenant("northwind")
    assert newest.number > again.number
    await ground.registry.delete_tenant(newest)
    await ground.registry.delete_tenant(ground.tenant)
    assert (await ground.registry.create_tenant("adatum")).number > newest.number


async def test_what_is_written_while_a_tenant_is_deleted_leaves_nothing(ground: Ground) -> None:
    made = await ground.registry.create_tenant("fabrikam")
    writes = [asyncio.ensure_future(ground.add(number, made)) for number in range(10)]
    deleted = asyncio.ensure_future(ground.registry.delete_tenant(made))
    while not deleted.done():
        writes.append(asyncio.ensure_future(ground.add(len(writes), made)))
        await asyncio.sleep(0.001)
    refused = await asyncio.gather(*writes, ground.add(len(writes), made), return_exceptions=True)
    await deleted
    assert isinstance(refused[-1], Fault)
    assert set(rows_of(ground.place, made.number).values()) == {0}


async def test_a_tenant_deleted_elsewhere_is_unknown_here_too(open_ground: Callable[..., Any], clock: Clock) -> None:
    ground: Ground = await open_ground()
    here = Registry(ground.store, ground.model, clock)
    application, _ = await here.create_application(ground.tenant, "app", [READ])
    assert await here.known_tenant(ground.tenant.id) == ground.tenant
    assert await here.known_application(ground.tenant.number, application.id) == application
    await ground.registry.delete_tenant(ground.tenant)
    clock.forward(FRESH_SECONDS + 1)
    assert await here.known_application(ground.tenant.number, application.id) is None


# --- applications --------------------------------------------------------------------------------------------------------


@pytest.mark.sqlite
async def test_a_secret_is_shown_once_and_stands_nowhere_in_the_files(ground: Ground) -> None:
    application, secret = await ground.registry.create_application(ground.tenant, "app", [READ])
    rotated = await ground.registry.rotate(ground.tenant, application)
    await ground.store.run(("fact_put", {"name": "checkpoint", "value": "x"}))
    kept = everything(ground.path)
    assert application.id.encode() in kept, "the files that were searched hold no applications at all"
    for shown in (secret, rotated):
        assert len(shown) >= 43
        assert re.fullmatch(r"[\w-]+", shown)
        assert shown.encode() not in kept
        assert shown.encode("utf-16-le") not in kept


async def test_only_the_secret_proves(ground: Ground) -> None:
    registry, tenant = ground.registry, ground.tenant
    other = await registry.create_tenant("fabrikam")
    one, secret = await registry.create_application(tenant, "one", [READ])
    two, second = await registry.create_application(tenant, "two", [READ])
    assert await registry.proves(tenant, one.id, secret)
    assert await registry.proves(tenant, two.id, second)
    for where, client, given in ((tenant, one.id, second), (tenant, one.id, ""), (tenant, one.id, secret[:-1]), (tenant, one.id, secret + " "),
                                 (tenant, one.id, "\ud800"), (tenant, one.id, "\x00"), (other, one.id, secret), (tenant, "", secret),
                                 (tenant, "nobody", secret), (tenant, "nobody", "")):  # fmt: skip
        assert not await registry.proves(where, client, given)


async def test_rotating_ends_the_old_secret_and_the_tokens(ground: Ground) -> None:
    application, secret = await ground.registry.create_application(ground.tenant, "app", [READ])
    rotated = await ground.registry.rotate(ground.tenant, application)
    assert not await ground.registry.proves(ground.tenant, application.id, secret)
    assert await ground.registry.proves(ground.tenant, application.id, rotated)
    assert (await ground.registry.application(ground.tenant, "app")).generation == application.generation + 1


async def test_a_wider_grant_keeps_tokens_and_a_narrower_one_ends_them(ground: Ground) -> None:
    application, _ = await ground.registry.create_application(ground.tenant, "app", [READ])
    wider = await ground.registry.grant(ground.tenant, application, [WRITE, READ])
    assert (wider.permissions, wider.generation) == (frozenset({READ, WRITE}), application.generation)
    narrower = await ground.registry.revoke(ground.tenant, wider, [READ])
    assert (narrower.permissions, narrower.generation) == (frozenset({WRITE}), application.generation + 1)
    with pytest.raises(UsageError, match="does not hold"):
        await ground.registry.revoke(ground.tenant, narrower, [READ])
    with pytest.raises(UsageError, match="There is no permission 'Nope'"):
        await ground.registry.grant(ground.tenant, narrower, ["Nope"])


async def test_an_application_as_it_was_a_moment_ago(ground: Ground, clock: Clock) -> None:
    application, _ = await ground.registry.create_application(ground.tenant, "app", [READ])
    elsewhere = Registry(ground.store, ground.model, clock)
    assert await ground.registry.known_application(ground.tenant.number, application.id) == application
    changed = await elsewhere.grant(ground.tenant, application, [WRITE])
    assert await ground.registry.known_application(ground.tenant.number, application.id, fresh=True) == changed
    newer = await elsewhere.rotate(ground.tenant, changed)
    assert newer
    assert await ground.registry.known_application(ground.tenant.number, application.id) == changed
    clock.forward(FRESH_SECONDS)
    found = await ground.registry.known_application(ground.tenant.number, application.id)
    assert found is not None
    assert found.generation == changed.generation + 1
    clock.forward(-3600)
    await elsewhere.delete_application(ground.tenant, application)
    assert await ground.registry.known_application(ground.tenant.number, application.id) is None


async def test_a_deleted_application_is_gone_with_its_secrets(ground: Ground) -> None:
    application, secret = await ground.registry.create_application(ground.tenant, "app", [READ])
    await ground.registry.delete_application(ground.tenant, application)
    assert not await ground.registry.proves(ground.tenant, application.id, secret)
    assert await ground.registry.known_application(ground.tenant.number, application.id) is None
    assert await ground.registry.applications(ground.tenant) == []
    again, _ = await ground.registry.create_application(ground.tenant, "app", [])
    assert again.id != application.id
    assert again.permissions == frozenset()


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "a\tb", "app"])
async def test_names_that_an_application_cannot_have(ground: Ground, name: str) -> None:
    await ground.registry.create_application(ground.tenant, "app", [READ])
    with pytest.raises(UsageError):
        await ground.registry.create_application(ground.tenant, name, [READ])
    assert len(await ground.registry.applications(ground.tenant)) == 1


async def test_two_tenants_may_have_applications_of_one_name(ground: Ground) -> None:
    other = await ground.registry.create_tenant("fabrikam")
    one, _ = await ground.registry.create_application(ground.tenant, "app", [READ])
    two, _ = await ground.registry.create_application(other, "app", [READ])
    assert await ground.registry.application(ground.tenant, "app") == one
    assert await ground.registry.application(other, "app") == two
    assert await ground.registry.known_application(other.number, one.id) is None
    with pytest.raises(UsageError):
        await ground.registry.application(other, one.id)
