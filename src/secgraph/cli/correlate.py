"""What other settings would have made of a tenant's alerts."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from secgraph import clock
from secgraph.app import Core
from secgraph.cli.correlation import read
from secgraph.cli.terminal import AsJson, Data, Database, InTenant, err, out, show, table_of, with_core
from secgraph.errors import BadBody, UsageError
from secgraph.ingest.differ import Difference, differing

NAMED = 10
"""Most incidents that are named one by one."""


class Weights(StrEnum):
    """By which counts it is judged how rare things are."""

    RECORDED = "recorded"
    NOW = "now"


def correlate_command(
    replay: Annotated[bool, typer.Option("--replay", help="Go through the log once more, in memory.")] = False,
    since: Annotated[
        str | None, typer.Option(help="From when on it is judged otherwise: 2026-11-01 or 2026-11-01T08:00:00Z.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="A JSON object of settings, as correlation show --json prints it.")
    ] = None,
    weights: Annotated[Weights, typer.Option(help="How common things were then, or are now.")] = Weights.RECORDED,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show what would differ if a tenant's alerts were put together once more, under other settings. Nothing is changed."""
    if not replay:
        raise UsageError("Say --replay: alerts are put together as they come, and here only that is done once more.")
    at = 0 if since is None else clock.ticks(since)
    if at is None:
        raise UsageError(f"--since is an instant, such as 2026-11-01 or 2026-11-01T08:00:00Z; not '{since}'.")
    given = {} if settings is None else read(settings)

    async def work(inner: Core) -> Difference:
        number = (await inner.registry.tenant(tenant)).number
        return await differing(inner.store, number, at, given, now=weights is Weights.NOW)

    try:
        found: Difference = with_core(data, database, work)
    except BadBody as fault:
        raise UsageError(f"{settings}: {fault}") from None
    show(asdict(found), as_json=as_json, human=lambda: _told(found))
    if found.unknown:
        err.print(f"{found.unknown} alerts of the log are there no more. What hung on them may look different here.")
    if found.before:
        err.print(f"{found.before} alerts are from before the log: they are taken to have been where they are now.")


def _told(found: Difference) -> None:
    out.print(f"{found.alerts} alerts in {found.incidents} incidents; they would be in {found.would_be}.")
    if not found.elsewhere:
        out.print("Nothing would differ.")
        return
    out.print(f"{found.elsewhere} alerts would be elsewhere. {len(found.joined)} incidents would be joined of several,"
              f" {len(found.split)} would be split.")  # fmt: skip
    if found.joined:
        rows = [(one.alerts, ", ".join(one.incidents[:NAMED]) + _more(one.incidents)) for one in found.joined[:NAMED]]
        table_of(("alerts", "joined: incidents"), rows)
    if found.split:
        parts = [
            (one.alerts, one.incident, " + ".join(map(str, one.parts[:NAMED])) + _more(one.parts))
            for one in found.split[:NAMED]
        ]
        table_of(("alerts", "split: incident", "into"), parts)


def _more(of: tuple[object, ...]) -> str:
    return f" and {len(of) - NAMED} more" if len(of) > NAMED else ""
