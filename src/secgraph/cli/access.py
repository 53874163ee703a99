"""Tenants and applications: who may ask, and for what."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from secgraph import clock
from secgraph.app import Core
from secgraph.cli.terminal import AsJson, Data, Database, InTenant, confirm, err, out, show, table_of, with_core
from secgraph.ingest.controls import seed
from secgraph.store.registry import Application, Tenant

tenant_app = typer.Typer(no_args_is_help=True, help="Tenants: organisations whose data never meet.")
app_app = typer.Typer(no_args_is_help=True, help="Applications: clients of a tenant, their secrets and permissions.")


def _tenant_data(tenant: Tenant) -> dict[str, Any]:
    return {"id": tenant.id, "name": tenant.name, "createdDateTime": clock.text(tenant.created)}


def _app_data(application: Application) -> dict[str, Any]:
    return {"id": application.id, "name": application.name, "createdDateTime": clock.text(application.created),
            "permissions": sorted(application.permissions)}  # fmt: skip


@tenant_app.command("create")
def tenant_create(name: str, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """Make a tenant."""

    async def work(inner: Core) -> Tenant:
        tenant = await inner.registry.create_tenant(name)
        await seed(inner.store, tenant.number)
        return tenant

    made = with_core(data, database, work)
    show(_tenant_data(made), as_json=as_json, human=lambda: out.print(f"Tenant '{made.name}' has the id {made.id}."))


@tenant_app.command("list")
def tenant_list(data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the tenants."""
    found = [_tenant_data(one) for one in with_core(data, database, lambda inner: inner.registry.tenants())]
    show(found, as_json=as_json, human=lambda: table_of(("id", "name", "created"), [tuple(one.values()) for one in found]))


@tenant_app.command("delete")
def tenant_delete(
    name: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Delete a tenant with all its alerts, incidents and applications."""

    async def work(inner: Core) -> Tenant:
        tenant = await inner.registry.tenant(name)
        confirm(f"Delete tenant '{tenant.name}' with everything in it?", yes=yes)
        await inner.registry.delete_tenant(tenant)
        return tenant

    gone = with_core(data, database, work)
    show(_tenant_data(gone), as_json=as_json, human=lambda: out.print(f"Tenant '{gone.name}' is gone."))


async def application_named(inner: Core, tenant: str | None, word: str) -> tuple[Tenant, Application]:
    """The tenant and the application that the words name. UsageError when there is none."""
    found = await inner.registry.tenant(tenant)
    return found, await inner.registry.application(found, word)


def _show_app(application: Application, secret: str | None, *, as_json: bool) -> None:
    value = _app_data(application) | ({"secret": secret} if secret else {})

    def human() -> None:
        rows = [("id", application.id), ("name", application.name), ("created", clock.text(application.created)),
                ("permissions", ", ".join(sorted(application.permissions)) or "none")]  # fmt: skip
        table_of(("", ""), rows)
        if secret:
            out.print(f"secret  {secret}")
            err.print("The secret is shown this once. Keep it now.")

    show(value, as_json=as_json, human=human)


@app_app.command("create")
def app_create(
    name: str,
    permission: Annotated[list[str] | None, typer.Option("--permission", "-p", help="May be repeated.")] = None,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Make an application and print its secret, once."""

    async def work(inner: Core) -> tuple[Application, str]:
        return await inner.registry.create_application(await inner.registry.tenant(tenant), name, permission or [])

    _show_app(*with_core(data, database, work), as_json=as_json)


@app_app.command("list")
def app_list(tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the applications of a tenant."""

    async def work(inner: Core) -> list[Application]:
        return await inner.registry.applications(await inner.registry.tenant(tenant))

    found = [_app_data(one) for one in with_core(data, database, work)]
    rows = [(one["id"], one["name"], one["createdDateTime"], ", ".join(one["permissions"])) for one in found]
    show(found, as_json=as_json, human=lambda: table_of(("id", "name", "created", "permissions"), rows))


@app_app.command("show")
def app_show(
    application: str, tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False
) -> None:
    """Show one application, by name or id."""
    _, found = with_core(data, database, lambda inner: application_named(inner, tenant, application))
    _show_app(found, None, as_json=as_json)


@app_app.command("grant")
def app_grant(
    application: str,
    permissions: list[str],
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Grant permissions. The application's next token carries them."""

    async def work(inner: Core) -> Application:
        return await inner.registry.grant(*await application_named(inner, tenant, application), permissions)

    _show_app(with_core(data, database, work), None, as_json=as_json)


@app_app.command("revoke")
def app_revoke(
    application: str,
    permissions: list[str],
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Take permissions away. Tokens already issued end within seconds."""

    async def work(inner: Core) -> Application:
        return await inner.registry.revoke(*await application_named(inner, tenant, application), permissions)

    _show_app(with_core(data, database, work), None, as_json=as_json)


@app_app.command("rotate")
def app_rotate(
    application: str, tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False
) -> None:
    """Make a new secret. The old one and all tokens issued with it end within seconds."""

    async def work(inner: Core) -> tuple[Application, str]:
        owner, found = await application_named(inner, tenant, application)
        secret = await inner.registry.rotate(owner, found)
        return found, secret

    _show_app(*with_core(data, database, work), as_json=as_json)


@app_app.command("delete")
def app_delete(
    application: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Delete an application. Its tokens end within seconds."""

    async def work(inner: Core) -> Application:
        owner, found = await application_named(inner, tenant, application)
        confirm(f"Delete application '{found.name}'?", yes=yes)
        await inner.registry.delete_application(owner, found)
        return found

    gone = with_core(data, database, work)
    show(_app_data(gone), as_json=as_json, human=lambda: out.print(f"Application '{gone.name}' is gone."))
