"""How long a tenant keeps what, and taking away what it keeps no longer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from secgraph import clock
from secgraph.app import Core
from secgraph.cli.terminal import AsJson, Data, Database, InTenant, bar, err, out, show, table_of, with_core
from secgraph.errors import UsageError
from secgraph.ingest.prune import Pruned, prune
from secgraph.settings import gather
from secgraph.store.registry import Tenant
from secgraph.store.retention import KINDS, Retention, retain, retention

retention_app = typer.Typer(no_args_is_help=True, help="How long a tenant keeps its alerts, original records and log.")

SAYS = {
    "alerts": "resolved alerts, and incidents that hold none any more",
    "originals": "original records, as they came",
    "events": "the log, and what delta() knows of removed rows",
}
Days = Annotated[int | None, typer.Option(help="Days; 0 keeps all.", show_default=False)]


def _show(tenant: Tenant, kept: Retention, *, as_json: bool) -> None:
    rows = [(kind, f"{days} days" if (days := getattr(kept, kind)) else "all", SAYS[kind]) for kind in KINDS]
    show({"tenant": tenant.name, **asdict(kept)}, as_json=as_json, human=lambda: table_of(("kind", "kept", "what it is"), rows))


@retention_app.command("show")
def retention_show(tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """Show how long a tenant keeps what."""

    async def work(inner: Core) -> tuple[Tenant, Retention]:
        found = await inner.registry.tenant(tenant)
        return found, await retention(inner.store, found.number)

    _show(*with_core(data, database, work), as_json=as_json)


@retention_app.command("set")
def retention_set(
    alerts: Days = None,
    originals: Days = None,
    events: Days = None,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Set how long a tenant keeps what. What is older is taken away within the hour, and does not come back."""
    if alerts is None and originals is None and events is None:
        raise UsageError("Say what is kept for how many days: --alerts, --originals, --events.")

    async def work(inner: Core) -> tuple[Tenant, Retention]:
        found = await inner.registry.tenant(tenant)
        return found, await retain(inner.store, found.number, alerts=alerts, originals=originals, events=events)

    found, kept = with_core(data, database, work)
    _show(found, kept, as_json=as_json)
    links = gather({"data": data})["delta_days"]
    if 0 < kept.events < links:
        err.print(f"Links of delta() are good for {links} days (delta_days), but those older than the log that is kept,"
                  f" {kept.events} days, are answered 410: their clients start over.")  # fmt: skip


@retention_app.command("run")
def retention_run(tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """Take away now what a tenant keeps no longer; a server does so every hour."""

    async def work(inner: Core) -> Pruned:
        found = await inner.registry.tenant(tenant)
        with bar("Taking away") as tick:
            return await prune(inner.store, inner.model, found.number, clock.now, most=2**62, tick=tick)

    done = with_core(data, database, work)
    said = (
        f"{done.alerts} alerts, {done.incidents} incidents, {done.originals} original records, {done.events} lines of the log"
    )
    show(asdict(done), as_json=as_json, human=lambda: out.print(f"Taken away: {said}."))
