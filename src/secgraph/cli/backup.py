"""A copy of the database while it is in use, and back again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from secgraph import clock
from secgraph.app import FILE, SEAL, seal_of
from secgraph.cli.terminal import AsJson, Data, bar, err, out, show
from secgraph.errors import UsageError
from secgraph.serve import only_server
from secgraph.settings import Settings, gather
from secgraph.store.sqlite import backup
from secgraph.store.sqlite.alone import alone
from secgraph.store.sqlite.backup import Copied, Tick

BESIDE = ("keys", "ca.pem", "quickstart.env", "secgraph.toml")
"""What a data folder holds beside the database and the key that seals."""


def backup_command(
    file: Annotated[Path, typer.Argument(help="The file that the copy is to be.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file when it is there already.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Copy the database as of one instant, while the server goes on. The key that seals is not in the copy: keep it apart."""
    settings = _on_sqlite(data, "pg_dump --format=custom --file=FILE", "archived WAL for any instant between")
    with _ticking("Copying") as tick:
        copied = backup.back_up(settings.folder / FILE, file.absolute(), clock.now, replace=force, tick=tick)
    key = f"the setting seal_key, {settings.origins['seal_key']}" if settings["seal_key"] else str(settings.folder / SEAL)
    beside = [str(settings.folder / name) for name in BESIDE if (settings.folder / name).exists()]

    def human() -> None:
        out.print(f"{file} holds the database as of {clock.text(copied.instant)[:19]}Z: {_said(copied)}.", markup=False)
        if copied.sealed:
            err.print(
                f"The key that opens what is sealed in it is not: {key}. Keep it too, and apart from the copy.", markup=False
            )
        if beside:
            err.print(f"Not in it either: {', '.join(beside)}.", markup=False)

    show(_data(copied) | {"file": str(file.absolute()), "sealKey": key, "notInIt": beside}, as_json=as_json, human=human)


def restore_command(
    file: Annotated[Path, typer.Argument(help="A copy that `secgraph backup` made.")],
    force: Annotated[bool, typer.Option("--force", help="Move a database that is there aside.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Put a copy of the database into the data folder. Stop the server first."""
    settings = _on_sqlite(data, "pg_restore --clean --if-exists --dbname=postgresql://... FILE", "its recovery to an instant")
    file = file.absolute()
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    with only_server(settings.folder), alone(settings.folder), _ticking("Restoring") as tick:
        copied, aside = backup.restore(file, settings.folder / FILE, clock.now, replace=force, tick=tick)
    moved = [str(path) for path in aside]

    def human() -> None:
        when = f" as of {clock.text(copied.instant)[:19]}Z" if copied.instant else ""
        out.print(f"{settings.folder / FILE} holds the copy{when}: {_said(copied)}.", markup=False)
        if moved:
            out.print(f"What was there before: {', '.join(moved)}.", markup=False)
        err.print("Tokens issued before are over, and so are links of delta() from after the copy. What was rotated, revoked"
                  " or deleted since is as it was: do it again.")  # fmt: skip

    if said := _sealed_otherwise(settings, copied):
        err.print(said, style="red", markup=False)
    show(_data(copied) | {"file": str(settings.folder / FILE), "movedAside": moved}, as_json=as_json, human=human)


def _on_sqlite(data: Path | None, command: str, instead: str) -> Settings:
    """The settings of an installation whose database is a file. UsageError where it is a server, which has its own way."""
    settings = gather({"data": data})
    if settings.values.get("database"):
        raise UsageError(f"The database is PostgreSQL, which has its own way: {command}, or {instead}. The key that seals"
                         " (setting seal_key) is in neither: keep it apart.")  # fmt: skip
    return settings


def _said(copied: Copied) -> str:
    tenants = "a tenant" if copied.tenants == 1 else f"{copied.tenants} tenants"
    return f"{tenants}, {copied.size / 2**20:.1f} MiB, every page checked"


def _data(copied: Copied) -> dict[str, Any]:
    return {"asOfDateTime": clock.text(copied.instant) if copied.instant else None, "bytes": copied.size,
            "schema": copied.schema, "tenants": copied.tenants}  # fmt: skip


def _sealed_otherwise(settings: Settings, copied: Copied) -> str:
    """What is wrong with the key that is to open the copy; empty where nothing is."""
    if not copied.sealed:
        return ""
    try:
        seal = seal_of(settings, first=False)
    except UsageError as fault:
        return str(fault)
    if all(seal.made(one) for one in copied.sealed):
        return ""
    return ("What is secret in the copy was sealed with another key than the one that is here. Give the former one in the"
            " setting seal_key, or put its seal.key into the data folder: the server does not start without it.")  # fmt: skip


@contextlib.contextmanager
def _ticking(words: str) -> Iterator[Tick]:
    """A progress bar over the pages of a file."""
    with bar(words) as advance:
        before = 0

        def tick(done: int, _: int) -> None:
            nonlocal before
            advance(done - before)
            before = done

        yield tick
