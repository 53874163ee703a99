"""The inventory of assets: taken in from a file, listed, removed."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.app import Core
from secgraph.cli.terminal import AsJson, Data, Database, InTenant, bar, confirm, out, show, table_of, with_core
from secgraph.errors import UsageError
from secgraph.ingest.assets.bring import Brought, bring
from secgraph.ingest.assets.inventory import Inventory
from secgraph.ingest.assets.register import Register
from secgraph.model.choices import ASSETS
from secgraph.odata import bind
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Key

asset_app = typer.Typer(no_args_is_help=True, help="Assets: the users, devices and applications that alerts name.")


@asset_app.command("import")
def asset_import(
    file: Annotated[str, typer.Argument(help="A CSV file, or - for standard input.")],
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Take a CSV file of assets in, one a row. Exit status 1 where a row was refused; the others are taken."""
    if file != "-" and not Path(file).is_file():
        raise UsageError(f"There is no file {file}.")

    async def work(inner: Core) -> Brought:
        found = await inner.registry.tenant(tenant)
        with (
            bar("Taking in") as tick,
            contextlib.nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream,  # noqa: ASYNC230 -- read in a thread, some rows at a time
        ):
            return await bring(inner.assets, found.number, stream, tick)

    done: Brought = with_core(data, database, work)
    refused = len(done.refused) + done.more_refused
    show({
        "created": done.created, "changed": done.changed, "unchanged": done.unchanged, "refused": refused,
        "problems": [{"line": one.line, "reason": one.reason} for one in done.refused], "moreProblems": done.more_refused,
    }, as_json=as_json, human=lambda: _say(done, refused))  # fmt: skip
    if refused:
        raise typer.Exit(1)


def _say(done: Brought, refused: int) -> None:
    out.print(f"{done.created} created, {done.changed} changed, {done.unchanged} unchanged, {refused} refused")
    for one in done.refused[:50]:
        out.print(f"  line {one.line}: {one.reason}", markup=False)
    if refused > 50:
        out.print(f"  and {refused - 50} more; --json lists the first thousand")


@asset_app.command("list")
def asset_list(
    filter_: Annotated[str, typer.Option("--filter", help="A $filter, such as: criticality ge 'high'.")] = "",
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List the assets of a tenant, the newest first."""
    found: list[dict[str, Any]] = with_core(data, database, lambda inner: _listed(inner, tenant, filter_))
    rows = [
        (one["id"], one["displayName"] or "", one["kind"], one["criticality"], one["owner"] or "", ", ".join(one["tags"]),
         ", ".join(alias["value"] for alias in one["aliases"]))
        for one in found
    ]  # fmt: skip
    heads = ("id", "name", "kind", "criticality", "owner", "tags", "aliases")
    show(found, as_json=as_json, human=lambda: table_of(heads, [tuple(map(escape, row)) for row in rows]))


async def _listed(inner: Core, tenant: str | None, condition: str) -> list[dict[str, Any]]:
    found = await inner.registry.tenant(tenant)
    one = inner.model.sets[ASSETS]
    query = bind.query(one, {"$top": str(one.choices.page_most), **({"$filter": condition} if condition else {})}, inner.model)
    scoped = narrow(query, Caller(found.number, found.id, "", "the command line", frozenset()))
    documents: list[bytes] = []
    after: Key | None = None
    while True:
        page = await inner.store.find(scoped, after)
        documents += page.documents
        if page.next is None:
            return [_bare(json.loads(document)) for document in documents]
        after = page.next


def _bare(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if "@" not in name}


@asset_app.command("remove")
def asset_remove(
    ids: Annotated[list[str], typer.Argument(help="Ids of assets.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Remove assets by their ids: all of them, or none where one is not there."""
    wanted = list(dict.fromkeys(key.strip().casefold() for key in ids))

    def needs(_: Inventory) -> Needs:
        return Needs(rows=tuple((ASSETS, key) for key in wanted))

    def decide(facts: Facts, register: Register) -> None:
        unknown = [key for key in wanted if (ASSETS, key) not in facts.rows]
        if unknown:
            raise UsageError(f"There is no asset {', '.join(unknown[:10])}. See: secgraph asset list.")
        for key in wanted:
            register.remove(key, "command line")

    async def work(inner: Core) -> None:
        found = await inner.registry.tenant(tenant)
        confirm(f"Remove {len(wanted)} assets of tenant '{found.name}'?", yes=yes)
        await inner.assets.write(found.number, needs, decide)

    with_core(data, database, work)
    show(wanted, as_json=as_json, human=lambda: out.print(f"Removed: {', '.join(wanted)}.", markup=False))
