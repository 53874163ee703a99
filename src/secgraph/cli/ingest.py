"""Taking records in, and those that could not be taken."""

from __future__ import annotations

import contextlib
import io
import sys
import zlib
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from secgraph import clock
from secgraph.app import Core
from secgraph.cli.terminal import AsJson, Data, Database, InTenant, bar, out, show, table_of, with_core
from secgraph.errors import UsageError
from secgraph.extend import sources
from secgraph.ingest.report import Report, as_data


class _FilesOrCommand(typer.core.TyperGroup):
    """A group whose arguments are files unless the first one names a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = ["files", *args]
        return super().parse_args(ctx, args)


ingest_app = typer.Typer(cls=_FilesOrCommand, no_args_is_help=True, help="Take in records: secgraph ingest --source S FILE...")
rejected_app = typer.Typer(no_args_is_help=True, help="Records that could not be taken in.")
ingest_app.add_typer(rejected_app, name="rejected")


@ingest_app.command("files")
def ingest_files(
    files: Annotated[list[str], typer.Argument(help="Files, or - for standard input.")],
    source: Annotated[str, typer.Option("--source", "-s", help="Which product the records are of.")] = "",
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Take in files of one source; the word may be left out: secgraph ingest --source S FILE..."""
    if not source:
        raise UsageError(f"Say which source the records are of: --source NAME. Known sources: {', '.join(sources())}.")

    async def work(inner: Core) -> list[tuple[str, Report]]:
        if not await inner.registry.tenants():
            inner.feeds.kinds.source(source)  # where nothing is configured yet, that is the first to be put right
        found = await inner.registry.tenant(tenant)
        connector = await inner.feeds.reading(found.number, source)
        for name in files:
            if name != "-" and not Path(name).is_file():  # noqa: ASYNC240 -- nobody else waits
                raise UsageError(f"There is no file {name}.")
        reports = []
        with bar("Taking in") as tick:
            for name in files:
                with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as stream:  # noqa: ASYNC230 -- read in a thread, batch by batch
                    reports.append((name, await inner.door.take(found.number, connector, stream, tick=tick)))
        return reports

    reports = with_core(data, database, work)
    show([{"file": name, **as_data(report)} for name, report in reports], as_json=as_json,
           human=lambda: _say_reports(reports))  # fmt: skip
    if any(problem.kept for _, report in reports for problem in report.problems):
        raise typer.Exit(1)


def _say_reports(reports: list[tuple[str, Report]]) -> None:
    for name, report in reports:
        _say_report(name, report)


def _say_report(name: str, report: Report) -> None:
    out.print(f"{name}: {report.taken} taken, {report.unchanged} unchanged, {report.rejected} rejected")
    by_reason: dict[str, list[int]] = {}
    for problem in report.problems:
        by_reason.setdefault(problem.reason + ("" if problem.kept else " (not kept)"), []).append(problem.line)
    for reason, lines in by_reason.items():
        shown = ", ".join(map(str, lines[:10])) + (f" and {len(lines) - 10} more" if len(lines) > 10 else "")
        out.print(f"  {reason}: line {shown}", markup=False)
    for note, times in report.notes.most_common(20):
        out.print(f"  note: {note} ({times} times)", markup=False)


@rejected_app.command("list")
def rejected_list(tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the records that could not be taken in, with the reason."""

    async def work(inner: Core) -> list[dict[str, Any]]:
        return await _rejected(inner, (await inner.registry.tenant(tenant)).number)

    rows = with_core(data, database, work)
    found = [{"number": row["number"], "source": row["source"], "line": row["line"], "reason": row["reason"],
              "receivedDateTime": clock.text(row["received"]),
              "record": zlib.decompress(row["data"]).decode("utf-8", "replace")} for row in rows]  # fmt: skip
    heads = ("number", "source", "line", "received", "reason")
    show(found, as_json=as_json, human=lambda: table_of(
        heads, [(one["number"], one["source"], one["line"], one["receivedDateTime"], one["reason"]) for one in found],
    ))  # fmt: skip


async def _rejected(inner: Core, tenant: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while more := await inner.store.fetch("rejected", tenant=tenant, after=rows[-1]["number"] if rows else 0, most=500):
        rows += more
    return rows


@rejected_app.command("retry")
def rejected_retry(tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """Take the rejected records in once more; those that fail again are kept with their new reason."""

    async def work(inner: Core) -> Report:
        return await retried(inner, (await inner.registry.tenant(tenant)).number)

    report = with_core(data, database, work)
    show(as_data(report), as_json=as_json, human=lambda: _say_report("retried", report))


async def retried(inner: Core, tenant: int, name: str | None = None) -> Report:
    """What becomes of the rejected records, of one source or of all, when they are taken in once more."""
    whole = Report()
    for row in await _rejected(inner, tenant):
        if name not in {None, row["source"]}:
            continue
        try:
            connector = await inner.feeds.reading(tenant, row["source"])
        except UsageError as gone:  # its source was removed, or cannot be used now: it stays
            whole.reject(row["line"], str(gone), kept=True)
            continue
        report = await inner.door.take(tenant, connector, io.BytesIO(zlib.decompress(row["data"])))
        await inner.store.run(("rejected_delete", {"tenant": tenant, "number": row["number"]}))
        whole.taken += report.taken
        whole.unchanged += report.unchanged
        for problem in report.problems:
            whole.reject(row["line"], problem.reason, kept=problem.kept)
    return whole
