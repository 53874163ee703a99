"""What the verbs share: their common options, an open core, and how they talk to a person or a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from secgraph.app import Core, core
from secgraph.errors import UsageError
from secgraph.settings import gather
from secgraph.settled import settle

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Data = Annotated[Path | None, typer.Option("--data", help="Data folder (default ./data).")]
Database = Annotated[
    str | None, typer.Option("--database", help="PostgreSQL database instead of SQLite's file: an address, or @file with it.")
]
InTenant = Annotated[str | None, typer.Option("--tenant", help="Tenant by name or id; may be left out when there is one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def with_core(data: Path | None, database: str | None, work: Callable[[Core], Awaitable[Any]]) -> Any:
    """What the work gives on an open core of a data folder and its database."""
    settings = gather({"data": data, "database": database})

    async def run() -> Any:
        async with core(settings) as inner:
            settle()
            return await work(inner)

    return asyncio.run(run())


def show(value: Any, *, as_json: bool, human: Callable[[], None]) -> None:
    """Prints the value as JSON for a script, or what `human` says for a person."""
    if as_json:
        sys.stdout.write(json.dumps(value, indent=2) + "\n")
    else:
        human()


@contextlib.contextmanager
def bar(words: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; nothing anywhere else."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(words, total=total)
        yield lambda done: progress.advance(task, done)


def table_of(heads: tuple[str, ...], rows: list[Any]) -> None:
    """Prints rows under their heads."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        made.add_column(head, overflow="fold")
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    out.print(made)


def confirm(question: str, *, yes: bool) -> None:
    """Passes once the person said yes; a UsageError when there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Say so with --yes.")
    if not typer.confirm(question):
        raise UsageError("Nothing was changed.")
